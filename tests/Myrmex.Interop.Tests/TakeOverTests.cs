using System;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Bricks change hands: a stock volume is served by Myrmex from the same directories, changed, and given back. And names are placed on
/// the bricks that the stock distribute translator would have chosen.
/// </summary>
[Collection(StockGlusterdCollection.Name)]
public sealed class TakeOverTests : IDisposable
{
    private const string Fill =
        """
        umask 022
        for d in a b 'c d' deep/er/and/deeper; do mkdir -p "$d"; for i in $(seq 15); do echo "$d $i" > "$d/file $i"; done; done
        head -c 3000000 /dev/urandom > big; truncate -s 5M sparse; mkfifo fifo; ln -s 'a/file 1' symlink; mknod null c 1 3
        for i in $(seq 8); do ln "a/file $i" "b/hard $i"; done
        for i in $(seq 12); do echo $i > old$i; mv old$i new$i; done; mv b moved
        chmod 750 a; chown 12:34 big; chmod 4755 big; touch -d '2001-02-03 04:05:06.789' 'a/file 2'
        setfattr -n user.key -v value big; setfattr -n user.dir -v value a
        """;

    private const string Change =
        """
        [[ $(cat moved/'hard 3') == 'a 3' ]]; echo added >> 'a/file 3'; [[ $(tail -1 moved/'hard 3') == added ]]
        rm 'c d/file 1'; mv 'c d' 'e f'; mkdir new-dir; for i in $(seq 20); do echo $i > new-dir/n$i; done
        mv new-dir/n1 'e f/moved in'; ln big big-link; rm new3; for i in 4 5 6 7; do mv new$i again$i; done
        truncate -s 1000 sparse; chmod 700 moved; setfattr -n user.second -v 2 big; setfattr -x user.dir a
        rm -r deep/er/and/deeper; rmdir deep/er/and; echo x > deep/er/x
        """;

    /// <summary>Everything a user can see, in a text.</summary>
    private const string Describe =
        """
        find . -mindepth 1 \( -type d -printf '%P %y %m %U:%G\n' -o -printf '%P %y %m %U:%G %n %s %l %T@\n' \) | sort
        find . -type f -print0 | sort -z | xargs -0 sha256sum
        getfattr -R -P -d -m '^user' . 2>/dev/null | sort
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TestDirectory _directory = new(nameof(TakeOverTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockServer | Need.Xfs | Need.Python)]
    public void StockVolumeIsServedInPlaceAndGivenBack()
    {
        var bricks = MakeBricks("b");
        var glusterd = FillStockVolume(bricks, out var before);
        Audit.Check(bricks);
        var changed = ServeWithMyrmex(bricks, before, MyrmexMount.FromVolfile);
        Audit.Check(bricks);
        glusterd.StartVolume("vol", bricks.Length);
        using (var mount = StockMount.FromServer(_directory, "last", glusterd.Host, "vol"))
        {
            Assert.Equal(changed, mount.Sh(Describe));
            mount.Sh("cat 'e f/moved in' big-link > /dev/null; echo more >> again4; rm -r moved; mv 'e f' g; rm again5; mkdir new-dir/x", Limit);
        }

        glusterd.StopVolume("vol");
        Audit.Check(bricks);
    }

    /// <summary>As docs/guides/from-glusterfs.md says: only the mark of the volume changes, and can be put back.</summary>
    [InteropFact(Need.StockServer | Need.Xfs | Need.Python)]
    public void StockVolumeIsTakenOverByCommandAndGivenBack()
    {
        var bricks = MakeBricks("b");
        var glusterd = FillStockVolume(bricks, out var before);
        var mark = Shell.CheckBash("/", $"getfattr -n trusted.glusterfs.volume-id -e hex {bricks[0]} 2>/dev/null | sed -n 's/.*=//p'").Trim();
        string changed;
        using (var daemon = new MyrmexDaemon(_directory))
        {
            daemon.CreateVolume("vol", bricks);
            using var mount = MyrmexMount.FromServer(_directory, "own", daemon.Host, "vol");
            Assert.Equal(before, mount.Sh(Describe));
            mount.Sh(Change, Limit);
            changed = mount.Sh(Describe);
            mount.Unmount();
            daemon.StopVolume("vol");
        }

        Audit.Check(bricks);
        Shell.CheckBash("/", string.Join("; ", bricks.Select(b => $"setfattr -n trusted.glusterfs.volume-id -v {mark} {b}")));
        glusterd.StartVolume("vol", bricks.Length);
        using (var mount = StockMount.FromServer(_directory, "last", glusterd.Host, "vol"))
        {
            Assert.Equal(changed, mount.Sh(Describe));
        }

        glusterd.StopVolume("vol");
    }

    [InteropFact(Need.StockServer | Need.Xfs | Need.Python)]
    public void VolumeMadeByMyrmexIsServedByStockBricks()
    {
        var bricks = MakeBricks("b");
        string before;
        using (var daemon = new MyrmexDaemon(_directory))
        {
            daemon.CreateVolume("vol", bricks);
            using var mount = MyrmexMount.FromServer(_directory, "first", daemon.Host, "vol");
            mount.Sh(Fill, Limit);
            before = mount.Sh(Describe);
            mount.Unmount();
            daemon.StopVolume("vol");
        }

        Audit.Check(bricks);
        // A stock daemon makes a volume of used directories only when their volume id is gone; everything else stays.
        Shell.CheckBash("/", $"setfattr -x trusted.glusterfs.volume-id {bricks[0]}; setfattr -x trusted.glusterfs.volume-id {bricks[1]}; setfattr -x trusted.glusterfs.volume-id {bricks[2]}");
        var glusterd = _directory.Own(new StockGlusterd(_directory));
        glusterd.CreateVolume("vol", bricks);
        using (var mount = StockMount.FromServer(_directory, "second", glusterd.Host, "vol"))
        {
            Assert.Equal(before, mount.Sh(Describe));
            mount.Sh(Change, Limit);
        }

        glusterd.StopVolume("vol");
        Audit.Check(bricks);
    }

    [InteropFact(Need.StockServer | Need.Xfs | Need.Python)]
    public void NamesLandOnTheBricksThatStockWouldChoose()
    {
        var stock = MakeBricks("stock");
        var own = MakeBricks("own");
        var glusterd = _directory.Own(new StockGlusterd(_directory));
        glusterd.CreateVolume("vol", stock);
        using (var mount = StockMount.FromServer(_directory, "m-stock", glusterd.Host, "vol"))
        {
            MakeNames(mount);
        }

        glusterd.StopVolume("vol");
        using (var daemon = new MyrmexDaemon(_directory))
        {
            daemon.CreateVolume("vol", own);
            using var mount = MyrmexMount.FromServer(_directory, "m-own", daemon.Host, "vol");
            MakeNames(mount);
            mount.Unmount();
            daemon.StopVolume("vol");
        }

        Audit.SamePlaces(stock, own);
        Audit.Check(own);
    }

    [InteropFact(Need.StockServer | Need.Xfs | Need.Python)]
    public void OwnAndStockClientShareAVolume()
    {
        var bricks = MakeBricks("b");
        var glusterd = _directory.Own(new StockGlusterd(_directory));
        glusterd.CreateVolume("vol", bricks);
        using var own = MyrmexMount.FromServer(_directory, "own", glusterd.Host, "vol");
        using var stock = StockMount.FromServer(_directory, "stock", glusterd.Host, "vol");
        own.Sh(Fill, Limit);
        Assert.Equal(own.Sh(Describe), stock.Sh(Describe));
        stock.Sh(Change, Limit);
        own.Sh("sleep 1.2"); // The kernel may answer from its caches for a second.
        Assert.Equal(stock.Sh(Describe), own.Sh(Describe));
    }

    private static void MakeNames(FuseMount mount) => mount.Sh(
        """
        for d in . one 'two words' deep/er; do mkdir -p "$d"; for i in $(seq 40); do echo > "$d/file$i"; echo > "$d/.file$i.txt.Ab12$i"; done
          for n in 'ünï' '日本語.txt' a b "$(printf 'x%.0s' $(seq 255))"; do echo > "$d/$n"; done; done
        for i in $(seq 20); do mv one/file$i one/renamed$i; ln one/file3$((i % 10)) one/hard$i; ln -s x deep/sym$i; mkdir deep/dir$i; done
        mv deep/dir1 one/dir; mv 'two words' words; for i in $(seq 10); do mv deep/dir1$i deep/other$i 2>/dev/null || true; done
        """,
        Limit);

    /// <summary>A stock volume that was used and is stopped again.</summary>
    private StockGlusterd FillStockVolume(string[] bricks, out string content)
    {
        var glusterd = _directory.Own(new StockGlusterd(_directory));
        glusterd.CreateVolume("vol", bricks);
        using (var mount = StockMount.FromServer(_directory, "first", glusterd.Host, "vol"))
        {
            mount.Sh(Fill, Limit);
            content = mount.Sh(Describe);
        }

        glusterd.StopVolume("vol");
        return glusterd;
    }

    private string[] MakeBricks(string name)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk-" + name, sizeMiB: 1024));
        return Bricks.Make(Directory.CreateDirectory(Path.Combine(disk.Path, name)).FullName, 3);
    }

    /// <summary>Serves the bricks, checks that all is as before, and changes it; each half through another client.</summary>
    private string ServeWithMyrmex(string[] bricks, string before, Func<TestDirectory, string, string, string[], FuseMount> second)
    {
        using var server = new BrickProcess(_directory, "vol", bricks);
        var volfile = Volfiles.Client("vol", server.Bricks);
        using (var mount = StockMount.FromVolfile(_directory, "stock-client", volfile))
        {
            Assert.Equal(before, mount.Sh(Describe));
            mount.Sh(Change, Limit);
            var changed = mount.Sh(Describe);
            mount.Unmount();
            using var own = second(_directory, "own-client", volfile, []);
            Assert.Equal(changed, own.Sh(Describe));
            own.Sh("for i in $(seq 9); do echo $i > own$i; mv own$i owned$i; done; rm owned9; mkdir own-dir; echo x > own-dir/x");
            changed = own.Sh(Describe);
            own.Unmount();
            server.Stop();
            return changed;
        }
    }
}
