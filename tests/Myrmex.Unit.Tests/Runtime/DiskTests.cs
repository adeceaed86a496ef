using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: both disks obey one contract.</summary>
[Trait("Tier", "unit")]
public abstract class DiskContract : IDisposable
{
    private const DiskOpen Make = DiskOpen.Read | DiskOpen.Write | DiskOpen.Create;

    protected abstract IDisk Disk { get; }

    protected abstract string Root { get; }

    public virtual void Dispose() => GC.SuppressFinalize(this);

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        using var file = Open("/f", Make);
        var data = TestFrames.Make(10_000);
        Assert.Equal(Errno.Ok, file.WriteFully(5000, data));
        Assert.Equal(Errno.Ok, file.GetLength(out var length));
        Assert.Equal(15_000, length);
        var read = new byte[20_000];
        Assert.Equal(Errno.Ok, file.ReadFully(0, read, out var count));
        Assert.Equal(15_000, count);
        Assert.Equal(new byte[5000], read[..5000]);
        Assert.Equal(data, read[5000..15_000]);
        Assert.Equal(Errno.Ok, file.Sync());
    }

    [Fact]
    public void TruncatingCutsAndExtendsWithZeroes()
    {
        using var file = Open("/f", Make);
        Assert.Equal(Errno.Ok, file.WriteFully(0, TestFrames.Make(1000)));
        Assert.Equal(Errno.Ok, file.Truncate(10));
        Assert.Equal(Errno.Ok, file.Truncate(20));
        var read = new byte[30];
        Assert.Equal(Errno.Ok, file.ReadFully(0, read, out var count));
        Assert.Equal(20, count);
        Assert.Equal(TestFrames.Make(1000)[..10], read[..10]);
        Assert.Equal(new byte[20], read[10..]);
    }

    [Fact]
    public void NamesAreMadeReplacedListedAndRemoved()
    {
        Assert.Equal(Errno.Ok, Disk.MakeDirectory(Root + "/d"));
        Assert.Equal(Errno.EEXIST, Disk.MakeDirectory(Root + "/d"));
        foreach (var name in new[] { "/d/b", "/d/a", "/d/Z" })
        {
            using var file = Open(name, Make);
            file.WriteFully(0, [(byte)name[^1]]);
        }

        Assert.Equal(["Z", "a", "b"], List("/d"));
        Assert.Equal(Errno.Ok, Disk.Rename(Root + "/d/a", Root + "/d/b"));
        Assert.Equal(["Z", "b"], List("/d"));
        using (var file = Open("/d/b", DiskOpen.Read))
        {
            var read = new byte[1];
            Assert.Equal(Errno.Ok, file.ReadFully(0, read, out _));
            Assert.Equal((byte)'a', read[0]);
        }

        Assert.Equal(Errno.Ok, Disk.Unlink(Root + "/d/b"));
        Assert.Equal(Errno.Ok, Disk.SyncDirectory(Root + "/d"));
        Assert.Equal(["Z"], List("/d"));
    }

    [Fact]
    public void WhatIsMissingOrInTheWayIsToldByItsErrno()
    {
        Assert.Equal(Errno.ENOENT, Disk.Open(Root + "/none", DiskOpen.Read, out var none));
        Assert.Null(none);
        Assert.Equal(Errno.ENOENT, Disk.Open(Root + "/none/f", Make, out _));
        Assert.Equal(Errno.ENOENT, Disk.Unlink(Root + "/none"));
        Assert.Equal(Errno.ENOENT, Disk.Rename(Root + "/none", Root + "/other"));
        Assert.Equal(Errno.ENOENT, Disk.MakeDirectory(Root + "/none/d"));
        Assert.Equal(Errno.ENOENT, Disk.List(Root + "/none", []));
        using var file = Open("/f", Make | DiskOpen.Exclusive);
        Assert.Equal(Errno.EEXIST, Disk.Open(Root + "/f", Make | DiskOpen.Exclusive, out _));
        file.WriteFully(0, [1, 2, 3]);
        using var again = Open("/f", Make | DiskOpen.Truncate);
        again.GetLength(out var length);
        Assert.Equal(0, length);
    }

    [Fact]
    public void AFileOpenedForReadingCannotBeWritten()
    {
        Open("/f", Make).Dispose();
        using var file = Open("/f", DiskOpen.Read);
        Assert.Equal(Errno.EBADF, file.Write(0, [1], out _));
    }

    [Fact]
    public void ADirectFileTakesAlignedBlocks()
    {
        using var file = Open("/f", Make | DiskOpen.Direct);
        var payload = new Payload(PayloadPool.Shared.Rent(8192), 0, 8192);
        TestFrames.Make(8192).CopyTo(payload.Span);
        Assert.Equal(Errno.Ok, file.WriteFully(4096, payload.Span));
        Assert.Equal(Errno.Ok, file.Sync());
        payload.Span.Clear();
        Assert.Equal(Errno.Ok, file.ReadFully(4096, payload.Span, out var count));
        Assert.Equal(8192, count);
        Assert.Equal(TestFrames.Make(8192), payload.Span.ToArray());
        payload.Release();
    }

    protected IDiskFile Open(string path, DiskOpen how)
    {
        Assert.Equal(Errno.Ok, Disk.Open(Root + path, how, out var file));
        return file!;
    }

    private List<string> List(string path)
    {
        var names = new List<string>();
        Assert.Equal(Errno.Ok, Disk.List(Root + path, names));
        return names;
    }
}

public sealed class LinuxDiskTests : DiskContract
{
    private readonly TestDirectory _directory = new();

    protected override IDisk Disk => LinuxDisk.Shared;

    protected override string Root => _directory.Path;

    public override void Dispose()
    {
        _directory.Dispose();
        base.Dispose();
    }
}

public sealed class SimDiskTests : DiskContract
{
    private const DiskOpen Make = DiskOpen.Read | DiskOpen.Write | DiskOpen.Create;

    private readonly SimDisk _disk = new(new SimRandom(3));

    protected override IDisk Disk => _disk;

    protected override string Root => string.Empty;

    [Fact]
    public void SyncedBytesUnderASyncedNameSurviveAPowerLossAndTheRestVaries()
    {
        var survivors = new HashSet<int>();
        var torn = false;
        for (ulong seed = 0; seed < 40; seed++)
        {
            var disk = new SimDisk(new SimRandom(seed));
            Assert.Equal(Errno.Ok, disk.Open("/f", Make, out var file));
            Fill(file!, 0, 1);
            Assert.Equal(Errno.Ok, file!.Sync());
            Assert.Equal(Errno.Ok, disk.SyncDirectory("/"));
            Fill(file, 1, 2);
            Fill(file, 2, 3);
            disk.Crash(SimCrash.Power);
            Assert.Equal(Errno.EBADF, file.Sync());
            Assert.Equal(Errno.Ok, disk.Open("/f", DiskOpen.Read, out var after));
            var read = new byte[3 * 4096];
            after!.ReadFully(0, read, out var count);
            Assert.Equal(Enumerable.Repeat((byte)1, 4096), read[..4096]);
            var second = read.AsSpan(4096, 4096);
            torn |= second.Contains((byte)2) && second.Contains((byte)0);
            survivors.Add(((second.Contains((byte)2) ? 1 : 0) * 2) + (read.AsSpan(8192).Contains((byte)3) ? 1 : 0));
            Assert.True(count >= 4096);
        }

        Assert.Equal(4, survivors.Count);
        Assert.True(torn);
    }

    [Fact]
    public void AnUnsyncedNameMayBeLostWithItsFileButKeepsTheOrderOfChanges()
    {
        var outcomes = new HashSet<string>();
        for (ulong seed = 0; seed < 40; seed++)
        {
            var disk = new SimDisk(new SimRandom(seed));
            foreach (var name in new[] { "/a", "/b" })
            {
                disk.Open(name, Make, out var file);
                Fill(file!, 0, 1);
                file!.Sync();
            }

            disk.Rename("/b", "/c");
            disk.Crash(SimCrash.Power);
            var names = new List<string>();
            disk.List("/", names);
            outcomes.Add(string.Join(",", names));
        }

        Assert.Equal(["", "a", "a,b", "a,c"], outcomes.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ACrashOfTheProcessLosesNothing()
    {
        var file = Open("/f", Make);
        Fill(file, 0, 9);
        _disk.Crash(SimCrash.Process);
        using var after = Open("/f", DiskOpen.Read);
        after.GetLength(out var length);
        Assert.Equal(4096, length);
    }

    [Fact]
    public void FaultsHappenAsOrdered()
    {
        using var file = Open("/journal", Make);
        _disk.FailNext(DiskCall.Write, Errno.EIO, count: 2, pathStart: "/jour");
        Assert.Equal(Errno.EIO, file.Write(0, [1], out _));
        Assert.Equal(Errno.EIO, file.Write(0, [1], out _));
        Assert.Equal(Errno.Ok, file.Write(0, [1], out _));
        _disk.CapacityBytes = 10;
        Assert.Equal(Errno.Ok, file.Write(0, new byte[20], out var count));
        Assert.Equal(10, count);
        Assert.Equal(Errno.ENOSPC, file.Write(10, [1], out _));
        Assert.Equal(Errno.ENOSPC, file.WriteFully(0, new byte[20]));
        _disk.CapacityBytes = long.MaxValue;
        _disk.ShortWriteChance = 0.9;
        Assert.Equal(Errno.Ok, file.WriteFully(0, TestFrames.Make(5000)));
        var read = new byte[5000];
        file.ReadFully(0, read, out _);
        Assert.Equal(TestFrames.Make(5000), read);
    }

    [Fact]
    public void AFailedOrLyingSyncLosesTheBytesThoughTheNextOneSucceeds()
    {
        foreach (var lies in new[] { true, false })
        {
            var disk = new SimDisk(new SimRandom(1));
            disk.Open("/f", Make, out var file);
            disk.SyncDirectory("/");
            Fill(file!, 0, 1);
            if (lies)
            {
                disk.LosesSyncs = true;
                Assert.Equal(Errno.Ok, file!.Sync());
                file.Truncate(0);
                Assert.Equal(Errno.Ok, file.Sync());
            }
            else
            {
                disk.FailNext(DiskCall.Sync, Errno.EIO);
                Assert.Equal(Errno.EIO, file!.Sync());
                Assert.Equal(Errno.Ok, file.Sync());
                disk.Crash(SimCrash.Power);
                disk.Open("/f", DiskOpen.Read, out var after);
                after!.GetLength(out var length);
                Assert.Equal(0, length);
            }
        }
    }

    [Fact]
    public void CorruptionIsSeenAtOnceAndAfterACrash()
    {
        var file = Open("/f", Make);
        Fill(file, 0, 1);
        file.Sync();
        _disk.SyncDirectory("/");
        _disk.Corrupt("/f", 100);
        _disk.Crash(SimCrash.Power);
        using var after = Open("/f", DiskOpen.Read);
        var read = new byte[4096];
        after.ReadFully(0, read, out _);
        Assert.Equal(0xFE, read[100]);
    }

    private static void Fill(IDiskFile file, int block, byte value)
    {
        var data = new byte[4096];
        data.AsSpan().Fill(value);
        Assert.Equal(Errno.Ok, file.WriteFully(block * 4096, data));
    }
}
