using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Fuse;

/// <summary>Locks of processes on one mount, over features/locks on a brick in memory.</summary>
public sealed class LockTests : IDisposable
{
    private const ulong Root = InodeTable.RootNode;
    private const ulong Ann = 0xA;
    private const ulong Bob = 0xB;

    private readonly ManualTime _time = new();
    private readonly TestGraphs _graphs;
    private readonly TestKernel _kernel;
    private readonly FuseCreateOut _ann;
    private readonly FuseCreateOut _bob;

    public LockTests()
    {
        _graphs = TestGraphs.MemoryWithLocks(_time);
        _kernel = new TestKernel(_graphs, time: _time);
        _ann = _kernel.Create(Root, "a");
        _bob = _kernel.Create(Root, "a");
    }

    public void Dispose() => _kernel.Dispose();

    [Fact]
    public void ALockExcludesOthersAndShowsItself()
    {
        Assert.Equal(Errno.Ok, Lock(_ann, Ann, FuseBits.LockWrite, 10, 19));
        Assert.Equal(Errno.EAGAIN, Lock(_bob, Bob, FuseBits.LockRead, 15, 25));
        var (error, body) = _kernel.Call(FuseOpcode.Getlk, _bob.Entry.Node, Argument(_bob, Bob, FuseBits.LockRead, 0, 100));
        var found = MemoryMarshal.Read<FuseLkOut>(body).Lock;
        Assert.Equal((Errno.Ok, FuseBits.LockWrite, 10UL, 19UL), (error, found.Type, found.Start, found.End));
        Assert.Equal(Errno.Ok, Lock(_ann, Ann, FuseBits.LockUnlock, 0, long.MaxValue));
        (_, body) = _kernel.Call(FuseOpcode.Getlk, _bob.Entry.Node, Argument(_bob, Bob, FuseBits.LockRead, 0, 100));
        Assert.Equal(FuseBits.LockUnlock, MemoryMarshal.Read<FuseLkOut>(body).Lock.Type);
        Assert.Equal(Errno.Ok, Lock(_bob, Bob, FuseBits.LockRead, 15, 25));
    }

    [Fact]
    public void AWaitEndsWhenTheHolderUnlocks()
    {
        Lock(_ann, Ann, FuseBits.LockWrite, 0, 9);
        var wait = Wait(_bob, Bob, 5, 14);
        Assert.False(_kernel.HasReply(wait));
        Lock(_ann, Ann, FuseBits.LockUnlock, 0, 9);
        _time.RunPosted();
        Assert.Equal(Errno.Ok, _kernel.Reply(wait).Error);
        Assert.Equal(Errno.EAGAIN, Lock(_ann, Ann, FuseBits.LockRead, 0, 9));
    }

    [Fact]
    public void PosixLocksEndWithTheFlushOfTheirOwner()
    {
        Lock(_ann, Ann, FuseBits.LockWrite, 0, 9);
        Flush(_bob, Bob);
        Assert.Equal(Errno.EAGAIN, Lock(_bob, Bob, FuseBits.LockWrite, 0, 9));
        Flush(_ann, Ann);
        Assert.Equal(Errno.Ok, Lock(_bob, Bob, FuseBits.LockWrite, 0, 9));
    }

    [Fact]
    public void OfdLocksEndWithTheirHandleThoughTheKernelSaysNothing()
    {
        Lock(_ann, Ann, FuseBits.LockWrite, 0, 9);
        Lock(_ann, Ann, FuseBits.LockWrite, 20, 29);
        _kernel.Release(_ann.Entry.Node, _ann.Open.Handle);
        Assert.Equal(0, _kernel.Session.Locks.Count);
        Assert.Equal(Errno.Ok, Lock(_bob, Bob, FuseBits.LockWrite, 0, 100));
    }

    [Fact]
    public void FlocksEndWithTheReleaseThatNamesThem()
    {
        Assert.Equal(Errno.Ok, Lock(_ann, Ann, FuseBits.LockWrite, 0, long.MaxValue, FuseBits.LockIsFlock));
        Assert.Equal(Errno.EAGAIN, Lock(_bob, Bob, FuseBits.LockWrite, 0, long.MaxValue, FuseBits.LockIsFlock));
        _kernel.Release(_ann.Entry.Node, _ann.Open.Handle, FuseBits.ReleaseFlockUnlock, Ann);
        Assert.Equal(Errno.Ok, Lock(_bob, Bob, FuseBits.LockWrite, 0, long.MaxValue, FuseBits.LockIsFlock));
    }

    [Fact]
    public void AnInterruptedWaitAnswersEintrAndIsNotGrantedLater()
    {
        Lock(_ann, Ann, FuseBits.LockWrite, 0, 9);
        var wait = Wait(_bob, Bob, 0, 9);
        Interrupt(wait);
        Assert.Equal(Errno.EINTR, _kernel.Reply(wait).Error);
        Lock(_ann, Ann, FuseBits.LockUnlock, 0, 9);
        _time.RunPosted();
        Assert.Equal(Errno.Ok, Lock(_ann, Ann, FuseBits.LockWrite, 0, 9));
        Assert.Equal(0, _kernel.Session.Waiting.Count);
    }

    [Fact]
    public void WhatWasLockedBeforeAnInterruptedWaitIsStillLocked()
    {
        Lock(_ann, Ann, FuseBits.LockRead, 0, 9);
        Lock(_bob, Bob, FuseBits.LockRead, 0, 9);
        var upgrade = Wait(_bob, Bob, 0, 9);
        Assert.False(_kernel.HasReply(upgrade));
        Interrupt(upgrade);
        Assert.Equal(Errno.EINTR, _kernel.Reply(upgrade).Error);
        _time.RunPosted();
        Assert.Equal(Errno.EAGAIN, Lock(_ann, Ann, FuseBits.LockWrite, 0, 9));
        Lock(_bob, Bob, FuseBits.LockUnlock, 0, 9);
        Assert.Equal(Errno.Ok, Lock(_ann, Ann, FuseBits.LockWrite, 0, 9));
    }

    [Fact]
    public void AnInterruptThatOvertakesItsRequestIsNotForgotten()
    {
        Lock(_ann, Ann, FuseBits.LockWrite, 0, 9);
        var interrupt = _kernel.Post(FuseOpcode.Interrupt, 0, TestKernel.Bytes(new FuseInterruptIn { Unique = NextUnique(2) }));
        Assert.False(_kernel.HasReply(interrupt));
        var wait = Wait(_bob, Bob, 0, 9);
        Assert.Equal(Errno.EINTR, _kernel.Reply(wait).Error);
    }

    [Fact]
    public void NonsenseRangesAreRefused()
    {
        Assert.Equal(Errno.EINVAL, Lock(_ann, Ann, FuseBits.LockWrite, 10, 9));
        Assert.Equal(Errno.EINVAL, Lock(_ann, Ann, FuseBits.LockWrite, ulong.MaxValue, ulong.MaxValue));
        Assert.Equal(Errno.EINVAL, Lock(_ann, Ann, type: 9, 0, 1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ALockStaysWhenTwoRequestsMoveItsFileToANewGraphAtOnce(bool firstFirst)
    {
        Lock(_ann, Ann, FuseBits.LockWrite, 0, 9);
        var graph = new SlowToOpen(_time, _graphs.Graph.Top);
        _graphs.SwitchTo(graph);
        var read = TestKernel.Bytes(new FuseReadIn { Handle = _ann.Open.Handle, Size = 1 });
        var one = _kernel.Post(FuseOpcode.Read, _ann.Entry.Node, read);
        var other = _kernel.Post(FuseOpcode.Read, _ann.Entry.Node, read);
        Assert.False(_kernel.HasReply(one) || _kernel.HasReply(other));
        while (graph.Held.Count > 0)
        {
            var next = firstFirst ? graph.Held[0] : graph.Held[^1];
            graph.Held.Remove(next);
            next.SetResult();
        }

        Assert.Equal((Errno.Ok, Errno.Ok), (_kernel.Reply(one).Error, _kernel.Reply(other).Error));
        graph.IsSlow = false;
        Assert.Equal(Errno.EAGAIN, Lock(_bob, Bob, FuseBits.LockWrite, 5, 5));
        Assert.Equal(Errno.Ok, Lock(_ann, Ann, FuseBits.LockUnlock, 0, 9));
        Assert.Equal(Errno.Ok, Lock(_bob, Bob, FuseBits.LockWrite, 5, 5));
    }

    /// <summary>A graph that opens files when the test says so.</summary>
    private sealed class SlowToOpen(ManualTime time, Translator below) : Translator(TestPlace.For(time, subvolume: below))
    {
        public bool IsSlow { get; set; } = true;

        public List<TaskCompletionSource> Held { get; } = [];

        public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
            IsSlow ? OpenLater(fop, call) : base.Open(in fop, call);

        private async ValueTask<OpenReply> OpenLater(OpenFop fop, Call call)
        {
            var held = new TaskCompletionSource();
            Held.Add(held);
            await held.Task;
            return await base.Open(in fop, call);
        }
    }

    private static byte[] Argument(FuseCreateOut file, ulong owner, uint type, ulong start, ulong end, uint flags = 0) =>
        TestKernel.Bytes(new FuseLkIn
        {
            Handle = file.Open.Handle,
            Owner = owner,
            Lock = new FuseFileLock { Type = type, Start = start, End = end, Pid = 77 },
            Flags = flags,
        });

    private Errno Lock(FuseCreateOut file, ulong owner, uint type, ulong start, ulong end, uint flags = 0) =>
        _kernel.Call(FuseOpcode.Setlk, file.Entry.Node, Argument(file, owner, type, start, end, flags)).Error;

    private ulong Wait(FuseCreateOut file, ulong owner, ulong start, ulong end) =>
        _kernel.Post(FuseOpcode.Setlkw, file.Entry.Node, Argument(file, owner, FuseBits.LockWrite, start, end));

    private void Flush(FuseCreateOut file, ulong owner) => Assert.Equal(
        Errno.Ok,
        _kernel.Call(FuseOpcode.Flush, file.Entry.Node, TestKernel.Bytes(new FuseFlushIn { Handle = file.Open.Handle, LockOwner = owner })).Error);

    private void Interrupt(ulong unique) =>
        _kernel.Post(FuseOpcode.Interrupt, 0, TestKernel.Bytes(new FuseInterruptIn { Unique = unique }));

    /// <summary>The number that the request after the next will have.</summary>
    private ulong NextUnique(int requests)
    {
        var now = _kernel.Post(FuseOpcode.Interrupt, 0, TestKernel.Bytes(new FuseInterruptIn { Unique = 1 }));
        return now + (ulong)(requests * 2);
    }
}
