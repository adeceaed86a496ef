using System;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>What caches of proxies of a replica set keep, and what a leader that comes or goes means for it.</summary>
public sealed class MemberCacheTests : IDisposable
{
    private const string Name = "file";
    private const int GrantMs = 1_000; // Of the bed.

    private static readonly Gfid File = CacheWorld.GfidOf(Name);

    private readonly MemberCacheBed _bed = new(2); // With reads at followers.
    private long _mtime;

    public MemberCacheTests()
    {
        var made = _bed.Do(_bed.Direct, (top, call) => top.Mknod(CacheWorld.MknodOf(Name), call));
        Assert.True(made.IsOk);
        made.Release();
        Assert.Equal(Errno.Ok, Change());
        _bed.WaitForLeases();
    }

    private CacheUser Proxy => _bed.Proxies[0];

    public void Dispose()
    {
        Array.ForEach(_bed.Proxies, p => p.Cache!.Store.Close()); // They have one.
        _bed.Dispose();
    }

    [Fact]
    public void WhatWasLookedAtIsAnsweredFromMemoryUntilSomebodyChangesIt()
    {
        Assert.Equal(_mtime, Look(Proxy));
        var hits = Proxy.Hits;
        Assert.Equal(_mtime, Look(Proxy));
        Assert.Equal(hits + 1, Proxy.Hits);
        Assert.Equal(Errno.Ok, Change());
        Assert.Equal(_mtime, Look(Proxy));
        Assert.Equal(hits + 1, Proxy.Hits);
        Assert.Equal(1, _bed.Waits);
    }

    [Fact]
    public void OnlyTheLeaderPromisesSomething()
    {
        _bed.World.RunFor(2_000);
        Assert.Equal(2, _bed.HoldersAt(_bed.Leader));
        Assert.All(_bed.Set.Members.Where(m => m != _bed.Leader), m => Assert.Equal(0, _bed.HoldersAt(m)));
    }

    /// <summary>The promises run out before the lead is handed over, and until then all goes on.</summary>
    [Fact]
    public void APlannedChangeOfLeaderIsFeltNoLongerThanWithoutCaches()
    {
        Look(Proxy);
        var former = _bed.Leader;
        var next = _bed.Set.Members.First(m => m != former);
        var startNs = _bed.World.NowNs;
        former.Replica!.TransferLead(9, next.Id);
        var longest = 0L;
        while (_bed.Set.Leader != next)
        {
            longest = Math.Max(longest, _bed.Time(() => Assert.Equal(Errno.Ok, Change())));
            Assert.Equal(_mtime, Look(Proxy));
            Assert.InRange((_bed.World.NowNs - startNs) / 1_000_000, 0, GrantMs + 300);
        }

        Assert.InRange(longest, 0, 150);
        Assert.True((_bed.World.NowNs - startNs) / 1_000_000 > GrantMs / 2, "nothing was waited for");
        ExpectKept();
    }

    [Fact]
    public void SwitchedOffALeadIsHandedOverAtOnce()
    {
        Look(Proxy);
        _bed.Switch(isOn: false);
        _bed.World.RunFor(3_000);
        Assert.False(Proxy.MayKeep);
        var next = _bed.Set.Members.First(m => m != _bed.Leader);
        var ms = _bed.Time(() =>
        {
            _bed.Leader.Replica!.TransferLead(9, next.Id);
            Assert.True(_bed.World.RunUntil(() => _bed.Set.Leader == next, 5_000));
        });
        Assert.InRange(ms, 0, 100);
        _bed.Switch(isOn: true);
        ExpectKept();
    }

    /// <summary>
    /// A leader that is cut off from the others has promised something: by the time another one changes the file that is
    /// over, though nobody has told the proxy, which still hears the former one.
    /// </summary>
    [Fact]
    public void WhoIsCutOffFromTheOthersPromisesNothingThatTheNextLeaderBreaks()
    {
        Look(Proxy);
        var former = _bed.Leader;
        former.IsIsolated = true;
        _bed.World.Network.Cut(_bed.Direct.Node, former.Node); // It asks the others soon.
        var changing = _bed.Direct.Begin(async (top, call) => await top.Setattr(NextChange(), call));
        Assert.True(_bed.World.RunUntil(() => !Proxy.MayKeep, 2 * GrantMs));
        Assert.False(changing.IsCompleted);
        Assert.True(former.IsServing, "it knows that it does not lead, so this shows nothing");
        _bed.End(changing).Release();
        Assert.False(Proxy.MayKeep);
        Assert.Equal(_mtime, Look(Proxy));
    }

    /// <summary>The connection ends, and with it the promise; the next leader has waited for the grants in any case.</summary>
    [Fact]
    public void AProcessThatDiesTakesItsPromiseWithIt()
    {
        Look(Proxy);
        var former = _bed.Leader;
        former.Crash(SimCrash.Process);
        Assert.Equal(Errno.Ok, Change());
        Assert.NotEqual(former, _bed.Leader);
        Assert.Equal(_mtime, Look(Proxy));
        _bed.Set.Restart();
        ExpectKept();
    }

    [Fact]
    public void AProxyThatHangsHoldsAChangeUpForLessThanAGrant()
    {
        Look(Proxy);
        Proxy.Node.Freeze(30_000);
        Assert.InRange(_bed.Time(() => Assert.Equal(Errno.Ok, Change())), 300, GrantMs);
        Assert.InRange(_bed.Time(() => Assert.Equal(Errno.Ok, Change())), 0, 100); // Once.
    }

    /// <summary>The leader would tell nobody of a change of what it has not seen.</summary>
    [Fact]
    public void WhatFollowersHaveReadIsNotKept()
    {
        Write(1 << 20);
        for (var round = 0; round < 2; round++)
        {
            for (var offset = 0; offset < 1 << 20; offset += 1 << 16)
            {
                Read(offset, 1 << 16);
            }
        }

        var hits = Proxy.Hits; // Of those that the leader has answered.
        Assert.InRange(hits, 1, 15);
        Read(0, 4096);
        Read(0, 4096);
        Assert.InRange(Proxy.Hits, hits + 1, hits + 2); // Small ones are kept.
    }

    /// <summary>Where a lock is lost, what is read through its fd is an error, and nobody else knows that.</summary>
    [Fact]
    public void WhoHasAskedForALockIsAnsweredByTheLeader()
    {
        var fd = new Fd(File, OpenFlags.ReadWrite, isDirectory: false, slotCount: 8);
        Assert.Equal(Errno.Ok, Outcome((top, call) => top.Open(
            new OpenFop { Gfid = File, Flags = OpenFlags.ReadWrite, Fd = fd }, call)));
        Fstat(fd);
        var hits = Proxy.Hits;
        Fstat(fd);
        Assert.Equal(hits + 1, Proxy.Hits);
        Assert.Equal(Errno.Ok, Outcome((top, call) =>
        {
            call.LockOwner = LkOwner.From(7);
            return top.Lk(
                new LkFop
                {
                    Gfid = File,
                    Fd = fd,
                    Command = LockCommand.SetLock,
                    Type = LockType.Write,
                    Flock = new Flock(LockType.Write, 0, 0, 1, 5, default),
                },
                call);
        }));
        Fstat(fd);
        Fstat(fd);
        Assert.Equal(hits + 1, Proxy.Hits);
        Look(Proxy);
        Assert.Equal(hits + 2, Proxy.Hits); // By its name it is what it is.
    }

    private void Fstat(Fd fd) =>
        Assert.Equal(Errno.Ok, Outcome((top, call) => top.Fstat(new FstatFop { Gfid = File, Fd = fd }, call)));

    private Errno Outcome<TReply>(Func<Translator, Call, ValueTask<TReply>> fop)
        where TReply : Reply => StoreBed.Outcome(_bed.Do(Proxy, fop));

    private SetattrFop NextChange() => new()
    {
        Gfid = File,
        Valid = SetattrValid.Mtime,
        Iatt = new Iatt { Mtime = ++_mtime },
    };

    private Errno Change()
    {
        var fop = NextChange();
        return StoreBed.Outcome(_bed.Do(_bed.Direct, (top, call) => top.Setattr(in fop, call)));
    }

    private long Look(CacheUser user)
    {
        var reply = _bed.Do(user, (top, call) => top.Stat(new StatFop { Gfid = File }, call));
        Assert.Equal(Errno.Ok, reply.Error);
        var mtime = reply.Iatt.Mtime;
        reply.Release();
        return mtime;
    }

    /// <summary>Who leads now promises something, and it is used.</summary>
    private void ExpectKept()
    {
        Array.ForEach(_bed.Proxies, p => Look(p)); // So they find out who leads.
        _bed.WaitForLeases();
        Look(Proxy);
        var hits = Proxy.Hits;
        Assert.Equal(_mtime, Look(Proxy));
        Assert.Equal(hits + 1, Proxy.Hits);
    }

    private void Write(int size)
    {
        var data = Payload.CopyOf(new byte[size >> 4]);
        for (var offset = 0; offset < size; offset += data.Length)
        {
            var at = offset;
            Assert.Equal(Errno.Ok, StoreBed.Outcome(_bed.Do(_bed.Direct, (top, call) => top.Write(
                new WriteFop { Gfid = File, Fd = call.AnonymousFd(File), Offset = at, Data = data }, call))));
        }

        data.Release();
    }

    private void Read(long offset, uint size) => Assert.Equal(Errno.Ok, StoreBed.Outcome(_bed.Do(
        Proxy,
        (top, call) => top.Read(
            new ReadFop { Gfid = File, Fd = call.AnonymousFd(File), Offset = offset, Size = size }, call))));
}
