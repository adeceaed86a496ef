using System;
using System.Globalization;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Debug;

/// <summary>Figures of one fop. Latencies are of the fops that were measured, in nanoseconds.</summary>
public record struct FopFigures
{
    public long Count;
    public long Errors;
    public long Measured;
    public long TotalNs;
    public long MinNs;
    public long MaxNs;

    /// <summary>Mean latency, 0 when nothing was measured.</summary>
    public readonly long AverageNs => Measured == 0 ? 0 : TotalNs / Measured;
}

/// <summary>A reading of the counters of debug/io-stats.</summary>
public sealed class IoStatsSnapshot
{
    public IoStatsSnapshot()
    {
        for (var i = 0; i < Fops.Length; i++)
        {
            Fops[i].MinNs = long.MaxValue;
        }
    }

    /// <summary>By <see cref="FopCode"/>.</summary>
    public FopFigures[] Fops { get; } = new FopFigures[FopTable.CodeLimit];

    /// <summary>Reads by size: element n counts those of 2^n to 2^(n+1)-1 bytes.</summary>
    public long[] Reads { get; } = new long[IoStatsCounters.BucketCount];

    /// <summary>Writes by size.</summary>
    public long[] Writes { get; } = new long[IoStatsCounters.BucketCount];

    public long ReadBytes { get; set; }

    public long WrittenBytes { get; set; }

    /// <summary>The time that was counted.</summary>
    public long DurationNs { get; set; }

    /// <summary>Of an interval: how many were taken before it since the start or the last clearing.</summary>
    public int Number { get; set; }

    /// <summary>What came after <paramref name="earlier"/>; smallest and largest latency stay those of the whole time.</summary>
    public IoStatsSnapshot Since(IoStatsSnapshot earlier)
    {
        var rest = new IoStatsSnapshot
        {
            ReadBytes = ReadBytes - earlier.ReadBytes,
            WrittenBytes = WrittenBytes - earlier.WrittenBytes,
        };
        for (var i = 0; i < Fops.Length; i++)
        {
            rest.Fops[i] = Fops[i];
            rest.Fops[i].Count -= earlier.Fops[i].Count;
            rest.Fops[i].Errors -= earlier.Fops[i].Errors;
            rest.Fops[i].Measured -= earlier.Fops[i].Measured;
            rest.Fops[i].TotalNs -= earlier.Fops[i].TotalNs;
        }

        for (var i = 0; i < Reads.Length; i++)
        {
            rest.Reads[i] = Reads[i] - earlier.Reads[i];
            rest.Writes[i] = Writes[i] - earlier.Writes[i];
        }

        return rest;
    }

    /// <summary>Writes what is not zero.</summary>
    public void Write(StateDump dump)
    {
        dump.Put("data-read-bytes", ReadBytes);
        dump.Put("data-written-bytes", WrittenBytes);
        for (var i = 0; i < Reads.Length; i++)
        {
            if ((Reads[i] | Writes[i]) != 0)
            {
                dump.Put(
                    string.Create(CultureInfo.InvariantCulture, $"block-size.{1L << i}"),
                    string.Create(CultureInfo.InvariantCulture, $"reads:{Reads[i]} writes:{Writes[i]}"));
            }
        }

        foreach (var code in Enum.GetValues<FopCode>())
        {
            var fop = Fops[(int)code];
            if (fop.Count != 0)
            {
                dump.Put("fop." + code, Text(in fop));
            }
        }
    }

    private static string Text(in FopFigures fop) =>
        fop.Measured == 0
            ? string.Create(CultureInfo.InvariantCulture, $"count:{fop.Count} errors:{fop.Errors}")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"count:{fop.Count} errors:{fop.Errors} us-min:{fop.MinNs / 1000.0:0.##}"
                + $" us-avg:{fop.AverageNs / 1000.0:0.##} us-max:{fop.MaxNs / 1000.0:0.##}");
}
