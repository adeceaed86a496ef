using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// The locks of one transaction, held under a lock owner of its own so that other transactions of this process are kept
/// out too. All requests wait. A subvolume without a lock service (EOPNOTSUPP, ENOSYS) counts as locked.
/// Invariant: <see cref="UnlockAsync"/> is called once, also after a failed request; it unlocks in reverse order.
/// </summary>
internal sealed class LockSet
{
    // Above any pointer a kernel would use as lock owner, so that it cannot meet one.
    private const ulong OwnerBase = 0xD417000000000000;

    private static readonly Name LayoutHeal = new(DhtKeys.LayoutHealDomain.ToArray());
    private static readonly Name EntrySync = new(DhtKeys.EntryDomain.ToArray());
    private static readonly Name FileMigrate = new(DhtKeys.MigrateDomain.ToArray());
    private static long _owners;

    private readonly List<Held> _held = [];
    private Call _call = null!;

    /// <summary>Identity of the transaction, also for fops that it sends as root.</summary>
    public Call Call => _call;

    /// <summary>A set without locks, acting for the client of <paramref name="call"/> with the rights of root.</summary>
    public static LockSet Rent(Call call)
    {
        var set = Pool<LockSet>.Rent();
        set._call = Call.Rent();
        set._call.CopyIdentityFrom(call);
        set._call.Uid = 0;
        set._call.Gid = 0;
        set._call.LockOwner = LkOwner.From(OwnerBase | ((ulong)Interlocked.Increment(ref _owners) & 0xFFFFFFFFFFFF));
        return set;
    }

    /// <summary>Keeps the layout of a directory from being changed (shared), or everybody else away (exclusive).</summary>
    public ValueTask<Errno> LayoutAsync(Subvolume subvolume, Gfid directory, LockType type) =>
        InodeAsync(subvolume, directory, type, LayoutHeal);

    /// <summary>Keeps rebalance and renames away from a file.</summary>
    public ValueTask<Errno> MigrationAsync(Subvolume subvolume, Gfid file) =>
        InodeAsync(subvolume, file, LockType.Write, FileMigrate);

    /// <summary>Owns a name in a directory. The name must live as long as the set.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Errno> EntryAsync(Subvolume subvolume, Gfid parent, Name name)
    {
        var held = new Held(subvolume, parent, name, EntrySync, IsEntry: true);
        var error = await SendEntryAsync(held, EntryLockCommand.Lock);
        return Note(held, error);
    }

    /// <summary>
    /// The pair of locks that makes a name safe: the layout of its directory shared, then the name itself, both on the
    /// subvolume the name hashes to.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Errno> NameAsync(Subvolume hashed, Gfid parent, Name name)
    {
        if (!HoldsLayout(hashed, parent))
        {
            var error = await LayoutAsync(hashed, parent, LockType.Read);
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return await EntryAsync(hashed, parent, name);
    }

    /// <summary>Gives all locks back, the last one first, and the set to its pool.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<int> UnlockAsync()
    {
        var count = _held.Count;
        for (var i = count - 1; i >= 0; i--)
        {
            var held = _held[i];
            var error = held.IsEntry
                ? await SendEntryAsync(held, EntryLockCommand.Unlock)
                : await SendInodeAsync(held, LockType.Unlock);
            if (error is not (Errno.Ok or Errno.ENOTCONN or Errno.ESTALE or Errno.ENOENT))
            {
                Log.Warning("dht", "unlock failed", ("subvolume", held.Subvolume.Name), ("gfid", held.Gfid), ("errno", error));
            }
        }

        _held.Clear();
        _call.Release();
        _call = null!;
        Pool<LockSet>.Return(this);
        return count;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> InodeAsync(Subvolume subvolume, Gfid gfid, LockType type, Name domain)
    {
        var held = new Held(subvolume, gfid, default, domain, IsEntry: false);
        var error = await SendInodeAsync(held, type);
        return Note(held, error);
    }

    private async ValueTask<Errno> SendInodeAsync(Held held, LockType type)
    {
        var fop = new InodelkFop
        {
            Gfid = held.Gfid,
            Command = type == LockType.Unlock ? LockCommand.SetLock : LockCommand.SetLockWait,
            Type = type,
            Flock = new Flock(type, Whence: 0, Start: 0, Length: 0, Pid: (uint)_call.Pid, Owner: default),
            Domain = held.Domain,
        };
        var reply = await held.Subvolume.Translator.Inodelk(in fop, _call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

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
        };
        var reply = await held.Subvolume.Translator.Entrylk(in fop, _call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private Errno Note(Held held, Errno error)
    {
        switch (error)
        {
            case Errno.Ok:
                _held.Add(held);
                return Errno.Ok;
            case Errno.EOPNOTSUPP or Errno.ENOSYS:
                return Errno.Ok;
            default:
                return error;
        }
    }

    private bool HoldsLayout(Subvolume subvolume, Gfid directory)
    {
        foreach (var held in _held)
        {
            if (!held.IsEntry && held.Subvolume == subvolume && held.Gfid == directory && held.Domain == LayoutHeal)
            {
                return true;
            }
        }

        return false;
    }

    private readonly record struct Held(Subvolume Subvolume, Gfid Gfid, Name Name, Name Domain, bool IsEntry);
}
