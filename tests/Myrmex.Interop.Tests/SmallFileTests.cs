using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Small files in few messages, through proxies: contents come with listings, lost answers change nothing.
/// </summary>
public sealed class SmallFileTests(ProxiedVolumes volumes) : IClassFixture<ProxiedVolumes>
{
    private const int Folders = 4;
    private const int Files = 40;
    private const uint Open = 11;
    private const uint Read = 12;
    private const uint Write = 13;
    private const uint Readdirp = 40;

    /// <summary>Lists each folder and then reads its files, as grep -r does, and checks every byte.</summary>
    private const string ReadAll =
        """
        import os, sys
        for d in sorted(os.listdir('.')):
            for e in list(os.scandir(d)):
                e.stat()
                with open(e.path, 'rb') as f: got = f.read()
                assert got == (e.path.encode() * 100)[:3000], (e.path, len(got))
        """;

    private const string MakeAll =
        """
        import os
        for d in range(4):
            os.mkdir(f'd{d}')
            for i in range(40):
                p = f'd{d}/f{i}'; text = (p.encode() * 100)[:3000]
                f = os.open(p, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
                for at in range(0, len(text), 700): assert os.write(f, text[at:at + 700]) > 0
                os.close(f)
        """;

    [InteropTheory(Need.Xfs | Need.Python)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void AListingBringsTheFilesThatAreReadNext(string volume)
    {
        using var relay = new ReplyRelay("127.0.0.1", volumes.StartSecondProxy(volume), new ReplyWish());
        var mount = Mount(volume, "make", relay);
        mount.Sh($"mkdir s1; cd s1; {Python(MakeAll)}");
        Assert.True(mount.Unmount());

        // Each file was written in five steps: one WRITE, unless the machine was slow. Nobody had locks.
        Assert.InRange(relay.Calls[(ReplyRelay.FopProgram, Write)], Folders * Files, Folders * Files * 3 / 2);
        Assert.DoesNotContain((ReplyRelay.FopProgram, 15U), relay.Calls.Keys);
        relay.Calls.Clear();
        mount = Mount(volume, "read", relay);
        mount.Sh($"cd s1; {Python(ReadAll)}");
        Assert.True(mount.Unmount());

        // Those of the first folder were read one by one, and none was opened.
        Assert.InRange(relay.Calls.GetValueOrDefault((ReplyRelay.FopProgram, Read)), 1, Files * 2);
        Assert.DoesNotContain((ReplyRelay.FopProgram, Open), relay.Calls.Keys);
    }

    [InteropTheory(Need.Xfs | Need.Python)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void LostAnswersChangeNothing(string volume)
    {
        var wish = new ReplyWish();
        using var first = new ReplyRelay("127.0.0.1", volumes.StartSecondProxy(volume), wish);
        using var second = new ReplyRelay("127.0.0.1", volumes.StartSecondProxy(volume), wish);
        var mount = Mount(volume, "lossy", first, second);
        mount.Sh("mkdir s2");
        wish.Arm(6, Write, ReplyRelay.Extension + 1);
        mount.Sh($"cd s2; {Python(MakeAll)}");
        Assert.Equal(6, wish.Taken);
        mount.Sh($"cd s2; {Python(ReadAll)}");
        wish.Arm(4, Readdirp);
        mount.Sh($"cd s2; {Python(ReadAll)}");
        Assert.Equal(4, wish.Taken);

        // Files that are closed are not open anywhere: they go with their names.
        mount.Sh("rm -r s2; test ! -e s2");
        Assert.True(mount.Unmount());
    }

    private static string Python(string script) => $"timeout 100 python3 - <<'EOP'\n{script}\nEOP\n";

    private MyrmexMount Mount(string volume, string name, params ReplyRelay[] relays)
    {
        var text = string.Concat(relays.Select((relay, i) =>
            $"volume p{i}\n    type protocol/client\n    option remote-host 127.0.0.1\n"
            + $"    option remote-port {Addresses.Text(relay.Port)}\n    option remote-subvolume gfproxyd-{volume}\n"
            + "    option transport-type tcp\nend-volume\n"));
        var layers = new[] { "cluster/aha", "performance/write-behind", "performance/open-behind", "performance/quick-read" };
        var below = string.Join(' ', relays.Select((_, i) => $"p{i}"));
        foreach (var type in layers)
        {
            text += $"volume {type.Split('/')[1]}\n    type {type}\n    subvolumes {below}\nend-volume\n";
            below = type.Split('/')[1];
        }

        return volumes.Directory.Own(MyrmexMount.FromVolfile(volumes.Directory, $"small-{volume}-{name}", text));
    }
}

/// <summary>Errors of writes that were still under way, or held back, are told by close.</summary>
public sealed class SmallFileErrorTests : IDisposable
{
    private readonly TestDirectory _directory = new(nameof(SmallFileErrorTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.Xfs | Need.Fuse | Need.Python)]
    public void AFullBrickIsToldByClose()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk", sizeMiB: 320));
        var bricks = Bricks.Make(disk.Path, 1);
        var process = _directory.Own(new BrickProcess(_directory, "vol", bricks));
        var mount = Mount(process);
        var text = mount.Sh(
            $$"""
            python3 - <<'EOP'
            import errno, os, subprocess
            f = os.open('small', os.O_CREAT | os.O_WRONLY)
            for size in ('64k', '4k'):
                subprocess.run(['dd', 'if=/dev/zero', 'of={{disk.Path}}/filler' + size, 'bs=' + size], stderr=subprocess.DEVNULL)
            assert os.write(f, b'x' * 65536) == 65536
            try: os.close(f); print('closed')
            except OSError as e: print(errno.errorcode[e.errno])
            EOP
            """);
        Assert.Equal("ENOSPC", text.Trim());
        Assert.True(mount.Unmount());
    }

    [InteropFact(Need.Xfs | Need.Fuse | Need.Python)]
    public void ABrickThatIsLostBetweenWriteAndCloseIsToldByClose()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var process = _directory.Own(new BrickProcess(_directory, "vol", Bricks.Make(disk.Path, 1)));
        var mount = Mount(process);
        var signal = _directory["signal"];
        using var writer = Child.Start(
            "writer", _directory.Logs, "python3", "-c",
            $$"""
            import errno, os, time
            def tell(text):
                open('{{signal}}.' + text, 'w').close()
            def wait(text):
                while not os.path.exists('{{signal}}.' + text): time.sleep(0.01)
            f = os.open('{{mount.Path}}/file', os.O_CREAT | os.O_WRONLY)
            tell('open'); wait('stopped')
            assert os.write(f, b'x' * 100) == 100
            tell('written'); wait('killed')
            try: os.close(f); print('closed')
            except OSError as e: print(errno.errorcode[e.errno])
            """);
        Await("open");
        Child.Signal(process.Pid, "STOP");
        File.WriteAllText(signal + ".stopped", "");
        Await("written");
        process.Kill();
        File.WriteAllText(signal + ".killed", "");
        Assert.True(writer.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal("ENOTCONN", File.ReadAllText(writer.Log).Trim());

        void Await(string what) => Wait.Until(what, TimeSpan.FromSeconds(20), () => File.Exists($"{signal}.{what}"));
    }

    private MyrmexMount Mount(BrickProcess process) => _directory.Own(
        MyrmexMount.FromVolfile(_directory, "mnt", Volfiles.Client("vol", process.Bricks)));
}

/// <summary>A brick of GlusterFS is asked as by a client of GlusterFS.</summary>
[Collection(StockGlusterdCollection.Name)]
public sealed class SmallFileStockTests : IDisposable
{
    private readonly TestDirectory _directory = new(nameof(SmallFileStockTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockServer | Need.Xfs | Need.Python)]
    public void NothingNewIsSentToAStockBrick()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var brick = Bricks.Make(disk.Path, 1)[0];
        var server = _directory.Own(new StockGlusterd(_directory));
        server.CreateVolume("vol", [brick]);
        using var relay = new ReplyRelay(server.Host, PortOf(server.BrickPids("vol")[0]), new ReplyWish());
        var isStrange = 0;
        relay.OnFop = record =>
        {
            if (record.AsSpan().IndexOf("myrmex"u8) >= 0)
            {
                Interlocked.Increment(ref isStrange);
            }
        };
        var mount = _directory.Own(MyrmexMount.FromVolfile(
            _directory, "mnt", Volfiles.Client("vol", [new BrickAddress("127.0.0.1", relay.Port, brick)])));
        mount.Sh(
            """
            for d in 1 2 3; do
                mkdir d$d
                for i in $(seq 40); do echo $d-$i > d$d/f$i; done
            done
            for round in 1 2; do
                for d in 1 2 3; do
                    ls -l d$d > /dev/null
                    for i in $(seq 40); do test $(cat d$d/f$i) = $d-$i; done
                done
            done
            grep -r 3-17 . | grep -q f17
            rm -r d1 d2 d3
            """);
        Assert.True(mount.Unmount());
        Assert.Equal(0, isStrange);
        Assert.True(relay.Calls[(ReplyRelay.FopProgram, 41)] >= 120);
        uint[] known = [123451501, 14398633, 34123456, ReplyRelay.FopProgram];
        Assert.Subset(known.ToHashSet(), relay.Calls.Keys.Select(c => c.Program).ToHashSet());
    }

    private static int PortOf(int pid)
    {
        List<string> words = [.. File.ReadAllText($"/proc/{pid}/cmdline").Split('\0')];
        return int.Parse(words[words.IndexOf("--brick-port") + 1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
