using System;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>A volume of the daemon for programs with gfapi (libgfapi): they fetch the volume file from port 24007.</summary>
public sealed class GfapiVolume : VolumeUnderTest
{
    internal VolumeServer Server { get; private set; } = null!; // Set by Start.

    internal override FuseMount Start(TestDirectory directory, string[] bricks)
    {
        Server = directory.Own(VolumeServer.Start(directory));
        Server.CreateVolume("vol", bricks);
        return StockMount.FromServer(directory, "mnt", Server.Host, "vol");
    }
}

/// <summary>
/// fio and QEMU through the stock gfapi library on a Myrmex volume. The library waits ten seconds at the end of every program, whoever
/// serves it, so the short runs start few programs.
/// </summary>
public sealed class GfapiTests(GfapiVolume volume) : IClassFixture<GfapiVolume>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    [InteropTheory(Need.StockClient | Need.Xfs | Need.FioGfapi)]
    [InlineData("parallel", "--rw=write --bs=64k --size=16m --numjobs=3")]
    [InlineData("random", "--rw=randwrite --bs=4k --size=8m --numjobs=2")]
    public void FioFindsEveryChecksumItWrote(string name, string job) => Fio(name, "gfapi", job);

    [InteropTheory(Need.StockClient | Need.Xfs | Need.FioGfapi | Need.Long)]
    [InlineData("sequential", "--rw=write --bs=128k --size=256m")]
    [InlineData("mixed", "--rw=randwrite --bsrange=512-128k --blockalign=512 --size=64m --fsync=64")]
    [InlineData("readwrite", "--rw=randrw --bs=8k --size=32m --numjobs=3 --verify_backlog=64")]
    public void FioFindsEveryChecksumOfALongJob(string name, string job) => Fio(name, "gfapi", job);

    [InteropFact(Need.StockClient | Need.Xfs | Need.FioGfapi)]
    public void FioWithManyRequestsInFlightFindsEveryChecksum() =>
        Fio("async", "gfapi_async", "--rw=randwrite --bs=16k --size=24m --iodepth=16");

    [InteropFact(Need.StockClient | Need.Xfs | Need.QemuGluster)]
    public void QemuImageHasTheContentOfItsSource()
    {
        var local = LocalDisk();
        var image = Image("image.qcow2");
        Qemu($"convert -f raw -O qcow2 {local} {image}");
        Assert.Contains("identical", Qemu($"compare -f raw -F qcow2 {local} {image}"), StringComparison.Ordinal);
        Assert.Contains("No errors", Qemu($"check {image}"), StringComparison.Ordinal);
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.QemuGluster)]
    public void RawQemuImageIsAPlainFileOfTheVolume()
    {
        var local = LocalDisk();
        Qemu($"convert -f raw -O raw {local} {Image("image.raw")}");
        Shell.Check("/", "cmp", local, Path.Combine(volume.MountPath, "image.raw"));
    }

    [InteropTheory(Need.StockClient | Need.Xfs | Need.QemuGluster | Need.Long)]
    [InlineData("raw")]
    [InlineData("qcow2")]
    public void QemuImagesSurviveConversion(string format)
    {
        var directory = volume.Directory;
        var local = LocalDisk();
        var image = Image($"life.{format}");
        var back = directory[$"back-{format}.img"];
        Qemu($"create -f {format} {image} 128M");
        Assert.Contains("virtual size: 128 MiB", Qemu($"info {image}"), StringComparison.Ordinal);
        Qemu($"convert -f raw -O {format} {local} {image}");
        Assert.Contains("virtual size: 65 MiB", Qemu($"info {image}"), StringComparison.Ordinal);
        Qemu($"convert -f {format} -O raw {image} {back}");
        Shell.Check("/", "cmp", local, back);
        if (format != "raw")
        {
            Qemu($"snapshot -c first {image}");
            Qemu($"resize {image} 256M");
            Assert.Contains("first", Qemu($"snapshot -l {image}"), StringComparison.Ordinal);
            Assert.Contains("No errors", Qemu($"check {image}"), StringComparison.Ordinal);
        }
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.QemuGluster | Need.Long)]
    public void QemuReadsWhatItWroteInAnyOrder()
    {
        var image = Image("io.qcow2");
        Qemu($"create -f qcow2 {image} 64M");
        QemuIO(image, "write -P 1 0 1M", "write -P 2 512k 64k", "aio_write -P 3 10M 4M", "aio_write -P 4 20M 100k", "aio_flush", "discard 11M 1M", "flush");
        QemuIO(
            image, "read -P 1 0 512k", "read -P 2 512k 64k", "read -P 1 576k 448k", "read -P 3 10M 1M", "read -P 0 11M 1M", "read -P 3 12M 2M",
            "read -P 4 20M 100k");
        Assert.Contains("No errors", Qemu($"check {image}"), StringComparison.Ordinal);
    }

    private static void QemuIO(string image, params string[] commands)
    {
        var output = Shell.Succeed(Shell.Run(
            "/", Limit, "qemu-io", [.. new[] { "-f", "qcow2" }, .. commands.SelectMany(c => new[] { "-c", c }), image]));
        Assert.DoesNotContain("Pattern verification failed", output, StringComparison.Ordinal);
    }

    private string Image(string name)
    {
        Assert.True(Mounts.IsMounted(volume.MountPath)); // Starts the volume.
        return $"gluster://{volume.Server.Host}/vol/{name}";
    }

    /// <summary>A local raw disk of 65 MiB with data, holes and data. Never a name of the fixture's: it is overwritten.</summary>
    private string LocalDisk()
    {
        var local = volume.Directory["source-of-images.raw"];
        Shell.CheckBash("/", $"head -c 24M /dev/urandom > {local}; truncate -s 64M {local}; head -c 1M /dev/urandom >> {local}");
        return local;
    }

    private static string Qemu(string arguments) =>
        Shell.Succeed(Shell.Run("/", Limit, "qemu-img", arguments.Split(' ')));

    private void Fio(string name, string engine, string job)
    {
        Assert.True(Mounts.IsMounted(volume.MountPath));
        var output = Shell.Succeed(Shell.Run(
            volume.Directory.Path,
            Limit,
            "fio",
            [
                .. $"--name={name} --ioengine={engine} --volume=vol --brick={volume.Server.Host} --verify=crc32c --do_verify=1".Split(' '),
                "--verify_fatal=1",
                "--thread",
                .. job.Split(' '),
            ]));
        Assert.Contains("err= 0", output, StringComparison.Ordinal);
        Assert.DoesNotContain("verify:", output, StringComparison.Ordinal);
    }
}
