using System;
using System.Collections.Generic;

namespace Myrmex.Cluster.Journal;

/// <summary>A set of bytes of a file: ranges in order that neither overlap nor touch.</summary>
internal sealed class ByteRanges
{
    private readonly List<(long Begin, long End)> _ranges = [];

    /// <summary>Ranges it takes to say the set.</summary>
    public int Count => _ranges.Count;

    /// <summary>All of a range is in the set.</summary>
    public bool Covers(long begin, long end)
    {
        var at = FirstEndingFrom(end);
        return at < _ranges.Count && _ranges[at].Begin <= begin;
    }

    public void Add(long begin, long end)
    {
        if (begin >= end)
        {
            return;
        }

        var first = FirstEndingFrom(begin);
        var after = first;
        while (after < _ranges.Count && _ranges[after].Begin <= end)
        {
            begin = Math.Min(begin, _ranges[after].Begin);
            end = Math.Max(end, _ranges[after].End);
            after++;
        }

        if (after == first)
        {
            _ranges.Insert(first, (begin, end));
            return;
        }

        _ranges[first] = (begin, end);
        _ranges.RemoveRange(first + 1, after - first - 1);
    }

    /// <summary>The first range whose end is not before a place.</summary>
    private int FirstEndingFrom(long place)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _ranges[middle].End < place ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
