using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Journal;

/// <summary>The loop that owns a journal, in a simulated world.</summary>
[Trait("Tier", "unit")]
public sealed class JournalWriterTests : IJournalOwner
{
    private readonly List<ulong> _told = [];
    private readonly List<ulong> _written = [];
    private readonly List<(Errno Error, ulong Last)> _refused = [];
    private readonly SimRandom _random = new(8);
    private SimWorld _world = null!; // Made by each test.
    private SimNode _node = null!;

    void IJournalOwner.OnProgress(JournalIndex written, JournalIndex durable, ulong generation)
    {
        _told.Add(durable.Value);
        _written.Add(written.Value);
    }

    void IJournalOwner.OnRefused(Errno error, JournalIndex last) => _refused.Add((error, last.Value));

    [Fact]
    public void WhatIsQueuedTogetherIsOneBatchAndTheOwnerHearsHowFarItIsDurable()
    {
        var writer = Start(3, out var journal);
        Append(writer, 1, 20);
        Assert.True(_world.RunUntil(() => _told.Contains(20), 1000));
        Assert.Equal(1, journal.Metrics.Batches);
        Append(writer, 21, 25);
        ulong seen = 0;
        Assert.Equal(Errno.Ok, writer.Do(j => seen = j.Last.Value, () => _told.Add(777)));
        Append(writer, 26, 30);
        Assert.True(_world.RunUntil(() => _told.Contains(30), 1000));
        Assert.Equal(25ul, seen);
        Assert.True(_world.RunUntil(() => _told.Contains(777), 1000));
        Errno? stopped = null;
        writer.Stop(error => stopped = error);
        Assert.True(_world.RunUntil(() => stopped is not null, 1000));
        Assert.Equal(Errno.Ok, stopped);
        Assert.Equal(Errno.ECANCELED, writer.Do(_ => { }));
    }

    [Fact]
    public void TheSameSeedGivesTheSameRun()
    {
        var hashes = new HashSet<ulong>();
        for (var i = 0; i < 2; i++)
        {
            _told.Clear();
            var writer = Start(9, out _);
            Append(writer, 1, 30);
            _world.RunFor(500);
            hashes.Add(_world.TraceHash);
        }

        Assert.Single(hashes);
    }

    [Fact]
    public void ADiskThatFailsStopsTheWriterUntilItsOwnerHasSeenToIt()
    {
        var writer = Start(4, out _);
        Append(writer, 1, 2);
        Assert.True(_world.RunUntil(() => _told.Contains(2), 1000));
        _node.Disk.FailNext(DiskCall.Sync, Errno.EIO, pathStart: "/j/s-");
        Append(writer, 3, 6);
        Assert.True(_world.RunUntil(() => _refused.Count > 0, 1000));
        Assert.Equal([(Errno.EIO, 2ul)], _refused);
        Assert.Equal(0, writer.QueueLength);
        Assert.Equal(Errno.EIO, writer.Append(NewEntry(3)));
        var reopened = Errno.EIO;
        writer.Do(j => reopened = j.Reopen(), writer.Resume);
        _world.RunFor(100);
        Assert.Equal(Errno.Ok, reopened);
        Append(writer, 3, 4);
        Assert.True(_world.RunUntil(() => _told.Contains(4), 1000));
    }

    /// <summary>
    /// The owner hears at once that lazy batches are written, and after the interval that they are synced, many by one sync.
    /// </summary>
    [Fact]
    public void WhatIsLazyIsToldAsWrittenAndSyncedTogether()
    {
        var writer = Start(6, out var journal);
        (writer.IsLazy, writer.LazyMs) = (true, 50);
        for (ulong i = 1; i <= 20; i++)
        {
            Append(writer, i, i);
            Assert.True(_world.RunUntil(() => _written.Contains(i), 1000));
        }

        Assert.DoesNotContain(20ul, _told);
        Assert.True(_world.RunUntil(() => _told.Contains(20), 200));
        Assert.InRange(journal.Metrics.Syncs, 1, 8);
        Append(writer, 21, 21);
        _world.RunUntil(() => _written.Contains(21), 1000);
        writer.Sync();
        Assert.True(_world.RunUntil(() => _told.Contains(21), 30));
        writer.IsLazy = false;
        Append(writer, 22, 22);
        Assert.True(_world.RunUntil(() => _told.Contains(22), 30));
    }

    [Fact]
    public void ASyncThatFailsStopsTheWriter()
    {
        var writer = Start(7, out var journal);
        (writer.IsLazy, writer.LazyMs) = (true, 50);
        _node.Disk.FailNext(DiskCall.Sync, Errno.EIO, pathStart: "/j/s-");
        Append(writer, 1, 5);
        Assert.True(_world.RunUntil(() => _refused.Count > 0, 1000));
        Assert.Equal(Errno.EIO, _refused[0].Error);
        Assert.Equal(0ul, _told.Max());
        Assert.Equal(0ul, journal.Durable.Value);
    }

    [Fact]
    public void AFullQueueSaysSo()
    {
        var writer = Start(5, out _);
        for (ulong i = 1; i <= JournalLimits.QueueMax; i++)
        {
            Assert.Equal(Errno.Ok, writer.Append(NewEntry(i, 0)));
        }

        Assert.Equal(Errno.EAGAIN, writer.Append(NewEntry(9999, 0)));
    }

    /// <summary>Power losses at any moment of the loop: what the owner was told is there.</summary>
    [Fact]
    public void WhatTheOwnerWasToldIsThereAfterAPowerLoss()
    {
        for (ulong seed = 0; seed < 60; seed++)
        {
            _told.Clear();
            var writer = Start(seed, out _);
            Append(writer, 1, 4);
            _world.RunUntil(() => _told.Count > 0, 1000);
            Append(writer, 5, 40);
            var steps = 0ul;
            _world.RunUntil(() => steps++ >= seed % 23, 1000);

            var told = _told.Max();
            _node.Crash(SimCrash.Power);
            _node.Restart();
            Assert.Equal(Errno.Ok, ReplicaJournal.Open(_node.Disk, Options, out var journal, out _));
            Assert.True(journal!.Last.Value >= told);
            Assert.Empty(journal.Faults());
            journal.Dispose();
        }
    }

    private static JournalOptions Options => new() { Path = "/j", SegmentBytes = 64 * 4096, SegmentsMax = 8 };

    private JournalWriter Start(ulong seed, out ReplicaJournal journal)
    {
        _world = new SimWorld(seed);
        _node = _world.AddNode("a");
        Assert.Equal(Errno.Ok, ReplicaJournal.Format(_node.Disk, Options, new SuperblockState { Incarnation = 4 }));
        _node.Disk.SyncDirectory("/");
        Assert.Equal(Errno.Ok, ReplicaJournal.Open(_node.Disk, Options, out var opened, out _));
        journal = opened!;
        return new JournalWriter(journal, _node.Seams.Workers, _node.Seams.Scheduler, this);
    }

    private JournalEntry NewEntry(ulong index, int length = 1000) =>
        Sample.Make(_random, 1, index, index, length).ToEntry();

    private void Append(JournalWriter writer, ulong from, ulong to)
    {
        for (var i = from; i <= to; i++)
        {
            var entry = NewEntry(i);
            Assert.Equal(Errno.Ok, writer.Append(entry));
            entry.Data.Release();
        }
    }
}
