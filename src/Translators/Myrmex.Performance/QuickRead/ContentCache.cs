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
    private readonly Dictionary<Gfid, int> _changing = [];
    private readonly Dictionary<Gfid, long> _changed = [];
    private CachedContent? _newest;
    private CachedContent? _oldest;
    private int _count;
    private long _bytes;
    private long _bytesMax;
    private int _lookers;
    private long _now;
    private long _forgottenAt = -1; // Changes that ended up to here are not remembered.

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
            while (_oldest is not null)
            {
                Remove(_oldest);
            }
        }
    }

    /// <summary>A lookup that brings content starts. End it with <see cref="EndLook"/>.</summary>
    public long BeginLook()
    {
        lock (_guard)
        {
            _lookers++;
            return ++_now;
        }
    }

    public void EndLook()
    {
        lock (_guard)
        {
            if (--_lookers == 0)
            {
                _changed.Clear();
                _forgottenAt = _now;
            }
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
            if (!MayHaveChanged(iatt.Gfid, since))
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

            Touch(content);
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
            _changing[gfid] = _changing.GetValueOrDefault(gfid) + 1;
            Forget(in gfid);
        }
    }

    public void EndChange(in Gfid gfid)
    {
        lock (_guard)
        {
            var others = _changing.GetValueOrDefault(gfid) - 1;
            Invariant.Check(others >= 0);
            if (others == 0)
            {
                _changing.Remove(gfid);
            }
            else
            {
                _changing[gfid] = others;
            }

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

        if (_lookers == 0)
        {
            return;
        }

        if (_changed.Count >= QuickReadLimits.ChangedFilesMax)
        {
            _changed.Clear();
            _forgottenAt = _now;
        }

        _changed[gfid] = ++_now;
    }

    private bool MayHaveChanged(in Gfid gfid, long since) =>
        since <= _forgottenAt || _changing.ContainsKey(gfid)
        || (_changed.TryGetValue(gfid, out var at) && at > since);

    private void Shrink()
    {
        while (_bytes > _bytesMax && _oldest is not null)
        {
            Remove(_oldest);
        }
    }

    private void Add(CachedContent content)
    {
        _files.Add(content.Gfid, content);
        Volatile.Write(ref _count, _files.Count);
        _bytes += content.Cost;
        Enqueue(content);
    }

    private void Remove(CachedContent content)
    {
        _files.Remove(content.Gfid);
        Volatile.Write(ref _count, _files.Count);
        _bytes -= content.Cost;
        Dequeue(content);
        content.Release();
    }

    private void Touch(CachedContent content)
    {
        if (!ReferenceEquals(content, _newest))
        {
            Dequeue(content);
            Enqueue(content);
        }
    }

    private void Enqueue(CachedContent content)
    {
        content.Older = _newest;
        content.Newer = null;
        if (_newest is not null)
        {
            _newest.Newer = content;
        }

        _newest = content;
        _oldest ??= content;
    }

    private void Dequeue(CachedContent content)
    {
        if (content.Newer is null)
        {
            _newest = content.Older;
        }
        else
        {
            content.Newer.Older = content.Older;
        }

        if (content.Older is null)
        {
            _oldest = content.Newer;
        }
        else
        {
            content.Older.Newer = content.Newer;
        }
    }
}
