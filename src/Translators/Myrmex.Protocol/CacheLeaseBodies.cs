using System;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Rpc;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// Of CACHE_LEASE and CACHE_HANDLED: i64 highest number that is handled. Source: docs/reference/cache-leases.md.
/// </summary>
internal readonly struct CacheHandledBody(ulong number) : IRpcBody
{
    public int SizeMax => 8;

    public Payload Payload => default;

    public ReadOnlySpan<Payload> Payloads => default;

    public void Encode(ref XdrWriter writer) => writer.WriteLong((long)number);
}

/// <summary>The answer to CACHE_LEASE: u32 generation, u32 milliseconds.</summary>
internal readonly struct CacheGrantBody(CacheGrant grant) : IRpcBody
{
    public int SizeMax => 8;

    public Payload Payload => default;

    public ReadOnlySpan<Payload> Payloads => default;

    public static CacheGrant Read(ref XdrReader reader)
    {
        var grant = new CacheGrant(reader.ReadUInt(), reader.ReadUInt());
        return reader.Failed ? CacheGrant.None : grant;
    }

    public void Encode(ref XdrWriter writer)
    {
        writer.WriteUInt(grant.Generation);
        writer.WriteUInt(grant.Milliseconds);
    }
}

/// <summary>CACHE_CHANGE: gfid, i64 number.</summary>
internal readonly struct CacheChangeBody(Gfid gfid, ulong number) : IRpcBody
{
    public int SizeMax => Gfid.Size + 8;

    public Payload Payload => default;

    public ReadOnlySpan<Payload> Payloads => default;

    /// <summary>False when it is malformed.</summary>
    public static bool TryRead(ref XdrReader reader, out Gfid gfid, out ulong number)
    {
        gfid = reader.ReadGfid();
        number = (ulong)reader.ReadLong();
        return !reader.Failed && reader.Remaining == 0;
    }

    public void Encode(ref XdrWriter writer)
    {
        writer.WriteGfid(gfid);
        writer.WriteLong((long)number);
    }
}
