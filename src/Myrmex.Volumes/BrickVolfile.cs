using System.Collections.Generic;
using System.Globalization;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>
/// The graph of a brick, bottom up: storage/posix, features/locks, debug/io-stats with the brick's path as its name
/// (the name clients attach to), protocol/server with who may attach.
/// </summary>
public static class BrickVolfile
{
    public static VolfileDocument Build(Volume volume, Brick brick)
    {
        var file = new VolfileDocument();
        var sharing = volume.SharingFileSystem(brick).ToString(CultureInfo.InvariantCulture);
        Add(file, volume, brick, $"{volume.Name}-posix", "storage/posix",
            [
                new("shared-brick-count", sharing),
                new("volume-id", volume.Id.ToString()),
                new("directory", brick.Path),
            ]);
        Add(file, volume, brick, $"{volume.Name}-locks", "features/locks", []);
        Add(file, volume, brick, brick.Path, "debug/io-stats",
            [new("unique-id", brick.Path), new("volume-id", volume.Id.ToString())]);
        Add(file, volume, brick, $"{volume.Name}-server", "protocol/server", ServerOptions(volume, brick));
        return file;
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
        VolfileDocument file, Volume volume, Brick brick, string name, string type,
        List<KeyValuePair<string, string>> options)
    {
        options.AddRange(VolumeOptions.For(volume, GraphSide.Brick, type, brick.Path));
        var below = file.Blocks.Count == 0 ? [] : new[] { file.Top.Name };
        var block = file.Add(name, type).Over(below);
        block.Options.AddRange(options);
    }
}
