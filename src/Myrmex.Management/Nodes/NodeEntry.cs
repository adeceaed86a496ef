using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Management.State;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>
/// Makes this node known to the cluster whose store it uses, and keeps its record and certificate in step with the
/// machine. Who may use the store is a member: the first node of a new store, every node that is given the address of
/// an etcd, and the nodes that joined. A member whose record has gone was detached.
/// </summary>
internal sealed class NodeEntry(
    NodeOptions options, IStateStore local, IStateStore store, MemberChanges members, Seams seams)
{
    /// <summary>
    /// The identity of this node in the cluster, with its record in the store. Throws
    /// <see cref="NodeDetachedException"/> after the node has left a cluster that it was detached from, and
    /// <see cref="StateStoreException"/> when the store is that of another cluster.
    /// </summary>
    public async Task<NodeIdentity> OpenAsync(NodeFacts facts, CancellationToken cancellation)
    {
        var identity = await NodeIdentity.LoadAsync(options, local, cancellation);
        var clusterId = await ClusterAuthority.ClusterIdAsync(store, cancellation);
        if (identity is not null && identity.Current.ClusterId != clusterId)
        {
            await CheckAloneAsync(identity, clusterId, cancellation);
            identity = null;
        }

        using var authority = await ClusterAuthority.EnsureAsync(store, seams, cancellation);
        if (identity is null)
        {
            await CheckNotDetachedAsync(authority.ClusterId, cancellation);
            var id = await NodeIdentity.LoadIdAsync(local, seams, cancellation);
            identity = await NodeIdentity.CreateAsync(
                options, local, NewRecord(authority, id, facts), cancellation);
        }

        await EnterAsync(identity, facts, cancellation);
        await RefreshAsync(identity, facts, cancellation);
        return identity;
    }

    /// <summary>
    /// Brings the record in step with the machine, and renews the certificate when it comes to its end or does not name
    /// all addresses. May be cut short and called again at any point.
    /// </summary>
    public async Task RefreshAsync(NodeIdentity identity, NodeFacts facts, CancellationToken cancellation)
    {
        var record = await members.EditAsync(
            identity.Current.Id,
            r => Settle(r, identity.Current) with
            {
                HostName = facts.HostName,
                Addresses = facts.Addresses,
                ManagementPort = facts.ManagementPort,
                NodePort = facts.NodePort,
            },
            type: null, cancellation);
        if (record is null || !NeedsRenewal(identity.Current, HostsOf(record)))
        {
            return;
        }

        await RenewAsync(identity, HostsOf(record), cancellation);
    }

    /// <summary>Everything that a node is called, for its certificate.</summary>
    public static IReadOnlyList<string> HostsOf(NodeRecord record) =>
        HostsOf(record.Names, record.HostName, record.Addresses);

    public static IReadOnlyList<string> HostsOf(
        IReadOnlyList<string> names, string hostName, IReadOnlyList<string> addresses) =>
        ["localhost", "127.0.0.1", "::1", .. names, hostName, .. addresses];

    /// <summary>The record with the certificate that the node shows, after a renewal that was cut short.</summary>
    private static NodeRecord Settle(NodeRecord record, NodeMaterial material) =>
        record.PublicKey == Certificates.PublicKeyText(material.Certificate.PublicKey)
            ? record with { Fingerprint = material.Fingerprint, NextFingerprint = null } : record;

    private bool NeedsRenewal(NodeMaterial material, IReadOnlyList<string> hosts) =>
        material.Certificate.NotAfter.ToUniversalTime() - Certificates.Now(seams.Clock) < NodeLimits.RenewBefore
        || !Certificates.HostsOf(material.Certificate).SetEquals(Certificates.HostsFor(hosts));

    /// <summary>
    /// First the store knows both certificates, then this node shows the new one, then the store forgets the old one.
    /// </summary>
    private async Task RenewAsync(
        NodeIdentity identity, IReadOnlyList<string> hosts, CancellationToken cancellation)
    {
        var before = identity.Current;
        using var authority = await ClusterAuthority.EnsureAsync(store, seams, cancellation);
        using var fresh = authority.IssueNode(
            Principal.OfNode(before.Id), before.Certificate.PublicKey, hosts);
        var fingerprint = Certificates.Fingerprint(fresh);
        var known = await members.EditAsync(
            before.Id, r => r with { NextFingerprint = fingerprint }, type: null, cancellation);
        if (known is null)
        {
            return; // Detached: told by who watches for it.
        }

        await identity.ReplaceAsync(
            before.Record with { Certificate = fresh.ExportCertificatePem(), Authority = authority.CertificatePem },
            cancellation);
        await members.EditAsync(before.Id, r => Settle(r, identity.Current), type: null, cancellation);
        Log.Information("nodes", "the certificate of this node is renewed", ("hosts", string.Join(',', hosts)));
    }

    private async Task EnterAsync(NodeIdentity identity, NodeFacts facts, CancellationToken cancellation)
    {
        var material = identity.Current;
        var publicKey = Certificates.PublicKeyText(material.Certificate.PublicKey);
        for (var attempt = 0; attempt < NodeLimits.ChangeAttemptsMax; attempt++)
        {
            var snapshot = await members.ReadAsync(cancellation);
            if (snapshot.Find(material.Id) is { } known)
            {
                if (known.PublicKey == publicKey)
                {
                    await MarkEnteredAsync(identity, cancellation);
                    return;
                }

                await LeaveAsync(identity, cancellation);
            }

            if (material.Record.IsEntered)
            {
                await LeaveAsync(identity, cancellation);
            }

            var entered = await members.PutAsync(
                snapshot, material.Id, sequence => NewMember(material, facts, snapshot, sequence),
                EventTypes.PeerAttach, cancellation);
            if (entered)
            {
                await MarkEnteredAsync(identity, cancellation);
                return;
            }
        }

        throw new StateStoreException("the members of the cluster change all the time; this node was not entered");
    }

    private NodeRecord NewMember(NodeMaterial material, NodeFacts facts, MemberSnapshot snapshot, long sequence)
    {
        var name = facts.Addresses.Prepend(facts.OwnName).FirstOrDefault(n => snapshot.FindName(n) is null)
            ?? material.Id.ToString();
        return new NodeRecord
        {
            Id = material.Id,
            Names = [name],
            HostName = facts.HostName,
            Addresses = facts.Addresses,
            ManagementPort = facts.ManagementPort,
            NodePort = facts.NodePort,
            Fingerprint = material.Fingerprint,
            PublicKey = Certificates.PublicKeyText(material.Certificate.PublicKey),
            JoinedUnixMs = seams.Clock.WallNs / 1_000_000,
            Sequence = sequence,
        };
    }

    private static async Task MarkEnteredAsync(NodeIdentity identity, CancellationToken cancellation)
    {
        if (!identity.Current.Record.IsEntered)
        {
            await identity.ReplaceAsync(identity.Current.Record with { IsEntered = true }, cancellation);
        }
    }

    private async Task LeaveAsync(NodeIdentity identity, CancellationToken cancellation)
    {
        await identity.LeaveAsync(seams, cancellation);
        throw new NodeDetachedException(identity.Current.ClusterId);
    }

    private IdentityRecord NewRecord(ClusterAuthority authority, NodeId id, NodeFacts facts)
    {
        using var key = Certificates.NewKey();
        var publicKey = new System.Security.Cryptography.X509Certificates.PublicKey(key);
        using var certificate = authority.IssueNode(
            Principal.OfNode(id), publicKey, HostsOf([facts.OwnName], facts.HostName, facts.Addresses));
        return new IdentityRecord
        {
            ClusterId = authority.ClusterId,
            Id = id,
            Key = key.ExportPkcs8PrivateKeyPem(),
            Certificate = certificate.ExportCertificatePem(),
            Authority = authority.CertificatePem,
        };
    }

    /// <summary>
    /// A node that was alone in its own file without volumes may be given a store elsewhere; any other that finds
    /// another cluster in its store was given the wrong one.
    /// </summary>
    private async Task CheckAloneAsync(NodeIdentity identity, string? found, CancellationToken cancellation)
    {
        var own = await ClusterAuthority.ClusterIdAsync(local, cancellation);
        var nodes = await local.RangeAsync(KeyRange.Prefix(NodeKeys.Nodes), cancellation);
        var volumes = await local.RangeAsync(KeyRange.Prefix(StateKeys.Volumes), cancellation);
        if (ReferenceEquals(local, store) || own != identity.Current.ClusterId || nodes.Count > 1 || volumes.Count > 0)
        {
            throw new StateStoreException(
                $"this node belongs to the cluster {identity.Current.ClusterId}, and the state store "
                + (found is null ? "is empty" : $"is that of the cluster {found}"));
        }
    }

    private async Task CheckNotDetachedAsync(string clusterId, CancellationToken cancellation)
    {
        var detached = await local.GetAsync(NodeKeys.LocalDetached, cancellation);
        if (detached is not null && Encoding.ASCII.GetString(detached.Value.Span) == clusterId)
        {
            throw new StateStoreException(
                $"this node was detached from the cluster {clusterId}; start it without the address of that cluster's "
                + "store, and probe it to take it in again");
        }
    }
}
