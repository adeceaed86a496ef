using System.Collections.Generic;
using Myrmex.Management.Cluster;
using Myrmex.Management.Nodes;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>What a brick's file system says; for <c>volume status VOL detail</c>.</summary>
internal sealed record BrickDetail(string Device, string FileSystem, string MountOptions, FileSystemSpace Space);

/// <param name="Port">0 when the brick is not online.</param>
/// <param name="Pid">0 when its process is not running.</param>
internal sealed record BrickReport(Brick Brick, bool Online, int Port, int Pid, BrickDetail? Detail);

/// <summary>The proxy of a volume on a node that should run one.</summary>
/// <param name="Port">0 when clients cannot use it.</param>
/// <param name="Pid">0 when clients cannot use it.</param>
internal sealed record ProxyReport(string Volume, NodeRecord Node, bool Online, int Port, int Pid)
{
    /// <summary>Who is left there; null unless it drains.</summary>
    public ProxyDrainState? Drain { get; init; }

    /// <summary>The last upgrade of the proxy has failed; null when it has not.</summary>
    public FailedUpgrade? FailedUpgrade { get; init; }
}

internal sealed record VolumeReport(Volume Volume, IReadOnlyList<BrickReport> Bricks)
{
    public IReadOnlyList<ProxyReport> Proxies { get; init; } = [];
}
