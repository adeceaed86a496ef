using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>
/// The graph of a client that goes through proxies, bottom up. Ours: a protocol/client a node that runs a proxy, in the
/// order in which they are to be tried, cluster/aha over them, performance/write-behind, open-behind and quick-read as
/// far as they are on, and debug/io-stats. GlusterFS': one protocol/client, features/quiesce, which holds what cannot
/// be sent for a while, performance/write-behind, debug/io-stats.
/// Source: GlusterFS volume file VOL.tcp-gfproxy-fuse.vol.
/// </summary>
public static class ThinVolfile
{
    /// <summary>Goes on at another proxy when one is lost.</summary>
    internal const string AhaType = "cluster/aha";

    /// <summary>
    /// Seconds after which a proxy that owes answers and sends nothing is left. Nothing is lost with it, and no
    /// application shall wait longer than three seconds for a host that has vanished.
    /// </summary>
    private const string PingTimeout = "2";

    /// <summary>For our own clients.</summary>
    /// <param name="hosts">The hosts that run a proxy, at least one.</param>
    /// <param name="trusted">For a node of the pool: with the name and password that auth.allow does not limit.</param>
    /// <param name="managementPort">Where the daemons of these hosts serve the port map.</param>
    /// <param name="local">The place among them of the client's own machine; -1 when it is none of them.</param>
    /// <param name="near">The place of the one that all changes go to in any case; -1 when there is none.</param>
    /// <param name="readers">
    /// The places of those on nodes that have all data of the volume; they are asked for large reads.
    /// </param>
    public static VolfileDocument Build(
        Volume volume, IReadOnlyList<string> hosts, bool trusted,
        int managementPort = ClientVolfile.ManagementPortDefault, int local = -1, int near = -1,
        IReadOnlyList<int>? readers = null)
    {
        var file = new VolfileDocument();
        var names = new List<string>();
        for (var i = 0; i < hosts.Count; i++)
        {
            names.Add(string.Create(CultureInfo.InvariantCulture, $"{volume.Name}-gfproxy-client-{i}"));
            AddClient(file, volume, names[i], hosts[i], trusted, managementPort, PingTimeout);
            file.Top.With("follows-drain", "on");
        }

        ClientVolfile.Add(file, volume, $"{volume.Name}-aha", AhaType, [], names);
        if (local >= 0)
        {
            file.Top.With("local", names[local]);
        }

        if (near >= 0)
        {
            file.Top.With("near", names[near]);
        }

        if (readers is { Count: > 1 })
        {
            file.Top.With("readers", string.Join(',', readers.Select(r => names[r])));
        }

        ClientVolfile.LayerWriteBehind(file, volume, isFar: true);
        ClientVolfile.Layer(file, volume, VolumeOptions.OpenBehind, "open-behind", "performance/open-behind");
        ClientVolfile.Layer(file, volume, VolumeOptions.QuickRead, "quick-read", "performance/quick-read");
        ClientVolfile.Add(file, volume, volume.Name, "debug/io-stats", [], [file.Top.Name]);
        return file;
    }

    /// <summary>For clients of GlusterFS, which know of one proxy.</summary>
    /// <param name="host">Its host; null for the one that the volume file comes from.</param>
    /// <param name="trusted">For a node of the pool: with the name and password that auth.allow does not limit.</param>
    /// <param name="managementPort">Where the daemon of the host serves the port map.</param>
    public static VolfileDocument BuildForGluster(
        Volume volume, string? host, bool trusted, int managementPort = ClientVolfile.ManagementPortDefault)
    {
        var file = new VolfileDocument();
        AddClient(file, volume, $"{volume.Name}-gfproxy-client", host, trusted, managementPort, pingTimeout: null);
        ClientVolfile.Add(file, volume, $"{volume.Name}-quiesce", "features/quiesce", [], [file.Top.Name]);
        ClientVolfile.Layer(file, volume, VolumeOptions.WriteBehind, "write-behind", "performance/write-behind");
        ClientVolfile.Add(file, volume, volume.Name, "debug/io-stats", [], [file.Top.Name]);
        return file;
    }

    private static void AddClient(
        VolfileDocument file, Volume volume, string name, string? host, bool trusted, int managementPort,
        string? pingTimeout) => ClientVolfile.Add(
        file, volume, name, ClientBlock.Type,
        ClientBlock.Options(
            volume, host, ProxyVolfile.ExportOf(volume.Name), trusted, managementPort, pingTimeout),
        []);
}
