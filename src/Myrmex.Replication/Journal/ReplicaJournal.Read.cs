using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Replication.Journal;

/// <summary>Reading and scrubbing.</summary>
public sealed partial class ReplicaJournal
{
    private ulong _scrubNext;

    /// <summary>
    /// Reads an entry and checks all of it; <paramref name="entry"/> is the caller's, who releases its data. ENOENT
    /// not in the journal; EUCLEAN damaged (now, if it was not known before). An entry that the disk cannot read
    /// counts as damaged.
    /// </summary>
    public Errno Read(JournalIndex index, out JournalEntry? entry)
    {
        entry = null;
        if (!_table.Contains(index.Value))
        {
            return Errno.ENOENT;
        }

        ref var record = ref _table[index.Value];
        if (record.State != EntryState.Good)
        {
            return Errno.EUCLEAN;
        }

        record.State = SegmentReader.ReadEntry(FindSegment(record.Segment).File, record, out entry);
        Metrics.ReadBytes += record.MetaPartLength + record.DataLength;
        if (record.State != EntryState.Good)
        {
            Metrics.FaultsFound++;
            return Errno.EUCLEAN;
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Reads entries from <paramref name="from"/> on until the limits are met, at least one; added to
    /// <paramref name="entries"/>, whose owner releases their data. What stopped it before the limits is the result:
    /// Ok at the end of the journal, else as of <see cref="Read"/>; entries before the obstacle are added all the
    /// same.
    /// </summary>
    public Errno ReadRange(JournalIndex from, int countMax, long bytesMax, List<JournalEntry> entries)
    {
        if (from < First)
        {
            return Errno.ENOENT;
        }

        long bytes = 0;
        for (var i = 0; i < countMax && from.Value + (ulong)i <= Last.Value && bytes < bytesMax; i++)
        {
            var error = Read(new JournalIndex(from.Value + (ulong)i), out var entry);
            if (error != Errno.Ok)
            {
                return error;
            }

            entries.Add(entry!); // Read.
            bytes += entry!.Meta.Length + entry.Data.Length;
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Tells headers, meta parts and lengths of data of entries from <paramref name="from"/> on, in order, without
    /// reading the data. Ends before one that is damaged: false then.
    /// </summary>
    public bool ReadMeta(JournalIndex from, int count, List<EntryMeta> metas)
    {
        SegmentReader? reader = null;
        Segment? segment = null;
        var isWhole = from >= First;
        for (var i = from.Value; isWhole && i < from.Value + (ulong)count && i <= Last.Value; i++)
        {
            ref var record = ref _table[i];
            if (segment?.Number != record.Segment)
            {
                reader?.Dispose();
                segment = FindSegment(record.Segment);
                reader = new SegmentReader(segment.File, segment.Bytes, JournalLimits.MetaWindowBytes);
            }

            isWhole = record.State == EntryState.Good && ReadMeta(reader!, record, metas); // Made with its segment.
        }

        reader?.Dispose();
        return isWhole;
    }

    private bool ReadMeta(SegmentReader reader, in EntryRecord record, List<EntryMeta> metas)
    {
        var block = record.BatchBlock + (record.MetaOffset / JournalLimits.BlockBytes);
        var skipped = record.MetaOffset % JournalLimits.BlockBytes;
        if (!reader.TryGet(block, JournalFormat.BlocksOf(skipped + record.MetaPartLength), out var bytes)
            || Crc32C.Of(bytes.Slice(skipped, record.MetaPartLength)) != record.MetaChecksum)
        {
            return false; // Who reads all of the entry will find that out, too.
        }

        var meta = bytes.Slice(skipped + record.ChecksumsLength, record.MetaLength);
        var elided = record.IsElided ? ElidedData.Decode(meta) : null;
        metas.Add(new EntryMeta(
            record.Header, meta[(elided?.Encoded.Length ?? 0)..].ToArray(), elided?.Length ?? record.DataLength,
            record.IsElided));
        Metrics.ReadBytes += record.MetaPartLength;
        return !record.IsElided || elided is not null;
    }

    /// <summary>
    /// Where the data of an entry is, to be cloned; false when it has none or is damaged. The bytes stay there until
    /// the entry is compacted. Call <see cref="MarkCloned"/> before cloning.
    /// </summary>
    public bool TryGetDataExtent(JournalIndex index, out JournalExtent extent)
    {
        extent = default;
        if (!_table.Contains(index.Value)
            || _table[index.Value] is not { State: EntryState.Good, DataLength: > 0, IsElided: false } record)
        {
            return false;
        }

        extent = new JournalExtent(
            FindSegment(record.Segment).Path, record.Segment, (long)record.DataBlock * JournalLimits.BlockBytes,
                record.DataLength);
        return true;
    }

    /// <summary>Other files share blocks of a segment: it will be removed instead of used again.</summary>
    public void MarkCloned(ulong segment) => FindSegment(segment).MayBeCloned = true;

    /// <summary>
    /// Reads entries of closed segments, about <paramref name="budgetBytes"/>, where the last call ended, and marks
    /// what is damaged. The caller sets the pace; see <see cref="JournalScrub"/>.
    /// </summary>
    public ScrubReport Scrub(long budgetBytes)
    {
        var faults = new List<FaultyEntry>();
        long bytes = 0;
        var count = 0;
        var i = Math.Max(_scrubNext, First.Value);
        for (; i <= Last.Value && bytes < budgetBytes; i++)
        {
            ref var record = ref _table[i];
            if (record.State != EntryState.Good || record.Segment == _segments[^1].Number)
            {
                continue;
            }

            var error = Read(new JournalIndex(i), out var entry);
            entry?.Data.Release();
            bytes += record.MetaPartLength + record.DataLength + JournalFormat.EntrySize;
            count++;
            if (error != Errno.Ok && faults.Count < JournalLimits.FaultsListedMax)
            {
                faults.Add(FaultOf(i, record));
            }
        }

        var isComplete = i > Last.Value;
        _scrubNext = isComplete ? 0 : i;
        return new ScrubReport(bytes, count, faults, isComplete);
    }

    private Segment FindSegment(ulong number)
    {
        foreach (var segment in _segments)
        {
            if (segment.Number == number)
            {
                return segment;
            }
        }

        throw new InvariantException("an entry is in a segment that is not there");
    }
}
