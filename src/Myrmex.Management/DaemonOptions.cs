using System.IO;
using Myrmex.Coordination.Etcd;

namespace Myrmex.Management;

/// <summary>How a daemon was started.</summary>
public sealed record DaemonOptions
{
    public const string DefaultWorkingDirectory = "/var/lib/myrmex";

    /// <summary>Absolute path of the directory that holds everything the daemon keeps.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Address of the volume file and port map service.</summary>
    public string Bind { get; init; } = "0.0.0.0";

    public int Port { get; init; } = 24007;

    /// <summary>Port of the REST service on the loopback address; 0 for none.</summary>
    public int HttpPort { get; init; } = 24080;

    /// <summary>Port on which the other daemons are served.</summary>
    public int NodePort { get; init; } = 24008;

    /// <summary>File with the join token of the cluster that may take this node in; null for the usual one.</summary>
    public string? JoinTokenFile { get; init; }

    /// <summary>A cluster may take this node in without a token when its nodes have the same.</summary>
    public bool AcceptAnyProbe { get; init; }

    public int BrickPortBase { get; init; } = Limits.BrickPortBase;

    /// <summary>Command and leading arguments that start this executable again, e.g. for the brick process.</summary>
    public required string[] Executable { get; init; }

    /// <summary>
    /// Where the state of the cluster is when it is not in <see cref="StateFile"/>; what concerns this node alone
    /// always is there.
    /// </summary>
    public EtcdOptions? Etcd { get; init; }

    /// <summary>File with the password of <see cref="Etcd"/>'s user, to be read again when etcd is opened.</summary>
    public string? EtcdPasswordFile { get; init; }

    /// <summary>The daemons of the cluster run etcd themselves.</summary>
    public bool ManagesEtcd { get; init; }

    /// <summary><c>/metrics</c> is for everyone who reaches the REST port, without the token.</summary>
    public bool AreMetricsOpen { get; init; }

    /// <summary>The administrator's own option groups, one file each.</summary>
    public string GroupDirectory => Path.Combine(WorkingDirectory, "groups");

    /// <summary>Programs that run before and after commands: <c>hooks/1/OP/pre|post/S*</c>.</summary>
    public string HookDirectory => Path.Combine(WorkingDirectory, "hooks", "1");

    public string StateFile => Path.Combine(WorkingDirectory, "state.db");

    /// <summary>What opens the loopback port, in the working directory.</summary>
    public const string TokenFileName = "token";

    public string TokenFile => Path.Combine(WorkingDirectory, TokenFileName);

    public string PidFile => Path.Combine(WorkingDirectory, "daemon.pid");

    public string VolfileDirectory => Path.Combine(WorkingDirectory, "volfiles");

    public string BrickList => Path.Combine(WorkingDirectory, "bricks.list");

    public string BrickPidFile => Path.Combine(WorkingDirectory, "brick.pid");

    public string ProxyVolfileDirectory => Path.Combine(WorkingDirectory, "proxy-volfiles");

    public string ProxyList => Path.Combine(WorkingDirectory, "proxy.list");

    /// <summary>Of the launcher, which runs as long as there is to be a proxy.</summary>
    public string ProxyPidFile => Path.Combine(WorkingDirectory, "proxy.pid");

    /// <summary>Of the process that serves, written by the launcher.</summary>
    public string ProxyWorkerFile => Path.Combine(WorkingDirectory, "proxy-worker.pid");

    /// <summary>Where a launcher tells why its last upgrade failed; there is no such file when it did not.</summary>
    public static string UpgradeFailureFileOf(string workerFile) => workerFile + ".failed";

    public string LogDirectory => Path.Combine(WorkingDirectory, "log");

    public string Socket => SocketOf(WorkingDirectory);

    /// <summary>
    /// The unix socket of the daemon with this working directory: inside it, or under /run when that would be too long
    /// for a socket.
    /// </summary>
    public static string SocketOf(string workingDirectory) => SocketPath.Of(workingDirectory, "daemon", "myrmex");

    /// <summary>
    /// The unix socket at which the daemon with this working directory lets its brick process use the state store.
    /// </summary>
    public static string StateSocketOf(string workingDirectory) =>
        SocketPath.Of(workingDirectory, "state", "myrmex-state");
}
