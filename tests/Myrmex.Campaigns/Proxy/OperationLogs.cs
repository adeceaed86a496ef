using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Myrmex.Campaigns;

/// <summary>
/// Logs of programs that write a line for every operation, <c>BEGIN END KIND VALUE</c> in microseconds of the clock of
/// the machine: read as they grow. Kinds that wait for other programs are left out.
/// </summary>
internal sealed class OperationLogs(IReadOnlyCollection<string> files, string waiting = "k")
{
    private readonly Dictionary<string, long> _read = files.ToDictionary(f => f, _ => 0L, StringComparer.Ordinal);
    private readonly Dictionary<string, List<(long Begin, long End, string Kind)>> _operations =
        files.ToDictionary(f => f, _ => new List<(long, long, string)>(), StringComparer.Ordinal);

    /// <summary>The clock of the programs.</summary>
    public static long NowUs => (long)Stopwatch.GetElapsedTime(0).TotalMicroseconds;

    /// <summary>Whether every program has ended an operation that it has begun since then.</summary>
    public bool AllWentOn(long sinceUs)
    {
        Read();
        return _operations.Values.All(o => o.Count > 0 && o[^1].Begin > sinceUs);
    }

    /// <summary>Who has not gone on since then.</summary>
    public string Behind(long sinceUs) => string.Join(
        ' ', _operations.Where(o => o.Value.Count == 0 || o.Value[^1].Begin <= sinceUs).Select(o => Path.GetFileName(o.Key)));

    /// <summary>The longest operation that was under way in that time, and whose; forgets all before.</summary>
    public (TimeSpan Took, string What) Longest(long fromUs, long untilUs)
    {
        Read();
        var (longest, what) = (0L, "");
        foreach (var (file, operations) in _operations)
        {
            operations.RemoveAll(o => o.End < fromUs);
            foreach (var (begin, end, kind) in operations.Where(o => o.Begin <= untilUs && o.Kind != waiting))
            {
                if (end - begin > longest)
                {
                    (longest, what) = (end - begin, $"{kind} of {Path.GetFileNameWithoutExtension(file)}");
                }
            }
        }

        return (TimeSpan.FromMicroseconds(longest), what);
    }

    private void Read()
    {
        foreach (var file in files.Where(File.Exists))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            stream.Position = _read[file];
            var bytes = new byte[stream.Length - stream.Position];
            stream.ReadExactly(bytes);
            var whole = Array.LastIndexOf(bytes, (byte)'\n') + 1; // A line may be half written.
            _read[file] += whole;
            foreach (var line in System.Text.Encoding.ASCII.GetString(bytes, 0, whole).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var words = line.Split(' ');
                if (words[1] != "-")
                {
                    _operations[file].Add((Number(words[0]), Number(words[1]), words[2]));
                }
            }
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
