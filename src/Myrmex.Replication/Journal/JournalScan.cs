using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>
/// Finds what a journal holds. Walks all batches in the order of their numbers; a batch is applied when it is known
/// whether another one came after it, because only the last one can be torn.
/// </summary>
internal sealed partial class JournalScan(IDisk disk, JournalOptions options, SuperblockState state) : IDisposable
{
    private readonly uint _seed = JournalFormat.SeedOf(state.Incarnation);
    private readonly Dictionary<ulong, List<EntryRecord>> _indexes = [];
    private ulong _expected; // Number of the next batch; 0 before the first head was seen.
    private long _batches;
    private int _tornBatches;
    private int _holes;
    private int _headersFromIndex;
    private bool _endIsInDoubt;

    public List<Segment> Segments { get; } = [];

    /// <summary>Numbers of the spare files.</summary>
    public List<ulong> Spares { get; } = [];

    public EntryTable Table { get; } = new();

    public ulong NextBatch => _expected;

    public ulong NextSegment { get; private set; } = 1;

    public CutHistory Cuts { get; private set; } = CutHistory.None;

    public ulong BaseTerm { get; private set; }

    public UInt128 BaseChain { get; private set; }

    public bool KnowsBaseChain { get; private set; }

    /// <summary>The first segment was opened by a format or a reset: nothing is missing before it.</summary>
    public bool StartsFresh { get; private set; }

    public bool IsTailClosed { get; private set; }

    public string Problem { get; private set; } = string.Empty;

    public JournalReport Report { get; private set; } = new();

    public Errno Run()
    {
        var error = OpenSegments();
        if (error == Errno.Ok)
        {
            error = DropWhatDoesNotCount();
        }

        if (error == Errno.Ok)
        {
            error = Walk();
        }

        if (error == Errno.Ok)
        {
            error = ApplyEvidenceOfTheEnd();
        }

        if (error == Errno.Ok)
        {
            error = AddMissingFront();
        }

        return error != Errno.Ok ? error : Finish();
    }

    public void Dispose()
    {
        _heads?.Dispose();
        foreach (var segment in Segments)
        {
            segment.Dispose();
        }
    }

    private Errno Refuse(string problem)
    {
        Problem = $"the journal in {options.Path} is damaged beyond what its checks explain: {problem}";
        return Errno.EUCLEAN;
    }

    private Errno Fail(Errno error, string what)
    {
        Problem = $"the journal in {options.Path} cannot be read: {what}: {error}";
        return error;
    }

    private Errno OpenSegments()
    {
        var names = new List<string>();
        var error = disk.List(options.Path, names);
        if (error != Errno.Ok)
        {
            return Fail(error, "its directory");
        }

        foreach (var name in names)
        {
            if (Segment.TryParse(name, Segment.SparePrefix, out var spare))
            {
                Spares.Add(spare);
            }
            else if (Segment.TryParse(name, Segment.Prefix, out var number))
            {
                if (number == ulong.MaxValue || Segments.Count == JournalLimits.SegmentsMax)
                {
                    return Refuse("more segments than a journal has");
                }

                error = OpenSegment(number);
                if (error != Errno.Ok)
                {
                    return error;
                }
            }
        }

        return Segments.Count == 0 ? Refuse("there is no segment") : Errno.Ok;
    }

    private Errno OpenSegment(ulong number)
    {
        var path = Segment.PathOf(options.Path, Segment.Prefix, number);
        var how = DiskOpen.Read | DiskOpen.Write | (options.IsDirect ? DiskOpen.Direct : 0);
        var error = disk.Open(path, how, out var file);
        if (error != Errno.Ok)
        {
            return Fail(error, path);
        }

        error = file!.GetLength(out var length); // Opened above.
        if (error != Errno.Ok)
        {
            file.Dispose();
            return Fail(error, path);
        }

        length = Math.Min(length, JournalLimits.SegmentBytesMax) / JournalLimits.BlockBytes * JournalLimits.BlockBytes;
        var segment = new Segment(disk, options.Path, number, file, length);
        Segments.Add(segment);
        NextSegment = number + 1;
        uint other = 0;
        using var reader = new SegmentReader(file, length);
        foreach (var block in (ReadOnlySpan<long>)[0, (length / JournalLimits.BlockBytes) - 1])
        {
            if (segment.Head is null && reader.TryGet(block, 1, out var bytes))
            {
                segment.Head = JournalFormat.ReadSegment(bytes, state.Incarnation, number, length, out other);
            }

            if (other > 0)
            {
                Problem = other > JournalFormat.Version
                    ? $"{path} has format {other}; this release reads format {JournalFormat.Version}"
                    : $"{path} has format {other} of an earlier release; this release reads format "
                        + $"{JournalFormat.Version} only. Replace the brick: the new one is copied from the others";
                return Errno.EINVAL;
            }
        }

        return Errno.Ok;
    }

    /// <summary>Segments before one that begins anew, and a last one that was made but never opened.</summary>
    private Errno DropWhatDoesNotCount()
    {
        var fresh = Segments.FindLastIndex(s => s.Head is { IsFresh: true });
        StartsFresh = fresh >= 0;
        for (; fresh > 0; fresh--)
        {
            if (Drop(0) is not Errno.Ok and var error)
            {
                return error;
            }
        }

        while (Segments.Count > 1 && Segments[^1].Head is null && IsEmpty(Segments[^1]))
        {
            if (Drop(Segments.Count - 1) is not Errno.Ok and var error)
            {
                return error;
            }
        }

        StartsFresh &= Segments[0].Head is { IsFresh: true };
        return Errno.Ok;
    }

    private Errno Drop(int at)
    {
        var segment = Segments[at];
        Segments.RemoveAt(at);
        segment.Dispose();
        _ = disk.Unlink(segment.IndexPath);
        var error = disk.Unlink(segment.Path);
        error = error != Errno.Ok ? error : disk.SyncDirectory(options.Path);
        return error != Errno.Ok ? Fail(error, segment.Path) : Errno.Ok;
    }

    private bool IsEmpty(Segment segment)
    {
        using var reader = new SegmentReader(segment.File, segment.Bytes);
        return !Find(reader, segment, 1, 0, ulong.MaxValue, out _) && !reader.HadErrors;
    }

    /// <summary>
    /// The batch that starts at <paramref name="from"/> if it has the expected number; else the next one after it
    /// with a higher number: what is between is lost. Any number will do when 0 is expected.
    /// </summary>
    private bool Find(SegmentReader reader, Segment segment, long from, ulong expected, ulong limit, out BatchHead head)
    {
        head = default;
        for (var block = from; block < segment.EndBlock; block++)
        {
            if (!reader.TryGet(block, 1, out var bytes)
                || !JournalFormat.TryReadBatch(bytes, state.Incarnation, segment.Number, block, segment.Bytes, out head)
                || head.Number >= limit)
            {
                continue;
            }

            if (head.Number > expected || (head.Number == expected && block == from))
            {
                return true;
            }
        }

        return false;
    }

    private Errno Walk()
    {
        Pending? pending = null;
        for (var i = 0; i < Segments.Count; i++)
        {
            var segment = Segments[i];
            if (segment.Head is { } head)
            {
                var error = _expected == 0 ? Start(head) : EnterSegment(head, ref pending);
                if (error != Errno.Ok)
                {
                    return error;
                }
            }

            var next = Segments.Find(s => s.Number > segment.Number && s.Head is not null)?.Head;
            var result = WalkSegment(segment, next?.FirstBatch ?? ulong.MaxValue, ref pending);
            if (result != Errno.Ok)
            {
                return result;
            }
        }

        if (_expected == 0)
        {
            return Refuse("no segment has a head");
        }

        return pending is null ? Errno.Ok : Apply(pending, isProven: HasEvidence(pending), isLast: true);
    }

    private Errno Start(SegmentHead head)
    {
        _expected = head.FirstBatch;
        Table.Reset(head.LastBefore);
        Cuts = head.Cuts;
        SetBase(head.PreviousTerm, head.PreviousChain, head.KnowsPreviousChain);
        return Errno.Ok;
    }

    /// <summary>A segment is opened when the batches before it are durable.</summary>
    private Errno EnterSegment(SegmentHead head, ref Pending? pending)
    {
        var error = pending is null ? Errno.Ok : Apply(pending, isProven: true, isLast: false);
        pending = null;
        if (error != Errno.Ok || head.FirstBatch <= _expected)
        {
            return error;
        }

        return Hole(head.FirstBatch, head.LastBefore, head.Cuts);
    }

    private Errno WalkSegment(Segment segment, ulong limit, ref Pending? pending)
    {
        using var reader = new SegmentReader(segment.File, segment.Bytes);
        var position = 1L;
        while (Find(reader, segment, position, _expected, limit, out var head))
        {
            reader.HadErrors = false;
            if (_expected == 0)
            {
                // Both heads of the oldest segment are lost; its first good batch says as much.
                Table.Reset(head.LastBefore);
                Cuts = head.Cuts;
                SetBase(head.PreviousTerm, head.PreviousChain, head.Kind == BatchKind.Append
                    && head.KnowsPreviousChain);
            }

            var error = pending is null ? Errno.Ok : Apply(pending, isProven: true, isLast: false);
            pending = null;
            if (error == Errno.Ok && _expected != 0 && head.Number > _expected)
            {
                error = Hole(head.Number, head.LastBefore, head.Cuts);
            }

            if (error != Errno.Ok)
            {
                return error;
            }

            pending = new Pending(segment, head);
            _expected = head.Number + 1;
            position = (long)head.Block + head.Blocks;
            segment.Next = (uint)position;
        }

        // What could not be read behind the last batch may have been a batch.
        _endIsInDoubt |= reader.HadErrors && ReferenceEquals(segment, Segments[^1]);
        return Errno.Ok;
    }

    private void SetBase(ulong term, UInt128 chain, bool isKnown) =>
        (BaseTerm, BaseChain, KnowsBaseChain) = (term, chain, isKnown);

    /// <summary>Whether something says that the last batch was complete once.</summary>
    private bool HasEvidence(Pending pending) =>
        state.DurableBatch >= pending.Head.Number || LastBatchInIndex(pending.Segment) >= pending.Head.Number;

    /// <summary>Makes sure that what was found is on the disk, and says where to go on.</summary>
    private Errno Finish()
    {
        _heads?.Dispose();
        _heads = null;
        var last = Segments[^1];
        IsTailClosed |= _endIsInDoubt || last.Head is null;
        last.ContinueIndex(IndexLength(last));
        var error = _endIsInDoubt ? Errno.Ok : WriteLastBatchAgain(last);
        if (error != Errno.Ok)
        {
            return Fail(error, last.Path);
        }

        var faulty = 0;
        for (var i = Table.Base + 1; i <= Table.Last; i++)
        {
            faulty += Table[i].State == EntryState.Good ? 0 : 1;
        }

        Report = new JournalReport
        {
            Batches = _batches,
            TornBatches = _tornBatches,
            Holes = _holes,
            FaultyEntries = faulty,
            HeadersFromIndex = _headersFromIndex,
            EndIsInDoubt = _endIsInDoubt,
        };
        return Errno.Ok;
    }

    /// <summary>
    /// A process that died may have left its last batch in memory of the kernel, and a sync that failed may have left
    /// it there marked as written. Writing the same bytes again and syncing them makes "it is in the journal" true.
    /// </summary>
    private Errno WriteLastBatchAgain(Segment segment)
    {
        if (_rewrite is { } batch && ReferenceEquals(batch.Segment, segment) && !state.IsClean)
        {
            var offset = (long)batch.Head.Block * JournalLimits.BlockBytes;
            long left = (long)batch.Head.Blocks * JournalLimits.BlockBytes;
            var buffer = PayloadPool.Shared.Rent(JournalLimits.ChunkBytes);
            var error = Errno.Ok;
            while (error == Errno.Ok && left > 0)
            {
                var part = buffer.GetSpan()[..(int)Math.Min(left, JournalLimits.ChunkBytes)];
                error = segment.File.ReadFully(offset, part, out _);
                error = error != Errno.Ok ? error : segment.File.WriteFully(offset, part);
                offset += part.Length;
                left -= part.Length;
            }

            buffer.Release();
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return segment.File.Sync();
    }

    private sealed record Pending(Segment Segment, BatchHead Head);
}
