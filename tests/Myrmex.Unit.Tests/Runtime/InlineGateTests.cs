using System;
using Myrmex.Runtime;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: work runs where it is until it is slow for more than a moment, then elsewhere for a while.</summary>
[Trait("Tier", "unit")]
public sealed class InlineGateTests
{
    private const int SlowMs = 4;
    private readonly ManualTime _time = new();
    private readonly InlineGate _gate;

    public InlineGateTests()
    {
        _gate = new InlineGate(_time);
    }

    [Fact]
    public void OneSlowFopOrSlowOnesFarApartLeaveItOpen()
    {
        for (var round = 0; round < 5; round++)
        {
            Work(SlowMs);
            for (var i = 0; i < 16; i++)
            {
                Work(0);
            }
        }

        Assert.True(_gate.TryEnter(out _));
    }

    [Fact]
    public void TwoSlowOnesSendTheWorkToWorkersForASecond()
    {
        Work(SlowMs);
        Work(0);
        Work(SlowMs);
        Assert.False(_gate.TryEnter(out _));

        var ran = 0;
        _gate.Run(new Job(() => ran++), _time);
        Assert.Equal(0, ran);
        _time.RunPosted();
        Assert.Equal(1, ran);

        _time.Advance(999);
        Assert.False(_gate.TryEnter(out _));
        _time.Advance(1);
        _gate.Run(new Job(() => ran++), _time);
        Assert.Equal(2, ran);
    }

    [Fact]
    public void WhatIsSlowAgainAtOnceStaysAwayLongerUpToABound()
    {
        foreach (var seconds in (int[])[1, 2, 4, 8, 16, 16])
        {
            Work(SlowMs);
            Work(SlowMs);
            _time.Advance((seconds * 1000) - 1);
            Assert.False(_gate.TryEnter(out _));
            _time.Advance(1);
            Assert.True(_gate.TryEnter(out _));
        }

        for (var i = 0; i < 16; i++)
        {
            Work(0);
        }

        // It was quick for a while: the next time is a short one again.
        Work(SlowMs);
        Work(SlowMs);
        _time.Advance(1000);
        Assert.True(_gate.TryEnter(out _));
    }

    /// <summary>A piece of work that takes so long; the gate must be open.</summary>
    private void Work(long ms)
    {
        Assert.True(_gate.TryEnter(out var start));
        _time.Advance(ms);
        _gate.Leave(start);
    }

    private sealed class Job(Action run) : IWork
    {
        public void Run() => run();
    }
}
