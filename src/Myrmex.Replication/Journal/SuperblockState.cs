using System;
using System.Collections.Generic;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Journal;

/// <summary>How far a peer is known to have made its journal durable.</summary>
public readonly record struct PeerDurable(UInt128 Member, JournalIndex Durable);

/// <summary>
/// What a replica remembers for ever. Values a caller sets: promise, status, epoch, checkpoint, peers. The journal
/// itself sets the rest.
/// </summary>
public sealed record SuperblockState
{
    /// <summary>Random, made when the journal was formatted; names this memory, not the machine.</summary>
    public UInt128 Incarnation { get; init; }

    /// <summary>The highest term promised. Never goes back.</summary>
    public Term Promised { get; init; }

    public MemberStatus Status { get; init; } = MemberStatus.Voter;

    public ulong ConfigurationEpoch { get; init; }

    /// <summary>Times the journal was opened.</summary>
    public ulong BootCount { get; init; }

    /// <summary>Set by a close in good order, cleared when the journal is opened.</summary>
    public bool IsClean { get; init; }

    /// <summary>The index up to which the main store holds everything and was synced. Never goes back.</summary>
    public JournalIndex Checkpoint { get; init; }

    /// <summary>Last entry that was durable when this was saved: a later look at the disk may not find less.</summary>
    public JournalIndex DurableFloor { get; init; }

    /// <summary>Number of the last batch that was durable then.</summary>
    public ulong DurableBatch { get; init; }

    /// <summary>
    /// Entries may have been acknowledged that were written and not synced, in the boot of the machine that <see
    /// cref="MachineBoot"/> names: what another one finds after an end that was not clean may be less.
    /// </summary>
    public bool FromMemory { get; init; }

    /// <summary>
    /// In terms up to this one this member led while it acknowledged from memory: its main store may have effects of
    /// entries that its journal, after a loss of power, does not have. None: it has not.
    /// </summary>
    public Term StoreAhead { get; init; }

    /// <summary>Which boot of the machine that was; 0 while nothing is acknowledged from memory.</summary>
    public UInt128 MachineBoot { get; init; }

    /// <summary>The cuts of suffixes that had happened then.</summary>
    public CutHistory Cuts { get; init; } = CutHistory.None;

    public IReadOnlyList<PeerDurable> Peers { get; init; } = [];
}

/// <summary>
/// The cuts of suffixes so far: enough to know, across a hole in the journal, which entries before it a lost cut may
/// have taken.
/// </summary>
/// <param name="Count">How many there were.</param>
/// <param name="LastFrom">The first index the last of them took away.</param>
/// <param name="LowestFrom">The lowest index any of them took away; the largest number when there was none.</param>
public readonly record struct CutHistory(ulong Count, ulong LastFrom, ulong LowestFrom)
{
    public static CutHistory None => new(0, ulong.MaxValue, ulong.MaxValue);

    internal CutHistory And(JournalIndex from) => new(Count + 1, from.Value, Math.Min(LowestFrom, from.Value));

    /// <summary>The lowest index that the cuts between an earlier history and this one may have taken.</summary>
    internal ulong LowestSince(CutHistory earlier) =>
        Count <= earlier.Count ? ulong.MaxValue : Count == earlier.Count + 1 ? LastFrom
            : Math.Min(LastFrom, LowestFrom);
}
