using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    private IEnumerable<CliCommand> OptionTable() =>
    [
        new(
            "volume get", Usages.Get,
            "Get the value of the all options or given option for volume <VOLNAME> or all option", GetAsync),
        new("volume reset", Usages.Reset, "reset all the reconfigured options", ResetAsync),
        new("volume set", Usages.Set, "set options for volume <VOLNAME>", SetAsync),
    ];

    private async Task<int> SetAsync(string[] words)
    {
        if (words is ["help"])
        {
            return Print(CliText.OptionHelp(await Client.OptionHelpAsync()));
        }

        if (words.Length >= 2 && words[1] == "group")
        {
            return Fail("volume set: failed: option groups are not supported; set the options one by one");
        }

        if (words.Length >= 1 && words[0] == "all")
        {
            return Fail("volume set: failed: there are no options for all volumes; name a volume");
        }

        if (words.Length < 3 || words.Length % 2 == 0)
        {
            return Usage(Usages.Set);
        }

        var options = words.Skip(1).Chunk(2)
            .Select(pair => new SettingMessage(pair[0], pair[1])).ToList();
        return await ReconfigureAsync(
            "set", "volSet", "success", ("Set volume successful", "Set volume unsuccessful"),
            () => Client.SetAsync(words[0], options));
    }

    private async Task<int> ResetAsync(string[] words)
    {
        if (words.Length is 0 or > 3 || (words.Length == 3 && words[2] != "force"))
        {
            return Usage(Usages.Reset);
        }

        var force = words.Length > 1 && words[^1] == "force";
        var key = words.Length - (force ? 1 : 0) > 1 && words[1] != "all" ? words[1] : null;
        return await ReconfigureAsync(
            "reset", "volReset", "success: reset volume successful",
            ("reset volume successful", "reset volume unsuccessful"),
            () => Client.ResetAsync(words[0], key, force));
    }

    private async Task<int> GetAsync(string[] words)
    {
        if (words.Length != 2)
        {
            return Usage(Usages.Get);
        }

        try
        {
            var options = await Client.OptionsAsync(words[0], words[1] == "all" ? null : words[1]);
            return Print(_arguments.IsXml ? CliXml.Success().Options(options).ToString() : CliText.Options(options));
        }
        catch (CommandException e)
        {
            var text = $"volume get option: failed: {e.Message}";
            if (!_arguments.IsXml)
            {
                return Fail(text);
            }

            Print(CliXml.Failure(e.Message, error: 0).Outcome("volGetopts", text).ToString());
            return Failed;
        }
    }

    /// <summary>Runs a command on options, which do not name their volume in what they print.</summary>
    private async Task<int> ReconfigureAsync(
        string verb, string operation, string success, (string Success, string Failure) output,
        Func<Task<VolumeMessage>> change)
    {
        try
        {
            await change();
            return Print(_arguments.IsXml
                ? CliXml.Success().Outcome(operation, output.Success).ToString() : $"volume {verb}: {success}\n");
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            return Print(CliXml.Failure(e.Message).Outcome(operation, output.Failure).ToString());
        }
        catch (CommandException e)
        {
            return Fail($"volume {verb}: failed: {e.Message}");
        }
    }
}
