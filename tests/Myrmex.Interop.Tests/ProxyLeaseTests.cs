using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Leases of programs with the stock gfapi library that are connected to a proxy: to the bricks all of them are one connection, and who has
/// which lease has to be told apart all the same, also when the proxy dies.
/// </summary>
public sealed class ProxyLeaseTests : IDisposable
{
    private const Need Needs = Need.StockClient | Need.Xfs | Need.Python;
    private const string Volume = "leased";

    private static readonly TimeSpan Blocked = TimeSpan.FromMilliseconds(1_200);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly TestDirectory _directory = new(nameof(ProxyLeaseTests));

    public void Dispose() => _directory.Dispose();

    /// <summary>Two programs behind one proxy, with the same lease id: one is recalled for the other, and nobody else is told.</summary>
    [InteropTheory(Needs)]
    [InlineData(2, 1)]
    [InlineData(3, 3)]
    public void TwoProgramsBehindOneProxyAreTwo(int bricks, int replicas)
    {
        var daemon = StartVolume(bricks, replicas, recallSeconds: 60);
        using var a = Open(daemon);
        using var b = Open(daemon);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("1", Do(a, "open file w c"));
        Await(a, "lease 1 set rw A", "rw");
        Assert.Equal("5", Do(a, "write 1 first"));
        Assert.Equal("ok", Do(a, "fsync 1"));
        Assert.Equal("ok", Do(b, "id B"));
        b.Tell("open file r");
        Assert.Equal("none", Do(a, "recall 20")); // All of it is wanted back.
        Assert.Null(b.Answer(Blocked));
        Assert.Equal(
            "/file read-write 41010101010101010101010101010101 True 1",
            Status(daemon)); // As an administrator sees it.
        Assert.Equal("ok", Do(a, "stat file")); // The proxy serves others meanwhile.
        Assert.Equal("rw", Do(a, "lease 1 unlock rw A"));
        Assert.StartsWith("1 ", b.Answer(Soon));
        Assert.Equal("first", Do(b, "read 1"));
        Assert.Equal("quiet", Do(b, "recall 0"));

        // The same id is another lease for another program: the file is open for writing by the first one.
        Assert.Equal("ok", Do(b, "id A"));
        Assert.Equal("2", Do(b, "open file r"));
        Assert.Equal("EPERM", Do(b, "lease 2 set rd A"));
        a.Kill();
        Await(b, "lease 2 set rd A", "rd");
    }

    [InteropTheory(Needs)]
    [InlineData(2, 1)]
    [InlineData(3, 3)]
    public void WhatAProgramLeavesBehindIsFreeAtOnce(int bricks, int replicas)
    {
        var daemon = StartVolume(bricks, replicas, recallSeconds: 60);
        using var a = Open(daemon);
        using var b = Open(daemon);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("1", Do(a, "open file w c"));
        Await(a, "lease 1 set rw A", "rw");
        b.Tell("truncate file 1");
        Assert.Null(b.Answer(Blocked));
        var watch = Stopwatch.StartNew();
        a.Kill();
        Assert.StartsWith("ok ", b.Answer(Soon));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
    }

    /// <summary>
    /// The library does not come back for its leases. Nobody can know that: others wait until the grace is over, and not for the recall.
    /// </summary>
    [InteropTheory(Needs)]
    [InlineData(2, 1)]
    [InlineData(3, 3)]
    public void LeasesOfALostProxyAreFreeAfterTheGrace(int bricks, int replicas)
    {
        var daemon = StartVolume(bricks, replicas, recallSeconds: 300);
        using (var a = Open(daemon))
        {
            Assert.Equal("ok", Do(a, "id A"));
            Assert.Equal("1", Do(a, "open file w c"));
            Await(a, "lease 1 set rw A", "rw");
            var watch = Stopwatch.StartNew();
            Child.Signal(daemon.ProxyPid, "KILL");
            using var b = Open(daemon);
            b.Tell("truncate file 1");
            Assert.Null(b.Answer(TimeSpan.FromSeconds(4)));
            Assert.StartsWith("ok ", b.Answer(TimeSpan.FromSeconds(90)));
            Assert.InRange(watch.Elapsed.TotalSeconds, 8, 80);
            a.Kill();
        }
    }

    /// <summary>What the one brick that has a lease says of it.</summary>
    private static string Status(MyrmexDaemon daemon)
    {
        var status = JsonNode.Parse(daemon.Gluster($"volume status {Volume} leases --json"))!;
        var lease = Assert.Single(status["bricks"]!.AsArray().SelectMany(b => b!["value"]!["leases"]!["leases"]!.AsArray()))!;
        Assert.Contains("Recalled : yes\n", daemon.Gluster($"volume status {Volume} leases"), StringComparison.Ordinal);
        Assert.InRange((long)lease["heldSeconds"]!, -1, 60); // A leader that was given the lead meanwhile does not know it.
        Assert.Single(lease["clients"]!.AsArray());
        return $"{lease["path"]} {lease["type"]} {lease["leaseId"]} {(bool)lease["recalled"]!} {lease["waiting"]}";
    }

    private static Helper Open(MyrmexDaemon daemon)
    {
        var program = default(Helper);
        Wait.Until("a program has the volume", Soon, () =>
        {
            try
            {
                program = LeaseProgram.Start(daemon.Host, Volume, Soon);
                return true;
            }
            catch (Exception e) when (e is Xunit.Sdk.XunitException)
            {
                Thread.Sleep(200);
                return false;
            }
        });
        return program!;
    }

    private static string Do(Helper helper, string command) => LeaseProgram.Do(helper, command, Soon);

    private static void Await(Helper helper, string command, string expected) => Wait.Until(
        string.Create(CultureInfo.InvariantCulture, $"{command} -> {expected}"), Soon, () => Do(helper, command) == expected);

    private MyrmexDaemon StartVolume(int bricks, int replicas, int recallSeconds)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        MyrmexDaemon daemon;
        if (replicas > 1)
        {
            daemon = _directory.Own(new MyrmexDaemon(_directory));
            var places = string.Join(' ', Bricks.Make(disk.Path, bricks).Select(b => $"{daemon.Host}:{b}"));
            daemon.Gluster($"volume create {Volume} replica {replicas} {places} force");
            daemon.StartVolume(Volume, bricks);
            daemon.Gluster($"volume set {Volume} journal.lock-grace 10");
        }
        else
        {
            daemon = _directory.Own(new MyrmexDaemon(_directory));
            daemon.CreateVolume(Volume, Bricks.Make(disk.Path, bricks));
        }

        foreach (var setting in (string[])
            [
                "features.leases on", string.Create(CultureInfo.InvariantCulture, $"features.lease-lock-recall-timeout {recallSeconds}"),
                "performance.open-behind off", "config.gfproxyd on", "client.mode thin",
            ])
        {
            daemon.Gluster($"volume set {Volume} {setting}");
        }

        Wait.Until("the proxy serves", Soon, () => Shell.Run(
            "/", Shell.DefaultLimit, "env", [$"MYRMEX_WORKDIR={daemon.WorkingDirectory}", Product.Executable, "proxy", "status"]).ExitCode == 0);
        Ledger.AddProcess(daemon.ProxyLauncherPid);
        return daemon;
    }
}
