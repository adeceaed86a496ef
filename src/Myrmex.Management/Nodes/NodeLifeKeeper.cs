using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>
/// Shows that this daemon runs: keeps <c>alive/ID</c> under a lease. A lease that was lost while the store was away is
/// asked for again. Only a member is shown: nothing is put for a node whose record is gone.
/// </summary>
internal sealed class NodeLifeKeeper(IStateStore store, NodeId id, NodeLife life, Seams seams) : INodePresence
{
    private readonly Lock _lock = new(); // Guards _lease; a leaf lock.
    private LeaseId _lease;

    /// <summary>
    /// Raised when <see cref="Lease"/> is another or lost: whatever else lives by the lease is put again then. Handlers
    /// must not wait.
    /// </summary>
    public event Action? Changed;

    /// <summary>Of this run of the daemon.</summary>
    public string Instance => life.Instance;

    /// <summary>The others hear of this node.</summary>
    public bool IsHeld => Lease != LeaseId.None;

    /// <summary>The lease under which the life is shown; none while there is none.</summary>
    public LeaseId Lease
    {
        get
        {
            lock (_lock)
            {
                return _lease;
            }
        }
    }

    /// <summary>Keeps the node alive until cancelled, and then ends its lease.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await LiveAsync(cancellation);
            }
            catch (Exception e) when (e is StateStoreException or LeaseNotFoundException)
            {
                Log.Warning("nodes", "the lease of this node cannot be had", ("reason", e.Message));
            }

            await Pauses.WaitAsync(seams.Scheduler, NodeLimits.StoreRetryMs, cancellation);
        }
    }

    /// <summary>One lease from its grant to its loss.</summary>
    private async Task LiveAsync(CancellationToken cancellation)
    {
        await using var keeper = await LeaseKeeper.GrantAsync(store, seams, NodeLimits.LeaseSeconds, cancellation);
        var shown = await store.CommitAsync(
            new StateTransaction(
                [NodeKeys.Member(id)], [new Operation.Put(NodeKeys.Life(id), life.ToBytes(), keeper.Lease)], []),
            cancellation);
        if (!shown.Succeeded)
        {
            return;
        }

        SetLease(keeper.Lease);
        try
        {
            var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var registration = keeper.Lost.Register(() => lost.TrySetResult());
            await lost.Task.WaitAsync(cancellation);
            Log.Warning("nodes", "the lease of this node is lost", ("lease", keeper.Lease.Value));
        }
        finally
        {
            SetLease(LeaseId.None);
        }
    }

    private void SetLease(LeaseId lease)
    {
        lock (_lock)
        {
            _lease = lease;
        }

        Changed?.Invoke();
    }
}
