using System.Collections.Generic;

namespace Myrmex.Volumes;

/// <summary>
/// The graph of a client, for our own and for GlusterFS clients, bottom up: a protocol/client a brick,
/// cluster/distribute (present even over one brick), features/utime when features.ctime is on, the performance
/// translators that are switched on, and debug/io-stats with the name of the volume.
/// </summary>
public static class ClientVolfile
{
    /// <param name="trusted">For a node of the pool: with the name and password that auth.allow does not limit.</param>
    public static string Build(Volume volume, bool trusted)
    {
        var text = new VolfileText();
        var bricks = new List<string>();
        foreach (var brick in volume.Bricks)
        {
            bricks.Add(brick.IdIn(volume.Name));
            Add(text, volume, brick.IdIn(volume.Name), "protocol/client", ClientOptions(volume, brick, trusted), []);
        }

        Add(text, volume, $"{volume.Name}-dht", "cluster/distribute", [], bricks);
        Layer(text, volume, VolumeOptions.Ctime, "utime", "features/utime");
        Layer(text, volume, VolumeOptions.WriteBehind, "write-behind", "performance/write-behind");
        Layer(text, volume, VolumeOptions.OpenBehind, "open-behind", "performance/open-behind");
        Layer(text, volume, VolumeOptions.QuickRead, "quick-read", "performance/quick-read");
        Layer(text, volume, VolumeOptions.MdCache, "md-cache", "performance/md-cache");
        Add(text, volume, volume.Name, "debug/io-stats", [], [text.Top]);
        return text.ToString();
    }

    private static List<KeyValuePair<string, string>> ClientOptions(Volume volume, Brick brick, bool trusted)
    {
        var options = new List<KeyValuePair<string, string>>
        {
            new("remote-host", brick.Host),
            new("remote-subvolume", brick.Path),
            new("transport-type", "tcp"),
            new("transport.address-family", VolumeOptions.Effective(volume, "transport.address-family")),
            new("send-gids", VolumeOptions.IsOn(volume, "server.manage-gids") ? "false" : "true"),
        };
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

    private static void Layer(VolfileText text, Volume volume, string option, string suffix, string type)
    {
        if (VolumeOptions.IsOn(volume, option))
        {
            Add(text, volume, $"{volume.Name}-{suffix}", type, [], [text.Top]);
        }
    }

    private static void Add(
        VolfileText text, Volume volume, string name, string type,
        List<KeyValuePair<string, string>> options, IReadOnlyList<string> subvolumes)
    {
        options.AddRange(VolumeOptions.For(volume, GraphSide.Client, type));
        text.Block(name, type, options, subvolumes);
    }
}
