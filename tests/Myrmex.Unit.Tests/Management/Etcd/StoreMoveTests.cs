using System;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Management;
using Myrmex.Management.Etcd;
using Myrmex.Management.Nodes;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Etcd;

/// <summary>
/// A cluster moves to another store. Method: the daemon is killed around every change that it makes in the old store, in the new one
/// and in its own file, and started again; then the cluster is whole in exactly one of the two.
/// </summary>
public sealed class StoreMoveTests
{
    private const int Volumes = 150;

    private static readonly CancellationToken Forever = CancellationToken.None;

    private static readonly StoreChoice There = new(StoreKind.External) { Endpoints = [new Uri("http://there:2379")], Prefix = "/there/" };

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task AMoveThatIsKilledAnywhereIsFinishedOrHasNotHappened(bool inTarget, bool after)
    {
        for (var changes = 1; ; changes++)
        {
            await using var world = await World.NewAsync();
            var file = inTarget ? world.File : (IStateStore)new CrashingStore(world.File, changes, after);
            var target = inTarget ? new CrashingStore(world.Target, changes, after) : (IStateStore)world.Target;
            var crashing = (CrashingStore)(inTarget ? target : file);
            await world.MoveUntilAsync(file, target, () => crashing.HasCrashed);
            var isOver = !crashing.HasCrashed;

            await world.SettleAsync();
            await world.CheckAsync(isMoved: isOver ? true : null);
            if (isOver)
            {
                Assert.True(changes > 4, $"only {changes} changes");
                return;
            }

            // What was taken back can be done again.
            await world.MoveUntilAsync(world.File, world.Target, () => false);
            await world.SettleAsync();
            await world.CheckAsync(isMoved: true);
        }
    }

    [Fact]
    public async Task WhoStillHasTheOldStoreAfterwardsChangesNothingThere()
    {
        await using var world = await World.NewAsync();
        IStateStore old;
        await using (var store = await world.OpenAsync(world.File, world.Target, given: null))
        {
            old = store.Store;
            var loop = store.RunAsync(() => [], Forever);
            await store.MoveAsync(There, Forever);
            await Assert.ThrowsAsync<StoreMovedException>(() => loop);
        }

        await using var next = await world.OpenAsync(world.File, world.Target, given: null);
        await Assert.ThrowsAsync<StateStoreException>(() => old.PutAsync("late", Bytes("1"), Forever));
        Assert.Null(await world.File.GetAsync("late", Forever));
    }

    [Fact]
    public async Task WhileItIsCopiedNobodyChangesTheOldStore()
    {
        await using var world = await World.NewAsync();
        var guarded = new GuardedStore(world.File);
        await guarded.PutAsync("volume/before", Bytes("1"), Forever);
        Assert.False(await guarded.CompareAndPutAsync("volume/before", Revision.None, Bytes("2"), Forever));
        await new StoreMover(world.File, world.Opener(world.Target), RealTime.Seams).BeginAsync(There, Forever);
        var e = await Assert.ThrowsAsync<TransactionRefusedException>(() => guarded.PutAsync("volume/late", Bytes("1"), Forever));
        Assert.Contains("moved to another store", e.Message);
        await Assert.ThrowsAsync<TransactionRefusedException>(
            () => guarded.CompareAndPutAsync("volume/before", Revision.None, Bytes("2"), Forever));
        Assert.NotNull(await guarded.GetAsync("volume/before", Forever));
        Assert.Null(await world.File.GetAsync("volume/late", Forever));
    }

    [Fact]
    public async Task WhileItMovesNoNodeIsToldOfAStore()
    {
        await using var world = await World.NewAsync();
        var target = new HeldStore(world.Target);
        await using (var store = await world.OpenAsync(world.File, target, given: null))
        {
            var loop = store.RunAsync(() => [], Forever);
            Assert.Contains("in a file of this node", await RefusalAsync(store));
            var move = store.MoveAsync(There, Forever);
            await target.IsAsked;
            Assert.Null(await world.File.GetAsync(StoreMoveRecord.Key, Forever)); // Not begun, but soon.
            Assert.Contains("being moved to another store; try again", await RefusalAsync(store));
            target.LetGo();
            await move;
            Assert.Contains("being moved to another store; try again", await RefusalAsync(store)); // Until it is opened.
            await Assert.ThrowsAsync<StoreMovedException>(() => loop);
        }

        await using (var next = await world.OpenAsync(world.File, world.Target, given: null))
        {
            Assert.Equal(next.Choice.ToText(), await next.OfferAsync(Forever));
            await new StoreMover(world.Target, world.Opener(world.Empty), RealTime.Seams).BeginAsync(There, Forever);
            Assert.Contains("being moved to another store; try again", await RefusalAsync(next)); // By another daemon.
        }

        static async Task<string> RefusalAsync(ClusterStore store)
        {
            var e = await Assert.ThrowsAsync<CommandException>(() => store.OfferAsync(Forever));
            Assert.Equal(CommandFailure.Conflict, e.Failure);
            return e.Message;
        }
    }

    [Fact]
    public async Task AMoveThatIsRefusedLeavesTheStoreOnOffer()
    {
        await using var world = await World.NewAsync();
        await world.Target.PutAsync("volume/theirs", Bytes("1"), Forever);
        await using var store = await world.OpenAsync(world.File, world.Target, given: null);
        await Assert.ThrowsAsync<CommandException>(() => store.MoveAsync(There, Forever));
        var e = await Assert.ThrowsAsync<CommandException>(() => store.OfferAsync(Forever));
        Assert.Contains("in a file of this node", e.Message);
    }

    [Fact]
    public async Task ANodeThatIsBeingTakenInDoesNotMove()
    {
        await using var world = await World.NewAsync();
        await using var store = await world.OpenAsync(world.File, world.Target, given: null);
        await world.File.PutAsync(NodeKeys.LocalJoin, Bytes("{}"), Forever);
        var e = await Assert.ThrowsAsync<CommandException>(() => store.MoveAsync(There, Forever));
        Assert.Equal(StoreMover.IsJoining, e.Message);

        // It is decided by the transaction that begins the move.
        var mover = new StoreMover(world.File, world.Opener(world.Target), RealTime.Seams);
        var late = await Assert.ThrowsAsync<TransactionRefusedException>(() => mover.BeginAsync(There, Forever));
        Assert.Equal(StoreMover.IsJoining, late.Message);
        Assert.Null(await world.File.GetAsync(StoreMoveRecord.Key, Forever));
        await world.File.DeleteAsync(NodeKeys.LocalJoin, Forever);
        await mover.BeginAsync(There, Forever);
    }

    [Fact]
    public async Task AFailedConditionKeepsTheAnswersOfItsBranch()
    {
        await using var world = await World.NewAsync();
        var result = await new GuardedStore(world.File).CommitAsync(
            new StateTransaction(
                [Condition.Missing("volume/000")], [Operation.DeleteKey("volume/000")],
                [new Operation.Get(KeyRange.Single("volume/000"), Limit: 0)]),
            Forever);
        Assert.False(result.Succeeded);
        Assert.Equal("volume/000", Assert.Single(Assert.Single(result.Results).Entries).Key);
    }

    [Fact]
    public async Task AMoveWhoseTargetGoesAwayIsTakenBackAndTheOldStoreGoesOn()
    {
        await using var world = await World.NewAsync();
        var target = new CrashingStore(world.Target, 3, after: false);
        var mover = new StoreMover(world.File, world.Opener(target), RealTime.Seams, limitMs: 400);
        await mover.BeginAsync(There, Forever);
        await mover.DriveAsync(Forever);
        Assert.True(target.HasCrashed);
        Assert.Null(await world.File.GetAsync(StoreMoveRecord.Key, Forever));
        Assert.Equal("killed", StoreMoveRecord.Text(await world.File.GetAsync(StoreMoveRecord.FailedKey, Forever)));
        await new GuardedStore(world.File).PutAsync("volume/after", Bytes("1"), Forever);
        await Assert.ThrowsAsync<StateStoreException>(() => StateCopy.CheckUsableAsync(world.Target, Forever));
    }

    [Fact]
    public async Task ACopyThatWasFinishedAndTakenBackIsNotTakenForTheCluster()
    {
        await using var world = await World.NewAsync();
        var mover = new StoreMover(world.File, world.Opener(world.Target), RealTime.Seams);
        var name = await mover.NameAsync(Forever);
        await StateCopy.CopyAsync(
            world.File, world.Target, StateCopy.NameOfTry(name, Revision.None), StoreMoveRecord.IsCopied, Forever,
            [Operation.PutValue(StoreMoveRecord.FromKey, Encoding.ASCII.GetBytes(name))]);
        var e = await Assert.ThrowsAsync<StateStoreException>(() => world.OpenAsync(world.Empty, world.Target, There));
        Assert.Contains("in use elsewhere", e.Message);

        // The old store went on meanwhile.
        await world.File.PutAsync("volume/000", Bytes("changed"), Forever);
        await mover.BeginAsync(There, Forever);
        await mover.DriveAsync(Forever);
        Assert.Equal("changed", StoreMoveRecord.Text(await world.Target.GetAsync("volume/000", Forever)));
    }

    [Fact]
    public async Task TwoDaemonsThatDriveAMoveDoItOnce()
    {
        for (var round = 0; round < 10; round++)
        {
            await using var world = await World.NewAsync();
            var mover = new StoreMover(world.File, world.Opener(world.Target), RealTime.Seams);
            await mover.BeginAsync(There, Forever);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(
                () => new StoreMover(world.File, world.Opener(world.Target), RealTime.Seams).DriveAsync(Forever))));
            Assert.Equal(StoreMovePhase.Moved, StoreMoveRecord.From(await world.File.GetAsync(StoreMoveRecord.Key, Forever))!.Phase);
            Assert.Equal(Volumes, (await world.Target.RangeAsync(KeyRange.Prefix("volume/"), Forever)).Count);
        }
    }

    [Fact]
    public async Task ATargetThatIsNotEmptyIsRefusedAndNothingHasChanged()
    {
        await using var world = await World.NewAsync();
        await world.Target.PutAsync("volume/theirs", Bytes("1"), Forever);
        await using var store = await world.OpenAsync(world.File, world.Target, given: null);
        var e = await Assert.ThrowsAsync<CommandException>(() => store.MoveAsync(There, Forever));
        Assert.Contains("not empty (the first key is volume/theirs)", e.Message);
        Assert.Null(await world.File.GetAsync(StoreMoveRecord.Key, Forever));
        await Assert.ThrowsAsync<CommandException>(() => store.MoveAsync(StoreChoice.Embedded, Forever));
    }

    [Fact]
    public async Task TheGivenEtcdCountsAtTheFirstStart()
    {
        await using var world = await World.NewAsync();
        await using (var first = await world.OpenAsync(world.Empty, world.Target, There))
        {
            Assert.Equal(StoreKind.External, first.Choice.Kind);
        }

        await using (var again = await world.OpenAsync(world.Empty, world.Target, given: null))
        {
            Assert.Equal(There.Prefix, again.Choice.Prefix);
        }

        var moved = There with { Endpoints = [new Uri("http://elsewhere:2379")] };
        await using (var third = await world.OpenAsync(world.Empty, world.Target, moved))
        {
            Assert.Equal("elsewhere", third.Choice.Endpoints![0].Host);
        }

        var e = await Assert.ThrowsAsync<StateStoreException>(() => world.OpenAsync(world.File, world.Target, There));
        Assert.Contains($"holds {Volumes} volumes that are not used with --etcd", e.Message);
    }

    [Fact]
    public void AChoiceIsReadAsItWasWritten()
    {
        var choice = There with { User = "me", PasswordFile = "/secret", CaFile = "/ca", Move = "m" };
        var read = StoreChoice.FromBytes(choice.ToBytes());
        Assert.Equal(choice.ToText(), read.ToText());
        Assert.Equal("m", read.Move);
        Assert.DoesNotContain("\"move\"", choice.ToText());
        Assert.Contains("\"kind\":\"External\"", choice.ToText());
        Assert.Throws<StateStoreException>(() => StoreChoice.FromBytes("{}x"u8));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>The file of a node with a cluster in it, an empty store elsewhere, and the daemons of the node one after the other.</summary>
    private sealed class World : IAsyncDisposable
    {
        public MemoryStore File { get; } = new(LinuxClock.Shared);

        public MemoryStore Empty { get; } = new(LinuxClock.Shared);

        public MemoryStore Target { get; } = new(LinuxClock.Shared);

        public static async Task<World> NewAsync()
        {
            var world = new World();
            await world.File.PutAsync("local/node-id", Bytes("me"), Forever);
            for (var i = 0; i < Volumes; i++)
            {
                await world.File.PutAsync($"volume/{i:d3}", Bytes($"{i}"), Forever);
            }

            return world;
        }

        public IStoreOpener Opener(IStateStore target, IStateStore? local = null) => new FakeOpener(local ?? File, target);

        public Task<ClusterStore> OpenAsync(IStateStore local, IStateStore target, StoreChoice? given) => ClusterStore.OpenAsync(
            local,
            new EtcdNodeOptions
            {
                NodeId = "me",
                Address = "127.0.0.1",
                WorkingDirectory = "/dev/shm/myrmex-unit-none",
                Certificates = NodeCertificates.In("/dev/shm/myrmex-unit-none"),
            },
            given, Opener(target, local), new FakeProcesses(), RealTime.Seams, Forever);

        /// <summary>A daemon that moves the cluster, until it has or is killed.</summary>
        public async Task MoveUntilAsync(IStateStore local, IStateStore target, Func<bool> isKilled)
        {
            using var stop = new CancellationTokenSource();
            try
            {
                await using var store = await OpenAsync(local, target, given: null);
                if (store.Choice.Kind == StoreKind.External)
                {
                    return;
                }

                var loop = store.RunAsync(() => [], stop.Token);
                var move = store.MoveAsync(There, stop.Token);
                while (!isKilled() && !(loop.IsCompleted && move.IsCompleted))
                {
                    await Task.WhenAny(Task.WhenAll(loop, move), Task.Delay(5));
                }

                await stop.CancelAsync();
                await Record.ExceptionAsync(() => move);
                if (await Record.ExceptionAsync(() => loop) is StoreMovedException)
                {
                    await using var next = await OpenAsync(local, target, given: null);
                }
            }
            catch (StateStoreException) when (isKilled())
            {
            }
        }

        /// <summary>Daemons that are started until nothing is left to do.</summary>
        public async Task SettleAsync()
        {
            for (var starts = 0; starts < 3; starts++)
            {
                using var stop = new CancellationTokenSource();
                await using var store = await OpenAsync(File, Target, given: null);
                var loop = store.RunAsync(() => [], stop.Token);
                while (!loop.IsCompleted && store.Choice.Kind == StoreKind.Embedded
                    && await File.GetAsync(StoreMoveRecord.Key, Forever) is not null)
                {
                    await Task.WhenAny(loop, Task.Delay(5));
                }

                await stop.CancelAsync();
                var end = await Record.ExceptionAsync(() => loop);
                if (end is not StoreMovedException)
                {
                    return;
                }
            }

            Assert.Fail("it moves for ever");
        }

        /// <summary>Everything is in the store that is in use, which takes changes, and a new daemon finds it there.</summary>
        public async Task CheckAsync(bool? isMoved)
        {
            await using var store = await OpenAsync(File, Target, given: null);
            var isThere = store.Choice.Kind == StoreKind.External;
            Assert.True(isMoved is null || isMoved == isThere, $"in use is {store.Choice.Kind}");
            var volumes = await store.Store.RangeAsync(KeyRange.Prefix("volume/"), Forever);
            Assert.Equal(Enumerable.Range(0, Volumes).Select(i => $"{i}"), volumes.Select(v => StoreMoveRecord.Text(v)));
            await store.Store.PutAsync("check", Bytes("1"), Forever);
            Assert.Equal("me", StoreMoveRecord.Text(await File.GetAsync("local/node-id", Forever)));
            Assert.Null(await Target.GetAsync("local/node-id", Forever));
            Assert.Equal(isThere, await Target.GetAsync("check", Forever) is not null);
            if (isThere)
            {
                Assert.Empty(await File.RangeAsync(KeyRange.Prefix("volume/"), Forever));
                Assert.Equal("1", StoreMoveRecord.Text(await Target.GetAsync("check", Forever)));
                Assert.Null(await Target.GetAsync(StoreMoveRecord.FromKey, Forever));
            }

            await store.Store.DeleteAsync("check", Forever);
        }

        public async ValueTask DisposeAsync()
        {
            await File.DisposeAsync();
            await Empty.DisposeAsync();
            await Target.DisposeAsync();
        }
    }

    /// <summary>A store that answers nothing until it is let go.</summary>
    private sealed class HeldStore(IStateStore inner) : ForwardingStore(inner)
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _free = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task IsAsked => _asked.Task.WaitAsync(TimeSpan.FromSeconds(20));

        public void LetGo() => _free.SetResult();

        public override async Task<TransactionResult> CommitAsync(
            StateTransaction transaction, CancellationToken cancellation)
        {
            _asked.TrySetResult();
            await _free.Task;
            return await Inner.CommitAsync(transaction, cancellation);
        }
    }

    private sealed class FakeOpener(IStateStore local, IStateStore target) : IStoreOpener
    {
        private readonly StoreOpener _real = new(local, NodeCertificates.In("/dev/shm/myrmex-unit-none"), RealTime.Seams);

        public IStateStore Open(StoreChoice choice) => choice.Kind == StoreKind.Embedded ? _real.Open(choice) : new ForwardingStore(target);

        public Task<EtcdStatus?> ProbeAsync(Uri clientUrl, CancellationToken cancellation) => Task.FromResult<EtcdStatus?>(null);

        public IEtcdAdministration Administer(StoreChoice choice) => throw new NotSupportedException();
    }
}
