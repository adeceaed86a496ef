using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime;

/// <summary>
/// Timers in the order they are due; those due together keep the order they were made in. Not safe for threads by itself.
/// </summary>
internal sealed class TimerHeap
{
    private Timer[] _heap = new Timer[16];
    private int _count;
    private long _sequence;

    public int Count => Volatile.Read(ref _count);

    /// <summary>When the first timer is due; long.MaxValue without timers.</summary>
    public long FirstDueNs => _count == 0 ? long.MaxValue : _heap[0].DueNs;

    public void Add(Timer timer, long dueNs)
    {
        Invariant.Check(timer.Index < 0);
        timer.DueNs = dueNs;
        timer.Sequence = _sequence++;
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _count * 2);
        }

        Place(timer, _count++);
        Up(timer.Index);
    }

    /// <summary>Takes a timer out; false when it is not in the heap any more.</summary>
    public bool Remove(Timer timer)
    {
        var index = timer.Index;
        if (index < 0)
        {
            return false;
        }

        timer.Index = -1;
        var last = _heap[--_count];
        _heap[_count] = null!; // The slot is free; the heap never reads above _count.
        if (!ReferenceEquals(last, timer))
        {
            Place(last, index);
            Up(index);
            Down(last.Index);
        }

        return true;
    }

    /// <summary>Takes the first timer out when it is due.</summary>
    public Timer? TakeDue(long nowNs)
    {
        if (FirstDueNs > nowNs)
        {
            return null;
        }

        var timer = _heap[0];
        Remove(timer);
        return timer;
    }

    private void Place(Timer timer, int index)
    {
        _heap[index] = timer;
        timer.Index = index;
    }

    private void Up(int index)
    {
        while (index > 0 && IsBefore(_heap[index], _heap[(index - 1) / 2]))
        {
            var parent = (index - 1) / 2;
            Swap(index, parent);
            index = parent;
        }
    }

    private void Down(int index)
    {
        while (true)
        {
            var child = (2 * index) + 1;
            if (child >= _count)
            {
                return;
            }

            if (child + 1 < _count && IsBefore(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!IsBefore(_heap[child], _heap[index]))
            {
                return;
            }

            Swap(index, child);
            index = child;
        }
    }

    private void Swap(int a, int b)
    {
        var other = _heap[a];
        Place(_heap[b], a);
        Place(other, b);
    }

    private static bool IsBefore(Timer a, Timer b) =>
        a.DueNs < b.DueNs || (a.DueNs == b.DueNs && a.Sequence < b.Sequence);

    /// <summary>A timer; its owner disposes it to cancel.</summary>
    internal abstract class Timer : IDisposable
    {
        public long DueNs { get; set; }

        public long Sequence { get; set; }

        public int Index { get; set; } = -1;

        public abstract void Dispose();
    }
}
