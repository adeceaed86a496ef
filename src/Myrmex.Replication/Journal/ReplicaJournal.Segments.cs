using System;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>Segments: preparing, opening, closing, removing.</summary>
public sealed partial class ReplicaJournal
{
    private SpareSegment? _spare;

    /// <summary>
    /// Room for batches: what is left in the last segment and in those that may still be made. One segment of the
    /// maximum is kept back, so that cuts and repairs always find room.
    /// </summary>
    public JournalSpace Space
    {
        get
        {
            long perSegment = _options.SegmentBytes - (2 * JournalLimits.BlockBytes);
            var capacity = perSegment * (_options.SegmentsMax - 1);
            var free = perSegment * Math.Max(0, _options.SegmentsMax - 1 - _segments.Count);
            return new JournalSpace(capacity,
                Math.Min(capacity, free + (AppendRoomBlocks() * JournalLimits.BlockBytes)));
        }
    }

    /// <summary>Bytes the segments and their indexes take on the disk, with the spare one.</summary>
    public long DiskBytes
    {
        get
        {
            long bytes = _spare is null ? 0 : _options.SegmentBytes;
            foreach (var segment in _segments)
            {
                bytes += segment.Bytes + segment.IndexLength;
            }

            return bytes + (2 * JournalLimits.BlockBytes);
        }
    }

    /// <summary>
    /// Drops entries up to <paramref name="through"/>, which the checkpoint must cover (EINVAL), and the segments
    /// that have nothing else. They are removed from the oldest on, each durably before the next: a crash leaves a
    /// later start, never a gap.
    /// </summary>
    public Errno Compact(JournalIndex through)
    {
        if (through > State.Checkpoint || through > Last)
        {
            return Errno.EINVAL;
        }

        DropThrough(through.Value);
        while (_segments.Count > 1 && _segments[0].LiveMax <= through.Value)
        {
            var error = RemoveFirstSegment();
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Forgets all entries: the journal goes on after <paramref name="before"/>, which the main store holds (after a
    /// full catch-up). Durable when it returns Ok, and the checkpoint then is <paramref name="before"/>, so that may
    /// not be below the present one (EINVAL). It takes a segment; ENOSPC says that <see cref="Compact"/> must make
    /// room first.
    /// </summary>
    public Errno Reset(JournalIndex before, Term term, UInt128 chain)
    {
        if (Failure != Errno.Ok)
        {
            return Failure;
        }

        if (before < State.Checkpoint)
        {
            return Errno.EINVAL;
        }

        _isTailClosed = true;
        var head = NewHead() with
        {
            LastBefore = before.Value,
            PreviousTerm = term.Value,
            PreviousChain = chain,
            IsFresh = true,
            KnowsPreviousChain = true,
        };
        var error = OpenSegment(head);
        if (error != Errno.Ok)
        {
            return error;
        }

        _table.Reset(before.Value);
        (_baseTerm, _baseChain, _knowsBaseChain) = (term.Value, chain, true);
        error = SaveState(state => state with { Checkpoint = before });
        while (error == Errno.Ok && _segments.Count > 1)
        {
            error = RemoveFirstSegment();
        }

        return error;
    }

    /// <summary>
    /// Prepares the next segment, at most <paramref name="budgetBytes"/> at a time. Without it the append that needs
    /// a new segment waits until all of it is zeroed.
    /// </summary>
    /// <returns>True while there is more to do.</returns>
    public bool Maintain(int budgetBytes)
    {
        if (Failure != Errno.Ok || _segments.Count >= _options.SegmentsMax - 1)
        {
            return false;
        }

        if (_spare is null)
        {
            if (_segments[^1].RoomBytes > _segments[^1].Bytes / 2 && !_isTailClosed)
            {
                return false;
            }

            _ = SpareSegment.Create(_disk, _options, _nextSegment, !_segments[^1].IsBulk, out _spare);
        }

        if (_spare is { IsReady: false })
        {
            var before = _spare.ZeroedBytes;
            var error = _spare.Step(budgetBytes);
            Metrics.ZeroedBytes += _spare.ZeroedBytes - before;
            if (error != Errno.Ok)
            {
                DropSpare();
            }
        }

        return _spare is { IsReady: false };
    }

    private static Errno MakeSegment(IDisk disk, JournalOptions options, SegmentHead head, UInt128 incarnation)
    {
        var error = SpareSegment.Create(disk, options, head.Number, isZeroed: true, out var spare);
        if (error != Errno.Ok)
        {
            return error;
        }

        error = spare!.Step(int.MaxValue); // Created above.
        if (error == Errno.Ok)
        {
            error = spare.Become(head, incarnation);
        }

        spare.Dispose();
        return error;
    }

    private void DropThrough(ulong through)
    {
        if (through <= _table.Base)
        {
            return;
        }

        var isKnown = TryGetHeader(new JournalIndex(through), out var header);
        (_baseTerm, _baseChain, _knowsBaseChain) = (header.Term.Value, header.Chain, isKnown);
        if (!isKnown && _table.Contains(through + 1)
            && _table[through + 1] is { HasHeader: true, KnowsPreviousChain: true } next)
        {
            (_baseTerm, _baseChain, _knowsBaseChain) = (0, next.PreviousChain, true);
        }

        _table.DropThrough(through);
    }

    private SegmentHead NewHead()
    {
        var isKnown = TryGetHeader(Last, out var last);
        return new SegmentHead(
            _nextSegment, _nextBatch, Last.Value, last.Term.Value, last.Chain, _cuts, _options.SegmentBytes,
                IsFresh: false, isKnown);
    }

    private Errno OpenNextSegment(bool isReserved) =>
        _segments.Count >= _options.SegmentsMax - (isReserved ? 0 : 1) ? Errno.ENOSPC : OpenSegment(NewHead());

    private Errno OpenSegment(SegmentHead head)
    {
        if (_segments.Count >= _options.SegmentsMax)
        {
            return Errno.ENOSPC;
        }

        var isZeroed = _segments.Count == 0 || !_segments[^1].IsBulk;
        var error = _spare is null
            ? SpareSegment.Create(_disk, _options, _nextSegment, isZeroed, out _spare) : Errno.Ok;
        if (error == Errno.Ok && !_spare!.IsReady) // Made above.
        {
            var before = _spare.ZeroedBytes;
            error = _spare.Step(int.MaxValue);
            Metrics.ZeroedBytes += _spare.ZeroedBytes - before;
        }

        if (error != Errno.Ok)
        {
            DropSpare(); // Nothing has its name yet, and the segment in use is as before.
            return error;
        }

        // From here on a crash may leave the new head, and batches that the old segment got after it would not count.
        _isTailClosed = true;
        _nextSegment++;
        error = _spare!.Become(head, _superblock.State.Incarnation);
        Metrics.WrittenBytes += 2 * JournalLimits.BlockBytes;
        if (error != Errno.Ok)
        {
            _spare.Dispose();
            _spare = null;
            _ = _disk.Unlink(Segment.PathOf(_options.Path, Segment.Prefix, head.Number));
            return error;
        }

        if (_segments.Count > 0)
        {
            Metrics.WrittenBytes += _segments[^1].CloseIndex();
        }

        _segments.Add(new Segment(_disk, _options.Path, head.Number, _spare.Take(), head.Bytes) { Head = head });
        _spare = null;
        _isTailClosed = false;
        Metrics.SegmentsOpened++;
        return Errno.Ok;
    }

    private Errno RemoveFirstSegment()
    {
        var segment = _segments[0];
        var error = _disk.Unlink(segment.IndexPath);
        if (error is not (Errno.Ok or Errno.ENOENT))
        {
            return error;
        }

        if (_spare is null && _options.SparesMax > 0 && !segment.MayBeCloned && segment.Bytes == _options.SegmentBytes)
        {
            error = SpareSegment.Recycle(_disk, _options, segment, out _spare);
            Metrics.SegmentsRecycled += error == Errno.Ok ? 1 : 0;
        }
        else
        {
            error = _disk.Unlink(segment.Path);
            segment.Dispose();
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        _segments.RemoveAt(0);
        return _disk.SyncDirectory(_options.Path);
    }

    private void DropSpare()
    {
        if (_spare is not null)
        {
            _spare.Dispose();
            _ = _disk.Unlink(_spare.Path);
            _spare = null;
        }
    }
}
