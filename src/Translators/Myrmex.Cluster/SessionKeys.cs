using System;

namespace Myrmex.Cluster;

/// <summary>
/// What the clients of a replica set and its members say to each other: keys of xdata and operations of IPC.
/// </summary>
internal static class SessionKeys
{
    /// <summary>Operation of an IPC that begins a session; its xdata has the id under <see cref="Session"/>.</summary>
    public const int BeginSession = 0x4D59;

    /// <summary>Operation of an IPC that ends a session.</summary>
    public const int EndSession = 0x4D5A;

    /// <summary>
    /// Bytes of the value of <see cref="Session"/> in a fop: session id (16), sequence number and acknowledged-up-to
    /// (each 64 bits, little endian).
    /// </summary>
    public const int RecordBytes = 32;

    /// <summary>In requests: which operation of which session this is.</summary>
    public static ReadOnlySpan<byte> Session => "myrmex.session"u8;

    /// <summary>In replies with EREMOTE: the number of the member that leads.</summary>
    public static ReadOnlySpan<byte> Leader => "myrmex.leader"u8;
}
