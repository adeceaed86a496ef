using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Routing;
using Myrmex.Coordination;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.Bricks;
using Myrmex.Management.Cluster;
using Myrmex.Management.Etcd;
using Myrmex.Management.Hooks;
using Myrmex.Management.Http;
using Myrmex.Management.Metrics;
using Myrmex.Management.NodeApi;
using Myrmex.Management.Nodes;
using Myrmex.Management.Proxies;
using Myrmex.Management.State;
using Myrmex.Management.Tasks;
using Myrmex.Management.Volfiles;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>
/// What a daemon is as long as it uses one store of a cluster: its view, its commands, its bricks, and the loops behind
/// them. A daemon that joins a cluster ends one session and begins another; bricks go on in between.
/// </summary>
internal sealed class DaemonSession : IAsyncDisposable
{
    private readonly RunPublisher _publisher;
    private readonly EventPruner _pruner;
    private readonly PeerEvents _peerEvents;
    private readonly HookRunner _hooks;
    private readonly LocalAudit _audit;
    private readonly TaskRunner _tasks;
    private readonly RebalanceService _rebalances;
    private readonly ServerQuorum _quorum;
    private readonly DaemonOptions _options;
    private readonly Seams _seams;
    private BrickAdminService? _brickAdmin; // Set by Serve.

    public DaemonSession(
        DaemonOptions options, IStateStore store, ClusterView view, ClusterWriter writer, INodePresence presence,
        LocalNode node, string instance, IProcessControl processes, IBrickProbe probe, IBrickPort port,
        IBrickPort proxyPort, Seams seams)
    {
        _seams = seams;
        _options = options;
        View = view;
        Directory = new NodeDirectory(view.State);
        Writer = writer;
        Node = node;
        Catalog = new VolumeCatalog(view);
        _quorum = new ServerQuorum(view, presence, seams.Clock);
        Supervisor = new BrickSupervisor(options, view, _quorum, node, processes, probe, port, seams);
        Placement = new ProxyPlacement(Directory);
        Proxies = new ProxySupervisor(options, view, Placement, node, processes, probe, proxyPort, seams)
        {
            Admin = new LocalBrickAdmin(seams, BrickAdminProgram.ProxySocketOf(options.WorkingDirectory)),
        };
        Worker = new OpWorker(
            view, Writer, node.Id, instance, new BrickSteps(view, node.Id, Supervisor), seams);
        Commands = new VolumeCommands(
            view, Writer, Worker, new BrickPlan(view, new BrickHosts(Directory, node)), Placement, node, instance,
            seams);
        _publisher = new RunPublisher(view, Writer, presence, Supervisor, Proxies, seams);
        Volfiles = new VolfileService(Catalog, Supervisor, Proxies, Placement, Ports, node, options.Port);
        _peerEvents = new PeerEvents(view, Writer, Directory, node.Id, seams);
        _hooks = new HookRunner(options.HookDirectory, seams.Scheduler);
        _audit = new LocalAudit(options, view, node, Supervisor, Proxies, processes);
        _tasks = new TaskRunner(store, node.Id, new TaskChildren(options, processes), seams);
        _tasks.Finished += TellOfTask;
        _rebalances = new RebalanceService(view, Writer, new TaskCommands(store, seams), seams.Clock);
        _pruner = new EventPruner(store, view, seams);
    }

    public LocalNode Node { get; }

    /// <summary>Ports that other programs of this node have signed in.</summary>
    public PortRegistry Ports { get; } = new();

    public VolfileService Volfiles { get; }

    /// <summary>What the REST service offers, once <see cref="Serve"/> was called.</summary>
    public IReadOnlyList<RestRoutes> Routes { get; private set; } = [];

    public ClusterView View { get; }

    public NodeDirectory Directory { get; }

    public ClusterWriter Writer { get; }

    public VolumeCatalog Catalog { get; }

    public BrickSupervisor Supervisor { get; }

    public ProxyPlacement Placement { get; }

    public ProxySupervisor Proxies { get; }

    public OpWorker Worker { get; }

    public VolumeCommands Commands { get; }

    /// <summary>Clients have their volume files from there: now they can be asked for state dumps too.</summary>
    public void ServeClients(ManagementRpc rpc)
    {
        if (_brickAdmin is { } admin)
        {
            admin.Clients = new ClientDumps(rpc.AskForDump, () => View.NameOf(Node.Id));
        }
    }

    /// <summary>The loops; none of them ends by itself.</summary>
    public IReadOnlyList<Task> Run(CancellationToken cancellation) =>
    [
        View.FollowAsync(cancellation),
        Supervisor.RunAsync(cancellation),
        Proxies.RunAsync(cancellation),
        Worker.RunAsync(cancellation),
        _publisher.RunAsync(cancellation),
        _pruner.RunAsync(cancellation),
        _peerEvents.RunAsync(cancellation),
        _tasks.RunAsync(cancellation),
        WatchQuorumAsync(cancellation),
    ];

    /// <summary>Makes the REST routes over this session.</summary>
    public void Serve(DaemonMessage daemon, NodeServices nodes, ClusterStore cluster)
    {
        Commands.Answers = nodes.Client.AnswersAsync;
        var hooked = new HookedCommands(Commands, _hooks, _options.WorkingDirectory);
        var local = new LocalBrickAdmin(_seams, BrickAdminProgram.SocketOf(_options.WorkingDirectory));
        IBrickAdmin? AdminOf(NodeId id) => id == Node.Id ? local
            : View.IsAlive(id) ? new RemoteBrickAdmin(nodes.Client, id) : null;
        _brickAdmin = new BrickAdminService(View, Writer, Commands, AdminOf, _options.LogDirectory, _seams);
        var services = new RestServices
        {
            Daemon = () => daemon,
            Volumes = hooked,
            Rebalance = _rebalances,
            Tasks = _rebalances,
            Scheduler = _seams.Scheduler,
            AddBrick = hooked,
            ReplaceBrick = hooked,
            Peers = new PeerService(nodes),
            BrickAdmin = _brickAdmin,
            Details = new BrickDetails(View, Node.Id, (node, path, c) => nodes.Client.GetAsync(
                node, path, VolumeMessageJson.Default.VolumeStatusMessage, c)),
            MetricSources = MetricSources(local),
            ClusterOptions = new ClusterOptionCommands(View, Writer),
            Events = new EventLog(View, _seams),
            Volfile = (key, isOurs) => Volfiles.Spec(key, Node.Id, isOurs),
            GroupDirectory = _options.GroupDirectory,
            AreMetricsOpen = _options.AreMetricsOpen,
        };
        Routes = [.. services.Routes(), new TrustRoutes(nodes), new AuditRoutes(_audit, nodes, View),
            new StoreRoutes(cluster), new ProxyRoutes(new ProxyCommands(Commands, nodes.Peers)),
            new NodeBrickRoutes(local, Commands, _options.LogDirectory)];
    }

    private MetricSource[] MetricSources(IBrickAdmin local) =>
    [
        new("daemon", _ => Task.FromResult(DaemonPage())),
        new("brick", cancellation => PageAsync(local, cancellation)),
        new("proxy", cancellation => PageAsync(
            new LocalBrickAdmin(_seams, BrickAdminProgram.ProxySocketOf(_options.WorkingDirectory)), cancellation)),
    ];

    private static async Task<string> PageAsync(IBrickAdmin process, CancellationToken cancellation)
    {
        try
        {
            return await process.MetricsAsync(cancellation);
        }
        catch (BrickAdminException)
        {
            return string.Empty; // Nothing is to be served here, or the page of the daemon shows that it is not.
        }
    }

    private string DaemonPage()
    {
        var volumes = Commands.List();
        var started = volumes.Where(v => v.Status == VolumeStatus.Started);
        return DaemonMetrics.Text(
            [.. volumes.Select(v => v.Status.ToString())], started.Sum(v => v.Bricks.Count(b => b.Node == Node.Id)),
            Supervisor.Run.Bricks.Count(b => b.Online), View.Nodes.Rows.Count, View.Lives.Rows.Count,
            Proxies.Runs.Count, Proxies.Runs.Count(r => r.Online));
    }

    /// <summary>Puts the routes on the port for nodes and administrators elsewhere.</summary>
    public void Map(IEndpointRouteBuilder endpoints)
    {
        var map = new RouteMap(endpoints, without: NodeApiServer.HealthPath);
        foreach (var subject in Routes)
        {
            subject.Map(map);
        }
    }

    /// <summary>Ends the hooks that run.</summary>
    public ValueTask DisposeAsync() => _hooks.DisposeAsync();

    private void TellOfTask(ClusterTask task) => _ = TellOfTaskAsync(task);

    private async Task TellOfTaskAsync(ClusterTask task)
    {
        try
        {
            var data = new Dictionary<string, string> { ["task"] = task.Id, ["state"] = task.State.ToString() };
            await Writer.TellAsync(
                Writer.NewEvent(EventTypes.TaskEnd, task.Volume, task.Node, data), CancellationToken.None);
        }
        catch (StateStoreException e)
        {
            Log.Warning("events", "the end of a task is not told", ("task", task.Id), ("reason", e.Message));
        }
    }

    private async Task WatchQuorumAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Pauses.WaitAsync(_seams.Scheduler, Limits.SupervisePeriodMs, cancellation);
            _quorum.Look();
        }
    }
}
