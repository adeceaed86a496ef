using System;
using System.IO;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>Where a process of ours writes its log and its state dumps.</summary>
internal static class HostLog
{
    private static string _dumpDirectory = Path.GetTempPath();

    /// <summary>Starts logging to a file (appending) or to standard error; dispose it last.</summary>
    public static IDisposable Open(string? path, LogLevel level)
    {
        Log.Level = level;
        if (path is null)
        {
            Log.WriteTo(Console.Error);
            return new Closer(null);
        }

        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(directory);
        _dumpDirectory = directory;
        var writer = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete));
        Log.WriteTo(writer);
        return new Closer(writer);
    }

    /// <summary>Writes a state dump beside the log and says where.</summary>
    public static void WriteDump(string process, string text)
    {
        var stamp = DateTime.UtcNow.ToString("yyyyMMddTHHmmssfff", System.Globalization.CultureInfo.InvariantCulture);
        var path = Path.Combine(_dumpDirectory, $"{process}.{Environment.ProcessId}.{stamp}.dump");
        File.WriteAllText(path, text);
        Log.Information("host", "state dump written", ("path", path));
    }

    private sealed class Closer(StreamWriter? writer) : IDisposable
    {
        public void Dispose()
        {
            Log.WriteTo(null);
            writer?.Dispose();
        }
    }
}
