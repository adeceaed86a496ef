using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management;
using Myrmex.Management.Cluster;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.CommandLine;
using Myrmex.Management.Http;

namespace Myrmex.Unit.Tests.Management;

/// <summary>A daemon with prepared answers, which notes what it was asked to change.</summary>
internal sealed class FakeClient : IManagementClient
{
    public const string Node = "c348998a-f218-4ae1-872b-8c0ebf39dfe7";

    public List<VolumeMessage> Volumes { get; } = [];

    public Dictionary<string, VolumeStatusMessage> Statuses { get; } = [];

    public List<OptionMessage> Options { get; } = [];

    public List<ClusterEvent> Events { get; } = [];

    /// <summary>What every change is refused with; null lets it pass.</summary>
    public CommandException? Refusal { get; set; }

    public List<string> Calls { get; } = [];

    public ReplicationMessage Replication { get; set; } = new(string.Empty, []);

    public static VolumeMessage Volume(string name, string status, params string[] bricks) => new(
        name, "b8631bf6-99b5-4bd3-8131-1abfd0d601cf", status, "Distribute", 0, bricks.Length.ToString(), bricks.Length,
        1, 0, [.. bricks.Select((b, i) => new BrickMessage("10.9.9.1", b, i, Node, IsArbiter: false))],
        [
            new OptionMessage("storage.fips-mode-rchecksum", "on", IsDefault: false),
            new OptionMessage("transport.address-family", "inet", IsDefault: false),
            new OptionMessage("nfs.disable", "on", IsDefault: false),
        ]);

    public Task<IReadOnlyList<VolumeMessage>> ListAsync() => Task.FromResult<IReadOnlyList<VolumeMessage>>(Volumes);

    public Task<VolumeMessage> FindAsync(string volume) => Task.FromResult(
        Volumes.FirstOrDefault(v => v.Name == volume)
            ?? throw new CommandException(CommandFailure.NotFound, $"Volume {volume} does not exist"));

    public Task<VolumeStatusMessage> StatusAsync(string volume, bool detail) => Task.FromResult(
        Statuses.GetValueOrDefault(volume)
            ?? throw new CommandException(CommandFailure.Conflict, $"Volume {volume} is not started"));

    public Task<VolumeMessage> CreateAsync(CreateMessage request) => ChangeAsync(
        request.Name,
        $"create {request.Name} replica {request.ReplicaCount} {string.Join(',', request.Bricks)} force={request.Force}"
            + (request.JournalDirectory is { } journals ? $" journal={journals}" : string.Empty));

    public Task<VolumeMessage> StartAsync(string volume, bool force) => ChangeAsync(volume, $"start {volume} force={force}");

    public Task<VolumeMessage> StopAsync(string volume, bool force) => ChangeAsync(volume, $"stop {volume} force={force}");

    public Task<VolumeMessage> DeleteAsync(string volume) => ChangeAsync(volume, $"delete {volume}");

    public Task<VolumeMessage> SetAsync(string volume, IReadOnlyList<SettingMessage> options) => ChangeAsync(
        volume, $"set {volume} {string.Join(',', options.Select(o => $"{o.Key}={o.Value}"))}");

    public Task<VolumeMessage> ResetAsync(string volume, string? key, bool force) =>
        ChangeAsync(volume, $"reset {volume} {key ?? "(all)"} force={force}");

    public Task<IReadOnlyList<OptionMessage>> OptionsAsync(string volume, string? key) =>
        Refusal is null ? Task.FromResult<IReadOnlyList<OptionMessage>>(Options) : throw Refusal;

    public Task<IReadOnlyList<OptionHelpMessage>> OptionHelpAsync() => Task.FromResult<IReadOnlyList<OptionHelpMessage>>(
        [new OptionHelpMessage("auth.reject", null, "Who may not.")]);

    public Task<IReadOnlyList<PeerMessage>> PeersAsync() => Task.FromResult<IReadOnlyList<PeerMessage>>(
        [new PeerMessage(Node, "oracle1", Connected: true, IsLocal: true)]);

    public Task<DaemonMessage> DaemonAsync() => Task.FromResult(
        new DaemonMessage("1.2.3", Node, "oracle1", 24007, 42) { WorkingDirectory = "/state" });

    public Task<VolumeMessage> AddBrickAsync(string volume, AddBrickMessage request) => ChangeAsync(
        volume, $"add-brick {volume} {string.Join(',', request.Bricks)} replica {request.ReplicaCount} force={request.Force}");

    public Task<VolumeMessage> ReplaceBrickAsync(string volume, ReplaceBrickMessage request) => ChangeAsync(
        volume, $"replace-brick {volume} {request.Source} {request.Target} force={request.Force}");

    public Task<VolumeMessage> ResetBrickAsync(string volume, ResetBrickMessage request) => ChangeAsync(
        volume, $"reset-brick {volume} {request.Source} {request.Target ?? "(start)"} force={request.Force}");

    public Task<OptionGroupMessage> OptionGroupAsync(string name) => name == "mine"
        ? Task.FromResult(new OptionGroupMessage(name, [new SettingMessage("a.b", "1"), new SettingMessage("c.d", "2")]))
        : throw new CommandException(
            CommandFailure.NotFound, $"Unable to open file '/state/groups/{name}'. Error: No such file or directory");

    public Task<IReadOnlyList<OptionMessage>> ClusterOptionsAsync(string? key) => NotedAsync<IReadOnlyList<OptionMessage>>(
        $"cluster-get {key ?? "(all)"}", [new OptionMessage("cluster.op-version", "100000", IsDefault: false)]);

    public Task<IReadOnlyList<OptionMessage>> SetClusterAsync(IReadOnlyList<SettingMessage> options) =>
        NotedAsync<IReadOnlyList<OptionMessage>>(
            $"cluster-set {string.Join(',', options.Select(o => $"{o.Key}={o.Value}"))}", []);

    public Task<IReadOnlyList<OptionMessage>> ResetClusterAsync(string? key) =>
        NotedAsync<IReadOnlyList<OptionMessage>>($"cluster-reset {key ?? "(all)"}", []);

    public Task<ProbedMessage> ProbeAsync(string host) => NotedAsync(
        $"probe {host}",
        new ProbedMessage(
            host == "here" ? "local" : host == "old" ? "member" : "joined",
            new PeerMessage(Node, host, Connected: true, IsLocal: false)));

    public Task<PeerMessage> DetachAsync(string host, bool force) => NotedAsync(
        $"detach {host} force={force}", new PeerMessage(Node, host, Connected: false, IsLocal: false));

    public Task<PeerMessage> LabelAsync(string host, IReadOnlyDictionary<string, string?> labels) => NotedAsync(
        $"label {host} {string.Join(',', labels.Select(l => $"{l.Key}={l.Value ?? "(none)"}"))}",
        new PeerMessage(Node, host, Connected: true, IsLocal: false)
        {
            Labels = new Dictionary<string, string> { ["rack"] = "r1" },
        });

    private static BrickPlace Brick(string path) => new("h", path, "id", Online: true, 49152, 7);

    public Task<ProfileMessage> ProfileAsync(string volume, string op, bool peek, bool cumulative, bool incremental) =>
        NotedAsync(
            $"profile {volume} {op} peek={peek} cumulative={cumulative} incremental={incremental}",
            new ProfileMessage(volume, op, []));

    public Task<TopMessage> TopAsync(
        string volume, string metric, string? brick, int files, long blockSize, long blockCount) => NotedAsync(
            $"top {volume} {metric} {brick ?? "(all)"} {files} {blockSize} {blockCount}", new TopMessage(volume, metric, []));

    public Task<StatedumpMessage> StatedumpAsync(string volume, IReadOnlyList<string> parts) =>
        NotedAsync($"statedump {volume} {string.Join(',', parts)}", new StatedumpMessage(volume, []));

    public Task<StatedumpMessage> ClientStatedumpAsync(string volume, string client) =>
        NotedAsync($"client-statedump {volume} {client}", new StatedumpMessage(volume, []));

    public Task<ClearLocksMessage> ClearLocksAsync(
        string volume, string path, string kind, string type, string? argument) => NotedAsync(
            $"clear-locks {volume} {path} {kind} {type} {argument ?? "(none)"}",
            new ClearLocksMessage(volume, [
                Brick("/b1").With(path == "/locked" ? $"{type} blocked locks=0 granted locks=1" : VolumeAdmin.NothingCleared),
                Brick("/b2").Failed<string>(VolumeAdmin.NoPath),
            ]));

    public Task<VolumeClientsMessage> ClientsAsync(string volume) =>
        NotedAsync($"clients {volume}", new VolumeClientsMessage(volume, []));

    public Task<ReplicationMessage> ReplicationAsync(string volume) =>
        NotedAsync($"replication {volume}", Replication with { Volume = volume });

    public Task<ReplicationMessage> MoveLeadAsync(string volume, string brick) =>
        NotedAsync($"move lead {volume} {brick}", Replication with { Volume = volume });

    public Task<ReplicationMessage> ResetLeadsAsync(string volume) =>
        NotedAsync($"reset leads {volume}", Replication with { Volume = volume });

    public Task<VolumeInternalsMessage> InternalsAsync(string volume, string kind) =>
        NotedAsync($"internals {volume} {kind}", new VolumeInternalsMessage(volume, kind, []));

    public Task<DoneMessage> RotateLogAsync(string volume, string? brick) =>
        NotedAsync($"rotate {volume} {brick ?? "(all)"}", new DoneMessage(volume, "log rotate successful"));

    public Task<RebalanceMessage> RebalanceAsync(string volume, string action, bool force) =>
        NotedAsync($"rebalance {volume} {action} force={force}", Rebalance(volume));

    public Task<RebalanceMessage> RebalanceStatusAsync(string volume) =>
        NotedAsync($"rebalance {volume} status", Rebalance(volume));

    public Task<IReadOnlyList<TaskMessage>> TasksAsync(string? volume) =>
        NotedAsync<IReadOnlyList<TaskMessage>>($"tasks {volume ?? "(all)"}", []);

    public Task<EventListMessage> EventsAsync(long after)
    {
        var events = Events.Where(e => e.Seq > after).Take(2).ToList();
        return Task.FromResult(new EventListMessage(events, events.Count > 0 ? events[^1].Seq : after));
    }

    public async IAsyncEnumerable<ClusterEvent> FollowEventsAsync(
        long? after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var told in Events.Where(e => e.Seq > (after ?? 0)))
        {
            await Task.Yield();
            yield return told;
        }
    }

    public Task<string> VolfileAsync(string key) => key == "demo"
        ? Task.FromResult("volume demo\nend-volume\n")
        : throw new CommandException(CommandFailure.NotFound, "no");

    private static RebalanceMessage Rebalance(string volume) => new(volume, "task-1", "fix-layout", []);

    private Task<T> NotedAsync<T>(string call, T answer)
    {
        Calls.Add(call);
        return Refusal is null ? Task.FromResult(answer) : throw Refusal;
    }

    private Task<VolumeMessage> ChangeAsync(string volume, string call)
    {
        Calls.Add(call);
        return Refusal is null ? Task.FromResult(Volume(volume, "Created", "/b1")) : throw Refusal;
    }
}
