using System;

namespace Myrmex.Replication;

/// <summary>
/// What identifies a journal entry and ties it to the one before. The body (arguments, results, payload) is bytes that
/// only the state machine above understands; <see cref="Chain"/> covers it.
/// </summary>
/// <param name="Term">The term of the leader that made the entry.</param>
/// <param name="Index">Its place in the journal.</param>
/// <param name="Chain">
/// Hash over the chain of the entry before, this header, the meta part and the digest of the data: equal chains mean
/// equal journals up to here.
/// </param>
/// <param name="Kind">What the entry is.</param>
/// <param name="Session">The client session whose operation it is, or 0.</param>
/// <param name="Sequence">The number of the operation in its session.</param>
/// <param name="Step">
/// Which step of a client's operation that takes many (a stable label, not a counter); 0 if it has one.
/// </param>
public readonly record struct EntryHeader(
    Term Term,
    JournalIndex Index,
    UInt128 Chain,
    EntryKind Kind,
    UInt128 Session,
    ulong Sequence,
    uint Step);
