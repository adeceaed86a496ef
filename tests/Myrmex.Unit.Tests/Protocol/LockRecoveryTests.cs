using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Unit.Tests.Protocol;

/// <summary>POSIX locks after the loss of a connection: the client takes them again, and an fd without its locks is not used.</summary>
public sealed class LockRecoveryTests : IDisposable
{
    private static readonly Gfid File = new(5, 6);
    private static readonly LkOwner Anna = LkOwner.From(1);
    private static readonly LkOwner Berta = LkOwner.From(2);

    private readonly ProtocolWorld _world = new();
    private readonly List<string> _locks = [];
    private Errno _answer;

    public LockRecoveryTests()
    {
        _world.Brick.OnFop = (_, fop, call) =>
        {
            if (fop is LkFop lk)
            {
                _locks.Add($"{lk.Command} {lk.Type} {lk.Flock.Start}+{lk.Flock.Length} {call.LockOwner} {lk.Flock.Pid}");
            }
        };
        _world.Brick.Answer = (_, fop) => fop is LkFop && _answer != Errno.Ok ? LkReply.Fail(_answer) : null;
    }

    public void Dispose() => _world.Dispose();

    [Fact]
    public void EverythingThatIsStillHeldIsTakenAgain()
    {
        var client = _world.Client();
        var fd = _world.Open(client, File);
        var other = _world.Open(client, File);
        Lock(client, fd, Anna, LockType.Write, 0, 0);
        Lock(client, other, Anna, LockType.Unlock, 100, 50);
        Lock(client, other, Berta, LockType.Read, 500, 1);
        Lock(client, fd, Berta, LockType.Write, 700, 1);
        Lock(client, other, Berta, LockType.Unlock, 700, 0);
        Reconnect();
        Assert.Equal(
            [
                $"SetLock Read 500+1 {Berta} 42",
                $"SetLock Write 0+100 {Anna} 42",
                $"SetLock Write 150+0 {Anna} 42",
            ],
            _locks.Order(StringComparer.Ordinal));
        Assert.Equal(Errno.Ok, _world.Read(client, fd));
        Reconnect();
        Assert.Equal(3, _locks.Count);
    }

    [Fact]
    public void WhatFlushAndReleaseGiveUpIsNotTakenAgain()
    {
        var client = _world.Client();
        var fd = _world.Open(client, File);
        var other = _world.Open(client, File);
        Lock(client, fd, Anna, LockType.Write, 0, 10);
        Lock(client, other, Anna, LockType.Write, 20, 10);
        Lock(client, other, Berta, LockType.Write, 40, 10);
        var call = Call.Internal(pid: 100);
        call.LockOwner = Anna;
        ProtocolWorld.Error(_world.Ask<FlushFop, FlushReply>(client, new FlushFop { Gfid = File, Fd = fd }, call));
        call.Release();
        Reconnect();
        Assert.Equal($"SetLock Write 40+10 {Berta} 42", Assert.Single(_locks));
        ProtocolWorld.Error(_world.Ask<ReleaseFop, ReleaseReply>(client, new ReleaseFop { Gfid = File, Fd = other }));
        Reconnect();
        Assert.Empty(_locks);
    }

    [Fact]
    public void AnFdWaitsForALockThatIsNotFreeYetAndOthersDoNot()
    {
        var client = _world.Client();
        var fd = _world.Open(client, File);
        var other = _world.Open(client, new Gfid(7, 7));
        Lock(client, fd, Anna, LockType.Write, 0, 0);
        _answer = Errno.EAGAIN;
        Reconnect(1000);
        Assert.Equal(Errno.Ok, _world.Read(client, other));
        Assert.Equal(Errno.ENOTCONN, _world.Read(client, fd));
        _answer = Errno.Ok;
        _world.Loop.Advance(1000);
        Assert.Equal(Errno.Ok, _world.Read(client, fd));
    }

    [Theory]
    [InlineData(Errno.EAGAIN)]
    [InlineData(Errno.EIO)]
    public void AnFdWhoseLockSomebodyElseHasIsBadForGood(Errno answer)
    {
        var client = _world.Client();
        var fd = _world.Open(client, File);
        Lock(client, fd, Anna, LockType.Write, 0, 0);
        _answer = answer;
        Reconnect(60_000);
        Assert.Equal(Errno.EBADFD, _world.Read(client, fd));
        Assert.Equal(Errno.EBADFD, Lock(client, fd, Anna, LockType.Unlock, 0, 0));
        _answer = Errno.Ok;
        Reconnect();
        Assert.Empty(_locks);
        Assert.Equal(Errno.EBADFD, _world.Read(client, fd));
        Assert.Equal(Errno.Ok, ProtocolWorld.Error(
            _world.Ask<ReleaseFop, ReleaseReply>(client, new ReleaseFop { Gfid = File, Fd = fd })));
    }

    [Fact]
    public void StrictLocksAreNotTakenAgain()
    {
        var client = _world.Client(options: ("strict-locks", "on"));
        var fd = _world.Open(client, File);
        var other = _world.Open(client, File);
        Lock(client, fd, Anna, LockType.Write, 0, 0);
        Reconnect();
        Assert.Empty(_locks);
        Assert.Equal(Errno.EBADFD, _world.Read(client, fd));
        Assert.Equal(Errno.Ok, _world.Read(client, other));
    }

    [Fact]
    public void ALockGivenUpWhileItIsTakenAgainIsUnlockedAtTheServer()
    {
        var client = _world.Client();
        var fd = _world.Open(client, File);
        Lock(client, fd, Anna, LockType.Write, 0, 0);
        _world.Brick.Holds = code => code == FopCode.Lk;
        Reconnect();
        Assert.Equal(Errno.ENOTCONN, Lock(client, fd, Anna, LockType.Unlock, 0, 100));
        _locks.Clear();
        _world.Brick.Holds = _ => false;
        _world.Brick.Held.ForEach(a => a());
        _world.Loop.Run();
        Assert.Equal([$"SetLock Unlock 0+0 {Anna} 42", $"SetLock Write 100+0 {Anna} 42"], _locks);
        Assert.Equal(Errno.Ok, _world.Read(client, fd));
    }

    [Fact]
    public void LosingTheConnectionAgainWhileWaitingForALockStartsAnew()
    {
        var client = _world.Client();
        var fd = _world.Open(client, File);
        Lock(client, fd, Anna, LockType.Write, 0, 0);
        _answer = Errno.EAGAIN;
        Reconnect(1000);
        _answer = Errno.Ok;
        Reconnect();
        Assert.Equal($"SetLock Write 0+0 {Anna} 42", Assert.Single(_locks));
        Assert.Equal(Errno.Ok, _world.Read(client, fd));
        _world.Loop.Advance(10_000);
        Assert.Equal(Errno.Ok, _world.Read(client, fd));
    }

    [Fact]
    public void AnFdClosedWhileItWaitsForALockIsReleased()
    {
        var client = _world.Client();
        var fd = _world.Open(client, File);
        Lock(client, fd, Anna, LockType.Write, 0, 0);
        _answer = Errno.EAGAIN;
        Reconnect(1000);
        var released = _world.CountOf("Release");
        ProtocolWorld.Error(_world.Ask<ReleaseFop, ReleaseReply>(client, new ReleaseFop { Gfid = File, Fd = fd }));
        _world.Loop.Advance(1000);
        Assert.Equal(released + 1, _world.CountOf("Release"));
    }

    private Errno Lock(TranslatorGraph client, Fd fd, LkOwner owner, LockType type, long start, long length)
    {
        var call = Call.Internal(pid: 100);
        call.LockOwner = owner;
        var flock = new Flock(type, 0, start, length, 42, owner);
        var fop = new LkFop { Gfid = fd.Gfid, Fd = fd, Command = LockCommand.SetLock, Type = type, Flock = flock };
        var error = ProtocolWorld.Error(_world.Ask<LkFop, LkReply>(client, fop, call));
        call.Release();
        return error;
    }

    private void Reconnect(long milliseconds = 4000)
    {
        _world.Network.DropAll();
        _world.Loop.Run();
        _locks.Clear();
        _world.Loop.Advance(milliseconds);
    }
}
