using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Simulation;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>
/// The simulated state store and what is built on stores, under faults in virtual time. Method: seeds; histories that are
/// checked as a whole; counts that must be exact. A failure names its seed.
/// </summary>
public sealed class SimStateTests
{
    private static readonly CancellationToken Forever = CancellationToken.None;

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 12).Select(n => (ulong)n)];

    [Fact]
    public void TheCheckerKnowsAWrongHistoryFromARightOne()
    {
        var write = new RegisterCall(0, RegisterKind.Write, 0, 1) { InvokedNs = 0, ReturnedNs = 10 };
        var stale = new RegisterCall(1, RegisterKind.Read, 0, 0) { InvokedNs = 20, ReturnedNs = 30, Read = 0 };
        Assert.False(RegisterHistory.IsLinearizable([write, stale]));
        Assert.True(RegisterHistory.IsLinearizable([write, stale with { InvokedNs = 5 }]));
        var unknown = new RegisterCall(2, RegisterKind.Write, 0, 7) { InvokedNs = 0 };
        var late = new RegisterCall(1, RegisterKind.Read, 0, 0) { InvokedNs = 90, ReturnedNs = 95, Read = 7 };
        Assert.True(RegisterHistory.IsLinearizable([write, unknown, late]));
        Assert.False(RegisterHistory.IsLinearizable([write, late]));
        var swap = new RegisterCall(0, RegisterKind.Swap, 0, 5) { InvokedNs = 0, ReturnedNs = 10, Swapped = true };
        Assert.False(RegisterHistory.IsLinearizable(
            [swap, swap with { Client = 1, Value = 6, InvokedNs = 1, ReturnedNs = 9 }]));
        Assert.True(RegisterHistory.IsLinearizable(
            [swap, swap with { Client = 1, Value = 6, InvokedNs = 1, ReturnedNs = 9, Swapped = false }]));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void RegistersAreLinearizableUnderFaults(ulong seed)
    {
        var (world, service, nodes) = World(seed, 4);
        service.Faults = new SimStateFaults { DelayMsMax = 20, LostRequests = 60, LostAnswers = 100, Late = 60, LateMsMax = 3_000 };
        Trouble(world, service, nodes);
        var history = new List<RegisterCall>();
        var clients = nodes.Select((node, client) => SimTasks.Start(node, async () =>
        {
            var store = service.Connect(node, timeoutMs: 800);
            for (var i = 0; i < 14; i++)
            {
                await CallAsync(world, store, Choose(world, client, i), history);
            }
        })).ToArray();
        Assert.True(world.RunUntil(() => clients.All(c => c.IsCompleted), 600_000), $"seed {seed} does not end");
        Assert.All(clients, c => Assert.True(c.IsCompletedSuccessfully, $"seed {seed}: {c.Exception}"));
        Assert.True(
            RegisterHistory.IsLinearizable(history), $"seed {seed}:\n{string.Join('\n', history.OrderBy(c => c.InvokedNs))}");
        Assert.Contains(history, c => !c.IsKnown); // The faults are really there.
    }

    [Fact]
    public void TheSameSeedGivesTheSameTrace()
    {
        Assert.Equal(Trace(5), Trace(5));
        Assert.NotEqual(Trace(5), Trace(6));

        static ulong Trace(ulong seed)
        {
            var (world, service, nodes) = World(seed, 3);
            service.Faults = new SimStateFaults { LostAnswers = 50, Late = 50 };
            Trouble(world, service, nodes);
            var view = new StateView(service.Connect(nodes[0]), KeyRange.Prefix("n"), nodes[0].Seams.Scheduler);
            SimTasks.Start(nodes[0], () => view.FollowAsync(Forever));
            foreach (var node in nodes)
            {
                SimTasks.Start(node, async () =>
                {
                    await using var leader = await new Election(service.Connect(node), node.Seams, "e").CampaignAsync(
                        Bytes(node.Name), 5, Forever);
                    await new StateCounter(service.Connect(node), "n").NextAsync(Forever);
                });
            }

            world.RunFor(60_000);
            world.Note($"{view.Current.Revision} {service.Revision}");
            return world.TraceHash;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void AViewIsAlwaysAPictureOfOneRevisionAndMissesNothing(ulong seed)
    {
        var (world, service, nodes) = World(seed, 2);
        service.Faults = new SimStateFaults { DelayMsMax = 20, LostRequests = 50, LostAnswers = 50, Late = 50, LateMsMax = 3_000 };
        Trouble(world, service, nodes);
        var view = new StateView(service.Connect(nodes[0], 1_000), KeyRange.Prefix("v/"), nodes[0].Seams.Scheduler);
        var replayed = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var last = Revision.None;
        view.Changed += (snapshot, changes) =>
        {
            Assert.True(snapshot.Revision > last, $"seed {seed}: revision {snapshot.Revision} after {last}");
            last = snapshot.Revision;
            foreach (var change in changes)
            {
                Assert.Equal(change.Before is null ? null : Text(change.Before), replayed.GetValueOrDefault(change.Key));
                Apply(replayed, change);
            }

            // v/a and v/b are always put together with the same value: a torn picture would show.
            Assert.Equal(replayed.GetValueOrDefault("v/a"), replayed.GetValueOrDefault("v/b"));
            Assert.Equal(replayed, snapshot.Entries.ToDictionary(e => e.Key, e => Text(e.Value)));
        };
        SimTasks.Start(nodes[0], () => view.FollowAsync(Forever));
        for (var i = 0; i < 150; i++)
        {
            var n = i;
            world.After(world.Random.Between(0, 60_000), () => Write(service.Truth, n));
            if (i % 25 == 0)
            {
                world.After(world.Random.Between(0, 60_000), service.Compact);
            }
        }

        world.RunFor(61_000);
        service.Faults = SimStateFaults.None;
        foreach (var node in nodes)
        {
            service.Heal(node);
        }

        Write(service.Truth, 1);
        world.RunFor(20_000);
        var truth = Now(service.Truth.RangeAsync(KeyRange.Prefix("v/"), Forever));
        Assert.Equal(truth.Select(e => (e.Key, e.Modified)), view.Current.Entries.Select(e => (e.Key, e.Value.Modified)));
        Assert.NotEmpty(truth);
    }

    [Fact]
    public void AViewReachesARevisionThatChangedNothingInItsRange()
    {
        var (world, service, nodes) = World(1, 1);
        var view = new StateView(service.Connect(nodes[0]), KeyRange.Prefix("v/"), nodes[0].Seams.Scheduler);
        SimTasks.Start(nodes[0], () => view.FollowAsync(Forever));
        world.RunFor(1_000);
        var revision = Now(service.Truth.PutAsync("elsewhere", Bytes("x"), Forever));
        var reached = SimTasks.Start(nodes[0], () => view.ReachAsync(revision, Forever));
        Assert.True(world.RunUntil(() => reached.IsCompleted, 5_000));
        Assert.True(view.Current.Revision >= revision);
        Now(service.Truth.PutAsync("v/1", Bytes("x"), Forever)); // And it still follows.
        Assert.True(world.RunUntil(() => view.Find("v/1") is not null, 5_000));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void OneLeadsAtATimeAndTokensGrow(ulong seed)
    {
        var (world, service, nodes) = World(seed, 4);
        service.Faults = new SimStateFaults { DelayMsMax = 20, LostRequests = 30, LostAnswers = 50, Late = 20, LateMsMax = 2_000 };
        Trouble(world, service, nodes);
        var holders = new Dictionary<string, Leadership>();
        var tokens = new List<Revision>();
        var committed = new List<Revision>();
        foreach (var node in nodes)
        {
            SimTasks.Start(node, () => LeadAsync(world, service, node, holders, tokens, committed));
        }

        for (var step = 0; step < 1_200; step++)
        {
            world.RunFor(100);
            // The clocks of this world agree, so that of those who believe that they lead one is right at any time.
            Assert.True(holders.Values.Count(h => h.IsHeld) <= 1, $"seed {seed}: two lead at {world.NowNs} ns");
        }

        Assert.True(tokens.Count > 5, $"seed {seed}: only {tokens.Count} leaders");
        Assert.Equal(tokens.Order(), tokens);
        Assert.Equal(tokens.Distinct(), tokens);
        // What was done under a token is never followed by something done under a smaller one.
        Assert.Equal(committed.Order(), committed);
        Assert.NotEmpty(committed);
    }

    [Fact]
    public void ALeaderThatDiesIsFollowedAfterItsLeaseAndNotBefore()
    {
        var (world, service, nodes) = World(3, 2);
        var first = SimTasks.Start(nodes[0], () => new Election(service.Connect(nodes[0]), nodes[0].Seams, "e")
            .CampaignAsync(Bytes("first"), 10, Forever));
        Assert.True(world.RunUntil(() => first.IsCompleted, 5_000));
        var second = SimTasks.Start(nodes[1], () => new Election(service.Connect(nodes[1]), nodes[1].Seams, "e")
            .CampaignAsync(Bytes("second"), 10, Forever));
        world.RunFor(60_000);
        Assert.False(second.IsCompleted); // The first keeps its lease alive.
        nodes[0].Crash(SimCrash.Process);
        world.RunFor(6_000);
        Assert.False(second.IsCompleted);
        Assert.True(world.RunUntil(() => second.IsCompleted, 10_000));
        Assert.True(second.Result.Token > first.Result.Token);
        // The dead leader's late transaction does nothing.
        var late = new StateTransaction([first.Result.StillLeads], [Operation.PutValue("x", Bytes("late"))], []);
        Assert.False(Now(service.Truth.CommitAsync(late, Forever)).Succeeded);
        var good = new StateTransaction([second.Result.StillLeads], [Operation.PutValue("x", Bytes("good"))], []);
        Assert.True(Now(service.Truth.CommitAsync(good, Forever)).Succeeded);
    }

    [Fact]
    public void TheOwnerOfALeaseKnowsThatItIsLostBeforeTheStoreTakesItsKeys()
    {
        var (world, service, nodes) = World(4, 1);
        var keeper = SimTasks.Start(nodes[0], () =>
            LeaseKeeper.GrantAsync(service.Connect(nodes[0], 1_000), nodes[0].Seams, 10, Forever));
        Assert.True(world.RunUntil(() => keeper.IsCompleted, 5_000));
        Now(service.Truth.CommitAsync(
            StateTransaction.Always(new Operation.Put("l", Bytes("x"), keeper.Result.Lease)), Forever));
        world.RunFor(60_000);
        Assert.True(keeper.Result.IsHeld);
        service.Cut(nodes[0]);
        Assert.True(world.RunUntil(() => !keeper.Result.IsHeld, 20_000));
        Assert.NotNull(Now(service.Truth.GetAsync("l", Forever)));
        Assert.True(world.RunUntil(() => keeper.Result.Lost.IsCancellationRequested, 2_000));
        Assert.True(world.RunUntil(() => Now(service.Truth.GetAsync("l", Forever)) is null, 10_000));
        service.Heal(nodes[0]);
        world.RunFor(10_000);
        Assert.False(keeper.Result.IsHeld); // It never comes back.
    }

    [Fact]
    public void ALeaseThatTheStoreEndedIsLost()
    {
        var (world, service, nodes) = World(5, 1);
        var keeper = SimTasks.Start(nodes[0], () =>
            LeaseKeeper.GrantAsync(service.Connect(nodes[0]), nodes[0].Seams, 10, Forever));
        Assert.True(world.RunUntil(() => keeper.IsCompleted, 5_000));
        service.EndLease(keeper.Result.Lease);
        Assert.True(world.RunUntil(() => keeper.Result.Lost.IsCancellationRequested, 4_000));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void NoNumberIsGivenTwice(ulong seed)
    {
        var (world, service, nodes) = World(seed, 4);
        service.Faults = new SimStateFaults { DelayMsMax = 20, LostRequests = 50, LostAnswers = 100, Late = 50, LateMsMax = 3_000 };
        Trouble(world, service, nodes);
        var given = new List<long>();
        var clients = nodes.Select(node => SimTasks.Start(node, async () =>
        {
            var counter = new StateCounter(service.Connect(node, 800), "term");
            for (var i = 0; i < 20;)
            {
                try
                {
                    given.Add(await counter.NextAsync(Forever));
                    i++;
                }
                catch (StateStoreException)
                {
                }
            }
        })).ToArray();
        Assert.True(world.RunUntil(() => clients.All(c => c.IsCompleted), 1_200_000), $"seed {seed} does not end");
        Assert.Equal(80, given.Distinct().Count());
        Assert.True(given.Max() <= Now(new StateCounter(service.Truth, "term").ReadAsync(Forever)));
        Assert.Equal(500, Now(new StateCounter(service.Truth, "term").RaiseAsync(500, Forever)));
        Assert.Equal(500, Now(new StateCounter(service.Truth, "term").RaiseAsync(400, Forever)));
        Assert.Equal(501, Now(new StateCounter(service.Truth, "term").NextAsync(Forever)));
    }

    private static (SimWorld World, SimStateService Service, SimNode[] Nodes) World(ulong seed, int count)
    {
        var world = new SimWorld(seed);
        var nodes = Enumerable.Range(0, count).Select(n => world.AddNode($"node-{n}")).ToArray();
        return (world, new SimStateService(world, historyRevisionsMax: 50), nodes);
    }

    /// <summary>Elections and partitions for as long as the test runs.</summary>
    private static void Trouble(SimWorld world, SimStateService service, SimNode[] nodes) =>
        world.After(world.Random.Between(200, 4_000), () =>
        {
            var node = nodes[world.Random.Between(0, nodes.Length - 1)];
            if (world.Random.Between(0, 2) == 0)
            {
                service.ElectLeader(world.Random.Between(50, 2_500));
            }
            else
            {
                service.Cut(node);
                world.After(world.Random.Between(50, 8_000), () => service.Heal(node));
            }

            Trouble(world, service, nodes);
        });

    private static RegisterCall Choose(SimWorld world, int client, int i)
    {
        var kind = (RegisterKind)world.Random.Between(0, 2);
        return new RegisterCall(client, kind, (int)world.Random.Between(0, 3), (i + client) % 3 + 1);
    }

    private static async Task CallAsync(
        SimWorld world, IStateStore store, RegisterCall call, List<RegisterCall> history)
    {
        call = call with { InvokedNs = world.NowNs };
        history.Add(call);
        try
        {
            switch (call.Kind)
            {
                case RegisterKind.Read:
                    var entry = await store.GetAsync("r", Forever);
                    call.Read = entry is null ? 0 : int.Parse(Text(entry), CultureInfo.InvariantCulture);
                    break;
                case RegisterKind.Write:
                    await store.PutAsync("r", Bytes($"{call.Value}"), Forever);
                    break;
                default:
                    var condition = call.Expected == 0 ? Condition.Missing("r") : Condition.HasValue("r", Bytes($"{call.Expected}"));
                    var swap = new StateTransaction([condition], [Operation.PutValue("r", Bytes($"{call.Value}"))], []);
                    call.Swapped = (await store.CommitAsync(swap, Forever)).Succeeded;
                    break;
            }

            call.ReturnedNs = world.NowNs;
        }
        catch (StateStoreException)
        {
            // Nobody knows.
        }
    }

    private static async Task LeadAsync(
        SimWorld world, SimStateService service, SimNode node, Dictionary<string, Leadership> holders,
        List<Revision> tokens, List<Revision> committed)
    {
        var store = service.Connect(node, timeoutMs: 1_000);
        while (true)
        {
            try
            {
                await using var leader = await new Election(store, node.Seams, "group/leader").CampaignAsync(
                    Bytes(node.Name), leaseSeconds: 5, Forever);
                if (!leader.IsHeld)
                {
                    continue;
                }

                tokens.Add(leader.Token);
                holders[node.Name] = leader;
                for (var i = 0; i < 10 && leader.IsHeld; i++)
                {
                    await PauseAsync(node, world.Random.Between(50, 800));
                    var result = await leader.CommitAsync(
                        StateTransaction.Always(Operation.PutValue("group/state", Bytes($"{leader.Token}"))), leader.Lost);
                    if (result.Succeeded)
                    {
                        committed.Add(leader.Token);
                    }
                }

                holders.Remove(node.Name);
            }
            catch (Exception e) when (e is StateStoreException or LeaseNotFoundException or OperationCanceledException)
            {
                holders.Remove(node.Name);
                await PauseAsync(node, 100);
            }
        }
    }

    private static async Task PauseAsync(SimNode node, long ms)
    {
        var over = new TaskCompletionSource();
        node.Seams.Scheduler.Schedule(ms, over.SetResult);
        await over.Task;
    }

    private static void Write(IStateStore truth, int n)
    {
        var operations = n % 7 == 3
            ? new Operation[] { new Operation.Delete(KeyRange.Prefix("v/")) }
            : [Operation.PutValue("v/a", Bytes($"{n}")), Operation.PutValue("v/b", Bytes($"{n}")), Operation.PutValue($"v/{n % 5}", Bytes("x"))];
        Now(truth.CommitAsync(StateTransaction.Always(operations), Forever));
        Now(truth.PutAsync("other", Bytes($"{n}"), Forever));
    }

    private static void Apply(SortedDictionary<string, string> replayed, StateViewChange change)
    {
        if (change.After is null)
        {
            replayed.Remove(change.Key);
        }
        else
        {
            replayed[change.Key] = Text(change.After);
        }
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(StateEntry entry) => Encoding.UTF8.GetString(entry.Value.Span);

    /// <summary>The result of a call to the store itself, which is complete at once.</summary>
    private static T Now<T>(Task<T> task)
    {
        Assert.True(task.IsCompleted);
        return task.GetAwaiter().GetResult();
    }
}
