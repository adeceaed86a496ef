using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Management.Nodes;
using Myrmex.Management.Tasks;
using Myrmex.Runtime;
using Myrmex.Unit.Tests.Cluster;
using Myrmex.Unit.Tests.Volumes;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Tasks;

/// <summary>
/// Tasks and the nodes that do them, one look at a time: whatever is killed at whatever change of the store, each task
/// is done by somebody, ends once, and leaves no process behind.
/// </summary>
public sealed class TaskRunnerTests
{
    private static readonly CancellationToken Forever = CancellationToken.None;
    private static readonly NodeId One = new(new Gfid(1, 1));
    private static readonly NodeId Two = new(new Gfid(2, 2));

    private readonly TestClock _clock = new();
    private readonly MemoryStore _store;
    private readonly Seams _seams;
    private readonly Volume _volume = SampleVolumes.Distribute(2).With(VolumeStatus.Started);
    private readonly FakeChildren _one = new();
    private readonly FakeChildren _two = new();

    public TaskRunnerTests()
    {
        _store = new MemoryStore(_clock);
        _seams = new Seams(_clock, new TestRandom(1), null!, null!, null!);
    }

    private TaskCommands Commands => new(_store, _seams);

    [Fact]
    public async Task ATaskIsStartedReportedAndEnds()
    {
        var task = await StartAsync();
        var runner = Runner(One, _one);
        await LookAsync(runner);
        Assert.Equal(1, _one.Starts);
        _one.Work(task.Id, 5);
        await LookAsync(runner);
        Assert.Equal((5L, 50L, ClusterTaskState.FixLayoutRunning), Figures(await NowAsync(task)));
        _one.Work(task.Id, 9);
        _one.End(task.Id, ClusterTaskState.FixLayoutCompleted);
        await LookAsync(runner);
        var ended = await NowAsync(task);
        Assert.Equal((9L, 90L, ClusterTaskState.FixLayoutCompleted), Figures(ended));
        Assert.True(ended.FinishedUnixMs >= ended.StartedUnixMs);
        await LookAsync(runner);
        Assert.Empty(_one.Known());
        Assert.Equal((1, 0), (_one.Starts, _one.Terminated));
    }

    [Fact]
    public async Task ProgressIsWrittenAtMostOnceASecond()
    {
        var task = await StartAsync();
        var runner = Runner(One, _one);
        await LookAsync(runner);
        _one.Work(task.Id, 1);
        await LookAsync(runner);
        _one.Work(task.Id, 2);
        _clock.Advance(900_000_000);
        await LookAsync(runner);
        Assert.Equal(1, (await NowAsync(task)).Directories);
        _clock.Advance(100_000_000);
        await LookAsync(runner);
        Assert.Equal(2, (await NowAsync(task)).Directories);
    }

    [Fact]
    public async Task ANewDaemonAdoptsTheProcess()
    {
        var task = await StartAsync();
        await LookAsync(Runner(One, _one));
        var next = Runner(One, _one);
        await LookAsync(next);
        Assert.Equal(1, _one.Starts);
        _one.End(task.Id, ClusterTaskState.FixLayoutCompleted);
        await LookAsync(Runner(One, _one));
        Assert.Equal(ClusterTaskState.FixLayoutCompleted, (await NowAsync(task)).State);
    }

    [Fact]
    public async Task ADeadProcessIsStartedAgainAfterAPauseAndNotForEver()
    {
        var task = await StartAsync();
        var runner = Runner(One, _one);
        await LookAsync(runner);
        for (var restart = 1; restart <= TaskLimits.RestartsMax; restart++)
        {
            _one.Die(task.Id);
            await LookAsync(runner);
            Assert.Equal(restart, _one.Starts);
            _clock.Advance(TaskLimits.RestartPauseMsMax * 1_000_000);
            await LookAsync(runner);
            Assert.Equal(restart + 1, _one.Starts);
        }

        _one.Die(task.Id);
        await LookAsync(runner);
        var ended = await NowAsync(task);
        Assert.Equal(ClusterTaskState.FixLayoutFailed, ended.State);
        Assert.Contains("keeps dying", ended.Error, System.StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFailureIsTold()
    {
        var task = await StartAsync();
        var runner = Runner(One, _one);
        await LookAsync(runner);
        _one.End(task.Id, ClusterTaskState.FixLayoutFailed, "no brick");
        await LookAsync(runner);
        var ended = await NowAsync(task);
        Assert.Equal((ClusterTaskState.FixLayoutFailed, "no brick"), (ended.State, ended.Error));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AWishToStopEndsIt(bool isStubborn)
    {
        var task = await StartAsync();
        var runner = Runner(One, _one);
        await LookAsync(runner);
        _one.IsStubborn = isStubborn;
        await Commands.StopAsync(_volume, Forever);
        await Commands.StopAsync(_volume, Forever);
        await LookAsync(runner);
        if (isStubborn)
        {
            Assert.False((await NowAsync(task)).IsFinished);
            _clock.Advance((TaskLimits.StopMs + 1) * 1_000_000);
            await LookAsync(runner);
        }

        await LookAsync(runner);
        Assert.Equal(ClusterTaskState.FixLayoutStopped, (await NowAsync(task)).State);
        Assert.Equal((1, isStubborn ? 1 : 0), (_one.Terminated, _one.Killed));
        await Assert.ThrowsAsync<TaskRefusedException>(() => Commands.StopAsync(_volume, Forever));
    }

    [Fact]
    public async Task AVolumeHasOneUnfinishedTask()
    {
        var first = await StartAsync();
        await Assert.ThrowsAsync<TaskRefusedException>(StartAsync);
        await LookAsync(Runner(One, _one));
        _one.End(first.Id, ClusterTaskState.FixLayoutCompleted);
        await LookAsync(Runner(One, _one));
        var second = await StartAsync();
        Assert.Equal(second, await Commands.StatusAsync(_volume, Forever));
        Assert.Single(await _store.RangeAsync(KeyRange.Prefix(TaskKeys.Tasks), Forever));
    }

    [Fact]
    public async Task AStoppedVolumeHasNoTask()
    {
        var stopped = _volume.With(VolumeStatus.Stopped);
        await Assert.ThrowsAsync<TaskRefusedException>(
            () => Commands.StartFixLayoutAsync(stopped, One, "normal", Forever));
        await Assert.ThrowsAsync<TaskRefusedException>(() => Commands.StatusAsync(_volume, Forever));
    }

    [Fact]
    public async Task TheProcessOfADeletedTaskEnds()
    {
        var task = await StartAsync();
        var runner = Runner(One, _one);
        await LookAsync(runner);
        var deletion = await Commands.DeletionOfAsync(_volume.Name, Forever);
        await _store.CommitAsync(StateTransaction.Always(deletion), Forever);
        await LookAsync(runner);
        await LookAsync(runner);
        Assert.False(_one.IsAlive(task.Id));
        Assert.Empty(_one.Known());
        Assert.Empty(await _store.RangeAsync(KeyRange.All, Forever));
    }

    [Fact]
    public async Task ATaskOfADeadNodeIsTakenOverAndThatNodesProcessEndsWhenItComesBack()
    {
        var lease = await AliveAsync(One);
        await AliveAsync(Two);
        var task = await StartAsync();
        var (one, two) = (Runner(One, _one), Runner(Two, _two));
        await LookAsync(one);
        await LookAsync(two);
        await _store.RevokeLeaseAsync(lease, Forever);
        await LookAsync(two);
        _clock.Advance((TaskLimits.TakeOverMs - 1) * 1_000_000);
        await LookAsync(two);
        Assert.Equal(One, (await NowAsync(task)).Node);
        _clock.Advance(1_000_000);
        await LookAsync(two);
        await LookAsync(two);
        Assert.Equal((Two, 1), ((await NowAsync(task)).Node, (await NowAsync(task)).TakeOvers));
        Assert.Equal(1, _two.Starts);
        await LookAsync(one);
        await LookAsync(one);
        Assert.False(_one.IsAlive(task.Id));
        Assert.Empty(_one.Known());
        _two.End(task.Id, ClusterTaskState.FixLayoutCompleted);
        await LookAsync(two);
        Assert.Equal(ClusterTaskState.FixLayoutCompleted, (await NowAsync(task)).State);
    }

    [Fact]
    public async Task ANodeThatWasAwayForAMomentKeepsItsTask()
    {
        var lease = await AliveAsync(One);
        await AliveAsync(Two);
        var task = await StartAsync();
        var two = Runner(Two, _two);
        await _store.RevokeLeaseAsync(lease, Forever);
        await LookAsync(two);
        await AliveAsync(One);
        await LookAsync(two);
        _clock.Advance((TaskLimits.TakeOverMs + 1) * 1_000_000);
        await LookAsync(two);
        Assert.Equal((One, 0), ((await NowAsync(task)).Node, _two.Starts));
    }

    /// <summary>
    /// The first node's daemon is killed around every change it makes in the store, its machine with it or not; the
    /// task ends all the same, once, and nothing of it is left running.
    /// </summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task WhateverChangeANodeIsKilledAtTheTaskEnds(bool after, bool machineDies)
    {
        for (var at = 1; ; at++)
        {
            var world = new TaskRunnerTests();
            if (!await world.KillAtAsync(at, after, machineDies))
            {
                Assert.True(at > 3, $"only {at - 1} changes were seen");
                return;
            }
        }
    }

    private async Task<bool> KillAtAsync(int at, bool after, bool machineDies)
    {
        var lease = await AliveAsync(One);
        await AliveAsync(Two);
        var task = await StartAsync();
        var crashing = new CrashingStore(_store, at, after);
        var one = new TaskRunner(crashing, One, _one, _seams);
        var hasCrashed = await LiveUntilCrashAsync(one, task);
        if (hasCrashed && machineDies)
        {
            await _store.RevokeLeaseAsync(lease, Forever);
            _one.Die(task.Id);
        }

        var (next, two) = (Runner(One, _one), Runner(Two, _two));
        for (var look = 0; look < 60; look++)
        {
            _clock.Advance(2_000_000_000);
            if (!machineDies || !hasCrashed)
            {
                await LookAsync(next);
            }

            await LookAsync(two);
            EndWhatRuns(_one, task.Id, look);
            EndWhatRuns(_two, task.Id, look);
        }

        var ended = await NowAsync(task);
        Assert.True(ended.IsFinished, $"change {at}: not finished");
        Assert.Equal(ClusterTaskState.FixLayoutCompleted, ended.State);
        if (hasCrashed && machineDies)
        {
            await AliveAsync(One);
            await LookAsync(next);
            await LookAsync(next);
        }

        Assert.Empty(_one.Known());
        Assert.Empty(_two.Known());
        Assert.Equal(ended, await NowAsync(task));
        return hasCrashed;
    }

    private async Task<bool> LiveUntilCrashAsync(TaskRunner one, ClusterTask task)
    {
        try
        {
            for (var look = 0; look < 12; look++)
            {
                _clock.Advance(2_000_000_000);
                await LookAsync(one);
                if (look == 3)
                {
                    _one.Die(task.Id);
                }
                else if (look < 9 && _one.IsAlive(task.Id))
                {
                    _one.Work(task.Id, look + 1);
                }
                else if (_one.IsAlive(task.Id))
                {
                    _one.End(task.Id, ClusterTaskState.FixLayoutCompleted);
                }
            }

            return false;
        }
        catch (StateStoreException)
        {
            return true;
        }
    }

    private static void EndWhatRuns(FakeChildren children, string task, int look)
    {
        if (look % 20 == 19 && children.IsAlive(task))
        {
            children.End(task, ClusterTaskState.FixLayoutCompleted);
        }
    }

    private static (long Directories, long Files, ClusterTaskState State) Figures(ClusterTask task) =>
        (task.Directories, task.Files, task.State);

    private TaskRunner Runner(NodeId node, FakeChildren children) => new(_store, node, children, _seams);

    private static async Task LookAsync(TaskRunner runner)
    {
        await runner.RefreshAsync(Forever);
        await runner.LookAsync(Forever);
    }

    private Task<ClusterTask> StartAsync() => Commands.StartFixLayoutAsync(_volume, One, "normal", Forever);

    private async Task<ClusterTask> NowAsync(ClusterTask task)
    {
        var entry = await _store.GetAsync(TaskKeys.Task(task.Id), Forever);
        return ClusterTask.FromBytes(entry!.Value.Span);
    }

    private async Task<LeaseId> AliveAsync(NodeId node)
    {
        var lease = await _store.GrantLeaseAsync(1_000_000, Forever);
        await _store.CommitAsync(
            StateTransaction.Always(new Operation.Put(NodeKeys.Lives + node, new byte[] { 1 }, lease)), Forever);
        return lease;
    }
}
