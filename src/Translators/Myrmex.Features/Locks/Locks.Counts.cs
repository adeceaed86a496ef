using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>
/// Lock counters in replies, for fops whose xdata asks. All other fops go through with one look at the xdata.
/// </summary>
public sealed partial class Locks
{
    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call)
    {
        var asked = LockCountKeys.Asked(fop.XData);
        return asked == LockCounts.None ? Next.Lookup(in fop, call) : CountedLookup(fop, asked, call);
    }

    public override ValueTask<StatReply> Stat(in StatFop fop, Call call) =>
        Counted<StatFop, StatReply>(in fop, fop.Gfid, fop.XData, call);

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call) =>
        Counted<FstatFop, FstatReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
        Counted<OpenFop, OpenReply>(in fop, fop.Gfid, fop.XData, call);

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call) =>
        Counted<ReadFop, ReadReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) =>
        Counted<WriteFop, WriteReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call)
    {
        var gfid = fop.Fd.FileOf(fop.Gfid);
        DropHolder(in gfid, call, fop.XData);
        return Counted<FlushFop, FlushReply>(in fop, gfid, fop.XData, call);
    }

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call) =>
        Counted<FsyncFop, FsyncReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call) =>
        Counted<TruncateFop, TruncateReply>(in fop, fop.Gfid, fop.XData, call);

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call) =>
        Counted<FtruncateFop, FtruncateReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call) =>
        Counted<FallocateFop, FallocateReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call) =>
        Counted<DiscardFop, DiscardReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call) =>
        Counted<ZerofillFop, ZerofillReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call) =>
        Counted<XattropFop, XattropReply>(in fop, fop.Gfid, fop.XData, call);

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call) =>
        Counted<FxattropFop, FxattropReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call) =>
        Counted<SetattrFop, SetattrReply>(in fop, fop.Gfid, fop.XData, call);

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call) =>
        Counted<FsetattrFop, FsetattrReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.XData, call);

    private ValueTask<TReply> Counted<TFop, TReply>(in TFop fop, Gfid gfid, XData? xdata, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var asked = LockCountKeys.Asked(xdata);
        return asked == LockCounts.None
            ? TFop.Invoke(Next, in fop, call)
            : CountedAsync<TFop, TReply>(fop, gfid, asked, xdata!, call); // Nothing is asked without xdata.
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> CountedAsync<TFop, TReply>(
        TFop fop, Gfid gfid, LockCounts asked, XData request, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var reply = await TFop.Invoke(Next, in fop, call);
        if (reply.IsOk)
        {
            Fill(reply.NeedXData(), asked, request, in gfid, default, default);
        }

        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LookupReply> CountedLookup(LookupFop fop, LockCounts asked, Call call)
    {
        var reply = await Next.Lookup(in fop, call);
        if (reply.IsOk)
        {
            // Nothing is asked without xdata.
            Fill(reply.NeedXData(), asked, fop.XData!, in reply.Iatt.Gfid, fop.Parent, fop.Name);
        }

        return reply;
    }

    private void Fill(XData answer, LockCounts asked, XData request, in Gfid gfid, Gfid parent, Name name)
    {
        if ((asked & (LockCounts.Inodelk | LockCounts.InodelkOfDomain)) != 0)
        {
            // With a domain named, the plain key means that domain too.
            var count = request.TryGetBytes(LockCountKeys.InodelkOfDomain, out var domain)
                ? CountInodelk(in gfid, domain)
                : CountInodelk(in gfid);
            answer.SetInt(LockCountKeys.Inodelk, count);
        }

        if ((asked & LockCounts.InodelkOfDomains) != 0)
        {
            FillDomains(answer, request, in gfid);
        }

        if ((asked & LockCounts.Entrylk) != 0)
        {
            answer.SetInt(LockCountKeys.Entrylk, CountEntrylk(in gfid));
        }

        if ((asked & LockCounts.ParentEntrylk) != 0)
        {
            answer.SetInt(LockCountKeys.ParentEntrylk, !parent.IsNull && IsEntryHeld(in parent, name) ? 1 : 0);
        }

        if ((asked & LockCounts.Posix) != 0)
        {
            answer.SetInt(LockCountKeys.Posix, CountPosix(in gfid));
        }
    }

    private void FillDomains(XData answer, XData request, in Gfid gfid)
    {
        foreach (var pair in request)
        {
            if (pair.Key.StartsWith(LockCountKeys.InodelkOfDomains))
            {
                var domain = pair.Key[LockCountKeys.InodelkOfDomains.Length..];
                answer.SetInt(pair.Key, CountInodelk(in gfid, domain));
            }
        }
    }

    private int CountInodelk(in Gfid gfid)
    {
        var shard = ShardOf(in gfid);
        lock (shard.Guard)
        {
            return shard.Inodes.Count(in gfid);
        }
    }

    private int CountInodelk(in Gfid gfid, ReadOnlySpan<byte> domainText)
    {
        var shard = ShardOf(in gfid);
        lock (shard.Guard)
        {
            return shard.Inodes.Count(in gfid, domainText);
        }
    }

    private int CountEntrylk(in Gfid gfid)
    {
        var shard = ShardOf(in gfid);
        lock (shard.Guard)
        {
            return shard.Entries.Count(in gfid);
        }
    }

    private bool IsEntryHeld(in Gfid parent, Name name)
    {
        var shard = ShardOf(in parent);
        lock (shard.Guard)
        {
            return shard.Entries.IsHeld(in parent, new NameScope(name));
        }
    }

    private int CountPosix(in Gfid gfid)
    {
        if (_posixFileCount == 0)
        {
            return 0;
        }

        lock (_posixGuard)
        {
            return _posix.Count(in gfid);
        }
    }
}
