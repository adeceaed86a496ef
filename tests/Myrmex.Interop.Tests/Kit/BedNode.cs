using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// A machine of the <see cref="NodeBed"/>: an address and a host name of its own, a working directory, an XFS file system for bricks,
/// and the processes on it.
/// </summary>
internal sealed class BedNode : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly TestDirectory _directory;
    private readonly NodeNetwork _network;
    private readonly string _hostName;
    private readonly string[] _daemonWords;
    private Child? _daemon;
    private Child? _etcd;
    private string[] _etcdWords = [];

    /// <param name="daemonWords">What follows <c>myrmex daemon</c>.</param>
    public BedNode(
        TestDirectory directory, NodeNetwork network, string name, string address, string hostName, long diskMiB,
        string[] daemonWords)
    {
        _hostName = hostName;
        _directory = directory;
        _network = network;
        _daemonWords = daemonWords;
        Name = name;
        Address = address;
        Home = directory.Make(name);
        Disk = directory.Own(XfsImage.Mount(directory, name + "-disk", diskMiB)).Path;
        Rest = new NodeRest(Path.Combine(Home, "daemon.sock"));
    }

    public string Name { get; }

    public string Address { get; }

    /// <summary>Working directory of the daemon.</summary>
    public string Home { get; }

    /// <summary>Where bricks go.</summary>
    public string Disk { get; }

    public NodeRest Rest { get; }

    /// <summary>Living processes of etcd on this node, whoever started them.</summary>
    public IReadOnlyList<int> EtcdPids =>
        Find($"\0--data-dir\0{(IsManaged ? Home + "/" : Path.Combine(_directory.Path, $"{Name}-etcd"))}");

    /// <summary>The daemon runs etcd, if this node has a member at all.</summary>
    public bool IsManaged => _etcdWords.Length == 0;

    public bool DaemonRuns => _daemon is { Running: true };

    public int DaemonPid => _daemon?.Pid ?? 0;

    /// <summary>Of the cluster, as the daemon says.</summary>
    public string Id { get; private set; } = "";

    /// <summary>Every living brick process of this node; there should be one at most.</summary>
    public IReadOnlyList<int> BrickPids => Find($"\0--bricks\0{Home}/bricks.list\0");

    /// <summary>Every living launcher of a proxy of this node; there should be one at most.</summary>
    public IReadOnlyList<int> ProxyPids => Find($"\0--volumes\0{Home}/proxy.list\0");

    /// <summary>Every process that serves thin clients; there should be one at most, but in an upgrade.</summary>
    private List<int> ProxyWorkerPids => Find($"\0--volumes={Home}/proxy.list\0");

    /// <summary>The volume files that the brick process is to serve.</summary>
    public IReadOnlyList<string> BrickList =>
        File.Exists($"{Home}/bricks.list") ? [.. File.ReadAllLines($"{Home}/bricks.list").Where(l => l.Length > 0)] : [];

    public void StartEtcd(params string[] words)
    {
        _etcdWords = words.Length > 0 ? words : _etcdWords;
        _etcd = Child.Start(
            $"{Name}-etcd", _directory.Logs, "nsenter",
            _network.On(Name, [Machine.Find("etcd")!, "--data-dir", Path.Combine(_directory.Path, $"{Name}-etcd"), .. _etcdWords]));
    }

    public void KillEtcd()
    {
        SignalEtcd("KILL");
        _etcd?.WaitForExit(Soon);
    }

    /// <summary>Ends the service of this node's etcd until <see cref="ResumeEtcd"/>. A daemon starts one that has ended again.</summary>
    public void HaltEtcd() => SignalEtcd(IsManaged ? "STOP" : "KILL");

    public void ResumeEtcd()
    {
        if (IsManaged)
        {
            SignalEtcd("CONT");
        }
        else
        {
            StartEtcd();
        }
    }

    /// <summary>Starts the daemon and does not wait for it.</summary>
    public void LaunchDaemon() => _daemon = Child.Start(
        $"{Name}-daemon", _directory.Logs, "nsenter",
        _network.On(Name, [
            "unshare", "--uts", "/bin/sh", "-c", "hostname \"$0\" && exec \"$@\"", _hostName, Product.Executable,
            "daemon", "--foreground", "--working-directory", Home, .. _daemonWords,
        ]));

    /// <summary>Waits until the daemon serves commands.</summary>
    public void AwaitDaemon()
    {
        Wait.Until(
            $"the daemon of {Name} answers", Soon,
            () => !DaemonRuns || Rest.Get("daemon", TimeSpan.FromSeconds(2)).Succeeded, () => _daemon!.LogTail());
        if (!DaemonRuns)
        {
            throw new HarnessException($"the daemon of {Name} ended with {_daemon!.ExitCode}\n{_daemon.LogTail()}");
        }

        ReadId();
    }

    /// <summary>A node that joins or leaves a cluster gets another identity.</summary>
    public void ReadId() => Id = Rest.Get("daemon", TimeSpan.FromSeconds(2)).Body?["nodeId"]?.ToString() ?? Id;

    public void StartDaemon()
    {
        LaunchDaemon();
        AwaitDaemon();
    }

    /// <summary>kill -9, without the time it takes to start a <c>kill</c>.</summary>
    public void KillDaemon()
    {
        if (_daemon is { Running: true } daemon)
        {
            System.Diagnostics.Process.GetProcessById(daemon.Pid).Kill();
            daemon.WaitForExit(Soon);
        }
    }

    public void Signal(string signal) => _daemon?.Signal(signal);

    public void KillBricks() => SignalAll(BrickPids, "KILL");

    /// <summary>To the process that serves thin clients.</summary>
    public void SignalProxy(string signal) => SignalAll(ProxyWorkerPids, signal);

    /// <summary>The launcher, which takes the process that serves along.</summary>
    public void KillProxyLauncher() => SignalAll(ProxyPids, "KILL");

    /// <summary>Power off: every process dies and nothing answers any more.</summary>
    public void PowerOff()
    {
        _network.Cut(Name);
        KillDaemon();
        KillEtcd();
        KillBricks();
        KillProxyLauncher();
    }

    /// <summary>Power on: network, etcd when the machine has one, and the daemon.</summary>
    public void PowerOn()
    {
        _network.Reconnect(Name);
        if (!IsManaged)
        {
            StartEtcd();
        }

        LaunchDaemon();
    }

    /// <summary>Bytes that have come to the machine over its cable.</summary>
    public long ReceivedBytes => _network.ReceivedBytes(Name);

    public void Cut() => _network.Cut(Name);

    public void Reconnect() => _network.Reconnect(Name);

    /// <summary>A command line of gluster, as an administrator of this machine runs it.</summary>
    public CommandResult Gluster(string command, TimeSpan? limit = null) => Shell.Run(
        "/", limit ?? Shell.DefaultLimit, "env",
        [$"MYRMEX_WORKDIR={Home}", Product.Executable, "gluster", "--mode=script", .. command.Split(' ')]);

    /// <summary>A command of myrmex.</summary>
    public CommandResult Myrmex(params string[] words) => Shell.Run(
        "/", Shell.DefaultLimit, "env", [$"MYRMEX_WORKDIR={Home}", Product.Executable, .. words]);

    public string LogTail(int lines = 15) => _daemon?.LogTail(lines) ?? "";

    public void Dispose()
    {
        Rest.Dispose();
        if (DaemonRuns)
        {
            Signal("CONT");
            KillDaemon();
        }

        _daemon?.Dispose();
        KillBricks();
        KillProxyLauncher();
        KillEtcd();
        _etcd?.Dispose();
        CopyLogs();
    }

    /// <summary>To the logs that are kept after a failure.</summary>
    private void CopyLogs()
    {
        var logs = Path.Combine(Home, "log");
        foreach (var log in Directory.Exists(logs) ? Directory.GetFiles(logs, "*.log") : [])
        {
            File.Copy(log, Path.Combine(_directory.Logs, $"{Name}-{Path.GetFileName(log)}"), overwrite: true);
        }
    }

    private void SignalEtcd(string signal) => SignalAll(EtcdPids, signal);

    private static void SignalAll(IEnumerable<int> pids, string signal)
    {
        foreach (var pid in pids)
        {
            Child.Signal(pid, signal);
        }
    }

    private static List<int> Find(string wanted) =>
    [
        .. Directory.GetDirectories("/proc").Select(Path.GetFileName)
            .Where(p => char.IsAsciiDigit(p![0]) && CommandOf(p).Contains(wanted, StringComparison.Ordinal))
            .Select(p => int.Parse(p!, CultureInfo.InvariantCulture)),
    ];

    private static string CommandOf(string pid)
    {
        try
        {
            // Empty for a zombie.
            return File.ReadAllText($"/proc/{pid}/cmdline", Encoding.UTF8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
