using System;
using System.Diagnostics;
using System.Linq;
using System.Text;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Stock clients with a disperse graph (2 + 1) over our bricks. They keep the lock of a file after a write until somebody else wants it,
/// which the brick tells by the contention callback, or until a time has passed, which here is a minute.
/// </summary>
public sealed class DisperseTests : IDisposable
{
    private readonly TestDirectory _directory = new(nameof(DisperseTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void AClientGivesItsEagerLockUpWhenAnotherWantsIt()
    {
        var (a, b) = Clients();
        a.Sh("echo created > file");
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < 3; round++)
        {
            a.Sh($"exec 3>>file; echo a{round} >&3; cat file > /dev/null");
            b.Sh($"exec 3>>file; echo b{round} >&3; cat file > /dev/null", TimeSpan.FromSeconds(50));
        }

        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
        Assert.Equal("created\na0\nb0\na1\nb1\na2\nb2\n", a.Sh("sleep 1.1; cat file"));
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void StripesOfAnAppendingFileStayWhereTheyAre()
    {
        var (a, _) = Clients();
        a.Sh(
            """
            python3 - <<'END'
            import os
            wanted = b""
            for number in range(200):
                fd = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
                piece = f"record {number} ".encode() * (1 + number % 7)
                os.write(fd, piece)
                os.close(fd)
                wanted += piece
            assert open("log", "rb").read() == wanted
            END
            """);
    }

    private (StockMount First, StockMount Second) Clients()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var server = _directory.Own(new BrickProcess(_directory, "vol", Bricks.Make(disk.Path, 3)));
        var text = new StringBuilder();
        foreach (var (brick, number) in server.Bricks.Select((brick, number) => (brick, number)))
        {
            text.Append(
                $"""
                volume vol-client-{number}
                    type protocol/client
                    option transport-type tcp
                    option remote-host {brick.Host}
                    option remote-port {brick.Port}
                    option remote-subvolume {brick.Path}
                end-volume


                """);
        }

        text.Append(
            """
            volume vol-disperse-0
                type cluster/disperse
                option redundancy 1
                option eager-lock on
                option eager-lock-timeout 60
                option other-eager-lock on
                option other-eager-lock-timeout 60
                subvolumes vol-client-0 vol-client-1 vol-client-2
            end-volume

            volume vol
                type debug/io-stats
                subvolumes vol-disperse-0
            end-volume

            """);
        return (
            _directory.Own(StockMount.FromVolfile(_directory, "a", text.ToString())),
            _directory.Own(StockMount.FromVolfile(_directory, "b", text.ToString())));
    }
}
