using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Myrmex.Management.Http;
using Myrmex.Volumes;

namespace Myrmex.Management.CommandLine;

/// <summary>The file of <c>get-state</c>: sections with a value a line. Source: GlusterFS 10.3.</summary>
internal sealed class CliState
{
    private readonly StringBuilder _text = new();
    private int _volumes;

    public CliState(
        DaemonMessage daemon, IReadOnlyList<PeerMessage> peers, IReadOnlyList<OptionMessage> clusterOptions)
    {
        Section("Global");
        Line("MYUUID", daemon.NodeId);
        Line("op-version", ClusterOptions.OpVersionValue);
        Section("Global options");
        foreach (var option in clusterOptions.Where(o => !o.IsDefault))
        {
            Line(option.Key, option.Value ?? string.Empty);
        }

        Section("Peers");
        var number = 0;
        foreach (var peer in peers.Where(p => !p.IsLocal))
        {
            var name = $"Peer{++number}";
            Line($"{name}.primary_hostname", peer.HostName);
            Line($"{name}.uuid", peer.Id);
            Line($"{name}.state", "Peer in Cluster");
            Line($"{name}.connected", peer.Connected ? "Connected" : "Disconnected");
            Line($"{name}.othernames", string.Join(' ', peer.OtherNames));
        }

        Section("Volumes");
    }

    /// <param name="status">Null for a volume that is not started.</param>
    public void Add(VolumeMessage volume, VolumeStatusMessage? status, IReadOnlyList<OptionMessage> options)
    {
        var name = $"Volume{++_volumes}";
        Line($"{name}.name", volume.Name);
        Line($"{name}.id", volume.Id);
        Line($"{name}.type", volume.Type);
        Line($"{name}.transport_type", "tcp");
        Line($"{name}.status", volume.Status);
        Line($"{name}.brickcount", volume.Bricks.Count);
        for (var i = 0; i < volume.Bricks.Count; i++)
        {
            AddBrick($"{name}.Brick{i + 1}", volume.Bricks[i], status?.Bricks[i]);
        }

        Line($"{name}.snap_count", 0);
        Line($"{name}.stripe_count", 1);
        Line($"{name}.replica_count", volume.ReplicaCount);
        Line($"{name}.subvol_count", volume.DistributeCount);
        Line($"{name}.arbiter_count", volume.ArbiterCount);
        Line($"{name}.disperse_count", 0);
        Line($"{name}.redundancy_count", 0);
        foreach (var option in options)
        {
            Line($"{name}.options.{option.Key}", option.Value ?? string.Empty);
        }

        _text.Append('\n');
    }

    public override string ToString() => _text.ToString();

    private void AddBrick(string name, BrickMessage brick, BrickStatusMessage? status)
    {
        Line($"{name}.path", $"{brick.Host}:{brick.Path}");
        Line($"{name}.hostname", brick.Host);
        Line($"{name}.port", status?.Port ?? 0);
        Line($"{name}.rdma_port", 0);
        Line($"{name}.status", status is { Online: true } ? "Started" : "Stopped");
        if (status?.Detail is { } detail)
        {
            Line($"{name}.spacefree", $"{detail.FreeBytes}Bytes");
            Line($"{name}.spacetotal", $"{detail.TotalBytes}Bytes");
        }
    }

    private void Section(string name) => _text.Append(_text.Length > 0 ? "\n" : string.Empty)
        .Append('[').Append(name).Append("]\n");

    private void Line(string key, string value) => _text.Append(key).Append(": ").Append(value).Append('\n');

    private void Line(string key, int value) => Line(key, value.ToString(CultureInfo.InvariantCulture));
}
