using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests.Etcd;

/// <summary>
/// The store while members of etcd die, stand still and come back. Method: real members, real signals, and counts that must be exact.
/// </summary>
public sealed class EtcdFailureTests(ThreeMembers servers) : IClassFixture<ThreeMembers>, IAsyncLifetime
{
    private static readonly CancellationToken Forever = CancellationToken.None;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly List<EtcdStore> _stores = [];
    private readonly TestDirectory _directory = new("etcd-failure");
    private readonly string _prefix = servers.NextPrefix();

    private EtcdMembers Members => servers.Members;

    public Task InitializeAsync()
    {
        if (Machine.Missing(Need.Etcd) is null)
        {
            Restore();
        }

        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }

        if (Machine.Missing(Need.Etcd) is null)
        {
            Restore();
        }

        _directory.Dispose();
    }

    [InteropTheory(Need.Etcd)]
    [InlineData("KILL", false)]
    [InlineData("KILL", true)]
    [InlineData("STOP", false)]
    [InlineData("STOP", true)]
    public async Task WhenOneMemberGoesTheStoreGoesOn(string signal, bool leader)
    {
        var victim = leader ? Members.Leader() : (Members.Leader() + 1) % 3;
        // The victim is the first to be asked.
        var store = Open(victim, (victim + 1) % 3, (victim + 2) % 3);
        await store.PutAsync("before", Bytes("1"), Forever);
        Members.Process(victim).Signal(signal);
        var clock = Stopwatch.StartNew();
        Assert.Equal("1", Text(await EventuallyAsync(() => store.GetAsync("before", Forever))));
        await EventuallyAsync(() => store.PutAsync("after", Bytes("2"), Forever));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), $"it took {clock.Elapsed}");
    }

    [InteropFact(Need.Etcd)]
    public async Task AllMembersKilledAndStartedAgainHaveEverythingThatWasAnswered()
    {
        var store = Open(0, 1, 2);
        var first = await store.PutAsync("k/00", Bytes("0"), Forever);
        for (var i = 1; i < 50; i++)
        {
            await store.PutAsync($"k/{i:d2}", Bytes($"{i}"), Forever);
        }

        // Not from the beginning: other tests of the class compact these servers.
        var watch = WatchKeysAsync(store, "k/", first, count: 51);
        for (var member = 0; member < 3; member++)
        {
            Members.Kill(member);
        }

        // What was sent over connections that break is not known; after that nothing can have been sent.
        await Record.ExceptionAsync(() => store.GetAsync("x", Forever));
        var e = await Assert.ThrowsAsync<TransactionRefusedException>(() => store.PutAsync("x", Bytes(""), Forever));
        Assert.Contains("cannot be reached at", e.Message);
        Assert.Contains(Members.Endpoint(1), e.Message);
        StartAll();
        Assert.Equal(50, (await store.RangeAsync(KeyRange.Prefix("k/"), Forever)).Count);
        Assert.Null(await store.GetAsync("x", Forever));
        await store.PutAsync("k/last", Bytes("new"), Forever);
        Assert.Equal(51, (await watch.WaitAsync(Soon)).Count);
    }

    [InteropFact(Need.Etcd)]
    public async Task AMemberWithoutALeaderRefusesAndSaysWhatIsMissing()
    {
        var store = Open(0);
        await store.PutAsync("a", Bytes("1"), Forever);
        Members.Pause(1);
        Members.Pause(2);
        var refused = await RefusalAsync(store);
        Assert.Contains("has no leader. Check that more than half", refused.Message);
        var clock = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<StateStoreException>(() => store.GetAsync("a", Forever));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(8), $"a command took {clock.Elapsed}");
        Members.Resume(1);
        Members.Resume(2);
        await EventuallyAsync(() => store.PutAsync("a", Bytes("2"), Forever));
    }

    [InteropFact(Need.Etcd)]
    public async Task ThousandIncrementsByManyClientsAreAllCountedWhileMembersComeAndGo()
    {
        const int Clients = 20;
        const int Each = 50;
        var unknown = 0;
        using var trouble = new CancellationTokenSource();
        var troubles = Task.Run(() => MakeTroubleAsync(trouble.Token));
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            var store = Open(client % 3, (client + 1) % 3, (client + 2) % 3);
            for (var i = 0; i < Each; i++)
            {
                // The mark goes with the increment: whoever lost the answer looks whether it is there.
                var mark = $"done/{client}/{i}";
                while (!await TryIncrementAsync(store, mark, () => Interlocked.Increment(ref unknown)))
                {
                }
            }
        })));
        await trouble.CancelAsync();
        var rounds = await troubles;
        Restore();
        var reader = Open(0, 1, 2);
        Assert.Equal(Clients * Each, int.Parse(Text(await reader.GetAsync("n", Forever)), CultureInfo.InvariantCulture));
        Assert.Equal(Clients * Each, (await reader.RangeAsync(KeyRange.Prefix("done/"), Forever)).Count);
        Console.WriteLine($"{rounds} faults, {unknown} answers lost");
    }

    [InteropFact(Need.Etcd | Need.Long)]
    public async Task AWatchSeesEveryRevisionOnceWhileMembersComeAndGo()
    {
        var watcher = Open(0, 1, 2);
        var writer = Open(1, 2, 0);
        var start = await writer.PutAsync("w/start", Bytes(""), Forever);
        using var ended = new CancellationTokenSource();
        var seen = new List<WatchBatch>();
        var watch = FollowAsync(watcher, "w/", start, seen, ended.Token);
        using var trouble = new CancellationTokenSource();
        var troubles = Task.Run(() => MakeTroubleAsync(trouble.Token));
        for (var i = 0; i < 600; i++)
        {
            var put = StateTransaction.Always(
                Operation.PutValue($"w/{i:d4}/a", Bytes($"{i}")), Operation.PutValue($"w/{i:d4}/b", Bytes($"{i}")));
            await Record.ExceptionAsync(() => writer.CommitAsync(put, Forever)); // Lost answers are part of it.
            await Task.Delay(40);
        }

        await trouble.CancelAsync();
        var rounds = await troubles;
        Assert.True(rounds >= 3, $"only {rounds} faults");
        Restore();
        await EventuallyAsync(() => writer.PutAsync("w/end", Bytes(""), Forever));
        Wait.Until("the watch sees the end", Soon, () =>
        {
            lock (seen)
            {
                return seen.Any(b => b.Changes.Any(c => c.Entry.Key == "w/end"));
            }
        });
        await ended.CancelAsync();
        await watch;
        // Every key was put once, so the entries that are there are the history.
        var expected = (await writer.RangeAsync(KeyRange.Prefix("w/"), Forever))
            .GroupBy(e => e.Modified).OrderBy(g => g.Key)
            .Select(g => $"{g.Key}: {string.Join(' ', g.Select(e => e.Key))}");
        Assert.Equal(expected, seen.Select(b => $"{b.Revision}: {string.Join(' ', b.Changes.Select(c => c.Entry.Key))}"));
    }

    [InteropFact(Need.Etcd)]
    public async Task AWatchThatMissedCompactedChangesSaysSo()
    {
        var watcher = Open(0);
        var writer = Open(1, 2);
        var start = await writer.PutAsync("w/0", Bytes(""), Forever);
        var seen = new List<WatchBatch>();
        var watch = FollowAsync(watcher, "w/", start, seen, Forever);
        Wait.Until("the watch runs", Soon, () => seen.Count == 1);
        Members.Pause(0);
        await EventuallyAsync(() => writer.PutAsync("w/1", Bytes(""), Forever));
        await writer.DeleteAsync("w/1", Forever);
        var newest = await writer.PutAsync("w/2", Bytes(""), Forever);
        Members.TryCtl(Members.Endpoint(1), "compact", newest.ToString());
        Members.Kill(0);
        Members.Start(0);
        var e = await Assert.ThrowsAsync<RevisionCompactedException>(() => watch.WaitAsync(Soon));
        Assert.Single(seen);
        Assert.Equal(newest.Next, e.Oldest);
        Assert.Equal(["w/0", "w/2"], (await watcher.RangeAsync(KeyRange.Prefix("w/"), Forever)).Select(x => x.Key));
    }

    [InteropFact(Need.Etcd)]
    public async Task AWatchThatResumesAtACompactedDeleteDoesNotMissIt()
    {
        var watcher = Open(0);
        var writer = Open(1, 2);
        var start = await writer.PutAsync("w/0", Bytes(""), Forever);
        var seen = new List<WatchBatch>();
        var watch = FollowAsync(watcher, "w/", start, seen, Forever);
        Wait.Until("the watch runs", Soon, () => seen.Count == 1);
        Members.Pause(0);
        await EventuallyAsync(() => writer.DeleteAsync("w/0", Forever));
        // The delete has the revision the watch goes on from; compacting it takes it out of etcd's history.
        Members.TryCtl(Members.Endpoint(1), "compact", start.Next.ToString(), "--physical");
        Members.Kill(0);
        Members.Start(0);
        await EventuallyAsync(() => writer.PutAsync("w/1", Bytes(""), Forever));
        var outcome = await Record.ExceptionAsync(() => watch.WaitAsync(TimeSpan.FromSeconds(10)));
        var missed = outcome is not RevisionCompactedException
            && !seen.SelectMany(b => b.Changes).Any(c => c.Kind == ChangeKind.Delete);
        Assert.False(missed, $"{outcome?.GetType().Name}, seen {seen.Count}");
    }

    [InteropFact(Need.Etcd)]
    public async Task ALeaseEndsWhileItsOwnerIsCutOffAndTheOwnerHearsOfIt()
    {
        var owner = Open(0);
        var other = Open(1, 2);
        var lease = await owner.GrantLeaseAsync(3, Forever);
        await owner.CommitAsync(StateTransaction.Always(new Operation.Put("leader", Bytes("owner"), lease)), Forever);
        Members.Pause(0);
        await Assert.ThrowsAnyAsync<StateStoreException>(() => owner.KeepLeaseAliveAsync(lease, Forever));
        Wait.Until("the key goes", Soon, () => GoneAsync(other).GetAwaiter().GetResult());
        await EventuallyAsync(() => other.PutAsync("leader", Bytes("other"), Forever));
        Members.Resume(0);
        Assert.False(await EventuallyAsync(() => owner.KeepLeaseAliveAsync(lease, Forever)));
        Assert.Equal("other", Text(await owner.GetAsync("leader", Forever)));
        await Assert.ThrowsAsync<LeaseNotFoundException>(() => owner.CommitAsync(
            StateTransaction.Always(new Operation.Put("leader", Bytes("late"), lease)), Forever));
    }

    [InteropFact(Need.Etcd)]
    public async Task AClusterMovesFromAFileToEtcdAndOnlyToAnEmptyPrefix()
    {
        await using var file = SqliteStore.Open(Path.Combine(_directory.Path, "state.db"), servers.Runtime.Seams.Clock);
        for (var i = 0; i < 300; i++)
        {
            await file.PutAsync($"volume/{i}", new byte[i * 30], Forever);
        }

        var target = Open(0, 1, 2);
        var report = await StateCopy.CopyAsync(file, target, "move", _ => true, Forever);
        Assert.Equal((300, new Revision(300)), (report.Entries, report.SourceRevision));
        Assert.True(report.TargetRevision.Value > 0);
        var copied = await target.RangeAsync(KeyRange.All, Forever);
        Assert.Equal((await file.RangeAsync(KeyRange.All, Forever)).Select(e => (e.Key, e.Value.Length)), copied.Select(e => (e.Key, e.Value.Length)));
        var e = await Assert.ThrowsAsync<StateStoreException>(() => StateCopy.CopyAsync(file, target, "move", _ => true, Forever));
        Assert.Contains("holds a cluster already (300 keys", e.Message);
    }

    [InteropFact(Need.Etcd)]
    public async Task ALeaderThatIsPausedIsFollowedByAnotherWithALargerToken()
    {
        var first = await new Election(Open(0), servers.Runtime.Seams, "e").CampaignAsync(Bytes("first"), 3, Forever);
        var waiting = LeadAtLastAsync(new Election(Open(1, 2), servers.Runtime.Seams, "e"), "second");
        await Task.Delay(4_000);
        Assert.False(waiting.IsCompleted);
        Assert.True(first.IsHeld);
        Members.Pause(0); // Cuts the first leader off.
        var second = await waiting.WaitAsync(Soon);
        Assert.True(second.Token > first.Token);
        Assert.False(first.IsHeld);
        Members.Resume(0);
        Members.WaitHealthy();
        var late = StateTransaction.Always(Operation.PutValue("x", Bytes("late")));
        Assert.False((await EventuallyAsync(() => first.CommitAsync(late, Forever))).Succeeded);
        Assert.True((await EventuallyAsync(() => second.CommitAsync(late, Forever))).Succeeded);
        await second.DisposeAsync();
        await first.DisposeAsync();
    }

    /// <summary>Stands again when the lease was lost while waiting, as it may be while etcd elects a leader of its own.</summary>
    private static async Task<Leadership> LeadAtLastAsync(Election election, string name)
    {
        while (true)
        {
            try
            {
                return await election.CampaignAsync(Bytes(name), 3, Forever);
            }
            catch (LeaseNotFoundException)
            {
            }
        }
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(StateEntry? entry) => Encoding.UTF8.GetString(entry!.Value.Span);

    private static async Task<bool> GoneAsync(EtcdStore store)
    {
        try
        {
            return await store.GetAsync("leader", Forever) is null;
        }
        catch (StateStoreException)
        {
            return false;
        }
    }

    /// <summary>Again until it works: what a caller does for whom doing it twice is no harm.</summary>
    private static async Task<T> EventuallyAsync<T>(Func<Task<T>> action)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await action();
            }
            catch (StateStoreException) when (clock.Elapsed < Soon)
            {
            }
        }
    }

    /// <summary>The first refusal that is certain; what comes before members notice that they are alone is not.</summary>
    private static async Task<TransactionRefusedException> RefusalAsync(EtcdStore store)
    {
        for (var i = 0; i < 20; i++)
        {
            if (await Record.ExceptionAsync(() => store.PutAsync("a", Bytes("x"), Forever)) is TransactionRefusedException e)
            {
                return e;
            }
        }

        throw new HarnessException("never refused");
    }

    private static async Task<bool> TryIncrementAsync(EtcdStore store, string mark, Action lost)
    {
        try
        {
            if (await store.GetAsync(mark, Forever) is not null)
            {
                return true;
            }

            var entry = await store.GetAsync("n", Forever);
            var next = entry is null ? 1 : int.Parse(Text(entry), CultureInfo.InvariantCulture) + 1;
            var result = await store.CommitAsync(
                new StateTransaction(
                    [Condition.Unchanged("n", entry?.Modified ?? Revision.None), Condition.Missing(mark)],
                    [Operation.PutValue("n", Bytes($"{next}")), Operation.PutValue(mark, Bytes(""))], []),
                Forever);
            return result.Succeeded;
        }
        catch (StateStoreException e)
        {
            if (e is not TransactionRefusedException)
            {
                lost();
            }

            return false;
        }
    }

    private static async Task FollowAsync(
        EtcdStore store, string prefix, Revision from, List<WatchBatch> seen, CancellationToken cancellation)
    {
        try
        {
            await foreach (var batch in store.WatchAsync(KeyRange.Prefix(prefix), from, cancellation))
            {
                lock (seen)
                {
                    seen.Add(batch);
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private static async Task<HashSet<string>> WatchKeysAsync(EtcdStore store, string prefix, Revision from, int count)
    {
        var keys = new HashSet<string>();
        await foreach (var batch in store.WatchAsync(KeyRange.Prefix(prefix), from, Forever))
        {
            keys.UnionWith(batch.Changes.Select(c => c.Entry.Key));
            if (keys.Count >= count)
            {
                break;
            }
        }

        return keys;
    }

    /// <summary>One member at a time is killed or stopped and comes back; the leader in every other round.</summary>
    private async Task<int> MakeTroubleAsync(CancellationToken end)
    {
        var round = 0;
        for (; !end.IsCancellationRequested; round++)
        {
            await Task.Delay(1_500, Forever);
            var victim = round % 2 == 0 ? Members.Leader() : round % 3;
            if (round % 4 < 2)
            {
                Members.Kill(victim);
                await Task.Delay(1_500, Forever);
                Members.Start(victim);
            }
            else
            {
                Members.Pause(victim);
                await Task.Delay(4_000, Forever);
                Members.Resume(victim);
                Members.WaitHealthy();
            }
        }

        return round;
    }

    private EtcdStore Open(params int[] members)
    {
        var options = servers.Options(_prefix) with
        {
            Endpoints = EtcdOptions.ParseEndpoints(string.Join(',', members.Select(Members.Endpoint)), tls: false),
            RequestTimeout = TimeSpan.FromSeconds(3),
            AttemptTimeout = TimeSpan.FromSeconds(1),
        };
        var store = EtcdStore.Open(options, servers.Runtime.Seams);
        lock (_stores)
        {
            _stores.Add(store);
        }

        return store;
    }

    private void StartAll()
    {
        for (var member = 0; member < 3; member++)
        {
            Members.Start(member, wait: false);
        }

        Members.WaitHealthy();
    }

    private void Restore()
    {
        for (var member = 0; member < 3; member++)
        {
            if (Members.Process(member).Running)
            {
                Members.Resume(member);
            }
            else
            {
                Members.Start(member, wait: false);
            }
        }

        Members.WaitHealthy();
    }
}
