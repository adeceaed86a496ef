using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Myrmex.Management.Bricks;

/// <summary>A volume file and where it is to be.</summary>
internal readonly record struct ServedFile(string Path, string Text);

/// <summary>
/// The files that tell a process what to serve: volume files in a directory of their own, and the list of their paths.
/// They follow from the volumes and are made again whenever they differ; losing them loses nothing.
/// </summary>
internal sealed class ServedFiles(string directory, string list)
{
    /// <summary>
    /// Writes what differs and removes what is not wanted any more; true when the process must look again.
    /// </summary>
    public bool Update(IReadOnlyList<ServedFile> files)
    {
        Directory.CreateDirectory(
            directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var changed = false;
        foreach (var file in files)
        {
            changed |= WriteIfOther(file.Path, file.Text);
        }

        var paths = files.Select(f => f.Path).ToList();
        changed |= WriteIfOther(list, string.Concat(paths.Select(p => p + "\n")));
        foreach (var path in Directory.EnumerateFiles(directory).Where(p => !paths.Contains(p)).ToList())
        {
            File.Delete(path);
        }

        return changed;
    }

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
