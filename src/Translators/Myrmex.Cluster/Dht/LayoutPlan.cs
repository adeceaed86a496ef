using System;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Computes the ranges of a directory the way every GlusterFS client does, so that equal inputs give equal layouts.
/// Subvolumes are given in the order of their translator names (strcmp); results are in the same order.
/// Source: facts reproduced from 9 on-disk layouts of GlusterFS 10.3, see docs/reference/dht.md.
/// </summary>
internal static class LayoutPlan
{
    /// <summary>Ranges by position in the sorted order; (0, 0) for a subvolume without one.</summary>
    /// <param name="weights">
    /// Size of each subvolume in MiB. Zero anywhere among the eligible ones makes all weights equal.
    /// </param>
    /// <param name="eligible">
    /// False for decommissioned, full or absent subvolumes: they get no range but count in the start.
    /// </param>
    /// <param name="startHash">Hash of the directory's path, or of its gfid text.</param>
    /// <param name="spread">Most subvolumes that get a range; 0 for all.</param>
    public static void Compute(
        ReadOnlySpan<ulong> weights, ReadOnlySpan<bool> eligible, uint startHash, int spread,
        Span<(uint Start, uint Stop)> ranges)
    {
        Invariant.Check(weights.Length == eligible.Length && ranges.Length == weights.Length);
        ranges.Clear();
        var count = weights.Length;
        var first = (int)(startHash % (uint)count);
        var receivers = CountReceivers(eligible, spread);
        var total = TotalWeight(weights, eligible, first, receivers, out var equal);
        if (receivers == 0)
        {
            return;
        }

        var chunk = uint.MaxValue / (double)total;
        var start = 0U;
        for (int i = 0, given = 0; given < receivers; i++)
        {
            var at = (first + i) % count;
            if (!eligible[at])
            {
                continue;
            }

            var size = (uint)(chunk * (equal ? 1 : weights[at]));
            given++;
            if (given == receivers)
            {
                ranges[at] = (start, uint.MaxValue);
            }
            else if (start + size > 1)
            {
                // A range of nothing, or of hash 0 alone, could not be told from "no range".
                ranges[at] = size == 0 ? default : (start, start + size - 1);
                start += size;
            }
        }
    }

    /// <summary>
    /// Exchanges ranges between pairs of subvolumes where that keeps more names on the subvolume that has them.
    /// Only sensible when all ranges have the same size.
    /// </summary>
    public static void MaximiseOverlap(ReadOnlySpan<(uint Start, uint Stop)> old, Span<(uint Start, uint Stop)> ranges)
    {
        for (var i = 0; i < ranges.Length - 1; i++)
        {
            for (var j = i + 1; j < ranges.Length; j++)
            {
                var kept = Overlap(old[i], ranges[i]) + Overlap(old[j], ranges[j]);
                var exchanged = Overlap(old[i], ranges[j]) + Overlap(old[j], ranges[i]);
                if (exchanged > kept && HasRange(ranges[i]) && HasRange(ranges[j]))
                {
                    (ranges[i], ranges[j]) = (ranges[j], ranges[i]);
                }
            }
        }
    }

    /// <summary>Number of hashes two ranges have in common.</summary>
    public static ulong Overlap((uint Start, uint Stop) left, (uint Start, uint Stop) right)
    {
        if (!HasRange(left) || !HasRange(right))
        {
            return 0;
        }

        var start = Math.Max(left.Start, right.Start);
        var stop = Math.Min(left.Stop, right.Stop);
        return stop >= start ? stop - (ulong)start + 1 : 0;
    }

    private static bool HasRange((uint Start, uint Stop) range) => (range.Start | range.Stop) != 0;

    private static int CountReceivers(ReadOnlySpan<bool> eligible, int spread)
    {
        var count = 0;
        foreach (var one in eligible)
        {
            count += one ? 1 : 0;
        }

        return spread > 0 ? Math.Min(spread, count) : count;
    }

    private static ulong TotalWeight(
        ReadOnlySpan<ulong> weights, ReadOnlySpan<bool> eligible, int first, int receivers, out bool equal)
    {
        var total = 0UL;
        equal = false;
        for (int i = 0, given = 0; given < receivers; i++)
        {
            var at = (first + i) % weights.Length;
            if (eligible[at])
            {
                given++;
                total += weights[at];
                equal |= weights[at] == 0;
            }
        }

        equal |= total == 0;
        return equal ? (ulong)receivers : total;
    }
}
