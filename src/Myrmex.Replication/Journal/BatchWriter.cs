using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Myrmex.Base;

namespace Myrmex.Replication.Journal;

/// <summary>
/// Puts a batch together: headers, checksums, meta and trailer in one aligned buffer, small data copied behind them,
/// large aligned data left where it is.
/// </summary>
internal sealed class BatchWriter : IDisposable
{
    private readonly List<Payload> _pieces = [];
    private readonly EntryRecord[] _records;
    private readonly PayloadBuffer _buffer;
    private readonly uint _seed;
    private BatchHead _head;
    private UInt128 _chain;
    private bool _knowsChain;

    public BatchWriter(BatchHead head, ReadOnlySpan<JournalEntry> entries, UInt128 incarnation, uint seed)
    {
        _seed = seed;
        var plan = BatchPlan.For(entries, long.MaxValue, int.MaxValue);
        Invariant.Check(plan.Count == entries.Length);
        _head = head;
        _head.Count = entries.Length;
        _head.TrailerOffset = entries.IsEmpty ? JournalFormat.HeadSize : plan.TrailerOffset;
        _head.HeadBlocks = entries.IsEmpty ? 1 : plan.HeadBlocks;
        _head.DataBlocks = (int)plan.DataBlocks;
        _records = new EntryRecord[entries.Length];
        _chain = head.PreviousChain;
        _knowsChain = head.KnowsPreviousChain;
        var headBytes = _head.HeadBlocks * JournalLimits.BlockBytes;
        _buffer = PayloadPool.Shared.Rent(headBytes + CopiedBytes(entries));
        WriteHead(entries, incarnation, headBytes);
        AddData(entries, headBytes);
    }

    public BatchHead Head => _head;

    public ReadOnlySpan<EntryRecord> Records => _records;

    /// <summary>What to write, in order, from the first block of the batch on.</summary>
    public ReadOnlySpan<Payload> Pieces => CollectionsMarshal.AsSpan(_pieces);

    public void Dispose() => _buffer.Release();

    private static bool StaysInPlace(JournalEntry entry) =>
        entry.Data.Length >= JournalLimits.InPlaceBytesMin && entry.Data.Length % JournalLimits.BlockBytes == 0
        && entry.Data.Address % JournalLimits.BlockBytes == 0;

    private static int Padded(int length) => JournalFormat.BlocksOf(length) * JournalLimits.BlockBytes;

    private static int CopiedBytes(ReadOnlySpan<JournalEntry> entries)
    {
        var bytes = 0;
        var inPlace = 0;
        foreach (var entry in entries)
        {
            if (StaysInPlace(entry) && inPlace < JournalLimits.PiecesMax / 2)
            {
                inPlace++;
            }
            else
            {
                bytes += Padded(entry.Data.Length);
            }
        }

        return bytes;
    }

    private void WriteHead(ReadOnlySpan<JournalEntry> entries, UInt128 incarnation, int headBytes)
    {
        var bytes = _buffer.GetSpan()[..headBytes];
        JournalFormat.WriteBatch(bytes, _head, incarnation);
        var meta = JournalFormat.HeadSize + (entries.Length * JournalFormat.EntrySize);
        var block = _head.Block + (uint)_head.HeadBlocks;
        for (var i = 0; i < entries.Length; i++)
        {
            ref var record = ref _records[i];
            record = NewRecord(entries[i], meta, block);
            var part = bytes.Slice(meta, record.MetaPartLength);
            BatchPlan.WriteChecksums(entries[i].Data.Span, part);
            var elided = entries[i].ElidedBytes;
            elided.CopyTo(part[record.ChecksumsLength..]);
            entries[i].Meta.Span.CopyTo(part[(record.ChecksumsLength + elided.Length)..]);
            record.MetaChecksum = Crc32C.Of(part);
            JournalFormat.WriteEntry(bytes[(JournalFormat.HeadSize + (i * JournalFormat.EntrySize))..], record, _seed);
            meta += record.MetaPartLength;
            block += (uint)JournalFormat.BlocksOf(record.DataLength);
        }

        Invariant.Check(meta == _head.TrailerOffset);
        var headers = Crc32C.Of(bytes[..(JournalFormat.HeadSize + (entries.Length * JournalFormat.EntrySize))]);
        var first = entries.IsEmpty ? 0 : entries[0].Index.Value;
        JournalFormat.WriteTrailer(bytes[meta..], _head, first, entries.IsEmpty ? 0 : entries[^1].Index.Value, headers);
        bytes[(meta + JournalFormat.TrailerSize)..].Clear();
    }

    private EntryRecord NewRecord(JournalEntry entry, int metaOffset, uint dataBlock)
    {
        var record = new EntryRecord
        {
            Header = entry.Header,
            PreviousChain = _knowsChain ? _chain : default,
            KnowsPreviousChain = _knowsChain,
            Batch = _head.Number,
            Segment = _head.Segment,
            BatchBlock = _head.Block,
            MetaOffset = metaOffset,
            MetaLength = BatchPlan.MetaLengthOf(entry),
            DataBlock = dataBlock,
            DataLength = entry.Data.Length,
            IsElided = entry.IsElided,
        };
        _chain = entry.Header.Chain;
        _knowsChain = true;
        return record;
    }

    private void AddData(ReadOnlySpan<JournalEntry> entries, int headBytes)
    {
        var start = 0; // Of the run of the buffer that is not among the pieces yet.
        var end = headBytes;
        var inPlace = 0;
        foreach (var entry in entries)
        {
            if (StaysInPlace(entry) && inPlace < JournalLimits.PiecesMax / 2)
            {
                inPlace++;
                if (end > start)
                {
                    _pieces.Add(new Payload(_buffer, start, end - start));
                }

                _pieces.Add(entry.Data);
                start = end;
                continue;
            }

            var target = _buffer.GetSpan().Slice(end, Padded(entry.Data.Length));
            entry.Data.Span.CopyTo(target);
            target[entry.Data.Length..].Clear();
            end += target.Length;
        }

        if (end > start)
        {
            _pieces.Add(new Payload(_buffer, start, end - start));
        }
    }
}
