using System.Collections.Generic;
using System.Linq;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

/// <summary>
/// A candidate takes the best journal over, wherever its own one differs: two engines, every message delivered, the
/// journal of the one that is asked in memory or only on disk.
/// </summary>
public sealed class CandidateTests
{
    private const string Prefix = "rs/";

    private static readonly MemberId Candidate = new(0);
    private static readonly MemberId Other = new(1);

    /// <summary>More than a message has of entries that both have, then a tail that is as long and another.</summary>
    [Theory]
    [InlineData(300, 3, 3)]
    [InlineData(300, 5, 1)]
    [InlineData(600, 1, 9)]
    [InlineData(0, 300, 300)]
    public void AJournalThatIsAsLongAndAnotherIsReplaced(int common, int own, int best)
    {
        var candidate = Engine(Candidate, Log(common, own, tailTerm: 2), checkpoint: 0);
        var other = Engine(Other, Log(common, best, tailTerm: 3), checkpoint: 0);
        Elect(candidate, other);
        Assert.Equal((ulong)(common + best + 1), candidate.Last.Value); // And the first entry of the new term.
    }

    /// <summary>
    /// What the other one has released from memory it reads from its journal, and never less than that: the answer ends
    /// in the middle of what both have, or begins where the candidate's own entries fit nothing.
    /// </summary>
    [Theory]
    [InlineData(20, 10, 10, 8)]
    [InlineData(20, 10, 10, 20)]
    [InlineData(20, 5, 10, 28)]
    public void AJournalThatIsPartlyOnDiskOnlyIsTakenOver(int common, int own, int best, int released)
    {
        var candidate = Engine(Candidate, Log(common, own, tailTerm: 2), checkpoint: 4);
        var log = Log(common, best, tailTerm: 3);
        var disk = Enumerable.Range(1, common + best).Select(i => log[new JournalIndex((ulong)i)]).ToList();
        var other = Engine(Other, log, checkpoint: released);
        other.ReleaseEntries(new JournalIndex((ulong)released));
        Elect(candidate, other, disk);
        Assert.Equal((ulong)(common + best + 1), candidate.Last.Value);
    }

    private static void Elect(ReplicaEngine candidate, ReplicaEngine other, List<JournalEntry>? disk = null)
    {
        var goal = other.Log.LastChain;
        var goalIndex = other.Last;
        var state = new StoreState
        {
            Revision = new Revision(9),
            Term = new TermOwner(new Term(4), Candidate, 100, 1),
            Lead = new TermOwner(new Term(4), Candidate, 100, 1),
            Configuration = new ReplicaConfiguration
            {
                Epoch = 1,
                Mode = ReplicaMode.Quorum,
                Members = [new(Candidate, 100, "a"), new(Other, 101, "b")],
                WriteQuorum = 1,
                ElectionQuorum = 2,
            },
        };
        other.StoreChanged(state, 1000);
        candidate.StoreChanged(state, 1000);
        var steps = 0;
        while (candidate.Role != ReplicaRole.Active && Exchange(candidate, other, disk) && ++steps < 1000)
        {
            // Until nobody has anything to say.
        }

        Assert.Equal(ReplicaRole.Active, candidate.Role);
        Assert.Equal(goal, candidate.Log.ChainAt(goalIndex));
        Assert.True(steps < 20, $"{steps} rounds");
    }

    private static bool Exchange(ReplicaEngine left, ReplicaEngine right, List<JournalEntry>? disk) =>
        Carry(left, right, disk) | Carry(right, left, disk);

    private static bool Carry(ReplicaEngine engine, ReplicaEngine peer, List<JournalEntry>? disk)
    {
        var outputs = new List<ReplicaOutput>();
        engine.Drain(outputs);
        foreach (var output in outputs)
        {
            switch (output.Kind)
            {
                case OutputKind.Send:
                    peer.Receive(output.Message!, 1000);
                    break;
                case OutputKind.SaveSuperblock:
                    engine.SuperblockSaved(output.Ticket, 1000);
                    break;
                case OutputKind.FetchJournal:
                    Assert.NotNull(disk);
                    var chain = output.Index == JournalIndex.None ? default
                        : disk[(int)output.Index.Value - 1].Header.Chain;
                    engine.JournalRead(output.Peer, output.Index, chain, disk[(int)output.Index.Value..], 1000);
                    break;
                default:
                    break;
            }
        }

        return outputs.Count > 0;
    }

    private static ReplicaEngine Engine(MemberId self, ReplicaLog log, int checkpoint) => new(new ReplicaStart
    {
        Self = self,
        Superblock = new Superblock(log.LastTerm, MemberStatus.Voter, 100UL + self.Value, 1),
        StorePrefix = Prefix,
        Log = log,
        Checkpoint = new JournalIndex((ulong)checkpoint),
        NowMs = 0, // What it may have granted before is over when it begins.
    });

    private static ReplicaLog Log(int common, int tail, ulong tailTerm)
    {
        var log = new ReplicaLog(JournalIndex.None, Term.None, default);
        for (var i = 1; i <= common + tail; i++)
        {
            var term = new Term(i <= common ? 1 : tailTerm);
            byte[] meta = [(byte)i, (byte)(i >> 8)];
            var header = new EntryHeader(term, new JournalIndex((ulong)i), default, EntryKind.Operation, 0, 0, 0);
            log.Append(new JournalEntry(EntryChain.Seal(log.LastChain, header, meta, []), meta, default));
        }

        return log;
    }
}
