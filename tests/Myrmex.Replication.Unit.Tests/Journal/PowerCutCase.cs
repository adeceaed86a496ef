using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Replication.Unit.Tests.Journal;

/// <summary>
/// A random sequence of operations on a journal beside a model of what must be there, with the power cut in the middle of a call.
/// After each start: what was acknowledged is there byte for byte, what was cut is not, nothing is called faulty, what was
/// under way has happened or not, and the journal works on. The same seed and cut give the same run. Throws what it finds.
/// </summary>
internal sealed class PowerCutCase
{
    public const int Block = 4096;

    private readonly SimRandom _random;
    private readonly SimDisk _disk;
    private readonly List<Sample> _entries = []; // What must be there; the first one has index _before + 1.
    private readonly List<Sample> _flying = []; // What may be there besides: a batch under way.
    private readonly HashSet<UInt128> _cutChains = [];
    private ulong _before;
    private ulong _cutUnderWay; // A cut that may have happened; 0 none.
    private (ulong Before, UInt128 Chain)? _resetUnderWay;
    private SuperblockState _state;
    private SuperblockState? _stateUnderWay;
    private ReplicaJournal? _journal;
    private ulong _term = 1;
    private ulong _number;

    public PowerCutCase(ulong seed)
    {
        _random = new SimRandom(seed);
        _disk = new SimDisk(_random.Fork());
        _state = new SuperblockState { Incarnation = new UInt128(seed, 77) };
        Options = new JournalOptions
        {
            Path = "/j",
            SegmentBytes = (8 + _random.Below(12)) * Block,
            SegmentsMax = 4 + _random.Below(5),
            SparesMax = _random.Below(2),
            IsDirect = _random.Chance(0.5),
            SegmentsReserved = (int)(seed % 4),
        };
    }

    public JournalOptions Options { get; }

    public int Restarts { get; private set; }

    public int Appends { get; private set; }

    public int CutsRefused { get; private set; }

    public int Torn { get; private set; }

    /// <summary>Calls to the disk that change something, of a run that is not cut.</summary>
    public static long CountChanges(ulong seed, int operations)
    {
        var test = new PowerCutCase(seed);
        test.Run(operations, long.MaxValue);
        return test._disk.ChangeCount;
    }

    /// <summary>Runs the sequence with the power cut at the given call, then once more at a random one, then to its end.</summary>
    public void Run(int operations, long cutAt)
    {
        using var turn = PayloadPool.Simulate(PayloadPool.ForSimulation()); // Who is ended by a power cut gives nothing back.
        Check(_disk.MakeDirectory("/j"), "mkdir");
        _disk.SyncDirectory("/");
        _disk.CutPowerAt(cutAt);
        Go(operations);
        if (cutAt != long.MaxValue)
        {
            _disk.CutPowerAt(_disk.ChangeCount + 1 + _random.Below(40));
            Go(operations / 2);
            Go(operations / 2);
        }

        _journal?.Dispose();
    }

    private static void Check(bool good, string what)
    {
        if (!good)
        {
            throw new InvalidOperationException(what);
        }
    }

    private static void Check(Errno error, string what) => Check(error == Errno.Ok, $"{what}: {error}");

    private void Go(int operations)
    {
        try
        {
            Start();
            for (var i = 0; i < operations; i++)
            {
                Operate();
            }
        }
        catch (SimPowerCutException)
        {
            Crash(SimCrash.Power);
            // A start that is itself cut, again and again, must not harm either.
            for (var i = _random.Below(3); i > 0; i--)
            {
                _disk.CutPowerAt(_disk.ChangeCount + 1 + _random.Below(6));
                try
                {
                    Start();
                    Crash(SimCrash.Process);
                }
                catch (SimPowerCutException)
                {
                    Crash(SimCrash.Power);
                }
            }

            Start();
        }
    }

    private void Crash(SimCrash kind)
    {
        _journal?.Dispose();
        _journal = null;
        _disk.Crash(kind);
    }

    private void Start()
    {
        if (_journal is not null)
        {
            return;
        }

        var error = ReplicaJournal.Open(_disk, Options, out _journal, out var problem);
        if (error is Errno.ENOENT or Errno.EUCLEAN && Restarts == 0 && _entries.Count == 0 && _stateUnderWay is null)
        {
            // Formatted never or in part.
            Check(ReplicaJournal.Format(_disk, Options, _state), "format");
            error = ReplicaJournal.Open(_disk, Options, out _journal, out problem);
        }

        Check(error == Errno.Ok, $"open: {error} {problem}");
        Restarts++;
        Torn += _journal!.Report.TornBatches;
        CheckState();
        CheckEntries();
    }

    private void CheckState()
    {
        var now = _journal!.State;
        var isNew = _stateUnderWay is { } next && next.Promised == now.Promised && next.Checkpoint == now.Checkpoint;
        Check(isNew || (_state.Promised == now.Promised && _state.Checkpoint == now.Checkpoint),
            $"state went from {_state.Promised} {_state.Checkpoint} to {now.Promised} {now.Checkpoint}");
        _state = now;
        _stateUnderWay = null;
    }

    private void CheckEntries()
    {
        var journal = _journal!;
        Check(journal.Faults().Count == 0, $"faulty: {journal.Faults().FirstOrDefault()}");
        Check(!journal.Report.EndIsInDoubt && journal.Report.Holes == 0, $"report {journal.Report}");
        SettleReset(journal);
        var last = _before + (ulong)_entries.Count;
        var found = journal.Last.Value;
        var isCut = _cutUnderWay > 0 && found == _cutUnderWay - 1;
        Check(found == last || isCut || (_flying.Count > 0 && found == last + (ulong)_flying.Count),
            $"last is {found}, not {last} (+{_flying.Count} under way, cut {_cutUnderWay})");
        if (isCut)
        {
            Forget(_cutUnderWay);
        }
        else if (found > last)
        {
            _entries.AddRange(_flying);
        }
        else
        {
            _flying.ForEach(s => _cutChains.Add(s.Chain));
        }

        _flying.Clear();
        _cutUnderWay = 0;
        CheckContent(journal);
    }

    private void CheckContent(ReplicaJournal journal)
    {
        Check(journal.First.Value <= _state.Checkpoint.Value + 1, "compacted above the checkpoint");
        for (var i = Math.Max(journal.First.Value, _before + 1); i <= journal.Last.Value; i++)
        {
            var error = journal.Read(new JournalIndex(i), out var entry);
            Check(error == Errno.Ok, $"read {i}: {error}");
            _entries[(int)(i - _before - 1)].CheckAgainst(entry!);
            Check(!_cutChains.Contains(entry!.Header.Chain), $"entry {i} was cut and is back");
            entry.Data.Release();
        }
    }

    private void SettleReset(ReplicaJournal journal)
    {
        if (_resetUnderWay is { } reset)
        {
            if (journal.Last.Value == reset.Before && journal.First.Value == reset.Before + 1
                && journal.TryGetHeader(journal.Last, out var header) && header.Chain == reset.Chain)
            {
                ForgetAll(reset.Before);
            }

            _resetUnderWay = null;
        }
    }

    private void Forget(ulong from)
    {
        var at = (int)(from - _before - 1);
        _entries.Skip(at).ToList().ForEach(s => _cutChains.Add(s.Chain));
        _entries.RemoveRange(at, _entries.Count - at);
    }

    private void ForgetAll(ulong before)
    {
        _entries.ForEach(s => _cutChains.Add(s.Chain));
        _entries.Clear();
        _before = before;
    }

    private void Operate()
    {
        var journal = _journal!;
        switch (_random.Below(20))
        {
            case < 11:
                Append(journal);
                break;
            case 11 or 12:
                Cut(journal);
                break;
            case 13 or 14:
                Save(journal);
                break;
            case 15 or 16:
                CompactSome(journal);
                break;
            case 17:
                journal.FlushIndex();
                journal.Maintain(Block * (1 + _random.Below(30)));
                break;
            case 18:
                Restart(journal);
                break;
            default:
                Reset(journal);
                break;
        }
    }

    private void Append(ReplicaJournal journal)
    {
        var samples = new List<Sample>();
        if (_random.Chance(0.2))
        {
            _term++;
        }

        for (var i = 1 + _random.Below(4); i > 0; i--)
        {
            samples.Add(Sample.Make(_random, _term, journal.Last.Value + (ulong)samples.Count + 1, ++_number));
        }

        var entries = samples.Select(s => s.ToEntry()).ToArray();
        var left = entries.AsSpan();
        while (left.Length > 0)
        {
            // How many the journal takes is its choice, so all of them may be there; a batch is there wholly or not at all.
            _flying.Clear();
            var plan = samples.Skip(samples.Count - left.Length).ToList();
            _flying.AddRange(plan);
            Errno error;
            int taken;
            try
            {
                error = journal.Append(left, out taken);
            }
            catch (SimPowerCutException)
            {
                KeepWhatCanBe(plan);
                throw;
            }

            _flying.Clear();
            if (error == Errno.ENOSPC)
            {
                break;
            }

            Check(error, "append");
            Appends++;
            _entries.AddRange(plan.Take(taken));
            Check(journal.Last.Value == _before + (ulong)_entries.Count, "last after append");
            left = left[taken..];
        }

        foreach (var entry in entries)
        {
            entry.Data.Release();
        }
    }

    /// <summary>The batch under way had some first entries of those given: the start will show how many.</summary>
    private void KeepWhatCanBe(List<Sample> plan)
    {
        Crash(SimCrash.Power);
        Check(ReplicaJournal.Open(_disk, Options, out var journal, out var problem), problem);
        var more = (long)journal!.Last.Value - (long)_before - _entries.Count;
        Check(more >= 0 && more <= plan.Count, $"{more} entries more than acknowledged, {plan.Count} were under way");
        _flying.Clear();
        _flying.AddRange(plan.Take((int)more));
        journal.Dispose();
    }

    private void Cut(ReplicaJournal journal)
    {
        var lowest = Math.Max(_state.Checkpoint.Value + 1, journal.First.Value);
        if (lowest > journal.Last.Value)
        {
            return;
        }

        var from = lowest + (ulong)_random.Below((int)(journal.Last.Value - lowest + 1));
        _cutUnderWay = from;
        var error = journal.CutFrom(new JournalIndex(from));
        _cutUnderWay = 0;
        if (error == Errno.ENOSPC && ++CutsRefused < 3)
        {
            return; // Six blocks are kept back for cuts, and there were more.
        }

        Check(error, "cut");
        Forget(from);
        _term++;
    }

    private void Save(ReplicaJournal journal)
    {
        var room = (int)(journal.Last.Value - _state.Checkpoint.Value) + 1;
        _stateUnderWay = _state with
        {
            Promised = new Term(_state.Promised.Value + (ulong)_random.Below(2)),
            Checkpoint = new JournalIndex(_state.Checkpoint.Value + (ulong)_random.Below(room)),
        };
        var next = _stateUnderWay;
        Check(journal.SaveState(s => s with { Promised = next.Promised, Checkpoint = next.Checkpoint }), "save");
        (_state, _stateUnderWay) = (next, null);
    }

    private void CompactSome(ReplicaJournal journal)
    {
        Check(journal.Compact(_state.Checkpoint), "compact");
        Check(journal.DiskBytes <= Options.BytesMax, "more bytes than allowed");
    }

    private void Restart(ReplicaJournal journal)
    {
        if (_random.Chance(0.5))
        {
            Check(journal.Close(), "close");
        }

        Crash(SimCrash.Process);
        Start();
    }

    private void Reset(ReplicaJournal journal)
    {
        if (_random.Chance(0.7))
        {
            return;
        }

        var before = _state.Checkpoint.Value + (ulong)_random.Below(20);
        var chain = new UInt128(9, ++_number);
        _resetUnderWay = (before, chain);
        _stateUnderWay = _state with { Checkpoint = new JournalIndex(before) };
        var error = journal.Reset(new JournalIndex(before), new Term(_term), chain);
        _resetUnderWay = null;
        if (error == Errno.ENOSPC)
        {
            _stateUnderWay = null;
            return;
        }

        Check(error, "reset");
        (_state, _stateUnderWay) = (_stateUnderWay, null);
        ForgetAll(before);
    }
}

/// <summary>An entry as a test remembers it.</summary>
internal sealed record Sample(EntryHeader Header, byte[] Meta, byte[] Data)
{
    public UInt128 Chain => Header.Chain;

    public static Sample Make(SimRandom random, ulong term, ulong index, ulong number, int? dataLength = null)
    {
        var meta = new byte[random.Below(random.Chance(0.1) ? 5000 : 200)];
        var data = new byte[dataLength ?? (random.Chance(0.4) ? 0 : random.Chance(0.5) ? 4096 : random.Below(9000))];
        random.Fill(meta);
        random.Fill(data);
        return new Sample(
            new EntryHeader(
                new Term(term), new JournalIndex(index), new UInt128(number, random.Next()), EntryKind.Operation,
                new UInt128(1, number), number, (uint)number),
            meta, data);
    }

    public JournalEntry ToEntry() => new(Header, Meta, Data.Length == 0 ? default : Payload.CopyOf(Data));

    public void CheckAgainst(JournalEntry entry)
    {
        if (entry.Header != Header || !entry.Meta.Span.SequenceEqual(Meta) || !entry.Data.Span.SequenceEqual(Data))
        {
            throw new InvalidOperationException($"entry {Header.Index} is not what was written: {entry.Header}");
        }
    }
}
