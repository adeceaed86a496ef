using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// A proxy with proxy.cache answers its clients from memory, and no client ever sees an old state: neither of what
/// another proxy's client changes, nor of what is changed at the bricks.
/// </summary>
public sealed class SharedCacheTests : IDisposable
{
    private const string Volume = "kept";
    private const int Files = 200;
    private const int BrickCount = 3;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly TestDirectory _directory = new(nameof(SharedCacheTests));
    private IReadOnlyList<string> _bricks = [];
    private int _mounts;

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.Xfs)]
    public void ClientsAreAnsweredFromMemoryAndNeverSeeAnOldState() => NobodySeesAnOldState(StartVolume(), static () => { });

    /// <summary>The promises are the leader's, and the lead goes from member to member.</summary>
    [InteropFact(Need.Xfs)]
    public void NorDoThoseOfAReplicatedVolumeWhoseLeadMoves()
    {
        var daemon = StartVolume(copies: BrickCount);
        var moves = 0;
        NobodySeesAnOldState(daemon, () =>
        {
            moves++;
            Wait.Until("the lead moves", Soon, () => daemon.Run(
                $"volume leader {Volume} move {daemon.Host}:{_bricks[moves % BrickCount]}").ExitCode == 0);
        });
        Assert.True(moves > 3, $"{moves} moves");
    }

    /// <param name="now">Called now and then.</param>
    private void NobodySeesAnOldState(MyrmexDaemon daemon, Action now)
    {
        var own = _directory.Own(StartProxy(daemon));
        var (one, other) = (Thin(daemon, 0), Thin(daemon, own.Port));
        var thick = _directory.Own(MyrmexMount.FromServer(
            _directory, "thick", daemon.Host, Volume, "attribute-timeout=0", "entry-timeout=0"));
        thick.Sh($"mkdir d; for i in $(seq {Files}); do echo first $i > d/f$i; done");
        ExpectHits(daemon, one);

        // By the thick client, each change is seen by both thin ones at once.
        for (var i = 1; i <= 40; i++)
        {
            ((i % 10) == 0 ? now : static () => { })();
            thick.Sh($"echo changed {i} >> d/f{i}; chmod 600 d/f{i}");
            foreach (var mount in new[] { one, other })
            {
                Assert.Equal($"first {i}\nchanged {i}\n600\n", mount.Sh($"cat d/f{i}; stat -c %a d/f{i}"));
            }
        }

        // Through the proxies, and names.
        for (var i = 41; i <= 60; i++)
        {
            ((i % 10) == 0 ? now : static () => { })();
            var (writer, reader) = i % 2 == 0 ? (one, other) : (other, one);
            Assert.Equal("no\n", reader.Sh($"test -e d/new{i} || echo no"));
            writer.Sh($"echo text > d/new{i}; mv d/f{i} d/moved{i}; rm d/f{i + 40}");
            Assert.Equal(
                $"text\nfirst {i}\nno\nno\n",
                reader.Sh($"cat d/new{i} d/moved{i}; test -e d/f{i} || echo no; test -e d/f{i + 40} || echo no"));
        }

        ExpectHits(daemon, one); // From whoever leads in the end.
        Assert.True(one.Unmount() && other.Unmount() && thick.Unmount());
    }

    /// <summary>What one client has looked at another one is answered from memory.</summary>
    private void ExpectHits(MyrmexDaemon daemon, MyrmexMount first)
    {
        const string Look = "stat -c %s d/* > /dev/null; cat d/* > /dev/null";
        first.Sh(Look);
        var before = Hits(daemon);
        Thin(daemon, 0).Sh(Look);
        Assert.InRange(Hits(daemon) - before, Files / 2, long.MaxValue);
    }

    /// <summary>What it keeps is waited for no longer than its promise.</summary>
    [InteropFact(Need.Xfs)]
    public void AProxyThatHangsHoldsChangesUpForSecondsAtMost()
    {
        var daemon = StartVolume();
        var own = _directory.Own(StartProxy(daemon));
        var thick = _directory.Own(MyrmexMount.FromServer(
            _directory, "thick", daemon.Host, Volume, "attribute-timeout=0", "entry-timeout=0"));
        thick.Sh("echo first > file");
        var other = Thin(daemon, own.Port);
        other.Sh("cat file; stat file");
        Thread.Sleep(1_000);
        other.Sh("cat file; stat file");
        Child.Signal(own.Pid, "STOP");
        var watch = Stopwatch.StartNew();
        thick.Sh("echo second > file");
        Child.Signal(own.Pid, "CONT");
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
        Assert.Equal("second\n", other.Sh("cat file"));
        Assert.True(other.Unmount() && thick.Unmount());
    }

    private MyrmexDaemon StartVolume(int copies = 1)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var daemon = _directory.Own(new MyrmexDaemon(_directory));
        _bricks = Bricks.Make(disk.Path, BrickCount);
        daemon.Gluster(
            $"volume create {Volume} {(copies > 1 ? $"replica {copies} " : "")}"
            + $"{string.Join(' ', _bricks.Select(b => $"{daemon.Host}:{b}"))} force");
        daemon.StartVolume(Volume, BrickCount);
        daemon.Gluster($"volume set {Volume} config.gfproxyd enable");
        daemon.Gluster($"volume set {Volume} proxy.cache on"); // Live.
        Wait.Until("the proxy serves", Soon, () => daemon.ProxyPid > 0 && Page(daemon).Contains("proxy_cache_hits", StringComparison.Ordinal));
        Ledger.AddProcess(daemon.ProxyLauncherPid);
        return daemon;
    }

    private OwnProxy StartProxy(MyrmexDaemon daemon) => new(
        _directory, _directory.Write("own.list", $"{daemon.WorkingDirectory}/proxy-volfiles/{Volume}.vol\n"));

    /// <summary>Without any cache of its own.</summary>
    private MyrmexMount Thin(MyrmexDaemon daemon, int port) => _directory.Own(MyrmexMount.FromVolfile(
        _directory, $"thin{Interlocked.Increment(ref _mounts)}",
        $"volume thin\n    type protocol/client\n    option remote-host {daemon.Host}\n"
        + (port == 0 ? string.Empty : $"    option remote-port {port}\n")
        + $"    option remote-subvolume gfproxyd-{Volume}\n    option ping-timeout 10\nend-volume\n",
        "attribute-timeout=0", "entry-timeout=0"));

    private static long Hits(MyrmexDaemon daemon) => long.Parse(
        Regex.Match(Page(daemon), "^myrmex_proxy_cache_hits_total{.*} ([0-9]+)", RegexOptions.Multiline).Groups[1].Value,
        CultureInfo.InvariantCulture);

    /// <summary>What the proxy tells of itself.</summary>
    private static string Page(MyrmexDaemon daemon)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(
                    new UnixDomainSocketEndPoint(Path.Combine(daemon.WorkingDirectory, "daemon.sock")), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        return http.GetStringAsync(new Uri("http://localhost/metrics")).Result;
    }
}
