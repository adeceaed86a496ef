using System;
using System.Collections.Generic;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

internal enum JournalOperationKind
{
    Append,
    Cut,
    Reset,
}

/// <summary>Something written to a journal that may not be on disk yet.</summary>
internal readonly record struct JournalOperation(
    JournalOperationKind Kind, JournalEntry? Entry, JournalIndex Index, Term Term, UInt128 Chain, ulong Generation);

/// <summary>The main store and the session table as of an entry.</summary>
internal sealed record WorldCheckpoint(
    JournalIndex Index, Term Term, UInt128 Chain, Dictionary<uint, ulong> Values, byte[] Sessions)
{
    /// <summary>Before everything up to here is in the store, it is not to be read.</summary>
    public JournalIndex ElidedThrough { get; init; }

    public static WorldCheckpoint Empty { get; } = new(JournalIndex.None, Term.None, default, [], []);
}

/// <summary>
/// A machine with one replica: what is on its disk, what is only in its memory, and the process if it runs.
/// </summary>
internal sealed class WorldNode(int number)
{
    public int Number => number;

    public MemberId Id => new((byte)number);

    public ulong Incarnation { get; set; } = (ulong)number + 100;

    // On disk.
    public Superblock Superblock { get; set; } = new(Term.None, MemberStatus.Learner, 0, 0);

    public JournalIndex JournalBase { get; set; }

    public Term JournalBaseTerm { get; set; }

    public UInt128 JournalBaseChain { get; set; }

    public List<JournalEntry> Journal { get; } = [];

    public WorldCheckpoint Checkpoint { get; set; } = WorldCheckpoint.Empty;

    /// <summary>A copy into the main store was begun and not installed.</summary>
    public bool IsStoreLost { get; set; }

    // On the way to the disk.
    public List<JournalOperation> Unsynced { get; } = [];

    public List<(ulong Ticket, Superblock Superblock)> UnsavedSuperblocks { get; } = [];

    public bool IsSyncing { get; set; }

    // The process.
    public ReplicaEngine? Engine { get; set; }

    public int Life { get; set; }

    public ulong Boot { get; set; }

    public bool MayHaveLostEntries { get; set; }

    /// <summary>It led when it lost power: its main store may have what no journal has.</summary>
    public bool IsStoreAhead { get; set; }

    public Dictionary<uint, ulong> Values { get; } = [];

    public JournalIndex Applied { get; set; }

    /// <summary>Committed, and waiting for the main store to take it in.</summary>
    public Queue<JournalEntry> Held { get; } = [];

    /// <summary>The first entry of the term in which it leads: the store must have it to be read.</summary>
    public JournalIndex ServesFrom { get; set; }

    /// <summary>The last entry that changed a value, by key.</summary>
    public Dictionary<uint, ulong> Touched { get; } = [];

    /// <summary>What may have changed any of them before this life.</summary>
    public JournalIndex TouchedBefore { get; set; }

    /// <summary>Reads that wait for the main store to have an entry.</summary>
    public List<(ulong Tag, ulong Index, ulong LeaderApplied)> WaitingHere { get; } = [];

    public long HeldSinceUs { get; set; }

    public Dictionary<ulong, WorldRequest> Requests { get; } = [];

    public Dictionary<ulong, List<ulong>> Waiting { get; } = [];

    /// <summary>Changes of locks on their way into the table, by ticket; of a leader.</summary>
    public Dictionary<ulong, LockRecord> LockChanges { get; } = [];

    public int InstallSource { get; set; } = -1;

    /// <summary>In which that copy was offered.</summary>
    public Term InstallTerm { get; set; }

    /// <summary>What the copy holds at least.</summary>
    public JournalIndex InstallStart { get; set; }

    // Faults.
    public long PausedUntilUs { get; set; }

    public long HangUntilUs { get; set; }

    public long SlowUntilUs { get; set; }

    /// <summary>The main store takes nothing in until then, because it hangs or is full.</summary>
    public long StoreHangUntilUs { get; set; }

    /// <summary>It is full.</summary>
    public long OutOfRoomUntilUs { get; set; }

    public long FullUntilUs { get; set; }

    public bool FailsNextSync { get; set; }

    public long StoreCutUntilUs { get; set; }

    // The clock and the lease of the machine.
    public double ClockRate { get; set; } = 1;

    public long ClockOffsetMs { get; set; } = 10_000;

    public LeaseId Lease { get; set; }

    public long RenewUs { get; set; }

    // What the checker remembers.
    public Term ClaimedPromise { get; set; }

    public bool IsSpare { get; set; }

    /// <summary>It has no main store, in all its lives.</summary>
    public bool IsWitness { get; set; }

    public bool IsUp => Engine is not null;

    public JournalIndex JournalLast => new(JournalBase.Value + (ulong)Journal.Count);

    public long ClockMs(long nowUs) => ClockOffsetMs + (long)(nowUs * ClockRate / 1000);

    /// <summary>The entry is on the disk of this machine, in the journal or in what replaced it.</summary>
    public bool HoldsDurably(JournalIndex index, UInt128 chain)
    {
        if (index <= Checkpoint.Index || index <= JournalBase)
        {
            return true;
        }

        return index <= JournalLast && Journal[(int)(index.Value - JournalBase.Value - 1)].Header.Chain == chain;
    }

    public bool HoldsInMemory(JournalIndex index, UInt128 chain) =>
        Engine is { } engine && index <= engine.Last && (index < engine.Log.Base || engine.Log.ChainAt(index) == chain);

    /// <summary>The first <paramref name="count"/> operations that were not on disk are now.</summary>
    /// <returns>The generation of the last of them.</returns>
    public ulong ApplyUnsynced(int count)
    {
        var generation = 0UL;
        for (var i = 0; i < count; i++)
        {
            var operation = Unsynced[i];
            generation = operation.Generation;
            switch (operation.Kind)
            {
                case JournalOperationKind.Append:
                    Journal.Add(operation.Entry!);
                    break;
                case JournalOperationKind.Cut:
                    var keep = (int)(operation.Index.Value - JournalBase.Value - 1);
                    Journal.RemoveRange(keep, Journal.Count - keep);
                    break;
                default:
                    Journal.Clear();
                    JournalBase = operation.Index;
                    JournalBaseTerm = operation.Term;
                    JournalBaseChain = operation.Chain;
                    break;
            }
        }

        Unsynced.RemoveRange(0, count);
        return generation;
    }

    /// <summary>Drops the oldest entries, up to one that the checkpoint covers.</summary>
    public void Trim(JournalIndex upTo)
    {
        upTo = IsWitness && Engine is { } engine && engine.Settled < upTo ? engine.Settled : upTo;
        while (JournalBase < upTo && JournalBase < Checkpoint.Index && Journal.Count > 0)
        {
            JournalBase = Journal[0].Index;
            JournalBaseTerm = Journal[0].Term;
            JournalBaseChain = Journal[0].Header.Chain;
            Journal.RemoveAt(0);
        }
    }

    /// <summary>What an engine starts from: the entries after the checkpoint that continue it.</summary>
    public ReplicaLog BuildLog()
    {
        var log = new ReplicaLog(Checkpoint.Index, Checkpoint.Term, Checkpoint.Chain);
        foreach (var entry in Journal)
        {
            if (entry.Index.Value == log.Last.Value + 1)
            {
                if (!EntryChain.Matches(log.LastChain, entry))
                {
                    break;
                }

                log.Append(entry);
            }
        }

        // What does not continue the checkpoint is of a journal that was given up.
        if (JournalBase > Checkpoint.Index || log.Last < JournalLast || JournalLast < Checkpoint.Index)
        {
            Journal.Clear();
            JournalBase = Checkpoint.Index;
            JournalBaseTerm = Checkpoint.Term;
            JournalBaseChain = Checkpoint.Chain;
            for (var index = log.First; index <= log.Last; index = new JournalIndex(index.Value + 1))
            {
                Journal.Add(log[index]);
            }
        }

        return log;
    }
}

/// <summary>A request of a client at a node.</summary>
/// <param name="Client">Whose.</param>
/// <param name="Operation">The client's number for the operation.</param>
/// <param name="IsRead">A read of <paramref name="Key"/>.</param>
internal readonly record struct WorldRequest(int Client, ulong Operation, bool IsRead, uint Key)
{
    /// <summary>What a follower has read, once the leader has that too.</summary>
    public ulong? Value { get; init; }

    /// <summary>A lock that cannot be granted: what is to be confirmed.</summary>
    public LockRecord? Refused { get; init; }
}
