using System;

namespace Myrmex.Replication.Engine;

/// <summary>What an entry of kind Session does. The numbers are on disk.</summary>
public enum SessionAction : byte
{
    /// <summary>The session exists from here on.</summary>
    Begin = 1,

    /// <summary>The outcomes up to a number are dropped.</summary>
    Renew = 2,

    /// <summary>The session is no more; late retries are refused.</summary>
    End = 3,

    /// <summary>
    /// Operations of other runs of one number are refused from here on: the entry's sequence is the number, its step
    /// the run.
    /// </summary>
    TakeOver = 4,
}

/// <summary>The meta part of an entry of kind Session.</summary>
public readonly record struct SessionRecord(SessionAction Action, ulong AcknowledgedUpTo)
{
    public byte[] Encode()
    {
        var builder = new BinaryBuilder();
        builder.Byte((byte)Action);
        builder.UInt64(AcknowledgedUpTo);
        return builder.ToArray();
    }

    /// <summary>Null for bytes that are none.</summary>
    public static SessionRecord? Decode(ReadOnlySpan<byte> bytes)
    {
        var parser = new BinaryParser(bytes);
        var record = new SessionRecord((SessionAction)parser.Byte(), parser.UInt64());
        var isKnown = record.Action is >= SessionAction.Begin and <= SessionAction.TakeOver;
        return parser.IsComplete && isKnown ? record : null;
    }
}
