using System;
using Myrmex.Base;
using Myrmex.Wire;

namespace Myrmex.Rpc;

/// <summary>What follows an RPC header: something that encodes itself, and the payload behind it.</summary>
public interface IRpcBody
{
    /// <summary>Upper bound of the encoded bytes, payload not included.</summary>
    int SizeMax { get; }

    /// <summary>Borrowed for the time of the send; the link retains it.</summary>
    Payload Payload => default;

    /// <summary>
    /// In place of <see cref="Payload"/> when there are several, in order; of calls only. The link retains them too,
    /// but who lends them keeps them until the send has returned, whatever is answered meanwhile.
    /// </summary>
    ReadOnlySpan<Payload> Payloads { get; }

    void Encode(ref XdrWriter writer);
}

/// <summary>No body.</summary>
public readonly struct EmptyBody : IRpcBody
{
    public int SizeMax => 0;

    public Payload Payload => default;

    public ReadOnlySpan<Payload> Payloads => default;

    public void Encode(ref XdrWriter writer)
    {
    }
}

/// <summary>A body that is already encoded.</summary>
public readonly struct RawBody(ReadOnlyMemory<byte> bytes) : IRpcBody
{
    public int SizeMax => bytes.Length;

    public Payload Payload => default;

    public ReadOnlySpan<Payload> Payloads => default;

    public void Encode(ref XdrWriter writer) => writer.WriteRaw(bytes.Span);
}
