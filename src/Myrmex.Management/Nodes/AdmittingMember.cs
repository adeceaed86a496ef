using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>An offer that was made: what was true then, and the record that makes it so.</summary>
internal sealed record Admission(
    NodeId Node, string Fingerprint, JoinOffer Offer, MemberSnapshot Snapshot, Func<long, NodeRecord> Make);

/// <summary>
/// Asked how a new node reaches the store of this cluster: the text that it keeps. Throws
/// <see cref="CommandException"/> with advice when it cannot.
/// </summary>
internal delegate Task<string> StoreOffer(NodeId node, CancellationToken cancellation);

/// <summary>The side of a join that takes in.</summary>
internal sealed class AdmittingMember(
    IStateStore store, MemberChanges members, StoreOffer storeOffer, Seams seams)
{
    /// <summary>
    /// Signs a certificate for a node that may join under this name. Nothing is changed yet. Throws
    /// <see cref="CommandException"/> when the name is that of another member, or the node is a living member.
    /// </summary>
    public async Task<Admission> OfferAsync(
        JoinApplication application, string name, CancellationToken cancellation)
    {
        var id = application.NodeId;
        var facts = Checked(application.Facts);
        var reach = await storeOffer(id, cancellation);
        var snapshot = await members.ReadAsync(cancellation);
        if (snapshot.Alive.Contains(id))
        {
            throw new CommandException(
                CommandFailure.Conflict, $"a node with the id {id} is a member already and runs");
        }

        if (snapshot.FindName(name) is { } other && other.Id != id)
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"Host: {name}  with uuid: {other.Id} already present in cluster with alias hostname: {other.Name}");
        }

        var key = Certificates.KeyOf(application.Request);
        var known = snapshot.Find(id);
        var names = NamesOf(known, name);
        using var authority = await ClusterAuthority.EnsureAsync(store, seams, cancellation);
        using var certificate = authority.IssueNode(
            Principal.OfNode(id), key, NodeEntry.HostsOf(names, facts.HostName, facts.Addresses));
        var fingerprint = Certificates.Fingerprint(certificate);
        var record = new NodeRecord
        {
            Id = id,
            Names = names,
            HostName = facts.HostName,
            Addresses = facts.Addresses,
            ManagementPort = facts.ManagementPort,
            NodePort = facts.NodePort,
            Fingerprint = fingerprint,
            PublicKey = Certificates.PublicKeyText(key),
            JoinedUnixMs = seams.Clock.WallNs / 1_000_000,
            Sequence = 0,
        };
        var offer = new JoinOffer(
            authority.ClusterId, certificate.ExportCertificatePem(), authority.CertificatePem, reach, snapshot.Nodes);
        return new Admission(
            id, fingerprint, offer, snapshot,
            next => known is null
                ? record with { Sequence = next } : record with { Sequence = known.Sequence, Labels = known.Labels });
    }

    /// <summary>
    /// Makes the node a member; false when the members changed since the offer, which must be made anew then.
    /// </summary>
    public Task<bool> AdmitAsync(Admission admission, CancellationToken cancellation) =>
        members.PutAsync(admission.Snapshot, admission.Node, admission.Make, EventTypes.PeerAttach, cancellation);

    private static string[] NamesOf(NodeRecord? known, string name) =>
        known is null ? [name] : [.. known.Names.Append(name).Distinct(StringComparer.OrdinalIgnoreCase)];

    private static NodeFacts Checked(NodeFacts facts)
    {
        var addresses = facts.Addresses.Where(a => System.Net.IPAddress.TryParse(a, out _))
            .Take(NodeLimits.CertificateAddressesMax / 2);
        return NodeNames.IsValid(facts.HostName) && facts.NodePort is > 0 and < 65536
            && facts.ManagementPort is > 0 and < 65536
            ? facts with { Addresses = (IReadOnlyList<string>)[.. addresses] }
            : throw new CommandException(CommandFailure.Invalid, "the node's host name or ports cannot be");
    }
}
