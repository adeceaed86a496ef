using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Features.CacheLeases;

/// <summary>
/// Changes of one name go one after the other, so that the inode which one of them has found by it is the one that it
/// changes. Names share places by their hash. Who holds one place and wants a second takes the higher one later.
/// </summary>
internal sealed class NameTurns
{
    private readonly Turn[] _turns = new Turn[CacheLeaseLimits.Turns];

    public NameTurns()
    {
        for (var i = 0; i < _turns.Length; i++)
        {
            _turns[i] = new Turn();
        }
    }

    public static int PlaceOf(in Gfid parent, in Name name)
    {
        var hash = (parent.Low * 0x9E3779B97F4A7C15UL) ^ parent.High ^ ((ulong)(uint)name.GetHashCode() << 13);
        return (int)((hash * 0x9E3779B97F4A7C15UL) >> 40) & (CacheLeaseLimits.Turns - 1);
    }

    /// <summary>Waits until the place is free, and takes it.</summary>
    public ValueTask EnterAsync(int place)
    {
        var turn = _turns[place];
        lock (turn.Guard)
        {
            if (!turn.IsTaken)
            {
                turn.IsTaken = true;
                return default;
            }

            var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            (turn.Waiting ??= new Queue<TaskCompletionSource>()).Enqueue(next);
            return new ValueTask(next.Task);
        }
    }

    public void Leave(int place)
    {
        TaskCompletionSource? next = null;
        var turn = _turns[place];
        lock (turn.Guard)
        {
            Invariant.Check(turn.IsTaken);
            turn.IsTaken = turn.Waiting is { Count: > 0 };
            if (turn.IsTaken)
            {
                next = turn.Waiting!.Dequeue(); // It is not empty.
            }
        }

        next?.SetResult();
    }

    private sealed class Turn
    {
        public Lock Guard { get; } = new(); // A leaf lock.

        public bool IsTaken { get; set; }

        public Queue<TaskCompletionSource>? Waiting { get; set; }
    }
}
