using System;
using System.IO;
using System.Text;

namespace Myrmex.Management.Bricks;

/// <summary>Looks for errors in the log of the brick process, to pass them on to whoever asked for the brick.</summary>
internal static class BrickLogReader
{
    /// <summary>Bytes at the end of the log that are looked at.</summary>
    private const int TailBytes = 64 << 10;

    private const string ReasonField = " reason=";

    /// <summary>The reason in the last error line about <paramref name="volfile"/>, or null.</summary>
    public static string? LastReason(string log, string volfile)
    {
        try
        {
            using var file = new FileStream(
                log, System.IO.FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            file.Seek(-Math.Min(file.Length, TailBytes), SeekOrigin.End);
            using var reader = new StreamReader(file, Encoding.UTF8);
            return Find(reader.ReadToEnd(), volfile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? Find(string text, string volfile)
    {
        var lines = text.Split('\n');
        for (var i = lines.Length - 1; i >= 0; i--)
        {
            var reason = lines[i].IndexOf(ReasonField, StringComparison.Ordinal);
            if (reason > 0 && lines[i].Contains(" E ", StringComparison.Ordinal)
                && lines[i].Contains($"volfile={volfile} ", StringComparison.Ordinal))
            {
                return lines[i][(reason + ReasonField.Length)..].Trim('"');
            }
        }

        return null;
    }
}
