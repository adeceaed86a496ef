using System;

namespace Myrmex.Replication.Engine;

/// <summary>Times of the protocol, in milliseconds of a clock that also runs while the machine sleeps.</summary>
public sealed record ReplicaOptions
{
    /// <summary>Between two beats of a leader.</summary>
    public long BeatMs { get; init; } = 100;

    /// <summary>How long a follower lets a leader read without asking. The same on all members.</summary>
    public long GrantMs { get; init; } = 1000;

    /// <summary>
    /// This member may have granted leases before it was started; false only where leases were never used.
    /// </summary>
    public bool MayHaveGranted { get; init; } = true;

    /// <summary>
    /// Part of a grant that the leader does not use, in thousandths: how far two clocks may run apart.
    /// </summary>
    public int GrantMarginPerMille { get; init; } = 10;

    /// <summary>Reads may use grants; otherwise no grants are asked for, and an election waits for none.</summary>
    public bool ReadLease { get; init; }

    /// <summary>How long positions are collected after the lead was lost, and how far the ranks are apart.</summary>
    public long ElectionStepMs { get; init; } = 50;

    /// <summary>
    /// How long a follower that still hears its leader leaves it the time to take its lost key again.
    /// </summary>
    public long LeaderGraceMs { get; init; } = 1000;

    /// <summary>
    /// A leader that more than half of the members have not heard for this time is followed by another although its key
    /// is still in the store: the store may learn late that a machine is gone, above all when its own leader was there.
    /// Longer than <see cref="QuorumStallMs"/>, after which such a leader has stepped back by itself.
    /// </summary>
    public long LeaderSilentMs { get; init; } = 3000;

    /// <summary>A candidate that has not become active in this time gives up.</summary>
    public long CandidateMs { get; init; } = 3000;

    /// <summary>Pause before a candidate that failed tries again.</summary>
    public long BackoffMs { get; init; } = 300;

    /// <summary>Unanswered messages are sent again after this time.</summary>
    public long RetransmitMs { get; init; } = 300;

    /// <summary>A member counts as reachable for the check before an operation is logged.</summary>
    public long FreshMs { get; init; } = 250;

    /// <summary>A member that is silent or acknowledges nothing for this time leaves the in-sync set.</summary>
    public long OutOfSyncMs { get; init; } = 1000;

    /// <summary>A leader without a quorum of answers for this time gives the lead back.</summary>
    public long QuorumStallMs { get; init; } = 2000;

    /// <summary>A leader whose journal makes no progress for this time gives the lead back.</summary>
    public long DiskStallMs { get; init; } = 8000;

    /// <summary>Time given to a planned transfer; operations are taken for most of it.</summary>
    public long TransferMs { get; init; } = 2000;

    /// <summary>The part of it in which none are taken; they wait meanwhile.</summary>
    public long ClosedMs { get; init; } = 300;

    /// <summary>How long the one to whom the lead was handed over may take to take it.</summary>
    public long HandOverMs { get; init; } = 500;

    /// <summary>
    /// A session that no client has used for this time is ended. Longer than any client waits for an outcome.
    /// </summary>
    public long SessionIdleMs { get; init; } = 1_800_000;

    /// <summary>What a client is told to wait when it has to come again.</summary>
    public long RetryAfterMs { get; init; } = 50;

    /// <summary>Entries of a message while the place where a follower agrees is not known.</summary>
    public int ProbeEntries { get; init; } = 16;

    /// <summary>
    /// Entries of together this many bytes are sent to one follower, which sends them on to another one; 0 for never.
    /// </summary>
    public long RelayBytesMin { get; init; } = 64 << 10;

    /// <summary>After a relayed message was lost the leader sends everything itself for this time.</summary>
    public long RelayPauseMs { get; init; } = 10_000;

    /// <summary>
    /// A member that lacks more than so many bytes that are committed gets them without what is overwritten; 0 for
    /// never.
    /// </summary>
    public long ElideBytesMin { get; init; } = 4 << 20;

    /// <summary>How long it waits for that to be found out; then it gets everything.</summary>
    public long PlanMs { get; init; } = 10_000;

    /// <summary>
    /// Bytes that an entry takes of the disk of a main store, about; null where room does not matter.
    /// </summary>
    public Func<JournalEntry, long>? CostOf { get; init; }

    /// <summary>Reads what a retry is answered from an entry; null keeps all of its meta part.</summary>
    public Func<JournalEntry, ReadOnlyMemory<byte>>? OutcomeOf { get; init; }
}
