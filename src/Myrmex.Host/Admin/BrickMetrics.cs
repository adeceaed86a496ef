using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Graph;
using Myrmex.Management.Metrics;
using Myrmex.Performance;
using Myrmex.Protocol;

namespace Myrmex.Host;

/// <summary>The page of metrics of a brick process.</summary>
internal static class BrickMetrics
{
    public static async Task<string> TextAsync(IEnumerable<BrickView> bricks, ExportTable exports)
    {
        var text = new MetricsText();
        ProcessMetrics.AddTo(text);
        foreach (var brick in bricks)
        {
            var clients = brick.ClientsOf(exports, int.MaxValue);
            var calls = brick.CallsOf(exports);
            text.Add(MetricTable.BrickClients, clients.Count, brick.Name)
                .Add(MetricTable.BrickOpenFds, clients.Sum(c => (long)c.FdCount), brick.Name)
                .Add(
                    MetricTable.BrickActiveInodes,
                    clients.SelectMany(c => c.Fds).Select(f => f.Gfid).Distinct().Count(), brick.Name)
                .Add(MetricTable.BrickCalls, calls.Count, brick.Name)
                .Add(
                    MetricTable.BrickOldestCallSeconds, calls.Count == 0 ? 0 : calls[0].AgeNs / 1e9, brick.Name);
            if (brick.Stats is { } stats)
            {
                IoStatsMetrics.AddTo(text, stats);
            }

            AddCache(text, brick);
            await AddReplicasAsync(text, brick);
        }

        return text.ToString();
    }

    /// <summary>What is behind the door of a proxy, when it may keep something.</summary>
    private static void AddCache(MetricsText text, BrickView brick)
    {
        var cache = brick.Graph.Translators.OfType<GraphSwitch>().FirstOrDefault()?.Below?.Translators
            .OfType<SharedCache>().FirstOrDefault();
        if (cache?.Figures is { } figures)
        {
            text.Add(MetricTable.ProxyCacheHits, figures.Hits, brick.Name)
                .Add(MetricTable.ProxyCacheMisses, figures.Misses, brick.Name)
                .Add(MetricTable.ProxyCacheInvalidations, figures.Invalidations, brick.Name)
                .Add(MetricTable.ProxyCacheBytes, figures.Bytes, brick.Name);
        }
    }

    private static async Task AddReplicasAsync(MetricsText text, BrickView brick)
    {
        IReadOnlyList<ReplicaReport> reports;
        try
        {
            reports = await brick.ReplicasAsync();
        }
        catch (TimeoutException)
        {
            return; // Numbers that are missing tell of it; the others must not wait.
        }

        foreach (var report in reports)
        {
            text.Add(MetricTable.ReplicaRole, 1, brick.Name, report.Role)
                .Add(MetricTable.ReplicaTerm, report.Term, brick.Name)
                .Add(MetricTable.ReplicaCommit, report.Commit, brick.Name)
                .Add(MetricTable.ReplicaApplied, report.Applied, brick.Name)
                .Add(MetricTable.ReplicaDurable, report.Durable, brick.Name)
                .Add(MetricTable.ReplicaJournalStart, report.JournalStart, brick.Name)
                .Add(MetricTable.ReplicaServes, report.IsServing ? 1 : 0, brick.Name)
                .Add(
                    MetricTable.ReplicaBehind, report.Commit - Math.Min(report.Applied, report.Commit), brick.Name)
                .Add(MetricTable.ReplicaRetainedBytes, report.RetainedBytes, brick.Name)
                .Add(MetricTable.ReplicaJournalBytes, report.JournalBytes, brick.Name)
                .Add(MetricTable.JournalEntries, report.JournalEntries, brick.Name)
                .Add(MetricTable.JournalBatches, report.JournalBatches, brick.Name)
                .Add(MetricTable.JournalPayloadBytes, report.JournalPayloadBytes, brick.Name)
                .Add(MetricTable.JournalWrittenBytes, report.JournalWrittenBytes, brick.Name)
                .Add(MetricTable.JournalSharedBytes, report.JournalSharedBytes, brick.Name)
                .Add(MetricTable.ReplicaReceivedBytes, report.ReceivedBytes, brick.Name)
                .Add(MetricTable.ReplicaElidedEntries, report.ElidedEntries, brick.Name)
                .Add(MetricTable.ReplicaElidedBytes, report.ElidedBytes, brick.Name)
                .Add(MetricTable.ReplicaPreferred, report.Preferred == report.Member ? 1 : 0, brick.Name)
                .Add(MetricTable.ReplicaNeedsCopy, report.NeedsCopy ? 1 : 0, brick.Name);
            if (report.InStep.Count > 0)
            {
                text.Add(MetricTable.ReplicaInStep, report.InStep.Count, brick.Name);
            }

            if (report.Receiving is { } copy)
            {
                text.Add(MetricTable.ReplicaCopiedBytes, copy.Bytes, brick.Name)
                    .Add(MetricTable.ReplicaCopyBytes, copy.BytesAll, brick.Name);
            }

            foreach (var peer in report.Peers)
            {
                var member = peer.Member.ToString(CultureInfo.InvariantCulture);
                text.Add(MetricTable.ReplicaLag, peer.Lag, brick.Name, member);
            }
        }
    }
}
