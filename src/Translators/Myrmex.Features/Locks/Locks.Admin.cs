using System.Collections.Generic;
using System.Globalization;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>What administrators and diagnosis see: clear-locks, state dump, lists of active locks.</summary>
public sealed partial class Locks
{
    // Identities that stand for clients whose locks were brought here before they came themselves; guarded by _posixGuard.
    private readonly Dictionary<string, ClientIdentity> _awaited = [];
    private volatile int _awaitedCount;

    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call) =>
        ClearLocksName.IsOne(fop.Name)
            ? new ValueTask<GetxattrReply>(ClearLocks(fop.Gfid, fop.Name, call))
            : Next.Getxattr(in fop, call);

    public override ValueTask<GetactivelkReply> Getactivelk(in GetactivelkFop fop, Call call)
    {
        var held = new List<PosixLock>();
        lock (_posixGuard)
        {
            _posix.List(fop.Gfid, held, []);
        }

        var reply = GetactivelkReply.Rent();
        reply.OpRet = held.Count;
        reply.Locks = new LockItem[held.Count];
        for (var i = 0; i < held.Count; i++)
        {
            reply.Locks[i] = new LockItem(held[i].ToFlock(), held[i].Holder.Client?.Uid ?? string.Empty, 0);
        }

        return new ValueTask<GetactivelkReply>(reply);
    }

    /// <summary>
    /// Installs locks that a file had on another brick, for internal clients that move files. They belong to the named clients,
    /// and to their connections as soon as those take or drop a lock here. EPERM for others, EAGAIN when one is in the way.
    /// </summary>
    public override ValueTask<SetactivelkReply> Setactivelk(in SetactivelkFop fop, Call call) =>
        new(call.Pid < 0 ? InstallLocks(fop.Gfid, fop.Locks) : SetactivelkReply.Fail(Errno.EPERM));

    public override void DumpState(StateDump dump)
    {
        dump.Section(Type, Name);
        foreach (var shard in _shards)
        {
            lock (shard.Guard)
            {
                Dump(dump, shard.Inodes, "inodelk", scope => Describe(scope.Type, scope.Start, scope.End));
                Dump(dump, shard.Entries, "entrylk", scope => scope.Name.IsEmpty ? "all names" : "name");
            }
        }

        lock (_posixGuard)
        {
            foreach (var gfid in _posix.ListFiles())
            {
                DumpPosix(dump, gfid);
            }
        }
    }

    private static void Dump<TScope>(
        StateDump dump, DomainLockTable<TScope> table, string kind, System.Func<TScope, string> describe)
        where TScope : struct, ILockScope<TScope>
    {
        var locks = new List<(LockDomain Domain, DomainLock<TScope> Lock)>();
        foreach (var gfid in table.ListFiles())
        {
            locks.Clear();
            table.List(in gfid, locks);
            foreach (var (domain, one) in locks)
            {
                dump.Put(
                    $"{gfid}.{kind}",
                    $"{(one.Ticket is null ? "active" : "blocked")} domain={domain} {describe(one.Scope)} "
                    + string.Create(CultureInfo.InvariantCulture, $"pid={one.Pid} holder={one.Holder}"));
            }
        }
    }

    private static string Describe(LockType type, long start, long end) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"type={type} start={start} len={(end == long.MaxValue ? 0 : end - start + 1)}");

    private void DumpPosix(StateDump dump, Gfid gfid)
    {
        var held = new List<PosixLock>();
        var waiting = new List<PosixLock>();
        _posix.List(gfid, held, waiting);
        foreach (var (list, state) in new[] { (held, "active"), (waiting, "blocked") })
        {
            foreach (var one in list)
            {
                var range = Describe(one.Type, one.Start, one.End);
                dump.Put($"{gfid}.posixlk", $"{state} {range} pid={one.Pid} holder={one.Holder}");
            }
        }
    }

    private GetxattrReply ClearLocks(Gfid gfid, Name name, Call call)
    {
        if (call.Uid != 0)
        {
            return GetxattrReply.Fail(Errno.EPERM);
        }

        if (!ClearLocksName.TryParse(name, out var type, out var clearing))
        {
            return GetxattrReply.Fail(Errno.EINVAL);
        }

        var effects = LockEffects.Rent();
        var (held, waiting) = type == ClearLocksType.Posix
            ? ClearPosix(in gfid, clearing, effects)
            : ClearDomains(in gfid, type, clearing, effects);
        CarryOut(effects);
        return ClearLocksName.Answer(name, Name, type, held, waiting);
    }

    private (int Held, int Waiting) ClearPosix(in Gfid gfid, LockClearing clearing, LockEffects effects)
    {
        lock (_posixGuard)
        {
            var cleared = _posix.Clear(in gfid, clearing, effects);
            _posixFileCount = _posix.FileCount;
            return cleared;
        }
    }

    private (int Held, int Waiting) ClearDomains(
        in Gfid gfid, ClearLocksType type, LockClearing clearing, LockEffects effects)
    {
        var shard = ShardOf(in gfid);
        lock (shard.Guard)
        {
            return type == ClearLocksType.Inode
                ? shard.Inodes.Clear(in gfid, clearing, effects)
                : shard.Entries.Clear(in gfid, clearing, effects);
        }
    }

    private SetactivelkReply InstallLocks(Gfid gfid, LockItem[] locks)
    {
        var effects = LockEffects.Rent();
        var verdict = LockVerdict.Granted;
        lock (_posixGuard)
        {
            foreach (var item in locks)
            {
                if (!TryGetRange(item.Flock, out var start, out var end, out _) || item.Flock.Type > LockType.Write)
                {
                    verdict = LockVerdict.NotHeld;
                    break;
                }

                var holder = new LockHolder(AwaitedClient(item.ClientUid.ToString()), item.Flock.Owner);
                var wanted = new PosixLock(holder, item.Flock.Type, start, end, item.Flock.Pid, null);
                verdict = _posix.Set(new PosixLockRequest(gfid, wanted, Ticket: null), effects);
                if (verdict != LockVerdict.Granted)
                {
                    break;
                }
            }

            _posixFileCount = _posix.FileCount;
        }

        CarryOut(effects);
        return verdict == LockVerdict.Granted ? SetactivelkReply.Rent() : SetactivelkReply.Fail(ToErrno(verdict));
    }

    private ClientIdentity AwaitedClient(string uid)
    {
        if (!_awaited.TryGetValue(uid, out var client))
        {
            client = new ClientIdentity(uid, "awaited");
            _awaited.Add(uid, client);
            _awaitedCount = _awaited.Count;
        }

        return client;
    }

    /// <summary>Gives a client the locks that were brought here for it.</summary>
    private void AdoptAwaited(Call call)
    {
        if (_awaitedCount == 0 || call.Client is null)
        {
            return;
        }

        lock (_posixGuard)
        {
            if (_awaited.Remove(call.Client.Uid, out var former))
            {
                _posix.Adopt(former, call.Client);
                _awaitedCount = _awaited.Count;
            }
        }
    }
}
