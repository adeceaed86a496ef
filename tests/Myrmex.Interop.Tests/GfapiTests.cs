using System;
using System.IO;
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

/// <summary>fio and QEMU through the stock gfapi library on a Myrmex volume.</summary>
public sealed class GfapiTests(GfapiVolume volume) : IClassFixture<GfapiVolume>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    [InteropTheory(Need.StockClient | Need.Xfs | Need.FioGfapi)]
    [InlineData("sequential", "--rw=write --bs=128k --size=48m")]
    [InlineData("parallel", "--rw=write --bs=64k --size=16m --numjobs=3")]
    [InlineData("random", "--rw=randwrite --bs=4k --size=8m --numjobs=2")]
    [InlineData("mixed", "--rw=randwrite --bsrange=512-128k --blockalign=512 --size=16m --fsync=64")]
    [InlineData("readwrite", "--rw=randrw --bs=8k --size=8m --numjobs=2 --verify_backlog=64")]
    public void FioFindsEveryChecksumItWrote(string name, string job)
    {
        Fio(name, "gfapi", job);
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.FioGfapi)]
    public void FioWithManyRequestsInFlightFindsEveryChecksum() =>
        Fio("async", "gfapi_async", "--rw=randwrite --bs=16k --size=24m --iodepth=16");

    [InteropTheory(Need.StockClient | Need.Xfs | Need.QemuGluster)]
    [InlineData("raw")]
    [InlineData("qcow2")]
    public void QemuImagesSurviveConversion(string format)
    {
        var directory = volume.Directory;
        var mount = volume.MountPath; // Starts the volume.
        var local = directory[$"disk-{format}.img"];
        Shell.CheckBash(directory.Path, $"head -c 24M /dev/urandom > {local}; truncate -s 64M {local}; head -c 1M /dev/urandom >> {local}");
        var image = $"gluster://{volume.Server.Host}/vol/image.{format}";
        var back = directory[$"back-{format}.img"];
        Qemu($"create -f {format} {image} 128M");
        Assert.Contains("virtual size: 128 MiB", Qemu($"info {image}"), StringComparison.Ordinal);
        Qemu($"convert -f raw -O {format} {local} {image}");
        Assert.Contains("virtual size: 65 MiB", Qemu($"info {image}"), StringComparison.Ordinal);
        Assert.Contains("identical", Qemu($"compare -f raw -F {format} {local} {image}"), StringComparison.Ordinal);
        Qemu($"convert -f {format} -O raw {image} {back}");
        Shell.Check("/", "cmp", local, back);
        if (format != "raw")
        {
            Assert.Contains("No errors", Qemu($"check {image}"), StringComparison.Ordinal);
            Qemu($"snapshot -c first {image}");
            Qemu($"resize {image} 256M");
            Assert.Contains("first", Qemu($"snapshot -l {image}"), StringComparison.Ordinal);
        }

        Assert.True(File.Exists(Path.Combine(mount, $"image.{format}")));
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.QemuGluster)]
    public void QemuReadsWhatItWroteInAnyOrder()
    {
        var mount = volume.MountPath;
        var image = $"gluster://{volume.Server.Host}/vol/io.qcow2";
        Qemu($"create -f qcow2 {image} 64M");
        Shell.Check(
            "/", "qemu-io", "-f", "qcow2", "-c", "write -P 1 0 1M", "-c", "write -P 2 512k 64k", "-c", "aio_write -P 3 10M 4M", "-c",
            "aio_write -P 4 20M 100k", "-c", "aio_flush", "-c", "discard 11M 1M", "-c", "flush", image);
        var output = Shell.Check(
            "/", "qemu-io", "-f", "qcow2", "-c", "read -P 1 0 512k", "-c", "read -P 2 512k 64k", "-c", "read -P 1 576k 448k", "-c",
            "read -P 3 10M 1M", "-c", "read -P 0 11M 1M", "-c", "read -P 3 12M 2M", "-c", "read -P 4 20M 100k", image);
        Assert.DoesNotContain("Pattern verification failed", output, StringComparison.Ordinal);
        Assert.Contains("No errors", Qemu($"check {image}"), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(mount, "io.qcow2")));
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
