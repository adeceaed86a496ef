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
    /// <summary>For fops that make two operations of one: which.</summary>
    public uint Step { get; init; }

    /// <summary>What a request says; default when it says nothing or something malformed.</summary>
    public static SessionKey Of(XData? xdata)
    {
        if (xdata is null || !xdata.TryGetBytes(SessionKeys.Session, out var bytes)
            || bytes.Length != SessionKeys.RecordBytes)
        {
            return default;
        }

        var sequence = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        return new SessionKey(
            BinaryPrimitives.ReadUInt128BigEndian(bytes), sequence & ~SessionKeys.MayBeKnown,
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]), (sequence & SessionKeys.MayBeKnown) != 0);
    }

    /// <summary>The session of an IPC; 0 for none.</summary>
    public static UInt128 IdOf(XData? xdata) =>
        xdata is not null && xdata.TryGetBytes(SessionKeys.Session, out var bytes) && bytes.Length == 16
            ? BinaryPrimitives.ReadUInt128BigEndian(bytes) : 0;
}
