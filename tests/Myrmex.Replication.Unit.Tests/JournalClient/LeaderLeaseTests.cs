using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>The promise that a cache above lives by is that of the member that everything goes to.</summary>
public sealed class LeaderLeaseTests
{
    private readonly ClientBed _bed = new(1, connects: true, ("readers", "0,1,2"));
    private readonly Watcher _watcher;

    public LeaderLeaseTests()
    {
        _bed.Lead(0);
        _watcher = new Watcher(_bed);
        Assert.Equal(Errno.Ok, _bed.Count());
    }

    [Fact]
    public void TheLeaderAloneIsWatched()
    {
        _bed.Client.WatchLease(_watcher);
        Assert.Equal([true, false, false], Watched);
        _bed.Members[0].Watcher!.LeaseExtended(_bed.Members[0], 77);
        _bed.Members[0].Watcher!.InodeChanges(_bed.File);
        Assert.Equal(["until 77", "changes"], _watcher.Heard);
        Assert.Same(_bed.Client, _watcher.Source);
        _bed.Client.WatchLease(null);
        Assert.Equal([false, false, false], Watched);
    }

    [Fact]
    public void ItIsVoidBeforeAnythingGoesToAnotherMember()
    {
        _bed.Client.WatchLease(_watcher);
        var former = _bed.Members[0].Watcher!;
        former.LeaseExtended(_bed.Members[0], 77);
        _bed.Lead(1);
        var before = _bed.Members[1].CallsOf(FopCode.Xattrop);
        Assert.Equal(Errno.Ok, _bed.Count());
        Assert.Equal(["until 77", $"lost after {before}"], _watcher.Heard);
        Assert.Equal([false, true, false], Watched);

        // And what the former one says, or takes back, is not heard any more.
        former.LeaseExtended(_bed.Members[0], 99);
        former.InodeChanges(_bed.File);
        former.LeaseLost(_bed.Members[0]);
        Assert.Equal(2, _watcher.Heard.Count);
        _bed.Members[1].Watcher!.LeaseExtended(_bed.Members[1], 88);
        Assert.Equal("until 88", _watcher.Heard[2]);
    }

    /// <summary>Whether a member that was left and found again still means what it has said nobody knows.</summary>
    [Fact]
    public void AMemberThatIsFoundAgainHasToPromiseAgain()
    {
        _bed.Client.WatchLease(_watcher);
        var former = _bed.Members[0].Watcher!;
        _bed.Run(() => _bed.Members[0].Break());
        _bed.Run(() => _bed.Members[0].Connect());
        Assert.Equal(Errno.Ok, _bed.Count());
        Assert.NotSame(former, _bed.Members[0].Watcher);
        former.LeaseExtended(_bed.Members[0], 99);
        Assert.DoesNotContain("until 99", _watcher.Heard);
    }

    [Fact]
    public void WhoWantsItLaterOrNoMoreIsHeardToo()
    {
        _bed.Client.WatchLease(_watcher);
        var former = _bed.Members[0].Watcher!;
        _bed.Client.WatchLease(null);
        former.LeaseExtended(_bed.Members[0], 99);
        Assert.DoesNotContain("until 99", _watcher.Heard);
        _bed.Lead(2);
        Assert.Equal(Errno.Ok, _bed.Count());
        Assert.Equal([false, false, false], Watched);
        _bed.Client.WatchLease(_watcher);
        Assert.Equal([false, false, true], Watched);
    }

    /// <summary>The leader has not seen the read, so it would tell nobody of a change.</summary>
    [Fact]
    public void WhatAFollowerHasReadIsMarked()
    {
        var fd = _bed.Open();
        var marks = new List<bool>();
        for (var i = 0; i < 30; i++)
        {
            var at = i * 262_144L;
            Assert.Equal(Errno.Ok, _bed.Do(async (c, call) =>
            {
                var reply = await c.Read(new ReadFop { Fd = fd, Offset = at, Size = 65_536 }, call);
                marks.Add(reply.IsNotForCaches);
                return reply;
            }));
        }

        Assert.Equal(30 - _bed.Members[0].CallsOf(FopCode.Read), marks.Count(m => m));
        Assert.Contains(true, marks);
        Assert.Contains(false, marks);
    }

    private IEnumerable<bool> Watched => _bed.Members.Select(m => m.Watcher is not null);

    private sealed class Watcher(ClientBed bed) : ICacheLeaseWatcher
    {
        public List<string> Heard { get; } = [];

        public ICacheLease? Source { get; private set; }

        public void LeaseExtended(ICacheLease lease, long untilNs)
        {
            Source = lease;
            Heard.Add($"until {untilNs}");
        }

        public void LeaseLost(ICacheLease lease) =>
            Heard.Add($"lost after {bed.Members[1].CallsOf(FopCode.Xattrop)}");

        public void InodeChanges(in Gfid gfid) => Heard.Add("changes");
    }
}
