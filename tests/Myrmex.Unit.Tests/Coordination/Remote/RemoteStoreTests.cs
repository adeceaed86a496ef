using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Coordination.Remote;
using Myrmex.Coordination.Simulation;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination.Remote;

/// <summary>
/// What a store over a connection promises when the daemon behind it goes, comes back and uses another store. Method:
/// virtual time; what was answered, refused and unknown is compared with the store itself.
/// </summary>
public sealed class RemoteStoreTests
{
    private static CancellationToken Forever => CancellationToken.None;

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 12).Select(n => (ulong)n)];

    [Fact]
    public void AChangeWhoseDaemonGoesIsUnknownAndNeverSentAgain()
    {
        var bed = new RemoteBed();
        var held = new HeldStore(bed.Service.Connect(bed.Node));
        bed.StartDaemon(held);
        var store = bed.Connect();
        var put = bed.Start(() => store.PutAsync("a", Bytes("1"), Forever));
        Assert.True(bed.World.RunUntil(() => held.Commits == 1, 5_000));
        bed.StopDaemon();
        Assert.True(bed.World.RunUntil(() => put.IsCompleted, 5_000));
        Assert.Equal(typeof(StateStoreException), put.Exception!.InnerException!.GetType());
        bed.StartDaemon(held);
        Assert.Null(bed.Run(() => store.GetAsync("a", Forever)));
        bed.World.RunFor(30_000);
        Assert.Equal(1, held.Commits);
    }

    [Fact]
    public void LeasesOfADeadProcessEndWhenSomebodyKnowsThatItIsDead()
    {
        var bed = new RemoteBed();
        bed.StartDaemon();
        var (dead, alive) = (bed.Connect(), bed.Connect());
        var leases = new List<LeaseId>();
        foreach (var store in new[] { dead, dead, alive })
        {
            var lease = bed.Run(() => store.GrantLeaseAsync(600, Forever));
            bed.Run(() => store.CommitAsync(
                StateTransaction.Always(new Operation.Put("k" + leases.Count, Bytes("1"), lease)), Forever));
            leases.Add(lease);
        }

        var left = 0;
        bed.Server!.ClientLeft += () => left++;
        dead.Dispose();
        Assert.True(bed.World.RunUntil(() => left == 1, 5_000));
        Assert.True(bed.Run(() => alive.KeepLeaseAliveAsync(leases[1], Forever)));
        bed.World.RunFor(5_000);
        Assert.NotNull(bed.Run(() => alive.GetAsync("k0", Forever)));
        bed.Server!.RevokeLeft();
        bed.World.RunFor(1_000);
        Assert.Null(bed.Run(() => alive.GetAsync("k0", Forever)));
        Assert.NotNull(bed.Run(() => alive.GetAsync("k1", Forever))); // Somebody else keeps it now.
        Assert.NotNull(bed.Run(() => alive.GetAsync("k2", Forever)));
    }

    [Fact]
    public void ASilentDaemonIsLeftAfterTheTimeLimit()
    {
        var bed = new RemoteBed();
        bed.StartDaemon(new HeldStore(bed.Service.Connect(bed.Node)));
        var store = bed.Connect();
        var begunNs = bed.World.NowNs;
        var put = bed.Start(() => store.PutAsync("a", Bytes("1"), Forever));
        Assert.True(bed.World.RunUntil(() => put.IsCompleted, 60_000));
        Assert.Equal(typeof(StateStoreException), put.Exception!.InnerException!.GetType());
        AssertLimit(bed, begunNs);
        Assert.Null(bed.Run(() => store.GetAsync("a", Forever))); // Over a connection that was made again.
    }

    [Fact]
    public void WithoutADaemonAChangeIsCertainlyNotMade()
    {
        var bed = new RemoteBed();
        var begunNs = bed.World.NowNs;
        var e = Assert.Throws<TransactionRefusedException>(
            () => bed.Run(() => bed.Connect().PutAsync("a", Bytes("1"), Forever)));
        Assert.Contains(RemoteBed.Path, e.Message, StringComparison.Ordinal);
        AssertLimit(bed, begunNs);
    }

    [Fact]
    public void ACallWaitsForADaemonThatRestartsAndForAStore()
    {
        var bed = new RemoteBed();
        var store = bed.Connect();
        var put = bed.Start(() => store.PutAsync("a", Bytes("1"), Forever));
        bed.World.RunFor(2_000);
        bed.StartDaemon();
        Assert.True(bed.World.RunUntil(() => put.IsCompletedSuccessfully, 1_500));
        bed.Server!.Withdraw();
        var second = bed.Start(() => store.PutAsync("a", Bytes("2"), Forever));
        bed.World.RunFor(3_000);
        Assert.False(second.IsCompleted);
        bed.Server.Use(bed.Service.Connect(bed.Node), RemoteBed.FirstId);
        Assert.True(bed.World.RunUntil(() => second.IsCompletedSuccessfully, 1_000));
        bed.Server.Withdraw();
        Assert.Throws<TransactionRefusedException>(() => bed.Run(() => store.PutAsync("a", Bytes("3"), Forever)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void AWatchMissesNothingAndRepeatsNothingOverRestarts(ulong seed)
    {
        const int Count = 200;
        var bed = new RemoteBed(seed);
        bed.StartDaemon();
        bed.Trouble();
        var store = bed.Connect();
        var seen = new List<string>();
        var last = Revision.None;
        bed.Start(async () =>
        {
            await foreach (var batch in store.WatchAsync(KeyRange.Prefix("w/"), new Revision(1), Forever))
            {
                Assert.True(batch.Revision > last);
                last = batch.Revision;
                seen.AddRange(batch.Changes.Select(c => c.Entry.Key));
            }
        });
        for (var i = 0; i < Count; i++)
        {
            bed.World.RunFor(bed.World.Random.Between(0, 300));
            RemoteBed.Now(bed.Service.Truth.PutAsync($"w/{i}", Bytes("x"), Forever));
            RemoteBed.Now(bed.Service.Truth.PutAsync("other", Bytes("x"), Forever));
        }

        Assert.True(bed.World.RunUntil(() => seen.Count >= Count, 60_000), $"seed {seed} misses changes");
        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"w/{i}"), seen);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void WhatWasAnsweredIsThereOnceAndWhatWasRefusedIsNot(ulong seed)
    {
        var bed = new RemoteBed(seed);
        bed.Service.Faults = new SimStateFaults
        {
            DelayMsMax = 20,
            LostRequests = 30,
            LostAnswers = 30,
            Late = 30,
            LateMsMax = 2_000,
        };
        bed.StartDaemon();
        bed.Trouble();
        var store = bed.Connect();
        var (made, refused, unknown) = (new List<string>(), new List<string>(), new List<string>());
        var writers = Enumerable.Range(0, 4).Select(w => bed.Start(async () =>
        {
            for (var i = 0; i < 60; i++)
            {
                var key = $"k/{w}/{i}";
                try
                {
                    await store.PutAsync(key, Bytes("x"), Forever);
                    made.Add(key);
                }
                catch (StateStoreException e)
                {
                    (e is TransactionRefusedException ? refused : unknown).Add(key);
                }

                await Pauses.WaitAsync(bed.Node.Seams.Scheduler, bed.World.Random.Between(0, 400), Forever);
            }
        })).ToArray();
        Assert.True(bed.World.RunUntil(() => writers.All(w => w.IsCompleted), 2_000_000), $"seed {seed} does not end");
        Assert.All(writers, w => Assert.True(w.IsCompletedSuccessfully, $"seed {seed}: {w.Exception}"));
        bed.World.RunFor(10_000); // What is late arrives.
        var there = RemoteBed.Now(bed.Service.Truth.RangeAsync(KeyRange.Prefix("k/"), Forever));
        var keys = there.Select(e => e.Key).ToHashSet();
        Assert.All(there, e => Assert.Equal(1, e.Version));
        Assert.All(made, k => Assert.Contains(k, keys));
        Assert.All(refused, k => Assert.DoesNotContain(k, keys));
        Assert.NotEmpty(unknown); // The faults are really there.
        Assert.True(made.Count > 100);
    }

    [Fact]
    public void AnotherStoreEndsWatchesAndViewsReadAgain()
    {
        var bed = new RemoteBed();
        var other = new SimStateService(bed.World);
        for (var i = 0; i < 40; i++)
        {
            RemoteBed.Now(bed.Service.Truth.PutAsync($"v/{i % 4}", Bytes("old"), Forever));
        }

        RemoteBed.Now(other.Truth.PutAsync("v/0", Bytes("new"), Forever));
        bed.StartDaemon();
        var store = bed.Connect();
        var view = new StateView(store, KeyRange.Prefix("v/"), bed.Node.Seams.Scheduler);
        bed.Start(() => view.FollowAsync(Forever));
        Assert.True(bed.World.RunUntil(() => view.Current.Entries.Count == 4, 5_000));
        var watch = bed.Start(async () =>
        {
            await foreach (var batch in store.WatchAsync(KeyRange.Prefix("v/"), view.Current.Revision.Next, Forever))
            {
            }
        });
        bed.World.RunFor(1_000);

        bed.Server!.Use(other.Connect(bed.Node), new Gfid(2, 2));
        Assert.True(bed.World.RunUntil(() => watch.IsCompleted, 5_000));
        var compacted = Assert.IsType<RevisionCompactedException>(watch.Exception!.InnerException);
        Assert.Equal(Revision.None, compacted.Oldest);
        Assert.True(bed.World.RunUntil(() => view.Current.Entries.Count == 1, 5_000));
        Assert.Equal("new", Encoding.UTF8.GetString(view.Find("v/0")!.Value.Span));
        RemoteBed.Now(other.Truth.PutAsync("v/9", Bytes("follows"), Forever));
        Assert.True(bed.World.RunUntil(() => view.Find("v/9") is not null, 5_000));
    }

    [Fact]
    public void AChangeThatWasDecidedInAnotherStoreIsRefusedOnce()
    {
        var bed = new RemoteBed();
        bed.StartDaemon();
        var store = bed.Connect();
        bed.Run(() => store.PutAsync("a", Bytes("1"), Forever));
        var other = new SimStateService(bed.World);
        bed.StopDaemon();
        bed.World.RunFor(500);
        bed.StartDaemon(other.Connect(bed.Node), new Gfid(2, 2));
        Assert.Throws<TransactionRefusedException>(() => bed.Run(() => store.PutAsync("a", Bytes("2"), Forever)));
        Assert.Equal(Revision.None, other.Revision);
        Assert.Equal(new Revision(1), bed.Run(() => store.PutAsync("a", Bytes("3"), Forever)));
    }

    [Fact]
    public void ALeaseOutlivesARestartOfTheDaemonButNotALongAbsence()
    {
        var bed = new RemoteBed();
        bed.StartDaemon();
        var store = bed.Connect();
        var keeper = bed.Run(() => LeaseKeeper.GrantAsync(store, bed.Node.Seams, 10, Forever));
        for (var i = 0; i < 5; i++)
        {
            bed.World.RunFor(6_000);
            bed.StopDaemon();
            bed.World.RunFor(3_000);
            bed.StartDaemon();
        }

        Assert.True(keeper.IsHeld);
        bed.World.RunFor(4_000);
        bed.StopDaemon();
        bed.World.RunFor(12_000);
        Assert.False(keeper.IsHeld);
        bed.StartDaemon();
        bed.World.RunFor(5_000);
        Assert.True(keeper.Lost.IsCancellationRequested);
    }

    [Fact]
    public void TheKindOfAFailureStays()
    {
        AssertKind(new StateStoreException("why"), typeof(StateStoreException));
        AssertKind(new TransactionRefusedException("why"), typeof(TransactionRefusedException));
        AssertKind(new ArgumentException("why"), typeof(ArgumentException));
        AssertKind(new InvalidOperationException("why"), typeof(StateStoreException));
        AssertKind(new LeaseNotFoundException(new LeaseId(7)), typeof(LeaseNotFoundException));

        static void AssertKind(Exception thrown, Type expected)
        {
            var bed = new RemoteBed();
            bed.StartDaemon(new FailingStore(thrown));
            var store = bed.Connect();
            var e = Assert.Throws(expected, () => bed.Run(() => store.PutAsync("a", Bytes("1"), Forever)));
            Assert.Contains(thrown is LeaseNotFoundException ? "7" : "why", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TheSameSeedGivesTheSameTrace()
    {
        Assert.Equal(Trace(5), Trace(5));
        Assert.NotEqual(Trace(5), Trace(6));

        static ulong Trace(ulong seed)
        {
            var bed = new RemoteBed(seed);
            bed.Service.Faults = new SimStateFaults { LostAnswers = 50, Late = 50 };
            bed.StartDaemon();
            bed.Trouble();
            var store = bed.Connect();
            var view = new StateView(store, KeyRange.Prefix("n"), bed.Node.Seams.Scheduler);
            bed.Start(() => view.FollowAsync(Forever));
            bed.Start(async () =>
            {
                while (true)
                {
                    try
                    {
                        await using var leader = await new Election(store, bed.Node.Seams, "e").CampaignAsync(
                            Bytes("me"), 5, Forever);
                        await new StateCounter(store, "n").NextAsync(Forever);
                    }
                    catch (Exception e) when (e is StateStoreException or LeaseNotFoundException)
                    {
                        await Pauses.WaitAsync(bed.Node.Seams.Scheduler, 100, Forever);
                    }
                }
            });
            bed.World.RunFor(60_000);
            bed.World.Note($"{view.Current.Revision} {bed.Service.Revision}");
            return bed.World.TraceHash;
        }
    }

    [Fact]
    public void AWatchOutlivesFailuresOfTheStoreAndEndsWhenItsRevisionIsGone()
    {
        var bed = new RemoteBed();
        bed.StartDaemon(new FailingStore(new StateStoreException("for now")));
        var store = bed.Connect();
        async Task<string> FirstAsync()
        {
            await foreach (var batch in store.WatchAsync(KeyRange.Prefix("w"), new Revision(1), Forever))
            {
                return batch.Changes[0].Entry.Key;
            }

            return string.Empty;
        }

        var watch = bed.Start(FirstAsync);
        bed.World.RunFor(10_000);
        Assert.False(watch.IsCompleted);
        RemoteBed.Now(bed.Service.Truth.PutAsync("w", Bytes("1"), Forever));
        bed.Server!.Use(bed.Service.Connect(bed.Node), RemoteBed.FirstId);
        Assert.True(bed.World.RunUntil(() => watch.IsCompleted, 5_000));
        Assert.Equal("w", watch.Result);
        bed.Service.Compact();
        RemoteBed.Now(bed.Service.Truth.PutAsync("other", Bytes("1"), Forever));
        bed.Service.Compact();
        var e = Assert.Throws<RevisionCompactedException>(() => bed.Run(FirstAsync));
        Assert.True(e.Oldest > new Revision(1));
    }

    private static void AssertLimit(RemoteBed bed, long begunNs) => Assert.InRange(
        (bed.World.NowNs - begunNs) / 1_000_000, StateStoreProgram.CallMs - 1, StateStoreProgram.CallMs + 500);

    private static ReadOnlyMemory<byte> Bytes(string text) => RemoteBed.Bytes(text);
}
