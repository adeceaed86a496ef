using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>Where a process of ours writes its log and its state dumps.</summary>
internal static class HostLog
{
    /// <summary>Rotations within one second that get a name.</summary>
    private const int RotationsPerSecondMax = 100;

    // Guards _file; held while files are renamed, and taken on behalf of administrators only.
    private static readonly Lock Gate = new();
    private static string _dumpDirectory = Path.GetTempPath();
    private static (string Path, StreamWriter Writer)? _file;

    /// <summary>Starts logging to a file (appending) or to standard error; dispose it last.</summary>
    public static IDisposable Open(string? path, LogLevel level)
    {
        Log.Level = level;
        if (path is null)
        {
            Log.WriteTo(Console.Error);
            return new Closer();
        }

        path = Path.GetFullPath(path);
        var directory = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(directory);
        _dumpDirectory = directory;
        lock (Gate)
        {
            var writer = Append(path);
            _file = (path, writer);
            Log.WriteTo(writer);
        }

        return new Closer();
    }

    /// <summary>
    /// Renames the log to PATH.SECONDS and goes on in a new file. Every line is in one of the two. Throws
    /// <see cref="IOException"/>, after which the log is what it was.
    /// </summary>
    /// <param name="unixSeconds">The time, which becomes part of the name.</param>
    /// <returns>The new name of the former log.</returns>
    public static string Rotate(long unixSeconds)
    {
        lock (Gate)
        {
            if (_file is not var (path, writer))
            {
                throw new IOException("the process writes no log file");
            }

            var former = NameFor(path, unixSeconds);
            File.Move(path, former, overwrite: false);
            StreamWriter next;
            try
            {
                next = Append(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                File.Move(former, path, overwrite: false);
                throw;
            }

            _file = (path, next);
            Log.WriteTo(next);
            writer.Dispose();
            return former;
        }
    }

    /// <summary>Writes a state dump beside the log and says where, or why not.</summary>
    public static void WriteDump(string process, string text)
    {
        var stamp = DateTime.UtcNow.ToString("yyyyMMddTHHmmssfff", CultureInfo.InvariantCulture);
        var path = Path.Combine(_dumpDirectory, $"{process}.{Environment.ProcessId}.{stamp}.dump");
        try
        {
            File.WriteAllText(path, text);
            Log.Information("host", "state dump written", ("path", path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Error("host", "the state dump cannot be written", ("path", path), ("reason", e.Message));
        }
    }

    /// <summary>
    /// O_APPEND, which .NET does not know: several processes write to one log. The mode is said here: a brick process
    /// has no umask.
    /// </summary>
    private static StreamWriter Append(string path)
    {
        const uint readableByAll = 0x1A4; // 0644
        var fd = Sys.OpenAt(
            Sys.AtWorkingDirectory, Encoding.UTF8.GetBytes(path), Sys.OWriteOnly | Sys.OCreate | Sys.OAppend,
            readableByAll);
        return fd < 0 ? throw new IOException($"{path}: {Sys.ErrorOf(fd)}")
            : new StreamWriter(new FileStream(new SafeFileHandle(fd, ownsHandle: true), FileAccess.Write));
    }

    private static string NameFor(string path, long unixSeconds)
    {
        for (var i = 0; i < RotationsPerSecondMax; i++)
        {
            var more = i == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"-{i}");
            var name = string.Create(CultureInfo.InvariantCulture, $"{path}.{unixSeconds}{more}");
            if (!File.Exists(name))
            {
                return name;
            }
        }

        throw new IOException($"{path} is rotated too often");
    }

    private sealed class Closer : IDisposable
    {
        public void Dispose()
        {
            lock (Gate)
            {
                Log.WriteTo(null);
                _file?.Writer.Dispose();
                _file = null;
            }
        }
    }
}
