using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;

namespace Myrmex.Runtime;

public enum LogLevel
{
    Trace,
    Debug,
    Information,
    Warning,
    Error,
    None,
}

/// <summary>
/// The log of this process: one line an event, a fixed message and key=value fields. Error: someone must act. Warning:
/// degraded. Information: a state changed. Debug: per connection. File names and user data only at Debug or below.
/// </summary>
public static class Log
{
    private static readonly Lock WriteLock = new(); // Guards _writer and the order of lines; a leaf lock.
    private static TextWriter? _writer;

    public static LogLevel Level { get; set; } = LogLevel.Information;

    /// <summary>Sends lines to <paramref name="writer"/> from now on; null drops them. The caller keeps ownership.</summary>
    public static void WriteTo(TextWriter? writer)
    {
        lock (WriteLock)
        {
            _writer = writer;
        }
    }

    /// <summary>True for a level that would be written; ask before building costly fields.</summary>
    public static bool IsOn(LogLevel level) => level >= Level && _writer is not null;

    public static void Error(string room, string message, params ReadOnlySpan<(string Key, object? Value)> fields) =>
        Write(LogLevel.Error, room, message, fields);

    public static void Warning(string room, string message, params ReadOnlySpan<(string Key, object? Value)> fields) =>
        Write(LogLevel.Warning, room, message, fields);

    public static void Information(string room, string message, params ReadOnlySpan<(string Key, object? Value)> fields) =>
        Write(LogLevel.Information, room, message, fields);

    public static void Debug(string room, string message, params ReadOnlySpan<(string Key, object? Value)> fields) =>
        Write(LogLevel.Debug, room, message, fields);

    public static void Trace(string room, string message, params ReadOnlySpan<(string Key, object? Value)> fields) =>
        Write(LogLevel.Trace, room, message, fields);

    private static void Write(
        LogLevel level, string room, string message, ReadOnlySpan<(string Key, object? Value)> fields)
    {
        if (!IsOn(level))
        {
            return;
        }

        var line = new StringBuilder(160);
        line.Append(DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture))
            .Append(' ').Append("TDIWE"[(int)level]).Append(' ').Append(room).Append(": ").Append(message);
        foreach (var (key, value) in fields)
        {
            line.Append(' ').Append(key).Append('=');
            AppendValue(line, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "null");
        }

        lock (WriteLock)
        {
            try
            {
                _writer?.WriteLine(line);
                _writer?.Flush();
            }
            catch (IOException)
            {
                // A full disk costs lines, and nobody who has something to say.
            }
        }
    }

    private static void AppendValue(StringBuilder line, string value)
    {
        if (value.Length > 0 && value.AsSpan().IndexOfAnyInRange('\0', ' ') < 0 && !value.Contains('"'))
        {
            line.Append(value);
            return;
        }

        line.Append('"');
        foreach (var c in value)
        {
            line.Append(c is '"' ? '\'' : c < ' ' ? ' ' : c);
        }

        line.Append('"');
    }
}
