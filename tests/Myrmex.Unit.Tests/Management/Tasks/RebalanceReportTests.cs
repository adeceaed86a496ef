using System.Linq;
using Myrmex.Management.CommandLine.Reports;
using Myrmex.Management.Tasks;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Tasks;

/// <summary>The text and XML of rebalances. Source: output of GlusterFS 10.3.</summary>
public sealed class RebalanceReportTests
{
    private const string TaskId = "7cad7b12-7b0d-4e7c-a145-42b04003d2f6";
    private const string NodeId = "70aa4633-9e26-4df7-a9ee-19261191e0a1";

    private const string FixLayoutTable =
        "                               Node                                    status           run time in h:m:s\n"
        + "                          ---------                               -----------                ------------\n"
        + "                          localhost                               fix-layout completed        0:00:00\n";

    private const string FullTable =
        "                                    Node Rebalanced-files          size       scanned      failures"
        + "       skipped               status  run time in h:m:s\n"
        + "                               ---------      -----------   -----------   -----------   -----------"
        + "   -----------         ------------     --------------\n"
        + "                               localhost                0        0Bytes             0             0"
        + "             0            completed        0:00:00\n";

    private static readonly RebalanceReport FixLayout = Report(ClusterTaskState.FixLayoutCompleted);

    [Fact]
    public void TheStatusOfALayoutFixReadsAsInGlusterFS() =>
        Assert.Equal(FixLayoutTable + "volume rebalance: lv: success\n", RebalanceText.Status(FixLayout));

    [Fact]
    public void TheStatusOfARebalanceReadsAsInGlusterFS() => Assert.Equal(
        FullTable + "volume rebalance: lv: success\n", RebalanceText.Status(Report(ClusterTaskState.Completed)));

    [Fact]
    public void StoppingReadsAsInGlusterFS() => Assert.Equal(
        FixLayoutTable
        + "volume rebalance: lv: success: rebalance process may be in the middle of a file migration.\n"
        + "The process will be fully stopped once the migration of the file is complete.\n"
        + "Please check rebalance process for completion before doing any further brick related tasks on the volume.\n"
        + "\n",
        RebalanceText.Stopped(FixLayout));

    [Fact]
    public void TheTaskBlockOfAVolumesStatusReadsAsInGlusterFS() => Assert.Equal(
        "Task                 : Rebalance           \n"
        + $"ID                   : {TaskId}\n"
        + "Status               : completed           \n"
        + " \n",
        RebalanceText.StatusBlock(TaskId, ClusterTaskState.FixLayoutCompleted));

    [Fact]
    public void TheXmlOfAStatusIsThatOfGlusterFS() => Assert.Equal(
        $"""
        <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <cliOutput>
          <opRet>0</opRet>
          <opErrno>0</opErrno>
          <opErrstr/>
          <volRebalance>
            <task-id>{TaskId}</task-id>
            <op>3</op>
            <nodeCount>1</nodeCount>
            <node>
              <nodeName>localhost</nodeName>
              <id>{NodeId}</id>
              <files>0</files>
              <size>0</size>
              <lookups>0</lookups>
              <failures>0</failures>
              <skipped>0</skipped>
              <status>7</status>
              <statusStr>fix-layout completed</statusStr>
              <runtime>0.00</runtime>
            </node>
            <aggregate>
              <files>0</files>
              <size>0</size>
              <lookups>0</lookups>
              <failures>0</failures>
              <skipped>0</skipped>
              <status>7</status>
              <statusStr>fix-layout completed</statusStr>
              <runtime>0.00</runtime>
            </aggregate>
          </volRebalance>
        </cliOutput>

        """,
        RebalanceXml.Status(FixLayout));

    [Fact]
    public void TheXmlOfStartAndRefusalsIsThatOfGlusterFS()
    {
        Assert.EndsWith(
            $"  <volRebalance>\n    <task-id>{TaskId}</task-id>\n    <op>4</op>\n  </volRebalance>\n</cliOutput>\n",
            RebalanceXml.Started(TaskId), System.StringComparison.Ordinal);
        Assert.Equal(
            """
            <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
            <cliOutput>
              <opRet>-1</opRet>
              <opErrno>30800</opErrno>
              <opErrstr>Rebalance not started for volume lv.</opErrstr>
              <cliOp>volRebalance</cliOp>
              <output>Rebalance not started for volume lv.</output>
            </cliOutput>

            """,
            RebalanceXml.Failed("Rebalance not started for volume lv."));
    }

    [Theory]
    [InlineData(3_725_000, "       1:02:05")]
    [InlineData(360_000_000, "     100:00:00")]
    public void TimeIsInHoursMinutesAndSeconds(long ms, string shown)
    {
        var report = Report(ClusterTaskState.FixLayoutRunning, ms);
        Assert.Contains($"fix-layout in progress {shown}\n", RebalanceText.Status(report), System.StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1023, "1023Bytes")]
    [InlineData(1536, "1.5KB")]
    [InlineData(3L << 30, "3.0GB")]
    public void SizesAreInTheLargestUnit(long bytes, string shown)
    {
        var report = Report(ClusterTaskState.Completed);
        report = report with { Rows = [report.Rows[0] with { SizeBytes = bytes }] };
        Assert.Contains($" {shown} ", RebalanceText.Status(report), System.StringComparison.Ordinal);
    }

    [Fact]
    public void TheTotalAddsUpAndShowsWhatNeedsMostAttention()
    {
        var row = Report(ClusterTaskState.Completed, 5).Rows[0] with { Scanned = 3, Failures = 1 };
        var report = FixLayout with { Rows = [row, row with { State = ClusterTaskState.Failed, RuntimeMs = 9 }] };
        Assert.Equal(
            (6L, 2L, ClusterTaskState.Failed, 9L),
            (report.Total.Scanned, report.Total.Failures, report.Total.State, report.Total.RuntimeMs));
    }

    [Fact]
    public void EveryStateHasItsWord() => Assert.All(
        System.Enum.GetValues<ClusterTaskState>().Select(RebalanceReport.TextOf), w => Assert.NotEqual("unknown", w));

    private static RebalanceReport Report(ClusterTaskState state, long runtimeMs = 0) =>
        new(TaskId, "lv", [new RebalanceRow("localhost", NodeId, 0, 0, 0, 0, 0, state, runtimeMs)]);
}
