using System;
using System.Buffers;
using System.Runtime.InteropServices;
using System.Threading;

namespace Myrmex.Base;

/// <summary>
/// A block of native memory, aligned to 4096 bytes (usable for O_DIRECT), counted by references and given back to its
/// pool with the last one. Made only by <see cref="PayloadPool"/>; a new one has one reference, the renter's.
/// </summary>
public sealed unsafe class PayloadBuffer : MemoryManager<byte>
{
    private PayloadPool? _pool; // Whose renter has it.
    private object? _rent; // What the pool has added.
    private byte* _pointer;
    private int _references;

    internal PayloadBuffer(int capacity, int sizeClass)
    {
        Capacity = capacity;
        SizeClass = sizeClass;
        _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)capacity, PayloadPool.Alignment);
    }

    /// <summary>Bytes.</summary>
    public int Capacity { get; }

    public nint Address => (nint)_pointer;

    /// <summary>Number of holders; for tests and state dumps.</summary>
    public int References => Volatile.Read(ref _references);

    /// <summary>Index of the pool's size class, -1 for a buffer larger than all classes.</summary>
    internal int SizeClass { get; }

    public override Span<byte> GetSpan() => new(_pointer, Capacity);

    /// <summary>Adds a holder.</summary>
    public void Retain()
    {
        var now = Interlocked.Increment(ref _references);
        Invariant.Check(now > 1);
    }

    /// <summary>Drops a holder; the last one gives the memory back.</summary>
    public void Release()
    {
        var now = Interlocked.Decrement(ref _references);
        Invariant.Check(now >= 0);
        if (now == 0)
        {
            var (pool, rent) = (_pool!, _rent); // Set when it was rented.
            (_pool, _rent) = (null, null); // What lies in a free list refers to no simulated process.
            pool.Return(this, rent);
        }
    }

    public override MemoryHandle Pin(int elementIndex = 0) => new(_pointer + elementIndex);

    public override void Unpin()
    {
    }

    internal void Rented(PayloadPool pool, object? rent) => (_pool, _rent, _references) = (pool, rent, 1);

    /// <summary>Frees the memory; only the pool calls it, with no holder left.</summary>
    internal void Free()
    {
        Free(Address);
        _pointer = null;
    }

    /// <summary>Frees the memory of a buffer that nobody knows any more.</summary>
    internal static void Free(nint address) => NativeMemory.AlignedFree((void*)address);

    protected override void Dispose(bool disposing)
    {
    }
}
