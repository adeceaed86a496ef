using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Journal;

/// <summary>Batches that are written and synced later: what a crash of the process and a loss of power leave of them.</summary>
[Trait("Tier", "unit")]
public sealed class LazyJournalTests
{
    [Fact]
    public void WhatIsWrittenSurvivesTheProcess()
    {
        using var bed = new JournalBed(blocks: 256);
        bed.Append(3);
        for (var i = 0; i < 10; i++)
        {
            bed.Append(1, 1000 * i, isDurable: false);
        }

        bed.Append(1, 100_000, isDurable: false); // Too large for the page cache.
        Assert.Equal(3ul, bed.Journal.Durable.Value);
        bed.Restart(SimCrash.Process);
        bed.CheckAll();
        bed.Restart(SimCrash.Power); // The start has made it durable.
        bed.CheckAll();
    }

    /// <summary>A cut, a checkpoint or a durable batch cannot be on the disk before what is before it.</summary>
    [Fact]
    public void EverythingThatFollowsSyncsWhatIsBeforeIt()
    {
        using var bed = new JournalBed();
        bed.Append(4, isDurable: false);
        bed.CutFrom(4);
        Assert.Equal(3ul, bed.Journal.Durable.Value);
        bed.Append(1, isDurable: false);
        bed.SaveCheckpoint(4);
        Assert.True(bed.Journal.IsSynced);
        bed.Append(5, isDurable: false);
        bed.Append(1);
        bed.Restart();
        bed.CheckAll();
    }

    /// <summary>Random batches, syncs and losses of power: what was synced is there; of the rest, all up to some place.</summary>
    [Fact]
    public void WhatIsSyncedSurvivesALossOfPowerAndTheRestIsASuffix()
    {
        var (lost, holes) = (0, 0);
        for (ulong seed = 1; seed <= 200; seed++)
        {
            using var bed = new JournalBed(blocks: 64, segments: 30, seed: seed);
            var random = new SimRandom(seed * 7);
            for (var life = 0; life < 4; life++)
            {
                Work(bed, random);
                var durable = bed.Journal.Durable.Value;
                bed.Restart();
                holes += bed.Journal.Faults().Count;
                lost += CutRest(bed, durable, seed);
            }

            bed.Restart(SimCrash.Process);
            bed.CheckAll();
        }

        Assert.True(lost > 200, $"{lost} lost");
        Assert.True(holes > 20, $"{holes} holes");
    }

    private static void Work(JournalBed bed, SimRandom random)
    {
        for (var i = 5 + random.Below(15); i > 0; i--)
        {
            switch (random.Below(10))
            {
                case 0:
                    JournalBed.Ok(bed.Journal.Sync());
                    break;
                case 1 when bed.Journal.BeginSync() is { } sync:
                    bed.Append(1, isDurable: false);
                    sync.Run();
                    JournalBed.Ok(bed.Journal.EndSync(sync));
                    break;
                case 2:
                    bed.Append(1);
                    break;
                default:
                    bed.Append(1, random.Below(20_000), isDurable: false);
                    break;
            }
        }
    }

    /// <summary>As a replica does at its start: goes on after the last entry before the first that cannot be read.</summary>
    private static int CutRest(JournalBed bed, ulong durable, ulong seed)
    {
        var good = 0ul;
        foreach (var sample in bed.Samples)
        {
            if (bed.Journal.Read(sample.Header.Index, out var entry) != Errno.Ok)
            {
                break;
            }

            sample.CheckAgainst(entry!);
            entry!.Data.Release();
            good = sample.Header.Index.Value;
        }

        Assert.True(good >= durable, $"seed {seed}: {good} of {durable} that were synced");
        var lost = (int)((bed.Samples.Count == 0 ? 0 : bed.Samples[^1].Header.Index.Value) - good);
        if (bed.Journal.Last.Value > good)
        {
            bed.CutFrom(good + 1);
        }

        bed.Samples.RemoveAll(s => s.Header.Index.Value > good);
        return lost;
    }
}
