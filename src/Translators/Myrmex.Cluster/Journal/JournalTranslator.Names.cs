using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>Fops on names.</summary>
public sealed partial class JournalTranslator
{
    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call) => CreateAsync(fop, call);

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call)
    {
        var f = fop;
        return RunAsync<MknodReply>(
            Evaluator.KeysForNew(f.Parent, f.Name, f.XData),
            () => _evaluator.MknodAsync(f, call),
            static (reply, iatts) => (reply.Iatt, reply.PreParent, reply.PostParent) = (iatts[0], iatts[1], iatts[2]),
            f.XData);
    }

    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call)
    {
        var f = fop;
        return RunAsync<MkdirReply>(
            Evaluator.KeysForNew(f.Parent, f.Name, f.XData),
            () => _evaluator.MkdirAsync(f, call),
            static (reply, iatts) => (reply.Iatt, reply.PreParent, reply.PostParent) = (iatts[0], iatts[1], iatts[2]),
            f.XData);
    }

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call)
    {
        var f = fop;
        return RunAsync<SymlinkReply>(
            Evaluator.KeysForNew(f.Parent, f.Name, f.XData),
            () => _evaluator.SymlinkAsync(f, call),
            static (reply, iatts) => (reply.Iatt, reply.PreParent, reply.PostParent) = (iatts[0], iatts[1], iatts[2]),
            f.XData);
    }

    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call)
    {
        var f = fop;
        return RunAsync<LinkReply>(
            Evaluator.KeysForLink(f.Gfid, f.NewParent, f.NewName),
            () => _evaluator.LinkAsync(f),
            static (reply, iatts) => (reply.Iatt, reply.PreParent, reply.PostParent) = (iatts[0], iatts[1], iatts[2]),
            f.XData);
    }

    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call)
    {
        var f = fop;
        return RunAsync<UnlinkReply>(
            Evaluator.KeysForEntry(f.Parent, f.Name),
            () => _evaluator.UnlinkAsync(f, call),
            static (reply, iatts) => (reply.PreParent, reply.PostParent) = (iatts[0], iatts[1]),
            f.XData);
    }

    public override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call)
    {
        var f = fop;
        return RunAsync<RmdirReply>(
            Evaluator.KeysForEntry(f.Parent, f.Name),
            () => _evaluator.RmdirAsync(f),
            static (reply, iatts) => (reply.PreParent, reply.PostParent) = (iatts[0], iatts[1]),
            f.XData);
    }

    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call)
    {
        var f = fop;
        return RunAsync<RenameReply>(
            Evaluator.KeysForRename(f.OldParent, f.OldName, f.NewParent, f.NewName),
            () => _evaluator.RenameAsync(f, call),
            static (reply, iatts) =>
            {
                reply.Iatt = iatts[0];
                (reply.PreOldParent, reply.PostOldParent) = (iatts[1], iatts[2]);
                (reply.PreNewParent, reply.PostNewParent) = (iatts[3], iatts[4]);
            },
            f.XData);
    }

    public override ValueTask<PutReply> Put(in PutFop fop, Call call)
    {
        var f = fop;
        return RunAsync<PutReply>(
            Evaluator.KeysForEntry(f.Parent, f.Name),
            () => _evaluator.PutAsync(f, call),
            static (reply, iatts) => (reply.Iatt, reply.PreParent, reply.PostParent) = (iatts[0], iatts[1], iatts[2]),
            f.XData);
    }

    /// <summary>No client sends it.</summary>
    public override ValueTask<IcreateReply> Icreate(in IcreateFop fop, Call call) =>
        new(IcreateReply.Fail(Errno.EOPNOTSUPP));

    /// <summary>No client sends it.</summary>
    public override ValueTask<NamelinkReply> Namelink(in NamelinkFop fop, Call call) =>
        new(NamelinkReply.Fail(Errno.EOPNOTSUPP));

    /// <summary>The new or existing file is opened when it is there.</summary>
    private async ValueTask<CreateReply> CreateAsync(CreateFop fop, Call call)
    {
        var answer = await _leader.RunAsync(
            SessionKey.Of(fop.XData),
            Evaluator.KeysForNew(fop.Parent, fop.Name, fop.XData), () => _evaluator.CreateAsync(fop, call));
        var instead = answer.Evaluation.OpenInstead;
        if (answer.Error != Errno.Ok)
        {
            var failed = CreateReply.Fail(answer.Error);
            foreach (var (key, value) in answer.Evaluation.Answers)
            {
                failed.NeedXData().SetInt(key, value);
            }

            return failed;
        }

        var isNew = instead.IsNull;
        var gfid = isNew ? answer.Outcome.Iatts[0].Gfid : instead;
        var flags = fop.Flags & ~(OpenFlags.Create | OpenFlags.Exclusive);
        flags = isNew ? flags & ~OpenFlags.Truncate : flags;
        var opened = await Open(new OpenFop { Gfid = gfid, Flags = flags, Fd = fop.Fd, XData = fop.XData }, call);
        var error = opened.Error;
        opened.Release();
        if (error != Errno.Ok)
        {
            return CreateReply.Fail(error);
        }

        fop.Fd.Gfid = gfid;
        var reply = CreateReply.Rent();
        if (isNew)
        {
            var iatts = answer.Outcome.Iatts;
            (reply.Iatt, reply.PreParent, reply.PostParent) = (iatts[0], iatts[1], iatts[2]);
            return reply;
        }

        var view = await StoreView.StatAsync(Next, gfid, call);
        var parent = await StoreView.StatAsync(Next, fop.Parent, call);
        (reply.Iatt, reply.PreParent, reply.PostParent) = (view.Iatt, parent.Iatt, parent.Iatt);
        error = view.IsThere ? await _leader.ConfirmAsync(answer.Term) : view.Error; // Its last name may be gone.
        if (error == Errno.Ok)
        {
            return reply;
        }

        reply.Release();
        (await Release(new ReleaseFop { Gfid = gfid, Fd = fop.Fd }, call)).Release();
        return CreateReply.Fail(error);
    }
}
