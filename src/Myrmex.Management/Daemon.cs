using System;
using System.IO;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Management.Bricks;
using Myrmex.Management.Http;
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
        await using var remote = options.Etcd is { } etcd ? EtcdStore.Open(etcd, seams) : null;
        IStateStore store = remote is null ? local : remote;
        await CheckStateAsync(local, store, cancellation);
        var node = new LocalNode(await LoadNodeIdAsync(local, cancellation), seams.Clock);
        var catalog = new VolumeCatalog(store, remote is null ? null : seams.Scheduler);
        await catalog.LoadAsync(cancellation);
        var probe = new BrickProbe(seams);
        var supervisor = new BrickSupervisor(
            options, catalog, node, new LinuxProcessControl(), probe, new BrickPort(local), seams);
        var registry = new PortRegistry();
        var volfiles = new VolfileService(catalog, supervisor, registry, options.Port);
        using var rpc = new ManagementRpc(seams, catalog, volfiles, registry, node);
        var address = rpc.Listen(options.Bind, options.Port);
        var commands = new VolumeCommands(store, catalog, node, supervisor, probe, seams);
        await commands.RecoverAsync(cancellation);

        File.Delete(options.Socket); // Left by a daemon that was killed; the store says that none runs.
        var daemon = Describe(node, address.Port);
        var services = new RestServices
        {
            Daemon = daemon,
            Volumes = commands,
            Scheduler = seams.Scheduler,
            Volfile = key => volfiles.Spec(key, trusted: true),
            GroupDirectory = options.GroupDirectory,
            AreMetricsOpen = options.AreMetricsOpen,
        };
        await using var rest = new RestServer(options, services.Routes(), new RestGuard(LoadToken()));
        await rest.StartAsync(cancellation);
        File.SetUnixFileMode(options.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllTextAsync(options.PidFile, $"{Environment.ProcessId}\n", cancellation);
        Log.Information("daemon", "serving", ("node", node.Id), ("address", address), ("http", options.HttpPort));
        ready();
        await RunLoopsAsync(local, catalog, supervisor, cancellation);
        File.Delete(options.PidFile);
    }

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

    private async Task RunLoopsAsync(
        SqliteStore local, VolumeCatalog catalog, BrickSupervisor supervisor, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] loops =
        [
            catalog.FollowAsync(stop.Token),
            supervisor.RunAsync(stop.Token),
            ExpireLeasesAsync(local, stop.Token),
        ];
        // None of them ends by itself: the first end is the end of the daemon, with its reason.
        var first = await Task.WhenAny(loops);
        await stop.CancelAsync();
        await Task.WhenAll(loops).ContinueWith(
            _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        if (!cancellation.IsCancellationRequested)
        {
            await first;
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

    private async Task<NodeId> LoadNodeIdAsync(SqliteStore store, CancellationToken cancellation)
    {
        var entry = await store.GetAsync(StateKeys.NodeId, cancellation);
        if (entry is not null)
        {
            return Gfid.TryParse(entry.Value.Span, out var known)
                ? new NodeId(known) : throw new StateStoreException("the node id in the state store is damaged");
        }

        var fresh = new NodeId(seams.NewGfid());
        await store.PutAsync(StateKeys.NodeId, Encoding.ASCII.GetBytes(fresh.ToString()), cancellation);
        return fresh;
    }

    private DaemonMessage Describe(LocalNode node, int port) => new(
        typeof(Daemon).Assembly.GetName().Version?.ToString(3) ?? "0", node.Id.ToString(), Dns.GetHostName(), port,
        Environment.ProcessId)
    {
        WorkingDirectory = options.WorkingDirectory,
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
