using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// A thin client with two proxies. Each change takes effect, its answer is dropped and the connection is cut, once or
/// several times in a row; the application sees the first outcome, and there is only one.
/// </summary>
public sealed class ExactlyOnceTests(ProxiedVolumes volumes) : IClassFixture<ProxiedVolumes>
{
    private const Need Needs = Need.Xfs | Need.Python;

    /// <summary>What is done, and the procedures whose answer is lost, more than one where the kernel chooses.</summary>
    private static readonly (string What, string Script, uint[] Procedures)[] Changes =
    [
        ("mknod", "os.mkfifo(p)", [3]),
        ("mkdir", "os.mkdir(p)", [4]),
        ("unlink", "made(p); arm(); os.unlink(p); assert not os.path.lexists(p)", [5]),
        ("rmdir", "os.mkdir(p); arm(); os.rmdir(p); assert not os.path.lexists(p)", [6]),
        ("symlink", "os.symlink('there', p)", [7]),
        ("rename", "made(p + 'x'); arm(); os.rename(p + 'x', p); assert not os.path.lexists(p + 'x')", [8]),
        ("rename over", "made(p + 'x'); made(p, b'other'); arm(); os.rename(p + 'x', p); assert read(p) == b'content'", [8]),
        ("rename of a directory", "os.mkdir(p + 'x'); arm(); os.rename(p + 'x', p); assert not os.path.lexists(p + 'x')", [8]),
        ("link", "made(p + 'x'); arm(); os.link(p + 'x', p); assert os.stat(p).st_nlink == 2", [9]),
        ("truncate", "made(p); arm(); os.truncate(p, 3); assert read(p) == b'con'", [10, 24, 38, 39]),
        ("create", "f = os.open(p, os.O_CREAT | os.O_EXCL | os.O_RDWR); os.write(f, b'x'); os.close(f)", [23]),
        ("write", "f = os.open(p, os.O_CREAT | os.O_RDWR); arm(); assert os.pwrite(f, b'abc', 5) == 3; os.close(f); assert os.stat(p).st_size == 8", [13]),
        ("append", "made(p); f = os.open(p, os.O_WRONLY | os.O_APPEND); arm(); assert os.write(f, b'more') == 4; os.close(f); assert read(p) == b'contentmore'", [13]),
        ("setxattr", "made(p); arm(); os.setxattr(p, 'user.a', b'b', os.XATTR_CREATE); assert os.getxattr(p, 'user.a') == b'b'", [17, 36]),
        ("setxattr of a directory", "os.mkdir(p); arm(); os.setxattr(p, 'user.a', b'b', os.XATTR_CREATE); assert os.getxattr(p, 'user.a') == b'b'", [17, 36]),
        ("removexattr", "made(p); os.setxattr(p, 'user.a', b'b'); arm(); os.removexattr(p, 'user.a'); assert 'user.a' not in os.listxattr(p)", [19, 43]),
        ("chmod", "made(p); arm(); os.chmod(p, 0o600); assert os.stat(p).st_mode & 0o777 == 0o600", [38, 39]),
        ("fallocate", "made(p); f = os.open(p, os.O_RDWR); arm(); os.posix_fallocate(f, 0, 65536); os.close(f); assert os.stat(p).st_size == 65536", [44]),
    ];

    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed, 1)]
    [InlineData(ProxiedVolumes.Distributed, 3)]
    [InlineData(ProxiedVolumes.Replicated, 1)]
    [InlineData(ProxiedVolumes.Replicated, 3)]
    public void TheFirstOutcomeIsTheOnlyOne(string volume, int losses)
    {
        var wish = new ReplyWish();
        using var first = new ReplyRelay("127.0.0.1", volumes.StartSecondProxy(volume), wish);
        using var second = new ReplyRelay("127.0.0.1", volumes.StartSecondProxy(volume), wish);
        var mount = volumes.Directory.Own(MyrmexMount.FromVolfile(
            volumes.Directory, $"once-{volume}-{losses}", Volfile(volume, first.Port, second.Port)));
        var root = $"once-{losses}";
        mount.Sh($"mkdir {root}");
        for (var i = 0; i < Changes.Length * 3; i++)
        {
            // Three names of each, so that they lie on several bricks.
            var (what, script, procedures) = Changes[i % Changes.Length];
            Change(mount, $"{root}/n{i.ToString(CultureInfo.InvariantCulture)}", what, script, () => wish.Arm(losses, procedures));
            Assert.True(wish.Taken == losses, $"{what}: {wish.Taken} answers lost");
        }

        mount.Sh($"rm -r {root}");
        Assert.True(mount.Unmount());
    }

    /// <summary>Runs a script to where it wants an answer to be lost, and on.</summary>
    private void Change(MyrmexMount mount, string path, string what, string script, Action arm)
    {
        var directory = volumes.Directory.Make("signals");
        var armed = $"{directory}/{Guid.NewGuid():N}";
        var text = new StringBuilder(
            $$"""
            import os, time
            p = '{{path}}'
            def arm():
                open('{{armed}}.wants', 'w').close()
                while not os.path.exists('{{armed}}.has'): time.sleep(0.005)
            def made(name, content=b'content'):
                f = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY); os.write(f, content); os.close(f)
            def read(name):
                with open(name, 'rb') as f: return f.read()

            """);
        text.Append(script.Contains("arm()", StringComparison.Ordinal) ? script : $"arm(); {script}; assert os.path.lexists(p)");
        var file = volumes.Directory.Write($"{Guid.NewGuid():N}.py", text.Append('\n').ToString());
        var isArmed = 0;
        using var arming = new Timer(
            _ =>
            {
                if (File.Exists($"{armed}.wants") && Interlocked.Exchange(ref isArmed, 1) == 0)
                {
                    arm();
                    File.WriteAllText($"{armed}.has", what);
                }
            },
            null, 5, 5);
        mount.Sh($"timeout 100 python3 {file}");
    }

    /// <summary>No write-behind: each change is answered when it is done.</summary>
    private static string Volfile(string volume, int first, int second)
    {
        var text = new StringBuilder();
        foreach (var (name, port) in new[] { ("a", first), ("b", second) })
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"volume {name}\n    type protocol/client\n    option remote-host 127.0.0.1\n    option remote-port {port}\n"
                + $"    option remote-subvolume gfproxyd-{volume}\n    option transport-type tcp\nend-volume\n");
        }

        return text.Append(CultureInfo.InvariantCulture, $"volume {volume}\n    type cluster/aha\n    subvolumes a b\nend-volume\n")
            .ToString();
    }
}
