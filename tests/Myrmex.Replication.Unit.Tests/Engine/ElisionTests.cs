using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

/// <summary>A leader of three, one of which is behind: what it gets without data, and when the others would.</summary>
public sealed class ElisionTests
{
    private static readonly MemberId Self = new(0);
    private static readonly MemberId First = new(1);
    private static readonly MemberId Second = new(2);

    private const ulong Found = 17;

    private ReplicaEngine _engine;
    private long _nowMs = 1000;
    private ulong _last = 1; // The entry with which the term begins.
    private ulong _tag;

    public ElisionTests()
    {
        _engine = Engine(new ReplicaLog(JournalIndex.None, Term.None, default));
        _ = Outputs();
        Progress();
        Answer(First, 1);
        Answer(Second, 1);
        _ = Outputs();
        Assert.True(_engine.IsServing);
    }

    [Fact]
    public void WhoLacksMuchGetsWhatIsLeftOfIt()
    {
        Propose(100, 10_000);
        var plan = Assert.Single(Outputs(), o => o.Kind == OutputKind.PlanElision);
        Assert.Equal((Second, new JournalIndex(Found), new JournalIndex(101)), (plan.Peer, plan.Index, plan.Through));
        Assert.Empty(Tick(_nowMs + 100)); // It waits.
        _engine.ElisionPlanned(plan.Ticket, Second, Walk(plan, i => i % 2 == 0), _nowMs);
        var items = Appends(Outputs()).SelectMany(a => a.Items).ToList();
        Assert.Equal(Enumerable.Range((int)Found + 1, 101 - (int)Found).Select(i => (ulong)i), items.Select(i => i.Index.Value));
        Assert.All(items, i => Assert.Equal(i.Index.Value % 2 == 0, i.IsElided));
        Assert.All(items.Where(i => i.IsElided), i => Assert.Equal(101UL, i.Elided!.Through.Value));
        Assert.All(items, i => Assert.Equal(10_000, i.DataLength));
        Assert.Equal((42, 420_000), (_engine.ElidedEntries, _engine.ElidedBytes));
        Assert.Equal(JournalIndex.None, _engine.ElidedThrough); // It has all itself.
        Answer(Second, 101);
        Propose(1, 10_000);
        Assert.All(Appends(Outputs()).SelectMany(a => a.Items), i => Assert.False(i.IsElided));
    }

    [Fact]
    public void WhoLacksLittleGetsAllOfIt()
    {
        Propose(3, 10_000);
        Assert.DoesNotContain(Outputs(), o => o.Kind == OutputKind.PlanElision);
    }

    /// <summary>Nobody waits for ever for somebody who finds out what is not needed.</summary>
    [Fact]
    public void WithoutAnAnswerItGetsAllOfIt()
    {
        Propose(100, 10_000);
        var plan = Assert.Single(Outputs(), o => o.Kind == OutputKind.PlanElision);
        for (var i = 0; i < 12; i++)
        {
            Progress();
            Answer(First, _last);
            Answer(Second, Found);
            var sent = Tick(_nowMs + 100);
            if (sent.SelectMany(a => a.Items).Any())
            {
                Assert.False(_engine.WantsPlan(plan.Ticket, Second));
                return;
            }
        }

        Assert.Fail("nothing came");
    }

    /// <summary>What is not committed may be replaced, and then its bytes never come.</summary>
    [Fact]
    public void OnlyWhatIsCommittedCounts()
    {
        Propose(100, 10_000, answered: 60);
        var plan = Assert.Single(Outputs(), o => o.Kind == OutputKind.PlanElision);
        Assert.Equal(new JournalIndex(60), plan.Through);
    }

    /// <summary>It is behind its store: damage has taken what makes that whole.</summary>
    [Fact]
    public void NobodyLeadsWithoutWhatMakesItsStoreWhole()
    {
        foreach (var through in new ulong[] { 3, 4 })
        {
            var log = new ReplicaLog(JournalIndex.None, Term.None, default);
            for (var i = 1UL; i <= 3; i++)
            {
                var header = new EntryHeader(new Term(2), new JournalIndex(i), default, EntryKind.Operation, 0, 0, 0);
                var entry = new JournalEntry(EntryChain.Seal(log.LastChain, header, default, default), default, default);
                log.Append(i == 2 ? entry.WithoutData(new JournalIndex(through)) : entry);
            }

            _engine = Engine(log);
            _ = Outputs();
            Assert.Equal(new JournalIndex(through), _engine.ElidedThrough);
            Assert.Equal(through == 3 ? ReplicaRole.Active : ReplicaRole.Follower, _engine.Role);
        }
    }

    private static ElisionPlan Walk(in ReplicaOutput wanted, Func<ulong, bool> isOverwritten)
    {
        var walk = new ElisionWalk(wanted.Index, wanted.Through, new Machine(isOverwritten));
        while (!walk.IsOver)
        {
            walk.Take(new EntryHeader(new Term(4), walk.Next, default, EntryKind.Operation, 0, 0, 0), default, 10_000, false);
        }

        return walk.Finish();
    }

    private ReplicaEngine Engine(ReplicaLog log)
    {
        var engine = new ReplicaEngine(new ReplicaStart
        {
            Self = Self,
            Superblock = new Superblock(new Term(2), MemberStatus.Voter, 100, 1),
            StorePrefix = "rs/",
            Options = new ReplicaOptions { ElideBytesMin = 100_000, PlanMs = 1000, RelayBytesMin = 0 },
            Log = log,
            NowMs = _nowMs - 1000, // What it may have granted before is over.
        });
        engine.LeaseChanged(new LeaseId(1), _nowMs);
        engine.StoreChanged(State(), _nowMs);
        _engine = engine;
        foreach (var output in Outputs().Where(o => o.Message is ReplicaMessage.Fence))
        {
            engine.Receive(
                new ReplicaMessage.FenceAnswer { From = From(output.Peer), Promised = new Term(4), Status = MemberStatus.Voter },
                _nowMs);
        }

        return engine;
    }

    /// <summary>The second member is started again and lacks all but what finding its place has brought it.</summary>
    private void Propose(int count, int bytes, ulong? answered = null)
    {
        // What is on the way to it is lost: it says again what it has.
        _nowMs += 400;
        Answer(First, _last);
        for (var i = 0; i < count; i++)
        {
            var data = Payload.CopyOf(new byte[bytes]);
            _engine.Propose(new Proposal(++_tag, EntryKind.Operation, 0, 0, 0, ReadOnlyMemory<byte>.Empty, data), _nowMs);
            data.Release();
            _last++;
        }

        _ = Outputs();
        Progress();
        Answer(First, answered ?? _last);
        if (count == 1)
        {
            return;
        }

        _ = Outputs();
        _engine.Receive(
            new ReplicaMessage.AppendAnswer
            {
                From = From(Second, boot: 2), // It was started again.
                Promised = new Term(4),
                Status = MemberStatus.Voter,
                Outcome = AppendOutcome.NoMatch,
                Hint = new JournalIndex(1),
            },
            _nowMs);
        Answer(Second, 1);
        _engine.Receive(
            new ReplicaMessage.AppendAnswer
            {
                From = From(Second, boot: 2),
                Promised = new Term(4),
                Status = MemberStatus.Voter,
                Durable = new JournalIndex(Math.Min(Found, _last)),
                Written = new JournalIndex(Math.Min(Found, _last)),
            },
            _nowMs);
    }

    private List<ReplicaMessage.Append> Tick(long nowMs)
    {
        _nowMs = nowMs;
        _engine.Tick(_nowMs);
        return [.. Appends(Outputs()).Where(a => a.Items.Count > 0)];
    }

    private static IEnumerable<ReplicaMessage.Append> Appends(IEnumerable<ReplicaOutput> outputs) =>
        outputs.Where(o => o.Peer == Second).Select(o => o.Message).OfType<ReplicaMessage.Append>();

    private void Progress() =>
        _engine.JournalProgress(0, new JournalIndex(_last), new JournalIndex(_last), _nowMs);

    private void Answer(MemberId member, ulong durable) => _engine.Receive(
        new ReplicaMessage.BeatAnswer
        {
            From = From(member, member == Second && _last > 1 ? 2UL : 1),
            Round = 1_000_000,
            Promised = new Term(4),
            Status = MemberStatus.Voter,
            Durable = new JournalIndex(durable),
            Written = new JournalIndex(durable),
        },
        _nowMs);

    private static MessageOrigin From(MemberId member, ulong boot = 1) =>
        new(new Term(4), member, 100ul + member.Value, boot, 1);

    private List<ReplicaOutput> Outputs()
    {
        var outputs = _engine.DrainSaving(_nowMs);
        foreach (var output in outputs.Where(o => o.Kind == OutputKind.StoreTransaction))
        {
            _engine.StoreAnswered(output.Ticket, succeeded: true, State(), _nowMs);
        }

        return outputs;
    }

    private static StoreState State() => new()
    {
        Revision = new Revision(9),
        Term = new TermOwner(new Term(4), Self, 100, 1),
        Lead = new TermOwner(new Term(4), Self, 100, 1),
        InSync = MemberSet.Of(Self).With(First).With(Second),
        Configuration = ReplicaConfiguration.Majority([new(Self, 100, "a"), new(First, 101, "b"), new(Second, 102, "c")]),
    };

    private sealed class Machine(Func<ulong, bool> isOverwritten) : IElision
    {
        public Overwritten Take(in EntryHeader header, ReadOnlySpan<byte> meta, int dataLength, Span<byte> blocks) =>
            isOverwritten(header.Index.Value) ? Overwritten.All : Overwritten.Nothing;
    }
}
