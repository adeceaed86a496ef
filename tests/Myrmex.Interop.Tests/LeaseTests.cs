using System;
using System.Globalization;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Leases of files, taken by programs with the stock gfapi library (Helpers/leases.py) on plain volumes: recalls, what is given back and
/// what is not, and holders that die.
/// </summary>
public sealed class LeaseTests : IDisposable
{
    private const Need Needs = Need.StockClient | Need.Xfs | Need.Python;
    private const string Volume = "leased";

    private static readonly TimeSpan Blocked = TimeSpan.FromMilliseconds(1_200);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly TestDirectory _directory = new(nameof(LeaseTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Needs)]
    public void ALeaseIsRecalledForAWriterAndGivenBack()
    {
        var daemon = StartVolume(recallSeconds: 60);
        using var a = Open(daemon);
        using var b = Open(daemon);
        Assert.Equal("1", Do(a, "open file w c"));
        Assert.Equal("ok", Do(a, "close 1"));
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("ok", Do(b, "id B"));
        Assert.Equal("2", Do(a, "open file r"));
        AwaitLease(a, "lease 2 set rd A", "rd");
        Assert.Equal("rd", Do(a, "lease 2 get rd A"));
        Assert.Equal("1", Do(b, "open file r"));
        Assert.Equal("rd", Do(b, "lease 1 set rd B"));
        Assert.Equal("EAGAIN", Do(b, "open file w n"));
        Assert.Equal("none", Do(a, "recall 10")); // All of it is wanted back.
        Assert.Equal("quiet", Do(b, "recall 0")); // Its own lease is not in its way.

        b.Tell("open file w");
        Assert.Null(b.Answer(Blocked));
        Assert.Equal("quiet", Do(a, "recall 0")); // It was told.
        Assert.Equal("rd", Do(a, "lease 2 unlock rd A"));
        Assert.StartsWith("2 ", b.Answer(Soon));
        Assert.Equal("EPERM", Do(a, "lease 2 set rd A"));
        Assert.Equal("5", Do(b, "write 2 hello"));
    }

    [InteropFact(Needs)]
    public void AReadWriteLeaseIsAloneAndIsTakenAwayInTime()
    {
        var daemon = StartVolume(recallSeconds: 3);
        using var a = Open(daemon);
        using var b = Open(daemon);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("1", Do(a, "open file w c"));
        Assert.Equal("rw", Do(a, "lease 1 set rw A"));
        Assert.Equal("5", Do(a, "write 1 first"));
        b.Tell("open file r"); // Without a lease id at all.
        Assert.Null(b.Answer(Blocked));
        Assert.Equal("none", Do(a, "recall 10"));
        Assert.Equal("6", Do(a, "write 1 second")); // It may still write down what it has.
        Assert.Equal("ok", Do(a, "fsync 1"));
        Assert.StartsWith("1 ", b.Answer(Soon));
        Assert.Equal("second", Do(b, "read 1"));
        Assert.Equal("none", Do(a, "lease 1 get rw A"));
    }

    [InteropFact(Needs)]
    public void EveryChangeOfAFileWaitsForItsLease()
    {
        var daemon = StartVolume(recallSeconds: 60);
        using var a = Open(daemon);
        using var b = Open(daemon);
        Assert.Equal("1", Do(b, "open file w c"));
        Assert.Equal("ok", Do(b, "close 1"));
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("1", Do(a, "open file r"));
        foreach (var change in (string[])["chmod file 600", "truncate file 5", "rename file moved", "link moved second", "unlink second"])
        {
            AwaitLease(a, "lease 1 set rd A", "rd");
            b.Tell(change);
            Assert.Equal("none", Do(a, "recall 10"));
            Assert.Null(b.Answer(Blocked));
            Assert.Equal("rd", Do(a, "lease 1 unlock rd A"));
            Assert.StartsWith("ok ", b.Answer(Soon));
        }
    }

    [InteropFact(Needs)]
    public void TheLeaseOfAKilledProgramIsFree()
    {
        var daemon = StartVolume(recallSeconds: 60);
        using var a = Open(daemon);
        using var b = Open(daemon);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("1", Do(a, "open file w c"));
        Assert.Equal("rw", Do(a, "lease 1 set rw A"));
        b.Tell("truncate file 1");
        Assert.Null(b.Answer(Blocked));
        a.Kill();
        Assert.StartsWith("ok ", b.Answer(Soon));
    }

    [InteropFact(Needs)]
    public void WithTheOptionOffThereAreNoLeases()
    {
        var daemon = StartVolume(recallSeconds: 60);
        using var a = Open(daemon);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("1", Do(a, "open file w c"));
        Assert.Equal("rw", Do(a, "lease 1 set rw A"));
        daemon.Gluster($"volume set {Volume} features.leases off");
        Assert.Equal("none", Do(a, "recall 10"));
        using var b = Open(daemon);
        Assert.Equal("ok", Do(b, "truncate file 1"));
    }

    private static Helper Open(MyrmexDaemon daemon) => LeaseProgram.Start(daemon.Host, Volume, Soon);

    private static string Do(Helper helper, string command) => LeaseProgram.Do(helper, command);

    /// <summary>A file that was closed a moment ago is released behind the program's back.</summary>
    private static void AwaitLease(Helper helper, string command, string expected) =>
        Wait.Until(string.Create(CultureInfo.InvariantCulture, $"{command} -> {expected}"), Soon, () => Do(helper, command) == expected);

    private MyrmexDaemon StartVolume(int recallSeconds)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var daemon = _directory.Own(new MyrmexDaemon(_directory));
        daemon.CreateVolume(Volume, Bricks.Make(disk.Path, 2));
        foreach (var setting in (string[])
            [
                "features.leases on", string.Create(CultureInfo.InvariantCulture, $"features.lease-lock-recall-timeout {recallSeconds}"),
                "performance.open-behind off", // It opens files behind the program's back, when it likes.
            ])
        {
            daemon.Gluster($"volume set {Volume} {setting}");
        }

        return daemon;
    }
}
