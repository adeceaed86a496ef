using System;

namespace Myrmex.Replication.Journal;

/// <summary>How many entries go into a batch, and how large its parts are.</summary>
internal readonly record struct BatchPlan(int Count, int TrailerOffset, int HeadBlocks, long DataBlocks)
{
    /// <summary>The largest batch of the first entries that fits; none when the first one does not.</summary>
    public static BatchPlan For(ReadOnlySpan<JournalEntry> entries, long roomBlocks, int roomRecords)
    {
        var best = default(BatchPlan);
        long meta = 0;
        long data = 0;
        var most = Math.Min(Math.Min(entries.Length, roomRecords), JournalLimits.BatchEntriesMax);
        for (var i = 0; i < most; i++)
        {
            var blocks = JournalFormat.BlocksOf(entries[i].Data.Length);
            meta += MetaLengthOf(entries[i]) + (blocks * sizeof(uint));
            data += blocks;
            var trailer = JournalFormat.HeadSize + ((i + 1) * JournalFormat.EntrySize) + meta;
            var head = JournalFormat.BlocksOf(trailer + JournalFormat.TrailerSize);
            var isLarge = (head + data) * JournalLimits.BlockBytes > JournalLimits.BatchBytesMax;
            if (head + data > roomBlocks || head * (long)JournalLimits.BlockBytes > JournalLimits.HeadBytesMax
                || (isLarge && i > 0))
            {
                break;
            }

            best = new BatchPlan(i + 1, (int)trailer, head, data);
        }

        return best;
    }

    /// <summary>Bytes of the meta of an entry in a batch, with what is known of data that is missing.</summary>
    public static int MetaLengthOf(JournalEntry entry) => entry.Meta.Length + entry.ElidedBytes.Length;

    /// <summary>The checksum over the checksums of the data and meta.</summary>
    public static uint MetaChecksum(JournalEntry entry) => Crc32C.Of(
        entry.Meta.Span, Crc32C.Of(entry.ElidedBytes, Crc32C.Of(ChecksumsOf(entry.Data.Span))));

    /// <summary>The checksums of the blocks of some data; the last block counts without its padding.</summary>
    public static void WriteChecksums(ReadOnlySpan<byte> data, Span<byte> target) =>
        Crc32C.OfBlocks(data, JournalLimits.BlockBytes, target);

    /// <summary>Whether some data has the checksums that were written for it.</summary>
    public static bool HasChecksums(ReadOnlySpan<byte> data, ReadOnlySpan<byte> checksums) =>
        checksums.StartsWith(ChecksumsOf(data));

    private static byte[] ChecksumsOf(ReadOnlySpan<byte> data)
    {
        var checksums = new byte[JournalFormat.BlocksOf(data.Length) * sizeof(uint)];
        WriteChecksums(data, checksums);
        return checksums;
    }
}
