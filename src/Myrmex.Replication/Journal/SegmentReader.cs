using System;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>
/// Reads blocks of one segment through a window, so that a walk over many small batches takes few calls. A block the
/// disk cannot read is one that is not there; <see cref="HadErrors"/> tells them apart from zeroes.
/// </summary>
/// <param name="windowBytes">What is read at once, when no more is asked for.</param>
internal sealed class SegmentReader(IDiskFile file, long bytes, int windowBytes = JournalLimits.ChunkBytes)
    : IDisposable
{
    private PayloadBuffer _window = PayloadPool.Shared.Rent((int)Math.Min(bytes, windowBytes));
    private long _start;
    private int _length;

    /// <summary>Set when a read failed; whoever asks resets it.</summary>
    public bool HadErrors { get; set; }

    /// <summary>Blocks of the segment; valid until the next call.</summary>
    public bool TryGet(long block, int count, out ReadOnlySpan<byte> result)
    {
        result = default;
        var offset = block * JournalLimits.BlockBytes;
        var length = (long)count * JournalLimits.BlockBytes;
        if (offset < 0 || offset + length > bytes || length > JournalLimits.HeadBytesMax)
        {
            return false;
        }

        if (offset < _start || offset + length > _start + _length)
        {
            if (!Fill(offset, (int)Math.Min(Math.Max(length, windowBytes), bytes - offset))
                && !Fill(offset, (int)length))
            {
                HadErrors = true;
                return false;
            }
        }

        result = _window.GetSpan().Slice((int)(offset - _start), (int)length);
        return true;
    }

    public void Dispose() => _window.Release();

    /// <summary>
    /// Reads meta and data of an entry and says what is good; the entry is the caller's, and null unless all is.
    /// </summary>
    public static EntryState ReadEntry(IDiskFile file, in EntryRecord record, out JournalEntry? entry)
    {
        var data = default(Payload);
        var start = ((long)record.BatchBlock * JournalLimits.BlockBytes) + record.MetaOffset;
        var aligned = start / JournalLimits.BlockBytes * JournalLimits.BlockBytes;
        var skipped = (int)(start - aligned);
        var length = JournalFormat.BlocksOf(skipped + record.MetaPartLength) * JournalLimits.BlockBytes;
        var buffer = PayloadPool.Shared.Rent(length);
        var isGood = ReadAll(file, aligned, buffer.GetSpan()[..length]);
        var part = buffer.GetSpan().Slice(skipped, record.MetaPartLength);
        isGood = isGood && Crc32C.Of(part) == record.MetaChecksum;
        var state = !isGood ? EntryState.MetaLost
            : ReadData(file, record, part, out data) ? EntryState.Good
            : EntryState.DataLost;
        entry = state == EntryState.Good ? EntryOf(record, part[record.ChecksumsLength..], data) : null;
        state = state == EntryState.Good && entry is null ? EntryState.MetaLost : state;
        buffer.Release();
        return state;
    }

    /// <summary>Null, and the data is released, when what is said of missing data cannot be.</summary>
    private static JournalEntry? EntryOf(in EntryRecord record, ReadOnlySpan<byte> meta, Payload data)
    {
        if (!record.IsElided)
        {
            return new JournalEntry(record.Header, meta.ToArray(), data);
        }

        if (ElidedData.Decode(meta) is { } elided && elided.PresentLength == data.Length)
        {
            return JournalEntry.WithoutData(record.Header, meta[elided.Encoded.Length..].ToArray(), elided, data);
        }

        data.Release();
        return null;
    }

    private static bool ReadData(IDiskFile file, in EntryRecord record, ReadOnlySpan<byte> checksums, out Payload data)
    {
        data = default;
        if (record.DataLength == 0)
        {
            return true;
        }

        var length = JournalFormat.BlocksOf(record.DataLength) * JournalLimits.BlockBytes;
        var buffer = PayloadPool.Shared.Rent(length);
        if (ReadAll(file, (long)record.DataBlock * JournalLimits.BlockBytes, buffer.GetSpan()[..length])
            && BatchPlan.HasChecksums(buffer.GetSpan()[..record.DataLength], checksums))
        {
            data = new Payload(buffer, 0, record.DataLength);
            return true;
        }

        buffer.Release();
        return false;
    }

    private static bool ReadAll(IDiskFile file, long offset, Span<byte> target) =>
        file.ReadFully(offset, target, out var count) == Errno.Ok && count == target.Length;

    private bool Fill(long offset, int length)
    {
        if (length > _window.Capacity)
        {
            _window.Release();
            _window = PayloadPool.Shared.Rent(length);
        }

        (_start, _length) = (offset, length);
        if (ReadAll(file, offset, _window.GetSpan()[..length]))
        {
            return true;
        }

        _length = 0;
        return false;
    }
}
