using System;
using System.Collections.Generic;

namespace Myrmex.Replication.Engine;

/// <summary>
/// What members tell each other. A message may be lost, late, twice or out of order; no rule depends on that it is not.
/// Entries in a message are borrowed.
/// </summary>
public abstract class ReplicaMessage
{
    private ReplicaMessage()
    {
    }

    public required MessageOrigin From { get; init; }

    public Term Term => From.Term;

    public MemberId Sender => From.Sender;

    /// <summary>A candidate asks for the promise to refuse all lower terms.</summary>
    public sealed class Fence : ReplicaMessage
    {
        /// <summary>
        /// The term whose leader has handed the lead over and reads no more: what was granted to it is void. None for
        /// none.
        /// </summary>
        public Term Released { get; init; }
    }

    /// <summary>
    /// The promise, durable, or the refusal: then <see cref="Promised"/> is higher than the term asked for.
    /// </summary>
    public sealed class FenceAnswer : ReplicaMessage
    {
        public Term Promised { get; init; }

        public MemberStatus Status { get; init; }

        public Term LastTerm { get; init; }

        public JournalIndex LastIndex { get; init; }

        public UInt128 LastChain { get; init; }
    }

    /// <summary>A candidate asks for the entries that follow one it has.</summary>
    public sealed class Fetch : ReplicaMessage
    {
        public JournalIndex PreviousIndex { get; init; }

        public UInt128 PreviousChain { get; init; }
    }

    /// <summary>Entries for a candidate.</summary>
    public sealed class Entries : ReplicaMessage
    {
        public EntriesAnswer Answer { get; init; }

        public JournalIndex PreviousIndex { get; init; }

        public UInt128 PreviousChain { get; init; }

        public IReadOnlyList<JournalEntry> Items { get; init; } = [];
    }

    /// <summary>Entries of the leader, and how far it has committed.</summary>
    public sealed class Append : ReplicaMessage
    {
        public JournalIndex PreviousIndex { get; init; }

        public UInt128 PreviousChain { get; init; }

        public JournalIndex Commit { get; init; }

        /// <summary>
        /// The receiver sends the message on to this member, without being asked to take it itself: bulk entries leave
        /// the leader once for two followers. Null for nobody, and in what is sent on.
        /// </summary>
        public MemberId? RelayTo { get; init; }

        public IReadOnlyList<JournalEntry> Items { get; init; } = [];

        /// <summary>The message as it is sent on to <see cref="RelayTo"/>; the sender stays the leader.</summary>
        public Append Relayed() => new()
        {
            From = From,
            PreviousIndex = PreviousIndex,
            PreviousChain = PreviousChain,
            Commit = Commit,
            Items = Items,
        };
    }

    /// <summary>What a follower has of the leader's journal, or why it did not take entries.</summary>
    public sealed class AppendAnswer : ReplicaMessage
    {
        public AppendOutcome Outcome { get; init; }

        public Term Promised { get; init; }

        public MemberStatus Status { get; init; }

        /// <summary>Up to here the journals are equal and the follower's is on disk.</summary>
        public JournalIndex Durable { get; init; }

        /// <summary>Up to here they are equal and a crash of the process does not lose it.</summary>
        public JournalIndex Written { get; init; }

        /// <summary>Where the leader should try next when entries did not fit.</summary>
        public JournalIndex Hint { get; init; }

        public RoomReport Room { get; init; } = RoomReport.Unknown;
    }

    /// <summary>The leader lives; asks for answers, and for a grant if it wants to read without asking.</summary>
    public sealed class Beat : ReplicaMessage
    {
        public ulong Round { get; init; }

        public JournalIndex Commit { get; init; }

        /// <summary>The lowest index some member still lacks.</summary>
        public JournalIndex LowestNeeded { get; init; }

        public bool WantsGrant { get; init; }

        /// <summary>
        /// Committed, and on the leader's disk, up to here; where there are witnesses, else 0. They may drop it.
        /// </summary>
        public JournalIndex Settled { get; init; }
    }

    public sealed class BeatAnswer : ReplicaMessage
    {
        public ulong Round { get; init; }

        public Term Promised { get; init; }

        public MemberStatus Status { get; init; }

        public bool Granted { get; init; }

        public JournalIndex Durable { get; init; }

        public JournalIndex Written { get; init; }

        /// <summary>The main store has everything up to here.</summary>
        public JournalIndex Applied { get; init; }

        public RoomReport Room { get; init; } = RoomReport.Unknown;
    }

    /// <summary>
    /// The leader asks for the journal up to an index to be on disk; the answer is an <see cref="AppendAnswer"/>.
    /// </summary>
    public sealed class SyncRequest : ReplicaMessage
    {
        public JournalIndex Index { get; init; }
    }

    /// <summary>A follower asks from which entry on its main store may answer a read; see ReadAnswer.</summary>
    public sealed class ReadQuestion : ReplicaMessage
    {
        public ulong Tag { get; init; }

        /// <summary>The leader's main store must have everything up to here before it answers; or None.</summary>
        public JournalIndex Through { get; init; }
    }

    /// <summary>
    /// Whoever asked may answer reads that came before it asked, once its main store has everything up to
    /// <see cref="Index"/>.
    /// </summary>
    public sealed class ReadAnswer : ReplicaMessage
    {
        public ulong Tag { get; init; }

        /// <summary>Which start of the asker's has asked: what it says is nothing to a later one.</summary>
        public ulong Asker { get; init; }

        /// <summary>False: nothing is said, the reader has to go to the leader.</summary>
        public bool IsGood { get; init; }

        /// <summary>Committed when the sender was shown to lead, after the question came.</summary>
        public JournalIndex Index { get; init; }

        /// <summary>The leader's own main store has everything up to here.</summary>
        public JournalIndex Applied { get; init; }
    }

    /// <summary>
    /// The leader leads no more, in this term never again, and the receiver may take the lead from it. All that was
    /// granted to the leader is void.
    /// </summary>
    public sealed class Transfer : ReplicaMessage;

    /// <summary>A replica that counts for nothing asks what it has to hold to count again.</summary>
    public sealed class Recover : ReplicaMessage
    {
        public ulong Nonce { get; init; }
    }

    public sealed class RecoverAnswer : ReplicaMessage
    {
        public ulong Nonce { get; init; }

        public JournalIndex End { get; init; }
    }

    /// <summary>
    /// Asked and answered among replicas that have no leader, or do not hear it, to find who should campaign. Binds
    /// nobody.
    /// </summary>
    public sealed class Position : ReplicaMessage
    {
        public bool IsQuestion { get; init; }

        public MemberStatus Status { get; init; }

        public bool CanLead { get; init; }

        /// <summary>It leads, or has heard of a leader not long ago.</summary>
        public bool HearsLeader { get; init; }

        public Term LastTerm { get; init; }

        public JournalIndex LastIndex { get; init; }
    }

    /// <summary>The leader has opened its main store to be copied for a member it cannot serve otherwise.</summary>
    public sealed class CopyOffer : ReplicaMessage
    {
        /// <summary>Names the copy; the leader never uses a number twice.</summary>
        public ulong Copy { get; init; }

        /// <summary>The copy holds everything up to here, and more.</summary>
        public JournalIndex Start { get; init; }
    }

    /// <summary>
    /// Asks for the pieces of a copy from <see cref="Next"/> on; all before it were taken.
    /// </summary>
    public sealed class CopyRequest : ReplicaMessage
    {
        public ulong Copy { get; init; }

        /// <summary>The number of a piece; the first one is 0.</summary>
        public ulong Next { get; init; }

        /// <summary>How many pieces may come; 0 ends the copy.</summary>
        public byte Window { get; init; }

        /// <summary>Nothing came for a while: what was sent is to be sent again.</summary>
        public bool IsAgain { get; init; }

        /// <summary>How many things the receiver has wanted so far, told or not.</summary>
        public ulong Wanted { get; init; }

        /// <summary>The number of the first of <see cref="Wants"/>; the first one of all is 0.</summary>
        public ulong WantsFrom { get; init; }

        /// <summary>What it lacks, in the words of the two stores.</summary>
        public IReadOnlyList<ReadOnlyMemory<byte>> Wants { get; init; } = [];
    }

    /// <summary>Part of a copy.</summary>
    public sealed class CopyPiece : ReplicaMessage
    {
        public ulong Copy { get; init; }

        public ulong Number { get; init; }

        public CopyPart Part { get; init; }

        /// <summary>Of <see cref="CopyPart.End"/>: the entry the copy is as of, its term and chain.</summary>
        public JournalIndex Index { get; init; }

        public Term EntryTerm { get; init; }

        public UInt128 Chain { get; init; }

        /// <summary>Read so far, and about how much there is; 0 when that is not known.</summary>
        public CopyCount Done { get; init; }

        public CopyCount All { get; init; }

        /// <summary>How many of the receiver's wants the sender has heard of.</summary>
        public ulong WantsTaken { get; init; }

        /// <summary>
        /// At the end: up to here the target must have everything before its store is whole; None where it is.
        /// </summary>
        public JournalIndex ElidedThrough { get; init; }

        public IReadOnlyList<JournalEntry> Items { get; init; } = [];
    }
}

/// <summary>How much of a store.</summary>
/// <param name="Bytes">Of the content of files.</param>
public readonly record struct CopyCount(ulong Inodes, ulong Bytes);

/// <summary>What a piece of a copy is. The numbers are on the wire.</summary>
public enum CopyPart : byte
{
    /// <summary>
    /// Operations that make the store, in the form of entries: each one's chain continues the one before.
    /// </summary>
    Store = 0,

    /// <summary>Entries of the journal that were committed while the store was read.</summary>
    Journal = 1,

    /// <summary>Bytes of the session table, in the form of entries like those of the store.</summary>
    Sessions = 2,

    /// <summary>That was all.</summary>
    End = 3,

    /// <summary>The sender does not know this copy (any more).</summary>
    Unknown = 4,
}

/// <summary>The numbers are on the wire.</summary>
public enum EntriesAnswer : byte
{
    Given = 0,

    /// <summary>The journal has another entry where the candidate starts, or none.</summary>
    NoMatch = 1,

    /// <summary>The entries asked for are no longer in the journal.</summary>
    TooOld = 2,
}

/// <summary>The numbers are on the wire.</summary>
public enum AppendOutcome : byte
{
    Taken = 0,

    /// <summary>The receiver has promised a higher term.</summary>
    OldTerm = 1,

    /// <summary>The entry before the first one sent is not there, or another.</summary>
    NoMatch = 2,

    /// <summary>The receiver's journal takes nothing.</summary>
    Full = 3,

    /// <summary>An entry does not match its chain.</summary>
    Damaged = 4,

    /// <summary>
    /// The receiver needs a copy: its main store is not whole, or it had committed what a restart from less has given
    /// up since.
    /// </summary>
    NeedsCopy = 5,
}
