using System;
using System.Security.Cryptography;

namespace Myrmex.Runtime.Linux;

/// <summary>Cryptographic random bytes, fetched in blocks per thread. Safe for all threads.</summary>
public sealed class LinuxRandom : IRandom
{
    private const int BlockSize = 1024;

    [ThreadStatic]
    private static byte[]? _block;

    [ThreadStatic]
    private static int _left;

    public static LinuxRandom Shared { get; } = new();

    public void Fill(Span<byte> bytes)
    {
        if (bytes.Length > BlockSize)
        {
            RandomNumberGenerator.Fill(bytes);
            return;
        }

        var block = _block ??= new byte[BlockSize];
        if (_left < bytes.Length)
        {
            RandomNumberGenerator.Fill(block);
            _left = BlockSize;
        }

        // Handed out from the end and wiped, so that no byte is ever seen twice.
        var taken = block.AsSpan(_left - bytes.Length, bytes.Length);
        taken.CopyTo(bytes);
        taken.Clear();
        _left -= bytes.Length;
    }
}
