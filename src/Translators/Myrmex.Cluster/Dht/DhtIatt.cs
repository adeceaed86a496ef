using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// What the mode of a file says to the distribute translator, and how attributes of a directory are combined.
/// </summary>
internal static class DhtIatt
{
    private const uint MarkBits = FileMode.Sticky | FileMode.SetGid;

    /// <summary>
    /// Mode of a link file: regular and nothing but the sticky bit. The linkto xattr must be there too.
    /// </summary>
    public static bool HasLinkMode(in Iatt iatt) =>
        iatt.Mode == (FileMode.Regular | FileMode.Sticky);

    /// <summary>Both bits that rebalance sets on the source of a file it moves.</summary>
    public static bool HasMarkBits(in Iatt iatt) => iatt.IsRegular && (iatt.Mode & MarkBits) == MarkBits;

    /// <summary>True when the mode may mean that the file is being moved or has been.</summary>
    public static bool NeedsCare(in Iatt iatt) => HasLinkMode(in iatt) || HasMarkBits(in iatt);

    /// <summary>Takes the marks of a migration away, for the eyes of a user.</summary>
    public static void StripMarks(ref Iatt iatt)
    {
        if (HasMarkBits(in iatt))
        {
            iatt.Mode &= ~MarkBits;
        }
    }

    public static bool OwnersDiffer(in Iatt left, in Iatt right) =>
        left.Mode != right.Mode || left.Uid != right.Uid || left.Gid != right.Gid;

    /// <summary>
    /// Adds another subvolume's view of the same directory: sizes add up, the latest times win. Owner, mode and link
    /// count stay those of the first view: every subvolume has all sub-directories, so one of them counts them all.
    /// </summary>
    public static void AddDirectory(ref Iatt into, in Iatt other)
    {
        if (other.IsNull)
        {
            return;
        }

        into.Size += other.Size;
        into.Blocks += other.Blocks;
        TakeLater(ref into.Atime, ref into.AtimeNsec, other.Atime, other.AtimeNsec);
        TakeLater(ref into.Mtime, ref into.MtimeNsec, other.Mtime, other.MtimeNsec);
        TakeLater(ref into.Ctime, ref into.CtimeNsec, other.Ctime, other.CtimeNsec);
    }

    private static void TakeLater(ref long seconds, ref uint nanoseconds, long otherSeconds, uint otherNanoseconds)
    {
        if (otherSeconds > seconds || (otherSeconds == seconds && otherNanoseconds > nanoseconds))
        {
            seconds = otherSeconds;
            nanoseconds = otherNanoseconds;
        }
    }
}
