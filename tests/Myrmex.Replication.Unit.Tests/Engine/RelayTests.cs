using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

/// <summary>A leader of three: which entries it sends to one follower only, to be sent on to the other.</summary>
public sealed class RelayTests
{
    private static readonly MemberId Self = new(0);
    private static readonly MemberId First = new(1);
    private static readonly MemberId Second = new(2);

    private readonly ReplicaOptions _options = new();
    private readonly ReplicaEngine _engine;
    private long _nowMs = 1000;
    private ulong _last = 1; // The entry with which the term begins.
    private ulong _tag;

    public RelayTests()
    {
        _engine = new ReplicaEngine(new ReplicaStart
        {
            Self = Self,
            Superblock = new Superblock(new Term(1), MemberStatus.Voter, 100, 1),
            StorePrefix = "rs/",
            Options = _options,
            Log = new ReplicaLog(JournalIndex.None, Term.None, default),
            NowMs = _nowMs - 1000, // What it may have granted before is over.
        });
        _engine.StoreChanged(State(), _nowMs);
        _ = Sent();
        AnswerAll();
        AnswerAll();
        Assert.True(_engine.IsServing);
    }

    [Fact]
    public void LargeEntriesLeaveOnceForTwoFollowers()
    {
        var (to, message) = Assert.Single(Propose(1 << 20));
        Assert.Equal((First, Second), (to, message.RelayTo));
        Assert.Null(message.Relayed().RelayTo);
        Assert.Equal(message.Items, message.Relayed().Items);
    }

    [Fact]
    public void SmallEntriesGoToBoth()
    {
        var sent = Propose(1000);
        Assert.Equal([First, Second], sent.Select(s => s.To));
        Assert.All(sent, s => Assert.Null(s.Message.RelayTo));
    }

    /// <summary>They would overtake it on the direct way.</summary>
    [Fact]
    public void WhatFollowsGoesTheSameWayUntilItIsThere()
    {
        _ = Propose(1 << 20);
        Assert.Equal((First, Second), Ways(Propose(10)).Single());
        AnswerAll();
        Assert.Equal([(First, null), (Second, null)], Ways(Propose(10)));
    }

    [Fact]
    public void WhatDoesNotComeIsSentByTheLeaderAndSoIsTheRestForAWhile()
    {
        _ = Propose(1 << 20);
        Answer(First, _last);
        Assert.Empty(Tick(_options.RetransmitMs - 10));
        Assert.Contains((Second, null), Ways(Tick(20)));
        AnswerAll();
        Assert.Equal([(First, null), (Second, null)], Ways(Propose(1 << 20)));
        AnswerAll();
        for (var ms = 0L; ms < _options.RelayPauseMs; ms += 100)
        {
            _ = Tick(100);
            AnswerAll();
        }

        Assert.Equal((First, Second), Ways(Propose(1 << 20)).Single());
    }

    [Fact]
    public void AFollowerThatIsElsewhereGetsItsOwn()
    {
        _ = Propose(1 << 20);
        _engine.Receive(Taken(Second, 0, AppendOutcome.NoMatch), _nowMs); // It was overtaken.
        _ = Sent();
        Assert.DoesNotContain(Ways(Propose(1 << 20)), w => w.RelayTo is not null);
    }

    [Fact]
    public void NobodyGetsItByWayOfAMemberThatIsSilent()
    {
        for (var ms = 0L; ms <= _options.FreshMs; ms += 50)
        {
            _ = Tick(50);
            Answer(Second, _last);
        }

        Assert.Equal([(First, null), (Second, null)], Ways(Propose(1 << 20)));
    }

    private static IEnumerable<(MemberId To, MemberId? RelayTo)> Ways(
        IEnumerable<(MemberId To, ReplicaMessage.Append Message)> sent) => sent.Select(s => (s.To, s.Message.RelayTo));

    private List<(MemberId To, ReplicaMessage.Append Message)> Propose(int bytes)
    {
        var data = Payload.CopyOf(new byte[bytes]);
        _engine.Propose(
            new Proposal(++_tag, EntryKind.Operation, 0, 0, 0, ReadOnlyMemory<byte>.Empty, data), _nowMs);
        _last++;
        return [.. Sent()];
    }

    private List<(MemberId To, ReplicaMessage.Append Message)> Tick(long ms)
    {
        _nowMs += ms;
        _engine.Tick(_nowMs);
        return [.. Sent()];
    }

    private void AnswerAll()
    {
        _engine.JournalProgress(0, new JournalIndex(_last), new JournalIndex(_last), _nowMs);
        Answer(First, _last);
        Answer(Second, _last);
        _ = Sent();
    }

    private void Answer(MemberId member, ulong durable)
    {
        _engine.Receive(Taken(member, durable, AppendOutcome.Taken), _nowMs);
        _engine.Receive(
            new ReplicaMessage.BeatAnswer
            {
                From = From(member),
                Round = 1_000_000,
                Promised = new Term(4),
                Status = MemberStatus.Voter,
                Durable = new JournalIndex(durable),
                Written = new JournalIndex(durable),
            },
            _nowMs);
    }

    private ReplicaMessage.AppendAnswer Taken(MemberId member, ulong durable, AppendOutcome outcome) => new()
    {
        From = From(member),
        Outcome = outcome,
        Promised = new Term(4),
        Status = MemberStatus.Voter,
        Durable = new JournalIndex(durable),
        Written = new JournalIndex(durable),
    };

    private static MessageOrigin From(MemberId member) => new(new Term(4), member, 100ul + member.Value, 1, 1);

    private List<(MemberId To, ReplicaMessage.Append Message)> Sent()
    {
        var outputs = _engine.DrainSaving(_nowMs);
        foreach (var output in outputs.Where(o => o.Kind == OutputKind.StoreTransaction))
        {
            _engine.StoreAnswered(output.Ticket, succeeded: true, State(), _nowMs);
        }

        return [.. outputs.Where(o => o.Message is ReplicaMessage.Append)
            .Select(o => (o.Peer, (ReplicaMessage.Append)o.Message!))];
    }

    private static StoreState State() => new()
    {
        Revision = new Revision(9),
        Term = new TermOwner(new Term(4), Self, 100, 1),
        Lead = new TermOwner(new Term(4), Self, 100, 1),
        InSync = MemberSet.Of(Self).With(First).With(Second),
        Configuration = new ReplicaConfiguration
        {
            Epoch = 1,
            Mode = ReplicaMode.InSync,
            Members = [new(Self, 100, "a"), new(First, 101, "b"), new(Second, 102, "c")],
            WriteQuorum = 2,
            ElectionQuorum = 2,
        },
    };
}
