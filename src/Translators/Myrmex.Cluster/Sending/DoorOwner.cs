using System;
using System.Buffers.Binary;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// The lock owners of the clients of a door: a hash of the client's identity, then what the client sent.
/// </summary>
internal static class DoorOwner
{
    private const int PrefixBytes = 8;

    /// <summary>
    /// An owner longer than what fits behind the prefix is cut: its end no longer tells it from others.
    /// </summary>
    public static LkOwner Of(ClientIdentity client, LkOwner owner)
    {
        Span<byte> bytes = stackalloc byte[PrefixBytes + LkOwner.LengthMax];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, HashOf(client));
        owner.CopyTo(bytes[PrefixBytes..]);
        return new LkOwner(bytes[..Math.Min(PrefixBytes + owner.Length, LkOwner.LengthMax)]);
    }

    public static bool IsOf(ClientIdentity client, LkOwner owner)
    {
        Span<byte> bytes = stackalloc byte[LkOwner.LengthMax];
        owner.CopyTo(bytes);
        return owner.Length >= PrefixBytes && BinaryPrimitives.ReadUInt64LittleEndian(bytes) == HashOf(client);
    }

    private static ulong HashOf(ClientIdentity client)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var c in client.Uid)
        {
            hash = (hash ^ c) * 0x100000001B3UL;
        }

        return hash;
    }
}
