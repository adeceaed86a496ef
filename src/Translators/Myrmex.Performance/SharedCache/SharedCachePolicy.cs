using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Performance;

/// <summary>What performance/shared-cache knows.</summary>
/// <param name="clock">Of leases.</param>
/// <param name="slot">Where it is kept on an fd that a lock was asked for through it.</param>
internal sealed class SharedCacheState(IClock clock, int slot)
{
    private static readonly object Locked = new();

    private bool _isOn;
    private long _hits;
    private long _misses;

    public SharedCacheStore Store { get; } = new();

    public bool IsOn => Volatile.Read(ref _isOn);

    public long NowNs => clock.BootNs;

    public long Hits => Volatile.Read(ref _hits);

    public long Misses => Volatile.Read(ref _misses);

    public void Take(OptionValues options)
    {
        Store.Resize(options.Size(SharedCacheOptions.CacheSize));
        Volatile.Write(ref _isOn, options.Boolean(SharedCacheOptions.IsOn));
    }

    public void MarkLocked(Fd fd)
    {
        if (!fd.IsAnonymous)
        {
            fd.Set(slot, Locked);
        }
    }

    /// <summary>
    /// Servers answer what is done through it with an error when a lock was lost that was taken through it: they are
    /// asked.
    /// </summary>
    public bool IsLocked(Fd fd) => !fd.IsAnonymous && fd.Get(slot) is not null;

    public void CountHit() => Interlocked.Increment(ref _hits);

    public void CountMiss() => Interlocked.Increment(ref _misses);
}

/// <summary>Answers looks from memory, keeps the answers of others, and drops what changes touch.</summary>
public readonly struct SharedCachePolicy : IFopPolicy
{
    internal SharedCachePolicy(SharedCacheState state)
    {
        State = state;
    }

    internal SharedCacheState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (fop is LkFop { Command: not LockCommand.GetLock } lk)
        {
            State.MarkLocked(lk.Fd);
        }

        if (!State.IsOn)
        {
            return TFop.Invoke(next, in fop, call);
        }

        if (fop is LookupFop or StatFop or FstatFop or ReadFop or GetxattrFop or FgetxattrFop)
        {
            return IsCacheable(in fop)
                ? Look<TFop, TReply>(next, in fop, call) : TFop.Invoke(next, in fop, call);
        }

        var changed = ChangedInodes.By(in fop);
        return changed.IsNothing ? TFop.Invoke(next, in fop, call)
            : ChangeAsync<TFop, TReply>(next, fop, changed, call);
    }

    private bool IsCacheable<TFop>(in TFop fop)
        where TFop : struct => fop switch
        {
            LookupFop f => !f.Name.IsDotOrDotDot && IsKnown(f.XData),
            StatFop f => IsPlain(f.XData),
            FstatFop f => IsPlain(f.XData) && !State.IsLocked(f.Fd),
            ReadFop f => IsPlain(f.XData) && !State.IsLocked(f.Fd)
                && (f.Fd.IsAnonymous || (f.Fd.Flags & OpenFlags.AccessMode) != OpenFlags.WriteOnly),
            GetxattrFop f => IsPlain(f.XData) && IsStored(f.Name.Span),
            FgetxattrFop f => IsPlain(f.XData) && !State.IsLocked(f.Fd) && IsStored(f.Name.Span),
            _ => false,
        };

    private static bool IsPlain(XData? xdata) => xdata is null || xdata.Count == 0;

    /// <summary>An attribute that is nothing but what somebody has set.</summary>
    private static bool IsStored(ReadOnlySpan<byte> name) =>
        name.StartsWith("user."u8) || name.StartsWith("security."u8) || name.StartsWith("system."u8);

    /// <summary>
    /// All that the request asks about is what changes with the inode: not locks, open files, or what a brick is at.
    /// </summary>
    private static bool IsKnown(XData? xdata)
    {
        if (xdata is null)
        {
            return true;
        }

        if (xdata.Encoded.Length > SharedCacheLimits.XDataBytesMax)
        {
            return false;
        }

        foreach (var pair in xdata)
        {
            if (!IsStored(pair.Key) && !pair.Key.SequenceEqual(ListedContents.ContentKey)
                && !pair.Key.SequenceEqual(WishedGfid))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// The gfid that the inode is to get if it has none; another one with each request, and nothing to one that has.
    /// </summary>
    private static ReadOnlySpan<byte> WishedGfid => "gfid-req"u8;

    private ValueTask<TReply> Look<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var nowNs = State.NowNs;
        if (!State.Store.IsValid(nowNs))
        {
            State.CountMiss();
            return TFop.Invoke(next, in fop, call);
        }

        var xdata = TFop.XDataOf(in fop);
        XData? without = null;
        if (xdata is not null && xdata.Contains(WishedGfid))
        {
            xdata = without = xdata.Clone();
            without.Remove(WishedGfid);
        }

        var request = xdata is null ? default : xdata.Encoded;
        if (Find<TFop, TReply>(in fop, request, nowNs) is { } found)
        {
            without?.Release();
            State.CountHit();
            return new ValueTask<TReply>(found);
        }

        State.CountMiss();
        var key = request.ToArray();
        without?.Release();
        return LookAsync<TFop, TReply>(next, fop, key, nowNs, call);
    }

    private TReply? Find<TFop, TReply>(in TFop fop, ReadOnlySpan<byte> request, long nowNs)
        where TFop : struct
        where TReply : Reply => (TReply?)(fop switch
        {
            LookupFop f => (Reply?)State.Store.FindLookup(in f, request, nowNs),
            ReadFop f => State.Store.FindRead(f.Fd.FileOf(f.Gfid), f.Offset, f.Size, nowNs),
            StatFop f => FindStat(f.Gfid, nowNs),
            FstatFop f => FindFstat(f.Fd.FileOf(f.Gfid), nowNs),
            GetxattrFop f => FindXattr(f.Gfid, f.Name, nowNs),
            FgetxattrFop f => FindFileXattr(f.Fd.FileOf(f.Gfid), f.Name, nowNs),
            _ => null,
        });

    private StatReply? FindStat(in Gfid gfid, long nowNs)
    {
        if (!State.Store.TryFindStat(in gfid, nowNs, out var iatt))
        {
            return null;
        }

        var reply = StatReply.Rent();
        reply.Iatt = iatt;
        return reply;
    }

    private FstatReply? FindFstat(in Gfid gfid, long nowNs)
    {
        if (!State.Store.TryFindStat(in gfid, nowNs, out var iatt))
        {
            return null;
        }

        var reply = FstatReply.Rent();
        reply.Iatt = iatt;
        return reply;
    }

    private GetxattrReply? FindXattr(in Gfid gfid, in Name name, long nowNs)
    {
        if (!State.Store.TryFindXattr(in gfid, in name, nowNs, out var found))
        {
            return null;
        }

        var reply = found.Values is null ? GetxattrReply.Fail(Errno.ENODATA) : GetxattrReply.Rent();
        (reply.OpRet, reply.Values) = (found.OpRet, found.NewValues());
        return reply;
    }

    private FgetxattrReply? FindFileXattr(in Gfid gfid, in Name name, long nowNs)
    {
        if (!State.Store.TryFindXattr(in gfid, in name, nowNs, out var found))
        {
            return null;
        }

        var reply = found.Values is null ? FgetxattrReply.Fail(Errno.ENODATA) : FgetxattrReply.Rent();
        (reply.OpRet, reply.Values) = (found.OpRet, found.NewValues());
        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> LookAsync<TFop, TReply>(
        Translator next, TFop fop, byte[] request, long nowNs, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var look = State.Store.BeginLook(nowNs);
        try
        {
            var reply = await TFop.Invoke(next, in fop, call);
            Keep(in fop, reply, request, in look);
            return reply;
        }
        finally
        {
            State.Store.EndLook();
        }
    }

    /// <summary>Failures are not kept, but for names and attributes that are not there.</summary>
    private void Keep<TFop>(in TFop fop, Reply reply, byte[] request, in CacheLook look)
        where TFop : struct
    {
        switch (reply)
        {
            case LookupReply r when fop is LookupFop f && IsKeepable(in f, r):
                State.Store.Keep(in f, request, r, in look);
                break;
            case StatReply r when fop is StatFop f && IsKeepable(r, in r.Iatt, f.Gfid):
                State.Store.KeepStat(f.Gfid, in r.Iatt, in look);
                break;
            case FstatReply r when fop is FstatFop f && IsKeepable(r, in r.Iatt, f.Fd.FileOf(f.Gfid)):
                State.Store.KeepStat(f.Fd.FileOf(f.Gfid), in r.Iatt, in look);
                break;
            case ReadReply r when fop is ReadFop f && IsKeepable(r, in r.Iatt, f.Fd.FileOf(f.Gfid)) && f.Offset >= 0:
                State.Store.KeepRead(f.Fd.FileOf(f.Gfid), f.Offset, r, in look);
                break;
            case GetxattrReply r when fop is GetxattrFop f && IsKeepable(r):
                State.Store.KeepXattr(f.Gfid, f.Name, r, r.Values, in look);
                break;
            case FgetxattrReply r when fop is FgetxattrFop f && IsKeepable(r):
                State.Store.KeepXattr(f.Fd.FileOf(f.Gfid), f.Name, r, r.Values, in look);
                break;
        }
    }

    private static bool IsKeepable(in LookupFop fop, LookupReply reply)
    {
        var isNamed = SharedCacheStore.IsNamed(in fop);
        if (reply.Error == Errno.ENOENT)
        {
            return isNamed && IsPlain(reply.XData);
        }

        return reply.IsOk && !reply.Iatt.Gfid.IsNull && (isNamed || reply.Iatt.Gfid == fop.Gfid)
            && (reply.XData?.Encoded.Length ?? 0) <= SharedCacheLimits.XDataBytesMax;
    }

    /// <summary>Of an attribute.</summary>
    private static bool IsKeepable(Reply reply) =>
        IsPlain(reply.XData) && reply.Error is (Errno.Ok or Errno.ENODATA);

    /// <summary>A file without a name is known by its open files alone.</summary>
    private static bool IsKeepable(Reply reply, in Iatt iatt, in Gfid gfid) =>
        reply.IsOk && !reply.IsNotForCaches && IsPlain(reply.XData) && !iatt.IsNull && iatt.Gfid == gfid
            && iatt.Nlink > 0;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ChangeAsync<TFop, TReply>(
        Translator next, TFop fop, ChangedInodes changed, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        State.Store.BeginChange(in changed);
        try
        {
            return await TFop.Invoke(next, in fop, call);
        }
        finally
        {
            State.Store.EndChange(in changed);
        }
    }
}
