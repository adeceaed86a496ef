using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Performance;

/// <summary>
/// Fetches the content of small files with their lookup and answers reads from it, as long as it is known to be right.
/// See README.md.
/// </summary>
public sealed partial class QuickRead : Translator
{
    private readonly ContentCache _cache;
    private readonly OpenHistory _history = new();
    private readonly ListingHistory _listings = new();
    private QuickReadSettings _settings;
    private long _fetchedCount;
    private long _listedCount;
    private long _answeredCount;
    private long _passedCount;

    public QuickRead(TranslatorPlace place)
        : base(place)
    {
        _settings = QuickReadSettings.From(place.Options);
        _cache = new ContentCache(_settings.CacheBytes);
    }

    public static TranslatorRegistration Registration { get; } =
        new("performance/quick-read", place => new QuickRead(place), QuickReadOptions.All, Maturity.Experimental);

    internal ContentCache Cache => _cache;

    private static ReadOnlySpan<byte> ContentKey => ListedContents.ContentKey;

    private QuickReadSettings Settings => Volatile.Read(ref _settings);

    private long NowNs => Seams.Clock.MonotonicNs;

    public override bool Reconfigure(OptionValues options)
    {
        var settings = QuickReadSettings.From(options);
        Volatile.Write(ref _settings, settings);
        _cache.Resize(settings.IsOn ? settings.CacheBytes : 0);
        return true;
    }

    public override void Stop() => _cache.Clear();

    public override void DumpState(StateDump dump)
    {
        var (files, bytes) = _cache.Figures;
        dump.Section(Type, Name);
        dump.Put("files", files);
        dump.Put("bytes", bytes);
        dump.Put("contents-fetched", Volatile.Read(ref _fetchedCount));
        dump.Put("contents-listed", Volatile.Read(ref _listedCount));
        dump.Put("listing-allowance", _listings.AllowanceBytes);
        dump.Put("reads-answered", Volatile.Read(ref _answeredCount));
        dump.Put("reads-passed", Volatile.Read(ref _passedCount));
    }

    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
        if (graphEvent.Kind == GraphEventKind.Invalidate)
        {
            _cache.Drop(graphEvent.Gfid);
        }

        base.Notify(in graphEvent, source);
    }

    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call)
    {
        var settings = Settings;
        if (!settings.IsOn)
        {
            return Next.Lookup(in fop, call);
        }

        var nowNs = NowNs;
        if (MustFetch(in fop, settings, nowNs))
        {
            return LookupWithContent(fop, call, settings, nowNs);
        }

        var task = Next.Lookup(in fop, call);
        if (!task.IsCompletedSuccessfully)
        {
            return LookupObserved(task, fop, settings, nowNs);
        }

#pragma warning disable VSTHRD103 // The task is complete.
        var reply = task.Result;
#pragma warning restore VSTHRD103
        Learn(in fop, reply, settings, nowNs);
        return new ValueTask<LookupReply>(reply);
    }

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call)
    {
        if ((fop.Flags & OpenFlags.Truncate) != 0)
        {
            return Changing<OpenFop, OpenReply>(in fop, fop.Gfid, call);
        }

        if ((fop.Flags & OpenFlags.AccessMode) != OpenFlags.WriteOnly)
        {
            _history.Opened(fop.Gfid);
        }

        return Next.Open(in fop, call);
    }

    /// <summary>The answer from memory has no attributes: they would look newer than they are.</summary>
    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
    {
        var gfid = fop.Fd.FileOf(fop.Gfid);
        if (fop.Offset == 0)
        {
            _listings.Read(in gfid, NowNs);
        }

        if (fop.XData is null && ((fop.Flags | fop.Fd.Flags) & OpenFlags.Direct) == 0
            && _cache.TryRead(gfid, fop.Offset, fop.Size, NowNs, Settings.TimeoutNs, out var data, out var isAtEnd))
        {
            Interlocked.Increment(ref _answeredCount);
            var reply = ReadReply.Rent();
            reply.Data = data;
            reply.OpRet = data.Length;
            reply.Hint = isAtEnd ? Errno.ENOENT : Errno.Ok;
            return new ValueTask<ReadReply>(reply);
        }

        Interlocked.Increment(ref _passedCount);
        return Observing<ReadFop, ReadReply, ReadPost>(in fop, in gfid, call);
    }

    /// <summary>
    /// Content is asked for when the name may stand for a small file that will be opened soon and is not here. What is
    /// here and old is
    /// not fetched again: the attributes that come with every lookup tell whether it is still right.
    /// </summary>
    private bool MustFetch(in LookupFop fop, QuickReadSettings settings, long nowNs)
    {
        if (fop.Parent.IsNull || fop.Name.IsEmpty || (fop.XData is { } request && request.Contains(ContentKey)))
        {
            return false;
        }

        var kind = _history.KindOf(fop.Parent, fop.Name, out var gfid);
        return kind switch
        {
            OpenHistory.NameKind.Other => false,
            OpenHistory.NameKind.SmallFile when _cache.IsUseful(in gfid, nowNs, settings.TimeoutNs) => false,
            _ => _history.IsWorthFetching(fop.Parent),
        };
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LookupReply> LookupWithContent(
        LookupFop fop, Call call, QuickReadSettings settings, long sentNs)
    {
        var request = fop.XData is null ? XData.Rent() : fop.XData.Clone();
        request.SetUInt(ContentKey, (ulong)settings.FileBytesMax);
        var since = _cache.BeginLook();
        try
        {
            var reply = await Next.Lookup(fop with { XData = request }, call);
            TakeContent(fop.Parent, reply, settings, since, sentNs);
            Learn(in fop, reply, settings, sentNs);
            return reply;
        }
        finally
        {
            _cache.EndLook();
            request.Release();
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LookupReply> LookupObserved(
        ValueTask<LookupReply> task, LookupFop fop, QuickReadSettings settings, long sentNs)
    {
        var reply = await task;
        Learn(in fop, reply, settings, sentNs);
        return reply;
    }

    private void TakeContent(in Gfid parent, LookupReply reply, QuickReadSettings settings, long since, long sentNs)
    {
        if (!reply.IsOk || reply.XData is not { } xdata || !xdata.TryGetBytes(ContentKey, out var content))
        {
            return;
        }

        if (IsSmallFile(in reply.Iatt, settings) && (ulong)content.Length == reply.Iatt.Size
            && _cache.TryStore(in reply.Iatt, content, since, sentNs, IsSettled(in reply.Iatt)))
        {
            Interlocked.Increment(ref _fetchedCount);
            _history.Fetched(in parent);
        }

        xdata.Remove(ContentKey);
    }

    private void Learn(in LookupFop fop, LookupReply reply, QuickReadSettings settings, long sentNs)
    {
        if (!reply.IsOk || reply.Iatt.Gfid.IsNull)
        {
            return;
        }

        if (!fop.Parent.IsNull && !fop.Name.IsEmpty)
        {
            _history.Seen(fop.Parent, fop.Name, in reply.Iatt.Gfid, IsSmallFile(in reply.Iatt, settings));
        }

        _cache.Observe(in reply.Iatt.Gfid, in reply.Iatt, sentNs);
    }

    private static bool IsSmallFile(in Iatt iatt, QuickReadSettings settings) =>
        iatt.IsRegular && iatt.Size <= (ulong)settings.FileBytesMax && !iatt.Gfid.IsNull;

    /// <summary>The times are so old that another change would make others.</summary>
    private bool IsSettled(in Iatt iatt)
    {
        var newestSeconds = Math.Max(iatt.Mtime, iatt.Ctime);
        return newestSeconds < (Seams.Clock.WallNs - QuickReadLimits.SettledNs) / 1_000_000_000;
    }
}
