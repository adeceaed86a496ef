using System;
using System.Collections.Generic;
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
        new(
            "volume help", Usages.Help, "display help for volume commands",
            _ => Task.FromResult(Print(Help("volume")))),
        new("volume info", Usages.Info, "list information of all volumes", InfoAsync),
        new("volume list", Usages.List, "list all volumes in cluster", _ => ListAsync()),
        new("volume start", Usages.Start, "start volume specified by <VOLNAME>", StartAsync),
        new("volume status", Usages.Status, "display status of all or specified volume(s)", StatusAsync),
        new("volume stop", Usages.Stop, "stop volume specified by <VOLNAME>", StopAsync),
    ];

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
                case "replica" when bricks.Count == 0 && hasValue && int.TryParse(words[i + 1], out var replicas):
                    request = request with { ReplicaCount = replicas };
                    i++;
                    break;
                case "arbiter" when bricks.Count == 0 && hasValue && int.TryParse(words[i + 1], out var arbiters):
                    request = request with { ArbiterCount = arbiters };
                    i++;
                    break;
                case "transport" when bricks.Count == 0 && hasValue && words[i + 1] == "tcp":
                    i++;
                    break;
                case "transport" when bricks.Count == 0:
                    problem = "the only transport is tcp";
                    return null;
                case "disperse" or "disperse-data" or "redundancy" or "stripe" or "thin-arbiter" when bricks.Count == 0:
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

        problem = Volumes.VolumeNames.Problem(request.Name) ?? (bricks.Count == 0 ? "no brick is named" : string.Empty);
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
        if (_arguments.IsXml)
        {
            return Print(CliXml.Success().List(volumes).ToString());
        }

        return volumes.Count == 0
            ? Note("No volumes present in cluster")
            : Print(string.Concat(volumes.Select(v => v.Name + "\n")));
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
            if (_arguments.IsXml)
            {
                return Print(CliXml.Success().Info(volumes).ToString());
            }

            return volumes.Count == 0
                ? Note("No volumes present") : Print(string.Concat(volumes.Select(CliText.Info)));
        }
        catch (CommandException e) when (e.Failure == CommandFailure.NotFound && _arguments.IsXml)
        {
            return Print(CliXml.Failure("Volume does not exist", CliXml.NoVolume).Info([]).ToString());
        }
    }

    private async Task<int> StatusAsync(string[] words)
    {
        var detail = words.Length > 0 && words[^1] == "detail";
        var names = detail ? words[..^1] : words;
        if (names.Length > 1)
        {
            return Usage(Usages.Status);
        }

        try
        {
            return names.Length == 0 || names[0] == "all"
                ? await StatusOfAllAsync(detail)
                : PrintStatus([await Client.StatusAsync(names[0], detail)], detail);
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            return Print(CliXml.Failure(e.Message).Outcome("volStatus", e.Message).ToString());
        }
    }

    private async Task<int> StatusOfAllAsync(bool detail)
    {
        var volumes = await Client.ListAsync();
        if (volumes.Count == 0 && !_arguments.IsXml)
        {
            return Note("No volumes present");
        }

        var reports = new List<VolumeStatusMessage>();
        foreach (var volume in volumes)
        {
            if (volume.Status == "Started")
            {
                reports.Add(await Client.StatusAsync(volume.Name, detail));
            }
            else if (!_arguments.IsXml)
            {
                Note($"Volume {volume.Name} is not started");
            }
        }

        return PrintStatus(reports, detail);
    }

    private int PrintStatus(IReadOnlyList<VolumeStatusMessage> reports, bool detail) => Print(
        _arguments.IsXml
            ? CliXml.Success().Status(reports).ToString()
            : string.Concat(reports.Select(r => detail ? CliText.StatusDetail(r) : CliText.Status(r))));

    /// <summary>Runs a command that names its volume in what it prints.</summary>
    private async Task<int> ChangeAsync(
        string verb, string volume, string element, string more, Func<Task<VolumeMessage>> change)
    {
        try
        {
            var changed = await change();
            return Print(_arguments.IsXml
                ? CliXml.Success().Changed(element, changed).ToString() : $"volume {verb}: {volume}: success{more}\n");
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            return Print(CliXml.Failure(e.Message, verb == "create" ? 0 : CliXml.InternalError).ToString());
        }
        catch (CommandException e)
        {
            return Fail($"volume {verb}: {volume}: failed: {e.Message}");
        }
    }

    /// <summary>The exit code when the answer is not yes, else null.</summary>
    private async Task<int?> ConfirmAsync(string question)
    {
        if (_arguments.IsScript || _arguments.IsXml)
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
