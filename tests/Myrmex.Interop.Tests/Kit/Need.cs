using System;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>What the machine must offer for a test; a test whose need is not met is skipped and says why.</summary>
[Flags]
public enum Need
{
    None = 0,

    /// <summary>trusted.* attributes, mounts, loop devices, addresses.</summary>
    Root = 1,

    /// <summary>/dev/fuse, and root.</summary>
    Fuse = 2 | Root,

    /// <summary>The stock client (<c>glusterfs</c>), and what it needs.</summary>
    StockClient = 4 | Fuse,

    /// <summary>The stock server (<c>glusterd</c>, <c>glusterfsd</c>, <c>gluster</c>), and what it needs.</summary>
    StockServer = 8 | StockClient,

    /// <summary>fio with the gfapi engine.</summary>
    FioGfapi = 16,

    /// <summary>qemu-img with the gluster block driver.</summary>
    QemuGluster = 32,

    Python = 64,

    /// <summary>Runs longer than a minute: only with MYRMEX_LONG=1.</summary>
    Long = 128,

    /// <summary>Loop devices and mkfs.xfs.</summary>
    Xfs = 256 | Root,

    /// <summary>git, gcc and make.</summary>
    Toolchain = 512,

    /// <summary>etcd, etcdctl and root.</summary>
    Etcd = 1024 | Root,

    /// <summary>openssl, to make certificates.</summary>
    OpenSsl = 2048,

    /// <summary>Network namespaces (iproute2, util-linux), and root.</summary>
    Namespaces = 4096 | Root,
}

/// <summary>Looks for what <see cref="Need"/> names.</summary>
internal static class Machine
{
    private static readonly string[] Path =
        (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin:/usr/local/sbin").Split(':', StringSplitOptions.RemoveEmptyEntries);

    public static bool LongRuns => Environment.GetEnvironmentVariable("MYRMEX_LONG") == "1";

    /// <summary>Why a test with these needs cannot run here; null when it can.</summary>
    public static string? Missing(Need need)
    {
        bool Wants(Need one) => (need & one) == one && one != 0;
        return true switch
        {
            _ when Wants(Need.Long) && !LongRuns => "a long run; set MYRMEX_LONG=1",
            _ when Wants(Need.Root) && !Environment.IsPrivilegedProcess => "needs root (trusted attributes, mounts)",
            _ when Wants(Need.Fuse) && !File.Exists("/dev/fuse") => "needs /dev/fuse",
            _ when Wants(Need.StockClient) && Find("glusterfs") is null => "needs the stock client (package glusterfs-client)",
            _ when Wants(Need.StockServer) && Find("glusterd") is null => "needs the stock server (package glusterfs-server)",
            _ when Wants(Need.FioGfapi) && !HasFioGfapi() => "needs fio with the gfapi engine",
            _ when Wants(Need.QemuGluster) && !HasQemuGluster() => "needs qemu-img with the gluster driver (qemu-block-extra)",
            _ when Wants(Need.Python) && Find("python3") is null => "needs python3",
            _ when Wants(Need.Xfs) && (Find("mkfs.xfs") is null || !File.Exists("/dev/loop-control")) => "needs mkfs.xfs and loop devices",
            _ when Wants(Need.Etcd) && (Find("etcd") is null || Find("etcdctl") is null) =>
                "needs etcd (packages etcd-server, etcd-client)",
            _ when Wants(Need.OpenSsl) && Find("openssl") is null => "needs openssl",
            _ when Wants(Need.Namespaces) && new[] { "ip", "nsenter", "unshare" }.Any(t => Find(t) is null) =>
                "needs network namespaces (packages iproute2, util-linux)",
            _ when Wants(Need.Toolchain) && new[] { "git", "gcc", "make" }.Any(t => Find(t) is null) => "needs git, gcc and make",
            _ => null,
        };
    }

    /// <summary>The program's full path, or null.</summary>
    public static string? Find(string program) =>
        Path.Select(directory => System.IO.Path.Combine(directory, program)).FirstOrDefault(File.Exists);

    private static bool HasFioGfapi() =>
        Find("fio") is not null && Shell.Run("/", TimeSpan.FromSeconds(10), "fio", "--enghelp").Output.Contains("gfapi", StringComparison.Ordinal);

    private static bool HasQemuGluster() =>
        Find("qemu-img") is not null
        && Directory.Exists("/usr/lib")
        && Directory.EnumerateFiles("/usr/lib", "block-gluster.so", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }).Any();
}
