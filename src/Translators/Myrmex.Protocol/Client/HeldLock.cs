using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>
/// A POSIX lock that the server has granted through an fd, and on which attachment it has. <c>End</c> is inclusive.
/// Never changed: what happens to a lock takes it out of the book and perhaps puts others in its place.
/// </summary>
internal sealed record HeldLock(
    ClientFd Open,
    ClientAttachment Attachment,
    LkOwner Owner,
    int CallerPid,
    uint Pid,
    LockType Type,
    long Start,
    long End)
{
    /// <summary>Last byte of a lock "to the end of the file".</summary>
    public const long EndOfFile = long.MaxValue;

    public Flock ToFlock(LockType type) => new(type, 0, Start, End == EndOfFile ? 0 : End - Start + 1, Pid, Owner);

    /// <summary>The last byte of a lock request; false for one that is not kept: relative to a position only the
    /// server knows, or no range.
    /// </summary>
    public static bool TryGetEnd(in Flock flock, out long end)
    {
        end = flock.Length == 0 ? EndOfFile : flock.Start + flock.Length - 1;
        return flock is { Whence: 0, Start: >= 0, Length: >= 0 } && end >= flock.Start;
    }
}
