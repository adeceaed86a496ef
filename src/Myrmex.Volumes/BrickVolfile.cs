using System.Collections.Generic;
using System.Globalization;

namespace Myrmex.Volumes;

/// <summary>
/// The graph of a brick, bottom up: storage/posix, features/locks, debug/io-stats with the brick's path as its name (the
/// name clients attach to), protocol/server with who may attach.
/// </summary>
public static class BrickVolfile
{
    public static string Build(Volume volume, Brick brick)
    {
        var text = new VolfileText();
        var sharing = volume.SharingFileSystem(brick).ToString(CultureInfo.InvariantCulture);
        Add(text, volume, brick, $"{volume.Name}-posix", "storage/posix",
            [
                new("shared-brick-count", sharing),
                new("volume-id", volume.Id.ToString()),
                new("directory", brick.Path),
            ]);
        Add(text, volume, brick, $"{volume.Name}-locks", "features/locks", []);
        Add(text, volume, brick, brick.Path, "debug/io-stats",
            [new("unique-id", brick.Path), new("volume-id", volume.Id.ToString())]);
        Add(text, volume, brick, $"{volume.Name}-server", "protocol/server", ServerOptions(volume, brick));
        return text.ToString();
    }

    private static List<KeyValuePair<string, string>> ServerOptions(Volume volume, Brick brick)
    {
        var options = new List<KeyValuePair<string, string>>
        {
            new("transport-type", "tcp"),
            new($"auth.login.{brick.Path}.allow", volume.Username),
            new($"auth.login.{volume.Username}.password", volume.Password),
            new("auth-path", brick.Path),
        };
        if (volume.Setting(VolumeOptions.AuthAllow) is null)
        {
            options.Add(new($"auth.addr.{brick.Path}.allow", VolumeOptions.Effective(volume, VolumeOptions.AuthAllow)));
        }

        return options;
    }

    private static void Add(
        VolfileText text, Volume volume, Brick brick, string name, string type,
        List<KeyValuePair<string, string>> options)
    {
        options.AddRange(VolumeOptions.For(volume, GraphSide.Brick, type, brick.Path));
        text.Block(name, type, options, text.Top.Length == 0 ? [] : [text.Top]);
    }
}
