using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Http;
using Myrmex.Runtime.Linux;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    private const string StateDirectory = "/var/run/gluster";

    private IEnumerable<CliCommand> GlobalTable() =>
    [
        new("get-state", Usages.GetState, "Get local state representation of mentioned daemon", GetStateAsync)
        {
            IsGlobal = true,
        },
        new("events", Usages.Events, "what has happened, or what happens", EventsAsync) { IsGlobal = true },
        new("system:: getspec", "system:: getspec <VOLNAME>", "fetch the volume file for the volume <VOLNAME>",
            GetSpecAsync),
        new("system:: getwd", "system:: getwd", "query glusterd work directory", async _ =>
            Print((await Client.DaemonAsync()).WorkingDirectory + "\n")),
        new("system:: uuid get", "system:: uuid get", "get uuid of glusterd", UuidAsync),
        new("system:: portmap brick2port", "system:: portmap brick2port <BRICK>",
            "query which port <BRICK> listens on", PortAsync),
        new("system:: fsm log", "system:: fsm log [<peer-name>]", "display fsm transitions",
            _ => Task.FromResult(Note("No transitions"))),
    ];

    private async Task<int> UuidAsync(string[] words)
    {
        var daemon = await Client.DaemonAsync();
        return Show(
            daemon, DaemonMessageJson.Default.DaemonMessage, () => CliXml.Success().Uuid(daemon.NodeId),
            () => $"UUID: {daemon.NodeId}\n");
    }

    private async Task<int> GetSpecAsync(string[] words)
    {
        if (words.Length != 1)
        {
            return Usage("system:: getspec <VOLID>");
        }

        try
        {
            return Print(await Client.VolfileAsync(words[0]));
        }
        catch (CommandException e) when (e.Failure == CommandFailure.NotFound)
        {
            return Failed; // Without a word, as GlusterFS.
        }
    }

    private async Task<int> PortAsync(string[] words)
    {
        if (words.Length != 1)
        {
            return Usage("system:: portmap brick2port <BRICK>");
        }

        foreach (var volume in (await Client.ListAsync()).Where(v => v.Status == "Started"))
        {
            var status = await Client.StatusAsync(volume.Name, detail: false);
            if (status.Bricks.FirstOrDefault(b => b.Path == words[0] && b.Online) is { } brick)
            {
                return Print(string.Create(CultureInfo.InvariantCulture, $"{brick.Port}\n"));
            }
        }

        return Failed;
    }

    private async Task<int> EventsAsync(string[] words)
    {
        if (words.Length > 0)
        {
            return Usage(Usages.Events);
        }

        if (_arguments.Follows)
        {
            await foreach (var told in Client.FollowEventsAsync(_arguments.After, CancellationToken.None))
            {
                Print(_arguments.IsJson
                    ? JsonSerializer.Serialize(told, EventMessageJson.Default.ClusterEvent) + "\n"
                    : CliText.Event(told));
                await terminal.Out.FlushAsync();
            }

            return Fail("The daemon has ended the stream.");
        }

        var after = _arguments.After ?? 0;
        while (true)
        {
            var list = await Client.EventsAsync(after);
            foreach (var told in list.Events)
            {
                Print(_arguments.IsJson
                    ? JsonSerializer.Serialize(told, EventMessageJson.Default.ClusterEvent) + "\n"
                    : CliText.Event(told));
            }

            if (list.Events.Count == 0)
            {
                return Success;
            }

            after = list.Next;
        }
    }

    /// <summary>Writes what the node knows to a file of sections and values.</summary>
    private async Task<int> GetStateAsync(string[] words)
    {
        var rest = words.ToList();
        if (rest.Count > 0 && rest[0] is not ("odir" or "file" or "detail" or "volumeoptions"))
        {
            if (rest[0] != "glusterd")
            {
                return Usage(Usages.GetState, "glusterd is the only supported daemon.");
            }

            rest.RemoveAt(0);
        }

        var withOptions = rest.Count > 0 && rest[^1] == "volumeoptions";
        var isDetailed = rest.Count > 0 && rest[^1] == "detail";
        if (withOptions || isDetailed)
        {
            rest.RemoveAt(rest.Count - 1);
        }

        if (rest.Count % 2 != 0 || rest.Where((_, i) => i % 2 == 0).Any(w => w is not ("odir" or "file")))
        {
            return Usage(Usages.GetState, "Error parsing options");
        }

        string? ValueOf(string word) => rest.IndexOf(word) is >= 0 and var at ? rest[at + 1] : null;
        var now = DateTimeOffset.FromUnixTimeMilliseconds(LinuxClock.Shared.WallNs / 1_000_000);
        var name = ValueOf("file")
            ?? "glusterd_state_" + now.ToString("yyyyMMdd_HHmmss", CultureInfo.InvariantCulture);
        return await WriteStateAsync(Path.Combine(ValueOf("odir") ?? StateDirectory, name), withOptions);
    }

    private async Task<int> WriteStateAsync(string file, bool withOptions)
    {
        var daemon = await Client.DaemonAsync();
        var state = new CliState(daemon, await Client.PeersAsync(), await Client.ClusterOptionsAsync(key: null));
        foreach (var volume in await Client.ListAsync())
        {
            state.Add(
                volume, volume.Status == "Started" ? await Client.StatusAsync(volume.Name, detail: true) : null,
                withOptions ? await Client.OptionsAsync(volume.Name, key: null) : volume.Options);
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file)) ?? "/");
            await File.WriteAllTextAsync(file, state.ToString());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Fail($"Failed to open file {file}: {e.Message}");
        }

        return Print($"glusterd state dumped to {file}\n");
    }
}
