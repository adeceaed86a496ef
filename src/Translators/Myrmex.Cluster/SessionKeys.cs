using System;

using Myrmex.Base;

namespace Myrmex.Cluster;

/// <summary>
/// How the client of a replica set and its members speak of sessions and leaders in the xdata of ordinary fops.
/// </summary>
internal static class SessionKeys
{
    /// <summary>IPC: the session exists when it is answered Ok. Doing it twice does no harm.</summary>
    public const int BeginSession = ChangeRecord.BeginSession;

    /// <summary>IPC: the session is no more.</summary>
    public const int EndSession = ChangeRecord.EndSession;

    /// <summary>Bytes of the value of <see cref="Session"/> in a mutating fop.</summary>
    public const int RecordBytes = ChangeRecord.ShortBytes;

    /// <summary>
    /// Session id (16 bytes), number of the operation (u64, with <see cref="MayBeKnown"/>) and the number up to which
    /// the client has all outcomes (u64), little-endian. In IPC the id alone.
    /// </summary>
    public static ReadOnlySpan<byte> Session => ChangeRecord.Key;

    /// <summary>In a reply: member number of the leader, where it is known.</summary>
    public static ReadOnlySpan<byte> Leader => "myrmex.leader"u8;

    /// <summary>In the number of an operation: it was sent before, so it may be in the journal already.</summary>
    public const ulong MayBeKnown = ChangeRecord.MayBeKnown;
}
