using System;
using System.IO;
using Myrmex.Management.BrickAdmin;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// Writes or reads a file of its own on a brick's file system and measures. Writes count until they are on the
/// disk; reads
/// come from the page cache as far as it has them.
/// </summary>
internal static class DiskSpeed
{
    /// <summary>Bytes of one measurement.</summary>
    public const long BytesMax = 1L << 30;

    private const int BlockBytesMax = 64 << 20;
    private const long TimeMaxNs = 10_000_000_000;

    /// <summary>Bytes and nanoseconds of the measured part. It ends early after ten seconds.</summary>
    public static (long Bytes, long Ns) Measure(IClock clock, string brick, TopQuery query)
    {
        var total = (long)query.BlockSize * query.BlockCount;
        if (query.BlockSize is < 1 or > BlockBytesMax || query.BlockCount < 1 || total > BytesMax)
        {
            throw new BrickAdminException("block size times count must be 1 byte to 1 GB, a block at most 64 MB");
        }

        // Not below a name that clients could reach, and gone with its last descriptor.
        var path = Path.Combine(brick, ".glusterfs", $"perf-{Environment.ProcessId}-{clock.MonotonicNs}");
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = System.IO.FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            BufferSize = 0,
            Options = FileOptions.DeleteOnClose,
        });
        File.Delete(path);
        var block = new byte[query.BlockSize];
        var written = Write(clock, file, block, query.BlockCount);
        return query.List == TopList.WritePerf ? written : Read(clock, file, block);
    }

    private static (long Bytes, long Ns) Write(IClock clock, FileStream file, byte[] block, int count)
    {
        var start = clock.MonotonicNs;
        for (var i = 0; i < count && clock.MonotonicNs - start < TimeMaxNs; i++)
        {
            file.Write(block);
        }

        file.Flush(flushToDisk: true);
        return (file.Length, clock.MonotonicNs - start);
    }

    private static (long Bytes, long Ns) Read(IClock clock, FileStream file, byte[] block)
    {
        file.Position = 0;
        var start = clock.MonotonicNs;
        var bytes = 0L;
        for (var got = 1; got > 0 && clock.MonotonicNs - start < TimeMaxNs; bytes += got)
        {
            got = file.Read(block);
        }

        return (bytes, clock.MonotonicNs - start);
    }
}
