using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Myrmex.Management;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// Why the last upgrade failed, in a file beside the one that names the worker: what became of the new process, and
/// the warnings and errors that the log got meanwhile. There is no file while an upgrade is under way or when the last
/// one succeeded. For the thread of a launcher.
/// </summary>
internal sealed class UpgradeReport(string? workerFile, string? logFile)
{
    /// <summary>Lines of the log that are told; the last ones.</summary>
    public const int LinesMax = 8;

    /// <summary>Characters of a line that are told.</summary>
    public const int LineLengthMax = 400;

    /// <summary>So much of the end of the log is looked at.</summary>
    private const int TailBytesMax = 64 << 10;

    private const int LevelAt = 28; // Behind the time of a line of ours and a space.

    private readonly string? _path = workerFile is null ? null : DaemonOptions.UpgradeFailureFileOf(workerFile);
    private long _logBegan;

    /// <summary>What is in the log by now is not of the upgrade that begins.</summary>
    public void Begin()
    {
        _logBegan = LogLength();
        try
        {
            if (_path is not null)
            {
                File.Delete(_path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Error("launcher", "what the last upgrade met cannot be removed", ("reason", e.Message));
        }
    }

    /// <summary>Readers see the whole report or no file.</summary>
    public void Fail(string why)
    {
        if (_path is null)
        {
            return;
        }

        try
        {
            File.WriteAllLines(_path + ".new", [why, .. Told(ReadTail())]);
            File.Move(_path + ".new", _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Error("launcher", "why the upgrade failed cannot be told", ("path", _path), ("reason", e.Message));
        }
    }

    /// <summary>
    /// Of the lines of a log those that may say why: warnings and errors of any process but the launcher, which tells
    /// the rest itself, and what is not of our log at all, as a crash.
    /// </summary>
    public static IReadOnlyList<string> Told(IEnumerable<string> lines) =>
    [
        .. lines.Where(MaySayWhy).TakeLast(LinesMax)
            .Select(l => l.Length > LineLengthMax ? l[..LineLengthMax] : l),
    ];

    private static bool MaySayWhy(string line) =>
        line.Trim().Length > 0 && !line.StartsWith("   at ", StringComparison.Ordinal)
        && (!IsOurs(line) || (line[LevelAt] is 'W' or 'E'
            && (!line.AsSpan(LevelAt + 2).StartsWith("launcher: ", StringComparison.Ordinal)
                || line.Contains("cannot be started", StringComparison.Ordinal))));

    private static bool IsOurs(string line) =>
        line.Length > LevelAt + 2 && char.IsAsciiDigit(line[0]) && line[LevelAt - 2] == 'Z' && line[LevelAt + 1] == ' ';

    private long LogLength() => logFile is not null && new FileInfo(logFile) is { Exists: true } file ? file.Length : 0;

    private string[] ReadTail()
    {
        if (logFile is null || !File.Exists(logFile))
        {
            return [];
        }

        using var log = new FileStream(logFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        log.Position = Math.Max(_logBegan <= log.Length ? _logBegan : 0, log.Length - TailBytesMax);
        return new StreamReader(log, Encoding.UTF8).ReadToEnd().Split('\n');
    }
}
