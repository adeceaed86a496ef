using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Volumes;

public static partial class VolumeOptions
{
    /// <summary>Nodes serve the volume to thin clients.</summary>
    public const string Proxy = "config.gfproxyd";

    /// <summary>Which nodes do.</summary>
    public const string ProxyNodes = "config.gfproxyd-nodes";

    /// <summary><see cref="ProxyNodes"/> as long as nothing is set: all.</summary>
    public const string AllNodes = "all";

    /// <summary>What a client gets that asks for the volume by its name alone.</summary>
    public const string ClientMode = "client.mode";

    /// <summary>Proxies keep what their clients look at.</summary>
    internal const string ProxyCache = "proxy.cache";

    public const string ThickMode = "thick";
    public const string ThinMode = "thin";
    public const string AutoMode = "auto";

    private static IEnumerable<VolumeOption> ProxyTable() =>
    [
        Switch(
            Proxy, "disable",
            "Serve the volume to thin clients: nodes run a proxy that does for them what clients do otherwise."),
        new VolumeOption(
            new OptionDeclaration(
                ProxyNodes, OptionKind.Text, AllNodes,
                "Nodes that run a proxy of the volume with config.gfproxyd: all, or a comma-separated list in the "
                + "order in which clients try them. They need no bricks."),
            []),
        Choice(
            new VolumeOption(
                new OptionDeclaration(
                    ClientMode, OptionKind.Choice, ThickMode,
                    "What clients get that ask for the volume by its name: thick to connect to all bricks, thin to "
                    + "connect to one proxy, auto for thin outside the nodes of the cluster. Thick while no proxy is "
                    + "enabled."),
                []),
            [ThickMode, ThinMode, AutoMode]),
        new VolumeOption(
            new OptionDeclaration(
                ProxyCache, OptionKind.Boolean, "off",
                "Proxies answer what their clients look at from memory, and bricks let a change wait until all proxies "
                + "have dropped what they keep of it.")
            { Live = true },
            [
                new OptionTarget(GraphSide.Client, ProxyVolfile.SharedCacheType, "cache"),
                new OptionTarget(GraphSide.Brick, BrickVolfile.CacheLeasesType, "cache-leases"),
            ]),
        new VolumeOption(
            new OptionDeclaration(
                "proxy.cache-size", OptionKind.Size, "256MB",
                "Memory of each proxy for what it keeps of the volume, with proxy.cache.")
            { Live = true, Minimum = 0, Maximum = 1L << 40 },
            [new OptionTarget(GraphSide.Client, ProxyVolfile.SharedCacheType, "cache-size")]),
    ];
}
