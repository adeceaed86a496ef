using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>RENAME of a directory: on all subvolumes, with a way back.</summary>
public sealed partial class Distribute
{
    private async ValueTask<RenameReply> RenameDirectoryAsync(
        RenameFop fop, Subvolume oldHashed, Subvolume newHashed, Gfid gfid, Call call)
    {
        if (!AllUp())
        {
            // A subvolume that is away would come back with the old name.
            return RenameReply.Fail(Errno.ENOTCONN);
        }

        var locks = LockSet.RentForPlan(call);
        WantNames(locks, fop, oldHashed, newHashed);
        var error = await locks.TakeAsync();
        var strays = new Strays();
        var reply = error == Errno.Ok
            ? await RenameDirectoryLockedAsync(fop, oldHashed, newHashed, gfid, strays, locks, call)
            : RenameReply.Fail(error);
        await locks.UnlockAsync(reply.Error);
        if (strays.Links is { } links)
        {
            error = await RemoveStrayLinksAsync(strays.Directory, links, call);
            reply.Error = error == Errno.Ok ? Errno.EAGAIN : error;
        }

        return reply;
    }

    /// <summary>
    /// With both names locked: the old one is still this directory, and the new one is free or an empty directory.
    /// </summary>
    private async ValueTask<RenameReply> RenameDirectoryLockedAsync(
        RenameFop fop, Subvolume oldHashed, Subvolume newHashed, Gfid gfid, Strays strays, LockSet locks, Call call)
    {
        var root = locks.Call;
        var placing = ArePlacedAsync(fop, oldHashed, newHashed, root);
        var probing = ProbeAsync(default, fop.OldParent, fop.OldName, root);
        var target = await FindAsync(fop.NewParent, fop.NewName, newHashed, expected: null, root);
        var sources = await probing;
        var arePlaced = await placing;
        if (arePlaced && IsOneDirectory(sources, gfid) && IsMissingSomewhere(sources))
        {
            // Where it is missing, a directory that it replaces would stay under the new name.
            await CreateMissingAsync(sources, gfid, fop.OldParent, fop.OldName, root);
            sources.Release();
            sources = await ProbeAsync(default, fop.OldParent, fop.OldName, root);
        }

        var error = !arePlaced ? Errno.EAGAIN // Others were not kept away: what was seen may be of different times.
            : target.Error is not (Errno.Ok or Errno.ENOENT) ? target.Error
            : !IsOneDirectory(sources, gfid) ? Errno.EAGAIN
            : target.Error == Errno.ENOENT || target.Iatt.Gfid == gfid ? Errno.Ok
            : target.Iatt.IsDirectory ? await ProveReplaceableAsync(target.Iatt.Gfid, strays, root)
            : Errno.ENOTDIR;
        RenameReply reply;
        if (error != Errno.Ok)
        {
            reply = RenameReply.Fail(error);
        }
        else if (target.Iatt.Gfid == gfid)
        {
            reply = RenameReply.Rent();
            reply.Iatt = target.Iatt;
        }
        else
        {
            NotePlan(call, locks, new PlanNote(PlanKind.RenameDirectory, gfid, target.Iatt.Gfid)
            {
                OldHashed = oldHashed,
                Hashed = newHashed,
            });
            reply = await RenameOnAllAsync(fop, oldHashed, newHashed, target.Iatt.Gfid, sources, locks, call);
            NoteRenamed(reply, fop, gfid, target.Iatt.Gfid);
        }

        sources.Release();
        return reply;
    }

    private static bool IsMissingSomewhere(Answers<LookupReply> answers)
    {
        for (var i = 0; i < answers.Count; i++)
        {
            if (answers[i] is { IsOk: false } said && IsAbsence(said.Error))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Ok for an empty directory; EAGAIN when link files have to be removed first, without the locks.
    /// </summary>
    private async ValueTask<Errno> ProveReplaceableAsync(Gfid gfid, Strays strays, Call call)
    {
        var (error, links) = await ProveEmptyAsync(gfid, call);
        if (error != Errno.Ok || links.Count == 0)
        {
            return error;
        }

        (strays.Directory, strays.Links) = (gfid, links);
        return Errno.EAGAIN;
    }

    private void NoteRenamed(RenameReply reply, RenameFop fop, Gfid gfid, Gfid replaced)
    {
        if (!reply.IsOk)
        {
            return;
        }

        if (!replaced.IsNull)
        {
            _directories.Remove(replaced);
        }

        if (_directories.TryGet(gfid, out var state) && state.Layout is { } layout)
        {
            RememberDirectory(gfid, layout, state.Generation, fop.NewParent, fop.NewName);
        }
    }

    /// <summary>
    /// Renames on the subvolumes to which neither name hashes, then where the new name hashes to, then where the old
    /// one does. Files are made without a lock, but only where their name hashes to: a rename that has to be taken back
    /// has not yet uncovered a name there.
    /// </summary>
    private async ValueTask<RenameReply> RenameOnAllAsync(
        RenameFop fop, Subvolume oldHashed, Subvolume newHashed, Gfid replaced, Answers<LookupReply> sources,
        LockSet locks, Call call)
    {
        var answers = Answers<RenameReply>.Rent(_subvolumes.Length);
        foreach (var subvolume in _subvolumes)
        {
            if (subvolume != newHashed && subvolume != oldHashed)
            {
                answers.Put(subvolume.Index, subvolume.Translator.Rename(in fop, call));
            }
        }

        await answers.JoinAsync();
        var error = FirstRefusal(answers, sources);
        if (error == Errno.Ok)
        {
            answers.Put(newHashed.Index, await newHashed.Translator.Rename(in fop, call));
            error = answers[newHashed.Index]!.Error;
        }

        if (error == Errno.Ok && oldHashed != newHashed)
        {
            answers.Put(oldHashed.Index, await oldHashed.Translator.Rename(in fop, call));
            error = FirstRefusal(answers, sources);
        }

        if (error != Errno.Ok)
        {
            if (!IsLeftToOthers(error, call))
            {
                await RenameBackAsync(answers, fop, replaced, locks);
            }

            answers.Release();
            return RenameReply.Fail(error);
        }

        var reply = answers.Take(newHashed.Index);
        for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
        {
            AddViews(reply, answers[i]!);
        }

        answers.Release();
        return reply;
    }

    /// <summary>
    /// The first error of a subvolume that has the directory. Absence is one too: when a parent is missing there, it is
    /// being removed, and if that fails the directory would be left behind in it.
    /// </summary>
    private static Errno FirstRefusal(Answers<RenameReply> answers, Answers<LookupReply> sources)
    {
        for (var i = 0; i < answers.Count; i++)
        {
            if (answers[i] is { IsOk: false } reply && (sources[i]!.IsOk || !IsAbsence(reply.Error)))
            {
                return reply.Error;
            }
        }

        return Errno.Ok;
    }

    private static void AddViews(RenameReply into, RenameReply other)
    {
        DhtIatt.AddDirectory(ref into.Iatt, in other.Iatt);
        DhtIatt.AddDirectory(ref into.PreOldParent, in other.PreOldParent);
        DhtIatt.AddDirectory(ref into.PostOldParent, in other.PostOldParent);
        DhtIatt.AddDirectory(ref into.PreNewParent, in other.PreNewParent);
        DhtIatt.AddDirectory(ref into.PostNewParent, in other.PostNewParent);
    }

    /// <summary>
    /// Undoes the renames that have succeeded, and makes the directory that they have replaced again.
    /// </summary>
    private async ValueTask<int> RenameBackAsync(
        Answers<RenameReply> answers, RenameFop fop, Gfid replaced, LockSet locks)
    {
        var back = new RenameFop
        {
            OldParent = fop.NewParent,
            OldName = fop.NewName,
            NewParent = fop.OldParent,
            NewName = fop.OldName,
        };
        for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
        {
            var step = BeginStep(locks.Plan, StepKind.Back);
            var reply = await _subvolumes[i].Translator.Rename(in back, step);
            EndStep(step, locks.Plan);
            Tidy(reply.Error, _subvolumes[i], "directory after a failed rename");
            reply.Release();
        }

        return replaced.IsNull ? 0 : await RestoreAsync(replaced, fop.NewParent, fop.NewName, locks.Call);
    }

    /// <summary>Link files in the directory that is to be replaced.</summary>
    private sealed class Strays
    {
        public Gfid Directory { get; set; }

        public List<(Subvolume At, Name Name)>? Links { get; set; }
    }
}
