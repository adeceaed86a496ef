using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    private static readonly ReconfigureForm SetForm =
        new("set", "volSet", "success", "Set volume successful", "Set volume unsuccessful");

    private static readonly ReconfigureForm ResetForm = new(
        "reset", "volReset", "success: reset volume successful", "reset volume successful",
        FailureXml: null);

    private IEnumerable<CliCommand> OptionTable() =>
    [
        new(
            "volume get", Usages.Get,
            "Get the value of the all options or given option for volume <VOLNAME> or all option", GetAsync),
        new("volume reset", Usages.Reset, "reset all the reconfigured options", ResetAsync),
        new("volume set", Usages.Set, "set options for volume <VOLNAME>", SetAsync),
        new("volume set help", "volume set help", "what can be set", _ => OptionHelpAsync(isXml: false)),
        new("volume set help-xml", "volume set help-xml", "the same as XML", _ => OptionHelpAsync(isXml: true)),
    ];

    private async Task<int> SetAsync(string[] words)
    {
        switch (words)
        {
            case ["help"]:
                return await OptionHelpAsync(isXml: false);
            case ["help-xml"]:
                return await OptionHelpAsync(isXml: true);
            case [_, "group", _]:
                return await SetGroupAsync(words[0], words[2]);
        }

        if (words.Length < 3 || words.Length % 2 == 0)
        {
            return Usage(Usages.SetGroup); // GlusterFS shows only this one.
        }

        return await ReconfigureAsync(SetForm, words[0], ToSettings(words.Skip(1)));
    }

    private async Task<int> SetGroupAsync(string volume, string name)
    {
        OptionGroupMessage group;
        try
        {
            group = await Client.OptionGroupAsync(name);
        }
        catch (CommandException e) when (e.Failure == CommandFailure.NotFound)
        {
            return Refused(e, e.Message);
        }

        return await ReconfigureAsync(SetForm, volume, group.Options);
    }

    private Task<int> ReconfigureAsync(ReconfigureForm form, string volume, IReadOnlyList<SettingMessage> settings) =>
        volume == "all"
            ? ReconfigureAsync(
                form, () => Client.SetClusterAsync(settings), l => CliJson.Of(
                    new OptionListMessage(l), OptionMessageJson.Default.OptionListMessage))
            : ReconfigureAsync(form, () => Client.SetAsync(volume, settings), Json);

    private async Task<int> OptionHelpAsync(bool isXml)
    {
        var options = await Client.OptionHelpAsync();
        return _arguments.IsJson
            ? Print(CliJson.Of(
                new OptionHelpListMessage(options), OptionMessageJson.Default.OptionHelpListMessage))
            : Print(isXml || _arguments.IsXml ? CliXml.OptionHelp(options) : CliText.OptionHelp(options));
    }

    private static List<SettingMessage> ToSettings(IEnumerable<string> words) =>
        [.. words.Chunk(2).Select(pair => new SettingMessage(pair[0], pair[1]))];

    private async Task<int> ResetAsync(string[] words)
    {
        if (words.Length is 0 or > 3 || (words.Length == 3 && words[2] != "force"))
        {
            return Usage(Usages.Reset);
        }

        var force = words.Length > 1 && words[^1] == "force";
        var key = words.Length - (force ? 1 : 0) > 1 && words[1] != "all" ? words[1] : null;
        return words[0] == "all"
            ? await ReconfigureAsync(
                ResetForm, () => Client.ResetClusterAsync(key), l => CliJson.Of(
                    new OptionListMessage(l), OptionMessageJson.Default.OptionListMessage))
            : await ReconfigureAsync(ResetForm, () => Client.ResetAsync(words[0], key, force), Json);
    }

    private async Task<int> GetAsync(string[] words)
    {
        if (words.Length != 2)
        {
            return Usage(Usages.Get);
        }

        try
        {
            var key = words[1] == "all" ? null : words[1];
            var options = words[0] == "all"
                ? await Client.ClusterOptionsAsync(key) : await Client.OptionsAsync(words[0], key);
            return Show(
                new OptionListMessage(options), OptionMessageJson.Default.OptionListMessage,
                () => CliXml.Success().Options(options), () => CliText.Options(options));
        }
        catch (CommandException e)
        {
            var text = $"volume get option: failed: {e.Message}";
            if (!_arguments.IsXml)
            {
                return Refused(e, text);
            }

            Print(CliXml.Failure(e.Message, error: 0).Outcome("volGetopts", text).ToString());
            return Failed;
        }
    }

    private static string Json(VolumeMessage volume) => CliJson.Of(volume, VolumeMessageJson.Default.VolumeMessage);

    /// <summary>Runs a command on options, which do not name their volume in what they print.</summary>
    private async Task<int> ReconfigureAsync<T>(ReconfigureForm form, Func<Task<T>> change, Func<T, string> json)
    {
        try
        {
            var changed = await change();
            return Print(_arguments.IsJson ? json(changed)
                : _arguments.IsXml ? CliXml.Success().Outcome(form.Operation, form.SuccessXml).ToString()
                : $"volume {form.Verb}: {form.Success}\n");
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            return Print(CliXml.Failure(e.Message).Outcome(form.Operation, form.FailureXml ?? e.Message).ToString());
        }
        catch (CommandException e)
        {
            return Refused(e, $"volume {form.Verb}: failed: {e.Message}");
        }
    }

    /// <summary>The words of a command on options.</summary>
    /// <param name="FailureXml">Null for the reason of the refusal.</param>
    private sealed record ReconfigureForm(
        string Verb, string Operation, string Success, string SuccessXml, string? FailureXml);
}
