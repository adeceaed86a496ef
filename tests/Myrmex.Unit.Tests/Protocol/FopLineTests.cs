using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Protocol;
using Myrmex.Runtime;
using Xunit;

namespace Myrmex.Unit.Tests.Protocol;

/// <summary>What a proxy does at once and what waits for its turn, with fops that take time on a loop with turns.</summary>
public sealed class FopLineTests
{
    private const long FopNs = 1_000_000;

    private readonly Loop _loop = new();
    private readonly List<int> _done = [];
    private readonly FopLine _line;

    public FopLineTests()
    {
        _line = new FopLine(_loop, _loop);
    }

    [Fact]
    public void WhatComesSlowlyIsRunWhereItIsRead()
    {
        for (var i = 0; i < 20; i++)
        {
            Read(i);
            Assert.Equal(i, _done[^1]);
            Assert.Equal(0, _line.Count);
            _loop.Turn();
        }

        Assert.False(_loop.HasWork); // It does not keep the loop awake.
    }

    [Fact]
    public void WhatIsTooMuchForASliceWaitsInOrderAndTheLoopReadsBetween()
    {
        const int perSlice = (int)(ServerLimits.FopSliceNs / FopNs);
        for (var i = 0; i < 4 * perSlice; i++)
        {
            Read(i);
        }

        Assert.Equal(perSlice, _done.Count);
        var next = 4 * perSlice;
        while (_line.Count > 0)
        {
            var before = _done.Count;
            _loop.Turn();
            Assert.InRange(_done.Count - before, 1, perSlice);
            if (next < 5 * perSlice)
            {
                before = _done.Count;
                Read(next++); // Comes behind those that wait.
                Assert.Equal(_line.Count > 1 ? before : _done.Count, _done.Count);
            }
        }

        Assert.Equal(Enumerable.Range(0, next), _done);
    }

    [Fact]
    public void WhatItsClientDoesNotWaitForIsNotDone()
    {
        var all = Enumerable.Range(0, 20).Select(Read).ToList();
        var done = _done.Count;
        all.Where(f => f.Number % 2 == 0).ToList().ForEach(f => f.IsGone = true);
        while (_line.Count > 0)
        {
            _loop.Turn();
        }

        Assert.Equal(all.Skip(done).Where(f => !f.IsGone).Select(f => f.Number), _done.Skip(done));
        Assert.All(all.Skip(done), f => Assert.True(f.HasStood));
        Assert.All(all.Take(done), f => Assert.False(f.HasStood));
    }

    private Fop Read(int number)
    {
        var fop = new Fop(this, number);
        _line.Add(fop, _loop.MonotonicNs);
        return fop;
    }

    private sealed class Fop(FopLineTests test, int number) : IStandsInLine
    {
        public int Number => number;

        public bool IsGone { get; set; }

        public bool HasStood { get; private set; }

        public void StandInLine() => HasStood = true;

        public void Run()
        {
            test._loop.MonotonicNs += FopNs;
            test._done.Add(number);
        }

        public void RunUnlessGone()
        {
            if (!IsGone)
            {
                Run();
            }
        }
    }

    /// <summary>A turn runs what was posted before it.</summary>
    private sealed class Loop : IScheduler, IClock
    {
        private List<IWork> _posted = [];

        public bool HasWork => _posted.Count > 0;

        public long MonotonicNs { get; set; } = 1;

        public long WallNs => MonotonicNs;

        public bool IsCurrentThread => true;

        public void Turn()
        {
            var running = _posted;
            _posted = [];
            running.ForEach(w => w.Run());
        }

        public void Post(IWork work) => _posted.Add(work);

        public void Post(Action action) => throw new NotSupportedException();

        public IDisposable Schedule(long delayMs, Action action) => throw new NotSupportedException();
    }
}
