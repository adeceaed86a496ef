using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.CommandLine.Reports;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    private static readonly string[] DumpParts =
        ["all", "mem", "iobuf", "callpool", "priv", "fd", "inode", "history"];

    private static readonly string[] TopMetrics =
        ["open", "read", "write", "opendir", "readdir", "read-perf", "write-perf", "clear"];

    private IEnumerable<CliCommand> BrickTable() =>
    [
        new("volume add-brick", Usages.AddBrick, "add brick to volume <VOLNAME>", AddBrickAsync),
        new("volume clear-locks", Usages.ClearLocks, "Clear locks held on path", ClearLocksAsync),
        new("volume log", Usages.LogRotate, "rotate the log file for corresponding volume/brick", LogAsync),
        new("volume profile", Usages.Profile, "volume profile operations", ProfileAsync),
        new("volume statedump", Usages.Statedump, "perform statedump on bricks", StatedumpAsync),
        new("volume sync", Usages.Sync, "sync the volume information from a peer", SyncAsync),
        new("volume top", Usages.Top, "volume top operations", TopAsync),
    ];

    private async Task<int> AddBrickAsync(string[] words)
    {
        if (words.Length < 2 || ParseAddBrick(words, out var problem) is not { } request)
        {
            return Usage(Usages.AddBrick);
        }

        if (problem.Length > 0)
        {
            return Usage(Usages.AddBrick, problem);
        }

        try
        {
            var volume = await Client.AddBrickAsync(words[0], request);
            return Show(
                volume, VolumeMessageJson.Default.VolumeMessage,
                () => CliXml.Success().Outcome("volAddBrick", "Add Brick successful"),
                () => "volume add-brick: success\n");
        }
        catch (CommandException e)
        {
            var said = e.Failure == CommandFailure.NotFound && e.Message == $"Volume {words[0]} does not exist"
                ? $"Unable to get volinfo for volume name {words[0]}" : e.Message; // GlusterFS' words for this one.
            var error = said == e.Message ? CliXml.InternalError : 0;
            return _arguments.IsXml ? Print(CliXml.Failure(said, error).Outcome("volAddBrick", said).ToString())
                : Refused(e, $"volume add-brick: failed: {said}");
        }
    }

    private static AddBrickMessage? ParseAddBrick(string[] words, out string problem)
    {
        var bricks = new List<string>();
        var request = new AddBrickMessage(bricks) { Force = words[^1] == "force" };
        var end = request.Force ? words.Length - 1 : words.Length;
        problem = string.Empty;
        for (var i = 1; i < end; i++)
        {
            if (words[i] == "replica" && bricks.Count == 0 && i + 1 < end)
            {
                if (!int.TryParse(words[++i], NumberStyles.None, CultureInfo.InvariantCulture, out var replicas)
                    || replicas < 2)
                {
                    problem = "replica count should be greater than 1";
                    return request;
                }

                request = request with { ReplicaCount = replicas };
            }
            else if (words[i] == "arbiter" && bricks.Count == 0 && i + 1 < end)
            {
                if (words[++i] != "1" || request.ReplicaCount is not (2 or 3))
                {
                    problem = "For arbiter configuration, replica count must be 2 or 3";
                    return request;
                }

                request = request with { ArbiterCount = 1 };
            }
            else if (words[i].IndexOf(":/", StringComparison.Ordinal) <= 0)
            {
                problem = $"Wrong brick type: {words[i]}, use <HOSTNAME>:<export-dir-abs-path>";
                return request;
            }
            else if (bricks.Contains(words[i]))
            {
                problem = $"Found duplicate exports {words[i]}";
                return request;
            }
            else
            {
                bricks.Add(words[i]);
            }
        }

        return bricks.Count == 0 ? null : request;
    }

    private async Task<int> ProfileAsync(string[] words)
    {
        var rest = words.Length > 2 && words[^1] == "nfs" ? words[2..^1] : words.Length > 2 ? words[2..] : [];
        var op = words.Length < 2 ? string.Empty : words[1];
        var good = (op, rest) is ("start" or "stop" or "info", [])
            or ("info", ["peek" or "incremental" or "cumulative" or "clear"]) or ("info", ["incremental", "peek"]);
        if (!good)
        {
            return Usage(Usages.Profile);
        }

        try
        {
            var clears = rest is ["clear"];
            var profile = await Client.ProfileAsync(
                words[0], clears ? "clear" : op, rest is [.., "peek"], rest is ["cumulative"],
                rest is ["incremental", ..]);
            if (op == "info" || !IsText)
            {
                return Show(
                    profile, BrickAdminMessageJson.Default.ProfileMessage,
                    CliReports.Text(profile, _arguments.IsXml));
            }

            return Print($"{(op == "start" ? "Starting" : "Stopping")} volume profile on {words[0]} "
                + "has been successful \n");
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            var number = op == "start" ? 1 : op == "stop" ? 2 : 3;
            return Print(CliXml.Failure(e.Message).Profile(words[0], number).ToString());
        }
    }

    private async Task<int> TopAsync(string[] words)
    {
        if (words.Length < 2 || Array.IndexOf(TopMetrics, words[1]) < 0
            || !TryParseTop(words.AsSpan(2), out var brick, out var numbers))
        {
            return Usage(Usages.Top);
        }

        if (numbers.BlockSize > 0 != numbers.Blocks > 0)
        {
            return Usage(Usages.Top, "Need to give both 'bs' and 'count'");
        }

        try
        {
            var top = await Client.TopAsync(
                words[0], words[1], brick, (int)numbers.Files, numbers.BlockSize, numbers.Blocks);
            return Show(
                top, BrickAdminMessageJson.Default.TopMessage, CliReports.Text(top, _arguments.IsXml));
        }
        catch (CommandException e)
        {
            return Refused(e, $"{e.Message}\nvolume top unsuccessful");
        }
    }

    private static bool TryParseTop(
        ReadOnlySpan<string> words, out string? brick, out (long Files, long BlockSize, long Blocks) numbers)
    {
        brick = null;
        numbers = default;
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] == "nfs" && i == 0)
            {
                continue;
            }

            if (++i == words.Length)
            {
                return false;
            }

            long value = 0;
            var least = words[i - 1] == "list-cnt" ? 0 : 1;
            if (words[i - 1] != "brick" && (!long.TryParse(
                words[i], NumberStyles.None, CultureInfo.InvariantCulture, out value)
                || value < least || value > 1 << 30))
            {
                return false;
            }

            switch (words[i - 1])
            {
                case "brick":
                    brick = words[i];
                    break;
                case "list-cnt":
                    numbers.Files = value;
                    break;
                case "bs":
                    numbers.BlockSize = value;
                    break;
                case "count":
                    numbers.Blocks = value;
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    private async Task<int> StatedumpAsync(string[] words)
    {
        if (words.Length == 0)
        {
            return Usage(Usages.Statedump);
        }

        var parts = words[1..];
        if (parts.Length > 0 && parts[0] is "client")
        {
            return parts.Length == 2 ? await ClientStatedumpAsync(words[0], parts[1]) : Usage(Usages.Statedump);
        }

        if (parts.Length > 0 && parts[0] is "nfs" or "quotad")
        {
            return Fail($"volume statedump: failed: there is no dump of {parts[0]} in this version");
        }

        if (parts.Any(p => Array.IndexOf(DumpParts, p) < 0))
        {
            Print("Error parsing options\n");
            return Usage(Usages.Statedump);
        }

        return await SimplyAsync(
            "volume statedump", "volStatedump", "Volume statedump successful", "success",
            async () =>
            {
                var dumps = await Client.StatedumpAsync(words[0], parts);

                // Bricks that do not run have nothing to tell, as in GlusterFS.
                return dumps.Bricks.FirstOrDefault(b => b.Problem is not (null or VolumeAdmin.NotRunning)) is { } failed
                    ? throw new CommandException(CommandFailure.Failed, $"{failed.Place.Name}: {failed.Problem}")
                    : CliJson.Of(dumps, BrickAdminMessageJson.Default.StatedumpMessage);
            });
    }

    private Task<int> ClientStatedumpAsync(string volume, string client) => SimplyAsync(
        "volume statedump", "volStatedump", "Volume statedump successful", "success",
        async () => CliJson.Of(
            await Client.ClientStatedumpAsync(volume, client), BrickAdminMessageJson.Default.StatedumpMessage));

    private async Task<int> ClearLocksAsync(string[] words)
    {
        if (words.Length is < 5 or > 6 || words[2] != "kind")
        {
            return Usage(Usages.ClearLocks);
        }

        if (words[3] is not ("blocked" or "granted" or "all") || words[4] is not ("inode" or "entry" or "posix"))
        {
            Print("Error parsing options\n");
            return Usage(Usages.ClearLocks);
        }

        try
        {
            var cleared = await Client.ClearLocksAsync(
                words[0], words[1], words[3], words[4], words.Length > 5 ? words[5] : null);
            return _arguments.IsJson
                ? Print(CliJson.Of(cleared, BrickAdminMessageJson.Default.ClearLocksMessage))
                : Print(OutcomeReports.ClearedLocks(
                    VolumeAdmin.ClearedText(new VolumeReport<string>(words[0], cleared.Bricks))));
        }
        catch (CommandException e)
        {
            return Refused(e, $"Volume clear-locks unsuccessful\n{e.Message}");
        }
    }

    /// <summary><c>volume log VOL rotate [BRICK]</c>: the only command whose second word is in its middle.</summary>
    private async Task<int> LogAsync(string[] words)
    {
        if (words.Length is < 2 or > 3 || words[1] != "rotate")
        {
            return Usage(Usages.LogRotate);
        }

        return await SimplyAsync(
            "volume log-rotate", "volLogRotate", "log rotate successful", "success",
            async () => CliJson.Of(
                await Client.RotateLogAsync(words[0], words.Length > 2 ? words[2] : null),
                BrickAdminMessageJson.Default.DoneMessage));
    }

    /// <summary>
    /// There is nothing to copy: all nodes see one store. The answers are GlusterFS', so that scripts go on.
    /// </summary>
    private async Task<int> SyncAsync(string[] words)
    {
        const string Question =
            "Sync volume may make data inaccessible while the sync is in progress. Do you want to continue?";
        if (words.Length is < 1 or > 2)
        {
            return Usage(Usages.Sync);
        }

        if (await ConfirmAsync(Question) is { } answered)
        {
            return answered;
        }

        return await SimplyAsync("volume sync", "volSync", "success", "success", async () =>
        {
            var peers = await Client.PeersAsync();
            var peer = peers.FirstOrDefault(p => p.HostName == words[0] || p.OtherNames.Contains(words[0]));
            if (peer is { IsLocal: true } || words[0] == "localhost"
                || (IPAddress.TryParse(words[0], out var address) && IPAddress.IsLoopback(address)))
            {
                throw new CommandException(CommandFailure.Conflict, "sync from localhost not allowed");
            }

            return peer is not null
                ? CliJson.Of(
                    new DoneMessage(words.Length > 1 ? words[1] : "all", "success"),
                    BrickAdminMessageJson.Default.DoneMessage)
                : throw new CommandException(CommandFailure.NotFound, $"{words[0]}, is not a friend");
        });
    }

    /// <summary>A command that has nothing to say but whether it worked.</summary>
    /// <param name="does">Returns what is shown with --json.</param>
    private async Task<int> SimplyAsync(
        string command, string operation, string outputXml, string output, Func<Task<string>> does)
    {
        try
        {
            var json = await does();
            return Print(_arguments.IsJson ? json
                : _arguments.IsXml ? CliXml.Success().Outcome(operation, outputXml).ToString()
                : $"{command}: {output}\n");
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            var said = operation == "volSync" ? $"{command}: failed: {e.Message}" : e.Message;
            return Print(CliXml.Failure(e.Message).Outcome(operation, said).ToString());
        }
        catch (CommandException e)
        {
            return Refused(e, $"{command}: failed: {e.Message}");
        }
    }
}
