using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>What one subvolume said about a directory when it was last looked up.</summary>
/// <param name="Error">Ok: the directory is there. ENOENT: it is missing. Anything else: not known.</param>
/// <param name="HasXattr">The directory carries a layout value, be it one without a range.</param>
internal readonly record struct LayoutPart(Errno Error, bool HasXattr, LayoutXattr Xattr)
{
    public bool HasRange => HasXattr && Xattr.HasRange;

    public bool IsMissing => Error is Errno.ENOENT or Errno.ESTALE;

    public bool IsUnknown => Error != Errno.Ok && !IsMissing;
}

/// <summary>
/// The layout of one directory: the hash ranges of all subvolumes, sorted, and what each of them said. Immutable; a
/// change makes a new one. Invariant: <see cref="Find"/> never answers a subvolume that has no range.
/// </summary>
internal sealed class Layout
{
    private static long _numbers;

    private readonly LayoutPart[] _parts;
    private readonly Range[] _ranges;

    /// <param name="parts">By subvolume index; taken over.</param>
    /// <param name="mds">Index of the subvolume that keeps the directory's metadata, -1 when none is marked.</param>
    public Layout(LayoutPart[] parts, int mds)
    {
        _parts = parts;
        Mds = mds;
        _ranges = SortedRanges(parts);
        CommitHash = CommonCommitHash(parts);
        (HasHoles, HasOverlaps) = Anomalies(_ranges);
        foreach (var part in parts)
        {
            HasMissing |= part.IsMissing;
            HasUnknown |= part.IsUnknown;
            IsFixed |= part.HasRange && part.Xattr.Type == LayoutXattr.TypeFixed;
        }
    }

    /// <summary>Tells this layout from all others of this process; above 0.</summary>
    public long Number { get; } = Interlocked.Increment(ref _numbers);

    public int SubvolumeCount => _parts.Length;

    /// <summary>Subvolume whose metadata counts, -1 when no subvolume is marked.</summary>
    public int Mds { get; }

    /// <summary>
    /// Common commit hash of all ranges; <see cref="LayoutXattr.CommitHashInvalid"/> when they differ.
    /// </summary>
    public uint CommitHash { get; }

    /// <summary>No subvolume has a range.</summary>
    public bool IsBlank => _ranges.Length == 0;

    public bool HasHoles { get; }

    public bool HasOverlaps { get; }

    /// <summary>The directory is known to be missing on a subvolume.</summary>
    public bool HasMissing { get; }

    /// <summary>A subvolume gave no answer that could be trusted.</summary>
    public bool HasUnknown { get; }

    /// <summary>An administrator has set it; it is not to be recomputed.</summary>
    public bool IsFixed { get; }

    /// <summary>Every hash has exactly one subvolume.</summary>
    public bool IsWhole => !HasHoles && !HasOverlaps;

    public LayoutPart this[int subvolume] => _parts[subvolume];

    /// <summary>Index of the subvolume responsible for a hash, -1 when the hash falls into a hole.</summary>
    public int Find(uint hash)
    {
        var low = 0;
        var high = _ranges.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            ref readonly var range = ref _ranges[middle];
            if (hash < range.Start)
            {
                high = middle - 1;
            }
            else if (hash > range.Stop)
            {
                low = middle + 1;
            }
            else
            {
                return range.Subvolume;
            }
        }

        return -1;
    }

    /// <summary>
    /// True when nothing in <paramref name="parts"/> and <paramref name="mds"/> differs from this layout.
    /// </summary>
    public bool Says(ReadOnlySpan<LayoutPart> parts, int mds) => mds == Mds && parts.SequenceEqual(_parts);

    public LayoutPart[] CopyParts() => (LayoutPart[])_parts.Clone();

    private static Range[] SortedRanges(LayoutPart[] parts)
    {
        var count = 0;
        foreach (var part in parts)
        {
            count += part.HasRange ? 1 : 0;
        }

        var ranges = new Range[count];
        count = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i].HasRange)
            {
                ranges[count++] = new Range(parts[i].Xattr.Start, parts[i].Xattr.Stop, i);
            }
        }

        Array.Sort(ranges, static (a, b) =>
            a.Start != b.Start ? a.Start.CompareTo(b.Start) : a.Subvolume.CompareTo(b.Subvolume));
        return ranges;
    }

    private static uint CommonCommitHash(LayoutPart[] parts)
    {
        uint? common = null;
        foreach (var part in parts)
        {
            if (part.HasRange && part.Xattr.CommitHash != (common ??= part.Xattr.CommitHash))
            {
                return LayoutXattr.CommitHashInvalid;
            }
        }

        return common ?? LayoutXattr.CommitHashInvalid;
    }

    private static (bool Holes, bool Overlaps) Anomalies(Range[] ranges)
    {
        var holes = false;
        var overlaps = false;
        ulong next = 0;
        foreach (var range in ranges)
        {
            holes |= range.Start > next;
            overlaps |= range.Start < next;
            next = Math.Max(next, range.Stop + 1UL);
        }

        return (holes || next <= uint.MaxValue, overlaps);
    }

    private readonly record struct Range(uint Start, uint Stop, int Subvolume);
}
