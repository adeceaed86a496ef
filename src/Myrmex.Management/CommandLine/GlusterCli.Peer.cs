using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Management.Http;
using Myrmex.Management.Nodes;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    private const string DetachQuestion =
        "All clients mounted through the peer which is getting detached need to be remounted using one of the other "
        + "active peers in the trusted storage pool to ensure client gets notification on any changes done on the "
        + "gluster configuration and if the same has been done do you want to proceed?";

    private IEnumerable<CliCommand> PeerTable() =>
    [
        new("peer status", Usages.PeerStatus, "list status of peers", PeerStatusAsync),
        new("peer probe", Usages.Probe, "probe peer specified by <HOSTNAME>", ProbeAsync),
        new("peer detach", Usages.Detach, "detach peer specified by <HOSTNAME>", DetachAsync),
        new("peer label", Usages.Label, "set labels of a node, such as rack and site", LabelAsync),
        new("pool list", Usages.PoolList, "list all the nodes in the pool (including localhost)", PoolListAsync),
    ];

    private async Task<int> PeerStatusAsync(string[] words)
    {
        if (words.Length > 0)
        {
            return Usage(Usages.PeerStatus);
        }

        var peers = await Client.PeersAsync();
        var others = peers.Where(p => !p.IsLocal).ToList();
        return Show(
            new PeerListMessage(others), PeerMessageJson.Default.PeerListMessage,
            () => CliXml.Success().Peers(peers, pool: false), () => CliText.Peers(others));
    }

    private async Task<int> PoolListAsync(string[] words)
    {
        if (words.Length > 0)
        {
            return Usage(Usages.PoolList);
        }

        var peers = await Client.PeersAsync();
        return Show(
            new PeerListMessage(peers), PeerMessageJson.Default.PeerListMessage,
            () => CliXml.Success().Peers(peers, pool: true), () => CliText.Pool(peers));
    }

    private async Task<int> ProbeAsync(string[] words)
    {
        if (words.Length != 1)
        {
            return Usage(Usages.Probe);
        }

        try
        {
            var probed = await Client.ProbeAsync(words[0]);
            var said = probed.Outcome switch
            {
                "local" => "Probe on localhost not needed",
                "member" => $"Host {words[0]} port 24007 already in peer list",
                _ => string.Empty,
            };
            var note = probed.Outcome switch { "local" => 1, "member" => 2, _ => 0 };
            return Show(
                probed, PeerMessageJson.Default.ProbedMessage, () => CliXml.Success(note).Said(said),
                () => $"peer probe: {(said.Length == 0 ? "success" : said)}\n");
        }
        catch (CommandException e)
        {
            return PeerRefused(e, "probe");
        }
    }

    private async Task<int> DetachAsync(string[] words)
    {
        if (words.Length is < 1 or > 2 || (words.Length == 2 && words[1] != "force"))
        {
            return Usage(Usages.Detach);
        }

        if (await ConfirmAsync(DetachQuestion) is { } answered)
        {
            return answered;
        }

        try
        {
            var gone = await Client.DetachAsync(words[0], force: words.Length == 2);
            return Show(
                gone, PeerMessageJson.Default.PeerMessage, () => CliXml.Success().Said("success"),
                () => "peer detach: success\n");
        }
        catch (CommandException e)
        {
            return PeerRefused(e, "detach");
        }
    }

    private async Task<int> LabelAsync(string[] words)
    {
        var labels = new Dictionary<string, string?>(System.StringComparer.Ordinal);
        foreach (var word in words.Skip(1))
        {
            var equals = word.IndexOf('=');
            if (equals < 1)
            {
                return Usage(Usages.Label);
            }

            labels[word[..equals]] = equals + 1 == word.Length ? null : word[(equals + 1)..];
        }

        if (labels.Count == 0)
        {
            return Usage(Usages.Label);
        }

        try
        {
            var peer = await Client.LabelAsync(words[0], labels);
            var text = new StringBuilder("peer label: success\n");
            foreach (var (key, value) in peer.Labels)
            {
                text.Append(key).Append('=').Append(value).Append('\n');
            }

            return Show(
                peer, PeerMessageJson.Default.PeerMessage, () => CliXml.Success().Said("success"),
                () => text.ToString());
        }
        catch (CommandException e)
        {
            return PeerRefused(e, "label");
        }
    }

    private int PeerRefused(CommandException e, string verb) => _arguments.IsXml
        ? Print(CliXml.Failure(e.Message, PeerError(e, verb)).ToString())
        : Refused(e, $"peer {verb}: failed: {e.Message}");

    /// <summary>GlusterFS' number of a refusal: 1 for this very node, 2 for one that is not a member.</summary>
    private static int PeerError(CommandException e, string verb) => (verb, e.Failure) switch
    {
        ("detach", CommandFailure.Invalid) => 1,
        ("detach", CommandFailure.NotFound) => 2,
        ("probe", _) when e.Message.StartsWith(PeerProbe.Unreachable, System.StringComparison.Ordinal) =>
            (int)Errno.ENOTCONN,
        _ => CliXml.InternalError,
    };
}
