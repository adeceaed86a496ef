using System.Linq;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

/// <summary>
/// One engine that needs a copy, or is being copied: it neither leads nor says that it has what it has not.
/// </summary>
public sealed class CopiedMemberTests
{
    private static readonly MemberId Self = new(0);
    private static readonly MemberId Other = new(1);

    /// <summary>The lead was asked for before the copy was begun, and is granted after.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhoIsBeingCopiedGivesTheLeadBack(bool isCopied)
    {
        var engine = Engine(Log(3, lastTerm: 1), checkpoint: 3);
        Assert.True(!isCopied || engine.BeginInstall(engine.Promised, new JournalIndex(9), 1000));
        engine.StoreChanged(State(leader: Self, allowsMemory: false), 1000);
        Assert.Equal(isCopied ? ReplicaRole.Follower : ReplicaRole.Candidate, engine.Role);
        Assert.Equal(isCopied, engine.DrainSaving(1000).Any(o => o.Kind == OutputKind.StoreTransaction));
        Assert.Equal(!isCopied, engine.BeginInstall(engine.Promised, new JournalIndex(9), 1000) is false);
    }

    /// <summary>Another member leads since it was offered, and may count on what this one has taken from it.</summary>
    [Fact]
    public void ACopyThatAnEarlierLeaderOfferedIsNotBegun()
    {
        var engine = Engine(Log(3, lastTerm: 1), checkpoint: 3);
        var offered = engine.Promised;
        engine.StoreChanged(State(leader: Other, allowsMemory: false), 1000);
        Receive(engine, Log(3, lastTerm: 1), previous: 3, commit: 3, term: offered.Value + 1);
        Assert.True(engine.Promised > offered);
        Assert.False(engine.BeginInstall(offered, new JournalIndex(9), 1000));
        Assert.Equal(MemberStatus.Voter, engine.Status);
        Assert.True(engine.BeginInstall(engine.Promised, new JournalIndex(9), 1000));
    }

    /// <summary>It has got on without since it was offered: the leader counts on what it has acknowledged.</summary>
    [Theory]
    [InlineData(1ul)]
    [InlineData(3ul)]
    public void ACopyOfWhatIsAcknowledgedIsNotBegun(ulong start)
    {
        var engine = Engine(Log(1, lastTerm: 1), checkpoint: 1);
        engine.StoreChanged(State(leader: Other, allowsMemory: false), 1000);
        Deliver(engine, Log(3, lastTerm: 1), previous: 1, commit: 1, term: 4);
        engine.JournalProgress(0, new JournalIndex(3), new JournalIndex(3), 1000);
        Assert.Contains(engine.DrainSaving(1000), o => o.Message is ReplicaMessage.AppendAnswer { Durable.Value: 3 });
        Assert.Equal(1ul, engine.Commit.Value);
        Assert.False(engine.BeginInstall(engine.Promised, new JournalIndex(start), 1000));
        Assert.Equal(MemberStatus.Voter, engine.Status);
        Assert.True(engine.BeginInstall(engine.Promised, new JournalIndex(4), 1000));
    }

    /// <summary>All members went on from less than this one had committed.</summary>
    [Theory]
    [InlineData(2ul)]
    [InlineData(1ul)]
    public void WhoCommittedAnotherEntryThanTheLeaderWantsACopy(ulong last)
    {
        var engine = Engine(Log(3, lastTerm: 1), checkpoint: 1);
        engine.StoreChanged(State(leader: Other, allowsMemory: true), 1000);
        Receive(engine, Log(3, lastTerm: 1), previous: 1, commit: 3, term: 3);
        Assert.Equal(3ul, engine.Commit.Value);
        var other = Log((int)last + 1, lastTerm: 4);
        var answer = Receive(engine, other, previous: last, commit: last, term: 4);
        Assert.Equal(AppendOutcome.NeedsCopy, answer.Outcome);
        Assert.Equal(JournalIndex.None, answer.Durable);
        Assert.True(engine.WantsCopy);
    }

    /// <summary>What it answers to what it has already.</summary>
    private static ReplicaMessage.AppendAnswer Receive(
        ReplicaEngine engine, ReplicaLog log, ulong previous, ulong commit, ulong term)
    {
        Deliver(engine, log, previous, commit, term);
        return engine.DrainSaving(1000).Select(o => o.Message).OfType<ReplicaMessage.AppendAnswer>().Last();
    }

    private static void Deliver(ReplicaEngine engine, ReplicaLog log, ulong previous, ulong commit, ulong term) =>
        engine.Receive(
            new ReplicaMessage.Append
            {
                From = new MessageOrigin(new Term(term), Other, 101, 1, 1),
                PreviousIndex = new JournalIndex(previous),
                PreviousChain = log.ChainAt(new JournalIndex(previous)),
                Commit = new JournalIndex(commit),
                Items = [.. Enumerable.Range((int)previous + 1, (int)(log.Last.Value - previous))
                    .Select(i => log[new JournalIndex((ulong)i)])],
            },
            1000);

    private static StoreState State(MemberId leader, bool allowsMemory) => new()
    {
        Revision = new Revision(9),
        Term = new TermOwner(new Term(4), leader, 100ul + leader.Value, 1),
        Lead = new TermOwner(new Term(4), leader, 100ul + leader.Value, 1),
        Configuration = new ReplicaConfiguration
        {
            Epoch = 1,
            Mode = ReplicaMode.Quorum,
            Members = [new(Self, 100, "a"), new(Other, 101, "b")],
            WriteQuorum = 1,
            ElectionQuorum = 2,
            AllowsMemory = allowsMemory,
        },
    };

    private static ReplicaEngine Engine(ReplicaLog log, int checkpoint) => new(new ReplicaStart
    {
        Self = Self,
        Superblock = new Superblock(new Term(1), MemberStatus.Voter, 100, 1),
        StorePrefix = "rs/",
        Log = log,
        Checkpoint = new JournalIndex((ulong)checkpoint),
        NowMs = 1000,
    });

    private static ReplicaLog Log(int count, ulong lastTerm)
    {
        var log = new ReplicaLog(JournalIndex.None, Term.None, default);
        for (var i = 1; i <= count; i++)
        {
            var term = new Term(i < count ? 1 : lastTerm);
            byte[] meta = [(byte)i];
            var header = new EntryHeader(term, new JournalIndex((ulong)i), default, EntryKind.Operation, 0, 0, 0);
            log.Append(new JournalEntry(EntryChain.Seal(log.LastChain, header, meta, []), meta, default));
        }

        return log;
    }
}
