using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Management.Bricks;
using Myrmex.Management.Cluster;
using Myrmex.Management.Http;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Management.Volfiles;
using Myrmex.Runtime;

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

    private static string Version => typeof(Daemon).Assembly.GetName().Version?.ToString(3) ?? "0";

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
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await RunSessionAsync(local, ready, cancellation);
            }
            catch (NodeDetachedException e)
            {
                Log.Warning("daemon", "this node is alone now", ("reason", e.Message));
            }
        }

        File.Delete(options.PidFile);
    }

    /// <summary>Serves with one store, until the node has another one to use.</summary>
    private async Task RunSessionAsync(SqliteStore local, Action ready, CancellationToken cancellation)
    {
        await NodeIdentity.ApplyPendingAsync(local, cancellation);
        await using var remote = options.Etcd is { } etcd ? EtcdStore.Open(etcd, seams) : null;
        IStateStore store = remote is null ? local : remote;
        await CheckStateAsync(local, store, cancellation);
        var view = new ClusterView(store, seams.Scheduler);
        var writer = new ClusterWriter(store, view, seams.Clock);
        DaemonSession? session = null;
        await using var nodes = await NodeServices.OpenAsync(
            new NodeServicesParts
            {
                Options = NodeOptions(),
                Local = local,
                Store = store,
                View = view.State,
                Seams = seams,
                Commit = writer.CommitMembersAsync,
                Map = services =>
                {
                    session = NewSession(local, store, view, writer, services);
                    return endpoints => session.Map(endpoints);
                },
            },
            cancellation);
        await ServeAsync(local, session!, nodes, ready, cancellation); // Made by Map.
    }

    private DaemonSession NewSession(
        SqliteStore local, IStateStore store, ClusterView view, ClusterWriter writer, NodeServices nodes) => new(
            options, store, view, writer, nodes.Life, new LocalNode(nodes.Identity.Current.Id, seams.Clock),
            nodes.Life.Instance, new LinuxProcessControl(), new BrickProbe(seams), new BrickPort(local), seams)
        {
            Nodes = nodes,
        };

    private async Task ServeAsync(
        SqliteStore local, DaemonSession session, NodeServices nodes, Action ready, CancellationToken cancellation)
    {
        var node = session.Node;
        var registry = new PortRegistry();
        using var rpc = new ManagementRpc(
            seams, session.Catalog, new VolfileService(session.Catalog, session.Supervisor, registry, options.Port),
            registry, session.Directory, node);
        var address = rpc.Listen(options.Bind, options.Port);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] loops =
        [
            .. session.Run(stop.Token), nodes.RunAsync(stop.Token), ExpireLeasesAsync(local, stop.Token), nodes.Changed,
        ];
        try
        {
            await session.View.WaitAsync(
                () => session.View.IsAlive(node.Id), Limits.AppearMs, seams, cancellation);
            File.Delete(options.Socket); // Left by a daemon that was killed; the file says that none runs.
            session.Daemon = Describe(node, address.Port);
            await using var rest = new RestServer(options, session.Routes(), new RestGuard(LoadToken()));
            await rest.StartAsync(cancellation);
            File.SetUnixFileMode(options.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            await File.WriteAllTextAsync(options.PidFile, $"{Environment.ProcessId}\n", cancellation);
            Log.Information(
                "daemon", "serving", ("node", node.Id), ("address", address), ("http", options.HttpPort),
                ("node-port", nodes.NodePort));
            ready();

            // None of them ends by itself: the first end is the end of the session, with its reason.
            await Task.WhenAny(loops).WaitAsync(cancellation);
        }
        finally
        {
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
        Version = Version,
    };

    /// <summary>
    /// Refuses half a cluster, and to leave a cluster behind: a file that holds volumes is not passed over for etcd.
    /// </summary>
    private async Task CheckStateAsync(SqliteStore local, IStateStore store, CancellationToken cancellation)
    {
        await StateCopy.CheckUsableAsync(store, cancellation);
        if (ReferenceEquals(local, store))
        {
            return;
        }

        var passedOver = await local.RangeAsync(KeyRange.Prefix(StateKeys.Volumes), cancellation);
        if (passedOver.Count > 0)
        {
            throw new StateStoreException(
                $"{options.StateFile} holds {passedOver.Count} volumes that are not used with --etcd; start without "
                + "--etcd, or move the state to etcd first");
        }
    }

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
        Version, node.Id.ToString(), Dns.GetHostName(), port,
        Environment.ProcessId);

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
        var fresh = options.TokenFile + ".new";
        var mode = new FileStreamOptions
        {
            Mode = System.IO.FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var writer = new StreamWriter(fresh, mode))
        {
            writer.WriteLine(token);
        }

        File.Move(fresh, options.TokenFile, overwrite: true);
        return token;
    }
}
