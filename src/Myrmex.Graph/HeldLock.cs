using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// A POSIX lock that was granted through an fd, and where: an object that stands for one attachment to one server,
/// compared by reference. <c>End</c> is inclusive. Never changed: what happens to a lock takes it out of the book and
/// perhaps puts others in its place.
/// </summary>
public sealed record HeldLock(
    Fd Fd,
    object Place,
    LkOwner Owner,
    int CallerPid,
    uint Pid,
    LockType Type,
    long Start,
    long End)
{
    /// <summary>The client behind a proxy whose it is; none for all others.</summary>
    public LockSession Session { get; init; }

    /// <summary>Last byte of a lock "to the end of the file".</summary>
    public const long EndOfFile = long.MaxValue;

    public Flock ToFlock(LockType type) => new(type, 0, Start, End == EndOfFile ? 0 : End - Start + 1, Pid, Owner);

    /// <summary>The fop that asks for the lock again, or with <see cref="LockType.Unlock"/> gives it up.</summary>
    /// <param name="xdata">What goes with it; the caller keeps it.</param>
    public LkFop ToFop(LockType type, XData? xdata) => new()
    {
        Gfid = Fd.Gfid,
        Fd = Fd,
        Command = LockCommand.SetLock,
        Type = type,
        Flock = ToFlock(type),
        XData = xdata,
    };

    /// <summary>The call for <see cref="ToFop"/>, as the lock's owner; release it after the fop.</summary>
    public Call ToCall()
    {
        var call = Call.Internal(CallerPid);
        call.LockOwner = Owner;
        return call;
    }

    /// <summary>The last byte of a lock request; false for one that is not kept: relative to a position only the
    /// server knows, or no range.
    /// </summary>
    public static bool TryGetEnd(in Flock flock, out long end)
    {
        end = flock.Length == 0 ? EndOfFile : flock.Start + flock.Length - 1;
        return flock is { Whence: 0, Start: >= 0, Length: >= 0 } && end >= flock.Start;
    }
}
