using System;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>An operation that a client wants in the journal.</summary>
/// <param name="Tag">The caller's number for it; comes back in the outputs.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Session">The client's session, or 0 for one that is never retried.</param>
/// <param name="Sequence">Its number in the session, from 1.</param>
/// <param name="Step">Which step of the client's operation.</param>
/// <param name="Meta">For the state machine above; kept, so it must not change.</param>
/// <param name="Data">Bulk bytes; borrowed.</param>
public readonly record struct Proposal(
    ulong Tag, EntryKind Kind, UInt128 Session, ulong Sequence, uint Step, ReadOnlyMemory<byte> Meta, Payload Data)
{
    /// <summary>The client has all outcomes of its operations up to this number.</summary>
    public ulong AcknowledgedUpTo { get; init; }

    /// <summary>Whether it may be refused for want of room.</summary>
    public RoomUse Uses { get; init; }

    /// <summary>Bytes that it takes of the disk of the main store, about, and rather more.</summary>
    public long RoomBytes { get; init; }

    /// <summary>Which run of a client's operation that takes many steps; 0 for the first.</summary>
    public uint Run { get; init; }

    /// <summary>May be committed when a write quorum has it in memory; where the configuration allows it.</summary>
    public bool FromMemory { get; init; }
}

/// <summary>Why an operation or a read was not taken. In every case it was not logged by this call.</summary>
public enum Refusal
{
    None,

    /// <summary>This replica does not lead; the hint says who may.</summary>
    NotLeader,

    /// <summary>It leads but cannot take operations yet or just now.</summary>
    NotServing,

    /// <summary>Too few members answer.</summary>
    NoQuorum,

    /// <summary>The window of uncommitted entries is full.</summary>
    Busy,

    /// <summary>The journal is full.</summary>
    Full,

    /// <summary>The disk of a member is full, or will be when all that is on its way has taken effect.</summary>
    NoRoom,

    /// <summary>The session is not known or has ended: what it did is not known any more.</summary>
    SessionUnknown,

    /// <summary>The client has said that it knows the outcome.</summary>
    AlreadyAcknowledged,

    /// <summary>Another run of the operation has taken it over.</summary>
    Superseded,
}
