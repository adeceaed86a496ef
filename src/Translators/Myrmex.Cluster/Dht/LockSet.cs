using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// The locks of one transaction, held under a lock owner of its own so that other transactions of this process are kept
/// out too. A subvolume without a lock service (EOPNOTSUPP, ENOSYS) counts as locked.
/// Invariant: while a request waits, only locks that come before it in the order of all clients are held.
/// Invariant: <see cref="UnlockAsync"/> is called once, also after a failed request.
/// Invariant: while the outcome of a plan is for another run to find out, nobody but that run gets its locks.
/// </summary>
internal sealed class LockSet
{
    // Above any pointer a kernel would use as lock owner, so that it cannot meet one.
    private const ulong OwnerBase = 0xD417000000000000;

    private static readonly Name LayoutHeal = new(DhtKeys.LayoutHealDomain.ToArray());
    private static readonly Name EntrySync = new(DhtKeys.EntryDomain.ToArray());
    private static readonly Name FileMigrate = new(DhtKeys.MigrateDomain.ToArray());
    private static long _owners;

    // An entry lock among the types of inode locks.
    private const LockType EntryLock = (LockType)uint.MaxValue;

    private readonly List<Held> _held = [];
    private readonly List<Held> _wanted = [];
    private readonly List<ValueTask<Errno>> _tasks = [];
    private Call _call = null!;
    private Call _plan = null!;
    private XData? _unlock; // What every unlock says.

    /// <summary>
    /// Identity of the transaction, also for fops that it sends as root. They belong to no change of the client:
    /// whoever comes after does them again, or not.
    /// </summary>
    public Call Call => _call;

    /// <summary>The same for steps of the client's change; each has its label.</summary>
    public Call Plan => _plan;

    /// <summary>
    /// A set without locks, acting for the client of <paramref name="call"/> with the rights of root.
    /// </summary>
    public static LockSet Rent(Call call)
    {
        var set = Pool<LockSet>.Rent();
        set._call = Call.Rent();
        set._call.CopyIdentityFrom(call);
        set._call.Change = default;
        set._call.Uid = 0;
        set._call.Gid = 0;
        set._plan = set._call;
        set._call.LockOwner = LkOwner.From(OwnerBase | ((ulong)Interlocked.Increment(ref _owners) & 0xFFFFFFFFFFFF));
        return set;
    }

    /// <summary>
    /// The same for the steps of a client's change: another run that takes it over frees the locks as well.
    /// </summary>
    public static LockSet RentForPlan(Call call)
    {
        var set = Rent(call);
        if (!call.Change.IsNone)
        {
            set._plan = Call.Rent();
            set._plan.CopyIdentityFrom(set._call);
            set._plan.Change = call.Change;
        }

        return set;
    }

    /// <summary>
    /// Keeps the layout of a directory from being changed (shared), or everybody else away (exclusive).
    /// </summary>
    public ValueTask<Errno> LayoutAsync(Subvolume subvolume, Gfid directory, LockType type)
    {
        WantLayout(subvolume, directory, type);
        return TakeAsync();
    }

    /// <summary>
    /// The pair of locks that makes a name safe: the layout of its directory shared, then the name itself, both on the
    /// subvolume the name hashes to. The name must live as long as the set.
    /// </summary>
    public ValueTask<Errno> NameAsync(Subvolume hashed, Gfid parent, Name name)
    {
        WantName(hashed, parent, name);
        return TakeAsync();
    }

    /// <summary>Adds to what the next <see cref="TakeAsync"/> takes: the layout of a directory.</summary>
    public void WantLayout(Subvolume subvolume, Gfid directory, LockType type)
    {
        var lockOfLayout = new Held(subvolume, directory, default, LayoutHeal, type);
        if (!_held.Contains(lockOfLayout) && !_wanted.Contains(lockOfLayout))
        {
            _wanted.Add(lockOfLayout);
        }
    }

    /// <summary>Adds the two locks of a name.</summary>
    public void WantName(Subvolume hashed, Gfid parent, Name name)
    {
        WantLayout(hashed, parent, LockType.Read);
        _wanted.Add(new Held(hashed, parent, name, EntrySync, EntryLock));
    }

    /// <summary>Adds the lock that keeps rebalance and renames away from a file.</summary>
    public void WantMigration(Subvolume subvolume, Gfid file) =>
        _wanted.Add(new Held(subvolume, file, default, FileMigrate, LockType.Write));

    /// <summary>
    /// Takes what was wanted: all at once if nobody is in the way, without waiting; else one after the other, each
    /// request waiting, in the order in which they were wanted, which must be the one all clients keep.
    /// </summary>
    /// <param name="sparesAbsent">A subvolume that lacks the file or directory counts as locked.</param>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Errno> TakeAsync(bool sparesAbsent = false)
    {
        var before = _held.Count;
        var error = _wanted.Count > 1 ? await TryAllAsync(sparesAbsent) : Errno.EAGAIN;
        if (error == Errno.EAGAIN)
        {
            await UnlockDownToAsync(before);
            error = Errno.Ok;
            for (var i = 0; i < _wanted.Count && error == Errno.Ok; i++)
            {
                error = Note(_wanted[i], await SendAsync(_wanted[i], isUnlock: false, waits: true), sparesAbsent);
            }
        }

        _wanted.Clear();
        return error;
    }

    /// <summary>
    /// Whether everything that the next take would take is free now; if so it is taken, else nothing is.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Errno> TryTakeAsync()
    {
        var before = _held.Count;
        var error = await TryAllAsync(sparesAbsent: false);
        _wanted.Clear();
        if (error != Errno.Ok)
        {
            await UnlockDownToAsync(before);
        }

        return error;
    }

    /// <summary>Gives all locks back and the set to its pool.</summary>
    /// <param name="outcome">
    /// Of the plan: when another run will find it out, the lock services keep the locks for that one.
    /// </param>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<int> UnlockAsync(Errno outcome = Errno.Ok)
    {
        if (Distribute.IsLeftToOthers(outcome, _plan))
        {
            _unlock = XData.Rent();
            _unlock.SetInt(LockSession.LeftKey, 1);
        }

        var count = await UnlockDownToAsync(0);
        _unlock?.Release();
        _unlock = null;
        _wanted.Clear();
        if (_plan != _call)
        {
            _plan.Release();
        }

        _call.Release();
        _plan = _call = null!;
        Pool<LockSet>.Return(this);
        return count;
    }

    /// <summary>Gives the locks back that were taken after the first <paramref name="kept"/>, all at once.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<int> UnlockDownToAsync(int kept)
    {
        var count = _held.Count - kept;
        for (var i = kept; i < _held.Count; i++)
        {
            Start(SendAsync(_held[i], isUnlock: true, waits: false));
        }

        for (var i = 0; i < count; i++)
        {
            var error = await _tasks[i];
            if (error is not (Errno.Ok or Errno.ENOTCONN or Errno.ESTALE or Errno.ENOENT or Errno.ECANCELED))
            {
                var held = _held[kept + i];
                Log.Warning(
                    "dht", "unlock failed", ("subvolume", held.Subvolume.Name), ("gfid", held.Gfid), ("errno", error));
            }
        }

        _tasks.Clear();
        _held.RemoveRange(kept, count);
        return count;
    }

    /// <summary>EAGAIN when somebody is in the way, else the first error; what could be taken is held.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> TryAllAsync(bool sparesAbsent)
    {
        foreach (var wanted in _wanted)
        {
            Start(SendAsync(wanted, isUnlock: false, waits: false));
        }

        var worst = Errno.Ok;
        for (var i = 0; i < _wanted.Count; i++)
        {
            var error = Note(_wanted[i], await _tasks[i], sparesAbsent);
            worst = worst is Errno.Ok or Errno.EAGAIN && error != Errno.Ok ? error : worst;
        }

        _tasks.Clear();
        return worst;
    }

    /// <summary>Notes a request under way; it is awaited once, in order.</summary>
    private void Start(ValueTask<Errno> task) => _tasks.Add(task);

    private ValueTask<Errno> SendAsync(Held held, bool isUnlock, bool waits) => held.Type == EntryLock
        ? SendEntryAsync(
            held, isUnlock ? EntryLockCommand.Unlock : waits ? EntryLockCommand.Lock : EntryLockCommand.LockNonBlocking)
        : SendInodeAsync(held, isUnlock ? LockType.Unlock : held.Type, waits);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> SendInodeAsync(Held held, LockType type, bool waits)
    {
        var fop = new InodelkFop
        {
            Gfid = held.Gfid,
            Command = waits ? LockCommand.SetLockWait : LockCommand.SetLock,
            Type = type,
            Flock = new Flock(type, Whence: 0, Start: 0, Length: 0, Pid: (uint)_call.Pid, Owner: default),
            Domain = held.Domain,
            XData = type == LockType.Unlock ? _unlock : null,
        };
        var reply = await held.Subvolume.Translator.Inodelk(in fop, _plan);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> SendEntryAsync(Held held, EntryLockCommand command)
    {
        var fop = new EntrylkFop
        {
            Gfid = held.Gfid,
            Command = command,
            Type = LockType.Write,
            NameLength = (ulong)held.Name.Length,
            Name = held.Name,
            Domain = held.Domain,
            XData = command == EntryLockCommand.Unlock ? _unlock : null,
        };
        var reply = await held.Subvolume.Translator.Entrylk(in fop, _plan);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private Errno Note(Held held, Errno error, bool sparesAbsent)
    {
        switch (error)
        {
            case Errno.Ok:
                _held.Add(held);
                return Errno.Ok;
            case Errno.EOPNOTSUPP or Errno.ENOSYS:
                return Errno.Ok;
            case Errno.ENOENT or Errno.ESTALE:
                return sparesAbsent ? Errno.Ok : error;
            default:
                return error;
        }
    }

    private readonly record struct Held(Subvolume Subvolume, Gfid Gfid, Name Name, Name Domain, LockType Type);
}
