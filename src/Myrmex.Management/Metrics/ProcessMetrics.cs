using System;
using System.Globalization;
using System.IO;
using Myrmex.Base;

namespace Myrmex.Management.Metrics;

/// <summary>What every process tells of itself.</summary>
public static class ProcessMetrics
{
    /// <summary>Bytes of this process in RAM. Source: proc(5), statm.</summary>
    public static long ResidentBytes() => ReadStatm()[1] * Environment.SystemPageSize;

    public static void AddTo(MetricsText text)
    {
        var memory = GC.GetGCMemoryInfo();
        var cpu = Environment.CpuUsage.TotalTime.TotalSeconds;
        text.Add(MetricTable.BuildInfo, 1, BuildVersion.Text)
            .Add(MetricTable.ResidentBytes, ResidentBytes())
            .Add(MetricTable.CpuSeconds, cpu)
            .Add(MetricTable.UptimeSeconds, UptimeSeconds())
            .Add(MetricTable.Threads, Directory.GetDirectories("/proc/self/task").Length)
            .Add(MetricTable.HeapBytes, GC.GetTotalMemory(forceFullCollection: false))
            .Add(MetricTable.HeapCommittedBytes, memory.TotalCommittedBytes)
            .Add(MetricTable.GcPauseSeconds, GC.GetTotalPauseDuration().TotalSeconds)
            .Add(MetricTable.PayloadBytes, PayloadPool.Shared.OutstandingBytes)
            .Add(MetricTable.PayloadLimitBytes, PayloadPool.Shared.LimitBytes);
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            text.Add(
                MetricTable.Collections, GC.CollectionCount(generation),
                generation.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>
    /// System uptime less the start of the process. Source: proc(5), uptime; stat field 22, in 1/100 s.
    /// </summary>
    private static double UptimeSeconds()
    {
        var stat = File.ReadAllText("/proc/self/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var started = double.Parse(fields[19], CultureInfo.InvariantCulture) / 100;
        var now = double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);
        return Math.Round(now - started, 2);
    }

    private static long[] ReadStatm() => Array.ConvertAll(
        File.ReadAllText("/proc/self/statm").Split(' '), f => long.Parse(f, CultureInfo.InvariantCulture));
}
