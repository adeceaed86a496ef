using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>Which locks of a file an administrator clears. Source: getxattr name glusterfs.clrlk.</summary>
/// <param name="Held">Clear granted locks.</param>
/// <param name="Waiting">Clear blocked requests.</param>
/// <param name="Range">Only locks of exactly this range (first and last byte); null for all.</param>
/// <param name="EntryName">Only locks of exactly this name; empty for all.</param>
public readonly record struct LockClearing(bool Held, bool Waiting, (long Start, long End)? Range, Name EntryName)
{
    public bool Covers(long start, long end) => Range is not { } range || range == (start, end);
}
