using System.Collections.Generic;
using Myrmex.Host;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Serving;

/// <summary>What a launcher does when its process ends, when another is to take over, and when all is over.</summary>
public sealed class WorkerKeeperTests : IWorkerProcesses
{
    private readonly List<string> _did = [];
    private readonly WorkerKeeper _keeper;
    private long _nowMs = 5;
    private int _started;
    private bool _cannotStart;

    public WorkerKeeperTests()
    {
        _keeper = new WorkerKeeper(this);
        Turn();
    }

    [Fact]
    public void TheFirstEndIsMadeGoodAtOnce()
    {
        _keeper.Ended(1, -Sys.SignalKill, _nowMs);
        Assert.Equal((0, 0), (_keeper.Worker, _keeper.WaitMs(_nowMs)));
        Turn();
        Assert.Equal(2, _keeper.Worker);
    }

    [Fact]
    public void PausesGrowToTheLongestAndAreForgottenAfterACalmTime()
    {
        long[] pauses = [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];
        foreach (var pause in pauses)
        {
            EndAfter(WorkerKeeper.CalmMs - 1);
            Assert.Equal(pause, _keeper.WaitMs(_nowMs));
            if (pause > 0)
            {
                _nowMs += pause - 1;
                Turn();
                Assert.Equal(0, _keeper.Worker);
                _nowMs++;
            }

            Turn();
            Assert.NotEqual(0, _keeper.Worker);
        }

        EndAfter(WorkerKeeper.CalmMs);
        Assert.Equal(0, _keeper.WaitMs(_nowMs));
        Turn();
        EndAfter(1);
        Assert.Equal(WorkerKeeper.PauseMsMin, _keeper.WaitMs(_nowMs));
    }

    /// <summary>An executable that is being replaced is not there for a moment.</summary>
    [Fact]
    public void WhatCannotBeStartedIsTriedAgain()
    {
        _cannotStart = true;
        EndAfter(1);
        Turn();
        Assert.Equal((0, WorkerKeeper.PauseMsMin), (_keeper.Worker, _keeper.WaitMs(_nowMs)));
        _cannotStart = false;
        _nowMs += WorkerKeeper.PauseMsMin;
        Turn();
        Assert.NotEqual(0, _keeper.Worker);
    }

    [Fact]
    public void ASuccessorTakesThePlaceOfAProcessThatHasHandedOver()
    {
        _keeper.Upgrade(_nowMs);
        _keeper.Upgrade(_nowMs); // One at a time.
        _keeper.PassOn(Sys.SignalHangUp);
        Assert.Equal(1, _keeper.Worker);
        _keeper.Ended(1, 0, _nowMs);
        Assert.Equal((2, true), (_keeper.Worker, _keeper.HasUpgraded));
        Turn();
        Assert.Equal(["start 1", "take over 2", "signal 1 1", "signal 2 1"], _did);
        Assert.Equal(long.MaxValue, _keeper.WaitMs(_nowMs));
        EndAfter(1);
        Turn();
        Assert.Equal(3, _keeper.Worker);
    }

    [Fact]
    public void ASuccessorThatFailsChangesNothing()
    {
        _keeper.Upgrade(_nowMs);
        _keeper.Ended(2, 1, _nowMs);
        Turn();
        Assert.Equal((1, false), (_keeper.Worker, _keeper.HasUpgraded));
        _keeper.Upgrade(_nowMs);
        _keeper.Ended(3, -Sys.SignalKill, _nowMs);
        Assert.Equal(
            [
                "start 1", "take over 2", "failed: the new process ended with code 1",
                "take over 3", "failed: the new process was ended by signal 9",
            ],
            _did);
    }

    [Fact]
    public void AnUpgradeThatCannotBeginIsToldAtOnce()
    {
        _cannotStart = true;
        _keeper.Upgrade(_nowMs);
        Assert.Equal(["start 1", "failed: the new process cannot be started"], _did);
        EndAfter(1);
        _keeper.Upgrade(_nowMs);
        Assert.Equal("failed: no process serves that could be taken over; one is being started", _did[^1]);
    }

    [Fact]
    public void ASuccessorThatTakesTooLongIsGivenUp()
    {
        _keeper.Upgrade(_nowMs);
        _nowMs += WorkerKeeper.UpgradeMs - 1;
        Turn();
        Assert.Equal(["start 1", "take over 2"], _did);
        Assert.Equal(1, _keeper.WaitMs(_nowMs));
        _nowMs++;
        Turn();
        Turn();
        Assert.Equal(["start 1", "take over 2", "signal 2 9"], _did);
        _keeper.Ended(2, -Sys.SignalKill, _nowMs);
        Assert.Equal(1, _keeper.Worker);
        Assert.Equal("failed: the new process did not take over within 45 s", _did[^1]);
        _keeper.Upgrade(_nowMs);
        _keeper.Ended(3, 1, _nowMs);
        Assert.Equal("failed: the new process ended with code 1", _did[^1]);
    }

    /// <summary>The successor would wait for its volumes and then find nobody: clients wait for a new one instead.</summary>
    [Fact]
    public void ACrashDuringAnUpgradeIsACrash()
    {
        _keeper.Upgrade(_nowMs);
        _keeper.Ended(1, -Sys.SignalKill, _nowMs);
        Turn();
        Assert.Equal(["start 1", "take over 2", "signal 2 9", "start 3"], _did);
        _keeper.Ended(2, -Sys.SignalKill, _nowMs);
        _keeper.Ended(99, 0, _nowMs); // Somebody else's child.
        Turn();
        Assert.Equal((3, false), (_keeper.Worker, _keeper.HasUpgraded));
    }

    [Fact]
    public void AnAdoptedProcessIsKeptAsIfItHadJustBeenStarted()
    {
        var keeper = new WorkerKeeper(this);
        keeper.Adopt(77, _nowMs);
        keeper.Turn(_nowMs);
        Assert.Equal(77, keeper.Worker);
        keeper.Ended(77, 139, _nowMs);
        keeper.Turn(_nowMs);
        Assert.Equal(2, keeper.Worker);
    }

    [Fact]
    public void TheEndIsTheEndOfAll()
    {
        _keeper.Upgrade(_nowMs);
        _keeper.End();
        Turn();
        Assert.False(_keeper.IsOver);
        Assert.Equal(["start 1", "take over 2", "signal 1 15", "signal 2 9"], _did);
        _keeper.Ended(1, 0, _nowMs);
        Turn();
        Assert.True(_keeper.IsOver);
        _keeper.Upgrade(_nowMs);
        Assert.Equal(4, _did.Count);
    }

    [Fact]
    public void TheEndDoesNotWaitForAPause()
    {
        EndAfter(1);
        _keeper.End();
        Turn();
        Assert.True(_keeper.IsOver);
        Assert.Equal(["start 1"], _did);
    }

    int IWorkerProcesses.Start(bool takesOver)
    {
        if (_cannotStart)
        {
            return 0;
        }

        _did.Add($"{(takesOver ? "take over" : "start")} {++_started}");
        return _started;
    }

    void IWorkerProcesses.Signal(int pid, int signal) => _did.Add($"signal {pid} {signal}");

    void IWorkerProcesses.UpgradeFailed(string why) => _did.Add($"failed: {why}");

    private void Turn() => _keeper.Turn(_nowMs);

    private void EndAfter(long ms)
    {
        _nowMs += ms;
        _keeper.Ended(_keeper.Worker, 1, _nowMs);
    }
}
