using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>
/// What a <see cref="Replica"/> is made of. Nothing of it is disposed by the replica except the journal.
/// </summary>
public sealed record ReplicaSetup
{
    public required MemberId Self { get; init; }

    /// <summary>The keys of the replica set in the state store begin with this; ends with a slash.</summary>
    public required string StorePrefix { get; init; }

    /// <summary>With a disk. Everything of the replica runs on its scheduler, and its journal on its workers.</summary>
    public required Seams Seams { get; init; }

    public required IStateStore Store { get; init; }

    /// <summary>Where the journal is, and how it is laid out. It must be formatted.</summary>
    public required JournalOptions Journal { get; init; }

    /// <summary>
    /// A directory on the disk of the main store; that of the journal where nothing is said, or null.
    /// </summary>
    [AllowNull]
    public string StoreDirectory { get => field ?? Journal.Path; init; }

    /// <summary>One on each disk that this member needs: that of the journal, and that of the main store.</summary>
    internal IReadOnlyCollection<string> Directories =>
        new HashSet<string>(StringComparer.Ordinal) { Journal.Path, StoreDirectory };

    /// <summary>
    /// What the journal must have been formatted with, or null for whatever it was. Another one's journal, in a
    /// directory that came to the wrong place, would take in the entries of this set.
    /// </summary>
    public ulong? Incarnation { get; init; }

    public required IReplicaTransport Transport { get; init; }

    public required IReplicaMachine Machine { get; init; }

    /// <summary>
    /// This member keeps the journal and has no store: <see cref="Machine"/> and <see cref="Copies"/> are those of a
    /// witness, and it never leads.
    /// </summary>
    public bool IsWitness { get; init; }

    /// <summary>Hears what people should; on the replica's scheduler, and must not block.</summary>
    public Action<ReplicaNews>? News { get; init; }

    public ReplicaOptions Options { get; init; } = new();

    /// <summary>How long a replica set waits for a leader that is not heard of, in seconds.</summary>
    public long LeaseSeconds { get; init; } = 4;

    /// <summary>
    /// A disk that does not answer for this time is one on which no leader may be, in milliseconds. Clients wait that
    /// long, and an election.
    /// </summary>
    public long StallMs { get; init; } = 4_000;

    /// <summary>
    /// Bytes of the journal that are read again every second, to find damage while others can make it good; 0 for none.
    /// </summary>
    public long ScrubBytesPerSecond { get; init; } = 64 << 10;

    /// <summary>Time between two checkpoints, in milliseconds.</summary>
    public long CheckpointMs { get; init; } = 5_000;

    /// <summary>
    /// Which boot of the machine it is: another one than at the last end says that memory was lost. 0: not known, each
    /// end that was not clean counts as one.
    /// </summary>
    public UInt128 MachineBoot { get; init; }

    /// <summary>
    /// How the main store is copied to and from other members; null when it cannot be: a member that lacks more than
    /// the journals of the others have stays behind then.
    /// </summary>
    public IStoreCopies? Copies { get; init; }

    /// <summary>Bytes a piece of a copy has about.</summary>
    public int CopyPieceBytes { get; init; } = 1 << 20;

    /// <summary>
    /// Bytes a second that this replica reads, and sends, for a copy at most; 0 for no limit. May be changed by <see
    /// cref="Replica.BoundCopies"/>.
    /// </summary>
    public long CopyBytesPerSecond { get; init; }

    /// <summary>A copy of which nothing was heard for this time is given up and begun again, in milliseconds.</summary>
    public long CopyStallMs { get; init; } = 15_000;

    /// <summary>Entries kept in the journal behind the checkpoint, for members that come back.</summary>
    public ulong RetainedEntries { get; init; } = 100_000;

    /// <summary>Rules that a test switches off.</summary>
    internal ReplicaMutations Mutations { get; init; }
}
