using System;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// Cryptographic random bytes of the kernel, fetched in blocks per thread. Safe for all threads. Not of the library's
/// generator, which would load OpenSSL for it: 4 MB of a client that uses nothing else of it.
/// </summary>
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
            Sys.Random(bytes);
            return;
        }

        var block = _block ??= new byte[BlockSize];
        if (_left < bytes.Length)
        {
            Sys.Random(block);
            _left = BlockSize;
        }

        // Handed out from the end and wiped, so that no byte is ever seen twice.
        var taken = block.AsSpan(_left - bytes.Length, bytes.Length);
        taken.CopyTo(bytes);
        taken.Clear();
        _left -= bytes.Length;
    }
}
