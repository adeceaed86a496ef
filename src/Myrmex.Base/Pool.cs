using System;
using System.Collections.Generic;

namespace Myrmex.Base;

/// <summary>
/// Free lists of reusable objects: one small stack per thread, exchanged in batches with a shared, bounded one, so that an
/// object rented on one thread and returned on another costs nothing in the steady state. What the bound does not hold
/// is left to the garbage collector.
/// </summary>
public static class Pool<T>
    where T : class, new()
{
    private const int LocalMax = 64;
    private const int SharedMax = 8192;

    private static readonly Stack<T> Shared = new();

    [ThreadStatic]
    private static Stack<T>? _local;

    public static T Rent()
    {
        var local = _local ??= new Stack<T>(LocalMax + 1);
        return local.TryPop(out var item) || Refill(local, out item) ? item : new T();
    }

    public static void Return(T item)
    {
        var local = _local ??= new Stack<T>(LocalMax + 1);
        if (local.Count >= LocalMax)
        {
            Spill(local);
        }

        local.Push(item);
    }

    private static bool Refill(Stack<T> local, out T item)
    {
        lock (Shared)
        {
            for (var i = 0; i < LocalMax / 2 && Shared.TryPop(out var spare); i++)
            {
                local.Push(spare);
            }
        }

        return local.TryPop(out item!);
    }

    private static void Spill(Stack<T> local)
    {
        lock (Shared)
        {
            for (var i = 0; i < LocalMax / 2; i++)
            {
                var spare = local.Pop();
                if (Shared.Count < SharedMax)
                {
                    Shared.Push(spare);
                }
            }
        }
    }
}
