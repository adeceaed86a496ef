using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Runtime;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: timers leave in the order they are due, equal ones in the order they came, removed ones never.</summary>
[Trait("Tier", "unit")]
public sealed class TimerHeapTests
{
    [Fact]
    public void TimersLeaveInOrderAndRemovedOnesDoNot()
    {
        var random = new Random(11);
        for (var round = 0; round < 50; round++)
        {
            var heap = new TimerHeap();
            var model = new List<(long Due, int Number, TestTimer Timer)>();
            for (var i = 0; i < 200; i++)
            {
                var timer = new TestTimer();
                var due = random.Next(20);
                heap.Add(timer, due);
                model.Add((due, i, timer));
                if (random.Next(3) == 0)
                {
                    var index = random.Next(model.Count);
                    Assert.True(heap.Remove(model[index].Timer));
                    Assert.False(heap.Remove(model[index].Timer));
                    model.RemoveAt(index);
                }
            }

            Assert.Equal(model.Count, heap.Count);
            foreach (var (due, _, timer) in model.OrderBy(entry => entry.Due).ThenBy(entry => entry.Number))
            {
                Assert.Equal(due, heap.FirstDueNs);
                Assert.Null(heap.TakeDue(due - 1));
                Assert.Same(timer, heap.TakeDue(due));
            }

            Assert.Equal(long.MaxValue, heap.FirstDueNs);
        }
    }

    private sealed class TestTimer : TimerHeap.Timer
    {
        public override void Dispose()
        {
        }
    }
}
