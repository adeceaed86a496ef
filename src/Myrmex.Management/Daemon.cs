using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Management.Bricks;
using Myrmex.Management.Cluster;
using Myrmex.Management.Etcd;
using Myrmex.Management.Http;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Management.Volfiles;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>
/// The management daemon of a node. What concerns this node alone is in its state file; what concerns the cluster is
/// there too, or in etcd. It may be killed at any time, and its end never ends a brick.
/// </summary>
public sealed class Daemon(DaemonOptions options, Seams seams)
{
    private const int TokenBytes = 32;

    private const UnixFileMode PrivateDirectory =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes the working directory, for its owner only, and the log directory in it.</summary>
    public static void MakeDirectories(DaemonOptions options)
    {
        Directory.CreateDirectory(options.WorkingDirectory, PrivateDirectory);
        Directory.CreateDirectory(options.LogDirectory);
    }

    /// <summary>
    /// Serves until it is cancelled. Throws <see cref="StateStoreException"/> when another daemon has the working
    /// directory, and <see cref="IOException"/> when an address cannot be bound.
    /// </summary>
    /// <param name="ready">Called once, when commands and clients are served.</param>
    public async Task RunAsync(Action ready, CancellationToken cancellation)
    {
        MakeDirectories(options);
        await using var local = SqliteStore.Open(options.StateFile, seams.Clock);
        using var bricks = new StoreService(seams);
        bricks.Listen(DaemonOptions.StateSocketOf(options.WorkingDirectory));
        var hasServed = false;
        void Ready()
        {
            hasServed = true;
            ready();
        }

        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await RunSessionAsync(local, bricks, Ready, cancellation);
            }
            catch (NodeDetachedException e)
            {
                Log.Warning("daemon", "this node is alone now", ("reason", e.Message));
            }
            catch (StoreMovedException e)
            {
                Log.Information("daemon", "going on with another store", ("kind", e.Target.Kind));
            }
            catch (StateStoreException e)
            {
                if (!hasServed && !await IsBoundAsync(local, cancellation))
                {
                    throw;
                }

                // It has a place in a cluster: bricks go on, and so does the wait.
                Log.Error("daemon", "the store of the cluster cannot be used, trying again", ("reason", e.Message));
                await Pauses.WaitAsync(seams.Scheduler, Limits.StoreRetryMs, cancellation);
            }
        }

        File.Delete(options.PidFile);
    }

    /// <summary>Serves with one store, until the node has another one to use.</summary>
    private async Task RunSessionAsync(
        SqliteStore local, StoreService bricks, Action ready, CancellationToken cancellation)
    {
        await NodeIdentity.ApplyPendingAsync(local, cancellation);
        await NodeIdentity.LoadAsync(NodeOptions(), local, cancellation); // Writes the files that etcd is opened with.
        var id = await NodeIdentity.LoadIdAsync(local, seams, cancellation);
        await using var cluster = await ClusterStore.OpenAsync(
            local, EtcdOptionsOf(id), await GivenAsync(local, cancellation), seams, cancellation);
        var view = new ClusterView(cluster.Store, seams.Scheduler);
        var writer = new ClusterWriter(cluster.Store, view, seams);
        DaemonSession? session = null;
        await using var nodes = await NodeServices.OpenAsync(
            new NodeServicesParts
            {
                Options = NodeOptions(),
                Local = local,
                Store = cluster.Choice.Kind == StoreKind.Embedded ? local : cluster.Store,
                View = view.State,
                Seams = seams,
                Commit = writer.CommitMembersAsync,
                Guarded = cluster.Store,
                StoreOffer = (_, c) => cluster.OfferAsync(c),
                Map = services =>
                {
                    session = NewSession(local, cluster, view, writer, services);
                    return endpoints => session.Map(endpoints);
                },
            },
            cancellation);
        await using (session)
        {
            await ServeAsync(local, cluster, session!, nodes, bricks, ready, cancellation); // Made by Map.
        }
    }

    private EtcdNodeOptions EtcdOptionsOf(NodeId id)
    {
        var addresses = NodeFacts.Read(options.Bind, options.Port, options.NodePort).Addresses;
        return new EtcdNodeOptions
        {
            NodeId = id.ToString(),
            Address = NodeFacts.First(addresses) ?? "127.0.0.1",
            Addresses = addresses,
            Bind = options.Bind,
            WorkingDirectory = options.WorkingDirectory,
            Certificates = NodeCertificates.In(options.WorkingDirectory),
        };
    }

    /// <summary>
    /// The store that the daemon was told to use; not that of a cluster which the node was detached from.
    /// </summary>
    private async Task<StoreChoice?> GivenAsync(SqliteStore local, CancellationToken cancellation) =>
        options.Etcd is { } etcd && await local.GetAsync(NodeKeys.LocalDetached, cancellation) is null
            ? StoreChoice.External(etcd, options.EtcdPasswordFile) : null;

    /// <summary>The nodes as far as it concerns who runs etcd.</summary>
    private static IReadOnlyList<ClusterNode> NodesOf(DaemonSession session) =>
    [
        .. session.Directory.All.Select(n => new ClusterNode(
            n.Id.ToString(), AddressOf(n), n.Sequence, session.View.IsAlive(n.Id))),
    ];

    /// <summary>What others reached the node at when it joined, if that is an address.</summary>
    private static string AddressOf(NodeRecord node) =>
        node.Names.FirstOrDefault(n => IPAddress.TryParse(n, out _)) ?? NodeFacts.First(node.Addresses) ?? node.Name;

    /// <summary>
    /// A daemon that was told to run etcd itself moves there from its file, once. Not while it is being taken into a
    /// cluster: then that one's store is its own, or the move goes on when nothing has come of it.
    /// </summary>
    private async Task ManageEtcdAsync(SqliteStore local, ClusterStore cluster, CancellationToken cancellation)
    {
        while (options.ManagesEtcd && cluster.Choice.Kind == StoreKind.Embedded)
        {
            Log.Information("daemon", "the state of the cluster moves to an etcd of its own");
            try
            {
                await cluster.MoveAsync(StoreChoice.Managed(), cancellation);
                break;
            }
            catch (CommandException e)
            {
                if (await local.GetAsync(NodeKeys.LocalJoin, cancellation) is null)
                {
                    throw;
                }

                Log.Information("daemon", "the move waits", ("reason", e.Message));
                await Pauses.WaitAsync(seams.Scheduler, NodeLimits.ConfirmPeriodMs, cancellation);
            }
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
    }

    private DaemonSession NewSession(
        SqliteStore local, ClusterStore cluster, ClusterView view, ClusterWriter writer, NodeServices nodes)
    {
        var node = new LocalNode(nodes.Identity.Current.Id, seams.Clock);
        var session = new DaemonSession(
            options, cluster.Store, view, writer, nodes.Life, node, nodes.Life.Instance, new LinuxProcessControl(),
            new BrickProbe(seams), new BrickPort(local, StateKeys.BrickPort), new BrickPort(local, StateKeys.ProxyPort),
            seams);
        session.Serve(Describe(node, options.Port), nodes, cluster);
        return session;
    }

    private async Task ServeAsync(
        SqliteStore local, ClusterStore cluster, DaemonSession session, NodeServices nodes, StoreService bricks,
        Action ready, CancellationToken cancellation)
    {
        var node = session.Node;
        session.Supervisor.ProcessDied += bricks.EndLeasesOfTheDead;
        bricks.ClientLeft += session.Supervisor.Suspect;
        using var rpc = new ManagementRpc(
            seams, session.Catalog, session.Volfiles, session.Ports, session.Directory, node);
        var address = rpc.Listen(options.Bind, options.Port);
        session.ServeClients(rpc);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] loops =
        [
            .. session.Run(stop.Token), nodes.RunAsync(stop.Token), ExpireLeasesAsync(local, stop.Token), nodes.Changed,
            cluster.RunAsync(() => NodesOf(session), stop.Token), ManageEtcdAsync(local, cluster, stop.Token),
            bricks.ServeAsync(cluster.Store, stop.Token),
        ];
        try
        {
            await session.View.WaitAsync(
                () => session.View.IsAlive(node.Id), Limits.AppearMs, seams, cancellation);
            File.Delete(options.Socket); // Left by a daemon that was killed; the file says that none runs.
            await using var rest = new RestServer(options, session.Routes, new RestGuard(LoadToken()));
            await rest.StartAsync(cancellation);
            File.SetUnixFileMode(options.Socket, OwnedFile.OwnerOnly);
            await File.WriteAllTextAsync(options.PidFile, $"{Environment.ProcessId}\n", cancellation);
            Log.Information(
                "daemon", "serving", ("node", node.Id), ("address", address), ("http", options.HttpPort),
                ("node-port", nodes.NodePort));
            ready();

            // None of them ends by itself: the first end is the end of the session, with its reason.
            await Task.WhenAny(loops).WaitAsync(cancellation);
            if (cluster.IsMoving)
            {
                await rest.FinishAsync(Limits.LastAnswersMs); // Who asked for the move is told that it was made.
            }
        }
        finally
        {
            bricks.ClientLeft -= session.Supervisor.Suspect;
            await stop.CancelAsync();
            await Task.WhenAll(loops.Where(l => l != nodes.Changed)).ContinueWith(
                _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        var failed = loops.FirstOrDefault(l => l.IsFaulted);
        if (failed is not null)
        {
            await failed;
        }
    }

    private NodeOptions NodeOptions() => new()
    {
        WorkingDirectory = options.WorkingDirectory,
        Bind = options.Bind,
        ManagementPort = options.Port,
        NodePort = options.NodePort,
        JoinTokenFile = options.JoinTokenFile,
        AcceptAnyProbe = options.AcceptAnyProbe,
        Version = BuildVersion.Text,
    };

    /// <summary>The node has been told before which store is its cluster's.</summary>
    private static async Task<bool> IsBoundAsync(SqliteStore local, CancellationToken cancellation) =>
        await local.GetAsync(StoreChoice.Key, cancellation) is not null;

    private async Task ExpireLeasesAsync(SqliteStore store, CancellationToken cancellation)
    {
        const long PeriodMs = 1_000;
        while (true)
        {
            await Pauses.WaitAsync(seams.Scheduler, PeriodMs, cancellation);
            await store.ExpireLeasesAsync(cancellation);
        }
    }

    private DaemonMessage Describe(LocalNode node, int port) => new(
        BuildVersion.Text, node.Id.ToString(), Dns.GetHostName(), port, Environment.ProcessId)
    {
        WorkingDirectory = options.WorkingDirectory,
        HttpPort = options.HttpPort,
    };

    /// <summary>The token of the REST port, made when it is missing.</summary>
    private string LoadToken()
    {
        var known = File.Exists(options.TokenFile) ? File.ReadAllText(options.TokenFile).Trim() : string.Empty;
        if (known.Length == TokenBytes * 2)
        {
            return known;
        }

        Span<byte> bytes = stackalloc byte[TokenBytes];
        seams.Random.Fill(bytes);
        var token = Convert.ToHexStringLower(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        OwnedFile.Replace(options.TokenFile, token + "\n", OwnedFile.OwnerOnly);
        return token;
    }
}
