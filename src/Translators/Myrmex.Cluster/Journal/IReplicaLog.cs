using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>What became of a proposed entry, or of the look for one.</summary>
/// <param name="Error">
/// Ok: committed. ENOTCONN: it is not known whether it is or will be (the leadership was lost after it was sent).
/// Others: not proposed, and it will not take effect by this call: EREMOTE (does not lead), EAGAIN (too much under
/// way, or the journal is full until its next checkpoint), EBADE (the session is not known).
/// </param>
/// <param name="Index">Its place.</param>
public readonly record struct ProposeResult(Errno Error, JournalIndex Index)
{
    /// <summary>
    /// It was in the journal before and is in the store: what it left. <see cref="Index"/> need not be reported as
    /// applied then.
    /// </summary>
    public ReadOnlyMemory<byte>? Outcome { get; init; }

    /// <summary>The entry, where it is committed by this call.</summary>
    public JournalEntry? Entry { get; init; }
}

/// <summary>The journal of a replica set as its leader's state machine sees it.</summary>
public interface IReplicaLog
{
    /// <summary>
    /// The term in which this member leads and its store has everything that was committed before it; none while it
    /// does not. What is evaluated in a term is good only in that term.
    /// </summary>
    Term ServingTerm { get; }

    /// <summary>
    /// Appends an entry and completes when it is committed. Entries get their place in the order of the calls; the data
    /// is retained for as long as the journal needs it.
    /// </summary>
    /// <param name="term">What <see cref="ServingTerm"/> was before the entry was evaluated.</param>
    /// <param name="session">Whose operation it is; one that is in the journal already is not appended again.</param>
    /// <param name="meta">The operation; must not change any more.</param>
    /// <param name="data">Its bulk bytes; borrowed.</param>
    ValueTask<ProposeResult> ProposeAsync(Term term, SessionKey session, ReadOnlyMemory<byte> meta, Payload data);

    /// <summary>
    /// Looks for an operation that was sent before: with an outcome when it is committed and in the store, Ok without
    /// one when it is not in the journal.
    /// </summary>
    ValueTask<ProposeResult> FindAsync(Term term, SessionKey session);

    /// <summary>
    /// Whether what was read from the store while <see cref="ServingTerm"/> was <paramref name="term"/> may be told:
    /// Ok, or EREMOTE, EAGAIN or ENOTCONN while nobody can say that this member still led.
    /// </summary>
    ValueTask<Errno> ConfirmAsync(Term term);

    /// <summary>
    /// Everything that was answered in this term or before is on the disks of a write quorum when it is Ok; else
    /// EREMOTE, EAGAIN or ENOTCONN.
    /// </summary>
    ValueTask<Errno> SyncAsync(Term term) => new(Errno.Ok);

    /// <summary>
    /// What may still be written, on the fullest of the members that count, in bytes; long.MaxValue when nobody knows.
    /// </summary>
    long RoomBytes => long.MaxValue;

    /// <summary>Nobody has led before the present term, so no client has anything open from another one.</summary>
    bool IsFirstTerm => false;

    /// <summary>The byte range locks that are held by what is committed.</summary>
    LockTable Locks { get; }

    /// <summary>
    /// Appends a change of a lock, as <see cref="ProposeAsync"/> does an operation. It is in <see cref="Locks"/> when
    /// this completes, and nothing has to be reported as applied.
    /// </summary>
    ValueTask<ProposeResult> ProposeLockAsync(Term term, SessionKey session, LockRecord record);

    /// <summary>
    /// An entry that was proposed here and is committed is in the store now, or could not be put there.
    /// </summary>
    void Applied(JournalIndex index, Errno error);
}
