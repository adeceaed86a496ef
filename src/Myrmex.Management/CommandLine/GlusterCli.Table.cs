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
        .. PeerTable(),
        .. HelpTable(),
    ];

    private IEnumerable<CliCommand> HelpTable() =>
    [
        new("help", "help", "display help", _ => Task.FromResult(Print(Summary()))),
    ];

    private Task<int> DispatchAsync(IReadOnlyList<string> words)
    {
        var command = Commands.Where(c => c.Agrees(words) == c.Length).MaxBy(c => c.Length);
        return command is null
            ? Task.FromResult(Unrecognized(words)) : command.Run([.. words.Skip(command.Length)]);
    }

    /// <summary>The commands of a subject with what they do, by name.</summary>
    private string Help(string subject)
    {
        var text = new StringBuilder($"\ngluster {subject} commands\n========================\n\n");
        foreach (var command in Commands.Where(c => c.Subject == subject).OrderBy(c => c.Words, StringComparer.Ordinal))
        {
            text.Append(command.Usage).Append(" - ").Append(command.Does).Append('\n');
        }

        return text.Append('\n').ToString();
    }

    private static string Summary() =>
        " peer help                - display help for peer commands\n"
        + " volume help              - display help for volume commands\n\n";

    private int Unrecognized(IReadOnlyList<string> words)
    {
        var known = Commands.Max(c => c.Agrees(words));
        var first = known == words.Count
            ? "unrecognized command\n" : $"unrecognized word: {words[known]} (position {known})\n";
        var subjects = Commands.Select(c => c.Subject).Distinct().Order(StringComparer.Ordinal);
        terminal.Error.Write(
            $"{first}\n Usage: gluster [options] {string.Join(' ', subjects.Select(s => $"<{s}>"))}\n Options:\n"
            + " --help  Shows the help information\n --version  Shows the version\n\n");
        return Failed;
    }
}
