using System;
using System.IO;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Interop.Tests.Scenarios;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>A replicated volume of three bricks on one node, mounted by <c>myrmex mount</c> and by the stock
/// client.</summary>
public sealed class JournalVolumeWithBothClients : VolumeUnderTest
{
    internal JournalVolume Volume { get; private set; } = null!; // Set by Start.

    internal StockMount Stock { get; private set; } = null!; // Set by Start.

    internal override FuseMount Start(TestDirectory directory, string[] bricks)
    {
        Volume = directory.Own(new JournalVolume(directory, bricks));
        Stock = Volume.MountStock("stock");
        return Volume.Mount("mnt");
    }
}

/// <summary>
/// Ordinary work with files on a replicated volume, through our client, which knows the members, and through the
/// stock one, which knows
/// one door. After each piece of work all copies on disk are equal.
/// </summary>
public sealed class JournalVolumeTests(JournalVolumeWithBothClients volume)
    : IClassFixture<JournalVolumeWithBothClients>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    [InteropTheory(Need.StockClient | Need.Xfs | Need.Python)]
    [MemberData(nameof(Scenario.All), MemberType = typeof(Scenario))]
    public void FileWorkOfOurClientEqualsALocalFileSystem(string scenario) =>
        Compare(scenario, "own", volume.MountPath);

    [InteropTheory(Need.StockClient | Need.Xfs | Need.Python)]
    [MemberData(nameof(Scenario.Common), MemberType = typeof(Scenario))]
    public void FileWorkOfTheStockClientEqualsALocalFileSystem(string scenario)
    {
        Assert.True(Mounts.IsMounted(volume.MountPath)); // Starts the volume.
        Compare(scenario, "stock", volume.Stock.Path);
    }

    [InteropTheory(Need.StockClient | Need.Xfs | Need.Python | Need.FioGfapi)]
    [InlineData("gfapi", "--rw=randwrite --bs=4k --size=8m --numjobs=2 --fsync=32")]
    [InlineData("gfapi_async", "--rw=randwrite --bs=16k --size=16m --iodepth=16")]
    public void FioFindsEveryChecksumItWrote(string engine, string job)
    {
        Assert.True(Mounts.IsMounted(volume.MountPath));
        var words = $"--name={engine} --ioengine={engine} --volume={JournalVolume.Name} "
            + $"--brick={volume.Volume.Daemon.Host} "
            + $"--verify=crc32c --do_verify=1 --verify_fatal=1 --thread {job}";
        var output = Shell.Succeed(Shell.Run(volume.Directory.Path, Limit, "fio", words.Split(' ')));
        Assert.Contains("err= 0", output, StringComparison.Ordinal);
        Assert.DoesNotContain("verify:", output, StringComparison.Ordinal);
        volume.Volume.CheckCopies();
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python | Need.QemuGluster)]
    public void QemuImageHasTheContentOfItsSource()
    {
        Assert.True(Mounts.IsMounted(volume.MountPath));
        var source = volume.Directory["source-of-images.raw"];
        Shell.CheckBash("/", $"head -c 8M /dev/urandom > {source}; truncate -s 24M {source}; "
            + $"head -c 1M /dev/urandom >> {source}");
        var image = $"gluster://{volume.Volume.Daemon.Host}/{JournalVolume.Name}/image.qcow2";
        Qemu($"convert -f raw -O qcow2 {source} {image}");
        Assert.Contains("identical", Qemu($"compare -f raw -F qcow2 {source} {image}"), StringComparison.Ordinal);
        volume.Volume.CheckCopies();
    }

    private static string Qemu(string arguments) =>
        Shell.Succeed(Shell.Run("/", Limit, "qemu-img", arguments.Split(' ')));

    private void Compare(string scenario, string client, string mount)
    {
        var remote = Directory.CreateDirectory(Path.Combine(mount, client)).FullName;
        var local = Directory.CreateDirectory(Path.Combine(volume.LocalPath, client)).FullName;
        Scenario.Compare(scenario, remote, local);
        volume.Volume.CheckCopies();
    }
}
