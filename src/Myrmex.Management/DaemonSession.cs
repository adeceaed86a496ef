using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Routing;
using Myrmex.Coordination;
using Myrmex.Management.Bricks;
using Myrmex.Management.Cluster;
using Myrmex.Management.Http;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Runtime;

namespace Myrmex.Management;

/// <summary>
/// What a daemon is as long as it uses one store of a cluster: its view, its commands, its bricks, and the loops behind
/// them. A daemon that joins a cluster ends one session and begins another; bricks go on in between.
/// </summary>
internal sealed class DaemonSession
{
    private readonly RunPublisher _publisher;
    private readonly EventPruner _pruner;
    private readonly ServerQuorum _quorum;
    private readonly Seams _seams;

    public DaemonSession(
        DaemonOptions options, IStateStore store, ClusterView view, ClusterWriter writer, INodePresence presence,
        LocalNode node, string instance, IProcessControl processes, IBrickProbe probe, IBrickPort port, Seams seams)
    {
        _seams = seams;
        View = view;
        Directory = new NodeDirectory(view.State);
        Writer = writer;
        Node = node;
        Catalog = new VolumeCatalog(view);
        _quorum = new ServerQuorum(view, presence, seams.Clock);
        Supervisor = new BrickSupervisor(options, view, _quorum, node, processes, probe, port, seams);
        Worker = new OpWorker(
            view, Writer, node.Id, instance, new BrickSteps(view, node.Id, Supervisor), seams);
        Commands = new VolumeCommands(
            view, Writer, Worker, new BrickPlan(view, new BrickHosts(Directory, node)), node, instance, seams);
        _publisher = new RunPublisher(view, Writer, presence, Supervisor, seams);
        _pruner = new EventPruner(store, view, seams);
    }

    public LocalNode Node { get; }

    /// <summary>The other nodes; null in tests of one node without them.</summary>
    public NodeServices? Nodes { get; init; }

    /// <summary>What the REST service says of this daemon.</summary>
    public DaemonMessage Daemon { get; set; } = new("0", string.Empty, string.Empty, 0, 0);

    public ClusterView View { get; }

    public NodeDirectory Directory { get; }

    public ClusterWriter Writer { get; }

    public VolumeCatalog Catalog { get; }

    public BrickSupervisor Supervisor { get; }

    public OpWorker Worker { get; }

    public VolumeCommands Commands { get; }

    /// <summary>The loops; none of them ends by itself.</summary>
    public IReadOnlyList<Task> Run(CancellationToken cancellation) =>
    [
        View.FollowAsync(cancellation),
        Supervisor.RunAsync(cancellation),
        Worker.RunAsync(cancellation),
        _publisher.RunAsync(cancellation),
        _pruner.RunAsync(cancellation),
        WatchQuorumAsync(cancellation),
    ];

    /// <summary>The REST routes over this session.</summary>
    public IReadOnlyList<RestRoutes> Routes() =>
        [new DaemonRoutes(Daemon), new PeerRoutes(Daemon), new OptionRoutes(), new VolumeRoutes(Commands)];

    /// <summary>Puts the routes on the port for nodes and administrators elsewhere.</summary>
    public void Map(IEndpointRouteBuilder endpoints)
    {
        var map = new RouteMap(endpoints, without: NodeApi.NodeApiServer.HealthPath);
        foreach (var subject in Routes())
        {
            subject.Map(map);
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
