using System;
using System.Globalization;
using System.Linq;
using Myrmex.Management.Metrics;
using Myrmex.Unit.Tests.Tidy;
using Xunit;

namespace Myrmex.Unit.Tests.Management.BrickAdmin;

/// <summary>The pages of metrics, and the reference page about them.</summary>
public sealed class MetricsTests
{
    [Fact]
    public void TheReferencePageHasTheTableOfMetrics()
    {
        var rows = Repository.ReadLines("docs/reference/metrics.md")
            .Where(l => l.StartsWith("| `myrmex_", StringComparison.Ordinal)).ToList();
        var wanted = MetricTable.Everything
            .Select(m => $"| `{m.Name}` | {m.Type} | {m.Labels} | {m.Processes} | {m.Help} |").ToList();
        Assert.True(
            rows.SequenceEqual(wanted), "docs/reference/metrics.md should have these rows:\n" + string.Join('\n', wanted));
    }

    [Fact]
    public void PagesOfProcessesAreOnePageWithoutTwoSeriesOfOneName()
    {
        var daemon = new MetricsText().Add(MetricTable.ResidentBytes, 1).Add(MetricTable.Collections, 2, "0")
            .Add(MetricTable.Nodes, 3, "known").ToString();
        var brick = new MetricsText().Add(MetricTable.ResidentBytes, 4).Add(MetricTable.BrickClients, 5, "/b")
            .AddSummary(MetricTable.FopLatency, 0.5, 6, "/b", "read").ToString();
        var page = MetricPages.Merge(("daemon", daemon), ("brick", brick), ("other", "extra 1\n")).Split('\n');
        Assert.Equal(
            [
                "myrmex_process_resident_bytes{process=\"daemon\"} 1", "myrmex_process_resident_bytes{process=\"brick\"} 4",
                "myrmex_gc_collections_total{process=\"daemon\",generation=\"0\"} 2", "myrmex_nodes{state=\"known\"} 3",
                "myrmex_brick_clients{brick=\"/b\"} 5", "myrmex_fop_latency_seconds_sum{graph=\"/b\",fop=\"read\"} 0.5",
                "myrmex_fop_latency_seconds_count{graph=\"/b\",fop=\"read\"} 6", "extra 1",
            ],
            page.Where(l => l.Length > 0 && l[0] != '#'));
        Assert.Equal(page.Count(l => l.Length > 0 && l[0] == '#'), page.Where(l => l.Length > 0 && l[0] == '#').Distinct().Count());
        Assert.Equal(10, page.Count(l => l.StartsWith('#')));
    }

    [Fact]
    public void NamesFollowTheRulesOfPrometheus()
    {
        Assert.All(MetricTable.Everything, m =>
        {
            Assert.Matches("^myrmex_[a-z0-9_]+$", m.Name);
            Assert.Contains(m.Type, new[] { "gauge", "counter", "summary" });
            Assert.Equal(m.Type == "counter", m.Name.EndsWith("_total", StringComparison.Ordinal));
        });
        Assert.Equal(MetricTable.Everything.Count, MetricTable.Everything.Select(m => m.Name).Distinct().Count());
    }

    [Fact]
    public void SamplesOfAFamilyStandTogetherAndLabelsAreEscaped()
    {
        var page = new MetricsText().Add(MetricTable.BrickClients, 1, "/a\"\\\nb").Add(MetricTable.ResidentBytes, 5)
            .Add(MetricTable.BrickClients, 2, "/c").AddSummary(MetricTable.FopLatency, 0.25, 4, "/c", "read").ToString();
        Assert.Equal(
            """
            # HELP myrmex_process_resident_bytes Memory of the process that is in RAM.
            # TYPE myrmex_process_resident_bytes gauge
            myrmex_process_resident_bytes 5
            # HELP myrmex_brick_clients Attached clients.
            # TYPE myrmex_brick_clients gauge
            myrmex_brick_clients{brick="/a\"\\\nb"} 1
            myrmex_brick_clients{brick="/c"} 2
            # HELP myrmex_fop_latency_seconds Sum and count of measured latencies.
            # TYPE myrmex_fop_latency_seconds summary
            myrmex_fop_latency_seconds_sum{graph="/c",fop="read"} 0.25
            myrmex_fop_latency_seconds_count{graph="/c",fop="read"} 4

            """,
            page);
        Assert.Throws<ArgumentException>(() => new MetricsText().Add(MetricTable.BrickClients, 1));
    }

    [Fact]
    public void ADaemonTellsOfItselfAndItsVolumes()
    {
        var page = DaemonMetrics.Text(["Started", "Started", "Created"], 3, 2, 5, 4).Split('\n');
        Assert.Contains("myrmex_volumes{status=\"started\"} 2", page);
        Assert.Contains("myrmex_bricks{state=\"online\"} 2", page);
        Assert.Contains("myrmex_nodes{state=\"alive\"} 4", page);
        var resident = page.Single(l => l.StartsWith("myrmex_process_resident_bytes ", StringComparison.Ordinal));
        Assert.InRange(double.Parse(resident.Split(' ')[1], CultureInfo.InvariantCulture), 1 << 20, 1L << 40);
    }
}
