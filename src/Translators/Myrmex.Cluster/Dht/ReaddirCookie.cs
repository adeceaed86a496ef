using System.Numerics;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Positions in a listing of several subvolumes, in one number below 2^63 that any process can resume from.
/// </summary>
/// <remarks>
/// With k = bits for the places (each subvolume in each of its turns, see <see cref="ListingTurn"/>) and one more
/// value, and c = the subvolume's own cookie (below 2^63):
/// <list type="bullet">
/// <item>bit 62 clear, c below 2^(62-k): the number is <c>c * 2^k + place</c>, exact (XFS, Btrfs, most
/// others);</item>
/// <item>bit 62 set: the number is <c>2^62 + (c / 2^(k+1)) * 2^k + place</c>. The low k+1 bits of c are lost (ext4
/// uses all 63 for a hash); reading goes on at the first position with the same upper bits, unless the open directory
/// still remembers the exact one, see <see cref="DirectoryFd"/>;</item>
/// <item>bit 62 clear, all k low bits set: a token that only the open directory which gave it out understands.</item>
/// </list>
/// </remarks>
internal readonly struct ReaddirCookie
{
    private const ulong Rounded = 1UL << 62;
    private const ulong Below = 1UL << 63;

    private readonly int _bits;

    public ReaddirCookie(int placeCount)
    {
        Invariant.Check(placeCount > 0);
        _bits = BitOperations.Log2((uint)placeCount) + 1;
    }

    private ulong IndexMask => (1UL << _bits) - 1;

    /// <summary>True when the number of a cookie of this size is exact.</summary>
    public bool IsExact(ulong cookie) => cookie < Rounded >> _bits;

    public bool IsRounded(ulong number) => (number & Rounded) != 0;

    public bool IsToken(ulong number) => !IsRounded(number) && (number & IndexMask) == IndexMask;

    /// <summary>The number for a position of one subvolume in one of its turns.</summary>
    public ulong Join(ulong cookie, int place)
    {
        Invariant.Check(cookie < Below);
        return IsExact(cookie)
            ? (cookie << _bits) | (uint)place
            : Rounded | (cookie >> (_bits + 1) << _bits) | (uint)place;
    }

    public ulong Token(ulong count) => (count << _bits) | IndexMask;

    /// <summary>The position a number stands for; when it was rounded, the first one that it may stand for.</summary>
    public (ulong Cookie, int Place) Split(ulong number)
    {
        var place = (int)(number & IndexMask);
        var rest = (number & ~Rounded) >> _bits;
        return (IsRounded(number) ? rest << (_bits + 1) : rest, place);
    }
}
