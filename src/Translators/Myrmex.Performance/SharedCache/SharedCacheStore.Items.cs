using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>What is kept, by the kind of answer.</summary>
internal sealed partial class SharedCacheStore
{
    private enum Kind : ulong
    {
        Lookup = 1,
        Stat,
        Xattr,
        Page,
    }

    /// <summary>The answer to a LOOKUP; null when it is not here. The caller owns it.</summary>
    /// <param name="request">The request's dictionary, encoded.</param>
    public LookupReply? FindLookup(in LookupFop fop, ReadOnlySpan<byte> request, long nowNs)
    {
        var isNamed = IsNamed(in fop);
        CachedLookup? found;
        lock (_guard)
        {
            found = Find<CachedLookup>(KeyOf(in fop, isNamed, request), nowNs);
            if (found is null || found.Owner.Gfid != (isNamed ? fop.Parent : fop.Gfid)
                || !found.Name.AsSpan().SequenceEqual(isNamed ? fop.Name.Span : default)
                || !found.Request.AsSpan().SequenceEqual(request))
            {
                return null;
            }

            if (found.Child is { IsGone: true })
            {
                Remove(found);
                return null;
            }

            if (!fop.Gfid.IsNull && found.Child?.Gfid != fop.Gfid)
            {
                return null; // Who knows another inode by the name hears what the bricks say of that.
            }
        }

        if (found.Child is null)
        {
            return LookupReply.Fail(Errno.ENOENT);
        }

        var reply = LookupReply.Rent();
        reply.Iatt = found.Iatt;
        reply.PostParent = found.PostParent;
        if (found.Answer is { } answer)
        {
            reply.NeedXData().TryLoad(answer, found.AnswerCount);
        }

        return reply;
    }

    /// <summary>Keeps the answer to a LOOKUP: an inode, or that the name stands for nothing.</summary>
    public void Keep(in LookupFop fop, byte[] request, LookupReply reply, in CacheLook look)
    {
        var isNamed = IsNamed(in fop);
        var owner = isNamed ? fop.Parent : fop.Gfid;
        lock (_guard)
        {
            if (!MayKeep(in owner, in look) || (reply.IsOk && !MayKeep(in reply.Iatt.Gfid, in look)))
            {
                return;
            }

            var key = KeyOf(in fop, isNamed, request);
            MakePlace(key);
            var item = new CachedLookup
            {
                Key = key,
                Owner = Need(in owner),
                ExpiresNs = look.BeganNs + SharedCacheLimits.KeepNs,
                Name = isNamed ? fop.Name.Span.ToArray() : [],
                Request = request,
                Child = reply.IsOk ? Need(in reply.Iatt.Gfid) : null,
                Iatt = reply.Iatt,
                PostParent = reply.PostParent,
                Answer = reply.XData?.Encoded.ToArray(),
                AnswerCount = reply.XData?.Count ?? 0,
            };
            Add(item);
        }
    }

    public bool TryFindStat(in Gfid gfid, long nowNs, out Iatt iatt)
    {
        lock (_guard)
        {
            var found = Find<CachedStat>(KeyOf(Kind.Stat, in gfid, 0), nowNs);
            iatt = found is not null && found.Owner.Gfid == gfid ? found.Iatt : default;
            return found is not null && found.Owner.Gfid == gfid;
        }
    }

    public void KeepStat(in Gfid gfid, in Iatt iatt, in CacheLook look)
    {
        lock (_guard)
        {
            if (MayKeep(in gfid, in look))
            {
                var key = KeyOf(Kind.Stat, in gfid, 0);
                MakePlace(key);
                Add(new CachedStat
                {
                    Key = key,
                    Owner = Need(in gfid),
                    ExpiresNs = look.BeganNs + SharedCacheLimits.KeepNs,
                    Iatt = iatt,
                });
            }
        }
    }

    /// <summary>What is kept of an attribute; false when nothing is known of it.</summary>
    public bool TryFindXattr(
        in Gfid gfid, in Name name, long nowNs, [NotNullWhen(true)] out CachedXattr? found)
    {
        lock (_guard)
        {
            found = Find<CachedXattr>(KeyOf(Kind.Xattr, in gfid, HashOf(name.Span)), nowNs);
            found = found is not null && found.Owner.Gfid == gfid && name.Equals(found.Name) ? found : null;
            return found is not null;
        }
    }

    public void KeepXattr(in Gfid gfid, in Name name, Reply reply, XData? values, in CacheLook look)
    {
        lock (_guard)
        {
            if (MayKeep(in gfid, in look))
            {
                var key = KeyOf(Kind.Xattr, in gfid, HashOf(name.Span));
                MakePlace(key);
                Add(new CachedXattr
                {
                    Key = key,
                    Owner = Need(in gfid),
                    ExpiresNs = look.BeganNs + SharedCacheLimits.KeepNs,
                    Name = name.Span.ToArray(),
                    Values = reply.IsOk ? values?.Encoded.ToArray() ?? [] : null,
                    ValueCount = values?.Count ?? 0,
                    OpRet = reply.OpRet,
                });
            }
        }
    }

    /// <summary>The answer to a READ, if all of it is here; the caller owns it.</summary>
    public ReadReply? FindRead(in Gfid gfid, long offset, uint size, long nowNs)
    {
        if (offset < 0 || size is 0 or > SharedCacheLimits.ReadBytesMax)
        {
            return null;
        }

        var parts = ArrayPool<Payload>.Shared.Rent(2 + ((int)size / SharedCacheLimits.PageBytes));
        var reply = FindRead(in gfid, offset, size, nowNs, parts);
        ArrayPool<Payload>.Shared.Return(parts, clearArray: true);
        return reply;
    }

    /// <summary>Keeps the pages that a READ has brought as a whole; copies them.</summary>
    public void KeepRead(in Gfid gfid, long offset, ReadReply reply, in CacheLook look)
    {
        var size = (long)reply.Iatt.Size;
        var end = offset + reply.Data.Length;
        var first = (offset + SharedCacheLimits.PageBytes - 1) / SharedCacheLimits.PageBytes;
        for (var index = first; index * SharedCacheLimits.PageBytes < end; index++)
        {
            var start = index * SharedCacheLimits.PageBytes;
            var length = (int)Math.Min(SharedCacheLimits.PageBytes, size - start);
            if (start + length > end || length <= 0)
            {
                return;
            }

            var buffer = _pool.Rent(length);
            reply.Data.Span.Slice((int)(start - offset), length).CopyTo(buffer.GetSpan());
            KeepPage(in gfid, index, new Payload(buffer, 0, length), in reply.Iatt, in look);
        }
    }

    private ReadReply? FindRead(in Gfid gfid, long offset, uint size, long nowNs, Span<Payload> parts)
    {
        var count = 0;
        Iatt iatt;
        int length;
        lock (_guard)
        {
            if (PageAt(in gfid, offset / SharedCacheLimits.PageBytes, nowNs) is not { } first
                || offset >= (long)first.Iatt.Size)
            {
                return null;
            }

            iatt = first.Iatt;
            length = (int)Math.Min(size, (long)iatt.Size - offset);
            var end = offset + length;
            for (var at = offset; at < end; at += parts[count++].Length)
            {
                if (!TryTakePart(in gfid, at, end, in iatt, nowNs, out parts[count]))
                {
                    ReleaseAll(parts[..count]);
                    return null;
                }
            }
        }

        var reply = ReadReply.Rent();
        reply.Data = count == 1 ? parts[0] : Join(parts[..count], length);
        reply.OpRet = length;
        reply.Iatt = iatt;
        reply.Hint = offset + length == (long)iatt.Size ? Errno.ENOENT : Errno.Ok;
        return reply;
    }

    /// <summary>It looks a name up, and not an inode.</summary>
    internal static bool IsNamed(in LookupFop fop) => !fop.Parent.IsNull && !fop.Name.IsEmpty;

    private static Payload Join(ReadOnlySpan<Payload> parts, int length)
    {
        var buffer = PayloadPool.Shared.Rent(length);
        var at = 0;
        foreach (var part in parts)
        {
            part.Span.CopyTo(buffer.GetSpan()[at..]);
            at += part.Length;
            part.Release();
        }

        return new Payload(buffer, 0, length);
    }

    private static void ReleaseAll(ReadOnlySpan<Payload> parts)
    {
        foreach (var part in parts)
        {
            part.Release();
        }
    }

    private static ulong KeyOf(in LookupFop fop, bool isNamed, ReadOnlySpan<byte> request) => KeyOf(
        Kind.Lookup, isNamed ? fop.Parent : fop.Gfid,
        HashOf(isNamed ? fop.Name.Span : default) ^ (HashOf(request) * 3) ^ fop.Flags);

    private static ulong KeyOf(Kind kind, in Gfid gfid, ulong more) => Mix(
        Mix(Mix(gfid.High ^ ((ulong)kind << 56)) ^ gfid.Low) ^ more);

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 32)) * 0xD6E8FEB86659FD93UL;
        value = (value ^ (value >> 32)) * 0xD6E8FEB86659FD93UL;
        return value ^ (value >> 32);
    }

    private static ulong HashOf(ReadOnlySpan<byte> bytes)
    {
        var hash = 0x9E3779B97F4A7C15UL ^ (ulong)bytes.Length;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 0x100000001B3UL;
        }

        return Mix(hash);
    }

    private T? Find<T>(ulong key, long nowNs)
        where T : CachedItem
    {
        if (!IsValid(nowNs) || !_items.TryGetValue(key, out var item))
        {
            return null;
        }

        if (item.ExpiresNs <= nowNs)
        {
            Remove(item);
            return null;
        }

        _order.Touch(item);
        return item as T;
    }

    private CachedPage? PageAt(in Gfid gfid, long index, long nowNs)
    {
        var page = Find<CachedPage>(KeyOf(Kind.Page, in gfid, (ulong)index), nowNs);
        return page is not null && page.Owner.Gfid == gfid && page.Index == index ? page : null;
    }

    /// <summary>What a page has of the bytes of a read; retained.</summary>
    private bool TryTakePart(in Gfid gfid, long offset, long end, in Iatt iatt, long nowNs, out Payload part)
    {
        part = default;
        var index = offset / SharedCacheLimits.PageBytes;
        var start = (int)(offset - (index * SharedCacheLimits.PageBytes));
        if (PageAt(in gfid, index, nowNs) is not { } page || page.Iatt.Size != iatt.Size || start >= page.Data.Length)
        {
            return false;
        }

        part = page.Data.Slice(start, (int)Math.Min(end - offset, page.Data.Length - start));
        part.Retain();
        return true;
    }

    private void KeepPage(in Gfid gfid, long index, Payload data, in Iatt iatt, in CacheLook look)
    {
        lock (_guard)
        {
            if (MayKeep(in gfid, in look))
            {
                var key = KeyOf(Kind.Page, in gfid, (ulong)index);
                MakePlace(key);
                Add(new CachedPage
                {
                    Key = key,
                    Owner = Need(in gfid),
                    ExpiresNs = look.BeganNs + SharedCacheLimits.KeepNs,
                    Index = index,
                    Data = data,
                    Iatt = iatt,
                });
                return;
            }
        }

        data.Release();
    }
}
