using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Runtime;

namespace Myrmex.Management.Etcd;

/// <summary>Makes stores from choices. All members throw <see cref="StateStoreException"/>.</summary>
internal interface IStoreOpener
{
    /// <summary>The caller disposes it. The node's own file stays open all the same.</summary>
    IStateStore Open(StoreChoice choice);

    /// <summary>What the member of etcd at this address says, as seen by this node.</summary>
    Task<EtcdStatus?> ProbeAsync(Uri clientUrl, CancellationToken cancellation);

    /// <summary>The members of the managed etcd; the caller disposes it.</summary>
    IEtcdAdministration Administer(StoreChoice choice);
}

/// <inheritdoc/>
internal sealed class StoreOpener(IStateStore local, NodeCertificates certificates, Seams seams) : IStoreOpener
{
    public IStateStore Open(StoreChoice choice) => choice.Kind == StoreKind.Embedded
        ? new LentStore(local) : EtcdStore.Open(choice.ToOptions(certificates), seams);

    public async Task<EtcdStatus?> ProbeAsync(Uri clientUrl, CancellationToken cancellation)
    {
        await using var administration = Administer(StoreChoice.Managed(clientUrl));
        return await administration.StatusAsync(clientUrl, cancellation);
    }

    public IEtcdAdministration Administer(StoreChoice choice) =>
        EtcdAdministration.Open(choice.ToOptions(certificates), seams);
}
