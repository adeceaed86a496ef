using System;
using System.Numerics;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Debug;

/// <summary>
/// Counters for all threads without locks: a few stripes, chosen by processor, are added up when read. Nothing is allocated
/// after construction. A reading taken while fops run may be torn between counters, never within one.
/// </summary>
internal sealed class IoStatsCounters
{
    public const int BucketCount = 32;

    private const int StripeCount = 8;

    private readonly Stripe[] _stripes = new Stripe[StripeCount];

    public IoStatsCounters()
    {
        for (var i = 0; i < StripeCount; i++)
        {
            _stripes[i] = new Stripe();
        }
    }

    private Stripe Current => _stripes[Thread.GetCurrentProcessorId() & (StripeCount - 1)];

    public void CountFop(FopCode code, bool isOk)
    {
        var stripe = Current;
        Interlocked.Increment(ref stripe.Counts[(int)code]);
        if (!isOk)
        {
            Interlocked.Increment(ref stripe.Errors[(int)code]);
        }
    }

    public void CountLatency(FopCode code, long ns)
    {
        var stripe = Current;
        Interlocked.Increment(ref stripe.Measured[(int)code]);
        Interlocked.Add(ref stripe.TotalNs[(int)code], ns);
        Lower(ref stripe.MinNs[(int)code], ns);
        Atomic.Raise(ref stripe.MaxNs[(int)code], ns);
        Lower(ref stripe.IntervalMinNs[(int)code], ns);
        Atomic.Raise(ref stripe.IntervalMaxNs[(int)code], ns);
    }

    public void CountRead(int bytes)
    {
        var stripe = Current;
        Interlocked.Add(ref stripe.ReadBytes, bytes);
        Interlocked.Increment(ref stripe.Reads[BucketOf(bytes)]);
    }

    public void CountWrite(int bytes)
    {
        var stripe = Current;
        Interlocked.Add(ref stripe.WrittenBytes, bytes);
        Interlocked.Increment(ref stripe.Writes[BucketOf(bytes)]);
    }

    public IoStatsSnapshot Read()
    {
        var snapshot = new IoStatsSnapshot();
        foreach (var stripe in _stripes)
        {
            stripe.AddTo(snapshot);
        }

        return snapshot;
    }

    /// <summary>Replaces smallest and largest latency by those since the interval began.</summary>
    public void ReadExtremes(IoStatsSnapshot interval)
    {
        for (var i = 0; i < FopTable.CodeLimit; i++)
        {
            ref var fop = ref interval.Fops[i];
            fop.MinNs = long.MaxValue;
            fop.MaxNs = 0;
            foreach (var stripe in _stripes)
            {
                fop.MinNs = Math.Min(fop.MinNs, Volatile.Read(ref stripe.IntervalMinNs[i]));
                fop.MaxNs = Math.Max(fop.MaxNs, Volatile.Read(ref stripe.IntervalMaxNs[i]));
            }
        }
    }

    /// <summary>A new interval begins.</summary>
    public void ClearExtremes()
    {
        foreach (var stripe in _stripes)
        {
            Array.Fill(stripe.IntervalMinNs, long.MaxValue);
            Array.Clear(stripe.IntervalMaxNs);
        }
    }

    public void Clear()
    {
        foreach (var stripe in _stripes)
        {
            stripe.Clear();
        }

        ClearExtremes();
    }

    /// <summary>Bucket n counts sizes from 2^n to 2^(n+1)-1 bytes; 0 bytes count in bucket 0.</summary>
    private static int BucketOf(int bytes) => BitOperations.Log2((uint)Math.Max(bytes, 1));

    private static void Lower(ref long place, long value)
    {
        var seen = Volatile.Read(ref place);
        while (value < seen)
        {
            var before = Interlocked.CompareExchange(ref place, value, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }

    private sealed class Stripe
    {
        public readonly long[] Counts = new long[FopTable.CodeLimit];
        public readonly long[] Errors = new long[FopTable.CodeLimit];
        public readonly long[] Measured = new long[FopTable.CodeLimit];
        public readonly long[] TotalNs = new long[FopTable.CodeLimit];
        public readonly long[] MinNs = new long[FopTable.CodeLimit];
        public readonly long[] MaxNs = new long[FopTable.CodeLimit];
        public readonly long[] IntervalMinNs = new long[FopTable.CodeLimit];
        public readonly long[] IntervalMaxNs = new long[FopTable.CodeLimit];
        public readonly long[] Reads = new long[BucketCount];
        public readonly long[] Writes = new long[BucketCount];
        public long ReadBytes;
        public long WrittenBytes;

        public Stripe()
        {
            Array.Fill(MinNs, long.MaxValue);
            Array.Fill(IntervalMinNs, long.MaxValue);
        }

        public void AddTo(IoStatsSnapshot snapshot)
        {
            for (var i = 0; i < FopTable.CodeLimit; i++)
            {
                ref var fop = ref snapshot.Fops[i];
                fop.Count += Volatile.Read(ref Counts[i]);
                fop.Errors += Volatile.Read(ref Errors[i]);
                fop.Measured += Volatile.Read(ref Measured[i]);
                fop.TotalNs += Volatile.Read(ref TotalNs[i]);
                fop.MinNs = Math.Min(fop.MinNs, Volatile.Read(ref MinNs[i]));
                fop.MaxNs = Math.Max(fop.MaxNs, Volatile.Read(ref MaxNs[i]));
            }

            for (var i = 0; i < BucketCount; i++)
            {
                snapshot.Reads[i] += Volatile.Read(ref Reads[i]);
                snapshot.Writes[i] += Volatile.Read(ref Writes[i]);
            }

            snapshot.ReadBytes += Volatile.Read(ref ReadBytes);
            snapshot.WrittenBytes += Volatile.Read(ref WrittenBytes);
        }

        public void Clear()
        {
            foreach (var counters in new[] { Counts, Errors, Measured, TotalNs, MaxNs, Reads, Writes })
            {
                Array.Clear(counters);
            }

            Array.Fill(MinNs, long.MaxValue);
            Volatile.Write(ref ReadBytes, 0);
            Volatile.Write(ref WrittenBytes, 0);
        }
    }
}
