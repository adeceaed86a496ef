using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Volumes;

namespace Myrmex.Management.Bricks;

/// <summary>A brick that this node should serve.</summary>
internal sealed record WantedBrick(Volume Volume, Brick Brick);

/// <summary>
/// The files that tell the brick process what to serve: a volume file a brick, and the list of their paths. They follow
/// from the volumes and are made again whenever they differ; losing them loses nothing.
/// </summary>
internal sealed class BrickFiles(DaemonOptions options)
{
    /// <summary>
    /// Writes what differs and removes what is not wanted any more; true when the process must look again.
    /// </summary>
    public bool Update(IReadOnlyList<WantedBrick> bricks)
    {
        Directory.CreateDirectory(
            options.VolfileDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var changed = false;
        var paths = new List<string>();
        foreach (var wanted in bricks)
        {
            var path = VolfileOf(wanted.Volume, wanted.Brick);
            paths.Add(path);
            changed |= WriteIfOther(path, BrickVolfile.Build(wanted.Volume, wanted.Brick, options.Port).ToString());
        }

        changed |= WriteIfOther(options.BrickList, string.Concat(paths.Select(p => p + "\n")));
        foreach (var path in Directory.EnumerateFiles(options.VolfileDirectory).Where(p => !paths.Contains(p)).ToList())
        {
            File.Delete(path);
        }

        return changed;
    }

    public string VolfileOf(Volume volume, Brick brick) =>
        Path.Combine(options.VolfileDirectory, brick.VolfileKey(volume.Name) + ".vol");

    private static bool WriteIfOther(string path, string text)
    {
        if (File.Exists(path) && File.ReadAllText(path) == text)
        {
            return false;
        }

        // Volume files hold passwords: nobody else may read them at any time.
        OwnedFile.Replace(path, text, OwnedFile.OwnerOnly);
        return true;
    }
}
