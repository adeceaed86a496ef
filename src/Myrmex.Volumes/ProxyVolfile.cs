using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>
/// The graph of a proxy, bottom up: what clients of ours have up to cluster/distribute, features/utime when
/// features.ctime is on, performance/shared-cache, features/client-locks, features/upcall
/// when features.cache-invalidation is on, debug/io-stats with the name that thin clients attach to, and
/// protocol/server with who may. No other cache: what it kept could be out of date by what goes through another proxy.
/// Source: GlusterFS volume file VOL.gfproxyd.vol.
/// </summary>
public static class ProxyVolfile
{
    /// <summary>
    /// For how long replica sets keep the locks of clients that cannot come back through another proxy, when the
    /// connection of this one has gone.
    /// </summary>
    private const string LockGraceSeconds = "1";

    /// <summary>Answers looks of all clients from memory.</summary>
    internal const string SharedCacheType = "performance/shared-cache";

    /// <summary>What thin clients attach to.</summary>
    public static string ExportOf(string volume) => "gfproxyd-" + volume;

    /// <param name="managementPort">Where the daemons of the bricks' hosts serve the port map.</param>
    /// <param name="drains">Clients that can go elsewhere are asked to.</param>
    /// <param name="node">The node that runs it.</param>
    public static VolfileDocument Build(
        Volume volume, int managementPort = ClientVolfile.ManagementPortDefault, bool drains = false,
        NodeId? node = null)
    {
        var file = new VolfileDocument();
        var export = ExportOf(volume.Name);
        ClientVolfile.AddDistribute(
            file, volume, isOurs: true, isAlive: null,
            (name, brick, at) => ClientBlock.AddOfServer(file, volume, name, brick, at, managementPort),
            node);
        foreach (var set in file.Blocks)
        {
            if (set.Type == ClientVolfile.JournalClientType)
            {
                set.Options.RemoveAll(o => o.Key == VolumeOptions.LockGrace);
                set.With(VolumeOptions.LockGrace, LockGraceSeconds); // Those that can are kept in their own name.
            }
        }

        ClientVolfile.Layer(file, volume, VolumeOptions.Ctime, "utime", "features/utime");
        ClientVolfile.Add(file, volume, $"{volume.Name}-shared-cache", SharedCacheType, [], [file.Top.Name]);
        var locks = $"{volume.Name}-client-locks";
        var top = file.Top.Name;
        file.Add(locks, "features/client-locks").Over(top);
        if (VolumeOptions.IsOn(volume, VolumeOptions.CacheInvalidation))
        {
            // What bricks tell is for those clients alone that have looked, and they change things for each other.
            var upcall = file.Add($"{volume.Name}-upcall", BrickVolfile.UpcallType).Over(locks);
            upcall.Options.AddRange(VolumeOptions.For(volume, GraphSide.Brick, upcall.Type));
        }

        var below = file.Top.Name;
        var stats = file.Add(export, "debug/io-stats").Over(below);
        stats.With("unique-id", export).With("volume-id", volume.Id.ToString());
        stats.Options.AddRange(VolumeOptions.For(volume, GraphSide.Brick, stats.Type));
        BrickVolfile.AddServer(file, volume, $"{volume.Name}-gfproxyd-server", export, [export]);
        file.Top.With("client-changes", "on");
        if (drains)
        {
            file.Top.With("draining", "on");
        }

        return file;
    }
}
