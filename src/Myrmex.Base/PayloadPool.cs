using System;
using System.Threading;

namespace Myrmex.Base;

/// <summary>
/// Native buffers in five size classes with free lists. <see cref="OutstandingBytes"/> counts what is rented;
/// links stop reading from their sockets while <see cref="IsOverLimit"/>, which is the back-pressure of the process.
/// Safe for all threads.
/// </summary>
public sealed class PayloadPool
{
    public const int Alignment = 4096;

    /// <summary>Largest buffer anybody may ask for: 256 MiB.</summary>
    public const int CapacityMax = 256 << 20;

    private static readonly int[] Classes = [4 << 10, 16 << 10, 64 << 10, 160 << 10, (1 << 20) + (64 << 10)];

    // Bytes a class keeps for reuse; what comes back above it is freed.
    private static readonly long[] KeepMax = [4L << 20, 8L << 20, 16L << 20, 24L << 20, 32L << 20];

    private readonly FreeList[] _free = new FreeList[Classes.Length];
    private long _outstanding;

    public PayloadPool(long limitBytes)
    {
        LimitBytes = limitBytes;
        for (var i = 0; i < _free.Length; i++)
        {
            _free[i] = new FreeList((int)(KeepMax[i] / Classes[i]));
        }
    }

    /// <summary>The pool of this process; its limit can be set at start.</summary>
    public static PayloadPool Shared { get; } = new(1L << 30);

    /// <summary>Rented bytes above which nobody should start new work.</summary>
    public long LimitBytes { get; set; }

    public long OutstandingBytes => Volatile.Read(ref _outstanding);

    public bool IsOverLimit => OutstandingBytes > LimitBytes;

    /// <summary>More than half of the limit is rented: what may not be needed soon should not be taken.</summary>
    public bool IsPressed => OutstandingBytes > LimitBytes / 2;

    /// <summary>
    /// A buffer of at least <paramref name="size"/> bytes with one reference. Its content is undefined: cut what you
    /// send. The limit is not enforced here, only shown: a reply that is under way must be able to finish.
    /// </summary>
    public PayloadBuffer Rent(int size)
    {
        Invariant.Check(size is >= 0 and <= CapacityMax);
        var index = ClassOf(size);
        PayloadBuffer? buffer = null;
        if (index >= 0)
        {
            buffer = _free[index].TryTake();
        }

        buffer ??= new PayloadBuffer(this, index >= 0 ? Classes[index] : (size + Alignment - 1) & -Alignment, index);
        Interlocked.Add(ref _outstanding, buffer.Capacity);
        buffer.Rented();
        return buffer;
    }

    /// <summary>
    /// Frees what lay unused in the free lists since the last call; whoever owns the process calls it now and then, so
    /// that a burst does not hold memory for ever. The number of bytes freed.
    /// </summary>
    public long Trim()
    {
        var freed = 0L;
        foreach (var list in _free)
        {
            freed += list.Trim();
        }

        return freed;
    }

    internal void Return(PayloadBuffer buffer)
    {
        Interlocked.Add(ref _outstanding, -buffer.Capacity);
        if (buffer.SizeClass < 0 || !_free[buffer.SizeClass].TryPut(buffer))
        {
            buffer.Free();
        }
    }

    private static int ClassOf(int size)
    {
        for (var i = 0; i < Classes.Length; i++)
        {
            if (size <= Classes[i])
            {
                return i;
            }
        }

        return -1;
    }

    private sealed class FreeList(int countMax)
    {
        private readonly PayloadBuffer?[] _items = new PayloadBuffer?[countMax];
        private readonly Lock _lock = new(); // Guards the list; a leaf lock.
        private int _count;
        private int _unused; // The least _count since the last trim: so many at the bottom nobody has touched.

        public PayloadBuffer? TryTake()
        {
            lock (_lock)
            {
                if (_count == 0)
                {
                    return null;
                }

                _count--;
                _unused = Math.Min(_unused, _count);
                return _items[_count];
            }
        }

        /// <summary>Frees the untouched ones; bytes.</summary>
        public long Trim()
        {
            PayloadBuffer?[] idle;
            lock (_lock)
            {
                idle = _items[.._unused];
                _items.AsSpan(_unused, _count - _unused).CopyTo(_items);
                _count -= _unused;
                _items.AsSpan(_count).Clear();
                _unused = _count;
            }

            var freed = 0L;
            foreach (var buffer in idle)
            {
                freed += buffer!.Capacity; // Below _count there are buffers only.
                buffer.Free();
            }

            return freed;
        }

        public bool TryPut(PayloadBuffer buffer)
        {
            lock (_lock)
            {
                if (_count == _items.Length)
                {
                    return false;
                }

                _items[_count++] = buffer;
                return true;
            }
        }
    }
}
