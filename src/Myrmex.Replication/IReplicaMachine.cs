using System;
using Myrmex.Base;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication;

/// <summary>
/// What stands above a <see cref="Replica"/>: the main store and who waits for operations. Everything is called on
/// the replica's scheduler, in order, and must not block; entries are lent.
/// </summary>
public interface IReplicaMachine
{
    /// <summary>
    /// An entry is committed: it may take effect in the main store now, and never before. Each index comes once in a
    /// life of the replica, in order, from the checkpoint on.
    /// </summary>
    void Committed(JournalEntry entry);

    /// <summary>The proposal with this tag has a place in the journal; its outcome comes with that entry.</summary>
    /// <param name="tag">Which.</param>
    /// <param name="index">The place.</param>
    /// <param name="isKnown">
    /// It is a retry of an operation that was there already: that one's entry counts, and nothing of this one.
    /// </param>
    void Accepted(ulong tag, JournalIndex index, bool isKnown);

    /// <summary>
    /// The proposal is a retry of an operation that is committed, at <paramref name="index"/>: this is what it left.
    /// </summary>
    void Answered(ulong tag, JournalIndex index, ReadOnlyMemory<byte> outcome);

    /// <summary>The operation that <see cref="Replica.Find"/> asked for is not in the journal.</summary>
    void NotFound(ulong tag);

    /// <summary>The proposal, read or sync was not taken, and nothing of it was logged by this call.</summary>
    /// <param name="tag">Which.</param>
    /// <param name="refusal">Why.</param>
    /// <param name="leader">Who leads, if that is known.</param>
    /// <param name="retryAfterMs">How long to wait before coming again, in milliseconds.</param>
    void Refused(ulong tag, Refusal refusal, MemberId? leader, long retryAfterMs);

    /// <summary>
    /// A new leader replaced an entry that was accepted here: whether its operation took effect is found out by a
    /// retry.
    /// </summary>
    void Superseded(JournalEntry entry);

    /// <summary>The read may use the main store once that holds everything up to <paramref name="index"/>.</summary>
    /// <param name="tag">Which.</param>
    /// <param name="index">The commit index it reads.</param>
    /// <param name="term">
    /// Under a lease: the value is good only if <see cref="Replica.HasLease"/> holds after it was taken.
    /// </param>
    void ReadReady(ulong tag, JournalIndex index, Term? term);

    /// <summary>
    /// A read at this follower may use the main store once that holds everything up to <paramref name="index"/>.
    /// </summary>
    /// <param name="tag">Which.</param>
    /// <param name="index">Committed when the leader was asked.</param>
    /// <param name="leaderApplied">
    /// The leader's main store has everything up to here. Of what was seen beyond it the leader is asked once more.
    /// </param>
    void ReadHere(ulong tag, JournalIndex index, JournalIndex leaderApplied);

    /// <summary>Everything the sync asked for is on the disks of a write quorum.</summary>
    void Synced(ulong tag);

    /// <summary>A change of members or a transfer is done.</summary>
    void Completed(ulong tag);

    /// <summary>Role, term or leader changed.</summary>
    void RoleChanged(ReplicaRole role, Term term, MemberId? leader);

    /// <summary>Everything up to here is in the main store.</summary>
    JournalIndex AppliedIndex { get; }

    /// <summary>Something that is committed finds no room on the disk of the main store, and is tried again.</summary>
    bool WaitsForRoom { get; }

    /// <summary>
    /// Milliseconds for which the oldest of what was begun on the main store has not ended; 0 for nothing. Asked many
    /// times a second.
    /// </summary>
    long OldestWorkMs(long nowMs);

    /// <summary>
    /// The disk does not answer, or is full, and somebody else leads, or will: whoever waits for something here should
    /// be sent there. Said again while it stays so.
    /// </summary>
    void Hung();

    /// <summary>
    /// Begins a walk back through entries of the journal that finds those whose data others overwrite; null: every
    /// member gets everything.
    /// </summary>
    IElision? BeginElision() => null;

    /// <summary>
    /// Brings everything up to an entry into the main store and to its disk; all these entries were told as
    /// committed. Then calls back, on any thread; after an error the journal keeps them.
    /// </summary>
    void Persist(JournalIndex through, Action<Errno> done);
}
