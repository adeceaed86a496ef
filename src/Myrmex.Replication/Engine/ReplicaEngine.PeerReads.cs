using System.Collections.Generic;

namespace Myrmex.Replication.Engine;

// Reads at followers. A follower asks the leader, which shows that it leads as it does for its own reads, and says what
// is committed by then: every operation that was answered before the question came is among that. Once the follower has
// taken that in, its main store may answer. It may have taken in more, which is committed too, but which the leader's
// own main store may still lack: a reader there would see an older state than one here before. So a follower that has
// seen more asks once more, and the leader answers when it has that itself.
public sealed partial class ReplicaEngine
{
    private readonly List<RunningRead> _peerReads = []; // Confirmed; they wait for the main store.
    private JournalIndex _heardCommit; // Of the leader of the promised term; the entries may not be here yet.

    /// <summary>
    /// Reads may be answered from the main store here: it is a whole one, of what cannot be taken back. The driver adds
    /// what it knows of the store.
    /// </summary>
    public bool MayReadHere =>
        _role == ReplicaRole.Follower && _status == MemberStatus.Voter && !IsWitness && !_needsCopy && !_isDiverged
        && _isHealthy && !_hasUsedMemory && Configuration is { AllowsMemory: false } && _leader is not null;

    /// <summary>The leader owes an answer until its main store has more: <see cref="ReportApplied"/>.</summary>
    public bool OwesApplied => _peerReads.Count > 0;

    /// <summary>A follower's read: ReadHere or Refused, or neither when a message is lost.</summary>
    /// <param name="tag">Names it.</param>
    /// <param name="through">What the leader's main store must have, because the reader has seen it; or None.</param>
    /// <param name="nowMs">As for <see cref="Tick"/>.</param>
    public void ReadHere(ulong tag, JournalIndex through, long nowMs)
    {
        _now = nowMs;
        if (!MayReadHere || _leader is not { } leader)
        {
            Refuse(tag, Refusal.NotLeader);
        }
        else if (Breaks(ReplicaMutations.ReadHereUnasked))
        {
            EmitReadHere(tag, _commit, _commit);
        }
        else
        {
            Send(leader, new ReplicaMessage.ReadQuestion { From = From(_promised), Tag = tag, Through = through });
        }
    }

    private void OnReadQuestion(ReplicaMessage.ReadQuestion question)
    {
        if (Configuration?.AllMembers.Contains(question.Sender) != true
            || _role != ReplicaRole.Active || question.Term != _term || !IsServing
            || _reads.Count + _peerReads.Count >= Limits.PeerReadsMax)
        {
            Send(question.Sender, new ReplicaMessage.ReadAnswer
            {
                From = From(question.Term),
                Tag = question.Tag,
                Asker = question.From.Boot,
            });
            return;
        }

        var read = new RunningRead(question.Tag, _commit, _round + 1)
        {
            Peer = question.Sender,
            Asker = question.From.Boot,
            Through = question.Through,
            SinceMs = _now,
        };
        if (IsConfirmed(useLease: true))
        {
            Confirmed(question.Sender, in read);
        }
        else
        {
            AwaitRound(in read);
        }
    }

    private void Confirmed(MemberId peer, in RunningRead read)
    {
        if (AppliedHere >= read.Through || Breaks(ReplicaMutations.ToldBeforeApplied))
        {
            Tell(peer, in read);
        }
        else
        {
            _peerReads.Add(read);
        }
    }

    private void Tell(MemberId peer, in RunningRead read) =>
        Send(peer, new ReplicaMessage.ReadAnswer
        {
            From = From(_term),
            Tag = read.Tag,
            Asker = read.Asker,
            IsGood = true,
            Index = read.Index,
            Applied = Breaks(ReplicaMutations.ToldBeforeApplied) ? _commit : AppliedHere,
        });

    /// <summary>The main store has more than before.</summary>
    private void TellApplied()
    {
        if (_peerReads.Count > 0)
        {
            var applied = AppliedHere;
            foreach (var read in _peerReads)
            {
                if (read.Peer is { } peer && read.Through <= applied)
                {
                    Tell(peer, in read);
                }
            }

            _ = _peerReads.RemoveAll(r => r.Through <= applied);
        }
    }

    /// <summary>Who has asked does not wait any more.</summary>
    private void ForgetPeerReads()
    {
        if (_peerReads.Count > 0)
        {
            _ = _peerReads.RemoveAll(r => _now - r.SinceMs > Limits.PeerReadMs);
        }
    }

    /// <summary>Who asked hears nothing, and goes to the next leader.</summary>
    private void EndPeerReads() => _peerReads.Clear();

    private void OnReadAnswer(ReplicaMessage.ReadAnswer answer)
    {
        if (answer.Asker != From(_promised).Boot)
        {
            return; // Of a former life, which may have used the same tag.
        }

        if (!answer.IsGood || answer.Term != _promised || answer.Sender != _leader || !MayReadHere)
        {
            Refuse(answer.Tag, Refusal.NotLeader);
            return;
        }

        _heardCommit = Max(_heardCommit, answer.Index);
        CommitUpTo(answer.Index);
        EmitReadHere(answer.Tag, Max(answer.Index, ElidedThrough), answer.Applied);
    }

    private void EmitReadHere(ulong tag, JournalIndex index, JournalIndex leaderApplied) =>
        Emit(new ReplicaOutput(OutputKind.ReadHere) { Ticket = tag, Index = index, LeaderApplied = leaderApplied });
}
