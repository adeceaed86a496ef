using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>Fops on content and attributes.</summary>
public sealed partial class JournalTranslator
{
    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call)
    {
        var f = fop;
        var gfid = f.Fd.FileOf(f.Gfid);
        var needsEnd = Evaluator.Appends(f.Fd, call) || f.XData?.Contains(JournalKeys.AvoidOverwrite) == true;
        return RunAsync<WriteReply>(
            Evaluator.KeysForRange(gfid, f.Offset, f.Data.Length, needsEnd),
            () => _evaluator.WriteAsync(f, call),
            static (reply, iatts) => (reply.Pre, reply.Post) = (iatts[0], iatts[1]),
            f.XData,
            gfid,
            isSync: ((f.Fd.Flags | f.Flags) & OpenFlags.DataSync) != 0); // A part of O_SYNC.
    }

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call)
    {
        var f = fop;
        return RunAsync<TruncateReply>(
            Evaluator.KeysForTruncate(f.Gfid),
            () => _evaluator.TruncateAsync(f, call),
            static (reply, iatts) => (reply.Pre, reply.Post) = (iatts[0], iatts[1]),
            f.XData,
            f.Gfid);
    }

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call)
    {
        var f = fop;
        return RunAsync<FtruncateReply>(
            Evaluator.KeysForTruncate(f.Fd.FileOf(f.Gfid)),
            () => _evaluator.FtruncateAsync(f, call),
            static (reply, iatts) => (reply.Pre, reply.Post) = (iatts[0], iatts[1]),
            f.XData,
            f.Fd.FileOf(f.Gfid));
    }

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call)
    {
        var f = fop;
        return RunAsync<FallocateReply>(
            Evaluator.KeysForRange(f.Fd.FileOf(f.Gfid), f.Offset, f.Length, needsEnd: false),
            () => _evaluator.FallocateAsync(f, call),
            static (reply, iatts) => (reply.Pre, reply.Post) = (iatts[0], iatts[1]),
            f.XData,
            f.Fd.FileOf(f.Gfid));
    }

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call)
    {
        var f = fop;
        return RunAsync<DiscardReply>(
            Evaluator.KeysForRange(f.Fd.FileOf(f.Gfid), f.Offset, f.Length, needsEnd: false),
            () => _evaluator.DiscardAsync(f, call),
            static (reply, iatts) => (reply.Pre, reply.Post) = (iatts[0], iatts[1]),
            f.XData,
            f.Fd.FileOf(f.Gfid));
    }

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call)
    {
        var f = fop;
        return RunAsync<ZerofillReply>(
            Evaluator.KeysForRange(f.Fd.FileOf(f.Gfid), f.Offset, f.Length, needsEnd: false),
            () => _evaluator.ZerofillAsync(f, call),
            static (reply, iatts) => (reply.Pre, reply.Post) = (iatts[0], iatts[1]),
            f.XData,
            f.Fd.FileOf(f.Gfid));
    }

    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call)
    {
        var f = fop;
        var (source, target) = (f.SourceFd.FileOf(f.Source), f.TargetFd.FileOf(f.Target));
        var keys = Evaluator.KeysForRange(target, f.TargetOffset, f.Length, needsEnd: false);
        if (f.Length > 0 && f.SourceOffset >= 0 && f.SourceOffset <= long.MaxValue - f.Length)
        {
            var read = ConflictKeys.Bytes(source, f.SourceOffset, f.SourceOffset + f.Length, isShared: true);
            ConflictKeys.Extend(keys, [read, ConflictKeys.Shared(ConflictKind.Size, source)]);
        }

        return RunAsync<CopyFileRangeReply>(
            keys,
            () => _evaluator.CopyFileRangeAsync(f, call),
            static (reply, iatts) => (reply.Iatt, reply.Pre, reply.Post) = (iatts[0], iatts[1], iatts[2]),
            f.XData);
    }

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call)
    {
        var f = fop;
        return RunAsync<SetattrReply>(
            Evaluator.KeysForSetattr(f.Gfid),
            () => _evaluator.SetattrAsync(FopCode.Setattr, f.Gfid, f.Iatt, f.Valid),
            static (reply, iatts) => (reply.Pre, reply.Post) = (iatts[0], iatts[1]),
            f.XData,
            f.Gfid);
    }

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call)
    {
        var f = fop;
        var gfid = f.Fd.FileOf(f.Gfid);
        return RunAsync<FsetattrReply>(
            Evaluator.KeysForSetattr(gfid),
            () => _evaluator.SetattrAsync(FopCode.Fsetattr, gfid, f.Iatt, f.Valid),
            static (reply, iatts) => (reply.Pre, reply.Post) = (iatts[0], iatts[1]),
            f.XData,
            gfid);
    }

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call)
    {
        var f = fop;
        return RunAsync<SetxattrReply>(
            Evaluator.KeysForXattrs(f.Gfid, default, f.Values),
            () => _evaluator.SetxattrAsync(FopCode.Setxattr, f.Gfid, f.Values, f.Flags, f.XData, call),
            (reply, iatts) => AddIatts(reply, iatts, f.XData),
            f.XData);
    }

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call)
    {
        var f = fop;
        var gfid = f.Fd.FileOf(f.Gfid);
        return RunAsync<FsetxattrReply>(
            Evaluator.KeysForXattrs(gfid, default, f.Values),
            () => _evaluator.SetxattrAsync(FopCode.Fsetxattr, gfid, f.Values, f.Flags, f.XData, call),
            (reply, iatts) => AddIatts(reply, iatts, f.XData),
            f.XData);
    }

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call)
    {
        var f = fop;
        return RunAsync<RemovexattrReply>(
            Evaluator.KeysForXattrs(f.Gfid, f.Name, null),
            () => _evaluator.RemovexattrAsync(FopCode.Removexattr, f.Gfid, f.Name, f.XData),
            (reply, iatts) => AddIatts(reply, iatts, f.XData),
            f.XData);
    }

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call)
    {
        var f = fop;
        var gfid = f.Fd.FileOf(f.Gfid);
        return RunAsync<FremovexattrReply>(
            Evaluator.KeysForXattrs(gfid, f.Name, null),
            () => _evaluator.RemovexattrAsync(FopCode.Fremovexattr, gfid, f.Name, f.XData),
            (reply, iatts) => AddIatts(reply, iatts, f.XData),
            f.XData);
    }

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call) => XattropAsync(fop);

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call) => FxattropAsync(fop);

    private async ValueTask<XattropReply> XattropAsync(XattropFop fop)
    {
        var answer = await _leader.RunAsync(
            SessionKey.Of(fop.XData),
            Evaluator.KeysForXattrs(fop.Gfid, default, fop.Values),
            () => _evaluator.XattropAsync(FopCode.Xattrop, fop.Gfid, fop.Kind, fop.Values));
        if (answer.Error != Errno.Ok)
        {
            return XattropReply.Fail(answer.Error);
        }

        var reply = XattropReply.Rent();
        reply.Values = ValuesOf(answer.Outcome);
        (reply.Pre, reply.Post) = (answer.Outcome.Iatts[0], answer.Outcome.Iatts[1]);
        if (AsksSomething(fop.XData))
        {
            await AnswerXDataAsync(fop.XData!, fop.Gfid, reply);
        }

        return reply;
    }

    private async ValueTask<FxattropReply> FxattropAsync(FxattropFop fop)
    {
        var gfid = fop.Fd.FileOf(fop.Gfid);
        var answer = await _leader.RunAsync(
            SessionKey.Of(fop.XData),
            Evaluator.KeysForXattrs(gfid, default, fop.Values),
            () => _evaluator.XattropAsync(FopCode.Fxattrop, gfid, fop.Kind, fop.Values));
        if (answer.Error != Errno.Ok)
        {
            return FxattropReply.Fail(answer.Error);
        }

        var reply = FxattropReply.Rent();
        reply.Values = ValuesOf(answer.Outcome);
        (reply.Pre, reply.Post) = (answer.Outcome.Iatts[0], answer.Outcome.Iatts[1]);
        if (AsksSomething(fop.XData))
        {
            await AnswerXDataAsync(fop.XData!, gfid, reply);
        }

        return reply;
    }

    private static XData ValuesOf(RecordedOutcome outcome)
    {
        var values = XData.Rent();
        foreach (var (name, value) in outcome.Values)
        {
            values.SetBytes(name.Span, value);
        }

        return values;
    }

    /// <summary>Three iatts under the names that distributing clients know, when they ask for them.</summary>
    private static void AddIatts(Reply reply, Iatt[] iatts, XData? xdata)
    {
        if (xdata is null || !(xdata.Contains(JournalKeys.IattInXattr) || xdata.Contains(JournalKeys.PreStat)
            || xdata.Contains(JournalKeys.PostStat)))
        {
            return;
        }

        var answer = reply.NeedXData();
        answer.SetIatt(JournalKeys.PreStat, in iatts[0]);
        answer.SetIatt(JournalKeys.PostStat, in iatts[1]);
        answer.SetIatt(JournalKeys.IattInXattr, in iatts[1]);
    }
}
