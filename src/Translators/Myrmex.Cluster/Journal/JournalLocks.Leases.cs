using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Leases of files. In the journal a lease is a record lock of all bytes of an inode that is none
/// (<see cref="LeaseSpace"/>), with the lease id as its owner: so it has the same entries, checkpoints, sessions and
/// grace. Who gets one is up to features/leases above.
/// </summary>
internal sealed partial class JournalLocks
{
    private long _roleSinceMs; // Of the present role, as far as we have heard.

    /// <summary>New leases may be granted: all who have files open have told this leader so.</summary>
    public bool MayGrantLeases
    {
        get
        {
            lock (_lock)
            {
                return _log.IsFirstTerm || NowMs - _roleSinceMs >= GraceMs;
            }
        }
    }

    /// <summary>The term in which this member leads; 0 while it does not.</summary>
    public ulong ServingTerm => _log.ServingTerm.Value;

    /// <summary>Gives, changes or takes back the lease of a holder; the change is that of a session.</summary>
    public ValueTask<Errno> ChangeLeaseAsync(SessionKey session, UInt128 holder, Gfid gfid, in Lease lease) =>
        ChangeAsync(session, new LockRecord(LockAction.Set, LeaseSpace.Of(gfid), LeaseSpace.LockOf(
            lease.Id, holder, lease.Command == LeaseCommand.Unlock ? LeaseType.None : lease.Type)));

    /// <summary>Ok when the holder has the lease, ENOLCK when not; else as for reads.</summary>
    public ValueTask<Errno> CheckLeaseAsync(UInt128 holder, Gfid gfid, in Lease lease) =>
        CheckAsync(LeaseSpace.Of(gfid), LeaseSpace.LockOf(lease.Id, holder, lease.Type));

    public ValueTask<Errno> EndLeaseAsync(Gfid gfid, LoggedLease lease) =>
        ChangeAsync(session: default, new LockRecord(
            LockAction.Set, LeaseSpace.Of(gfid), LeaseSpace.LockOf(lease.Id, lease.Session, LeaseType.None)));

    public void ListLeases(Gfid gfid, List<LoggedLease> leases)
    {
        if (_log.Locks.Count == 0)
        {
            return;
        }

        var held = new List<RangeLock>();
        _log.Locks.List(LeaseSpace.Of(gfid), held);
        foreach (var one in held)
        {
            leases.Add(LeaseSpace.LeaseOf(in one));
        }
    }

    public void ListLeasedFiles(List<Gfid> files)
    {
        foreach (var gfid in _log.Locks.Files())
        {
            if (LeaseSpace.IsIn(in gfid))
            {
                files.Add(LeaseSpace.Of(in gfid));
            }
        }
    }

    /// <summary>Adds the connections of a session that holds something; null for this process.</summary>
    public void ListClients(UInt128 session, List<ClientIdentity?> clients)
    {
        lock (_lock)
        {
            if (_sessions.TryGetValue(session, out var known))
            {
                clients.AddRange(known.Clients);
                if (known.IsLocal)
                {
                    clients.Add(null);
                }
            }
        }
    }
}
