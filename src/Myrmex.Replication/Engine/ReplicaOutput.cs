using System;
using Myrmex.Coordination;

namespace Myrmex.Replication.Engine;

public enum OutputKind
{
    /// <summary>Send <see cref="ReplicaOutput.Message"/> to <see cref="ReplicaOutput.Peer"/>.</summary>
    Send,

    /// <summary>Append <see cref="ReplicaOutput.Entry"/> to the journal.</summary>
    Append,

    /// <summary>
    /// Drop the journal from <see cref="ReplicaOutput.Index"/> on; a leader of a higher term replaces it.
    /// </summary>
    Cut,

    /// <summary>Drop all of the journal; the next entry follows <see cref="ReplicaOutput.Index"/>.</summary>
    ResetJournal,

    /// <summary>Bring the journal up to <see cref="ReplicaOutput.Index"/> to disk soon.</summary>
    SyncJournal,

    /// <summary>
    /// Make <see cref="ReplicaOutput.Superblock"/> durable, then report <see cref="ReplicaOutput.Ticket"/>.
    /// </summary>
    SaveSuperblock,

    /// <summary>Run <see cref="ReplicaOutput.Transaction"/>, then answer <see cref="ReplicaOutput.Ticket"/>.</summary>
    StoreTransaction,

    /// <summary><see cref="ReplicaOutput.Entry"/> is committed: it may take effect. In order of the indexes.</summary>
    Committed,

    /// <summary>
    /// <see cref="ReplicaOutput.Entry"/> was replaced. What its proposal did is not known here; a retry finds out.
    /// </summary>
    Superseded,

    /// <summary>Role, term or leader changed.</summary>
    RoleChanged,

    /// <summary>
    /// The proposal <see cref="ReplicaOutput.Ticket"/> has the place <see cref="ReplicaOutput.Index"/>.
    /// </summary>
    Accepted,

    /// <summary>The operation was committed before; <see cref="ReplicaOutput.Outcome"/> is its first outcome.</summary>
    Answered,

    /// <summary>The proposal, read or sync <see cref="ReplicaOutput.Ticket"/> is refused.</summary>
    Refused,

    /// <summary>
    /// The read <see cref="ReplicaOutput.Ticket"/> may use the state as of <see cref="ReplicaOutput.Index"/>; with
    /// <see cref="ReplicaOutput.NeedsLease"/>, only if <see cref="ReplicaEngine.LeaseCovers"/> holds after the value
    /// was taken.
    /// </summary>
    ReadReady,

    /// <summary>
    /// The read <see cref="ReplicaOutput.Ticket"/> of this follower may use its own state, once that is as of
    /// <see cref="ReplicaOutput.Index"/> at least. What it has seen of entries after
    /// <see cref="ReplicaOutput.LeaderApplied"/> the leader's own state may lack: then it asks once more, through them.
    /// </summary>
    ReadHere,

    /// <summary>
    /// Everything the sync <see cref="ReplicaOutput.Ticket"/> asked for is on disk on a write quorum.
    /// </summary>
    Synced,

    /// <summary>
    /// Read entries after <see cref="ReplicaOutput.Index"/> from the journal for <see cref="ReplicaOutput.Peer"/>.
    /// </summary>
    FetchJournal,

    /// <summary>
    /// Find out which entries after <see cref="ReplicaOutput.Index"/> and up to <see cref="ReplicaOutput.Through"/>,
    /// all of them on this disk, need no data; then answer <see cref="ReplicaOutput.Ticket"/> by <see
    /// cref="ReplicaEngine.ElisionPlanned"/>.
    /// </summary>
    PlanElision,

    /// <summary>
    /// The journal no longer reaches back to what <see cref="ReplicaOutput.Peer"/> needs: it wants a copy.
    /// </summary>
    NeedsIndexOrFull,

    /// <summary>
    /// The superblock says that this replica is being copied: <see cref="ReplicaEngine.Install"/> may follow.
    /// </summary>
    InstallReady,

    /// <summary>All members lost what was in memory only: operations after the last sync may be gone.</summary>
    LossyRestart,

    /// <summary>The change of members is done, or the transfer is.</summary>
    Completed,
}

/// <summary>
/// One thing for the driver to do. Outputs are in order; those for the journal must be carried out in order.
/// </summary>
public readonly record struct ReplicaOutput(OutputKind Kind)
{
    public MemberId Peer { get; init; }

    public ReplicaMessage? Message { get; init; }

    public JournalEntry? Entry { get; init; }

    public JournalIndex Index { get; init; }

    public JournalIndex Through { get; init; }

    /// <summary>The leader's main store has everything up to here.</summary>
    public JournalIndex LeaderApplied { get; init; }

    /// <summary>Cuts so far when the journal operation was made; reported back with what is durable.</summary>
    public ulong Generation { get; init; }

    public ulong Ticket { get; init; }

    public Term Term { get; init; }

    public Superblock? Superblock { get; init; }

    public StateTransaction? Transaction { get; init; }

    public Refusal Refusal { get; init; }

    public MemberId? LeaderHint { get; init; }

    public long RetryAfterMs { get; init; }

    public bool NeedsLease { get; init; }

    public ReadOnlyMemory<byte> Outcome { get; init; }

    /// <summary>Accepted: the operation was in the journal before this proposal, which adds nothing.</summary>
    public bool IsKnown { get; init; }
}
