using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication.Simulation;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Users that take and give up one lock, again until they are answered, while members of the set die, come back and hand the
/// lead over; and what they were told, for the checker.
/// </summary>
internal sealed class LockHistory
{
    private const int Users = 4;
    private const int StepsOfAUser = 12;

    private readonly StoreBed _bed;
    private readonly SimRandom _random;
    private readonly List<Trial> _users;

    public LockHistory(ulong seed)
    {
        _bed = LockUser.NewBed();
        _random = new SimRandom(seed);
        _users = [.. Enumerable.Range(1, Users).Select(i => new Trial((ulong)i))];
        _users.ForEach(u => Assert.Equal(Errno.Ok, u.User.Begin(_bed)));
    }

    /// <summary>Loses all locks with a leader, as if they were not in the journal.</summary>
    public bool ForgetsLocks { get; init; }

    public List<HistoryOperation> Operations { get; } = [];

    public int Refusals => Operations.Count(o => o.Kind == HistoryKind.Refusal);

    public int Faults { get; private set; }

    public int Retries { get; private set; }

    public void Run()
    {
        for (var round = 0; _users.Exists(u => u.Steps < StepsOfAUser || u.Task is not null); round++)
        {
            Assert.True(round < 200_000, "the history does not end");
            _bed.World.RunFor(_bed.Leader is null ? 20 : 1);
            _users.ForEach(Step);
            if (_random.Below(100) == 0)
            {
                Fail();
            }
        }

        _bed.Dispose();
    }

    private void Step(Trial trial)
    {
        if (trial.Task is { } task)
        {
            if (task.IsCompleted || trial.At!.Life != trial.Life)
            {
                trial.Task = null;
                Told(trial, task.IsCompleted ? task.Result : Errno.ENOTCONN);
            }
        }
        else if (_bed.World.NowNs >= trial.NextNs && trial.Steps < StepsOfAUser)
        {
            var member = _random.Below(10) == 0 ? _bed.Members[_random.Below(3)] : _bed.Leader;
            if (member is not { Node.IsUp: true, Top: { } top })
            {
                return;
            }

            if (trial.InvokedNs == 0)
            {
                trial.InvokedNs = _bed.World.NowNs;
                trial.Number++;
            }

            (trial.At, trial.Life) = (member, member.Life);
            trial.Task = SimTasks.Start(member.Node, () => trial.User.LockAsync(
                top, new Call(), trial.Number, 0, 0, trial.Holds ? LockType.Unlock : LockType.Write,
                trial.MayBeKnown));
        }
    }

    private void Told(Trial trial, Errno error)
    {
        trial.NextNs = _bed.World.NowNs + (_random.Below(40) * 1_000_000L);
        if (error is Errno.EREMOTE or Errno.ENOTCONN)
        {
            Retries++;
            trial.MayBeKnown |= error == Errno.ENOTCONN;
            return;
        }

        Assert.True(error is Errno.Ok or Errno.EAGAIN, $"{error}");
        var kind = trial.Holds ? HistoryKind.Release : error == Errno.Ok ? HistoryKind.Acquire : HistoryKind.Refusal;
        Operations.Add(new HistoryOperation(kind, trial.Id, trial.InvokedNs, _bed.World.NowNs));
        trial.Holds = !trial.Holds && error == Errno.Ok;
        (trial.InvokedNs, trial.MayBeKnown) = (0, false);
        trial.Steps++;
    }

    private void Fail()
    {
        if (_bed.Members.Any(m => !m.Node.IsUp))
        {
            _bed.Restart();
            return;
        }

        if (_bed.Leader is not { } leader)
        {
            return;
        }

        Faults++;
        if (_random.Below(3) == 0)
        {
            var to = _bed.Members[_random.Below(3)];
            leader.Node.Seams.Scheduler.Post(() => leader.Replica?.TransferLead(77, to.Id));
        }
        else
        {
            leader.Crash(_random.Below(2) == 0 ? SimCrash.Power : SimCrash.Process);
        }

        if (ForgetsLocks)
        {
            foreach (var member in _bed.Members.Where(m => m.Replica is not null))
            {
                _users.ForEach(u => member.Replica!.Locks.DropSession(u.User.Session));
            }
        }
    }

    /// <summary>A user and what it is about to do.</summary>
    private sealed class Trial(ulong id)
    {
        public ulong Id { get; } = id;

        public LockUser User { get; } = new(id, 1);

        public bool Holds { get; set; }

        public int Steps { get; set; }

        public ulong Number { get; set; }

        public bool MayBeKnown { get; set; }

        public long InvokedNs { get; set; }

        public long NextNs { get; set; }

        public Task<Errno>? Task { get; set; }

        public StoreMember? At { get; set; }

        public int Life { get; set; }
    }
}
