using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Programs on several clients append to one file. The kernel of each computes where the end is from the size it knows; only the brick
/// knows where it really is, so no record may be lost, doubled or torn.
/// </summary>
public sealed class AppendTests : IDisposable
{
    private const int Count = 2000;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);

    private readonly TestDirectory _directory = new(nameof(AppendTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void AppendsOfAllKindsOfClientsNeverOverlap()
    {
        var (daemon, first, second, stock) = Clients();

        // The kernel cuts what the stock client writes where a page ends, so its records must not reach over that.
        const int Size = 128;
        Append([["file", Log(first)], ["file", Log(second)], ["file", Log(stock)], ["gfapi", daemon.Host, "vol", "log"]], Size);
        Assert.All(new FuseMount[] { first, second, stock }, mount => AssertWhole(mount, 4, Size));
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void AppendsOfOurClientsAndGfapiAreNeverCut()
    {
        var (daemon, first, second, _) = Clients();
        Append([["file", Log(first)], ["file", Log(second)], ["file", Log(second)], ["gfapi", daemon.Host, "vol", "log"]], 100);
        AssertWhole(first, 4, 100);
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void AWriterSeesWhatItHasAppendedWhereverItLanded()
    {
        var (_, first, second, stock) = Clients();
        Append([["check", Log(first)], ["check", Log(second)], ["file", Log(stock)], ["file", Log(first)]], 128, 600);
        AssertWhole(second, 4, 128, 600);
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void PagesMappedThroughAnAppendingDescriptorStayWhereTheyAre()
    {
        var (_, first, _, stock) = Clients();
        first.Sh(
            """
            python3 - <<'END'
            import mmap, os
            fd = os.open("mapped", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            os.write(fd, b"a" * 10000)
            with mmap.mmap(fd, 10000) as memory:
                memory[100:105] = b"HELLO"
                memory[9000:9005] = b"WORLD"
                memory.flush()
            os.close(fd)
            END
            """);
        stock.Sh(
            """
            python3 - <<'END'
            wanted = bytearray(b"a" * 10000)
            wanted[100:105] = b"HELLO"
            wanted[9000:9005] = b"WORLD"
            assert open("mapped", "rb").read() == bytes(wanted)
            END
            """);
    }

    private static string Log(FuseMount mount) => Path.Combine(mount.Path, "log");

    /// <summary>As soon as the kernel's knowledge of the size has expired, which takes a second, every record is there once.</summary>
    private static void AssertWhole(FuseMount mount, int writers, int size, int count = Count)
    {
        var wanted = $"records {writers * count} missing 0 twice 0 broken 0";
        var seen = string.Empty;
        Wait.Holds(TimeSpan.FromSeconds(5), () => (seen = Verify(mount, writers, count, size)) == wanted);
        Assert.Equal(wanted, seen);
    }

    private static string Verify(FuseMount mount, int writers, int count, int size) => Shell.Check(
        "/", "python3", Helper.PathOf("append.py"), "verify", Log(mount), $"{writers}", $"{count}", $"{size}").Trim();

    /// <summary>Starts the writers, lets them go together and waits for all.</summary>
    private static void Append(string[][] writers, int size, int count = Count)
    {
        var helpers = new List<Helper>();
        try
        {
            helpers.AddRange(writers.Select((words, number) =>
                Helper.Start("append.py", [.. words, $"{number}", $"{count}", $"{size}"])));
            Assert.All(helpers, h => Assert.Equal("ready", h.Answer(Limit)));
            helpers.ForEach(h => h.Tell("go"));
            Assert.All(helpers, h => Assert.Equal("done", h.Answer(Limit)));
        }
        finally
        {
            helpers.ForEach(h => h.Dispose());
        }
    }

    private (MyrmexDaemon Daemon, MyrmexMount First, MyrmexMount Second, StockMount Stock) Clients()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var daemon = _directory.Own(new MyrmexDaemon(_directory));
        daemon.CreateVolume("vol", Bricks.Make(disk.Path, 2));
        return (
            daemon,
            _directory.Own(MyrmexMount.FromServer(_directory, "own1", daemon.Host, "vol")),
            _directory.Own(MyrmexMount.FromServer(_directory, "own2", daemon.Host, "vol")),
            _directory.Own(StockMount.FromServer(_directory, "stock", daemon.Host, "vol")));
    }
}
