using System;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Rpc;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// A message between members of a replica set as the body of a call: the head as an opaque, the length of the data as a
/// word, the data. Source: docs/reference/peer-messages.md.
/// </summary>
internal readonly ref struct PeerMessageBody(ReadOnlySpan<byte> head, ReadOnlySpan<Payload> data, int dataBytes)
    : IRpcBody
{
    private readonly ReadOnlySpan<byte> _head = head;
    private readonly ReadOnlySpan<Payload> _data = data;

    public int SizeMax => 4 + _head.Length + 3 + 4;

    public Payload Payload => default;

    public ReadOnlySpan<Payload> Payloads => _data;

    public void Encode(ref XdrWriter writer)
    {
        writer.WriteOpaque(_head);
        writer.WriteUInt((uint)dataBytes);
    }

    /// <summary>
    /// Reads a body; head and data are lent by the record. False when it is malformed or beyond the bounds.
    /// </summary>
    public static bool TryRead(ref XdrReader reader, out ReadOnlySpan<byte> head, out Payload data)
    {
        head = reader.ReadOpaque();
        data = reader.ReadRest(reader.ReadUInt());
        return !reader.Failed && head.Length <= IPeerLink.HeadBytesMax && data.Length <= IPeerLink.DataBytesMax;
    }
}
