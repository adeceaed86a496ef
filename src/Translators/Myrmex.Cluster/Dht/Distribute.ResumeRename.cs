using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>LINK and RENAME that an earlier run has begun: finished when it has decided, else taken back.</summary>
public sealed partial class Distribute
{
    private async ValueTask<LinkReply?> ResumeLinkAsync(LinkFop fop, Past past, PlanNote note, Call own)
    {
        var cached = note.Data!; // A plan of this kind has both.
        if (past.Has(StepKind.Own, cached))
        {
            var reply = await cached.Translator.Link(in fop, own);
            if (reply.IsOk)
            {
                RememberName(fop.NewParent, fop.NewName, fop.Gfid, cached);
            }

            return reply;
        }

        if (note.Hashed is not { } hashed || !past.Has(StepKind.MakeLink, hashed))
        {
            return null;
        }

        var locks = LockSet.RentForPlan(own);
        var error = await locks.NameAsync(hashed, fop.NewParent, fop.NewName);
        error = error == Errno.Ok
            ? await RemoveLinkOfAsync(hashed, fop.NewParent, fop.NewName, fop.Gfid, locks.Plan, StepKind.UndoLink)
            : error;
        await locks.UnlockAsync(error);
        return error == Errno.Ok || IsAbsence(error) ? null : LinkReply.Fail(error);
    }

    /// <summary>
    /// Under the locks that the plan had. A directory in which the names are may have been given another layout since:
    /// then others lock the names elsewhere, but what is done here is about this very file only.
    /// </summary>
    private async ValueTask<RenameReply?> ResumeRenameAsync(RenameFop fop, Past past, PlanNote note, Call own)
    {
        if (note.OldHashed is not { } oldHashed || note.Hashed is not { } newHashed)
        {
            return RenameReply.Fail(Errno.EIO);
        }

        ForgetName(fop.OldParent, fop.OldName);
        ForgetName(fop.NewParent, fop.NewName);
        var locks = LockSet.RentForPlan(own);
        WantNames(locks, fop, oldHashed, newHashed);
        var error = await locks.TakeAsync(sparesAbsent: true);
        var reply = error != Errno.Ok ? RenameReply.Fail(error)
            : note.Kind == PlanKind.RenameDirectory
                ? await ResumeRenameDirectoryAsync(fop, past, note, locks, own)
                : await ResumeRenameFileAsync(PlanOf(fop, note), past, locks.Plan, own);
        await locks.UnlockAsync(reply?.Error ?? Errno.Ok);
        return reply;
    }

    private static RenamePlan PlanOf(RenameFop fop, in PlanNote note)
    {
        var source = new Found(Errno.Ok, new Iatt { Gfid = note.Gfid }, note.Data, IsLed: true);
        var target = new Found(
            note.ReplacedAt is null ? Errno.ENOENT : Errno.Ok, new Iatt { Gfid = note.Replaced }, note.ReplacedAt,
            IsLed: false);
        return new RenamePlan(fop, source, note.Data!, note.OldHashed!, note.Hashed!, target); // The caller has looked.
    }

    private async ValueTask<RenameReply?> ResumeRenameFileAsync(RenamePlan plan, Past past, Call root, Call own)
    {
        var fop = plan.Fop;
        if (!past.Has(StepKind.Own, plan.Decider))
        {
            await TakeRenameBackAsync(plan, past, root);
            return null;
        }

        var reply = await plan.Decider.Translator.Rename(in fop, own);
        if (!reply.IsOk)
        {
            return reply;
        }

        if (plan.Kind == PlanKind.RenameLinked)
        {
            await AnswerAsLinkedAsync(reply, plan, past, root);
            var error = await RemoveDataAsync(
                plan.Cached, fop.OldParent, fop.OldName, plan.Gfid, root, StepKind.RemoveOldData);
            Tidy(error, plan.Cached, "old name");
        }

        if (plan.Kind == PlanKind.RenameOverOwn)
        {
            await MoveOldLinkAsync(plan, past, root);
        }
        else
        {
            await RemoveReplacedAsync(plan, root);
        }

        if (plan.OldHashed != plan.Cached && plan.OldHashed != plan.NewHashed
            && !past.Has(StepKind.RemoveOldLink, plan.OldHashed))
        {
            await RemoveLinkOfAsync(
                plan.OldHashed, fop.OldParent, fop.OldName, plan.Gfid, root, StepKind.RemoveOldLink);
        }

        RememberFile(plan.Gfid, plan.Cached);
        return reply;
    }

    /// <summary>The link file that the plan has made becomes the new name's, if it is still that.</summary>
    private static async ValueTask MoveOldLinkAsync(RenamePlan plan, Past past, Call root)
    {
        if (past.Has(StepKind.MoveLink, plan.NewHashed))
        {
            return;
        }

        var fop = plan.Fop;
        var lookup = await plan.NewHashed.Translator.Lookup(
            new LookupFop { Parent = fop.OldParent, Name = fop.OldName }, root);
        var isIt = lookup.IsOk && lookup.Iatt.Gfid == plan.Gfid;
        lookup.Release();
        if (isIt)
        {
            Tidy(await MoveLinkAsync(plan, root), plan.NewHashed, "link file");
        }
    }

    /// <summary>The attributes that the first run has answered: those that the further name of the data had.</summary>
    private async ValueTask AnswerAsLinkedAsync(RenameReply reply, RenamePlan plan, Past past, Call root)
    {
        var kind = past.Has(StepKind.LinkData, plan.Cached) ? StepKind.LinkData
            : past.Has(StepKind.RelinkData, plan.Cached) ? StepKind.RelinkData : StepKind.Own;
        if (kind == StepKind.Own)
        {
            var stat = await plan.Cached.Translator.Stat(new StatFop { Gfid = plan.Gfid }, root);
            reply.Iatt = stat.IsOk ? stat.Iatt : reply.Iatt;
            stat.Release();
            return;
        }

        var step = BeginStep(root, kind);
        var link = await plan.Cached.Translator.Link(
            new LinkFop { Gfid = plan.Gfid, NewParent = plan.Fop.NewParent, NewName = plan.Fop.NewName }, step);
        EndStep(step, root);
        reply.Iatt = link.IsOk ? link.Iatt with { Nlink = link.Iatt.Nlink - 1 } : reply.Iatt;
        link.Release();
    }

    /// <summary>
    /// Nothing was decided: the further name of the data goes, with a link file to it that a look-up may have made, and
    /// the link file that was put where the new name hashes to.
    /// </summary>
    private static async ValueTask TakeRenameBackAsync(RenamePlan plan, Past past, Call root)
    {
        var fop = plan.Fop;
        if (past.Has(StepKind.LinkData, plan.Cached) || past.Has(StepKind.RelinkData, plan.Cached))
        {
            if (plan.TargetAt is null)
            {
                await RemoveLinkOfAsync(
                    plan.NewHashed, fop.NewParent, fop.NewName, plan.Gfid, root, StepKind.RemoveLink);
            }

            var error = await RemoveDataAsync(
                plan.Cached, fop.NewParent, fop.NewName, plan.Gfid, root, StepKind.UndoData);
            Tidy(error, plan.Cached, "new name of a rename that was given up");
        }

        if (past.Has(StepKind.MakeLink, plan.NewHashed) || past.Has(StepKind.RemakeLink, plan.NewHashed))
        {
            await RemoveLinkOfAsync(plan.NewHashed, fop.OldParent, fop.OldName, plan.Gfid, root, StepKind.UndoLink);
        }
    }

    /// <summary>
    /// Renames where the earlier run has not, as it would have; where it had begun to go back, back everywhere.
    /// </summary>
    private async ValueTask<RenameReply?> ResumeRenameDirectoryAsync(
        RenameFop fop, Past past, PlanNote note, LockSet locks, Call own)
    {
        if (past.Find(StepKind.Back) is not null)
        {
            var renamed = Answers<RenameReply>.Rent(_subvolumes.Length);
            foreach (var subvolume in _subvolumes)
            {
                if (past.Has(StepKind.Own, subvolume) && !past.Has(StepKind.Back, subvolume))
                {
                    renamed.Put(subvolume.Index, RenameReply.Rent());
                }
            }

            await RenameBackAsync(renamed, fop, note.Replaced, locks);
            renamed.Release();
            return null;
        }

        if (past.Find(StepKind.Own) is null)
        {
            return null;
        }

        var sources = await ProbeAsync(default, fop.OldParent, fop.OldName, locks.Call);
        var reply = await RenameOnAllAsync(fop, note.OldHashed!, note.Hashed!, note.Replaced, sources, locks, own);
        sources.Release();
        NoteRenamed(reply, fop, note.Gfid, note.Replaced);
        return reply;
    }
}
