using System;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Myrmex.Base;

/// <summary>
/// Whose a POSIX lock or a lease is, whichever proxy it came through: in the xdata of LK and FLUSH as
/// <see cref="Key"/>, and in that of LEASE, and of OPEN and CREATE with a lease id, without an owner. A lock service
/// knows two requests with the same id and owner for one holder, so the holder's locks go on at another proxy. A
/// replica set keeps them in its journal as those of a session with that id (<see cref="LockClaim"/>).
/// <code>
/// offset size
///      0   16  id, big-endian, random: who knows it is that client
///     16    4  epoch, little-endian: the client counts the proxies that it has used
///     20    *  lock owner, as the client sees it
/// </code>
/// </summary>
/// <param name="Id">0 for none.</param>
/// <param name="Epoch">Requests of a lower one than was seen already are late, and are refused with ECANCELED.</param>
/// <param name="Owner">The process, as its client names it.</param>
public readonly record struct LockSession(UInt128 Id, uint Epoch, LkOwner Owner)
{
    private const int HeadBytes = 20;

    public static ReadOnlySpan<byte> Key => "myrmex.locks"u8;

    /// <summary>
    /// In the xdata of RELEASE: the client has left without a word and may come back through another proxy, so what a
    /// session holds through the fd is kept for a while. In that of an unlock: so what waits for exactly the range is
    /// taken back, and what is held stays.
    /// </summary>
    public static ReadOnlySpan<byte> LeftKey => "myrmex.left"u8;

    /// <summary>
    /// Value of <see cref="LeftKey"/> in an unlocking LEASE: nobody comes back for it, however often it was set. 1 is
    /// for a client that may come through another proxy.
    /// </summary>
    public const int LeftForGood = 2;

    /// <summary>
    /// In the xdata of LK: it was granted before, and is asked for again because its client has lost its proxy. Who
    /// keeps locks, as a replica set does, answers ENOLCK when nothing of it is held any more: somebody may have had
    /// it. So in the xdata of LEASE: nothing is granted anew.
    /// </summary>
    public static ReadOnlySpan<byte> HeldKey => "myrmex.held"u8;

    public bool IsNone => Id == 0;

    /// <summary>
    /// What an administrator may see of an id, 16 hexadecimal digits: it tells clients apart, and nobody becomes one by
    /// it.
    /// </summary>
    public static string Shown(UInt128 id)
    {
        Span<byte> bytes = stackalloc byte[16];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, id);
        SHA256.HashData(bytes, hash);
        return Convert.ToHexStringLower(hash[..8]);
    }

    /// <summary>
    /// It is the client's own, who may come through another proxy. A proxy that names a client which has no name of its
    /// own uses epoch 0, and says itself when that has gone.
    /// </summary>
    public bool CanReturn => Epoch > 0;

    /// <summary>Whether a request says that its client has left without a word.</summary>
    public static bool HasLeft(XData? xdata) => xdata is { Count: > 0 } && xdata.Contains(LeftKey);

    /// <summary>Whether nobody comes back for what it unlocks.</summary>
    public static bool HasLeftForGood(XData? xdata) =>
        xdata is { Count: > 0 } && xdata.TryGetInt(LeftKey, out var how) && how == LeftForGood;

    /// <summary>What a request says; none when it says nothing, or nothing that could be right.</summary>
    public static LockSession Of(XData? xdata) =>
        xdata is not null && xdata.Count > 0 && xdata.TryGetBytes(Key, out var bytes) && bytes.Length >= HeadBytes
        && bytes.Length <= HeadBytes + LkOwner.LengthMax
            ? new LockSession(
                BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]),
                new LkOwner(bytes[HeadBytes..]))
            : default;

    /// <summary>Puts it into the xdata of a request.</summary>
    public void WriteTo(XData xdata)
    {
        Span<byte> bytes = stackalloc byte[HeadBytes + LkOwner.LengthMax];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Id);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[16..], Epoch);
        Owner.CopyTo(bytes[HeadBytes..]);
        xdata.SetBytes(Key, bytes[..(HeadBytes + Owner.Length)]);
    }

    /// <summary>Whether a lock was granted before.</summary>
    public static bool WasHeld(XData? xdata) => xdata is { Count: > 0 } && xdata.Contains(HeldKey);

    /// <summary>A new dictionary that says this alone; null for none. The caller releases it.</summary>
    public XData? RentXData()
    {
        if (IsNone)
        {
            return null;
        }

        var xdata = XData.Rent();
        WriteTo(xdata);
        return xdata;
    }
}
