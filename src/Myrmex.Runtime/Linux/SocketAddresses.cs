using System;
using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Myrmex.Runtime.Linux;

/// <summary>struct sockaddr of the three families we use, to and from <see cref="LinkAddress"/>.</summary>
internal static class SocketAddresses
{
    /// <summary>Bytes of struct sockaddr_storage.</summary>
    public const int SizeMax = 128;

    /// <summary>Longest path of a unix socket in bytes, without the closing zero.</summary>
    public const int UnixPathBytesMax = 107;

    private const int InetSize = 16;
    private const int Inet6Size = 28;

    public static int FamilyOf(ReadOnlySpan<byte> address) => MemoryMarshal.Read<ushort>(address);

    public static byte[] OfUnix(string path)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length is 0 or > UnixPathBytesMax)
        {
            throw new ArgumentException($"The path of a unix socket has 1 to {UnixPathBytesMax} bytes: '{path}'.");
        }

        var address = new byte[2 + bytes.Length + 1];
        MemoryMarshal.Write(address, (ushort)Sys.AfUnix);
        bytes.CopyTo(address, 2);
        return address;
    }

    public static byte[] OfInet(IPAddress ip, int port)
    {
        var isV6 = ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        var address = new byte[isV6 ? Inet6Size : InetSize];
        MemoryMarshal.Write(address, (ushort)(isV6 ? Sys.AfInet6 : Sys.AfInet));
        BinaryPrimitives.WriteUInt16BigEndian(address.AsSpan(2), (ushort)port);
        ip.TryWriteBytes(address.AsSpan(isV6 ? 8 : 4), out _);
        if (isV6)
        {
            MemoryMarshal.Write(address.AsSpan(24), (uint)ip.ScopeId);
        }

        return address;
    }

    /// <summary>The address in the words of a link; IPv4 inside IPv6 is shown as IPv4, a nameless unix peer as an empty path.</summary>
    public static LinkAddress Parse(ReadOnlySpan<byte> address)
    {
        switch (address.Length < 2 ? 0 : FamilyOf(address))
        {
            case Sys.AfInet when address.Length >= InetSize:
                return new LinkAddress(
                    new IPAddress(address.Slice(4, 4)).ToString(), BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
            case Sys.AfInet6 when address.Length >= Inet6Size:
                var ip = new IPAddress(address.Slice(8, 16), MemoryMarshal.Read<uint>(address[24..]));
                return new LinkAddress(
                    (ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip).ToString(),
                    BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
            case Sys.AfUnix:
                var path = address[2..];
                var end = path.IndexOf((byte)0);
                return LinkAddress.Unix(Encoding.UTF8.GetString(end < 0 ? path : path[..end]));
            default:
                return new LinkAddress(string.Empty, 0);
        }
    }
}
