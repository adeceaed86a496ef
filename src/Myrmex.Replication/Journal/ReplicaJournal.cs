using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>
/// The journal of one replica on disk. Every call blocks until what it promises is durable (see <see cref="Append"/>
/// for what is not to be); one owner calls at a time
/// (see <see cref="JournalWriter"/>). README.md in this folder has the invariants.
/// </summary>
public sealed partial class ReplicaJournal : IDisposable
{
    private readonly IDisk _disk;
    private readonly JournalOptions _options;
    private readonly Superblock _superblock;
    private readonly uint _seed;
    private readonly List<Segment> _segments; // By number; the last one takes appends.
    private readonly EntryTable _table;
    private ulong _nextBatch;
    private ulong _nextSegment;
    private CutHistory _cuts;
    private ulong _baseTerm; // Of the entry before the first one.
    private UInt128 _baseChain;
    private bool _knowsBaseChain;
    private bool _isTailClosed; // The next batch goes to a new segment.

    private ReplicaJournal(IDisk disk, JournalOptions options, Superblock superblock, JournalScan scan)
    {
        _disk = disk;
        _options = options;
        _superblock = superblock;
        _seed = JournalFormat.SeedOf(superblock.State.Incarnation);
        _segments = scan.Segments;
        _table = scan.Table;
        _nextBatch = scan.NextBatch;
        _nextSegment = scan.NextSegment;
        _cuts = scan.Cuts;
        _baseTerm = scan.BaseTerm;
        _baseChain = scan.BaseChain;
        _knowsBaseChain = scan.KnowsBaseChain;
        _isTailClosed = scan.IsTailClosed;
        Report = scan.Report with { SuperblockRepaired = superblock.IsRepaired, WasClean = superblock.State.IsClean };
    }

    /// <summary>What the start found.</summary>
    public JournalReport Report { get; }

    public JournalMetrics Metrics { get; } = new();

    /// <summary>What is remembered for ever; <see cref="SaveState"/> changes it.</summary>
    public SuperblockState State => _superblock.State;

    /// <summary>The first entry that can be read.</summary>
    public JournalIndex First => new(_table.Base + 1);

    /// <summary>The last entry; see <see cref="Durable"/>.</summary>
    public JournalIndex Last => new(_table.Last);

    /// <summary>
    /// Not Ok after a write or sync of a segment failed. Nobody knows what of the last batch is on the disk; it was
    /// not acknowledged and never will be. Reading goes on; appending only after <see cref="Reopen"/>.
    /// </summary>
    public Errno Failure { get; private set; }

    /// <summary>Makes a new, empty journal whose first entry will be the one after <paramref name="before"/>.</summary>
    /// <param name="disk">Where.</param>
    /// <param name="options">The directory is made when it is not there; it must not hold a journal (EEXIST).</param>
    /// <param name="state">Everything remembered from the start; the incarnation must be new and random.</param>
    /// <param name="before">The entry the journal begins after: none, or what the main store holds already.</param>
    /// <param name="term">Its term.</param>
    /// <param name="chain">Its chain.</param>
    public static Errno Format(
        IDisk disk, JournalOptions options, SuperblockState state, JournalIndex before = default, Term term = default,
        UInt128 chain = default)
    {
        options.Check();
        var error = disk.MakeDirectory(options.Path);
        if (error is not (Errno.Ok or Errno.EEXIST))
        {
            return error;
        }

        error = Superblock.Load(disk, options.Path, out _, out _);
        if (error == Errno.Ok)
        {
            return Errno.EEXIST;
        }

        if (error is not (Errno.ENOENT or Errno.EUCLEAN))
        {
            return error;
        }

        // The superblock comes last: a format that the power cut leaves a directory without a journal, to be
        // formatted again.
        error = RemoveAll(disk, options.Path);
        if (error != Errno.Ok)
        {
            return error;
        }

        var head = new SegmentHead(
            1, FirstBatch: 1, before.Value, term.Value, chain, CutHistory.None, options.SegmentBytes, IsFresh: true,
                KnowsPreviousChain: true);
        error = MakeSegment(disk, options, head, state.Incarnation);
        return error != Errno.Ok ? error
            : Superblock.Format(disk, options.Path, state with { Checkpoint = before, DurableFloor = before });
    }

    /// <summary>
    /// Opens a journal: reads the superblock, finds all entries, tells a torn end from damage (see <see
    /// cref="Report"/> and <see cref="Faults"/>), and makes sure that what it found is durable.
    /// </summary>
    /// <param name="disk">Where.</param>
    /// <param name="options">The same directory as at format.</param>
    /// <param name="journal">The caller's to dispose; null after an error.</param>
    /// <param name="problem">The error in words.</param>
    public static Errno Open(IDisk disk, JournalOptions options, out ReplicaJournal? journal, out string problem)
    {
        options.Check();
        journal = null;
        var error = Superblock.Load(disk, options.Path, out var superblock, out problem);
        if (error != Errno.Ok)
        {
            return error;
        }

        var scan = new JournalScan(disk, options, superblock!.State); // Loaded.
        error = scan.Run();
        problem = scan.Problem;
        if (error != Errno.Ok)
        {
            scan.Dispose();
            return error;
        }

        var opened = new ReplicaJournal(disk, options, superblock, scan);
        // A reset that the power cut between its segment and the superblock is finished here.
        var checkpoint = scan.StartsFresh && opened._table.Base > superblock.State.Checkpoint.Value
            ? new JournalIndex(opened._table.Base) : superblock.State.Checkpoint;
        error = opened.SaveState(
            state => state with
            {
                BootCount = state.BootCount + 1,
                IsClean = false,
                Checkpoint = checkpoint,
                FromMemory = state.FromMemory && !state.IsClean, // A close in good order has synced everything.
                StoreAhead = state is { IsClean: true, Status: MemberStatus.Voter } ? Term.None : state.StoreAhead,
            });
        if (error != Errno.Ok)
        {
            problem = $"the superblock in {options.Path} cannot be written: {error}";
            opened.Dispose();
            return error;
        }

        opened.TakeSpares(scan.Spares);
        journal = opened;
        return Errno.Ok;
    }

    /// <summary>
    /// Changes what is remembered for ever, durably before it returns. The journal adds its own part (durable floor,
    /// cuts). An error is final: the old state or the new one is on the disk.
    /// </summary>
    public Errno SaveState(Func<SuperblockState, SuperblockState> change)
    {
        var state = change(_superblock.State);
        Invariant.Check(state.Incarnation == _superblock.State.Incarnation);
        Invariant.Check(state.Checkpoint <= Last);
        if (state.Checkpoint > Durable && Sync() is not Errno.Ok and var failure)
        {
            return failure;
        }

        var before = _superblock.WrittenBytes;
        var error = _superblock.Save(state with
        {
            DurableFloor = Durable,
            DurableBatch = DurableBatch,
            Cuts = _cuts,
        });
        Metrics.WrittenBytes += _superblock.WrittenBytes - before;
        return error;
    }

    /// <summary>Writes the header index and marks the close as one in good order. Dispose it afterwards.</summary>
    public Errno Close()
    {
        _ = Sync(); // An end in good order is one of which nothing is lost: see Failure below.
        if (_segments.Count > 0)
        {
            Metrics.WrittenBytes += _segments[^1].CloseIndex();
        }

        return SaveState(state => state with { IsClean = Failure == Errno.Ok });
    }

    /// <summary>Closes the files, as a crash would.</summary>
    public void Dispose()
    {
        foreach (var segment in _segments)
        {
            segment.Dispose();
        }

        foreach (var spare in _spares)
        {
            spare.Dispose();
        }

        _spares.Clear();
    }

    /// <summary>
    /// The header of an entry, or of the one before the first; false when it is not there or not known.
    /// </summary>
    public bool TryGetHeader(JournalIndex index, out EntryHeader header)
    {
        header = default;
        if (index.Value == _table.Base && _knowsBaseChain)
        {
            header = new EntryHeader(new Term(_baseTerm), index, _baseChain, default, default, 0, 0);
            return true;
        }

        if (!_table.Contains(index.Value) || !_table[index.Value].HasHeader)
        {
            return false;
        }

        header = _table[index.Value].Header;
        return true;
    }

    /// <summary>The entries that are damaged, as far as known, from <paramref name="from"/> on.</summary>
    public IReadOnlyList<FaultyEntry> Faults(JournalIndex from = default)
    {
        var faults = new List<FaultyEntry>();
        for (var i = Math.Max(from.Value, First.Value); i <= Last.Value
            && faults.Count < JournalLimits.FaultsListedMax; i++)
        {
            ref var record = ref _table[i];
            if (record.State != EntryState.Good)
            {
                faults.Add(FaultOf(i, record));
            }
        }

        return faults;
    }

    private static FaultyEntry FaultOf(ulong index, in EntryRecord record) =>
        new(new JournalIndex(index), record.State, record.HasHeader ? record.Header : null);

    private static Errno RemoveAll(IDisk disk, string directory)
    {
        var names = new List<string>();
        var error = disk.List(directory, names);
        foreach (var name in names)
        {
            if (error == Errno.Ok && (Segment.TryParse(name, Segment.Prefix, out _)
                || Segment.TryParse(name, Segment.IndexPrefix, out _)
                || Segment.TryParse(name, Segment.SparePrefix, out _) || name is "super.a" or "super.b"))
            {
                error = disk.Unlink($"{directory}/{name}");
            }
        }

        return error != Errno.Ok ? error : disk.SyncDirectory(directory);
    }
}
