using System;
using System.IO;
using System.Linq;
using Myrmex.Host;
using Myrmex.Management;
using Xunit;

namespace Myrmex.Unit.Tests.Serving;

/// <summary>What is told of an upgrade that failed: what the log got since it began, and only what may say why.</summary>
public sealed class UpgradeReportTests : IDisposable
{
    private const string Time = "2026-01-02T03:04:05.678901Z";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("upgrade");

    private string Worker => Path.Combine(_directory.FullName, "worker.pid");

    private string LogFile => Path.Combine(_directory.FullName, "log");

    private string Failure => DaemonOptions.UpgradeFailureFileOf(Worker);

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void TheLogSinceItBeganSaysWhy()
    {
        File.WriteAllText(LogFile, $"{Time} E proxy: of another day\n");
        var report = new UpgradeReport(Worker, LogFile);
        report.Begin();
        File.AppendAllLines(LogFile, [
            $"{Time} I proxy: serving count=1", $"{Time} E proxy: cannot take over reason=\"nobody is there\"",
            $"{Time} E launcher: the new process did not take over pid=7 code=1", "Unhandled exception. System.Boo: bad",
            "   at Some.Method()", string.Empty,
        ]);
        report.Fail("it ended");
        Assert.Equal(
            [
                "it ended", $"{Time} E proxy: cannot take over reason=\"nobody is there\"",
                "Unhandled exception. System.Boo: bad",
            ],
            File.ReadAllLines(Failure));
        report.Begin();
        Assert.False(File.Exists(Failure));
        report.Fail("again");
        Assert.Equal(["again"], File.ReadAllLines(Failure));
    }

    [Fact]
    public void ALogThatWasRotatedIsReadFromItsBeginning()
    {
        File.WriteAllText(LogFile, new string('x', 1000));
        var report = new UpgradeReport(Worker, LogFile);
        report.Begin();
        File.WriteAllText(LogFile, "boom\n");
        report.Fail("it ended");
        Assert.Equal(["it ended", "boom"], File.ReadAllLines(Failure));
    }

    [Fact]
    public void WithoutALogTheFactIsTold()
    {
        var report = new UpgradeReport(Worker, Path.Combine(_directory.FullName, "none"));
        report.Begin();
        report.Fail("it ended");
        Assert.Equal(["it ended"], File.ReadAllLines(Failure));
    }

    [Fact]
    public void OnlySoMuchIsTold()
    {
        var told = UpgradeReport.Told(Enumerable.Range(0, 100).Select(i => $"{i}" + new string('y', 1000)));
        Assert.Equal(UpgradeReport.LinesMax, told.Count);
        Assert.All(told, l => Assert.Equal(UpgradeReport.LineLengthMax, l.Length));
        Assert.StartsWith("99y", told[^1]);
    }
}
