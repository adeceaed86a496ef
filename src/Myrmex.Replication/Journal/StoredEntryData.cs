using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>
/// Data of an entry in its segment. It stays there until the entry is compacted, which is after it was applied. Other
/// files share its blocks after <see cref="ShareInto"/>, so the segment is removed then instead of being used again.
/// </summary>
internal sealed class StoredEntryData(Segment segment, long offset, int length, JournalMetrics metrics) : IStoredData
{
    public int Length => length;

    public Errno ShareInto(int descriptor, long targetOffset)
    {
        segment.MayBeCloned = true; // Before it is.
        var error = segment.File.ShareInto(descriptor, targetOffset, offset, length);
        if (error == Errno.Ok)
        {
            segment.AddShared(length);
            _ = Interlocked.Add(ref metrics.SharedBytes, length);
        }

        return error;
    }

    public Errno Read(Span<byte> target)
    {
        var buffer = PayloadPool.Shared.Rent(length);
        var error = segment.File.ReadFully(offset, buffer.GetSpan()[..length], out var count);
        buffer.GetSpan()[..length].CopyTo(target);
        buffer.Release();
        return error == Errno.Ok && count < length ? Errno.EIO : error;
    }
}
