using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Management.Http;

/// <summary>What administrators ask running bricks, and more bricks for a volume.</summary>
internal sealed class BrickAdminRoutes(RestServices services) : RestRoutes
{
    private const string One = "/v1/volumes/{name}";

    private static readonly string[] ProfileOps = ["start", "stop", "info", "clear"];
    private static readonly string[] InternalKinds = ["mem", "inode", "fd", "callpool", "leases"];
    private static readonly string[] LockKinds = ["blocked", "granted", "all"];
    private static readonly string[] LockTypes = ["inode", "entry", "posix"];
    private static readonly string[] DumpParts =
        ["all", "mem", "iobuf", "callpool", "priv", "fd", "inode", "history"];

    private static readonly string[] TopMetrics =
        ["open", "read", "write", "opendir", "readdir", "read-perf", "write-perf", "clear"];

    private IBrickAdminCommands Commands => RestServices.Need(services.BrickAdmin, "administration of running bricks");

    public override void Map(RouteMap map)
    {
        map.Change(
            "POST", One + "/bricks", "Adds bricks to a volume.", BrickAdminMessageJson.Default.AddBrickMessage,
            VolumeMessageJson.Default.VolumeMessage, AddBrickAsync).Conditional();
        map.Change(
            "POST", One + "/bricks/replace", "Puts a new brick in the place of one of a replica set.",
            BrickAdminMessageJson.Default.ReplaceBrickMessage, VolumeMessageJson.Default.VolumeMessage,
            ReplaceBrickAsync).Conditional();
        map.Change(
            "POST", One + "/bricks/reset",
            "Takes a brick of a replica set out of service, or takes its renewed directory.",
            BrickAdminMessageJson.Default.ResetBrickMessage, VolumeMessageJson.Default.VolumeMessage, ResetBrickAsync)
            .Conditional();
        map.Change(
            "POST", One + "/profile/{op}", "Starts, stops, shows or clears the counters of bricks.",
            BrickAdminMessageJson.Default.ProfileMessage, r => Commands.ProfileAsync(
                r.Path("name"), ToProfile(r), CancellationToken.None))
            .Flag("peek", "Do not end the interval.")
            .Flag("cumulative", "Only counters since the brick started.")
            .Flag("incremental", "Only counters of the interval.");
        map.Change(
            "POST", One + "/top/{metric}", "The files that are used most.",
            BrickAdminMessageJson.Default.TopMessage, r => Commands.TopAsync(
                r.Path("name"), ToTop(r), CancellationToken.None))
            .Text("brick", "Only this brick, HOST:/PATH.").Number("files", "Longest list of files.")
            .Number("blockSize", "Bytes a block of the test of read-perf and write-perf.")
            .Number("blockCount", "Blocks of the test.");
        map.Change(
            "POST", One + "/statedump", "Writes what the bricks, or a client, hold in memory to files.",
            BrickAdminMessageJson.Default.StatedumpMessage, StatedumpAsync)
            .Text("client", "Not the bricks but this client of ours, HOST:PID; it writes the dump beside its log.")
            .Text("parts", "What to write, separated by commas: " + string.Join(", ", DumpParts) + ".");
        MapLocks(map);
        map.Get(
            One + "/clients", "Who is connected to the bricks.", BrickAdminMessageJson.Default.VolumeClientsMessage,
            r => Commands.ClientsAsync(r.Path("name"), r.Aborted));
        map.Get(
            One + "/replication", "The replica sets of a volume: who leads, and what each member lacks.",
            ReplicationMessageJson.Default.ReplicationMessage,
            r => Commands.ReplicationAsync(r.Path("name"), r.Aborted));
        map.Change(
            "POST", One + "/leader", "A brick takes the lead of its replica set, and should have it from then on.",
            ReplicationMessageJson.Default.ReplicationMessage,
            r => Commands.MoveLeadAsync(r.Path("name"), Given(r, "brick"), CancellationToken.None))
            .Text("brick", "HOST:/PATH.");
        map.Change(
            "DELETE", One + "/leader", "Forgets which bricks were said to lead: the leads spread over the nodes again.",
            ReplicationMessageJson.Default.ReplicationMessage,
            r => Commands.ResetLeadsAsync(r.Path("name"), CancellationToken.None));
        map.Get(
            One + "/internals/{kind}", "What the bricks hold in memory: mem, inode, fd, callpool or leases.",
            BrickAdminMessageJson.Default.VolumeInternalsMessage, r => Commands.InternalsAsync(
                r.Path("name"), OneOf("kind", r.Path("kind"), InternalKinds), r.Aborted));
        map.Change(
            "POST", One + "/log-rotate", "Begins new log files of the bricks.",
            BrickAdminMessageJson.Default.DoneMessage, RotateAsync).Text("brick", "Only this brick, HOST:/PATH.");
    }

    private void MapLocks(RouteMap map) => map.Change(
        "POST", One + "/clear-locks", "Takes locks from those who hold or wait for them.",
        BrickAdminMessageJson.Default.ClearLocksMessage, r => Commands.ClearLocksAsync(
            r.Path("name"),
            new ClearLocksRequest(
                Given(r, "path"), OneOf("kind", Given(r, "kind"), LockKinds),
                OneOf("type", Given(r, "type"), LockTypes), r.Text("argument")),
            CancellationToken.None))
        .Text("path", "In the volume.").Text("kind", "blocked, granted or all.")
        .Text("type", "inode, entry or posix.").Text("argument", "Range or base name.");

    private async Task<VolumeMessage> AddBrickAsync(RestRequest request, AddBrickMessage message)
    {
        var command = RestServices.Need(services.AddBrick, "adding bricks");
        return VolumeRoutes.ToMessage(await command.AddBrickAsync(
            request.Volume,
            new AddBrickRequest(
                [.. message.Bricks.Select(b => RestRequest.NotNull("bricks", b))], message.ReplicaCount,
                message.Force)
            {
                ArbiterCount = message.ArbiterCount,
            },
            CancellationToken.None));
    }

    private async Task<VolumeMessage> ReplaceBrickAsync(RestRequest request, ReplaceBrickMessage message)
    {
        var commands = RestServices.Need(services.ReplaceBrick, "replacing bricks");
        return VolumeRoutes.ToMessage(await commands.ReplaceBrickAsync(
            request.Volume, new ReplaceBrickRequest(message.Source, message.Target) { Force = message.Force },
            CancellationToken.None));
    }

    private async Task<VolumeMessage> ResetBrickAsync(RestRequest request, ResetBrickMessage message)
    {
        var commands = RestServices.Need(services.ReplaceBrick, "resetting bricks");
        return VolumeRoutes.ToMessage(message.Target is not { } target
            ? await commands.ResetBrickAsync(request.Volume, message.Source, CancellationToken.None)
            : await commands.ReplaceBrickAsync(
                request.Volume,
                new ReplaceBrickRequest(message.Source, target) { IsReset = true, Force = message.Force },
                CancellationToken.None));
    }

    private async Task<StatedumpMessage> StatedumpAsync(RestRequest request)
    {
        var (volume, parts) = (request.Path("name"), ToParts(request));
        if (request.Text("client") is not { } client)
        {
            return await Commands.StatedumpAsync(volume, parts, CancellationToken.None);
        }

        if (parts.Length > 0)
        {
            throw new CommandException(CommandFailure.Invalid, "a client dumps everything: parts is for bricks");
        }

        await Commands.ClientStatedumpAsync(volume, client, CancellationToken.None);
        return new StatedumpMessage(volume, []);
    }

    private async Task<DoneMessage> RotateAsync(RestRequest request)
    {
        await Commands.RotateLogAsync(request.Path("name"), request.Text("brick"), CancellationToken.None);
        return new DoneMessage(request.Path("name"), "log rotate successful");
    }

    private static ProfileRequest ToProfile(RestRequest r)
    {
        var cumulative = r.Flag("cumulative");
        var incremental = r.Flag("incremental");
        return new ProfileRequest(
            OneOf("op", r.Path("op"), ProfileOps), r.Flag("peek"), cumulative || !incremental,
            incremental || !cumulative);
    }

    private static TopRequest ToTop(RestRequest r) => new(
        OneOf("metric", r.Path("metric"), TopMetrics), r.Text("brick"),
        (int)Math.Min(r.Number("files") ?? 0, int.MaxValue), r.Number("blockSize") ?? 0, r.Number("blockCount") ?? 0);

    private static string[] ToParts(RestRequest r) =>
        [.. (r.Text("parts") ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(p => OneOf("parts", p, DumpParts))];

    private static string Given(RestRequest request, string name) => request.Text(name)
        ?? throw new CommandException(CommandFailure.Invalid, $"{name} is missing");

    private static string OneOf(string name, string value, string[] good) => Array.IndexOf(good, value) >= 0
        ? value : throw new CommandException(
            CommandFailure.Invalid, $"{name} is none of {string.Join(", ", good)}");
}
