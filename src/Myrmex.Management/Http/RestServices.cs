using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Myrmex.Management.Metrics;
using Myrmex.Runtime;

namespace Myrmex.Management.Http;

/// <summary>
/// What the routes serve. What is null is not connected: its routes answer 501, so that an interface is complete from
/// the first day.
/// </summary>
internal sealed record RestServices
{
    /// <summary>The daemon that answers; known only when all its ports are bound.</summary>
    public required Func<DaemonMessage> Daemon { get; init; }

    public required IVolumeCommands Volumes { get; init; }

    public required IScheduler Scheduler { get; init; }

    public IAddBrickCommand? AddBrick { get; init; }

    public IReplaceBrickCommands? ReplaceBrick { get; init; }

    public IPeerCommands? Peers { get; init; }

    public IBrickAdminCommands? BrickAdmin { get; init; }

    public IRebalanceCommands? Rebalance { get; init; }

    public IClusterOptionCommands? ClusterOptions { get; init; }

    public IEventLog? Events { get; init; }

    public ITaskLog? Tasks { get; init; }

    /// <summary>
    /// The volume file for a GETSPEC key, as a node of the pool gets it, for GlusterFS' client or (true) for ours; null
    /// when there is none.
    /// </summary>
    public Func<string, bool, string?>? Volfile { get; init; }

    /// <summary>Directory with the administrator's own option groups; null for none.</summary>
    public string? GroupDirectory { get; init; }

    /// <summary>Metrics are for everyone, without the token.</summary>
    public bool AreMetricsOpen { get; init; }

    /// <summary>Details of bricks on other nodes; null for a daemon that knows none.</summary>
    public IBrickDetails? Details { get; init; }

    /// <summary>Whose metrics there are beside those of volumes.</summary>
    public IReadOnlyList<MetricSource> MetricSources { get; init; } = [];

    /// <summary>The routes of all subjects.</summary>
    public IReadOnlyList<RestRoutes> Routes() =>
    [
        new DaemonRoutes(Daemon),
        new PeerRoutes(this),
        new OptionRoutes(this),
        new VolumeRoutes(Volumes, Tasks, Details),
        new BrickAdminRoutes(this),
        new RebalanceRoutes(this),
        new EventRoutes(this),
        new VolfileRoutes(this),
        new MetricRoutes(this),
    ];

    /// <summary>The service, or the 501 problem.</summary>
    public static T Need<T>([NotNull] T? service, string what)
        where T : class =>
        service ?? throw new CommandException(
            CommandFailure.NotSupported, $"{what} cannot be done by this daemon");
}
