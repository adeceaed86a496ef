using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Coordination;

/// <summary>
/// Where everything is kept that management knows: ordered keys with revisions, compare-and-swap, leases and watches.
/// The model is etcd v3's, so that a cluster can keep its state there and one machine in a file.
/// Promises: a transaction that was answered is durable and every later call sees it; calls that failed with
/// <see cref="StateStoreException"/> may or may not have taken effect. All members may be called from any thread.
/// </summary>
public interface IStateStore : IAsyncDisposable
{
    /// <summary>
    /// Takes one branch of <paramref name="transaction"/>. Throws <see cref="LeaseNotFoundException"/>.
    /// </summary>
    Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation);

    /// <summary>
    /// The changes to <paramref name="range"/> from revision <paramref name="from"/> on, one batch a revision, in order
    /// and without gaps; never ends by itself. <see cref="Revision.None"/> starts with the next change. Throws
    /// <see cref="RevisionCompactedException"/> when the changes asked for are no longer kept: read the range again and
    /// watch from the revision after that read.
    /// </summary>
    IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, Revision from, CancellationToken cancellation);

    /// <summary>
    /// A promise to come back within <paramref name="seconds"/>. When it is not kept alive, the keys that name it are
    /// deleted, soon after but never before. After a restart of the store the full time runs again.
    /// </summary>
    Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation);

    /// <summary>Gives the lease its full time again; false when it is gone.</summary>
    Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation);

    /// <summary>Ends a lease and deletes its keys, in one revision. Nothing happens when it is gone already.</summary>
    Task RevokeLeaseAsync(LeaseId lease, CancellationToken cancellation);
}

public enum ChangeKind
{
    Put,
    Delete,
}

/// <param name="Entry">The new entry; for a delete the key, revision of the delete, version 0 and no value.</param>
public sealed record StateChange(ChangeKind Kind, StateEntry Entry);

/// <summary>The watched changes of one revision.</summary>
public sealed record WatchBatch(Revision Revision, IReadOnlyList<StateChange> Changes);

/// <summary>The store cannot be used: not there, in use by another process, or its disk failed.</summary>
public class StateStoreException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What every call of a store throws that its user has disposed of.</summary>
    internal static StateStoreException Closed() => new("the state store is closed");
}

/// <summary>A put named a lease that has ended or never was.</summary>
public sealed class LeaseNotFoundException(LeaseId lease) : Exception($"lease {lease.Value} does not exist")
{
    public LeaseId Lease => lease;
}

/// <summary>The changes asked for are no longer kept.</summary>
public sealed class RevisionCompactedException(Revision oldest, string? reason = null)
    : Exception(reason ?? $"changes before revision {oldest.Value} are no longer kept")
{
    /// <summary>
    /// The oldest revision a watch can start from; <see cref="Revision.None"/> when the watch was of another store than
    /// the one that is in use now, whose revisions are other numbers.
    /// </summary>
    public Revision Oldest => oldest;
}
