using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Management.Cluster;
using Myrmex.Management.Http;
using Myrmex.Management.Volfiles;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.BrickAdmin;

/// <summary>
/// What administrators ask the running bricks of a volume: all of them at once, wherever they are. A brick that does
/// not answer has a problem in the report; the others are told all the same.
/// </summary>
/// <param name="adminOf">Who asks the brick process of a node; null for a node that is not heard of.</param>
/// <param name="dumpDirectory">Of this node; other nodes take their own.</param>
internal sealed partial class BrickAdminService(
    ClusterView view, ClusterWriter writer, IVolumeCommands volumes, Func<NodeId, IBrickAdmin?> adminOf,
    string dumpDirectory, Seams seams)
    : IBrickAdminCommands
{
    /// <summary>How long profile start waits until the bricks count.</summary>
    private const long CountingMs = 10_000;

    /// <summary>Between two questions whether they do.</summary>
    private const long CountingPauseMs = 50;

    /// <summary>Longest list of files of volume top. Source: list-cnt.</summary>
    private const int TopFilesMax = 100;

    /// <summary>What profile sets. Source: volume profile start.</summary>
    private static readonly string[] ProfileOptions =
        ["diagnostics.latency-measurement", "diagnostics.count-fop-hits"];

    private static readonly Dictionary<string, TopList> TopLists = new(StringComparer.Ordinal)
    {
        ["open"] = TopList.Open,
        ["read"] = TopList.Read,
        ["write"] = TopList.Write,
        ["opendir"] = TopList.Opendir,
        ["readdir"] = TopList.Readdir,
        ["read-perf"] = TopList.ReadPerf,
        ["write-perf"] = TopList.WritePerf,
    };

    private readonly VolumeAdmin _admin = new(node => Gfid.TryParse(node, out var id) ? adminOf(new NodeId(id)) : null);

    public async Task<ProfileMessage> ProfileAsync(
        string volume, ProfileRequest request, CancellationToken cancellation)
    {
        var found = volumes.Find(volume);
        var on = ProfileOptions.Count(o => VolumeOptions.IsOn(found, o));
        if (request.Op == "start")
        {
            await StartProfileAsync(found, on, cancellation);
            return new ProfileMessage(volume, request.Op, []);
        }

        if (on < ProfileOptions.Length)
        {
            throw new CommandException(CommandFailure.Conflict, $"Profile on Volume {volume} is not started");
        }

        if (request.Op == "stop")
        {
            await volumes.ResetAsync(volume, ProfileOptions, cancellation);
            return new ProfileMessage(volume, request.Op, []);
        }

        var query = new ProfileQuery(request.Cumulative, request.Incremental, request.Peek);
        var report = await AskAsync(
            volume, brick: null,
            (a, b, c) => request.Op == "clear" ? a.ClearProfileAsync(b, c) : a.ProfileAsync(b, query, c), cancellation);
        return new ProfileMessage(volume, request.Op, report.Bricks);
    }

    public async Task<TopMessage> TopAsync(string volume, TopRequest request, CancellationToken cancellation)
    {
        if (request.BlockSize > int.MaxValue || request.BlockCount > int.MaxValue)
        {
            throw new CommandException(CommandFailure.Invalid, "the test is too long");
        }

        const string Stopped = "is not started."; // With a period, unlike other commands.
        var report = request.Metric == "clear"
            ? await AskAsync(volume, request.Brick, (a, b, c) => a.ClearTopAsync(b, c), cancellation, Stopped)
            : await AskAsync(
                volume, request.Brick, (a, b, c) => a.TopAsync(b, QueryOf(request), c), cancellation, Stopped);
        return new TopMessage(volume, request.Metric, report.Bricks);
    }

    public async Task<StatedumpMessage> StatedumpAsync(
        string volume, IReadOnlyList<string> parts, CancellationToken cancellation)
    {
        var report = await AskAsync(
            volume, brick: null, (a, b, c) => a.StateDumpAsync(b, dumpDirectory, parts, c), cancellation,
            "is not in the started state");
        return new StatedumpMessage(volume, report.Bricks);
    }

    /// <summary>Whom clients are asked through; null as long as none are served.</summary>
    public ClientDumps? Clients { get; set; }

    public Task ClientStatedumpAsync(string volume, string client, CancellationToken cancellation)
    {
        if (volumes.Find(volume).Status != VolumeStatus.Started)
        {
            throw new CommandException(CommandFailure.Conflict, $"Volume {volume} is not in the started state");
        }

        return Clients is { } clients ? clients.AskAsync(volume, client, cancellation)
            : throw new CommandException(CommandFailure.Conflict, "clients are not served yet");
    }

    public async Task<ClearLocksMessage> ClearLocksAsync(
        string volume, ClearLocksRequest request, CancellationToken cancellation)
    {
        var query = new ClearLocksQuery(
            request.Path, Enum.Parse<LockKind>(request.Kind, ignoreCase: true), request.Type,
            request.Argument ?? string.Empty);
        try
        {
            var report = await _admin.ClearLocksAsync(volume, Places(volume, brick: null), query, cancellation);
            return new ClearLocksMessage(volume, report.Bricks);
        }
        catch (BrickAdminException e)
        {
            throw new CommandException(
                e.Message == VolumeAdmin.NoPath ? CommandFailure.NotFound : CommandFailure.Failed,
                $"clear-locks getxattr command failed. Reason: {e.Message}");
        }
    }

    public async Task<VolumeClientsMessage> ClientsAsync(string volume, CancellationToken cancellation) => new(
        volume, (await AskAsync(volume, brick: null, (a, b, c) => a.ClientsAsync(b, c), cancellation)).Bricks);

    public async Task<VolumeInternalsMessage> InternalsAsync(
        string volume, string kind, CancellationToken cancellation)
    {
        async Task<BrickInternals> AskOneAsync(IBrickAdmin admin, string brick, CancellationToken limit) => kind switch
        {
            "mem" => new(await admin.MemoryAsync(limit), null, null, null),
            "inode" => new(null, await admin.InodesAsync(brick, limit), null, null),
            "fd" => new(null, null, await admin.FdsAsync(brick, limit), null),
            "leases" => new(null, null, null, null) { Leases = await admin.LeasesAsync(brick, limit) },
            _ => new(null, null, null, await admin.CallsAsync(brick, limit)),
        };
        var report = await AskAsync(volume, brick: null, AskOneAsync, cancellation);
        return new VolumeInternalsMessage(volume, kind, report.Bricks);
    }

    public async Task<ReplicationMessage> ReplicationAsync(string volume, CancellationToken cancellation)
    {
        var found = volumes.Find(volume);
        if (!found.HasJournals)
        {
            throw new CommandException(
                CommandFailure.Conflict,
                "This command is supported for only volumes of replicate/disperse type. "
                + $"Volume {volume} is not of type replicate/disperse");
        }

        var report = await AskAsync(volume, brick: null, (a, b, c) => a.ReplicasAsync(b, c), cancellation);
        return ReplicationView.Of(found, report.Bricks);
    }

    /// <summary>
    /// All bricks of a node write one log: each node is asked once. Where none runs nobody writes, and nothing is done.
    /// </summary>
    public async Task RotateLogAsync(string volume, string? brick, CancellationToken cancellation)
    {
        var places = Places(
            volume, brick, "needs to be started before log rotate.", b => $"Incorrect brick {b} for volume {volume}");
        var report = await _admin.AskAsync(
            volume, places.OrderByDescending(p => p.Online).DistinctBy(p => p.Node),
            (a, _, c) => a.RotateLogAsync(c), cancellation);
        if (report.Bricks.FirstOrDefault(b => b.Problem is not (null or VolumeAdmin.NotRunning)) is { } failed)
        {
            throw new CommandException(CommandFailure.Failed, $"{failed.Place.Host}: {failed.Problem}");
        }
    }

    private static TopQuery QueryOf(TopRequest request) => new(
        TopLists[request.Metric], request.Files is < 1 or > TopFilesMax ? TopFilesMax : request.Files,
        (int)request.BlockSize, (int)request.BlockCount);

    private Task<VolumeReport<T>> AskAsync<T>(
        string volume, string? brick, Func<IBrickAdmin, string, CancellationToken, Task<T>> ask,
        CancellationToken cancellation, string stopped = "is not started")
        where T : class => _admin.AskAsync(volume, Places(volume, brick, stopped), ask, cancellation);

    /// <summary>The bricks of a started volume, or the one that is named.</summary>
    /// <param name="stopped">What is said of a volume that is not started.</param>
    /// <param name="wrong">What is said of a brick that it does not have.</param>
    private List<BrickPlace> Places(
        string volume, string? brick, string stopped = "is not started", Func<string?, string>? wrong = null)
    {
        var found = volumes.Find(volume);
        if (found.Status != VolumeStatus.Started)
        {
            throw new CommandException(CommandFailure.Conflict, $"Volume {volume} {stopped}");
        }

        var bricks = found.Bricks.Where(b => brick is null || b.FullName == brick).ToList();
        return bricks.Count > 0 ? bricks.ConvertAll(b => Place(found, b)) : throw new CommandException(
            CommandFailure.NotFound, wrong?.Invoke(brick) ?? $"No brick {brick} in volume {volume}");
    }

    private BrickPlace Place(Volume volume, Brick brick)
    {
        var run = view.RunOf(brick.Node)?.Bricks
            .FirstOrDefault(b => b.Path == brick.Path && b.Volume == volume.Name && b.Online);
        return new BrickPlace(
            brick.Host, brick.Path, brick.Node.ToString(), run is not null, run?.Port ?? 0, run?.Pid ?? 0);
    }

    private async Task StartProfileAsync(Volume volume, int on, CancellationToken cancellation)
    {
        if (on == ProfileOptions.Length)
        {
            throw new CommandException(
                CommandFailure.Conflict, $"Profile on Volume {volume.Name} is already started");
        }

        var changed = await volumes.SetAsync(
            volume.Name, [.. ProfileOptions.Select(o => new VolumeSetting(o, "on"))], cancellation);
        if (changed.Status == VolumeStatus.Started)
        {
            await UntilCountingAsync(changed, cancellation);
        }
    }

    /// <summary>
    /// What comes after the answer of profile start is counted: ends when all bricks that can be asked say so.
    /// </summary>
    private async Task UntilCountingAsync(Volume volume, CancellationToken cancellation)
    {
        var query = new ProfileQuery(Cumulative: false, Interval: false, Peek: true);
        var places = volume.Bricks.Select(b => Place(volume, b)).ToList();
        var deadlineNs = seams.Clock.MonotonicNs + (CountingMs * 1_000_000);
        while (true)
        {
            var report = await _admin.AskAsync(
                volume.Name, places, (a, b, c) => a.ProfileAsync(b, query, c), cancellation);
            places = [.. report.Bricks.Where(b => b.Value is { Counting: false }).Select(b => b.Place)];
            if (places.Count == 0)
            {
                return;
            }

            if (seams.Clock.MonotonicNs > deadlineNs)
            {
                Log.Warning(
                    "volumes", "bricks do not count yet", ("volume", volume.Name), ("bricks", places.Count));
                return;
            }

            await Pauses.WaitAsync(seams.Scheduler, CountingPauseMs, cancellation);
        }
    }
}
