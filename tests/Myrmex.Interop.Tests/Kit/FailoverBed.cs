using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>What happens to the node whose brick leads.</summary>
public enum FailoverFault
{
    /// <summary>kill -9 of the brick process; the daemon starts another one.</summary>
    KillBricks,

    /// <summary>kill -9 of daemon and brick process.</summary>
    KillNode,

    /// <summary>SIGSTOP of the brick process: its connections stay.</summary>
    FreezeBricks,

    /// <summary>The cable is pulled: both ways, nothing is told.</summary>
    CutLink,

    /// <summary>The node's member of etcd is gone; nothing else.</summary>
    StopEtcd,

    /// <summary>xfs_freeze of the file system that has brick and journal.</summary>
    FreezeDisk,

    /// <summary>No block is left in the file system that has brick and journal.</summary>
    FillDisk,
}

/// <summary>
/// Three machines with a brick each of one replicated volume, a member of etcd each, and a client machine; see <see
/// cref="NodeBed"/>.
/// </summary>
internal sealed class FailoverBed : IDisposable
{
    public const string Volume = "vol";
    public const Need Needs = Need.Xfs | Need.Fuse | Need.Python | Need.Etcd | Need.Namespaces;

    private const int Count = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(5);

    private readonly TestDirectory _directory;
    private readonly NodeBed _bed;
    private readonly bool _hasArbiter;
    private readonly HashSet<string> _frozen = []; // Mount points.

    /// <param name="hasArbiter">The brick of the last node is one.</param>
    public FailoverBed(TestDirectory directory, long diskMiB = 4096, bool hasArbiter = false)
    {
        _directory = directory;
        _hasArbiter = hasArbiter;
        _bed = directory.Own(new NodeBed(directory, Count, diskMiB, managed: false, spare: false));
        _bed.Start();
        var bricks = string.Join(' ', Nodes.Select(n => $"{n.Address}:{BrickOf(n)}"));
        Shell.Succeed(Nodes[0].Gluster($"volume create {Volume} replica {Count} {(hasArbiter ? "arbiter 1 " : "")}{bricks}"));
        Shell.Succeed(Nodes[0].Gluster($"volume start {Volume}"));
        AwaitWhole();
    }

    public IReadOnlyList<BedNode> Nodes => _bed.Nodes;

    public void Set(string option, string value) =>
        Shell.Succeed(Nodes[0].Gluster($"volume set {Volume} {option} {value}"));

    /// <summary>Those with files.</summary>
    public IReadOnlyCollection<string> Bricks => [.. Nodes.Take(_hasArbiter ? Count - 1 : Count).Select(BrickOf)];

    /// <summary>A daemon that can be asked.</summary>
    private NodeRest Asked => Nodes.First(n => n.DaemonRuns).Rest;

    /// <summary>A mount on the client machine, with the volume file of the node.</summary>
    public FuseMount Mount(string name, int node, bool stock = false) => _bed.Mount(name, Nodes[node], Volume, stock);

    /// <summary>A mount by the proxies of the volume, which all nodes have from then on.</summary>
    public FuseMount MountThin(string name, int node)
    {
        Shell.Succeed(Nodes[node].Gluster($"volume set {Volume} config.gfproxyd enable"));
        AwaitProxies();
        return _bed.MountThin(name, Nodes[node], Volume);
    }

    /// <summary>A program on the client machine with the stock gfapi library that takes leases, by way of a node.</summary>
    public Helper StartLeaseProgram(BedNode node) => LeaseProgram.Ready(
        _bed.Help("leases.py", "server", node.Address, Volume), Patience);

    public void AwaitProxies() => Wait.Until(
        "all proxies serve the volume", Patience,
        () => Nodes.All(n => n.ProxyPids.Count == 1)
            && Nodes[0].Myrmex("proxy", "status", "--json").ExitCode == 0,
        _bed.LogTails);

    /// <summary>Waits until a member leads and nobody lacks anything.</summary>
    /// <returns>The node that leads.</returns>
    public BedNode AwaitWhole(TimeSpan? limit = null) =>
        Nodes[ReplicationView.AwaitWhole(Asked, Volume, limit ?? Patience).Leader];

    /// <summary>What a member says of itself; null when it says nothing.</summary>
    public JsonNode? ReportOf(BedNode node)
    {
        var answer = Asked.Get($"volumes/{Volume}/replication", Brief);
        return answer.Succeeded
            ? answer.Body!["sets"]![0]!["members"]!.AsArray().Select(m => m!["report"])
                .FirstOrDefault(r => r?["member"]?.GetValue<int>() == IndexOf(node))
            : null;
    }

    /// <summary>
    /// Lets it happen to the node that leads while the load works, takes it back after the time, and waits until all
    /// is well again.
    /// </summary>
    public void Fail(FailoverFault fault, TimeSpan away, JournalLoad load)
    {
        load.AwaitProgress($"before {fault}");
        var leader = AwaitInStep();
        var over = DateTime.UtcNow + away;
        Inject(leader, fault);
        try
        {
            load.AwaitProgress($"with {fault} of {leader.Name}");
            while (DateTime.UtcNow < over)
            {
                load.AwaitProgress($"with {fault} of {leader.Name}");
            }
        }
        finally
        {
            TakeBack(leader, fault);
        }

        AwaitInStep();
        load.AwaitProgress($"after {fault} of {leader.Name}");
    }

    /// <summary>Waits until all members are in step, and fails when their bricks differ. Nobody may be
    /// writing.</summary>
    public void CheckCopies(TimeSpan? limit = null)
    {
        AwaitWhole(limit);
        Replicas.AwaitEqual(Bricks, limit);
    }

    public void Inject(BedNode node, FailoverFault fault)
    {
        switch (fault)
        {
            case FailoverFault.KillBricks:
                node.KillBricks();
                break;
            case FailoverFault.KillNode:
                node.KillDaemon();
                node.KillBricks();
                break;
            case FailoverFault.FreezeBricks:
                SignalBricks(node, "STOP");
                break;
            case FailoverFault.CutLink:
                node.Cut();
                break;
            case FailoverFault.StopEtcd:
                node.KillEtcd();
                break;
            case FailoverFault.FreezeDisk:
                _frozen.Add(node.Disk);
                Shell.Check("/", "xfs_freeze", "-f", node.Disk);
                break;
            default:
                // Large pieces first: what is left in the end is less than a block.
                Shell.CheckBash(
                    node.Disk,
                    "for s in 64M 4M 64K 4K; do while fallocate -l $s fill.$s.$RANDOM 2>/dev/null; do :; done; done");
                break;
        }
    }

    public void TakeBack(BedNode node, FailoverFault fault)
    {
        switch (fault)
        {
            case FailoverFault.KillNode:
                node.StartDaemon();
                break;
            case FailoverFault.FreezeBricks:
                SignalBricks(node, "CONT");
                break;
            case FailoverFault.CutLink:
                node.Reconnect();
                break;
            case FailoverFault.StopEtcd:
                node.StartEtcd();
                break;
            case FailoverFault.FreezeDisk:
                Thaw(node.Disk);
                break;
            case FailoverFault.FillDisk:
                Shell.CheckBash(node.Disk, "rm -f fill.*");
                break;
        }
    }

    /// <summary>A process that waits for a frozen disk cannot be killed: thaw first.</summary>
    public void Dispose()
    {
        foreach (var disk in _frozen.ToList())
        {
            Thaw(disk);
        }

        foreach (var node in Nodes)
        {
            SignalBricks(node, "CONT");
        }
    }

    /// <summary>The same while others write.</summary>
    /// <returns>The node that leads.</returns>
    public BedNode AwaitInStep(TimeSpan? limit = null) =>
        Nodes[ReplicationView.AwaitInStep(Asked, Volume, limit ?? Patience).Leader];

    private int IndexOf(BedNode node) => Nodes.ToList().IndexOf(node);

    public static string BrickOf(BedNode node) => $"{node.Disk}/brick";

    private static void SignalBricks(BedNode node, string signal)
    {
        foreach (var pid in node.BrickPids)
        {
            Child.Signal(pid, signal);
        }
    }

    private void Thaw(string disk)
    {
        Shell.Run("/", Shell.DefaultLimit, "xfs_freeze", "-u", disk);
        _frozen.Remove(disk);
    }
}
