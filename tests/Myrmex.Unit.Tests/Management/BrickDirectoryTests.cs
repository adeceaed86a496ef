using System;
using System.IO;
using System.Linq;
using Myrmex.Base;
using Myrmex.Management.Bricks;
using Myrmex.Management.State;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>What is left of a brick in a directory of files when its command was taken back.</summary>
public sealed class BrickDirectoryTests : IDisposable
{
    private static readonly VolumeId Volume = new(new Gfid(5, 6));

    private readonly string _path = Path.Combine("/dev/shm", $"myrmex-unit-{Guid.NewGuid():N}");

    private string Internals => Path.Combine(_path, ".glusterfs");

    public void Dispose() => Directory.Delete(_path, recursive: true);

    [RootFact]
    public void WhatAServedBrickMadeGoesAndTheFilesStay()
    {
        var before = Serve();
        BrickDirectory.Unmark(before, Volume);
        Assert.Equal(["data"], Directory.EnumerateFileSystemEntries(_path).Select(e => Path.GetFileName(e)));
        Assert.Equal("kept", File.ReadAllText(Path.Combine(_path, "data")));
        Assert.True(Sys.PathGetXattr(_path, BrickDirectory.GfidXattr, []) < 0);
    }

    [RootFact]
    public void HandlesOfFilesAreKept()
    {
        var before = Serve();
        var handle = Path.Combine(Internals, "00", "01", "00010000-0000-0000-0000-000000000007");
        Directory.CreateDirectory(Path.GetDirectoryName(handle)!);
        File.WriteAllText(handle, "of data");
        BrickDirectory.Unmark(before, Volume);
        Assert.Equal("of data", File.ReadAllText(handle));
        Assert.Null(BrickDirectory.ReadVolumeId(_path, out _));
    }

    [RootFact]
    public void WhatWasThereBeforeStays()
    {
        Directory.CreateDirectory(Path.Combine(_path, ".glusterfs", "00"));
        var before = Serve();
        BrickDirectory.Unmark(before, Volume);
        Assert.True(Directory.Exists(Internals));
    }

    /// <summary>A directory with a file, marked, in which a brick process has begun to serve.</summary>
    private BrickBefore Serve()
    {
        Directory.CreateDirectory(_path);
        File.WriteAllText(Path.Combine(_path, "data"), "kept");
        var before = BrickDirectory.Look(_path);
        BrickDirectory.Mark(_path, Volume, isSpread: true);
        foreach (var name in (string[])["00/00", "ff", "unlink", "landfill"])
        {
            Directory.CreateDirectory(Path.Combine(Internals, name));
        }

        File.CreateSymbolicLink(Path.Combine(Internals, "00", "00", "00000000-0000-0000-0000-000000000001"), "../../..");
        Assert.Equal(0, Sys.PathSetXattr(_path, BrickDirectory.GfidXattr, Gfid.Root.ToArray()));
        return before;
    }
}
