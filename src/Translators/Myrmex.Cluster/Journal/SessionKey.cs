using System;
using System.Buffers.Binary;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>Which operation of which client's session a fop is; default for one that is never sent again.</summary>
/// <param name="Session">Id of the session, or 0.</param>
/// <param name="Sequence">Number in the session, from 1.</param>
/// <param name="AcknowledgedUpTo">The client has all outcomes up to this number.</param>
/// <param name="MayBeKnown">It was sent before: the journal is asked before it is evaluated.</param>
public readonly record struct SessionKey(
    UInt128 Session, ulong Sequence, ulong AcknowledgedUpTo, bool MayBeKnown = false)
{
    /// <summary>In a label: the truncation that an OPEN brings with it.</summary>
    private const uint OpenLabel = 1U << 30;

    /// <summary>Which step of the client's change: its label.</summary>
    public uint Step { get; init; }

    /// <summary>Which run of the change; 0 for the first.</summary>
    public uint Run { get; init; }

    /// <summary>What is kept with the step for other runs.</summary>
    public byte[]? Note { get; init; }

    /// <summary>It may be answered before it is on a disk.</summary>
    public bool FromMemory { get; init; }

    /// <summary>The record has a label: it is that of a client behind a proxy.</summary>
    public bool IsLabelled { get; init; }

    /// <summary>The truncation of an OPEN.</summary>
    public SessionKey OfOpen => this with { Step = IsLabelled ? Step | OpenLabel : 1 };

    /// <summary>What a request says; default when it says nothing or something malformed.</summary>
    public static SessionKey Of(XData? xdata)
    {
        if (!ChangeRecord.TryRead(xdata, nowNs: 0, out var change) || change.IsNone)
        {
            return default;
        }

        xdata!.TryGetBytes(ChangeRecord.Key, out var bytes); // It is there.
        return new SessionKey(change.Session, change.Number, change.AcknowledgedUpTo, change.MayBeKnown)
        {
            Step = change.Label,
            Run = change.Run,
            Note = change.Note,
            FromMemory = change.FromMemory,
            IsLabelled = bytes.Length > ChangeRecord.ShortBytes,
        };
    }

    /// <summary>The session of an IPC; 0 for none.</summary>
    public static UInt128 IdOf(XData? xdata) =>
        xdata is not null && xdata.TryGetBytes(ChangeRecord.Key, out var bytes) && bytes.Length == 16
            ? BinaryPrimitives.ReadUInt128BigEndian(bytes) : 0;
}
