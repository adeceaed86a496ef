using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Journal;

/// <summary>A journal on a simulated disk, and the entries that were put into it.</summary>
internal sealed class JournalBed : IDisposable
{
    public const int Block = 4096;

    private readonly SimRandom _random = new(11);
    private ulong _number;

    public JournalBed(int blocks = 32, int segments = 6, bool format = true, ulong seed = 5)
    {
        Disk = new SimDisk(new SimRandom(seed));
        Options = new JournalOptions { Path = "/j", SegmentBytes = blocks * Block, SegmentsMax = segments };
        if (format)
        {
            Ok(ReplicaJournal.Format(Disk, Options, new SuperblockState { Incarnation = new UInt128(1, 2) }));
            Disk.SyncDirectory("/");
            Journal = Open();
        }
    }

    public SimDisk Disk { get; }

    public JournalOptions Options { get; set; }

    public ReplicaJournal Journal { get; private set; } = null!; // Set by the constructor or the test.

    public List<Sample> Samples { get; } = [];

    public static string SegmentPath(ulong number) => $"/j/s-{number:x16}";

    public static string IndexPath(ulong number) => $"/j/x-{number:x16}";

    public static void Ok(Errno error) => Assert.Equal(Errno.Ok, error);

    public ReplicaJournal Open()
    {
        var error = ReplicaJournal.Open(Disk, Options, out var journal, out var problem);
        Assert.True(error == Errno.Ok, problem);
        Journal = journal!;
        return Journal;
    }

    public ReplicaJournal Restart(SimCrash kind = SimCrash.Power)
    {
        Journal.Dispose();
        Disk.Crash(kind);
        return Open();
    }

    /// <summary>Appends entries, in one batch.</summary>
    public void Append(int count, int dataLength = 4096, ulong term = 1, bool isDurable = true)
    {
        Assert.Equal(Errno.Ok, TryAppend(count, dataLength, term, isDurable));
    }

    public Errno TryAppend(int count, int dataLength = 4096, ulong term = 1, bool isDurable = true)
    {
        var made = new List<Sample>();
        for (var i = 0; i < count; i++)
        {
            made.Add(Sample.Make(_random, term, Journal.Last.Value + 1 + (ulong)i, ++_number, dataLength));
        }

        var entries = made.Select(s => s.ToEntry()).ToArray();
        var error = Journal.Append(entries, out var taken, isDurable);
        Array.ForEach(entries, e => e.Data.Release());
        Samples.AddRange(made.Take(taken));
        Assert.True(error != Errno.Ok || taken == count);
        return error;
    }

    public void SaveCheckpoint(ulong index) => Ok(Journal.SaveState(s => s with { Checkpoint = new JournalIndex(index) }));

    public void CutFrom(ulong index)
    {
        Ok(Journal.CutFrom(new JournalIndex(index)));
        Samples.RemoveAll(s => s.Header.Index.Value >= index);
    }

    public void Repair(ulong index)
    {
        var entry = Samples.Single(s => s.Header.Index.Value == index).ToEntry();
        Ok(Journal.Repair(entry));
        entry.Data.Release();
    }

    /// <summary>All samples from the first entry on are there and good.</summary>
    public void CheckAll()
    {
        Assert.Equal(Samples.Count == 0 ? 0 : Samples[^1].Header.Index.Value, Journal.Last.Value);
        Assert.Empty(Journal.Faults());
        foreach (var sample in Samples.Where(s => s.Header.Index >= Journal.First))
        {
            CheckOne(sample);
        }
    }

    public void CheckOne(Sample sample)
    {
        Ok(Journal.Read(sample.Header.Index, out var entry));
        sample.CheckAgainst(entry!);
        entry!.Data.Release();
    }

    public void Dispose() => Journal?.Dispose();
}
