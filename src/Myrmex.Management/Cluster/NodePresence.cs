using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>Holds a lease for this node, with <c>alive/NODE</c> under it, and takes another when it is lost.</summary>
internal sealed class NodePresence(IStateStore store, NodeId node, NodeLife life, Seams seams) : INodePresence
{
    private volatile LeaseKeeper? _keeper;

    public event Action? Changed;

    public LeaseId Lease => _keeper is { IsHeld: true } keeper ? keeper.Lease : LeaseId.None;

    public bool IsHeld => _keeper is { IsHeld: true };

    /// <summary>Takes the lease for the first time; throws <see cref="StateStoreException"/>.</summary>
    public async Task AppearAsync(CancellationToken cancellation)
    {
        var keeper = await LeaseKeeper.GrantAsync(store, seams, Limits.NodeLeaseSeconds, cancellation);
        try
        {
            var put = new Operation.Put(NodeKeys.Life(node), life.ToBytes(), keeper.Lease);
            await store.CommitAsync(StateTransaction.Always(put), cancellation);
        }
        catch
        {
            await keeper.DisposeAsync();
            throw;
        }

        _keeper = keeper;
        Changed?.Invoke();
    }

    /// <summary>Keeps a lease until it is cancelled; then gives it back, so that the others know at once.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                if (_keeper is { } keeper)
                {
                    await LostAsync(keeper, cancellation);
                    _keeper = null;
                    Changed?.Invoke();
                    Log.Warning("nodes", "the lease of this node is lost, taking another");
                    await keeper.DisposeAsync();
                }

                await TryAppearAsync(cancellation);
            }
        }
        finally
        {
            if (_keeper is { } last)
            {
                await last.DisposeAsync();
            }
        }
    }

    private static async Task LostAsync(LeaseKeeper keeper, CancellationToken cancellation)
    {
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = keeper.Lost.Register(() => lost.TrySetResult());
        await lost.Task.WaitAsync(cancellation);
    }

    private async Task TryAppearAsync(CancellationToken cancellation)
    {
        try
        {
            await AppearAsync(cancellation);
        }
        catch (Exception e) when (e is StateStoreException or LeaseNotFoundException)
        {
            Log.Warning("nodes", "no lease for this node", ("reason", e.Message));
            await Pauses.WaitAsync(seams.Scheduler, Limits.OpRetryMs, cancellation);
        }
    }
}
