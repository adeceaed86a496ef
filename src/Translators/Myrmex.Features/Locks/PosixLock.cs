using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>A held POSIX record lock. <c>End</c> is the last byte; <see cref="long.MaxValue"/> means to the end.</summary>
/// <param name="Fd">The open file it was taken through; null for an anonymous one.</param>
public readonly record struct PosixLock(LockHolder Holder, LockType Type, long Start, long End, uint Pid, Fd? Fd)
{
    /// <summary>
    /// Since when its connection is gone, in milliseconds of the monotonic clock; 0 while it is there. Its session may
    /// take it over through another one until it is dropped.
    /// </summary>
    public long LeftMs { get; init; }

    public Flock ToFlock() =>
        new(Type, 0, Start, End == long.MaxValue ? 0 : End - Start + 1, Pid, Holder.Owner);
}

/// <summary>A request for a lock, or with <see cref="LockType.Unlock"/> for giving one up.</summary>
/// <param name="Ticket">Null when the request may not wait.</param>
public readonly record struct PosixLockRequest(Gfid Gfid, PosixLock Lock, LockTicket? Ticket);
