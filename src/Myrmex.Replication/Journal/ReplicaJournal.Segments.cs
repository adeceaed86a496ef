using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>Segments: preparing, opening, closing, removing.</summary>
public sealed partial class ReplicaJournal
{
    private readonly List<SpareSegment> _spares = []; // The first one is the next to be used.
    private ulong _nextSpare = 1; // Of the name of a file.
    private int _growth; // Segments that may be made beyond those there are, as of the last look at the disk.
    private int _looks;

    /// <summary>
    /// Room for batches: what is left in the last segment, in spare ones, and in those that may still be made. One
    /// segment is kept back, so that cuts and repairs always find room.
    /// </summary>
    public JournalSpace Space
    {
        get
        {
            long perSegment = _options.SegmentBytes - (2 * JournalLimits.BlockBytes);
            var capacity = perSegment * (SegmentsNow - 1);
            var free = perSegment * Math.Max(0, SegmentsNow - 1 - _segments.Count);
            return new JournalSpace(capacity,
                Math.Min(capacity, free + (AppendRoomBlocks() * JournalLimits.BlockBytes)));
        }
    }

    /// <summary>Bytes the segments and their indexes take on the disk, with the spare ones.</summary>
    public long DiskBytes
    {
        get
        {
            var bytes = (long)_spares.Count * _options.SegmentBytes;
            foreach (var segment in _segments)
            {
                bytes += segment.Bytes + segment.IndexLength;
            }

            return bytes + (2 * JournalLimits.BlockBytes);
        }
    }

    /// <summary>Segments there can be at once, as far as the disk has room for them.</summary>
    private int SegmentsNow => Math.Min(_options.SegmentsMax, Allocated + _growth);

    private int Allocated => _segments.Count + _spares.Count;

    /// <summary>
    /// Files may share blocks of the segment in use. Such a segment is lost to the journal, so there must be room for
    /// others in the place of all of them: on a disk that is nearly full, segments keep their blocks.
    /// </summary>
    private bool MayShare
    {
        get
        {
            var shared = 1;
            foreach (var segment in _segments)
            {
                shared += segment.MayBeCloned ? 1 : 0;
            }

            return _growth > shared;
        }
    }

    /// <summary>
    /// Gives the blocks of a spare segment back to a full disk, as long as the journal can go on without; false when it
    /// cannot.
    /// </summary>
    public bool ReleaseSpare()
    {
        if (_spares.Count < 2)
        {
            return false;
        }

        DropSpare(_spares.Count - 1);
        _growth = 0; // Until the next look.
        return true;
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

        if (Sync() is not Errno.Ok and var failure)
        {
            return failure;
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
        if (Failure != Errno.Ok)
        {
            return false;
        }

        if (++_looks >= JournalLimits.LooksPerDiskLook)
        {
            LookAtDisk();
            Reserve();
        }

        if (_segments.Count >= SegmentsNow - 1 || (_segments[^1].RoomBytes > _segments[^1].Bytes / 2 && !_isTailClosed))
        {
            return false;
        }

        if (_spares.Count == 0)
        {
            _ = AddSpare();
        }

        if (_spares.Count > 0 && !_spares[0].IsReady && Zero(_spares[0], budgetBytes) != Errno.Ok)
        {
            DropSpare(0);
        }

        return _spares.Count > 0 && !_spares[0].IsReady;
    }

    /// <summary>The spare files that were found, and what is missing of those there shall be.</summary>
    private void TakeSpares(List<ulong> found)
    {
        foreach (var number in found)
        {
            _nextSpare = Math.Max(_nextSpare, number + 1);
            if (Allocated < _options.SegmentsMax && _spares.Count < SparesKept
                && SpareSegment.Adopt(_disk, _options, number) is { } spare)
            {
                _spares.Add(spare);
            }
            else
            {
                _ = _disk.Unlink(Segment.PathOf(_options.Path, Segment.SparePrefix, number));
            }
        }

        LookAtDisk();
        Reserve();
    }

    /// <summary>Spare segments that are worth keeping.</summary>
    private int SparesKept => Math.Max(_options.SparesMax, _options.SegmentsReserved - _segments.Count);

    private void Reserve()
    {
        while (Allocated < _options.SegmentsReserved && AddSpare() == Errno.Ok)
        {
        }
    }

    private void LookAtDisk()
    {
        _looks = 0;
        _growth = _options.SegmentsMax;
        if (_options.DiskFreeMin > 0 && _disk.GetSpace(_options.Path, out var space) == Errno.Ok)
        {
            var each = _options.SegmentBytes + _options.IndexBytesMax;
            _growth = (int)Math.Clamp((space.FreeBytes - _options.DiskFreeMin) / each, 0, _options.SegmentsMax);
        }
    }

    /// <summary>
    /// A new spare segment with its blocks. Those that are reserved may take the last of the disk.
    /// </summary>
    private Errno AddSpare()
    {
        if (_growth == 0 && Allocated >= _options.SegmentsReserved)
        {
            return Errno.ENOSPC;
        }

        var isZeroed = _segments.Count == 0 || !_segments[^1].IsBulk;
        var error = SpareSegment.Create(_disk, _options, _nextSpare, isZeroed, out var spare);
        if (error == Errno.Ok)
        {
            _nextSpare++;
            _growth = Math.Max(0, _growth - (_options.DiskFreeMin > 0 ? 1 : 0));
            _spares.Add(spare!); // Created above.
        }
        else if (error is Errno.ENOSPC or Errno.EDQUOT)
        {
            _growth = _options.DiskFreeMin > 0 ? 0 : _growth;
        }

        return error;
    }

    private Errno Zero(SpareSegment spare, int budgetBytes)
    {
        var before = spare.ZeroedBytes;
        var error = spare.Step(budgetBytes);
        Metrics.ZeroedBytes += spare.ZeroedBytes - before;
        return error;
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
        _segments.Count >= SegmentsNow - (isReserved ? 0 : 1) ? Errno.ENOSPC : OpenSegment(NewHead());

    private Errno OpenSegment(SegmentHead head)
    {
        if (_segments.Count >= _options.SegmentsMax)
        {
            return Errno.ENOSPC;
        }

        // A later segment proves what is before it.
        var error = Sync();
        if (error == Errno.Ok && _spares.Count == 0)
        {
            error = AddSpare();
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        var spare = _spares[0];
        error = spare.IsReady ? Errno.Ok : Zero(spare, int.MaxValue);
        if (error != Errno.Ok)
        {
            DropSpare(0); // Nothing has its name yet, and the segment in use is as before.
            return error;
        }

        // From here on a crash may leave the new head, and batches that the old segment got after it would not count.
        _isTailClosed = true;
        _nextSegment++;
        _spares.RemoveAt(0);
        error = spare.Become(head, _superblock.State.Incarnation);
        Metrics.WrittenBytes += 2 * JournalLimits.BlockBytes;
        if (error != Errno.Ok)
        {
            spare.Dispose();
            _ = _disk.Unlink(Segment.PathOf(_options.Path, Segment.Prefix, head.Number));
            return error;
        }

        if (_segments.Count > 0)
        {
            Metrics.WrittenBytes += _segments[^1].CloseIndex();
            _segments[^1].ReleaseCached();
        }

        _segments.Add(new Segment(_disk, _options.Path, head.Number, spare.Take(), head.Bytes) { Head = head });
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

        // One more is worth keeping than while this one counts.
        if (_spares.Count < Math.Max(_options.SparesMax, _options.SegmentsReserved - _segments.Count + 1)
            && !segment.MayBeCloned && segment.Bytes == _options.SegmentBytes)
        {
            error = SpareSegment.Recycle(_disk, _options, segment, _nextSpare, out var spare);
            if (error == Errno.Ok)
            {
                _nextSpare++;
                _spares.Add(spare!); // Taken above.
                Metrics.SegmentsRecycled++;
            }
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

    private void DropSpare(int at)
    {
        _spares[at].Dispose();
        _ = _disk.Unlink(_spares[at].Path);
        _spares.RemoveAt(at);
    }
}
