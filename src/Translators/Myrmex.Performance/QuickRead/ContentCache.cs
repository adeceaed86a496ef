using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// The content of small files in native memory, the least recently used goes first.
/// Invariants:
/// - nothing is answered of a file that is being changed through this graph, and nothing that was read before such a
/// change ended;
/// - content is answered only as long after it was known to be right as the timeout says;
/// - attributes that do not fit drop the content; attributes that fit make it right anew only if equal times mean
/// equal content.
/// </summary>
internal sealed class ContentCache
{
    private readonly Lock _guard = new(); // Guards everything here; a leaf lock.

    // A pool of its own: what is kept here must not count as work under way, which stops the links of the process.
    private readonly PayloadPool _pool = new(long.MaxValue);
    private readonly Dictionary<Gfid, CachedContent> _files = [];
    private readonly RecentChanges _changes = new(QuickReadLimits.ChangedFilesMax);
    private readonly UseOrder<CachedContent> _order = new();
    private int _count;
    private long _bytes;
    private long _bytesMax;

    public ContentCache(long bytesMax)
    {
        _bytesMax = bytesMax;
    }

    public bool IsEmpty => Volatile.Read(ref _count) == 0;

    /// <summary>Files and bytes; for people.</summary>
    public (int Files, long Bytes) Figures
    {
        get
        {
            lock (_guard)
            {
                return (_count, _bytes);
            }
        }
    }

    /// <summary>Bytes of native memory in use; for tests.</summary>
    internal long OutstandingBytes => _pool.OutstandingBytes;

    public void Resize(long bytesMax)
    {
        lock (_guard)
        {
            _bytesMax = bytesMax;
            Shrink();
        }
    }

    public void Clear()
    {
        lock (_guard)
        {
            while (_order.Oldest is { } oldest)
            {
                Remove(oldest);
            }
        }
    }

    /// <summary>A lookup that brings content starts. End it with <see cref="EndLook"/>.</summary>
    public long BeginLook()
    {
        lock (_guard)
        {
            return _changes.BeginLook();
        }
    }

    public void EndLook()
    {
        lock (_guard)
        {
            _changes.EndLook();
        }
    }

    /// <summary>
    /// Keeps content that a lookup begun at <paramref name="since"/> has brought, unless the file changed meanwhile.
    /// </summary>
    public bool TryStore(in Iatt iatt, ReadOnlySpan<byte> bytes, long since, long validNs, bool isSettled)
    {
        Payload data = default;
        if (!bytes.IsEmpty)
        {
            var buffer = _pool.Rent(bytes.Length);
            bytes.CopyTo(buffer.GetSpan());
            data = new Payload(buffer, 0, bytes.Length);
        }

        lock (_guard)
        {
            if (!_changes.MayHaveChanged(iatt.Gfid, since))
            {
                if (_files.TryGetValue(iatt.Gfid, out var old))
                {
                    Remove(old);
                }

                Add(CachedContent.Rent(in iatt, data, validNs, isSettled));
                Shrink();
                return true;
            }
        }

        data.Release();
        return false;
    }

    /// <summary>True when the content is here and the next attributes can tell whether it is right.</summary>
    public bool IsUseful(in Gfid gfid, long nowNs, long timeoutNs)
    {
        lock (_guard)
        {
            return _files.TryGetValue(gfid, out var content)
                && (content.IsSettled || nowNs - content.ValidNs < timeoutNs);
        }
    }

    public bool Contains(in Gfid gfid)
    {
        if (IsEmpty)
        {
            return false;
        }

        lock (_guard)
        {
            return _files.ContainsKey(gfid);
        }
    }

    /// <summary>
    /// A part of the content, which the caller then owns; false when it has to be read from the subvolume.
    /// </summary>
    public bool TryRead(
        in Gfid gfid, long offset, uint size, long nowNs, long timeoutNs, out Payload data, out bool isAtEnd)
    {
        data = default;
        isAtEnd = false;
        if (offset < 0 || IsEmpty)
        {
            return false;
        }

        lock (_guard)
        {
            if (!_files.TryGetValue(gfid, out var content) || nowNs - content.ValidNs >= timeoutNs)
            {
                return false;
            }

            _order.Touch(content);
            var start = (int)Math.Min(offset, content.Data.Length);
            var length = (int)Math.Min(size, content.Data.Length - start);
            isAtEnd = start + length == content.Data.Length;
            if (length > 0)
            {
                data = content.Data.Slice(start, length);
                data.Retain();
            }

            return true;
        }
    }

    /// <summary>Attributes of a file that a fop sent at <paramref name="sentNs"/> has brought.</summary>
    public void Observe(in Gfid gfid, in Iatt iatt, long sentNs)
    {
        if (IsEmpty || iatt.IsNull)
        {
            return;
        }

        lock (_guard)
        {
            if (!_files.TryGetValue(gfid, out var content))
            {
                return;
            }

            if (!content.IsOf(in iatt))
            {
                Remove(content);
            }
            else if (content.IsSettled)
            {
                content.ValidNs = Math.Max(content.ValidNs, sentNs);
            }
        }
    }

    /// <summary>A fop that changes the file starts. End it with <see cref="EndChange"/>.</summary>
    public void BeginChange(in Gfid gfid)
    {
        lock (_guard)
        {
            _changes.Begin(in gfid);
            Forget(in gfid);
        }
    }

    public void EndChange(in Gfid gfid)
    {
        lock (_guard)
        {
            _changes.End(in gfid);
            Forget(in gfid);
        }
    }

    /// <summary>The file has changed, or may have.</summary>
    public void Drop(in Gfid gfid)
    {
        lock (_guard)
        {
            Forget(in gfid);
        }
    }

    private void Forget(in Gfid gfid)
    {
        if (_files.TryGetValue(gfid, out var content))
        {
            Remove(content);
        }

        _changes.Note(in gfid);
    }

    private void Shrink()
    {
        while (_bytes > _bytesMax && _order.Oldest is { } oldest)
        {
            Remove(oldest);
        }
    }

    private void Add(CachedContent content)
    {
        _files.Add(content.Gfid, content);
        Volatile.Write(ref _count, _files.Count);
        _bytes += content.Cost;
        _order.Add(content);
    }

    private void Remove(CachedContent content)
    {
        _files.Remove(content.Gfid);
        Volatile.Write(ref _count, _files.Count);
        _bytes -= content.Cost;
        _order.Remove(content);
        content.Release();
    }
}
