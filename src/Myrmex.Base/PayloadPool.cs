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

    private const long DefaultLimitBytes = 1L << 30;

    private static readonly PayloadPool Process = new(DefaultLimitBytes);

    [ThreadStatic]
    private static PayloadPool? _simulated; // Of the simulated process that runs on this thread.

    private readonly FreeList[] _free;
    private readonly PayloadPool? _host; // Of a simulated process: the pool of the real one.
    private long _outstanding;
    private long _simulatedBytes; // What simulated processes have rented from this pool.

    public PayloadPool(long limitBytes)
    {
        LimitBytes = limitBytes;
        _free = new FreeList[Classes.Length];
        for (var i = 0; i < _free.Length; i++)
        {
            _free[i] = new FreeList((int)(KeepMax[i] / Classes[i]));
        }
    }

    private PayloadPool(PayloadPool host)
    {
        LimitBytes = DefaultLimitBytes;
        _free = host._free;
        _host = host;
    }

    /// <summary>
    /// The pool of this process; its limit can be set at start. In a simulated world it is that of the simulated
    /// process whose turn it is on this thread.
    /// </summary>
    public static PayloadPool Shared => _simulated ?? Process;

    /// <summary>Rented bytes above which nobody should start new work.</summary>
    public long LimitBytes { get; set; }

    /// <summary>Rented bytes, together with those of simulated processes, which have limits of their own.</summary>
    public long OutstandingBytes => Volatile.Read(ref _outstanding) + Volatile.Read(ref _simulatedBytes);

    public bool IsOverLimit => Volatile.Read(ref _outstanding) > LimitBytes;

    /// <summary>More than half of the limit is rented: what may not be needed soon should not be taken.</summary>
    public bool IsPressed => Volatile.Read(ref _outstanding) > LimitBytes / 2;

    /// <summary>
    /// A pool for one life of a simulated process, with its own limit. What that process has not given back when it is
    /// killed goes back as soon as nothing refers to it any more.
    /// </summary>
    public static PayloadPool ForSimulation() => new(Process);

    /// <summary>
    /// Makes a simulated process, or the real one when null, that of this thread: its pool is <see cref="Shared"/>
    /// until the answer is disposed of.
    /// </summary>
    public static Turn Simulate(PayloadPool? process)
    {
        var turn = new Turn(_simulated);
        _simulated = process;
        return turn;
    }

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

        buffer ??= new PayloadBuffer(index >= 0 ? Classes[index] : (size + Alignment - 1) & -Alignment, index);
        Interlocked.Add(ref _outstanding, buffer.Capacity);
        buffer.Rented(this, _host is null ? null : new SimulatedRent(_host, buffer));
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

    internal void Return(PayloadBuffer buffer, object? rent)
    {
        Interlocked.Add(ref _outstanding, -buffer.Capacity);
        (rent as SimulatedRent)?.End();
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

    /// <summary>The turn of a simulated process; its end is that of whose turn it was before.</summary>
    public readonly ref struct Turn
    {
        private readonly PayloadPool? _outer;

        internal Turn(PayloadPool? outer) => _outer = outer;

        public void Dispose() => _simulated = _outer;
    }

    /// <summary>
    /// A buffer that a simulated process has rented. A killed one gives nothing back: none of its code runs any more.
    /// Only the buffer refers to this, so when it is collected nobody can use the buffer, and its memory is freed.
    /// </summary>
    private sealed class SimulatedRent
    {
        private readonly PayloadPool _host;
        private readonly nint _address;
        private readonly int _bytes;

        public SimulatedRent(PayloadPool host, PayloadBuffer buffer)
        {
            (_host, _address, _bytes) = (host, buffer.Address, buffer.Capacity);
            Interlocked.Add(ref host._simulatedBytes, _bytes);
            GC.AddMemoryPressure(_bytes); // The collector may free it.
        }

        ~SimulatedRent()
        {
            Forget();
            PayloadBuffer.Free(_address);
        }

        /// <summary>The process has given the buffer back.</summary>
        public void End()
        {
            GC.SuppressFinalize(this);
            Forget();
        }

        private void Forget()
        {
            Interlocked.Add(ref _host._simulatedBytes, -_bytes);
            GC.RemoveMemoryPressure(_bytes);
        }
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
                var taken = _items[_count];
                _items[_count] = null; // Or what a simulated process has rented would never be collected.
                return taken;
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
