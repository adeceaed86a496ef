using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.JournalClient;
using Myrmex.Cluster.Sending;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>Where fops go, and what sends them again.</summary>
public sealed class SendingTests
{
    [Fact]
    public void TheHintIsFollowed()
    {
        var bed = new ClientBed(connects: false);
        bed.Lead(2);
        bed.Run(() => Array.ForEach(bed.Members, m => m.Connect()));
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(1, bed.Members[2].CallsOf(FopCode.Xattrop));
        Assert.Equal(1, bed.Members[0].CallsOf(FopCode.Stat));
        Assert.Empty(bed.Members[1].Calls);
        Assert.Equal(1, bed.Members[2].CallsOf(FopCode.Stat));
    }

    [Theory]
    [InlineData(-1)] // No hint.
    [InlineData(0)] // All say that member 0 leads, it says so as well.
    [InlineData(99)] // No member of ours.
    public void WithoutAGoodHintAllAreAsked(int hint)
    {
        var bed = new ClientBed { Hint = _ => hint < 0 ? null : hint };
        Assert.Equal(Errno.Ok, bed.Count());
        bed.Lead(2);
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(1, bed.Members[2].CallsOf(FopCode.Xattrop));
        Assert.Equal(2, bed.Set.Counter);
    }

    [Fact]
    public void WhileNobodyLeadsOneSearchServesAll()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, bed.Count());
        bed.Lead(-1);
        var before = bed.Members.Sum(m => m.CallsOf(FopCode.Stat));
        var all = BeginCounts(bed, 200);
        bed.World.RunFor(5_000);
        Assert.DoesNotContain(all, t => t.IsCompleted);

        // Rounds of three, mostly 200 ms apart.
        Assert.InRange(bed.Members.Sum(m => m.CallsOf(FopCode.Stat)) - before, 30, 120);
        bed.Lead(1);
        Assert.All(all, t => Assert.Equal(Errno.Ok, bed.End(t, 1_000)));
        Assert.Equal(201, bed.Set.Counter);
    }

    [Fact]
    public void AFopGivesUpAfterItsTime()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, bed.Count());
        bed.Lead(-1);
        var beganNs = bed.World.NowNs;
        Assert.Equal(Errno.ENOTCONN, bed.Count());
        Assert.InRange(bed.World.NowNs - beganNs, 29_900_000_000, 30_500_000_000);
        Assert.True(bed.Client.Reconfigure(ClientBed.OptionsOf((ClientOptions.ElectionWait, "2"))));
        beganNs = bed.World.NowNs;
        Assert.Equal(Errno.ENOTCONN, bed.Read(bed.NewFd()));
        Assert.InRange(bed.World.NowNs - beganNs, 1_900_000_000, 2_500_000_000);
        Assert.False(bed.Client.Reconfigure(ClientBed.OptionsOf((ClientOptions.Members, "3,4,5"))));
    }

    [Fact]
    public void MoreThanMayWaitAreRefusedAtOnce()
    {
        var bed = new ClientBed();
        bed.World.RunFor(100);
        bed.Lead(-1);
        var all = Enumerable.Range(0, SendingLimits.WaitingMax + 5)
            .Select(_ => bed.Begin((c, call) => c.Stat(new StatFop { Gfid = bed.File }, call))).ToList();
        bed.World.RunFor(1_000);
        var refused = all.Where(t => t.IsCompleted).ToList();
        Assert.InRange(refused.Count, 1, 10);
        Assert.All(refused, t => Assert.Equal(Errno.ENOTCONN, t.GetAwaiter().GetResult()));
        bed.Lead(0);
        Assert.All(all.Except(refused), t => Assert.Equal(Errno.Ok, bed.End(t)));
    }

    [Fact]
    public void AMemberThatHangsIsPassedOver()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, bed.Count());
        bed.Members[1].Hangs = true;
        bed.Hint = _ => 1;
        bed.Lead(2);
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(1, bed.Members[1].CallsOf(FopCode.Stat));
    }

    [Theory]
    [InlineData(FopCode.Xattrop)]
    [InlineData(FopCode.Mknod)]
    public void ALostAnswerIsAskedForAgain(FopCode code)
    {
        var bed = new ClientBed();
        var losses = 3;
        bed.Members[0].Loses = c => c == code && losses-- > 0;
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Mknod(new MknodFop { Parent = bed.File, Name = "a" }, call)));
        Assert.Equal(1, bed.Set.Counter);
        Assert.Equal(3, bed.Set.Repeats);
        Assert.Equal(0, bed.Set.Unmarked);
        Assert.Equal(4, bed.Members[0].CallsOf(code));
    }

    [Fact]
    public void ABrokenLinkIsNotNoticed()
    {
        var bed = new ClientBed { LateShare = 0.5, DelayMsMax = 20 };
        var all = BeginCounts(bed, 100);
        for (var i = 0; i < 6; i++)
        {
            var leads = i % 3;
            bed.Lead(leads);
            bed.World.RunFor(7);
            bed.Run(bed.Members[leads].Break);
            bed.World.RunFor(15);
            bed.Run(bed.Members[leads].Connect);
        }

        Assert.All(all, t => Assert.Equal(Errno.Ok, bed.End(t)));
        Assert.Equal(100, bed.Set.Counter);
    }

    [Fact]
    public void WhatIsTooMuchNowIsSentLater()
    {
        var bed = new ClientBed();
        var busy = 5;
        bed.Members[0].Instead = c => c is FopCode.Xattrop or FopCode.Read && busy-- > 0 ? Errno.EAGAIN : null;
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(6, bed.Members[0].CallsOf(FopCode.Xattrop));
        Assert.InRange(bed.World.NowNs, 100_000_000, 1_000_000_000);
    }

    [Fact]
    public void ALockThatIsNotFreeIsAnAnswer()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        bed.Set.Locks.Add(new ModelLock(9, LkOwner.From(99), 10));
        Assert.Equal(Errno.EAGAIN, bed.Lock(fd, 1, 10));
        Assert.Equal(1, bed.Members[0].CallsOf(FopCode.Lk));
    }

    [Fact]
    public void AnUnknownSessionIsReplacedIfNothingWasDone()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, bed.Count());
        bed.Set.EvictAll();
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(2, bed.Set.Counter);
        Assert.Equal(2, bed.Members[0].CallsOf(FopCode.Ipc));
        Assert.Equal(1, bed.Set.SessionCount);
    }

    [Fact]
    public void AnUnknownSessionAfterALossIsAnError()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, bed.Count());
        bed.Members[0].Loses = code =>
        {
            bed.Members[0].Loses = null;
            bed.Set.EvictAll();
            return code == FopCode.Xattrop;
        };
        Assert.Equal(Errno.EIO, bed.Count());
        Assert.Equal(2, bed.Set.Counter); // It did take effect, which nobody can know.
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(3, bed.Set.Counter);
    }

    [Fact]
    public void NoMoreThanAWindowIsUnderWay()
    {
        var bed = new ClientBed { DelayMsMax = 0 };
        bed.Members[0].Hangs = true;
        bed.World.RunFor(10);
        bed.Members[0].Hangs = false;
        Assert.Equal(Errno.Ok, bed.Count());
        bed.Members[0].Hangs = true;
        var all = BeginCounts(bed, 3_000);
        bed.World.RunFor(100);
        Assert.Equal(1 + SendingLimits.WindowMax, bed.Members[0].CallsOf(FopCode.Xattrop));
        bed.Members[0].Hangs = false;
        Assert.All(all, t => Assert.Equal(Errno.Ok, bed.End(t)));
        Assert.Equal(3_001, bed.Set.Counter);
        Assert.InRange(bed.Set.OutcomesMax, 1, SendingLimits.WindowMax);
    }

    [Fact]
    public void ARequestWithASessionPassesAsItIs()
    {
        var bed = new ClientBed();
        var xdata = XData.Rent();
        var record = Enumerable.Range(1, ChangeRecord.ShortBytes).Select(i => (byte)i).ToArray();
        xdata.SetBytes(ChangeRecord.Key, record);
        var fop = new XattropFop { Gfid = bed.File, XData = xdata };
        Assert.Equal(Errno.EBADE, bed.Do((c, call) => c.Xattrop(fop, call)));
        Assert.Equal(record, bed.Members[0].LastRecord);
        Assert.Equal(0, bed.Members[0].CallsOf(FopCode.Ipc));
        xdata.Release();
    }

    [Fact]
    public void TheRequestOfTheCallerIsNotChanged()
    {
        var bed = new ClientBed();
        var losses = 2;
        bed.Members[0].Loses = c => c == FopCode.Write && losses-- > 0;
        var fd = bed.Open();
        var xdata = XData.Rent();
        xdata.SetInt("some-key"u8, 42);
        var encoded = xdata.Encoded.ToArray();
        var data = Payload.CopyOf(BitConverter.GetBytes(4711L));
        var fop = new WriteFop { Fd = fd, Data = data, XData = xdata };
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Write(fop, call)));
        Assert.Equal(encoded, xdata.Encoded.ToArray());
        Assert.Equal([4711L], bed.Set.Log);
        Assert.Equal(3, bed.Members[0].CallsOf(FopCode.Write));
        data.Release();
        xdata.Release();
    }

    [Fact]
    public void AnOpenThatCutsIsAChange()
    {
        var bed = new ClientBed();
        bed.Open(OpenFlags.ReadOnly);
        Assert.Null(bed.Members[0].LastRecord);
        bed.Open(OpenFlags.ReadWrite | OpenFlags.Truncate);
        Assert.Equal(ChangeRecord.ShortBytes, bed.Members[0].LastRecord?.Length);
    }

    [Fact]
    public void TheSessionEndsWithTheGraph()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(1, bed.Set.SessionCount);
        bed.Run(bed.Client.Stop);
        bed.World.RunFor(100);
        Assert.Equal(0, bed.Set.SessionCount);
    }

    [Fact]
    public void TheDumpTellsWhatHappened()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, bed.Count());
        bed.Lead(1);
        Assert.Equal(Errno.Ok, bed.Count());
        var dump = bed.Dump();
        Assert.Contains("leader=1\n", dump);
        Assert.Contains("leader.moves=2\n", dump);
        Assert.Contains("session.last=2\n", dump);
        Assert.Contains("session.outstanding=0\n", dump);
        Assert.Contains("retries=1\n", dump);
    }

    [Theory]
    [InlineData("1,2")]
    [InlineData("1,1,2")]
    [InlineData("1,2,x")]
    [InlineData("1,2,256")]
    public void WrongMemberNumbersAreRefused(string members) =>
        Assert.Throws<GraphException>(() => new ClientBed(options: (ClientOptions.Members, members)));

    [Fact]
    public void ItIsUpFromTheFirstLeaderOn()
    {
        var bed = new ClientBed(connects: false);
        bed.Lead(-1);
        bed.Run(bed.Members[1].Connect);
        bed.World.RunFor(2_000);
        Assert.Empty(bed.Events);
        bed.Lead(1);
        bed.World.RunFor(1_000);
        Assert.Equal([GraphEventKind.ChildUp], bed.Events.Select(e => e.Kind));
        bed.Run(bed.Members[0].Connect);
        bed.Run(bed.Members[1].Break);
        bed.World.RunFor(60_000);
        Assert.Single(bed.Events);
    }

    [Fact]
    public void ItIsDownWhenNobodyIsAttached()
    {
        var bed = new ClientBed();
        bed.World.RunFor(100);
        bed.Run(() => Array.ForEach(bed.Members, m => m.Break()));
        Assert.Equal([GraphEventKind.ChildUp, GraphEventKind.ChildDown], bed.Events.Select(e => e.Kind));
        bed.Run(bed.Members[2].Connect);
        bed.World.RunFor(2_000);
        Assert.Equal(2, bed.Events.Count);
        bed.Lead(2);
        bed.World.RunFor(2_000);
        Assert.Equal(GraphEventKind.ChildUp, bed.Events[^1].Kind);
    }

    [Fact]
    public void WhoWaitsForTheFirstReportHearsOfAMissingLeader()
    {
        var bed = new ClientBed(connects: false);
        bed.Lead(-1);
        bed.Run(bed.Members[1].Connect);
        bed.World.RunFor(31_000);
        Assert.Equal([GraphEventKind.ChildDown], bed.Events.Select(e => e.Kind));
        bed.Lead(1);
        bed.World.RunFor(1_000);
        Assert.Equal(GraphEventKind.ChildUp, bed.Events[^1].Kind);
    }

    [Fact]
    public void OnlyTheLeaderKnowsOfLocks()
    {
        var bed = new ClientBed();
        bed.World.RunFor(100);
        bed.Events.Clear();
        var contention = new GraphEvent(GraphEventKind.LockContention, bed.File);
        bed.Run(() => bed.Members[1].Tell(contention));
        bed.Run(() => bed.Members[1].Tell(new GraphEvent(GraphEventKind.Invalidate, bed.File)));
        bed.Run(() => bed.Members[0].Tell(contention));
        Assert.Equal([GraphEventKind.Invalidate, GraphEventKind.LockContention], bed.Events.Select(e => e.Kind));
    }

    private static List<Task<Errno>> BeginCounts(ClientBed bed, int count) =>
        [.. Enumerable.Range(0, count).Select(
            _ => bed.Begin((c, call) => c.Xattrop(new XattropFop { Gfid = bed.File }, call)))];
}
