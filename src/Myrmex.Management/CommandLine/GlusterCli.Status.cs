using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    private static readonly string[] StatusKinds =
        ["detail", "clients", "mem", "inode", "fd", "callpool", "tasks", "client-list", "leases", "replication"];

    private async Task<int> StatusAsync(string[] words)
    {
        var kind = words.Length > 0 && Array.IndexOf(StatusKinds, words[^1]) >= 0 ? words[^1] : string.Empty;
        var names = kind.Length > 0 ? words[..^1] : words;
        if (names.Length > 2 || (names.Length == 2 && names[0] == "all"))
        {
            return Usage(Usages.Status);
        }

        try
        {
            var which = names.Length == 2 ? names[1] : null;
            return names.Length == 0 || names[0] == "all"
                ? await StatusOfAllAsync(kind) : await StatusOfAsync([names[0]], which, kind);
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            return Print(CliXml.Failure(e.Message).Outcome("volStatus", e.Message).ToString());
        }
    }

    private async Task<int> StatusOfAllAsync(string kind)
    {
        var volumes = await Client.ListAsync();
        if (volumes.Count == 0 && IsText)
        {
            return Note("No volumes present");
        }

        if (IsText)
        {
            foreach (var volume in volumes.Where(v => v.Status != "Started"))
            {
                Print(" \n");
                Note($"Volume {volume.Name} is not started");
            }
        }

        var started = volumes.Where(v => v.Status == "Started" && (kind != "replication" || v.ReplicaCount > 1));
        return await StatusOfAsync([.. started.Select(v => v.Name)], null, kind);
    }

    /// <param name="which">A brick, or a daemon of GlusterFS; null for everything.</param>
    private async Task<int> StatusOfAsync(IReadOnlyList<string> volumes, string? which, string kind)
    {
        switch (kind)
        {
            case "clients" or "client-list":
                foreach (var volume in volumes)
                {
                    var clients = await Client.ClientsAsync(volume);
                    clients = clients with { Bricks = Only(volume, clients.Bricks, which) };
                    Show(
                        clients, BrickAdminMessageJson.Default.VolumeClientsMessage,
                        CliReports.Text(clients, kind == "client-list", _arguments.IsXml));
                }

                return Success;
            case "mem" or "inode" or "fd" or "callpool" or "leases":
                foreach (var volume in volumes)
                {
                    var internals = await Client.InternalsAsync(volume, kind);
                    internals = internals with { Bricks = Only(volume, internals.Bricks, which) };
                    Show(
                        internals, BrickAdminMessageJson.Default.VolumeInternalsMessage,
                        CliReports.Text(internals, _arguments.IsXml));
                }

                return Success;
        }

        if (kind == "replication")
        {
            return await ReplicationOfAsync(volumes, which);
        }

        var reports = new List<VolumeStatusMessage>();
        foreach (var volume in volumes)
        {
            var report = await Client.StatusAsync(volume, kind == "detail");
            var hasCopies = which == "shd" && (await Client.FindAsync(volume)).ReplicaCount > 1;

            // Copies are kept equal by the bricks themselves: there is no daemon for it that could be shown.
            reports.Add(hasCopies ? report with { Bricks = [] } : Only(report, which));
        }

        var parts = kind == "tasks" ? StatusParts.Tasks
            : kind == "detail" || which is not null ? StatusParts.Bricks : StatusParts.Bricks | StatusParts.Tasks;
        return Show(
            new VolumeStatusListMessage(reports), VolumeMessageJson.Default.VolumeStatusListMessage,
            () => CliXml.Success().Status(reports, parts),
            () => string.Concat(reports.Select(
                r => kind == "detail" ? CliText.StatusDetail(r) : CliText.Status(r, parts))));
    }

    private static VolumeStatusMessage Only(VolumeStatusMessage report, string? which)
    {
        var bricks = Only(report.Name, report.Bricks, which, b => $"{b.Host}:{b.Path}");
        return report with { Bricks = bricks, Proxies = which is null ? report.Proxies : [] };
    }

    private static IReadOnlyList<BrickReport<T>> Only<T>(
        string volume, IReadOnlyList<BrickReport<T>> bricks, string? which)
        where T : class => Only(volume, bricks, which, b => b.Place.Name);

    private static IReadOnlyList<T> Only<T>(
        string volume, IReadOnlyList<T> bricks, string? which, Func<T, string> nameOf)
    {
        switch (which)
        {
            case null:
                return bricks;
            case "shd":
                throw new CommandException(
                    CommandFailure.Conflict, $"Volume {volume} is not Self-heal compatible");
            case "quotad":
                throw new CommandException(
                    CommandFailure.Conflict, $"Volume {volume} does not have quota enabled");
            case "nfs":
                return []; // There is no such daemon.
        }

        var named = bricks.Where(b => nameOf(b) == which).ToList();
        return named.Count > 0 ? named : throw new CommandException(
            CommandFailure.NotFound, $"No brick {which} in volume {volume}");
    }
}

/// <summary>What of a status is shown.</summary>
[Flags]
internal enum StatusParts
{
    Bricks = 1,
    Tasks = 2,
}
