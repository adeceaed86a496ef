using System.Runtime.CompilerServices;

namespace Myrmex.Base;

/// <summary>
/// Free lists of reusable objects: one small stack per thread, exchanged in batches with a shared, bounded one, so that an
/// object rented on one thread and returned on another costs nothing in the steady state. What the bound does not hold
/// is left to the garbage collector.
/// </summary>
/// <remarks>
/// All pools of a thread hang on one thread-static field of a class without type parameters. In native code a
/// thread-static field of this class would be looked up by type at every use, and a static constructor checked.
/// </remarks>
public static class Pool<T>
    where T : class, new()
{
    private static int _number; // 0 until the first use.

    public static T Rent()
    {
        var local = Local();
        return local.Count > 0 || local.Refill() ? Unsafe.As<T>(local.Pop()) : new T(); // Nothing but T comes in.
    }

    public static void Return(T item)
    {
        var local = Local();
        if (local.Count == PoolStack.LocalMax)
        {
            local.Spill();
        }

        local.Push(item);
    }

    private static PoolStack Local()
    {
        var stacks = PoolStack.OfThread;
        var number = _number;
        return stacks is not null && (uint)number < (uint)stacks.Length && stacks[number] is { } local
            ? local : PoolStack.Add(ref _number);
    }
}
