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
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);

    private readonly TestDirectory _directory = new(nameof(AppendTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void AppendsOfAllKindsOfClientsNeverOverlap()
    {
        const int Count = 2000;
        var (daemon, first, second, stock) = Clients();
        string[][] writers =
        [
            ["file", Log(first)],
            ["file", Log(second)],
            ["file", Log(stock)],
            ["gfapi", daemon.Host, "vol", "log"],
        ];
        Append(writers, Count);
        foreach (var mount in new FuseMount[] { first, second, stock })
        {
            Assert.Equal($"records {writers.Length * Count} missing 0 twice 0 broken 0", Verify(mount, writers.Length, Count));
        }
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void AWriterSeesWhatItHasAppendedWhereverItLanded()
    {
        const int Count = 600;
        var (_, first, second, stock) = Clients();
        string[][] writers = [["check", Log(first)], ["check", Log(second)], ["file", Log(stock)], ["file", Log(first)]];
        Append(writers, Count);
        Assert.Equal($"records {writers.Length * Count} missing 0 twice 0 broken 0", Verify(second, writers.Length, Count));
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

    private static string Verify(FuseMount mount, int writers, int count) => Shell.Check(
        "/", "python3", Helper.PathOf("append.py"), "verify", Log(mount), Addresses.Text(writers), Addresses.Text(count)).Trim();

    /// <summary>Starts the writers, lets them go together and waits for all.</summary>
    private static void Append(string[][] writers, int count)
    {
        var helpers = new List<Helper>();
        try
        {
            helpers.AddRange(writers.Select((words, number) =>
                Helper.Start("append.py", [.. words, Addresses.Text(number), Addresses.Text(count)])));
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
