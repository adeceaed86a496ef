using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>Record locks, and what FLUSH means for them.</summary>
public sealed partial class JournalTranslator
{
    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) =>
        _locks is { } locks ? LkAsync(locks, fop, call) : Next.Lk(in fop, call);

    /// <summary>Keeps a lease that features/leases has granted, or ends one that was given back.</summary>
    public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call) =>
        _locks is { } locks && SessionKey.Of(fop.XData) is var session && session.Session != 0
            && fop.Lease.Command is LeaseCommand.Set or LeaseCommand.Unlock && !fop.Lease.Id.IsNull
            ? LeaseAsync(locks, session, fop, call) : new ValueTask<LeaseReply>(LeaseReply.Fail(Errno.EOPNOTSUPP));

    /// <summary>
    /// Ends all that the owner has on the file, when it is numbered: the client knows that there may be something.
    /// </summary>
    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) =>
        _locks is { } locks && SessionKey.Of(fop.XData) is var session && session.Session != 0
            ? FlushAsync(locks, session, fop, call) : Next.Flush(in fop, call);

    /// <summary>An administrator clears record locks. Source: volume clear-locks.</summary>
    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call) =>
        _locks is { } locks && ClearLocksName.IsOne(fop.Name)
        && ClearLocksName.TryParse(fop.Name, out var type, out var clearing) && type == ClearLocksType.Posix
            ? ClearAsync(locks, fop, clearing, call) : Next.Getxattr(in fop, call);

    private async ValueTask<GetxattrReply> ClearAsync(
        JournalLocks locks, GetxattrFop fop, LockClearing clearing, Call call)
    {
        if (call.Uid != 0)
        {
            return GetxattrReply.Fail(Errno.EPERM);
        }

        var (error, held, waiting) = await locks.ClearAsync(fop.Gfid, clearing);
        return error == Errno.Ok
            ? ClearLocksName.Answer(fop.Name, Name, ClearLocksType.Posix, held, waiting) : GetxattrReply.Fail(error);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<LkReply> LkAsync(JournalLocks locks, LkFop fop, Call call)
    {
        // The type that counts is the fop's own, like on the wire; the owner that counts is the credential's.
        var flock = fop.Flock with { Type = fop.Type };
        if (!HeldLock.TryGetEnd(in flock, out var end) || fop.Type > LockType.Unlock)
        {
            return Answer(in flock, Errno.EINVAL);
        }

        var gfid = fop.Fd.FileOf(fop.Gfid);
        var session = SessionKey.Of(fop.XData);
        var isClaimed = LockClaim.TryRead(fop.XData, out var claim);
        var behind = LockSession.Of(fop.XData);
        var wanted = new RangeLock(
            !behind.IsNone ? behind.Id : session.Session != 0 ? session.Session : claim.Session,
            behind.IsNone ? call.LockOwner : behind.Owner, fop.Type, flock.Start, end, flock.Pid);
        if (isClaimed && fop.Type == LockType.Unlock && LockSession.HasLeft(fop.XData))
        {
            locks.TakeBack(claim);
            return Answer(in flock, Errno.Ok);
        }

        if (fop.Command != LockCommand.GetLock && !behind.IsNone
            && await EnterAsync(locks, behind, gfid, wanted, LockSession.WasHeld(fop.XData), call.Client) is var refused
            && refused != Errno.Ok)
        {
            return Answer(in flock, refused);
        }

        switch (fop.Command)
        {
            case LockCommand.GetLock:
                var (error, conflict) = await locks.LookAsync(gfid, wanted);
                return Answer(conflict is { } held ? FlockOf(held) : flock with { Type = LockType.Unlock }, error);
            case LockCommand.SetLock when session.Session != 0:
                var former = behind.IsNone ? locks.FormerOf(gfid, wanted, fop.XData) : default;
                var record = new LockRecord(LockAction.Set, gfid, wanted) { Former = former };
                return Answer(in flock, await locks.ChangeAsync(session, record));
            case LockCommand.SetLock when isClaimed && claim.Ask == LockAsk.Check && claim.Session != 0:
                return Answer(in flock, await locks.CheckAsync(gfid, wanted));
            case LockCommand.SetLockWait when isClaimed && claim.Session != 0 && fop.Type != LockType.Unlock:
                return Answer(in flock, await locks.WaitAsync(gfid, wanted, claim, call.Client));
            case LockCommand.SetLock or LockCommand.SetLockWait:
                return Answer(in flock, Errno.ENOLCK); // Nobody could say whose it is when another member leads.
            default:
                return Answer(in flock, Errno.EINVAL);
        }
    }

    /// <summary>A client behind a proxy asks; what it has held before it gets only when it still holds it.</summary>
    private static async ValueTask<Errno> EnterAsync(
        JournalLocks locks, LockSession behind, Gfid gfid, RangeLock wanted, bool wasHeld, ClientIdentity? client)
    {
        var error = await locks.EnterAsync(behind, client);
        return error == Errno.Ok && wasHeld ? await locks.CheckSomeAsync(gfid, wanted) : error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<FlushReply> FlushAsync(JournalLocks locks, SessionKey session, FlushFop fop, Call call)
    {
        var behind = LockSession.Of(fop.XData);
        var error = behind.IsNone ? Errno.Ok : await locks.EnterAsync(behind, call.Client);
        if (error == Errno.Ok)
        {
            var all = behind.IsNone
                ? new RangeLock(session.Session, call.LockOwner, LockType.Unlock, 0, long.MaxValue, 0)
                : new RangeLock(behind.Id, behind.Owner, LockType.Unlock, 0, long.MaxValue, 0);
            error = await locks.ChangeAsync(session, new LockRecord(
                LockAction.DropOwner, fop.Fd.FileOf(fop.Gfid), all));
        }

        return error == Errno.Ok ? await Next.Flush(in fop, call) : FlushReply.Fail(error);
    }

    /// <summary>
    /// The lease of a session, or of a client behind the proxy that has this session. Who asks for what it has does not
    /// get it anew: others may have had the file.
    /// </summary>
    private static async ValueTask<LeaseReply> LeaseAsync(
        JournalLocks locks, SessionKey session, LeaseFop fop, Call call)
    {
        var behind = LockSession.Of(fop.XData);
        var holder = behind.IsNone ? session.Session : behind.Id;
        var error = behind.IsNone ? Errno.Ok : await locks.EnterAsync(behind, call.Client);
        if (error == Errno.Ok)
        {
            error = fop.Lease.Command == LeaseCommand.Set && LockSession.WasHeld(fop.XData)
                ? await locks.CheckLeaseAsync(holder, fop.Gfid, fop.Lease)
                : await locks.ChangeLeaseAsync(session, holder, fop.Gfid, fop.Lease);
        }

        return error == Errno.Ok ? LeaseReply.Rent() : LeaseReply.Fail(error);
    }

    private static LkReply Answer(in Flock flock, Errno error)
    {
        var reply = error == Errno.Ok ? LkReply.Rent() : LkReply.Fail(error);
        reply.Flock = flock;
        return reply;
    }

    private static Flock FlockOf(in RangeLock held) => new(
        held.Type, 0, held.Start, held.End == long.MaxValue ? 0 : held.End - held.Start + 1, held.Pid, held.Owner);
}
