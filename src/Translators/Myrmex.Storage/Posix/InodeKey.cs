using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// What tells two inodes of a brick's file system apart for as long as the process lives: an inode number is used
/// again, but not with the same birth time in nanoseconds. Unusable where the file system keeps no birth times.
/// </summary>
internal readonly record struct InodeKey(ulong Ino, ulong BirthNs)
{
    public bool IsUsable => BirthNs != 0;

    public static InodeKey Of(in FileStat stat) =>
        new(stat.Ino, stat.HasBirthTime ? ((ulong)stat.Btime.Seconds * 1_000_000_000) + stat.Btime.Nanoseconds : 0);

    /// <summary>The key in the shape of the table it is used with.</summary>
    public Gfid ToMapKey() => new(Ino, BirthNs);
}
