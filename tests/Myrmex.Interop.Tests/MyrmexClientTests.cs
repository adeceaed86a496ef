using Myrmex.Interop.Tests.Kit;
using Myrmex.Interop.Tests.Scenarios;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>One brick in memory and its mount in the same process: the kernel side alone.</summary>
public sealed class MemoryBrickInTheClient : VolumeUnderTest
{
    internal override FuseMount Start(TestDirectory directory, string[] bricks) =>
        MyrmexMount.FromVolfile(directory, "mnt", LocalGraph.Memory);
}

/// <summary>One brick on XFS and its mount in the same process, as a passthrough file system.</summary>
public sealed class DiskBrickInTheClient : VolumeUnderTest
{
    internal override FuseMount Start(TestDirectory directory, string[] bricks) =>
        MyrmexMount.FromVolfile(directory, "mnt", LocalGraph.Disk(bricks[0]), "reader-thread-count=2");
}

/// <summary>Volume files of graphs without a network.</summary>
internal static class LocalGraph
{
    public const string Memory =
        """
        volume brick
            type storage/memory
        end-volume

        volume locks
            type features/locks
            subvolumes brick
        end-volume

        """;

    public static string Disk(string path) =>
        $"""
        volume brick
            type storage/posix
            option directory {path}
            option volume-id {BrickProcess.StampVolumeId(path)}
        end-volume

        volume locks
            type features/locks
            subvolumes brick
        end-volume

        """;
}

/// <summary>Ordinary work with files through <c>myrmex mount</c>.</summary>
public sealed class MyrmexClientMemoryFileTests(MemoryBrickInTheClient volume) : IClassFixture<MemoryBrickInTheClient>
{
    [InteropTheory(Need.Fuse | Need.Xfs)]
    [MemberData(nameof(Scenario.All), MemberType = typeof(Scenario))]
    public void FileWorkEqualsALocalFileSystem(string scenario) => Scenario.Compare(scenario, volume.MountPath, volume.LocalPath);
}

/// <summary>The same on a disk, with two request loops.</summary>
public sealed class MyrmexClientDiskFileTests(DiskBrickInTheClient volume) : IClassFixture<DiskBrickInTheClient>
{
    [InteropTheory(Need.Fuse | Need.Xfs)]
    [MemberData(nameof(Scenario.All), MemberType = typeof(Scenario))]
    public void FileWorkEqualsALocalFileSystem(string scenario) => Scenario.Compare(scenario, volume.MountPath, volume.LocalPath);
}
