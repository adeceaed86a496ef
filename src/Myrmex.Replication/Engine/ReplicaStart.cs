using System;

namespace Myrmex.Replication.Engine;

/// <summary>What an engine starts from: what the driver found on disk.</summary>
public sealed record ReplicaStart
{
    public required MemberId Self { get; init; }

    /// <summary>With the start count already raised and saved.</summary>
    public required Superblock Superblock { get; init; }

    /// <summary>Keys of this replica set in the state store begin with this.</summary>
    public required string StorePrefix { get; init; }

    public ReplicaOptions Options { get; init; } = new();

    /// <summary>
    /// The entries after the checkpoint, at least, all of them on disk: the driver syncs what it read before it starts
    /// the engine. The engine takes it.
    /// </summary>
    public required ReplicaLog Log { get; init; }

    /// <summary>The first entry the journal on disk holds.</summary>
    public JournalIndex JournalStart { get; init; } = new(1);

    /// <summary>Everything up to here is committed and in the main store.</summary>
    public JournalIndex Checkpoint { get; init; }

    /// <summary>
    /// The highest horizon of the entries that the checkpoint covers, see <see cref="ReplicaEngine.ElidedThrough"/>.
    /// </summary>
    public JournalIndex ElidedThrough { get; init; }

    /// <summary>The session table as of <see cref="ReplicaLog.Base"/>; empty for none.</summary>
    public ReadOnlyMemory<byte> Sessions { get; init; }

    /// <summary>
    /// Entries that were acknowledged may be lost: memory was acknowledged and the last end was not clean, or the
    /// journal was found damaged before its end. Stays true over further starts until a superblock was saved since:
    /// only then does the status on disk say so.
    /// </summary>
    public bool MayHaveLostEntries { get; init; }

    /// <summary>Memory may have been acknowledged before this start, whatever the configuration says now.</summary>
    public bool HasUsedMemory { get; init; }

    /// <summary>
    /// The main store may have effects of entries that this member has lost, see <see cref="MayHaveLostEntries"/>. When
    /// all members have lost them, it needs a copy.
    /// </summary>
    public bool IsStoreAhead { get; init; }

    /// <summary>
    /// The main store holds nothing that can be relied on: a copy into it was begun and not installed. The status is
    /// Syncing then.
    /// </summary>
    public bool NeedsCopy { get; init; }

    /// <summary>This member has no main store, whatever the configuration says.</summary>
    public bool IsWitness { get; init; }

    public required long NowMs { get; init; }

    internal ReplicaMutations Mutations { get; init; }
}
