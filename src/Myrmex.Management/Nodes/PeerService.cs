using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.Nodes;

/// <summary>The commands on nodes as the REST service calls them.</summary>
internal sealed class PeerService(NodeServices nodes) : IPeerCommands
{
    public Task<IReadOnlyList<PeerMessage>> ListAsync(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<PeerMessage>>(
            [.. nodes.Peers.Status().OrderBy(p => p.IsLocal ? 0 : 1).Select(ToMessage)]);

    public async Task<ProbedMessage> ProbeAsync(string host, CancellationToken cancellation)
    {
        var before = nodes.Peers.Status().Select(p => p.Id).ToHashSet();
        var said = await nodes.Probe.RunAsync(host, cancellation);
        var now = nodes.Peers.Status();
        var peer = now.FirstOrDefault(p => !before.Contains(p.Id))
            ?? await FindAsync(host, cancellation) ?? now.First(p => p.IsLocal);
        var outcome = peer.IsLocal ? "local" : said == "success" ? "joined" : "member";
        return new ProbedMessage(outcome, ToMessage(peer));
    }

    public async Task<PeerMessage> DetachAsync(string host, bool force, CancellationToken cancellation)
    {
        var peer = await FindAsync(host, cancellation);
        await nodes.Peers.DetachAsync(host, force, cancellation);
        return peer is null ? new PeerMessage(string.Empty, host, Connected: false, IsLocal: false) : ToMessage(peer);
    }

    public async Task<PeerMessage> LabelAsync(
        string host, IReadOnlyDictionary<string, string?> labels, CancellationToken cancellation)
    {
        var record = await nodes.Peers.LabelAsync(
            host, [.. labels.Select(l => KeyValuePair.Create(l.Key, l.Value ?? string.Empty))], cancellation);
        return ToMessage(nodes.Peers.Status().First(p => p.Id == record.Id)) with { Labels = record.Labels };
    }

    private static PeerMessage ToMessage(PeerReport peer) =>
        new(peer.Id.ToString(), peer.Name, peer.Connected, peer.IsLocal)
        {
            OtherNames = peer.OtherNames,
            Labels = peer.Labels,
        };

    private async Task<PeerReport?> FindAsync(string host, CancellationToken cancellation)
    {
        var record = await nodes.Directory.ResolveAsync(host, cancellation);
        return record is null ? null : nodes.Peers.Status().FirstOrDefault(p => p.Id == record.Id);
    }
}
