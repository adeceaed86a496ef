using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>
/// The lock service of a brick: POSIX record locks, and the inode and entry locks that replicating and distributing clients
/// take among themselves. Locks live in memory, belong to a client connection and vanish with it. A request that waits has no
/// answer until it is granted or given up. See README.md.
/// </summary>
public sealed partial class Locks : Translator, ILockTables
{
    private const int ShardCount = 16;

    private readonly LockShard[] _shards = new LockShard[ShardCount];
    private readonly PosixLockTable _posix = new();
    private readonly Lock _posixGuard = new(); // Guards _posix; a leaf lock.
    private volatile int _posixFileCount; // Lets FLUSH and RELEASE pass without the guard while nobody holds a lock.
    private long _tellEveryMs;
    private System.IDisposable? _leftLook; // Guarded by _posixGuard.

    public Locks(TranslatorPlace place)
        : base(place)
    {
        for (var i = 0; i < ShardCount; i++)
        {
            _shards[i] = new LockShard();
        }

        TakeOptions(place.Options);
    }

    public static TranslatorRegistration Registration { get; } =
        new("features/locks", place => new Locks(place), LocksOptions.All, Maturity.Preview);

    private long NowMs => Seams.Clock.MonotonicNs / 1_000_000;

    public override bool Reconfigure(OptionValues options)
    {
        TakeOptions(options);
        return true;
    }

    public override void Stop()
    {
        lock (_posixGuard)
        {
            _leftLook?.Dispose();
        }

        GiveUp(dropsHeld: false);
    }

    public void DropAllLocks() => GiveUp(dropsHeld: true);

    public override void ClientGone(ClientIdentity client)
    {
        var effects = LockEffects.Rent();
        lock (_posixGuard)
        {
            if (_posix.DropClient(client, effects, NowMs))
            {
                LookForLeft();
            }

            if (_awaited.Remove(client.Uid, out var awaited))
            {
                _posix.DropClient(awaited, effects);
                _awaitedCount = _awaited.Count;
            }

            _posixFileCount = _posix.FileCount;
        }

        var isKept = false;
        foreach (var shard in _shards)
        {
            lock (shard.Guard)
            {
                isKept |= shard.Inodes.DropClient(client, NowMs, effects);
                isKept |= shard.Entries.DropClient(client, NowMs, effects);
            }
        }

        LookForLeft(isKept);
        CarryOut(effects);
        base.ClientGone(client);
    }

    /// <summary>
    /// Another run has taken a change over: the locks of the former ones, which may be silent for long, are its own to
    /// ask for; or it has done with them.
    /// </summary>
    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call)
    {
        if (fop.Operation is not (ChangeRecord.TakeOver or ChangeRecord.FreeLocks))
        {
            return Next.Ipc(in fop, call);
        }

        var change = LockedChange.Of(fop.XData);
        var frees = fop.Operation == ChangeRecord.FreeLocks;
        var isKept = false;
        var effects = LockEffects.Rent();
        foreach (var shard in _shards)
        {
            lock (shard.Guard)
            {
                if (frees)
                {
                    shard.Inodes.DropLeftOf(in change, effects);
                    shard.Entries.DropLeftOf(in change, effects);
                }
                else
                {
                    isKept |= shard.Inodes.TakeOver(in change, NowMs, effects);
                    isKept |= shard.Entries.TakeOver(in change, NowMs, effects);
                }
            }
        }

        LookForLeft(isKept);
        CarryOut(effects);
        return new ValueTask<IpcReply>(IpcReply.Rent());
    }

    public override ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call) =>
        LockRange<InodelkReply>(fop.Gfid, fop.Command, fop.Type, fop.Flock, fop.Domain, fop.XData, call);

    public override ValueTask<FinodelkReply> Finodelk(in FinodelkFop fop, Call call) =>
        LockRange<FinodelkReply>(
            fop.Fd.FileOf(fop.Gfid), fop.Command, fop.Type, fop.Flock, fop.Domain, fop.XData, call);

    public override ValueTask<EntrylkReply> Entrylk(in EntrylkFop fop, Call call) =>
        LockName<EntrylkReply>(fop.Gfid, fop.Command, fop.Name, fop.Domain, fop.XData, call);

    public override ValueTask<FentrylkReply> Fentrylk(in FentrylkFop fop, Call call) =>
        LockName<FentrylkReply>(fop.Fd.FileOf(fop.Gfid), fop.Command, fop.Name, fop.Domain, fop.XData, call);

    private void GiveUp(bool dropsHeld)
    {
        var effects = LockEffects.Rent();
        lock (_posixGuard)
        {
            _posix.GiveUp(Errno.ENOTCONN, dropsHeld, effects);
            _posixFileCount = _posix.FileCount;
        }

        foreach (var shard in _shards)
        {
            lock (shard.Guard)
            {
                shard.Inodes.GiveUp(Errno.ENOTCONN, dropsHeld, effects);
                shard.Entries.GiveUp(Errno.ENOTCONN, dropsHeld, effects);
            }
        }

        CarryOut(effects);
    }

    /// <summary>The file a fop on an fd means: callers inside a process may leave the gfid out.</summary>
    /// <summary>
    /// First and last byte of a lock argument. A negative length reaches back from the start. False with EINVAL or EOVERFLOW
    /// when it makes no range. Source: fcntl(2); offsets relative to position or end never come this far.
    /// </summary>
    private static bool TryGetRange(in Flock flock, out long start, out long end, out Errno error)
    {
        (start, end, error) = (flock.Start, long.MaxValue, Errno.Ok);
        if (flock.Whence != 0 || start < 0)
        {
            error = Errno.EINVAL;
        }
        else if (flock.Length > 0)
        {
            error = flock.Length - 1 > long.MaxValue - start ? Errno.EOVERFLOW : Errno.Ok;
            end = unchecked(start + flock.Length - 1);
        }
        else if (flock.Length < 0)
        {
            error = start + flock.Length < 0 ? Errno.EINVAL : Errno.Ok;
            end = start - 1;
            start += flock.Length;
        }

        return error == Errno.Ok;
    }

    private static Errno ToErrno(LockVerdict verdict) => verdict switch
    {
        LockVerdict.Granted => Errno.Ok,
        LockVerdict.Conflict => Errno.EAGAIN,
        LockVerdict.Deadlock => Errno.EDEADLK,
        LockVerdict.Full => Errno.ENOLCK,
        LockVerdict.NotHeld => Errno.EINVAL,
        LockVerdict.Late => Errno.ECANCELED,
        _ => throw new InvariantException($"lock verdict {verdict} has no errno"),
    };

    private LockShard ShardOf(in Gfid gfid) => _shards[(gfid.GetHashCode() >> 4) & (ShardCount - 1)];

    private void TakeOptions(OptionValues options) =>
        Volatile.Write(
            ref _tellEveryMs,
            options.Boolean(LocksOptions.NotifyContention) ? options.Time(LocksOptions.NotifyContentionDelay) * 1000 : -1);

    private ValueTask<TReply> LockRange<TReply>(
        Gfid gfid, LockCommand command, LockType type, in Flock flock, Name domainText, XData? xdata, Call call)
        where TReply : Reply, IReply<TReply>
    {
        if (!TryGetRange(in flock, out var start, out var end, out var error))
        {
            return new ValueTask<TReply>(TReply.Fail(error));
        }

        if (command is not (LockCommand.SetLock or LockCommand.SetLockWait) || type > LockType.Unlock)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EINVAL));
        }

        var shard = ShardOf(in gfid);
        var domain = LockDomain.OfRange(domainText, flock.Start, flock.Length);
        var scope = new RangeScope(type, start, end);
        return type == LockType.Unlock
            ? Unlock<TReply, RangeScope>(shard, shard.Inodes, in gfid, in domain, in scope, xdata, call)
            : Lock<TReply, RangeScope>(
                shard, shard.Inodes, in gfid, in domain, in scope, command == LockCommand.SetLockWait, xdata, call);
    }

    private ValueTask<TReply> LockName<TReply>(
        Gfid gfid, EntryLockCommand command, Name name, Name domainText, XData? xdata, Call call)
        where TReply : Reply, IReply<TReply>
    {
        if (command > EntryLockCommand.LockNonBlocking)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EINVAL));
        }

        var shard = ShardOf(in gfid);
        var domain = LockDomain.Parse(domainText);
        var scope = new NameScope(name);
        return command == EntryLockCommand.Unlock
            ? Unlock<TReply, NameScope>(shard, shard.Entries, in gfid, in domain, in scope, xdata, call)
            : Lock<TReply, NameScope>(
                shard, shard.Entries, in gfid, in domain, in scope, command == EntryLockCommand.Lock, xdata, call);
    }

    private ValueTask<TReply> Unlock<TReply, TScope>(
        LockShard shard, DomainLockTable<TScope> table, in Gfid gfid, in LockDomain domain, in TScope scope,
        XData? xdata, Call call)
        where TReply : Reply, IReply<TReply>
        where TScope : struct, ILockScope<TScope>
    {
        var by = LockedChange.Of(xdata);
        long? leftMs = !by.IsNone && xdata!.Contains(LockSession.LeftKey) ? NowMs : null; // It is in there.
        var effects = LockEffects.Rent();
        LockVerdict verdict;
        lock (shard.Guard)
        {
            verdict = table.Unlock(
                in gfid, in domain, LockHolder.Of(call), in scope, in by, leftMs, effects);
        }

        LookForLeft(leftMs is not null);
        CarryOut(effects);
        return new ValueTask<TReply>(verdict == LockVerdict.Granted ? TReply.Rent() : TReply.Fail(ToErrno(verdict)));
    }

    private ValueTask<TReply> Lock<TReply, TScope>(
        LockShard shard,
        DomainLockTable<TScope> table,
        in Gfid gfid,
        in LockDomain domain,
        in TScope scope,
        bool mayWait,
        XData? xdata,
        Call call)
        where TReply : Reply, IReply<TReply>
        where TScope : struct, ILockScope<TScope>
    {
        ValueTask<TReply> task = default;
        var ticket = mayWait ? LockTicket<TReply>.Rent(out task) : null;
        var wanted = new DomainLock<TScope>(LockHolder.Of(call), scope, call.Pid)
        {
            Ticket = ticket,
            For = LockedChange.Of(xdata),
        };
        var effects = LockEffects.Rent();
        LockVerdict verdict;
        lock (shard.Guard)
        {
            verdict = table.Lock(in gfid, in domain, in wanted, NowMs, Volatile.Read(ref _tellEveryMs), effects);
        }

        CarryOut(effects);
        if (verdict == LockVerdict.Waiting)
        {
            return task;
        }

        if (ticket is not null)
        {
            ticket.Complete(ToErrno(verdict));
            return task;
        }

        return new ValueTask<TReply>(verdict == LockVerdict.Granted ? TReply.Rent() : TReply.Fail(ToErrno(verdict)));
    }

    /// <summary>Answers requests and tells holders; holds no lock, because both run foreign code.</summary>
    private void CarryOut(LockEffects effects)
    {
        foreach (var contention in effects.ContendedRanges)
        {
            var held = contention.Lock;
            var length = held.Scope.End == long.MaxValue ? 0 : held.Scope.End - held.Scope.Start + 1;
            var flock = new Flock(
                held.Scope.Type, 0, held.Scope.Start, length, unchecked((uint)held.Pid), held.Holder.Owner);
            Tell(contention.Gfid, contention.Domain, held.Holder, held.Pid, flock, entryName: null);
        }

        foreach (var contention in effects.ContendedNames)
        {
            var held = contention.Lock;
            var exclusive = new Flock(LockType.Write, 0, 0, 0, 0, default); // Only the type of it is sent.
            Tell(contention.Gfid, contention.Domain, held.Holder, held.Pid, exclusive, held.Scope.Name);
        }

        foreach (var (ticket, error) in effects.Completed)
        {
            ticket.Complete(error);
        }

        effects.Release();
    }

    private void Tell(Gfid gfid, LockDomain domain, LockHolder holder, int pid, Flock flock, Name? entryName)
    {
        if (holder.Client is { } client)
        {
            var detail = new LockContention(client, domain.ToString(), pid) { Flock = flock, EntryName = entryName };
            NotifyParents(new GraphEvent(GraphEventKind.LockContention, gfid) { Contention = detail });
        }
    }
}
