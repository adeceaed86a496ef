using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Performance;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>Rules of performance/write-behind by example. The window is 64 KiB, writes are joined up to 8 KiB.</summary>
[Collection("payload pool")]
public sealed class WriteBehindTests
{
    private const uint SetUidMode = FileMode.Regular | FileMode.SetUid | 0x1ED;

    private readonly WriteBehindWorld _world = new(seed: 1);
    private readonly Fd _fd = WriteBehindWorld.NewFd();

    [Fact]
    public void TheFirstWriteOfAnOpenedFileBringsItsAttributesAndLaterOnesAreAnsweredAtOnce()
    {
        var first = Write(0, 100);
        Assert.False(first.IsCompleted);
        _world.Store.RunAll();
        var reply = first.Result;
        Assert.Equal((100, 100UL), (reply.OpRet, reply.Post.Size));
        var second = Write(100, 100);
        Assert.True(second.IsCompleted);
        Assert.Equal(100, second.Result.OpRet);
        Assert.True(second.Result.Post.IsNull);
    }

    [Fact]
    public void AFileWithSetUidBitIsNeverAnsweredEarly()
    {
        _world.Store.Files[WriteBehindWorld.File].Mode = SetUidMode;
        for (var i = 0; i < 3; i++)
        {
            var write = Write(i, 1);
            Assert.False(write.IsCompleted);
            _world.Store.RunAll();
            Assert.Equal(SetUidMode, write.Result.Post.Mode);
        }
    }

    [Fact]
    public void AChangeOfTheModeIsNoticed()
    {
        WarmUp();
        var fop = new SetattrFop { Gfid = WriteBehindWorld.File, Iatt = new Iatt { Mode = SetUidMode }, Valid = SetattrValid.Mode };
        var setattr = _world.WriteBehind.Setattr(fop, _world.Call).AsTask();
        _world.Store.RunAll();
        Assert.True(setattr.Result.IsOk);
        Assert.False(Write(0, 1).IsCompleted);
    }

    [Fact]
    public void ANewFileIsWrittenBehindFromItsFirstByte()
    {
        var fd = new Fd(default, OpenFlags.WriteOnly, false, 2);
        var fop = new CreateFop { Parent = Gfid.Root, Name = "new", Flags = OpenFlags.WriteOnly, Mode = 0x1A4, Fd = fd };
        var create = _world.WriteBehind.Create(fop, _world.Call).AsTask();
        _world.Store.RunAll();
        fd.Gfid = create.Result.Iatt.Gfid;
        var data = Payload.CopyOf(new byte[10]);
        var write = new WriteFop { Gfid = fd.Gfid, Fd = fd, Data = data };
        Assert.True(_world.WriteBehind.Write(write, _world.Call).IsCompleted);
        data.Release();
        _world.Store.RunAll();
        Assert.Equal(10, _world.Store.Files[fd.Gfid].Length);
    }

    [Theory]
    [InlineData(OpenFlags.Sync)]
    [InlineData(OpenFlags.DataSync)]
    [InlineData(OpenFlags.Direct)]
    public void WritesThatMustBeOnTheDiskAreAnsweredWhenTheyAre(uint flag)
    {
        WarmUp();
        var fd = WriteBehindWorld.NewFd(OpenFlags.ReadWrite | flag);
        var byOpen = Write(0, 10, fd);
        Assert.False(byOpen.IsCompleted);
        _world.Store.RunAll();
        Assert.True(byOpen.Result.IsOk);
        var byFop = Write(0, 10, _fd, flag);
        Assert.False(byFop.IsCompleted);
        _world.Store.RunAll();
        Assert.False(byFop.Result.Post.IsNull);
    }

    [Fact]
    public void ASynchronousWriteComesAfterThoseAnsweredBefore()
    {
        WarmUp();
        Write(0, 10);
        var sync = Write(5, 10, WriteBehindWorld.NewFd(OpenFlags.ReadWrite | OpenFlags.Sync));
        Assert.Equal(1, _world.Store.WaitingCount);
        _world.Store.RunAll();
        Assert.True(sync.Result.IsOk);
        Assert.Equal([(0L, 10), (5L, 10)], _world.Store.Writes.TakeLast(2));
    }

    [Fact]
    public void SmallAdjacentWritesAreJoinedWhileOneIsUnderWay()
    {
        WarmUp();
        _world.Store.Writes.Clear();
        for (var i = 0; i < 100; i++)
        {
            Assert.True(Write(i * 100, 100).IsCompleted);
        }

        _world.Store.RunAll();
        Assert.Equal([(0L, 100), (100L, 8100), (8200L, 1800)], _world.Store.Writes);
    }

    [Fact]
    public void WritesOfDifferentCallersAreNotJoined()
    {
        WarmUp();
        Write(0, 10);
        Write(10, 10);
        _world.Call.Uid = 1000;
        Write(20, 10);
        _world.Store.Writes.Clear();
        _world.Store.RunAll();
        Assert.Equal([(0L, 10), (10L, 10), (20L, 10)], _world.Store.Writes);
    }

    [Fact]
    public void NothingLingersWhenTheServerIsIdle()
    {
        WarmUp();
        Write(0, 1);
        Assert.Equal(1, _world.Store.WaitingCount);
    }

    [Fact]
    public void BeyondTheWindowAWriterWaitsUntilThereIsRoom()
    {
        WarmUp();
        var writes = Enumerable.Range(0, 10).Select(i => Write(i * 20_000, 8192)).ToArray();
        Assert.Equal(8, writes.Count(w => w.IsCompleted));
        _world.Store.Step(_world.Random);
        _world.Store.Step(_world.Random);
        Assert.Equal(9, writes.Count(w => w.IsCompleted));
        _world.Store.RunAll();
        Assert.All(writes, w => Assert.Equal(8192, w.Result.OpRet));
    }

    [Fact]
    public void AnAppendGoesThroughBehindTheWritesBeforeItAndIsAnsweredWhenItIsDone()
    {
        WarmUp();
        var fd = WriteBehindWorld.NewFd(OpenFlags.ReadWrite | OpenFlags.Append);
        Write(1, 8192);
        var append = Write(8193, 10, fd);
        Assert.False(append.IsCompleted);
        Assert.Equal(1, _world.Store.WaitingCount);
        _world.Store.RunAll();
        Assert.Equal(10, append.Result.OpRet);
        Assert.False(append.Result.Post.IsNull);
        Assert.Equal([8192, 10], _world.Store.Writes.TakeLast(2).Select(w => w.Length));
    }

    [Fact]
    public void FlushGoesToTheSubvolumeOnlyWhenSomebodyHasLocked()
    {
        WarmUp();
        Write(0, 10);
        var flush = _world.FlushAsync(_fd);
        Assert.False(flush.IsCompleted);
        Assert.Equal(1, _world.Store.WaitingCount);
        _world.Store.RunAll();
        Assert.True(flush.IsCompleted);
        Assert.True(_world.FlushAsync(_fd).IsCompleted);
        Assert.DoesNotContain(FopCode.Flush, _world.Store.Seen);
        var lk = _world.WriteBehind.Lk(
            new LkFop { Gfid = WriteBehindWorld.File, Fd = _fd, Command = LockCommand.SetLock }, _world.Call).AsTask();
        _world.Store.RunAll();
        Assert.True(lk.IsCompleted);
        Write(0, 10);
        flush = _world.FlushAsync(_fd);
        Assert.Equal(1, _world.Store.WaitingCount);
        Assert.Equal(FopCode.Write, _world.Store.Seen[^1]);
        _world.Store.RunAll();
        Assert.True(flush.IsCompleted);
        Assert.Equal(FopCode.Flush, _world.Store.Seen[^1]);
    }

    [Fact]
    public void FlushBehindAnswersCloseAtOnceAndALaterOpenWaitsForTheWrites()
    {
        WarmUp();
        SetFlushBehind();
        Write(0, 10);
        Write(10, 10);
        var flush = _world.FlushAsync(_fd);
        Assert.True(flush.IsCompleted);
        Assert.Equal(Errno.Ok, flush.Result);
        Assert.Equal(2, _world.Store.WaitingCount); // Also the last one goes at once: no company will come.
        var release = _world.ReleaseAsync(_fd);
        var open = OpenAsync();
        Assert.False(release.IsCompleted);
        Assert.DoesNotContain(FopCode.Open, _world.Store.Seen);
        _world.Store.RunAll();
        Assert.Equal(Errno.Ok, open.Result);
        Assert.True(release.IsCompleted);
        _world.CheckNothingIsLeft();
    }

    [Fact]
    public void AnErrorBehindTheFlushIsToldByTheNextOperationOnTheFileOnce()
    {
        WarmUp();
        SetFlushBehind();
        _world.Store.WriteError = () => Errno.EDQUOT;
        Write(0, 10);
        Assert.Equal(Errno.Ok, _world.FlushAsync(_fd).Result);
        var release = _world.ReleaseAsync(_fd);
        _world.Store.RunAll();
        Assert.True(release.IsCompleted);
        var open = OpenAsync();
        _world.Store.RunAll();
        Assert.Equal(Errno.EDQUOT, open.Result);
        open = OpenAsync();
        _world.Store.RunAll();
        Assert.Equal(Errno.Ok, open.Result);
    }

    [Fact]
    public void AnErrorBehindTheFlushIsToldByALookupOfTheName()
    {
        WarmUp();
        SetFlushBehind();
        _world.Store.WriteError = () => Errno.EDQUOT;
        Write(0, 10);
        Assert.Equal(Errno.Ok, _world.FlushAsync(_fd).Result);
        _ = _world.ReleaseAsync(_fd);
        _world.Store.RunAll();
        Assert.Equal(Errno.EDQUOT, LookupAsync().Result.Error);
        Assert.Equal(Errno.Ok, LookupAsync().Result.Error);

        Task<LookupReply> LookupAsync()
        {
            var lookup = _world.WriteBehind.Lookup(
                new LookupFop { Parent = Gfid.Root, Name = "file" }, _world.Call).AsTask();
            _world.Store.RunAll();
            return lookup;
        }
    }

    [Fact]
    public void AnErrorThatIsKnownIsToldByFlushBehindItself()
    {
        WarmUp();
        SetFlushBehind();
        _world.Store.WriteError = () => Errno.EDQUOT;
        Write(0, 10);
        _world.Store.RunAll();
        Assert.Equal(Errno.EDQUOT, _world.FlushAsync(_fd).Result);
        Assert.Equal(Errno.Ok, _world.FlushAsync(_fd).Result);
    }

    [Fact]
    public void FlushBehindDoesNotOvertakeTheWritesOfWhoHasLocked()
    {
        WarmUp();
        SetFlushBehind();
        var lk = _world.WriteBehind.Lk(
            new LkFop { Gfid = WriteBehindWorld.File, Fd = _fd, Command = LockCommand.SetLock }, _world.Call).AsTask();
        _world.Store.RunAll();
        Assert.True(lk.IsCompleted);
        Write(0, 10);
        var flush = _world.FlushAsync(_fd);
        Assert.False(flush.IsCompleted);
        _world.Store.RunAll();
        Assert.True(flush.IsCompleted);
        Assert.Equal([FopCode.Write, FopCode.Flush], _world.Store.Seen.TakeLast(2));
    }

    [Fact]
    public void ANameThatIsTruncatedAsItIsCreatedWaitsForItsWrites()
    {
        WarmUp();
        Write(0, 10);
        var fd = new Fd(default, OpenFlags.WriteOnly, false, 2);
        var flags = OpenFlags.WriteOnly | OpenFlags.Truncate;
        var create = _world.WriteBehind.Create(
            new CreateFop { Parent = Gfid.Root, Name = "file", Flags = flags, Fd = fd }, _world.Call).AsTask();
        _world.Store.RunAll();
        Assert.True(create.IsCompleted);
        Assert.Equal([FopCode.Write, FopCode.Lookup, FopCode.Create], _world.Store.Seen.TakeLast(3));
    }

    [Fact]
    public void AFlushTellsTheErrorOfAWriteBeforeIt()
    {
        WarmUp();
        _world.Store.WriteError = () => Errno.EDQUOT;
        Write(0, 10);
        var flush = _world.FlushAsync(_fd);
        _world.Store.RunAll();
        Assert.Equal(Errno.EDQUOT, flush.Result);
    }

    [Fact]
    public void AnUnlockWaitsForTheWrites()
    {
        WarmUp();
        Write(0, 10);
        _ = _world.WriteBehind.Lk(
            new LkFop { Gfid = WriteBehindWorld.File, Fd = _fd, Command = LockCommand.SetLock, Type = LockType.Unlock },
            _world.Call).AsTask();
        Assert.DoesNotContain(FopCode.Lk, _world.Store.Seen);
        _world.Store.RunAll();
        Assert.Equal(FopCode.Lk, _world.Store.Seen[^1]);
    }

    [Fact]
    public void AnErrorIsToldByTheNextWriteAndThatWriteIsNotDone()
    {
        WarmUp();
        _world.Store.WriteError = () => Errno.ENOSPC;
        Assert.True(Write(0, 10).Result.IsOk);
        _world.Store.RunAll();
        _world.Store.WriteError = null;
        Assert.Equal(Errno.ENOSPC, Write(0, 10).Result.Error);
        Assert.True(_world.Store.IsIdle);
        Assert.True(Write(0, 10).Result.IsOk);
    }

    [Fact]
    public void EveryHandleThatWasOpenHearsOfAnErrorAndALaterOneDoesNot()
    {
        WarmUp();
        var other = WriteBehindWorld.NewFd();
        Write(50, 1, other);
        _world.Store.RunAll();
        _world.Store.WriteError = () => Errno.EIO;
        Write(0, 10);
        _world.Store.RunAll();
        _world.Store.WriteError = null;
        var later = WriteBehindWorld.NewFd();
        Write(50, 1, later);
        _world.Store.RunAll();
        var outcomes = new[] { _fd, other, later }.Select(fd =>
        {
            var flush = _world.FlushAsync(fd);
            _world.Store.RunAll();
            return flush.Result;
        });
        Assert.Equal([Errno.EIO, Errno.EIO, Errno.Ok], outcomes);
    }

    [Fact]
    public void AWriteThatTheServerDoesNotAdvanceIsAnError()
    {
        WarmUp();
        _world.Store.WriteLength = _ => 0;
        Write(0, 10);
        _world.Store.RunAll();
        Assert.Equal(Errno.EIO, Write(0, 10).Result.Error);
    }

    [Fact]
    public void AReadOfSomethingElseDoesNotWaitAndItsAttributesAreLeftOut()
    {
        WarmUp(100);
        Write(0, 10);
        var read = _world.WriteBehind.Read(
            new ReadFop { Gfid = WriteBehindWorld.File, Fd = _fd, Offset = 50, Size = 10 }, _world.Call).AsTask();
        Assert.Equal(2, _world.Store.WaitingCount);
        _world.Store.RunAll();
        Assert.Equal(10, read.Result.Data.Length);
        Assert.True(read.Result.Iatt.IsNull);
        read.Result.Release();
    }

    [Fact]
    public void ReleaseWaitsForTheWritesAndForgetsTheFile()
    {
        WarmUp();
        Write(0, 10);
        var release = _world.ReleaseAsync(_fd);
        Assert.DoesNotContain(FopCode.Release, _world.Store.Seen);
        _world.Store.RunAll();
        Assert.True(release.IsCompleted);
        _world.CheckNothingIsLeft();
    }

    [Fact]
    public void SwitchedOffEveryWriteIsAnsweredByTheSubvolume()
    {
        WarmUp();
        Assert.True(_world.WriteBehind.Reconfigure(
            TestPlace.For(new ManualTime(), WriteBehind.Registration, options: ("pass-through", "on")).Options));
        var write = Write(0, 10);
        Assert.False(write.IsCompleted);
        _world.Store.RunAll();
        Assert.False(write.Result.Post.IsNull);
    }

    [Fact]
    public void AWriteThroughAReadOnlyFdFailsByItself()
    {
        WarmUp();
        Assert.False(Write(0, 10, WriteBehindWorld.NewFd(OpenFlags.ReadOnly)).IsCompleted);
    }

    [Theory]
    [InlineData("flush")]
    [InlineData("release")]
    [InlineData("fsync")]
    [InlineData("time")]
    public void ASmallFileWrittenInStepsIsOneWrite(string end)
    {
        var world = new WriteBehindWorld(1, 60_000, Holding);
        var fd = Create(world);
        for (var i = 0; i < 4; i++)
        {
            Assert.True(Write(i * 100, 100, fd, world: world).IsCompleted);
        }

        Assert.Equal(0, world.Store.WaitingCount);
        if (end == "time")
        {
            world.Advance(4);
            Assert.Equal(0, world.Store.WaitingCount);
            world.Advance(1);
            world.Store.RunAll();
        }
        else
        {
            Task task = end == "flush" ? world.FlushAsync(fd) : end == "fsync" ? world.FsyncAsync(fd) : world.ReleaseAsync(fd);
            world.Store.RunAll();
            Assert.True(task.IsCompleted);
        }

        Assert.Equal([(0L, 400)], world.Store.Writes);
    }

    [Fact]
    public void OnlyTheFirstWriteOfAFileIsHeldBack()
    {
        var world = new WriteBehindWorld(1, 60_000, Holding);
        var fd = Create(world);
        Write(0, 100, fd, world: world);
        world.Advance(5);
        world.Store.RunAll();
        Write(100, 100, fd, world: world);
        Assert.Equal(1, world.Store.WaitingCount);
        world.Store.RunAll();
        Assert.Equal([(0L, 100), (100L, 100)], world.Store.Writes);
    }

    [Theory]
    [InlineData(5000, 10)] // Elsewhere.
    [InlineData(100, 8 << 10)] // More than one write takes.
    public void WhatCannotJoinTheHeldWriteSendsIt(int offset, int count)
    {
        var world = new WriteBehindWorld(1, 60_000, Holding);
        var fd = Create(world);
        Write(0, 100, fd, world: world);
        Write(offset, count, fd, world: world);
        world.Store.RunAll();
        Assert.Equal([(0L, 100), ((long)offset, count)], world.Store.Writes.Order());
    }

    [Fact]
    public void AnErrorOfTheHeldWriteIsToldByFlush()
    {
        var world = new WriteBehindWorld(1, 60_000, Holding);
        var fd = Create(world);
        world.Store.WriteError = () => Errno.ENOSPC;
        Write(0, 100, fd, world: world);
        var flush = world.FlushAsync(fd);
        world.Store.RunAll();
        Assert.Equal(Errno.ENOSPC, flush.Result);
    }

    private static readonly (string, string)[] Holding =
        [("pass-through", "off"), ("cache-size", "65536"), ("aggregate-size", "8KB"), ("hold-time", "5")];

    private static Fd Create(WriteBehindWorld world)
    {
        var fd = new Fd(default, OpenFlags.WriteOnly, false, 2);
        var fop = new CreateFop { Parent = Gfid.Root, Name = "new", Flags = OpenFlags.WriteOnly, Mode = 0x1A4, Fd = fd };
        var create = world.WriteBehind.Create(fop, world.Call).AsTask();
        world.Store.RunAll();
        fd.Gfid = create.Result.Iatt.Gfid;
        return fd;
    }

    [Fact]
    public void ASteadyStreamOfSmallWritesAllocatesNothing()
    {
        var time = new ManualTime();
        var below = ScriptedTranslator.Create(time, out var script);
        script.Answers[FopCode.Write] = () =>
        {
            var reply = WriteReply.Rent();
            reply.OpRet = 4096;
            reply.Post.Mode = FileMode.Regular;
            return reply;
        };
        var writeBehind = WriteBehind.Registration.Create(
            TestPlace.For(time, WriteBehind.Registration, below, slot: 1, options: ("pass-through", "off")));
        var data = Payload.CopyOf(new byte[4096]);
        var call = Call.Rent();
        Run(5000);
        var direct = Allocated(() => Send(below, 5000));
        var through = Allocated(() => Send(writeBehind, 5000));
        Assert.InRange(through - direct, -4096, 4096);
        data.Release();

        void Run(int count)
        {
            Send(below, count);
            Send(writeBehind, count);
        }

        void Send(FopHandler target, int count)
        {
            script.Seen.Clear();
            for (var i = 0; i < count; i++)
            {
                var fop = new WriteFop { Gfid = _fd.Gfid, Fd = _fd, Offset = i * 4096L, Data = data };
                var task = target.Write(in fop, call);
                Assert.True(task.IsCompleted);
                task.Result.Release();
            }
        }
    }

    private static long Allocated(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private void SetFlushBehind() => Assert.True(_world.WriteBehind.Reconfigure(
        TestPlace.For(new ManualTime(), WriteBehind.Registration, options: ("flush-behind", "on")).Options));

    private async Task<Errno> OpenAsync()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        var fop = new OpenFop { Gfid = WriteBehindWorld.File, Fd = WriteBehindWorld.NewFd() };
        var reply = await _world.WriteBehind.Open(in fop, _world.Call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    /// <summary>Writes once, so that the mode of the file is known.</summary>
    private void WarmUp(int count = 1)
    {
        Write(0, count);
        _world.Store.RunAll();
    }

    private Task<WriteReply> Write(
        long offset, int count, Fd? fd = null, uint flags = 0, WriteBehindWorld? world = null)
    {
        SynchronizationContext.SetSynchronizationContext(null); // Everything runs on the thread of the test.
        var data = Payload.CopyOf(new byte[count]);
        var gfid = world is null ? WriteBehindWorld.File : fd!.Gfid;
        var fop = new WriteFop { Gfid = gfid, Fd = fd ?? _fd, Offset = offset, Flags = flags, Data = data };
        var task = (world ?? _world).WriteBehind.Write(fop, _world.Call).AsTask();
        if (task.IsCompleted)
        {
            data.Release(); // A write that waits borrows its bytes until it is answered.
        }
        else
        {
            _ = task.ContinueWith(
                _ => data.Release(), default, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        return task;
    }
}
