using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>The lead that comes and goes by plan.</summary>
public sealed partial class JournalMember
{
    private readonly List<ProposalWaiter> _toServe = []; // Guarded by _lock. Fops that came while the lead was taken.
    private bool _isServeTimed; // A timer will end what waits.

    /// <summary>This member is about to lead: a moment later it takes what it would refuse now. Any thread.</summary>
    internal bool IsTakingLead
    {
        get
        {
            lock (_lock)
            {
                return MayServeSoon;
            }
        }
    }

    private bool MayServeSoon => _role.Role is ReplicaRole.Candidate or ReplicaRole.Active && _serving == Term.None
        && _failure == Errno.Ok && !_isStopped && !_isStuck;

    /// <summary>
    /// Hands the lead over to another member: Ok when this one leads no more, EREMOTE when it does not lead or the
    /// other one cannot take the lead now.
    /// </summary>
    internal async ValueTask<Errno> HandOverAsync(MemberId target)
    {
        if (NewWaiter(out var tag) is not { } waiter)
        {
            return Errno.ENOTCONN;
        }

        var task = waiter.Task;
        _replica!.TransferLead(tag, target);
        return (await task).Error;
    }

    /// <summary>Returns when this member serves, will not, or has not for a while.</summary>
    internal async ValueTask WaitToServeAsync()
    {
        ProposalWaiter waiter;
        bool isTimed;
        lock (_lock)
        {
            if (!MayServeSoon || _toServe.Count >= JournalLimits.WaitToServeMax)
            {
                return;
            }

            waiter = ProposalWaiter.Rent();
            _toServe.Add(waiter);
            isTimed = _isServeTimed;
            _isServeTimed = true;
        }

        var task = waiter.Task;
        if (!isTimed)
        {
            _ = seams.Scheduler.Schedule(JournalLimits.WaitToServeMs, () =>
            {
                lock (_lock)
                {
                    _isServeTimed = false;
                    EndWaitToServe();
                }
            });
        }

        _ = await task;
    }

    /// <summary>Under the lock: who waits runs on a worker.</summary>
    private void EndWaitToServe()
    {
        foreach (var waiter in _toServe)
        {
            waiter.Complete(seams.Workers, default);
        }

        _toServe.Clear();
    }
}
