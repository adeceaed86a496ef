using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>A request that waits: completed exactly once, when granted or given up.</summary>
public abstract class LockTicket
{
    /// <summary>Answers the request; never call it while holding the lock of a table.</summary>
    public abstract void Complete(Errno error);
}

/// <summary>A waiting INODELK, FINODELK, ENTRYLK or FENTRYLK; pooled.</summary>
internal sealed class LockTicket<TReply> : LockTicket
    where TReply : Reply, IReply<TReply>
{
    private PendingReply<TReply>? _pending;

    public static LockTicket<TReply> Rent(out ValueTask<TReply> task)
    {
        var ticket = Pool<LockTicket<TReply>>.Rent();
        ticket._pending = PendingReply<TReply>.Rent();
        task = ticket._pending.Task;
        return ticket;
    }

    /// <summary>Takes the ticket back when the request did not have to wait; its task is completed.</summary>
    public override void Complete(Errno error)
    {
        var pending = _pending!; // Set by Rent, the only maker.
        _pending = null;
        Pool<LockTicket<TReply>>.Return(this);
        pending.Complete(error == Errno.Ok ? TReply.Rent() : TReply.Fail(error));
    }
}

/// <summary>A waiting LK; its answer repeats the lock.</summary>
internal sealed class PosixLockTicket : LockTicket
{
    private PendingReply<LkReply>? _pending;
    private Flock _flock;

    public static PosixLockTicket Rent(in Flock flock, out ValueTask<LkReply> task)
    {
        var ticket = Pool<PosixLockTicket>.Rent();
        ticket._flock = flock;
        ticket._pending = PendingReply<LkReply>.Rent();
        task = ticket._pending.Task;
        return ticket;
    }

    public override void Complete(Errno error)
    {
        var pending = _pending!; // Set by Rent, the only maker.
        var flock = _flock;
        _pending = null;
        _flock = default;
        Pool<PosixLockTicket>.Return(this);
        var reply = error == Errno.Ok ? LkReply.Rent() : LkReply.Fail(error);
        reply.Flock = flock;
        pending.Complete(reply);
    }
}
