using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// A store whose owner is killed around a chosen change: before it took effect, or after it did but before the owner heard
/// of it. From then on nothing works, and its leases end.
/// </summary>
internal sealed class CrashingStore(IStateStore inner, int changesUntilCrash, bool after)
    : ForwardingStore(inner)
{
    private readonly System.Collections.Concurrent.ConcurrentBag<LeaseId> _leases = [];
    private int _left = changesUntilCrash;

    public bool HasCrashed { get; private set; }

    /// <summary>Changes are counted.</summary>
    public bool IsArmed { get; set; } = true;

    public override async Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation)
    {
        ThrowIfCrashed();
        var changes = false;
        foreach (var operation in transaction.Then)
        {
            changes |= operation is not Operation.Get;
        }

        if (!IsArmed || !changes || Interlocked.Decrement(ref _left) > 0)
        {
            return await Inner.CommitAsync(transaction, cancellation);
        }

        HasCrashed = true;
        if (after)
        {
            await Inner.CommitAsync(transaction, cancellation);
        }

        foreach (var lease in _leases)
        {
            await Inner.RevokeLeaseAsync(lease, CancellationToken.None); // It is not kept alive any more.
        }

        throw new StateStoreException("killed");
    }

    public override async Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation)
    {
        ThrowIfCrashed();
        var lease = await Inner.GrantLeaseAsync(seconds, cancellation);
        _leases.Add(lease);
        return lease;
    }

    public override Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation)
    {
        ThrowIfCrashed();
        return Inner.KeepLeaseAliveAsync(lease, cancellation);
    }

    private void ThrowIfCrashed()
    {
        if (HasCrashed)
        {
            throw new StateStoreException("killed");
        }
    }
}
