using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading.Tasks;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    /// <summary>All commands: a list a subject, in the file of the subject.</summary>
    private IReadOnlyList<CliCommand> Commands => _commands ??=
    [
        .. VolumeTable(),
        .. OptionTable(),
        .. BrickTable(),
        .. ReplaceTable(),
        .. RebalanceTable(),
        .. HealTable(),
        .. LeaderTable(),
        .. PeerTable(),
        .. GlobalTable(),
        .. HelpTable(),
        .. AbsentTable(),
    ];

    private IEnumerable<CliCommand> HelpTable() =>
    [
        new("help", "help", "display help", _ => Task.FromResult(Print(Summary()))),
        HelpOf("volume", "volume"),
        HelpOf("peer", "peer"),
        HelpOf("global", "global"),
        HelpOf("snapshot", "snapshot"),
        HelpOf("volume quota", "quota"),
        HelpOf("volume bitrot", "bitrot"),
        HelpOf("system::", "system"),
    ];

    private Task<int> DispatchAsync(IReadOnlyList<string> words)
    {
        var command = Commands.Where(c => c.Agrees(words) == c.Length).MaxBy(c => c.Length);
        return command is null
            ? Task.FromResult(Unrecognized(words)) : command.Run([.. words.Skip(command.Length)]);
    }

    private CliCommand HelpOf(string words, string title) => new(
        $"{words} help", $"{words} help", $"display help for {title} commands",
        _ => Task.FromResult(Print(Help(words, title))));

    /// <summary>The commands of a subject with what they do, by name. Refused ones are not shown.</summary>
    private string Help(string words, string title)
    {
        bool Belongs(CliCommand c) => words == "global" ? c.IsGlobal
            : c.Words.StartsWith(words + " ", StringComparison.Ordinal) || (words == "peer" && c.Subject == "pool");
        var heading = $"gluster {title} commands";
        var text = new StringBuilder($"\n{heading}\n{new string('=', heading.Length)}\n\n");
        foreach (var command in Commands.Where(c => Belongs(c) && !c.IsAbsent && (words != "volume" || c.Length == 2))
            .OrderBy(c => c.Usage, StringComparer.Ordinal))
        {
            text.Append(command.Usage).Append(" - ").Append(command.Does).Append('\n');
        }

        return text.Append("\n\n").ToString();
    }

    private static string Summary() =>
        " peer help                - display help for peer commands\n"
        + " volume help              - display help for volume commands\n"
        + " volume bitrot help       - display help for volume bitrot commands\n"
        + " volume quota help        - display help for volume quota commands\n"
        + " snapshot help            - display help for snapshot commands\n"
        + " global help              - list global commands\n\n";

    private int Unrecognized(IReadOnlyList<string> words)
    {
        var known = Commands.Max(c => c.Agrees(words));
        var first = known == words.Count
            ? "unrecognized command\n" : $"unrecognized word: {words[known]} (position {known})\n";
        Print(
            first + "\n Usage: gluster [options] <help> <peer> <pool> <volume>\n Options:\n"
            + " --help  Shows the help information\n --version  Shows the version\n"
            + " --print-logdir  Shows the log directory\n"
            + " --print-statedumpdir Shows the state dump directory\n\n");
        return Failed;
    }
}
