using System.Collections.Generic;
using System.Globalization;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>
/// The graph of a client, for our own and for GlusterFS clients, bottom up: a protocol/client a brick,
/// cluster/distribute (present even over one brick), features/utime when features.ctime is on, the performance
/// translators that are switched on, and debug/io-stats with the name of the volume.
/// </summary>
public static class ClientVolfile
{
    /// <summary>The port where clients ask for a brick's port unless the file says otherwise.</summary>
    public const int ManagementPortDefault = 24007;

    /// <param name="trusted">For a node of the pool: with the name and password that auth.allow does not limit.</param>
    /// <param name="managementPort">Where the daemons of the bricks' hosts serve the port map.</param>
    public static VolfileDocument Build(Volume volume, bool trusted, int managementPort = ManagementPortDefault)
    {
        var file = new VolfileDocument();
        var bricks = new List<string>();
        foreach (var brick in volume.Bricks)
        {
            bricks.Add(brick.IdIn(volume.Name));
            var options = ClientOptions(volume, brick, trusted, managementPort);
            Add(file, volume, brick.IdIn(volume.Name), "protocol/client", options, []);
        }

        Add(file, volume, $"{volume.Name}-dht", "cluster/distribute", DistributeOptions(volume), bricks);
        Layer(file, volume, VolumeOptions.Ctime, "utime", "features/utime");
        Layer(file, volume, VolumeOptions.WriteBehind, "write-behind", "performance/write-behind");
        Layer(file, volume, VolumeOptions.OpenBehind, "open-behind", "performance/open-behind");
        Layer(file, volume, VolumeOptions.QuickRead, "quick-read", "performance/quick-read");
        Layer(file, volume, VolumeOptions.MdCache, "md-cache", "performance/md-cache");
        Add(file, volume, volume.Name, "debug/io-stats", [], [file.Top.Name]);
        return file;
    }

    private static List<KeyValuePair<string, string>> ClientOptions(
        Volume volume, Brick brick, bool trusted, int managementPort)
    {
        var options = new List<KeyValuePair<string, string>>
        {
            new("remote-host", brick.Host),
            new("remote-subvolume", brick.Path),
            new("transport-type", "tcp"),
            new("send-gids", "true"),
        };
        if (managementPort != ManagementPortDefault)
        {
            options.Add(new("remote-port", managementPort.ToString(CultureInfo.InvariantCulture)));
        }

        if (trusted)
        {
            options.Add(new("username", volume.Username));
            options.Add(new("password", volume.Password));
        }

        if (volume.Setting("network.ping-timeout") is null)
        {
            // Without the option a client does not ping at all.
            options.Add(new("ping-timeout", VolumeOptions.Effective(volume, "network.ping-timeout")));
        }

        return options;
    }

    private static List<KeyValuePair<string, string>> DistributeOptions(Volume volume) =>
        volume.DecommissionedSubvolumes is { Count: > 0 } leaving
            ? [new("decommissioned-bricks", string.Join(',', leaving))]
            : [];

    private static void Layer(VolfileDocument file, Volume volume, string option, string suffix, string type)
    {
        if (VolumeOptions.IsOn(volume, option))
        {
            Add(file, volume, $"{volume.Name}-{suffix}", type, [], [file.Top.Name]);
        }
    }

    private static void Add(
        VolfileDocument file, Volume volume, string name, string type,
        List<KeyValuePair<string, string>> options, IReadOnlyList<string> subvolumes)
    {
        options.AddRange(VolumeOptions.For(volume, GraphSide.Client, type));
        var block = file.Add(name, type).Over(subvolumes);
        block.Options.AddRange(options);
    }
}
