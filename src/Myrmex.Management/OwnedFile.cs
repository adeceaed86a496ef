using System.IO;

namespace Myrmex.Management;

/// <summary>Files that programs read while they are replaced, and that not everybody may read.</summary>
internal static class OwnedFile
{
    /// <summary>For the owner of the daemon alone.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Replaces a file by one with this text and mode. Readers see the old or the new one, and at no time may anybody
    /// read it whom the mode does not let.
    /// </summary>
    /// <param name="isDurable">The text is on the disk before the old one goes.</param>
    public static void Replace(string path, string text, UnixFileMode mode, bool isDurable = false)
    {
        var fresh = path + ".new";
        File.Delete(fresh); // It keeps the mode it was made with.
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = mode,
        };
        using (var stream = new FileStream(fresh, options))
        {
            using var writer = new StreamWriter(stream, leaveOpen: true);
            writer.Write(text);
            writer.Flush();
            stream.Flush(isDurable);
        }

        File.SetUnixFileMode(fresh, mode); // Whatever the mask of the process is.
        File.Move(fresh, path, overwrite: true);
    }
}
