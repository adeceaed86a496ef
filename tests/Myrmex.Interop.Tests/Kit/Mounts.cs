using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>The mount table, read without touching a mount point: one that hangs would take the test with it.</summary>
internal static class Mounts
{
    private static readonly TimeSpan UnmountLimit = TimeSpan.FromSeconds(10);

    public static bool IsMounted(string path) => Table().Any(row => row.Path == path);

    /// <summary>Type of the file system mounted at the path, such as <c>fuse.glusterfs</c>; null when nothing is.</summary>
    public static string? TypeOf(string path) => Table().LastOrDefault(row => row.Path == path).Type;

    /// <summary>Mount points at or below the directory, in the order they were made.</summary>
    public static string[] Below(string directory) =>
        [.. Table().Select(row => row.Path).Where(p => p == directory || p.StartsWith(directory + "/", StringComparison.Ordinal))];

    /// <summary>Unmounts; when that fails, detaches the mount from the tree.</summary>
    /// <returns>False when it had to be detached.</returns>
    public static bool Unmount(string path)
    {
        if (!IsMounted(path))
        {
            return true;
        }

        for (var attempt = 0; attempt < 3; attempt++)
        {
            if (Shell.Run("/", UnmountLimit, "umount", path).ExitCode == 0)
            {
                return true;
            }
        }

        Shell.Run("/", UnmountLimit, "umount", "-l", path);
        return false;
    }

    private static IEnumerable<(string Path, string Type)> Table()
    {
        foreach (var line in File.ReadAllLines("/proc/self/mounts"))
        {
            var words = line.Split(' ');
            yield return (words[1].Replace("\\040", " ", StringComparison.Ordinal), words[2]);
        }
    }
}
