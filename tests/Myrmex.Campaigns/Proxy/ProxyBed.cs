using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// A machine with all bricks, two machines with a proxy each, and a client machine; see <see cref="NodeBed"/>. What
/// happens to the proxies' machines happens to no brick.
/// </summary>
internal sealed class ProxyBed
{
    public const string Distributed = "dist";
    public const string Replicated = "repl";
    public const Need Needs = Need.Xfs | Need.Fuse | Need.Python | Need.Etcd | Need.Namespaces | Need.Toolchain;

    private const int BricksDistributed = 3;
    private const int BricksReplicated = 6;
    private const int Copies = 3;
    private const long DiskMiB = 6144;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Ask = TimeSpan.FromSeconds(5);

    private readonly NodeBed _bed;

    /// <param name="caches">Proxies keep what clients look at.</param>
    public ProxyBed(TestDirectory directory, bool caches, params string[] volumes)
    {
        _bed = directory.Own(new NodeBed(
            directory, 3, DiskMiB, managed: false, spare: false, etcdMembers: 1, isCalledByAddress: true));
        _bed.Start();
        foreach (var volume in volumes)
        {
            var copies = volume == Replicated ? Copies : 1;
            var bricks = Enumerable.Range(1, volume == Replicated ? BricksReplicated : BricksDistributed)
                .Select(i => $"{Store.Address}:{Store.Disk}/{volume}{i}");
            Command($"volume create {volume} {(copies > 1 ? $"replica {copies} " : "")}{string.Join(' ', bricks)} force");
            Command($"volume set {volume} config.gfproxyd-nodes {string.Join(',', Proxies.Select(p => p.Address))}");
            Command($"volume set {volume} config.gfproxyd enable");
            Command($"volume start {volume}");
            if (caches)
            {
                Command($"volume set {volume} proxy.cache on");
            }
        }

        Wait.Until("the proxies serve all volumes", Patience, () => Online() == Proxies.Count * volumes.Length, _bed.LogTails);
    }

    /// <summary>The machine with the bricks and the state of the cluster.</summary>
    public BedNode Store => _bed.Nodes[0];

    public IReadOnlyList<BedNode> Proxies => [.. _bed.Nodes.Skip(1)];

    public FuseMount Mount(string name, string volume) => _bed.MountThin(name, Store, volume);

    /// <summary>Lets it happen; what is needed to take it back is done by <see cref="TakeBack"/>.</summary>
    public static void Inject(BedNode node, ProxyKill kill)
    {
        switch (kill)
        {
            case ProxyKill.Kill:
                node.SignalProxy("KILL");
                break;
            case ProxyKill.Stop:
                node.SignalProxy("STOP");
                break;
            case ProxyKill.Cut:
                node.Cut();
                break;
            default:
                node.PowerOff();
                break;
        }
    }

    public static void TakeBack(BedNode node, ProxyKill kill)
    {
        switch (kill)
        {
            case ProxyKill.Stop:
                node.SignalProxy("CONT");
                break;
            case ProxyKill.Cut:
                node.Reconnect();
                break;
            case ProxyKill.Off:
                node.PowerOn();
                break;
        }
    }

    /// <summary>The bricks of a volume are whole in the end; nobody may be writing.</summary>
    public void Check(string volume)
    {
        if (volume == Replicated)
        {
            ReplicationView.AwaitWhole(Store.Rest, volume, Patience);
            for (var set = 0; set < BricksReplicated / Copies; set++)
            {
                Replicas.AwaitEqual([
                    .. Enumerable.Range(1, Copies).Select(i => $"{Store.Disk}/{volume}{Addresses.Text((set * Copies) + i)}")]);
            }
        }
    }

    private void Command(string text) => Shell.Succeed(Store.Gluster(text));

    private int Online() => Store.Rest.Get("proxies", Ask).Body?["proxies"]?.AsArray()
        .Count(p => p!["online"]?.GetValue<bool>() == true) ?? 0;
}
