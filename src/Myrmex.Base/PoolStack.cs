using System;
using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Base;

/// <summary>
/// What one thread has of the spare objects of one <see cref="Pool{T}"/>; only that thread touches it.
/// </summary>
internal sealed class PoolStack
{
    public const int LocalMax = 64;
    private const int SharedMax = 8192;

    private static readonly Lock Numbering = new(); // Guards Shared and the giving of numbers; a leaf lock.
    private static readonly List<Stack<object>> Shared = [[]]; // Index: number of the pool. Number 0 is nobody's.

    /// <summary>The stacks of this thread by the numbers of their pools; 0 is always empty.</summary>
    [ThreadStatic]
    public static PoolStack?[]? OfThread;

    private readonly Item[] _items = new Item[LocalMax];
    private readonly Stack<object> _shared; // Guarded by itself.

    private PoolStack(Stack<object> shared)
    {
        _shared = shared;
    }

    public int Count { get; private set; }

    /// <summary>Makes the stack of this thread, and gives the pool its number when it has none.</summary>
    public static PoolStack Add(ref int number)
    {
        PoolStack made;
        lock (Numbering)
        {
            if (number == 0)
            {
                Shared.Add([]);
                Volatile.Write(ref number, Shared.Count - 1);
            }

            made = new PoolStack(Shared[number]);
        }

        if (OfThread is null || OfThread.Length <= number)
        {
            Array.Resize(ref OfThread, Math.Max(number + 1, 64));
        }

        OfThread[number] = made;
        return made;
    }

    public void Push(object item) => _items[Count++].Value = item;

    public object Pop()
    {
        ref var item = ref _items[--Count];
        var value = item.Value!; // Below Count there are objects only.
        item.Value = null;
        return value;
    }

    /// <summary>Takes some of the shared ones; false when there are none.</summary>
    public bool Refill()
    {
        lock (_shared)
        {
            for (var i = 0; i < LocalMax / 2 && _shared.TryPop(out var spare); i++)
            {
                Push(spare);
            }
        }

        return Count > 0;
    }

    /// <summary>Makes half of the room free.</summary>
    public void Spill()
    {
        lock (_shared)
        {
            for (var i = 0; i < LocalMax / 2; i++)
            {
                var spare = Pop();
                if (_shared.Count < SharedMax)
                {
                    _shared.Push(spare);
                }
            }
        }
    }

    /// <summary>An array of these is stored to without a check of types.</summary>
    private struct Item
    {
        public object? Value;
    }
}
