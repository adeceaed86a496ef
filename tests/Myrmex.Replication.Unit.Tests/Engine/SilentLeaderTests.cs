using System.Linq;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

/// <summary>
/// A follower of three, in whose view the leader has its key: it asks for the lead when the leader is silent and more than half of the
/// members say so.
/// </summary>
public sealed class SilentLeaderTests
{
    private const ulong Term = 4;
    private static readonly MemberId Self = new(0);
    private static readonly MemberId Leader = new(1);
    private static readonly MemberId Third = new(2);
    private static readonly TermOwner Lead = new(new Term(Term), Leader, 101, 1);

    private readonly ReplicaOptions _options = new();
    private readonly ReplicaEngine _engine;
    private long _nowMs = 100_000;
    private bool? _thirdHears = false;
    private bool _leaderBeats;

    public SilentLeaderTests()
    {
        _engine = new ReplicaEngine(new ReplicaStart
        {
            Self = Self,
            Superblock = new Superblock(new Term(Term), MemberStatus.Voter, 100, 1),
            StorePrefix = "rs/",
            Options = _options,
            Log = new ReplicaLog(JournalIndex.None, Myrmex.Replication.Term.None, default),
            NowMs = _nowMs,
        });
        _engine.LeaseChanged(new LeaseId(7), _nowMs);
        _engine.StoreChanged(
            new StoreState
            {
                Revision = new Revision(9),
                Term = Lead,
                Lead = Lead,
                Configuration = new ReplicaConfiguration
                {
                    Epoch = 1,
                    Mode = ReplicaMode.Quorum,
                    Members = [new(Self, 100, "a"), new(Leader, 101, "b"), new(Third, 102, "c")],
                    WriteQuorum = 2,
                    ElectionQuorum = 2,
                },
            },
            _nowMs);
    }

    [Fact]
    public void TheLeadIsTakenFromOneThatNobodyHears()
    {
        Assert.Null(Run(_options.LeaderSilentMs - 100));
        var campaign = Run(1_000);
        Assert.NotNull(campaign);
        var lead = Assert.Single(campaign.Conditions, c => c.Key == "rs/" + StoreState.LeadKey);
        Assert.Equal(ConditionTarget.Value, lead.Target);
        Assert.Equal(Lead.Encode().ToArray(), lead.Value.ToArray());
    }

    [Fact]
    public void ItIsLeftToOneThatIsHeard()
    {
        _leaderBeats = true;
        Assert.Null(Run(20_000));
        _leaderBeats = false;
        Assert.Null(Run(_options.LeaderSilentMs - 200));
        Assert.NotNull(Run(1_000));
    }

    [Fact]
    public void ItIsLeftToOneThatTheOtherHears()
    {
        _thirdHears = true;
        Assert.Null(Run(20_000));
    }

    [Fact]
    public void WhoIsAloneTakesNothing()
    {
        _thirdHears = null;
        Assert.Null(Run(20_000));
    }

    [Fact]
    public void WhoHasHeardTheLeaderLatelySaysSo()
    {
        _leaderBeats = true;
        Run(1_000);
        _leaderBeats = false;
        Assert.True(Ask());
        Run(_options.LeaderSilentMs / 2);
        Assert.False(Ask());
    }

    private bool Ask()
    {
        _engine.Receive(new ReplicaMessage.Position { From = From(Third, 102), IsQuestion = true, Status = MemberStatus.Voter }, _nowMs);
        return _engine.DrainSaving(_nowMs).Select(o => o.Message).OfType<ReplicaMessage.Position>().Single(p => !p.IsQuestion).HearsLeader;
    }

    /// <summary>The first transaction that takes a term, if there is one in this time.</summary>
    private StateTransaction? Run(long ms)
    {
        for (var endMs = _nowMs + ms; _nowMs < endMs; _nowMs += 10)
        {
            if (_leaderBeats)
            {
                _engine.Receive(new ReplicaMessage.Beat { From = From(Leader, 101) }, _nowMs);
            }

            _engine.Tick(_nowMs);
            foreach (var output in _engine.DrainSaving(_nowMs))
            {
                if (output.Kind == OutputKind.StoreTransaction)
                {
                    return output.Transaction;
                }

                if (output is { Message: ReplicaMessage.Position { IsQuestion: true } } && output.Peer == Third && _thirdHears is { } hears)
                {
                    _engine.Receive(
                        new ReplicaMessage.Position { From = From(Third, 102), Status = MemberStatus.Voter, HearsLeader = hears }, _nowMs);
                }
            }
        }

        return null;
    }

    private static MessageOrigin From(MemberId member, ulong incarnation) => new(new Term(Term), member, incarnation, 1, 1);
}
