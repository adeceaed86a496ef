using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

/// <summary>One leader of a set whose members must all have an entry: whom it asks the state store to count.</summary>
public sealed class InSyncTests
{
    private const ulong Last = 1; // The entry with which the term begins.
    private static readonly MemberId Self = new(0);
    private static readonly MemberId Silent = new(1);
    private static readonly MemberId Joining = new(2);

    private readonly ReplicaOptions _options = new() { ReadLease = true };
    private readonly ReplicaEngine _engine;
    private long _nowMs = 1000;
    private ulong _round; // Of the last beat.

    public InSyncTests()
    {
        _engine = NewEngine(_options, _nowMs);
        _nowMs += _options.GrantMs; // What an earlier start may have granted.
        _engine.StoreChanged(State(revision: 9), _nowMs);
        Drain();
        _engine.JournalProgress(0, new JournalIndex(Last), new JournalIndex(Last), _nowMs);
        Assert.Equal(ReplicaRole.Active, _engine.Role);
    }

    /// <summary>
    /// One is to leave while another is to join. The answer is lost, and what is asked next must not make a member
    /// eligible that lacks what was committed without it.
    /// </summary>
    [Theory]
    [InlineData(Last - 1, false)]
    [InlineData(Last, true)]
    public void WhoLacksEntriesIsNotAskedForWhenAnAnswerIsLost(ulong durable, bool isAsked)
    {
        Answer(Joining, Last - 1);
        Tick(1); // It is about to join.
        _nowMs += _options.OutOfSyncMs;
        Answer(Joining, Last - 1);
        var (ticket, set) = Asked(Tick(1));
        Assert.Equal(MemberSet.Of(Self), set);
        _engine.StoreAnswered(ticket, succeeded: null, state: null, _nowMs);
        var read = NextTransaction(); // What the store holds.
        Answer(Joining, durable);
        _engine.StoreAnswered(read.Ticket, succeeded: true, State(revision: 10), _nowMs);
        (_, set) = Asked(Tick(1));
        Assert.Equal(isAsked, set.Contains(Joining));
        Assert.True(set.Contains(Silent)); // It may be in the store still.
    }

    /// <summary>
    /// What was promised without its grant may last for most of the time that it has to catch up: that begins after.
    /// </summary>
    [Fact]
    public void TheTimeToJoinBeginsWhenWhatWasPromisedBeforeIsOver()
    {
        Promise();
        Answer(Joining, Last - 1);
        Tick(1); // It is about to join.
        Assert.Equal(0, _engine.OfferPromises()); // It has not granted.
        for (var i = 0; i < 13; i++)
        {
            Answer(Silent, Last);
            Answer(Joining, Last - 1);
            Assert.DoesNotContain(Tick(100), o => o.Kind == OutputKind.StoreTransaction);
        }

        Answer(Silent, Last);
        Answer(Joining, Last);
        Assert.True(Asked(Tick(1)).Set.Contains(Joining));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhoHasGrantedJoinsWithoutWaitingForWhatWasPromised(bool hasGranted)
    {
        Promise();
        Answer(Joining, Last);
        Grant(Silent);
        if (hasGranted)
        {
            Grant(Joining);
        }

        Tick(1); // It is about to join.
        var outputs = Tick(1);
        Assert.Equal(hasGranted, outputs.Any(o => o.Kind == OutputKind.StoreTransaction));
    }

    /// <summary>It may come to nothing, and what caches keep would be lost for that.</summary>
    [Fact]
    public void ATransferThatWaitsForItsTargetStopsNoPromises()
    {
        Promise();
        for (ulong i = 0; i < Replication.Engine.Limits.CaughtUpEntries + 1; i++)
        {
            var data = Payload.CopyOf(new byte[1]);
            _engine.Propose(new Proposal(i, EntryKind.Operation, 0, 0, 0, default, data), _nowMs);
        }

        var last = _engine.Last;
        Assert.Equal(Last + Replication.Engine.Limits.CaughtUpEntries + 1, last.Value);
        _engine.JournalProgress(0, last, last, _nowMs);
        Drain();
        _engine.TransferLead(tag: 99, Silent, _nowMs);
        Tick(1);
        Assert.NotEqual(0, _engine.OfferPromises());
        Answer(Silent, last.Value);
        var outputs = Tick(1);
        Assert.Equal(0, _engine.OfferPromises());
        Assert.DoesNotContain(outputs, o => o.Ticket == 99); // What was promised is waited for.
    }

    /// <summary>An earlier start may have granted, whatever the way of reads is now.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhoWasStartedAnewPromisesNoTermBeforeItsGrantsAreOver(bool readLease)
    {
        var engine = NewEngine(new ReplicaOptions { ReadLease = readLease }, _nowMs);
        Assert.DoesNotContain(Fenced(engine, _nowMs + _options.GrantMs - 1), IsAnswer);
        Assert.Contains(Fenced(engine, _nowMs + _options.GrantMs), IsAnswer);

        static bool IsAnswer(ReplicaOutput output) => output.Message is ReplicaMessage.FenceAnswer;
    }

    private static List<ReplicaOutput> Fenced(ReplicaEngine engine, long nowMs)
    {
        engine.Receive(
            new ReplicaMessage.Fence { From = new MessageOrigin(new Term(4), Silent, 101, 1, 1) }, nowMs);
        return engine.DrainSaving(nowMs);
    }

    private static ReplicaEngine NewEngine(ReplicaOptions options, long nowMs) => new(new ReplicaStart
    {
        Self = Self,
        Superblock = new Superblock(new Term(1), MemberStatus.Voter, 100, 1),
        StorePrefix = "rs/",
        Options = options,
        Log = new ReplicaLog(JournalIndex.None, Term.None, default),
        NowMs = nowMs,
    });

    /// <summary>Within the lease that those have granted who count.</summary>
    private void Promise()
    {
        Answer(Silent, Last);
        Tick(_options.BeatMs);
        Grant(Silent);
        Assert.True(_engine.OfferPromises() > _nowMs + (_options.GrantMs / 2));
    }

    private void Grant(MemberId member)
    {
        _engine.Receive(
            new ReplicaMessage.BeatAnswer
            {
                From = new MessageOrigin(new Term(4), member, 100ul + member.Value, 1, 1),
                Promised = new Term(4),
                Status = MemberStatus.Voter,
                Round = _round,
                Durable = new JournalIndex(Last),
                Written = new JournalIndex(Last),
                Granted = true,
            },
            _nowMs);
        Drain();
    }

    private static (ulong Ticket, MemberSet Set) Asked(List<ReplicaOutput> outputs)
    {
        var output = outputs.Single(o => o.Kind == OutputKind.StoreTransaction);
        var put = output.Transaction!.Then.OfType<Operation.Put>().Single(p => p.Key == "rs/" + StoreState.InSyncKey);
        foreach (var set in Enumerable.Range(0, 8).Select(bits => Of(bits)))
        {
            if (StoreState.EncodeSet(set).AsSpan().SequenceEqual(put.Value.Span))
            {
                return (output.Ticket, set);
            }
        }

        throw new Xunit.Sdk.XunitException("a set of none of these members");
    }

    private static MemberSet Of(int bits)
    {
        var set = MemberSet.Empty;
        for (byte member = 0; member < 3; member++)
        {
            set = (bits & (1 << member)) != 0 ? set.With(new MemberId(member)) : set;
        }

        return set;
    }

    private ReplicaOutput NextTransaction()
    {
        for (var i = 0; i < 100; i++)
        {
            if (Tick(_options.BeatMs).FirstOrDefault(o => o.Kind == OutputKind.StoreTransaction) is { Transaction: not null } found)
            {
                return found;
            }
        }

        throw new Xunit.Sdk.XunitException("the store is not asked");
    }

    private List<ReplicaOutput> Tick(long ms)
    {
        _nowMs += ms;
        _engine.Tick(_nowMs);
        return Drain();
    }

    private void Answer(MemberId member, ulong durable)
    {
        _engine.Receive(
            new ReplicaMessage.AppendAnswer
            {
                From = new MessageOrigin(new Term(4), member, 100ul + member.Value, 1, 1),
                Promised = new Term(4),
                Status = MemberStatus.Voter,
                Durable = new JournalIndex(durable),
                Written = new JournalIndex(durable),
            },
            _nowMs);
    }

    private List<ReplicaOutput> Drain()
    {
        var outputs = _engine.DrainSaving(_nowMs);
        _round = outputs.Select(o => o.Message).OfType<ReplicaMessage.Beat>().Select(b => b.Round).Append(_round).Max();
        foreach (var output in outputs.Where(o => o.Kind == OutputKind.StoreTransaction && IsHistory(o)).ToList())
        {
            outputs.Remove(output);
            _engine.StoreAnswered(output.Ticket, succeeded: true, State(revision: 9), _nowMs);
        }

        return outputs;
    }

    private static bool IsHistory(ReplicaOutput output) => output.Transaction!.Then.OfType<Operation.Put>().Any(
        p => p.Key.StartsWith("rs/" + StoreState.HistoryPrefix, StringComparison.Ordinal));

    private static StoreState State(long revision) => new()
    {
        Revision = new Revision(revision),
        Term = new TermOwner(new Term(4), Self, 100, 1),
        Lead = new TermOwner(new Term(4), Self, 100, 1),
        InSync = MemberSet.Of(Self).With(Silent),
        Configuration = new ReplicaConfiguration
        {
            Epoch = 1,
            Mode = ReplicaMode.InSync,
            Members = [new(Self, 100, "a"), new(Silent, 101, "b"), new(Joining, 102, "c")],
            WriteQuorum = 2,
            ElectionQuorum = 2,
            InSyncMin = 1,
        },
    };
}
