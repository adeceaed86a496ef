using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Graph;
using Myrmex.Management;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.Cluster;
using Myrmex.Management.Http;
using Myrmex.Management.Volfiles;
using Myrmex.Unit.Tests.Volumes;
using Myrmex.Volumes;

namespace Myrmex.Unit.Tests.Management;

/// <summary>Everything the REST service serves, with one volume "demo" of two bricks; other names do not exist.</summary>
internal sealed class RestFakes
    : IVolumeCommands, IAddBrickCommand, IReplaceBrickCommands, IPeerCommands, IBrickAdminCommands, IRebalanceCommands,
        IClusterOptionCommands, IEventLog, ITaskLog
{
    private static readonly PeerMessage Peer = new("id-1", "node1", Connected: true, IsLocal: true)
    {
        OtherNames = ["10.0.0.1"],
        Labels = new Dictionary<string, string> { ["rack"] = "r1" },
    };

    private static readonly BrickPlace Place = new("h", "/b", "id-1", Online: true, Port: 1, Pid: 2);

    private readonly Volume _volume = SampleVolumes.Distribute(2) with { Name = "demo" };
    private readonly List<ClusterEvent> _events = [];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Dictionary<string, string> Set { get; } = [];

    IReadOnlyDictionary<string, string> IClusterOptionCommands.Settings => Set;

    public long Last
    {
        get
        {
            lock (_events)
            {
                return _events.Count;
            }
        }
    }

    public IReadOnlyList<TaskMessage> Tasks { get; } =
    [
        new TaskMessage(
            "t1", "rebalance", "running", "demo", "id-1", new Dictionary<string, long> { ["files"] = 3 }, 1, 2, null),
        new TaskMessage("t2", "fix-layout", "failed", "other", null, new Dictionary<string, long>(), 1, 2, "no disk"),
    ];

    public void Tell(string type)
    {
        TaskCompletionSource more;
        lock (_events)
        {
            _events.Add(new ClusterEvent(
                _events.Count + 1, 1_000, type, "demo", null, new Dictionary<string, string> { ["a"] = "line\nbreak" }));
            more = _more;
            _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        more.SetResult();
    }

    public IReadOnlyList<ClusterEvent> Read(long after, int max)
    {
        lock (_events)
        {
            return [.. _events.Where(e => e.Seq > after).Take(max)];
        }
    }

    public async Task WaitAsync(long after, CancellationToken cancellation)
    {
        while (true)
        {
            Task more;
            lock (_events)
            {
                if (_events.Count > after)
                {
                    return;
                }

                more = _more.Task;
            }

            await more.WaitAsync(cancellation);
        }
    }

    public IReadOnlyList<Volume> List() => [_volume];

    public Volume Find(string name) => name == "demo"
        ? _volume : throw new CommandException(CommandFailure.NotFound, $"Volume {name} does not exist");

    public VolumeReport Status(string name, bool detail) => new(Find(name), [
        .. _volume.Bricks.Select(b => new BrickReport(
            b, Online: true, 49152, 7, detail ? new BrickDetail("/dev/x", "xfs", "rw", default) : null)),
    ]);

    public IReadOnlyList<OptionReport> Get(string name, string? key)
    {
        Find(name);
        return [new OptionReport(key ?? "auth.reject", null, IsDefault: true)];
    }

    public Task<Volume> CreateAsync(CreateRequest request, CancellationToken cancellation) => Task.FromResult(
        VolumeNames.Problem(request.Name) is { } problem
            ? throw new CommandException(CommandFailure.Invalid, problem) : _volume);

    public Task<Volume> StartAsync(VolumeTarget target, bool force, CancellationToken cancellation) => Found(target);

    public Task<Volume> StopAsync(VolumeTarget target, bool force, CancellationToken cancellation) => Found(target);

    public Task<Volume> DeleteAsync(VolumeTarget target, CancellationToken cancellation) => Found(target);

    public Task<Volume> SetAsync(
        VolumeTarget target, IReadOnlyList<VolumeSetting> settings, CancellationToken cancellation)
    {
        var problem = settings.Select(s => VolumeOptions.Problem(s.Key, s.Value)).FirstOrDefault(p => p is not null);
        return problem is null ? Found(target) : throw new CommandException(CommandFailure.Invalid, problem);
    }

    public Task<Volume> ResetAsync(
        VolumeTarget target, string? key, bool force, CancellationToken cancellation) => Found(target);

    public Task<Volume> ResetAsync(
        VolumeTarget target, IReadOnlyList<string> keys, CancellationToken cancellation) => Found(target);

    public Task<Volume> AddBrickAsync(
        VolumeTarget target, AddBrickRequest request, CancellationToken cancellation) => Found(target);

    public Task<Volume> ReplaceBrickAsync(
        VolumeTarget target, ReplaceBrickRequest request, CancellationToken cancellation) => Found(target);

    public Task<Volume> ResetBrickAsync(VolumeTarget target, string source, CancellationToken cancellation) => Found(target);

    public Task<IReadOnlyList<PeerMessage>> ListAsync(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<PeerMessage>>([Peer]);

    public Task<ProbedMessage> ProbeAsync(string host, CancellationToken cancellation) =>
        Task.FromResult(new ProbedMessage("joined", Peer));

    public Task<PeerMessage> DetachAsync(string host, bool force, CancellationToken cancellation) => Task.FromResult(Peer);

    public Task<PeerMessage> LabelAsync(
        string host, IReadOnlyDictionary<string, string?> labels, CancellationToken cancellation) => Task.FromResult(Peer);

    public Task<ProfileMessage> ProfileAsync(string volume, ProfileRequest request, CancellationToken cancellation)
    {
        var figures = new ProfileFigures(1, 2, 3, 4, [new(4096, 1, 2)], [new("WRITE", 1, 2.5, 3, 4)]);
        return Named(volume, new ProfileMessage(
            volume, request.Op, [Place.With(new BrickProfile(figures, null)), Place.Failed<BrickProfile>("away")]));
    }

    public Task<TopMessage> TopAsync(string volume, TopRequest request, CancellationToken cancellation) => Named(
        volume, new TopMessage(volume, request.Metric, [Place.With(new BrickTop([new("/f", 3, 0)]) { MaxOpen = 2 })]));

    public Task<StatedumpMessage> StatedumpAsync(
        string volume, IReadOnlyList<string> parts, CancellationToken cancellation) =>
        Named(volume, new StatedumpMessage(volume, [Place.With("/dump")]));

    public Task ClientStatedumpAsync(string volume, string client, CancellationToken cancellation) =>
        new ClientDumps((v, _, pid) => v == "demo" && pid == 42, () => "n1").AskAsync(volume, client, cancellation);

    public Task<ClearLocksMessage> ClearLocksAsync(
        string volume, ClearLocksRequest request, CancellationToken cancellation) =>
        Named(volume, new ClearLocksMessage(volume, [Place.With("posix blocked locks=0 granted locks=1")]));

    public Task<VolumeClientsMessage> ClientsAsync(string volume, CancellationToken cancellation) => Named(
        volume, new VolumeClientsMessage(
            volume, [Place.With(new BrickClients([new("10.0.0.9:1000", "id", "u", "fuse", 100000, 1, 2, 3, 4)]))]));

    public Task<VolumeInternalsMessage> InternalsAsync(string volume, string kind, CancellationToken cancellation) => Named(
        volume, new VolumeInternalsMessage(
            volume, kind, [Place.With(new BrickInternals(new BrickMemory { Arena = 1 }, null, null, null))]));

    public Task<ReplicationMessage> MoveLeadAsync(string volume, string brick, CancellationToken cancellation) =>
        ReplicationAsync(volume, cancellation);

    public Task<ReplicationMessage> ResetLeadsAsync(string volume, CancellationToken cancellation) =>
        ReplicationAsync(volume, cancellation);

    public Task<ReplicationMessage> ReplicationAsync(string volume, CancellationToken cancellation) => Named(
        volume, new ReplicationMessage(volume, [
            new ReplicaSetMessage(0, "set-id", "quorum", 1, [
                new ReplicaMemberMessage(0, "h", "/b", "id-1", Online: false, Lag: 7, Report: null, "it is away"),
                new ReplicaMemberMessage(1, "h", "/c", "id-1", Online: true, Lag: 0, Problem: null, Report: new ReplicaReport
                {
                    ReplicaSet = "set-id",
                    Member = 1,
                    Role = "leader",
                    Status = "voter",
                    Peers = [new ReplicaPeerReport(0, Durable: 3, Lag: 7, SilentMs: 5_000)],
                }),
            ]),
        ]));

    public Task RotateLogAsync(string volume, string? brick, CancellationToken cancellation) => Found(volume);

    public Task<RebalanceMessage> StartAsync(string volume, string kind, bool force, CancellationToken cancellation) =>
        Rebalance(volume);

    Task<RebalanceMessage> IRebalanceCommands.StopAsync(string volume, CancellationToken cancellation) => Rebalance(volume);

    public Task<RebalanceMessage> StatusAsync(string volume, CancellationToken cancellation) => Rebalance(volume);

    public Task SetAsync(
        IReadOnlyList<VolumeSetting> settings, Precondition? expected, CancellationToken cancellation)
    {
        Check(expected);
        foreach (var setting in settings)
        {
            Set[setting.Key] = setting.Value;
        }

        return Task.CompletedTask;
    }

    public Task ResetAsync(string? key, Precondition? expected, CancellationToken cancellation)
    {
        Check(expected);
        foreach (var set in Set.Keys.Where(k => key is null || k == key).ToList())
        {
            Set.Remove(set);
        }

        return Task.CompletedTask;
    }

    private Task<RebalanceMessage> Rebalance(string volume) => Named(
        volume, new RebalanceMessage(volume, "t1", "rebalance", [new("id-1", "node1", 1, 2, 3, 0, 0, 1, "in progress", 1.5)]));

    private Task<Volume> Found(VolumeTarget target)
    {
        var volume = Find(target.Name);
        var tag = VolumeTarget.TagOf(volume);
        return target.Expected?.Holds(tag) == false
            ? throw target.Expected.Failed("Volume demo", tag) : Task.FromResult(volume);
    }

    private void Check(Precondition? expected)
    {
        var tag = ((IClusterOptionCommands)this).Tag;
        if (expected?.Holds(tag) == false)
        {
            throw expected.Failed("What is set for all volumes", tag);
        }
    }

    private Task<T> Named<T>(string volume, T answer)
    {
        Find(volume);
        return Task.FromResult(answer);
    }
}
