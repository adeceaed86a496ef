using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// Fops that change content, which drop it, and fops that bring attributes, which prove it right or wrong.
/// </summary>
public sealed partial class QuickRead
{
    /// <summary>How to get at the attributes of the file in a reply.</summary>
    private interface IPost<in TReply>
    {
        static abstract ref Iatt Of(TReply reply);
    }

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) =>
        Changing<WriteFop, WriteReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call) =>
        Changing<TruncateFop, TruncateReply>(in fop, fop.Gfid, call);

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call) =>
        Changing<FtruncateFop, FtruncateReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call) =>
        Changing<FallocateFop, FallocateReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call) =>
        Changing<DiscardFop, DiscardReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call) =>
        Changing<ZerofillFop, ZerofillReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call) =>
        Changing<CopyFileRangeFop, CopyFileRangeReply>(in fop, fop.TargetFd.FileOf(fop.Target), call);

    /// <summary>Whoever gets a lock wants to see what the one before him has written.</summary>
    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) =>
        fop.Command == LockCommand.GetLock || fop.Type == LockType.Unlock
            ? Next.Lk(in fop, call)
            : Changing<LkFop, LkReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call) =>
        Changing<LeaseFop, LeaseReply>(in fop, fop.Gfid, call);

    /// <summary>May truncate a file that was there; which one is known only afterwards.</summary>
    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call)
    {
        var task = Next.Create(in fop, call);
        return (fop.Flags & OpenFlags.Truncate) == 0 ? task : Created(task);
    }

    public override ValueTask<StatReply> Stat(in StatFop fop, Call call) =>
        Observing<StatFop, StatReply, StatPost>(in fop, fop.Gfid, call);

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call) =>
        Observing<FstatFop, FstatReply, FstatPost>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call) =>
        Observing<SetattrFop, SetattrReply, SetattrPost>(in fop, fop.Gfid, call);

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call) =>
        Observing<FsetattrFop, FsetattrReply, FsetattrPost>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call) =>
        Observing<LinkFop, LinkReply, LinkPost>(in fop, fop.Gfid, call);

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call) =>
        Settings.IsOn ? ReaddirpObserved(fop, call) : Next.Readdirp(in fop, call);

    private ValueTask<TReply> Changing<TFop, TReply>(in TFop fop, in Gfid gfid, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        _cache.BeginChange(in gfid);
        var task = TFop.Invoke(Next, in fop, call);
        if (!task.IsCompletedSuccessfully)
        {
            return Changed(task, gfid);
        }

        _cache.EndChange(in gfid);
        return task;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> Changed<TReply>(ValueTask<TReply> task, Gfid gfid)
    {
        try
        {
            return await task;
        }
        finally
        {
            _cache.EndChange(in gfid);
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<CreateReply> Created(ValueTask<CreateReply> task)
    {
        var reply = await task;
        if (reply.IsOk)
        {
            _cache.Drop(in reply.Iatt.Gfid);
        }

        return reply;
    }

    private ValueTask<TReply> Observing<TFop, TReply, TPost>(in TFop fop, in Gfid gfid, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TPost : struct, IPost<TReply> =>
        _cache.Contains(in gfid)
            ? Observed<TReply, TPost>(TFop.Invoke(Next, in fop, call), gfid, NowNs)
            : TFop.Invoke(Next, in fop, call);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> Observed<TReply, TPost>(ValueTask<TReply> task, Gfid gfid, long sentNs)
        where TReply : Reply
        where TPost : struct, IPost<TReply>
    {
        var reply = await task;
        if (reply.IsOk)
        {
            _cache.Observe(in gfid, in TPost.Of(reply), sentNs);
        }

        return reply;
    }

    private readonly struct ReadPost : IPost<ReadReply>
    {
        public static ref Iatt Of(ReadReply reply) => ref reply.Iatt;
    }

    private readonly struct StatPost : IPost<StatReply>
    {
        public static ref Iatt Of(StatReply reply) => ref reply.Iatt;
    }

    private readonly struct FstatPost : IPost<FstatReply>
    {
        public static ref Iatt Of(FstatReply reply) => ref reply.Iatt;
    }

    private readonly struct SetattrPost : IPost<SetattrReply>
    {
        public static ref Iatt Of(SetattrReply reply) => ref reply.Post;
    }

    private readonly struct FsetattrPost : IPost<FsetattrReply>
    {
        public static ref Iatt Of(FsetattrReply reply) => ref reply.Post;
    }

    private readonly struct LinkPost : IPost<LinkReply>
    {
        public static ref Iatt Of(LinkReply reply) => ref reply.Iatt;
    }
}
