using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Coordination.Etcd;

/// <summary>
/// The members of an etcd cluster. All calls throw <see cref="StateStoreException"/> when it is not known whether they
/// took effect, and its kind <see cref="TransactionRefusedException"/> when they certainly did not.
/// Source: etcd v3 API, services Cluster and Maintenance.
/// </summary>
public interface IEtcdAdministration : IAsyncDisposable
{
    /// <summary>All members as of now, also those that were added and have not started.</summary>
    Task<IReadOnlyList<EtcdMember>> MembersAsync(CancellationToken cancellation);

    /// <summary>
    /// Adds a member that is to be started at this address. It has no vote until it is promoted, so that it does no
    /// harm when it does not come. etcd takes one such at a time, and refuses while it is not sure of its majority.
    /// </summary>
    Task<EtcdMember> AddLearnerAsync(Uri peerUrl, CancellationToken cancellation);

    /// <summary>Gives a learner its vote; false while it has not all data yet. A voter stays one.</summary>
    Task<bool> PromoteAsync(ulong member, CancellationToken cancellation);

    /// <summary>Removes a member for good: it ends, and its data is of no use any more. Done already is done.</summary>
    Task RemoveAsync(ulong member, CancellationToken cancellation);

    /// <summary>Tells where a member is reached by the others.</summary>
    Task UpdateAsync(ulong member, Uri peerUrl, CancellationToken cancellation);

    /// <summary>What the member at this client address says; null when it does not answer in time.</summary>
    Task<EtcdStatus?> StatusAsync(Uri clientUrl, CancellationToken cancellation);

    /// <summary>Has another voter lead. Nothing happens when it leads already.</summary>
    Task MoveLeaderAsync(ulong member, CancellationToken cancellation);

    /// <summary>
    /// Gives unused space of a member's file back. It answers nobody meanwhile: one after the other, the leader last.
    /// </summary>
    Task DefragmentAsync(Uri clientUrl, CancellationToken cancellation);
}
