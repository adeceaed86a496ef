using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>A scheduler that waits for a disk is noticed, and one that is only slow is not.</summary>
public sealed class SchedulerWatchTests
{
    private readonly SimWorld _world = new(1);
    private readonly SimNode _node;
    private readonly HeldScheduler _watched;
    private readonly List<(long AtMs, bool IsStuck)> _told = [];

    public SchedulerWatchTests()
    {
        _node = _world.AddNode("n");
        _watched = new HeldScheduler(_node.Seams.Scheduler);
    }

    [Fact]
    public void WhatDoesNotGetOnIsToldAgainAndAgainAndItsEndOnce()
    {
        using var watch = Watched();
        _world.RunFor(10_000);
        Assert.Empty(_told);
        _watched.IsHeld = true;
        var heldMs = _node.Seams.Clock.MonotonicNs / 1_000_000;
        _world.RunFor(5_000);
        Assert.All(_told, t => Assert.True(t.IsStuck));
        Assert.InRange(_told[0].AtMs - heldMs, SchedulerWatch.StuckMs, SchedulerWatch.StuckMs + (3 * SchedulerWatch.PeriodMs));
        Assert.InRange(_told.Count, 3, 7);
        _watched.IsHeld = false;
        _told.Clear();
        _world.RunFor(5_000);
        Assert.False(Assert.Single(_told).IsStuck);
    }

    [Fact]
    public void WhatIsSlowIsNotStuck()
    {
        using var watch = Watched();
        for (var i = 0; i < 20; i++)
        {
            _watched.IsHeld = true;
            _world.RunFor(1_500);
            _watched.IsHeld = false;
            _world.RunFor(50);
        }

        Assert.Empty(_told);
    }

    [Fact]
    public void NothingIsToldWhenItIsOver()
    {
        var watch = Watched();
        _watched.IsHeld = true;
        _world.RunFor(1_000);
        watch.Dispose();
        _world.RunFor(10_000);
        Assert.Empty(_told);
    }

    /// <summary>A loop that waits holds up its timers and everything that is posted on it, but not the watch.</summary>
    [Fact]
    public void ALoopThatWaitsIsNoticedFromAside()
    {
        using var runtime = new LinuxRuntime(new LinuxRuntimeOptions { Reactors = 1 });
        using var release = new System.Threading.ManualResetEventSlim();
        using var noticed = new System.Threading.ManualResetEventSlim();
        using var over = new System.Threading.ManualResetEventSlim();
        using var watch = new SchedulerWatch(
            runtime.Seams.Aside, runtime.Seams.NewSerialScheduler(), runtime.Seams.Clock,
            stuck => (stuck ? noticed : over).Set());
        watch.Start();
        runtime.Seams.Scheduler.Post(() => release.Wait());
        Assert.True(noticed.Wait(TimeSpan.FromSeconds(60)));
        release.Set();
        Assert.True(over.Wait(TimeSpan.FromSeconds(60)));
    }

    private SchedulerWatch Watched()
    {
        var watch = new SchedulerWatch(
            _node.Seams.Aside, _watched, _node.Seams.Clock,
            stuck => _told.Add((_node.Seams.Clock.MonotonicNs / 1_000_000, stuck)));
        watch.Start();
        return watch;
    }

    private sealed class HeldScheduler(IScheduler inner) : IScheduler
    {
        private readonly List<Action> _held = [];
        private bool _isHeld;

        public bool IsHeld
        {
            get => _isHeld;
            set
            {
                _isHeld = value;
                foreach (var action in value ? [] : _held.ToList())
                {
                    inner.Post(action);
                }

                _held.Clear();
            }
        }

        public bool IsCurrentThread => inner.IsCurrentThread;

        public void Post(IWork work) => Post(work.Run);

        public void Post(Action action)
        {
            if (IsHeld)
            {
                _held.Add(action);
            }
            else
            {
                inner.Post(action);
            }
        }

        public IDisposable Schedule(long delayMs, Action action) => inner.Schedule(delayMs, action);
    }
}
