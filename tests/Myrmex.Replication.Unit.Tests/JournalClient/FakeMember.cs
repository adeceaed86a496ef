using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>
/// A member as its client sees it through protocol/client: requests and answers take time, links break, answers get
/// lost after the change, and who does not lead says so. Fds and locks are its own, names and data those of the set.
/// </summary>
internal sealed class FakeMember(TranslatorPlace place, ClientBed bed, int number)
    : LeafTranslator(place), IServerPlace, ICacheLease
{
    private readonly HashSet<Fd> _open = [];
    private readonly List<IUnderWay> _underWay = [];
    private readonly List<(ModelLock Wanted, ulong Number, TaskCompletionSource<Errno> End)> _waits = [];
    private readonly List<(string Domain, LkOwner Owner)> _internalLocks = [];

    public int Number => number;

    public bool IsUp { get; private set; }

    public bool Leads => bed.Leader == number;

    public bool IsOnThisMachine { get; set; }

    /// <summary>What a READ that may be answered by any member is in <see cref="Calls"/>.</summary>
    public const uint HereFlag = 0x4000_0000;

    /// <summary>Answers such reads though another member leads.</summary>
    public bool ReadsHere { get; set; } = true;

    /// <summary>Answers nothing while true; what was sent is not lost.</summary>
    public bool Hangs { get; set; }

    /// <summary>Decides what a fop hears instead of being executed; null to execute it.</summary>
    public Func<FopCode, Errno?>? Instead { get; set; }

    /// <summary>Decides whether the answer of an executed fop is lost, and the link is not.</summary>
    public Func<FopCode, bool>? Loses { get; set; }

    /// <summary>Says that it has opened, and has not.</summary>
    public bool OnlySaysOpen { get; set; }

    /// <summary>Says that it has locked, and has not.</summary>
    public bool OnlySaysLocked { get; set; }

    public List<(FopCode Code, uint Flags)> Calls { get; } = [];

    /// <summary>Those of the set.</summary>
    public List<ModelLock> Locks => bed.Set.Locks;

    /// <summary>Sessions that have said to this member that they are there.</summary>
    public List<UInt128> Holding { get; } = [];

    public int OpenCount => _open.Count;

    /// <summary>Files that were closed because their client had gone without a word.</summary>
    public int Left { get; private set; }

    public int InternalLockCount => _internalLocks.Count;

    public byte[]? LastRecord { get; private set; }

    /// <summary>Who wants to hear of its promise.</summary>
    public ICacheLeaseWatcher? Watcher { get; private set; }

    public void WatchLease(ICacheLeaseWatcher? watcher) => Watcher = watcher;

    public int CallsOf(FopCode code) => Calls.Count(c => c.Code == code);

    public void Connect()
    {
        IsUp = true;
        if (!Leads)
        {
            _open.Clear(); // What protocol/client wanted to open again was refused.
        }

        NotifyParents(new GraphEvent(GraphEventKind.ChildUp));
    }

    /// <summary>The link breaks: what is under way is answered, and may still arrive.</summary>
    public void Break()
    {
        IsUp = false;
        var ended = _underWay.ToArray();
        _underWay.Clear();
        Array.ForEach(ended, request => request.Break());
        NotifyParents(new GraphEvent(GraphEventKind.ChildDown));
    }

    public void Tell(GraphEvent graphEvent) => NotifyParents(in graphEvent);

    /// <summary>Internal locks go with the lead.</summary>
    public void LostLead()
    {
        Holding.Clear();
        _internalLocks.Clear();
        EndWaits(Errno.EREMOTE);
    }

    public void ForgetFds() => _open.Clear();

    public override ValueTask<StatReply> Stat(in StatFop fop, Call call) =>
        Serve<StatReply>(
            FopCode.Stat, null, null, () => new Outcome(Errno.Ok, bed.Set.Counter),
            (r, o) => r.Iatt.Size = (ulong)o.Value);

    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call)
    {
        var name = fop.Name.ToString();
        return Serve<LookupReply>(
            FopCode.Lookup, null, null, () => Outcome.Of(bed.Set.Names.Contains(name), Errno.ENOENT), null);
    }

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call)
    {
        var name = fop.Name.ToString();
        return Serve<MknodReply>(
            FopCode.Mknod, RecordOf(fop.XData), null, () => Outcome.Of(bed.Set.Names.Add(name), Errno.EEXIST), null);
    }

    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call)
    {
        var name = fop.Name.ToString();
        return Serve<UnlinkReply>(
            FopCode.Unlink, RecordOf(fop.XData), null,
            () => Outcome.Of(bed.Set.Names.Remove(name), Errno.ENOENT), null);
    }

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call) => Serve<XattropReply>(
        FopCode.Xattrop, RecordOf(fop.XData), null, () => new Outcome(Errno.Ok, ++bed.Set.Counter),
        (r, o) => r.Post.Size = (ulong)o.Value);

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call)
    {
        var id = BinaryPrimitives.ReadInt64LittleEndian(fop.Data.Span);
        return Serve<WriteReply>(
            FopCode.Write, RecordOf(fop.XData), fop.Fd,
            () =>
            {
                bed.Set.Log.Add(id);
                return new Outcome(Errno.Ok, bed.Set.Log.Count);
            },
            (r, o) => r.Post.Size = (ulong)o.Value);
    }

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
    {
        var isHere = fop.XData is { } xdata && xdata.Contains("myrmex.here"u8);
        return Serve<ReadReply>(
            FopCode.Read, null, fop.Fd, () => new Outcome(Errno.Ok, bed.Set.Log.Count),
            (r, o) => r.Iatt.Size = (ulong)o.Value, isHere ? HereFlag : 0);
    }

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call)
    {
        var (fd, flags) = (fop.Fd, fop.Flags);
        return Serve<OpenReply>(FopCode.Open, RecordOf(fop.XData), null, () => Opened(fd), null, flags);
    }

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call)
    {
        var fd = fop.Fd;
        return Serve<OpendirReply>(FopCode.Opendir, null, null, () => Opened(fd), null);
    }

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        Left += LockSession.HasLeft(fop.XData) ? 1 : 0;
        return new(Closed(FopCode.Release, fop.Fd, ReleaseReply.Rent()));
    }

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call) =>
        new(Closed(FopCode.Releasedir, fop.Fd, ReleasedirReply.Rent()));

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call)
    {
        var record = RecordOf(fop.XData);
        var behind = LockSession.Of(fop.XData);
        var holder = record is null ? default : HolderOf(behind, SessionOf(record), call, 0);
        return Serve<FlushReply>(
            FopCode.Flush, record, fop.Fd,
            () =>
            {
                if (IsLate(behind))
                {
                    return new Outcome(Errno.ECANCELED);
                }

                Locks.RemoveAll(l => record is not null && l with { Start = 0 } == holder);
                return new Outcome(Errno.Ok);
            },
            null);
    }

    private static ModelLock HolderOf(LockSession behind, UInt128 session, Call call, long start) =>
        behind.IsNone ? new ModelLock(session, call.LockOwner, start) : new ModelLock(behind.Id, behind.Owner, start);

    private bool IsLate(LockSession behind) => bed.Set.Epochs.GetValueOrDefault(behind.Id) > behind.Epoch;

    /// <summary>What clients of doors have told to be theirs, or to be left.</summary>
    public List<(int Operation, LockSession Session)> Behind { get; } = [];

    /// <summary>Locks of one byte each, exclusive.</summary>
    public override ValueTask<LkReply> Lk(in LkFop fop, Call call)
    {
        var (fd, start, type, record) = (fop.Fd, fop.Flock.Start, fop.Type, RecordOf(fop.XData));
        var behind = LockSession.Of(fop.XData);
        var hasLeft = LockSession.HasLeft(fop.XData);
        var isClaimed = LockClaim.TryRead(fop.XData, out var claim);
        Assert.NotEqual(record is null, !isClaimed); // One of them.
        var wanted = HolderOf(behind, record is null ? claim.Session : SessionOf(record), call, start);
        if (fop.Command == LockCommand.SetLockWait)
        {
            Claims.Add(claim);
            return WaitAsync(wanted, claim.Wait);
        }

        return Serve<LkReply>(
            FopCode.Lk, record, fd,
            () => IsLate(behind) ? new Outcome(Errno.ECANCELED)
                : hasLeft ? TakenBack(claim)
                : record is not null ? Locked(wanted, type)
                : claim.Ask == LockAsk.Check ? Outcome.Of(
                    Locks.Contains(wanted) && (type == LockType.Read || !bed.Set.Weak.Contains(wanted)), Errno.ENOLCK)
                : new Outcome(Errno.Ok),
            null);
    }

    /// <summary>A lease is a lock at 0 of an owner that nobody else has.</summary>
    public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call)
    {
        var record = RecordOf(fop.XData);
        var (lease, behind, wasHeld) = (fop.Lease, LockSession.Of(fop.XData), LockSession.WasHeld(fop.XData));
        Assert.Equal(lease.Command == LeaseCommand.Get, record is null);
        var session = record is null ? 0 : SessionOf(record);
        var held = new ModelLock(behind.IsNone ? session : behind.Id, LeaseSpace.OwnerOf(lease.Id), 0);
        return Serve<LeaseReply>(
            FopCode.Lease, record, null,
            () =>
            {
                var isHeld = lease.Command == LeaseCommand.Unlock ? Locks.Remove(held) : Locks.Contains(held);
                if (IsLate(behind) || (wasHeld && !isHeld))
                {
                    return new Outcome(IsLate(behind) ? Errno.ECANCELED : Errno.ENOLCK);
                }

                if (lease.Command == LeaseCommand.Set && !isHeld)
                {
                    Locks.Add(held);
                }

                return new Outcome(Errno.Ok);
            },
            null);
    }

    /// <summary>What has come with SETLKWs.</summary>
    public List<LockClaim> Claims { get; } = [];

    private Outcome TakenBack(LockClaim claim)
    {
        EndWaits(Errno.EINTR, number: claim.Wait);
        return new Outcome(Errno.Ok);
    }

    private async ValueTask<LkReply> WaitAsync(ModelLock wanted, ulong number)
    {
        Calls.Add((FopCode.Lk, 0));
        if (!IsUp || !Leads)
        {
            return LkReply.Fail(IsUp ? Errno.EREMOTE : Errno.ENOTCONN);
        }

        while (Locks.Exists(l => l.Start == wanted.Start && l != wanted))
        {
            var wait = new TaskCompletionSource<Errno>();
            _waits.Add((wanted, number, wait));
            var error = await wait.Task;
            if (error != Errno.Ok)
            {
                return LkReply.Fail(error);
            }
        }

        return LkReply.Rent();
    }

    private void EndWaits(Errno error, Predicate<ModelLock>? which = null, ulong number = 0)
    {
        foreach (var (wanted, named, wait) in _waits.ToArray())
        {
            if ((which is null || which(wanted)) && (number == 0 || named == number))
            {
                _waits.Remove((wanted, named, wait));
                Post(() => wait.SetResult(error));
            }
        }
    }

    public override ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call)
    {
        var (owner, domain, unlocks) = (call.LockOwner, fop.Domain.ToString(), fop.Type == LockType.Unlock);
        return Serve<InodelkReply>(
            FopCode.Inodelk, null, null,
            () =>
            {
                if (unlocks)
                {
                    return Outcome.Of(_internalLocks.Remove((domain, owner)), Errno.EINVAL);
                }

                _internalLocks.Add((domain, owner));
                return new Outcome(Errno.Ok);
            },
            null);
    }

    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call)
    {
        var behind = LockClaim.ReadBehind(fop.XData);
        var operation = fop.Operation;
        if (operation == LockClaim.LeaveSessions)
        {
            return Serve<IpcReply>(FopCode.Rchecksum, null, null, () => Told(operation, behind), null);
        }

        var id = BinaryPrimitives.ReadUInt128BigEndian(RecordOf(fop.XData));
        var begins = fop.Operation == ChangeRecord.BeginSession;
        if (fop.Operation == LockClaim.HoldSession)
        {
            return Serve<IpcReply>(
                FopCode.Rchecksum, null, null,
                () =>
                {
                    Holding.Add(id);
                    return Told(operation, behind);
                },
                null);
        }

        return Serve<IpcReply>(
            FopCode.Ipc, null, null,
            () =>
            {
                if (!begins)
                {
                    return Outcome.Of(bed.Set.End(id), Errno.EBADE);
                }

                bed.Set.Begin(id);
                return new Outcome(Errno.Ok);
            },
            null);
    }

    private Outcome Told(int operation, LockSession[] behind)
    {
        Behind.AddRange(behind.Select(session => (operation, session)));
        return new Outcome(Errno.Ok);
    }

    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call)
    {
        var (offset, count) = (fop.Offset, (int)fop.Size);
        return Serve<ReaddirReply>(
            FopCode.Readdir, null, fop.Fd, () => new Outcome(Errno.Ok, offset),
            (r, o) => bed.List(number, o.Value, count, r));
    }

    private static byte[]? RecordOf(XData? xdata) =>
        xdata is not null && xdata.TryGetBytes(ChangeRecord.Key, out var bytes) ? bytes.ToArray() : null;

    private Outcome Opened(Fd fd)
    {
        if (!OnlySaysOpen)
        {
            _open.Add(fd);
        }

        return new Outcome(Errno.Ok);
    }

    private TReply Closed<TReply>(FopCode code, Fd fd, TReply reply)
    {
        Calls.Add((code, 0));
        _open.Remove(fd);
        return reply;
    }

    private static UInt128 SessionOf(byte[] record) => BinaryPrimitives.ReadUInt128BigEndian(record);

    private Outcome Locked(ModelLock wanted, LockType type)
    {
        if (type == LockType.Unlock)
        {
            Locks.Remove(wanted);
            EndWaits(Errno.EINTR, w => w == wanted);
            EndWaits(Errno.Ok, w => w.Start == wanted.Start);
            return new Outcome(Errno.Ok);
        }

        if (Locks.Exists(l => l.Start == wanted.Start && l != wanted))
        {
            return new Outcome(Errno.EAGAIN);
        }

        Locks.Remove(wanted);
        bed.Set.Weak.Remove(wanted);
        if (!OnlySaysLocked)
        {
            Locks.Add(wanted);
        }

        if (type == LockType.Read)
        {
            bed.Set.Weak.Add(wanted);
        }

        return new Outcome(Errno.Ok);
    }

    private ValueTask<TReply> Serve<TReply>(
        FopCode code, byte[]? record, Fd? fd, Func<Outcome> apply, Action<TReply, Outcome>? fill, uint flags = 0)
        where TReply : Reply, IReply<TReply>
    {
        Calls.Add((code, flags));
        LastRecord = record ?? LastRecord;
        if (!IsUp)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.ENOTCONN));
        }

        if (fd is { IsAnonymous: false } && !_open.Contains(fd))
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EBADFD)); // By protocol/client: it is not sent.
        }

        var request = new UnderWay<TReply>(this, fill);
        _underWay.Add(request);
        var isHere = code == FopCode.Read && flags == HereFlag;
        bed.After(() => Arrive(request, code, record, apply, isHere));
        return request.Task;
    }

    private void Arrive<TReply>(
        UnderWay<TReply> request, FopCode code, byte[]? record, Func<Outcome> apply, bool isHere)
        where TReply : Reply, IReply<TReply>
    {
        if (Hangs)
        {
            bed.Node.Seams.Scheduler.Schedule(5, () => Arrive(request, code, record, apply, isHere));
            return;
        }

        if (request.IsDone && !bed.ArrivesLate())
        {
            return;
        }

        var outcome = !Leads && !(isHere && ReadsHere) ? new Outcome(Errno.EREMOTE)
            : Instead?.Invoke(code) is { } instead ? new Outcome(instead)
            : record is not null || code.Has(FopTraits.Mutates) ? bed.Set.Apply(record, apply)
            : apply();
        var isLost = outcome.Error == Errno.Ok && Loses?.Invoke(code) == true;
        bed.After(() => request.Complete(isLost ? new Outcome(Errno.ENOTCONN) : outcome));
    }

    private interface IUnderWay
    {
        void Break();
    }

    private sealed class UnderWay<TReply>(FakeMember member, Action<TReply, Outcome>? fill) : IUnderWay
        where TReply : Reply, IReply<TReply>
    {
        private readonly PendingReply<TReply> _pending = PendingReply<TReply>.Rent();

        public ValueTask<TReply> Task => _pending.Task;

        public bool IsDone { get; private set; }

        public void Break()
        {
            IsDone = true;
            member.Post(() => _pending.Complete(TReply.Fail(Errno.ENOTCONN)));
        }

        public void Complete(Outcome outcome)
        {
            if (IsDone)
            {
                return;
            }

            IsDone = true;
            member._underWay.Remove(this);
            var reply = outcome.Error == Errno.Ok ? TReply.Rent() : TReply.Fail(outcome.Error);
            if (outcome.Error == Errno.EREMOTE && member.HintOf() is { } hint)
            {
                reply.NeedXData().SetInt(MemberKeys.Leader, hint);
            }

            if (outcome.Error == Errno.Ok)
            {
                fill?.Invoke(reply, outcome);
            }

            _pending.Complete(reply);
        }
    }

    private int? HintOf() => bed.HintOf(this);

    private void Post(Action action) => bed.Node.Seams.Scheduler.Post(action);
}
