using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading.Tasks;

namespace Myrmex.Management.CommandLine;

/// <summary>
/// The commands of GlusterFS' command line, against our daemon: same grammar, text, XML and exit codes (0 success, 1
/// failure; with --xml a refusal exits 0 and the XML has it). Source: gluster(8) 10.3.
/// </summary>
public sealed partial class GlusterCli(
    Func<CliArguments, IManagementClient> connect, CliTerminal terminal, string version)
{
    private const int Success = 0;
    private const int Failed = 1;

    private CliArguments _arguments = new();
    private IManagementClient? _client;

    private IManagementClient Client => _client ??= connect(_arguments);

    /// <summary>Runs one command, or, with no words, those that are typed in at a prompt.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IEnumerable<string> arguments)
    {
        try
        {
            _arguments = CliArguments.Parse(arguments);
            return _arguments switch
            {
                { AsksVersion: true } => Print($"myrmex {version}\n"),
                { AsksHelp: true } => Print(Summary()),
                { Words.Count: 0 } => await PromptAsync(),
                _ => await DispatchAsync(_arguments.Words),
            };
        }
        catch (CommandException e)
        {
            return Fail(e.Message);
        }
        catch (DaemonUnreachableException e)
        {
            return Fail(e.Message);
        }
        finally
        {
            (_client as IDisposable)?.Dispose();
            _client = null;
        }
    }

    /// <summary>The words of a line; quotes hold words together.</summary>
    internal static IReadOnlyList<string> Split(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var quote = '\0';
        var begun = false;
        foreach (var c in line)
        {
            if (c == quote)
            {
                quote = '\0';
            }
            else if (quote != '\0' || !(char.IsWhiteSpace(c) || c is '"' or '\''))
            {
                word.Append(c);
                begun = true;
            }
            else if (c is '"' or '\'')
            {
                quote = c;
                begun = true;
            }
            else if (begun)
            {
                words.Add(word.ToString());
                word.Clear();
                begun = false;
            }
        }

        if (begun)
        {
            words.Add(word.ToString());
        }

        return words;
    }

    private async Task<int> PromptAsync()
    {
        var result = Success;
        while (true)
        {
            Print("gluster> ");
            await terminal.Out.FlushAsync();
            var line = await terminal.In.ReadLineAsync();
            var words = Split(line ?? "quit");
            if (words.Count == 1 && words[0] is "quit" or "exit")
            {
                return result;
            }

            if (words.Count > 0)
            {
                result = await new GlusterCli(connect, terminal, version).RunAsync(words);
            }
        }
    }

    private Task<int> DispatchAsync(IReadOnlyList<string> words)
    {
        var rest = words.Skip(2).ToArray();
        return (words[0], words.Count > 1 ? words[1] : string.Empty) switch
        {
            ("volume", "create") => CreateAsync(rest),
            ("volume", "start") => StartAsync(rest),
            ("volume", "stop") => StopAsync(rest),
            ("volume", "delete") => DeleteAsync(rest),
            ("volume", "list") => ListAsync(),
            ("volume", "info") => InfoAsync(rest),
            ("volume", "status") => StatusAsync(rest),
            ("volume", "set") => SetAsync(rest),
            ("volume", "get") => GetAsync(rest),
            ("volume", "reset") => ResetAsync(rest),
            ("volume", "help") => Task.FromResult(Print(Help("gluster volume commands", Usages.Volume))),
            ("peer", "status") => PeerStatusAsync(),
            ("peer", "probe" or "detach") => Task.FromResult(Fail(
                $"peer {words[1]}: failed: this version manages a single node")),
            ("peer", "help") => Task.FromResult(Print(Help("gluster peer commands", Usages.Peer))),
            ("pool", "list") => PoolListAsync(),
            ("help", _) => Task.FromResult(Print(Summary())),
            _ => Task.FromResult(Unrecognized(words)),
        };
    }

    private async Task<int> PeerStatusAsync()
    {
        var peers = await Client.PeersAsync();
        if (_arguments.IsXml)
        {
            return Print(CliXml.Success().Peers(peers, pool: false).ToString());
        }

        var others = peers.Where(p => !p.IsLocal).ToList();
        var text = new StringBuilder($"Number of Peers: {others.Count}\n");
        foreach (var peer in others)
        {
            text.Append($"\nHostname: {peer.HostName}\nUuid: {peer.Id}\n")
                .Append($"State: Peer in Cluster ({(peer.Connected ? "Connected" : "Disconnected")})\n");
        }

        return Print(text.ToString());
    }

    private async Task<int> PoolListAsync()
    {
        var peers = await Client.PeersAsync();
        return Print(_arguments.IsXml ? CliXml.Success().Peers(peers, pool: true).ToString() : CliText.Pool(peers));
    }

    private static string Help(string title, IReadOnlyList<(string Usage, string Does)> commands)
    {
        var text = new StringBuilder($"\n{title}\n========================\n\n");
        foreach (var (usage, does) in commands)
        {
            text.Append(usage).Append(" - ").Append(does).Append('\n');
        }

        return text.Append('\n').ToString();
    }

    private static string Summary() =>
        " peer help                - display help for peer commands\n"
        + " volume help              - display help for volume commands\n\n";

    private int Unrecognized(IReadOnlyList<string> words)
    {
        var known = words[0] is "volume" or "peer" or "pool";
        var first = known && words.Count == 1
            ? "unrecognized command\n"
            : $"unrecognized word: {words[known ? 1 : 0]} (position {(known ? 1 : 0)})\n";
        terminal.Error.Write(
            first + "\n Usage: gluster [options] <help> <peer> <pool> <volume>\n Options:\n"
            + " --help  Shows the help information\n --version  Shows the version\n\n");
        return Failed;
    }

    private int Usage(string usage)
    {
        terminal.Error.Write($"\nUsage:\n{usage}\n\n");
        return Failed;
    }

    /// <summary>A mistake in the command line itself: what is wrong, then the grammar.</summary>
    private int Usage(string usage, string problem)
    {
        terminal.Error.Write($"{problem}\n");
        return Usage(usage);
    }

    private int Fail(string text)
    {
        terminal.Error.Write($"{text}\n");
        return Failed;
    }

    private int Print(string text)
    {
        terminal.Out.Write(text);
        return Success;
    }
}
