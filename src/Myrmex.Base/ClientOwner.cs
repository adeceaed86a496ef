using System;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Myrmex.Base;

/// <summary>
/// The lock owners of clients that share one connection to what is below, as the clients of a proxy do, and those of a
/// door: to the other end all of them are one client, so the number of the client is put before the owner that it
/// sent.
/// </summary>
public static class ClientOwner
{
    /// <summary>Bytes of the client's number.</summary>
    private const int PrefixBytes = 8;

    /// <summary>
    /// Longer ones are replaced by their SHA-256: what is put before them must not push anything out of the credential.
    /// </summary>
    private const int OwnerBytesMax = 56;

    public static LkOwner Of(ClientIdentity client, LkOwner owner)
    {
        Span<byte> bytes = stackalloc byte[PrefixBytes + LkOwner.LengthMax];
        BinaryPrimitives.WriteInt64BigEndian(bytes, client.Number);
        var own = bytes[PrefixBytes..];
        owner.CopyTo(own);
        var length = owner.Length;
        if (length > OwnerBytesMax)
        {
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(own[..length], digest);
            digest.CopyTo(own);
            length = digest.Length;
        }

        return new LkOwner(bytes[..(PrefixBytes + length)]);
    }

    /// <summary>Whether <see cref="Of"/> has made it for this client.</summary>
    public static bool IsOf(ClientIdentity client, LkOwner owner)
    {
        if (owner.Length < PrefixBytes)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[LkOwner.LengthMax];
        owner.CopyTo(bytes);
        return BinaryPrimitives.ReadInt64BigEndian(bytes) == client.Number;
    }
}
