using System.Collections.Generic;
using System.Linq;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

/// <summary>
/// Two members with a store and a witness whose journal is the best one: who leads with it, and who does not. Three
/// engines, every message delivered, each with what its journal on disk still has.
/// </summary>
public sealed class WitnessElectionTests
{
    private const long NowMs = 1000;

    private static readonly MemberId Candidate = new(0);
    private static readonly MemberId Other = new(1);
    private static readonly MemberId Witness = new(2);

    private readonly Dictionary<MemberId, ReplicaEngine> _engines = [];
    private readonly Dictionary<MemberId, List<JournalEntry>> _disks = [];

    [Fact]
    public void TheJournalOfTheWitnessIsTakenOver()
    {
        Add(Candidate, own: 10);
        Add(Other, own: 8, isUp: false);
        Add(Witness, own: 40, dropped: 10);
        Elect();
        Assert.Equal(ReplicaRole.Active, _engines[Candidate].Role);
        Assert.Equal(41UL, _engines[Candidate].Last.Value);
    }

    [Fact]
    public void NobodyLeadsWithoutWhatTheWitnessHasDropped()
    {
        Add(Candidate, own: 10);
        Add(Other, own: 8, isUp: false);
        Add(Witness, own: 40, dropped: 11);
        Elect();
        Assert.Equal(ReplicaRole.Follower, _engines[Candidate].Role);
        Assert.Equal(10UL, _engines[Candidate].Last.Value);
    }

    /// <summary>The last entries of the candidate are others, and where the journals part is still there.</summary>
    [Theory]
    [InlineData(20, 0)]
    [InlineData(20, 12)]
    [InlineData(20, 20)]
    [InlineData(3, 1)]
    public void WhereTheJournalsPartIsFound(int common, int dropped)
    {
        Add(Candidate, own: common, other: 9);
        Add(Other, own: 2, isUp: false);
        Add(Witness, own: 60, dropped: dropped);
        Elect();
        Assert.Equal(ReplicaRole.Active, _engines[Candidate].Role);
        Assert.Equal(_disks[Witness][59].Header.Chain, _engines[Candidate].Log.ChainAt(new JournalIndex(60)));
    }

    /// <summary>
    /// The other one cannot lead, for it lacks what the witness has dropped. The one that can may have lost entries, and
    /// leads by their votes; it has one of its own when it has on its disk what it took over.
    /// </summary>
    [Fact]
    public void WhoMayHaveLostEntriesLeadsByTheVotesOfOthers()
    {
        Add(Candidate, own: 38, mayHaveLost: true);
        Add(Other, own: 8);
        Add(Witness, own: 40, dropped: 30);
        Elect();
        var leader = _engines[Candidate];
        Assert.Equal((ReplicaRole.Active, MemberStatus.Recovering), (leader.Role, leader.Status));
        leader.JournalProgress(0, new JournalIndex(40), new JournalIndex(40), NowMs);
        Assert.Equal(MemberStatus.Recovering, leader.Status);
        leader.JournalProgress(0, leader.Last, leader.Last, NowMs);
        Assert.Equal(MemberStatus.Voter, leader.Status);
    }

    [Fact]
    public void AloneWithTheWitnessItDoesNot()
    {
        Add(Candidate, own: 38, mayHaveLost: true);
        Add(Other, own: 8, isUp: false);
        Add(Witness, own: 40, dropped: 30);
        Elect();
        Assert.NotEqual(ReplicaRole.Active, _engines[Candidate].Role);
    }

    private static ReplicaConfiguration Configuration => ReplicaConfiguration.Majority(
        [
            new(Candidate, 100, "a"), new(Other, 101, "b"),
            new(Witness, 102, "w") { IsWitness = true },
        ]);

    private void Add(
        MemberId id, int own, int other = 0, int dropped = 0, bool isUp = true, bool mayHaveLost = false)
    {
        var log = new ReplicaLog(JournalIndex.None, Term.None, default);
        for (var i = 1; i <= own + other; i++)
        {
            byte[] meta = [(byte)i, (byte)(i <= own ? 0 : 1)];
            var header = new EntryHeader(
                new Term(1), new JournalIndex((ulong)i), default, EntryKind.Operation, 0, 0, 0);
            log.Append(new JournalEntry(EntryChain.Seal(log.LastChain, header, meta, []), meta, default));
        }

        _disks[id] = [.. Enumerable.Range(1, own + other).Select(i => log[new JournalIndex((ulong)i)])];
        if (!isUp)
        {
            return;
        }

        var engine = new ReplicaEngine(new ReplicaStart
        {
            Self = id,
            Superblock = new Superblock(new Term(1), MemberStatus.Voter, 100UL + id.Value, 1),
            StorePrefix = "rs/",
            Log = log,
            JournalStart = new JournalIndex((ulong)dropped + 1),
            Checkpoint = new JournalIndex((ulong)dropped),
            MayHaveLostEntries = mayHaveLost,
            IsWitness = id == Witness,
            NowMs = NowMs - 1000, // What it may have granted before is over.
        });
        engine.ReleaseEntries(new JournalIndex((ulong)dropped));
        _engines[id] = engine;
    }

    private void Elect()
    {
        var owner = new TermOwner(new Term(4), Candidate, 100, 1);
        var state = new StoreState
        {
            Revision = new Revision(9),
            Term = owner,
            Lead = owner,
            Configuration = Configuration,
        };
        foreach (var engine in _engines.Values.Reverse())
        {
            engine.StoreChanged(state, NowMs);
        }

        for (var steps = 0; steps < 1000 && _engines.Values.Count(Carry) > 0; steps++)
        {
            // Until nobody has anything to say.
        }
    }

    private bool Carry(ReplicaEngine engine)
    {
        var outputs = new List<ReplicaOutput>();
        engine.Drain(outputs);
        foreach (var output in outputs)
        {
            switch (output.Kind)
            {
                case OutputKind.Send when _engines.TryGetValue(output.Peer, out var peer):
                    peer.Receive(output.Message!, NowMs);
                    break;
                case OutputKind.SaveSuperblock:
                    engine.SuperblockSaved(output.Ticket, NowMs);
                    break;
                case OutputKind.FetchJournal:
                    var disk = _disks[engine.Self];
                    var at = (int)output.Index.Value;
                    engine.JournalRead(
                        output.Peer, output.Index, at == 0 ? default : disk[at - 1].Header.Chain, disk[at..], NowMs);
                    break;
                default:
                    break;
            }
        }

        return outputs.Count > 0;
    }
}
