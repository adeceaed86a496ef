using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>
/// <c>volume replace-brick</c> and <c>volume reset-brick</c>. Source: gluster 10.3, text and XML: the XML of both is
/// the result alone, with what the text says as its message, and exit code 0 of a refusal.
/// </summary>
public sealed partial class GlusterCli
{
    private IEnumerable<CliCommand> ReplaceTable() =>
    [
        new("volume replace-brick", Usages.ReplaceBrick, "replace-brick operations", ReplaceBrickAsync),
        new("volume reset-brick", Usages.ResetBrick, "reset-brick operations", ResetBrickAsync),
    ];

    private async Task<int> ReplaceBrickAsync(string[] words)
    {
        if (words.Length != 5)
        {
            return Usage(Usages.ReplaceBrick);
        }

        if (WrongBrick(words[1..3]) is { } wrong)
        {
            return Usage(Usages.ReplaceBrick, wrong);
        }

        return words[3..] is ["commit", "force"]
            ? await RenewAsync(
                "replace-brick", "commit force",
                () => Client.ReplaceBrickAsync(
                    words[0], new ReplaceBrickMessage(words[1], words[2]) { Force = true }))
            : Usage(
                Usages.ReplaceBrick,
                $"Invalid option '{words[3]}' '{words[4]}' for replace-brick. "
                + "Please enter valid replace-brick command");
    }

    private async Task<int> ResetBrickAsync(string[] words)
    {
        if (words.Length is < 3 or > 5)
        {
            return Usage(Usages.ResetBrick);
        }

        if (WrongBrick(words.Length == 3 ? words[1..2] : words[1..3]) is { } wrong)
        {
            return Usage(Usages.ResetBrick, wrong);
        }

        switch (words[2..])
        {
            case ["start"]:
                return await RenewAsync(
                    "reset-brick", "start", () => Client.ResetBrickAsync(words[0], new ResetBrickMessage(words[1])));
            case [var target, "commit"]:
                return await RenewAsync(
                    "reset-brick", "commit",
                    () => Client.ResetBrickAsync(words[0], new ResetBrickMessage(words[1]) { Target = target }));
            case [var target, "commit", "force"]:
                return await RenewAsync(
                    "reset-brick", "commit force",
                    () => Client.ResetBrickAsync(
                        words[0], new ResetBrickMessage(words[1]) { Target = target, Force = true }));
            default:
                var option = string.Join(' ', words.Length == 3 ? words[2..] : words[3..]);
                return Usage(
                    Usages.ResetBrick,
                    $"Invalid option '{option}' for reset-brick. Please enter valid reset-brick command");
        }
    }

    private static string? WrongBrick(IEnumerable<string> bricks) =>
        bricks.FirstOrDefault(b => b.IndexOf(":/", StringComparison.Ordinal) <= 0) is { } wrong
            ? $"wrong brick type: {wrong}, use <HOSTNAME>:<export-dir-abs-path>" : null;

    private async Task<int> RenewAsync(string command, string operation, Func<Task<VolumeMessage>> does)
    {
        var done = $"{command} {operation} operation successful";
        try
        {
            var volume = await does();
            return Show(
                volume, VolumeMessageJson.Default.VolumeMessage, () => CliXml.Success(done),
                () => $"volume {command}: success: {done}\n");
        }
        catch (CommandException e)
        {
            return _arguments.IsXml ? Print(CliXml.Failure(e.Message, error: 0).ToString())
                : Refused(e, $"volume {command}: failed: {e.Message}");
        }
    }
}
