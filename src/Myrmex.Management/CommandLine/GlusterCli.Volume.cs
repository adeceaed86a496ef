using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    private const string StopQuestion = "Stopping volume will make its data inaccessible. Do you want to continue?";

    private const string DeleteQuestion =
        "Deleting volume will erase all information about the volume. Do you want to continue?";

    private IEnumerable<CliCommand> VolumeTable() =>
    [
        new("volume create", Usages.Create, "create a new volume of specified type with mentioned bricks", CreateAsync),
        new("volume delete", Usages.Delete, "delete volume specified by <VOLNAME>", DeleteAsync),
        new("volume info", Usages.Info, "list information of all volumes", InfoAsync),
        new("volume list", Usages.List, "list all volumes in cluster", _ => ListAsync()),
        new("volume start", Usages.Start, "start volume specified by <VOLNAME>", StartAsync),
        new("volume status", Usages.Status, "display status of all or specified volume(s)", StatusAsync),
        new("volume stop", Usages.Stop, "stop volume specified by <VOLNAME>", StopAsync),
    ];

    /// <summary>Output is for people, not for programs.</summary>
    private bool IsText => !_arguments.IsXml && !_arguments.IsJson;

    private async Task<int> CreateAsync(string[] words)
    {
        if (words.Length < 2)
        {
            return Usage(Usages.Create);
        }

        var request = ParseCreate(words, out var problem);
        if (request is null)
        {
            return Usage(Usages.Create, problem);
        }

        return await ChangeAsync(
            "create", request.Name, "volCreate", ": please start the volume to access data",
            () => Client.CreateAsync(request));
    }

    private static CreateMessage? ParseCreate(string[] words, out string problem)
    {
        var bricks = new List<string>();
        var request = new CreateMessage(words[0], bricks) { Force = words[^1] == "force" };
        var end = request.Force ? words.Length - 1 : words.Length;
        problem = string.Empty;
        for (var i = 1; i < end; i++)
        {
            var hasValue = i + 1 < end;
            switch (words[i])
            {
                case "replica" when bricks.Count == 0 && hasValue:
                    if (!int.TryParse(words[++i], NumberStyles.None, CultureInfo.InvariantCulture, out var replicas)
                        || replicas < 2)
                    {
                        problem = "replica count should be greater than 1";
                        return null;
                    }

                    request = request with { ReplicaCount = replicas };
                    break;
                case "arbiter" when bricks.Count == 0 && request.ReplicaCount < 2:
                    problem = "arbiter option must be preceded by replica option.";
                    return null;
                case "arbiter" when bricks.Count == 0 && hasValue:
                    if (words[++i] != "1")
                    {
                        problem = "For arbiter configuration, replica count must be 2 or 3";
                        return null;
                    }

                    request = request with { ArbiterCount = 1 };
                    break;
                case "journal" when bricks.Count == 0 && hasValue:
                    request = request with { JournalDirectory = words[++i] };
                    break;
                case "transport" when bricks.Count == 0 && hasValue && words[i + 1] == "tcp":
                    i++;
                    break;
                case "transport" when bricks.Count == 0:
                    problem = "the only transport is tcp";
                    return null;
                case "thin-arbiter" when bricks.Count == 0:
                    problem = "this version has no thin arbiters: leave 'thin-arbiter 1' and its brick out; "
                        + "two copies as such, or 'replica 3', do without";
                    return null;
                case "disperse" or "disperse-data" or "redundancy" when bricks.Count == 0:
                    problem = $"{words[i]} volumes are not supported";
                    return null;
                case var brick when brick.IndexOf(":/", StringComparison.Ordinal) <= 0:
                    problem = $"Wrong brick type: {brick}, use <HOSTNAME>:<export-dir-abs-path>";
                    return null;
                case var brick when bricks.Contains(brick):
                    problem = $"Found duplicate exports {brick}";
                    return null;
                default:
                    bricks.Add(words[i]);
                    break;
            }
        }

        problem = Volumes.VolumeNames.Problem(request.Name)
            ?? (bricks.Count == 0 ? "No bricks specified" : string.Empty);
        return problem.Length == 0 ? request : null;
    }

    private Task<int> StartAsync(string[] words) =>
        IsNameAndForce(words, out var force)
            ? ChangeAsync("start", words[0], "volStart", string.Empty, () => Client.StartAsync(words[0], force))
            : Task.FromResult(Usage(Usages.Start));

    private async Task<int> StopAsync(string[] words)
    {
        if (!IsNameAndForce(words, out var force))
        {
            return Usage(Usages.Stop);
        }

        return await ConfirmAsync(StopQuestion)
            ?? await ChangeAsync("stop", words[0], "volStop", string.Empty, () => Client.StopAsync(words[0], force));
    }

    private async Task<int> DeleteAsync(string[] words)
    {
        if (words.Length != 1)
        {
            return Usage(Usages.Delete);
        }

        return await ConfirmAsync(DeleteQuestion)
            ?? await ChangeAsync("delete", words[0], "volDelete", string.Empty, () => Client.DeleteAsync(words[0]));
    }

    private async Task<int> ListAsync()
    {
        var volumes = await Client.ListAsync();
        return volumes.Count == 0 && IsText
            ? Note("No volumes present in cluster")
            : Show(
                new VolumeListMessage(volumes), VolumeMessageJson.Default.VolumeListMessage,
                () => CliXml.Success().List(volumes), () => string.Concat(volumes.Select(v => v.Name + "\n")));
    }

    private async Task<int> InfoAsync(string[] words)
    {
        if (words.Length > 1)
        {
            return Usage(Usages.Info);
        }

        try
        {
            var volumes = words.Length == 0 || words[0] == "all"
                ? await Client.ListAsync() : [await Client.FindAsync(words[0])];
            return volumes.Count == 0 && IsText
                ? Note("No volumes present")
                : Show(
                    new VolumeListMessage(volumes), VolumeMessageJson.Default.VolumeListMessage,
                    () => CliXml.Success().Info(volumes), () => string.Concat(volumes.Select(CliText.Info)));
        }
        catch (CommandException e) when (e.Failure == CommandFailure.NotFound && _arguments.IsXml)
        {
            return Print(CliXml.Failure("Volume does not exist", CliXml.NoVolume).Info([]).ToString());
        }
    }

    /// <summary>Runs a command that names its volume in what it prints.</summary>
    private async Task<int> ChangeAsync(
        string verb, string volume, string element, string more, Func<Task<VolumeMessage>> change)
    {
        try
        {
            var changed = await change();
            return Show(
                changed, VolumeMessageJson.Default.VolumeMessage, () => CliXml.Success().Changed(element, changed),
                () => $"volume {verb}: {volume}: success{more}\n");
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            // GlusterFS finds a taken name before it asks the nodes, and has no number for that.
            var isTaken = verb == "create" && e.Message == $"Volume {volume} already exists";
            return Print(CliXml.Failure(e.Message, isTaken ? 0 : CliXml.InternalError).ToString());
        }
        catch (CommandException e)
        {
            return Refused(e, $"volume {verb}: {volume}: failed: {e.Message}");
        }
    }

    /// <summary>The exit code when the answer is not yes, else null.</summary>
    private async Task<int?> ConfirmAsync(string question)
    {
        if (_arguments.IsScript || !IsText)
        {
            return null;
        }

        return await terminal.ConfirmAsync(question) switch
        {
            true => null,
            false => Success,
            null => Fail("No answer could be read, nothing was done. Use --mode=script to go on without questions."),
        };
    }

    private static bool IsNameAndForce(string[] words, out bool force)
    {
        force = words.Length == 2 && words[1] == "force";
        return words.Length == 1 || force;
    }

    /// <summary>Says something that is no failure, on the error stream as GlusterFS does.</summary>
    private int Note(string text)
    {
        terminal.Error.Write($"{text}\n");
        return Success;
    }
}
