using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// LINK and RENAME of files. The data never moves: a name that hashes elsewhere gets a link file there. Everything up
/// to the one step that decides can be taken back; what comes after it is only tidying.
/// </summary>
public sealed partial class Distribute
{
    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call) =>
        _isSingle ? Next.Link(in fop, call)
        : call.Change.IsNone ? LinkAsync(fop, call)
        : AsRunAsync<LinkFop, LinkReply>(
            fop, call, static (dht, fop, own) => dht.LinkAsync(fop, own),
            static (dht, fop, past, note, own) => dht.ResumeLinkAsync(fop, past, note, own));

    /// <summary>
    /// Renames a file or directory. EIO when the name has no range, ENOTCONN when a subvolume that takes part is away
    /// (for a directory: any).
    /// </summary>
    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call) =>
        _isSingle ? Next.Rename(in fop, call)
        : call.Change.IsNone ? RenameAsync(fop, call)
        : AsRunAsync<RenameFop, RenameReply>(
            fop, call, static (dht, fop, own) => dht.RenameAsync(fop, own),
            static (dht, fop, past, note, own) => dht.ResumeRenameAsync(fop, past, note, own));

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LinkReply> LinkAsync(LinkFop fop, Call call)
    {
        if (!TryRoute(fop.Gfid, out var route))
        {
            route = await ResolveAsync(fop.Gfid, call);
        }

        if (route.File is not { } cached)
        {
            return LinkReply.Fail(route.Directory is not null ? Errno.EPERM : route.Error);
        }

        for (var attempt = 0; ; attempt++)
        {
            var (error, _, hashed) = await HashedForNewAsync(
                fop.NewParent, fop.NewName, mayExist: false, call);
            if (hashed is null)
            {
                return LinkReply.Fail(error);
            }

            var reply = await LinkAtAsync(fop, hashed, cached, call);
            if (reply.Error != Errno.EAGAIN || attempt == DhtLimits.LayoutRetriesMax)
            {
                return reply;
            }

            reply.Release();
            BeginNextAttempt(call);
        }
    }

    /// <summary>EAGAIN when the new name turns out to hash elsewhere.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LinkReply> LinkAtAsync(LinkFop fop, Subvolume hashed, Subvolume cached, Call call)
    {
        NotePlan(call, null, new PlanNote(PlanKind.Link, fop.Gfid, default) { Data = cached, Hashed = hashed });
        var locks = LockSet.RentForPlan(call);
        locks.WantMigration(cached, fop.Gfid);
        if (hashed == cached)
        {
            locks.WantLayout(hashed, fop.NewParent, LockType.Read); // One call makes the name, or finds it taken.
        }
        else
        {
            locks.WantName(hashed, fop.NewParent, fop.NewName);
        }

        var error = await locks.TakeAsync();
        if (error == Errno.Ok && !await IsPlacedAsync(hashed, fop.NewParent, fop.NewName, locks.Call))
        {
            error = Errno.EAGAIN;
        }

        if (error == Errno.Ok && hashed != cached)
        {
            error = await MakeLinkAsync(hashed, fop.NewParent, fop.NewName, fop.Gfid, cached, locks.Plan);
        }

        var reply = error == Errno.Ok ? await cached.Translator.Link(in fop, call) : LinkReply.Fail(error);
        if (error == Errno.Ok && hashed != cached && !IsLeftToOthers(reply.Error, call))
        {
            _ = reply.IsOk
                ? await OwnLinkAsync(hashed, reply.Iatt, locks.Plan)
                : await RemoveLinkAsync(
                    hashed, fop.NewParent, fop.NewName, sparesOpen: false, locks.Plan, StepKind.UndoLink);
        }

        await locks.UnlockAsync(reply.Error);
        if (reply.IsOk)
        {
            RememberName(fop.NewParent, fop.NewName, fop.Gfid, cached);
        }

        return reply;
    }

    /// <summary>
    /// The layout of a directory and the subvolume that a name in it hashes to; null with the reason when there is
    /// none. A directory in which a range is missing is fetched again: it is being made, removed or repaired.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Layout? Layout, Subvolume? Hashed)> HashedOfAsync(
        Gfid parent, Name name, Call call)
    {
        var (error, layout) = await LayoutOfAsync(parent, call);
        for (var attempt = 0; layout is not null; attempt++)
        {
            if (HashedOf(layout, name) is { } hashed)
            {
                return (Errno.Ok, layout, hashed);
            }

            if (attempt == DhtLimits.LayoutRetriesMax)
            {
                // A directory that is missing somewhere and not found by the name it had: whoever knows its name
                // repairs it.
                return (layout.HasUnknown ? Errno.ENOTCONN : layout.HasMissing ? Errno.ESTALE : Errno.EIO, null, null);
            }

            (error, layout) = await FetchLayoutAsync(parent, call);
        }

        return (error, null, null);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<RenameReply> RenameAsync(RenameFop fop, Call call)
    {
        var target = PlaceHinted(fop.NewParent, fop.NewName);
        for (var attempt = 0; ; attempt++)
        {
            var (error, _, oldHashed) = await HashedOfAsync(fop.OldParent, fop.OldName, call);
            if (oldHashed is null)
            {
                return RenameReply.Fail(error);
            }

            (error, _, var newHashed) = await HashedOfAsync(fop.NewParent, fop.NewName, call);
            if (newHashed is null)
            {
                return RenameReply.Fail(error);
            }

            var source = attempt == 0 ? PlaceHinted(fop.OldParent, fop.OldName) : default;
            var isDirectory = false;
            if (source.At is null)
            {
                (error, source, isDirectory) = await LookForSourceAsync(fop, call);
            }

            RenameReply reply;
            if (error != Errno.Ok)
            {
                reply = RenameReply.Fail(error);
            }
            else if (isDirectory)
            {
                reply = await RenameDirectoryAsync(fop, oldHashed, newHashed, source.Gfid, call);
            }
            else
            {
                (reply, target) = await RenameFileAsync(fop, oldHashed, newHashed, source, target, call);
            }

            if (reply.Error != Errno.EAGAIN)
            {
                return reply;
            }

            if (attempt == DhtLimits.NameRetriesMax)
            {
                reply.Error = Errno.EBUSY;
                return reply;
            }

            // Somebody has changed one of the names between the look and the locks.
            reply.Release();
            BeginNextAttempt(call);
        }
    }

    /// <summary>Where the last look-up has found a file; nowhere when it is too old or was none of a file.</summary>
    private FilePlace PlaceHinted(Gfid parent, Name name) =>
        TryHint(parent, name, out var hint) ? new FilePlace(_subvolumes[hint.Place - 1], hint.Gfid) : default;

    private async ValueTask<(Errno Error, FilePlace Source, bool IsDirectory)> LookForSourceAsync(
        RenameFop fop, Call call)
    {
        var lookup = await Lookup(new LookupFop { Parent = fop.OldParent, Name = fop.OldName }, call);
        var (error, iatt) = (lookup.Error, lookup.Iatt);
        lookup.Release();
        if (error != Errno.Ok || iatt.IsDirectory)
        {
            return (error, new FilePlace(null, iatt.Gfid), IsDirectory: true);
        }

        return TryFile(iatt.Gfid, out var at)
            ? (Errno.Ok, new FilePlace(at, iatt.Gfid), false)
            : (Errno.EAGAIN, default, false);
    }

    /// <summary>
    /// Wants the locks of a rename in the order that all clients keep: by subvolume, directory, name.
    /// </summary>
    private static void WantNames(LockSet locks, RenameFop fop, Subvolume oldHashed, Subvolume newHashed)
    {
        if (ComparePlaces(oldHashed, fop.OldParent, fop.OldName, newHashed, fop.NewParent, fop.NewName) <= 0)
        {
            locks.WantName(oldHashed, fop.OldParent, fop.OldName);
            locks.WantName(newHashed, fop.NewParent, fop.NewName);
        }
        else
        {
            locks.WantName(newHashed, fop.NewParent, fop.NewName);
            locks.WantName(oldHashed, fop.OldParent, fop.OldName);
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<bool> ArePlacedAsync(RenameFop fop, Subvolume oldHashed, Subvolume newHashed, Call call)
    {
        var placing = IsPlacedAsync(oldHashed, fop.OldParent, fop.OldName, call);
        var isPlaced = await IsPlacedAsync(newHashed, fop.NewParent, fop.NewName, call);
        return await placing && isPlaced;
    }

    private static int ComparePlaces(
        Subvolume left, Gfid leftParent, Name leftName, Subvolume right, Gfid rightParent, Name rightName)
    {
        var order = left.Order.CompareTo(right.Order);
        order = order != 0 ? order : leftParent.CompareTo(rightParent);
        return order != 0 ? order : leftName.Span.SequenceCompareTo(rightName.Span);
    }

    /// <summary>
    /// Renames a file that is believed to be at <paramref name="source"/>, over one believed to be at
    /// <paramref name="target"/>. EAGAIN when one of them is not; the answer says where the target is.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(RenameReply Reply, FilePlace Target)> RenameFileAsync(
        RenameFop fop, Subvolume oldHashed, Subvolume newHashed, FilePlace source, FilePlace target, Call call)
    {
        var locks = LockSet.RentForPlan(call);
        WantFiles(locks, source, target);
        WantNames(locks, fop, oldHashed, newHashed);
        var error = await locks.TakeAsync();
        RenameReply reply;
        if (error == Errno.Ok)
        {
            (reply, target) = await RenameFileLockedAsync(fop, oldHashed, newHashed, source, target, locks, call);
        }
        else
        {
            // A file that is gone is no error of its own: look again.
            reply = RenameReply.Fail(IsAbsence(error) ? Errno.EAGAIN : error);
            target = default;
        }

        await locks.UnlockAsync(reply.Error);
        ForgetName(fop.OldParent, fop.OldName);
        ForgetName(fop.NewParent, fop.NewName);
        if (reply.IsOk)
        {
            RememberName(fop.NewParent, fop.NewName, reply.Iatt.Gfid, source.At!);
        }

        return (reply, target);
    }

    /// <summary>Keeps rebalance away from both files; in the order that all clients keep: by subvolume, gfid.</summary>
    private static void WantFiles(LockSet locks, FilePlace source, FilePlace target)
    {
        var at = source.At!; // A source always has a place.
        var order = target.At is null ? 0 : at.Order.CompareTo(target.At.Order);
        var isFirst = order < 0 || (order == 0 && source.Gfid.CompareTo(target.Gfid) < 0);
        if (target.At is not null && !isFirst && target.Gfid != source.Gfid)
        {
            locks.WantMigration(target.At, target.Gfid);
        }

        locks.WantMigration(at, source.Gfid);
        if (target.At is not null && isFirst)
        {
            locks.WantMigration(target.At, target.Gfid);
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(RenameReply Reply, FilePlace Target)> RenameFileLockedAsync(
        RenameFop fop, Subvolume oldHashed, Subvolume newHashed, FilePlace expectedSource,
        FilePlace expectedTarget, LockSet locks, Call call)
    {
        var root = locks.Call;
        var cached = expectedSource.At!;
        var placing = ArePlacedAsync(fop, oldHashed, newHashed, root);
        var finding = FindAsync(fop.OldParent, fop.OldName, oldHashed, cached, root);
        var target = await FindAsync(fop.NewParent, fop.NewName, newHashed, expectedTarget.At, root);
        var source = await finding;
        var place = new FilePlace(target.At, target.Iatt.Gfid);
        var error = !await placing ? Errno.EAGAIN
            : source.Error is not (Errno.Ok or Errno.ENOENT) ? source.Error
            : source.Error != Errno.Ok || source.Iatt.Gfid != expectedSource.Gfid || source.At != cached ? Errno.EAGAIN
            : target.Error is not (Errno.Ok or Errno.ENOENT) ? target.Error
            : target.Iatt.IsDirectory ? Errno.EISDIR
            : Errno.Ok;
        if (error != Errno.Ok)
        {
            return (RenameReply.Fail(error), target.Iatt.IsDirectory ? default : place);
        }

        if (target.Error == Errno.Ok && target.Iatt.Gfid == source.Iatt.Gfid)
        {
            // Two names of one file: POSIX wants nothing to happen.
            var same = RenameReply.Rent();
            same.Iatt = source.Iatt;
            return (same, place);
        }

        if (place != expectedTarget)
        {
            return (RenameReply.Fail(Errno.EAGAIN), place);
        }

        var plan = new RenamePlan(fop, source, cached, oldHashed, newHashed, target);
        NotePlan(call, locks, plan.Note());
        root = locks.Plan;
        var reply = newHashed == cached ? await RenameInPlaceAsync(plan, root, call)
            : target.At == cached ? await RenameOverOwnAsync(plan, root, call)
            : await RenameLinkedAsync(plan, root, call);
        return (reply, place);
    }

    /// <summary>The new name hashes to where the data is: one rename decides.</summary>
    private async ValueTask<RenameReply> RenameInPlaceAsync(RenamePlan plan, Call root, Call call)
    {
        var fop = plan.Fop;
        var reply = await plan.Cached.Translator.Rename(in fop, call);
        if (!reply.IsOk)
        {
            return reply;
        }

        var removing = RemoveReplacedAsync(plan, root);
        await RemoveOldLinkAsync(plan, root);
        await removing;
        return reply;
    }

    /// <summary>
    /// The file that is replaced lies beside the data, and the name hashes elsewhere: the rename of the data decides,
    /// then the link file of the old one is replaced by the new one's.
    /// </summary>
    private async ValueTask<RenameReply> RenameOverOwnAsync(RenamePlan plan, Call root, Call call)
    {
        var fop = plan.Fop;
        var (error, made) = await PrepareLinkAsync(plan, root);
        if (error != Errno.Ok)
        {
            return RenameReply.Fail(error);
        }

        var reply = await plan.Cached.Translator.Rename(in fop, call);
        if (!reply.IsOk)
        {
            await UndoLinkAsync(plan, made && !IsLeftToOthers(reply.Error, call), root);
            return reply;
        }

        Tidy(await MoveLinkAsync(plan, root), plan.NewHashed, "link file");
        await RemoveOldLinkAsync(plan, root);
        return reply;
    }

    private static async ValueTask<Errno> MoveLinkAsync(RenamePlan plan, Call root)
    {
        var step = BeginStep(root, StepKind.MoveLink);
        var fop = plan.Fop;
        var moved = await plan.NewHashed.Translator.Rename(in fop, step);
        EndStep(step, root);
        var error = moved.Error;
        moved.Release();
        return error;
    }

    /// <summary>
    /// The data stays under a further name, and the rename of its link file on the new hashed subvolume decides; then
    /// the old name and what was replaced are removed.
    /// </summary>
    private async ValueTask<RenameReply> RenameLinkedAsync(RenamePlan plan, Call root, Call call)
    {
        var fop = plan.Fop;
        var preparing = PrepareLinkAsync(plan, root);
        var link = await LinkDataAsync(plan, root);
        var (error, made) = await preparing;
        // A name that is taken after all, beside the data: look at both names again.
        error = error != Errno.Ok ? error : link.Error == Errno.EEXIST ? Errno.EAGAIN : link.Error;
        var reply = error == Errno.Ok
            ? await plan.NewHashed.Translator.Rename(in fop, call)
            : RenameReply.Fail(error);
        if (reply.IsOk)
        {
            reply.Iatt = link.Iatt with { Nlink = link.Iatt.Nlink - 1 };
            var removing = RemoveReplacedAsync(plan, root);
            var unlinking = RemoveOldLinkAsync(plan, root);
            error = await RemoveDataAsync(
                plan.Cached, fop.OldParent, fop.OldName, plan.Gfid, root, StepKind.RemoveOldData);
            Tidy(error, plan.Cached, "old name");
            await unlinking;
            await removing;
        }
        else if (!IsLeftToOthers(reply.Error, call))
        {
            if (link.IsOk)
            {
                error = await RemoveDataAsync(
                    plan.Cached, fop.NewParent, fop.NewName, plan.Gfid, root, StepKind.UndoData);
                Tidy(error, plan.Cached, "new name after a failed rename");
            }

            await UndoLinkAsync(plan, made, root);
        }

        link.Release();
        return reply;
    }

    /// <summary>Removes the data of the replaced file, where the deciding rename has not.</summary>
    private static async ValueTask<int> RemoveReplacedAsync(RenamePlan plan, Call root)
    {
        var decided = plan.NewHashed == plan.Cached ? plan.Cached : plan.NewHashed;
        if (plan.TargetAt is { } target && target != decided)
        {
            var fop = plan.Fop;
            var error = await RemoveDataAsync(
                target, fop.NewParent, fop.NewName, plan.TargetGfid, root, StepKind.RemoveReplaced);
            Tidy(error, target, "replaced file");
        }

        return 0;
    }

    /// <summary>
    /// Puts a link file with the old name on the new hashed subvolume, unless it has that one already.
    /// </summary>
    private async ValueTask<(Errno Error, bool Made)> PrepareLinkAsync(RenamePlan plan, Call root)
    {
        var (fop, at, gfid) = (plan.Fop, plan.NewHashed, plan.Source.Iatt.Gfid);
        if (plan.OldHashed == at && plan.Source.IsLed)
        {
            return (Errno.Ok, false);
        }

        var error = await MakeLinkAsync(at, fop.OldParent, fop.OldName, gfid, plan.Cached, root);
        if (error == Errno.EEXIST)
        {
            // Left behind by a transaction that did not end.
            error = await RemoveLinkAsync(at, fop.OldParent, fop.OldName, sparesOpen: true, root);
            error = error == Errno.Ok
                ? await MakeLinkAsync(at, fop.OldParent, fop.OldName, gfid, plan.Cached, root, StepKind.RemakeLink)
                : error;
            // Not ours: the old name has been removed and made again, which needs no lock.
            error = error is Errno.EEXIST or Errno.EBUSY ? Errno.EAGAIN : error;
        }

        if (error == Errno.Ok)
        {
            // The deciding rename runs with the rights of the user: in a sticky directory the owner counts.
            await OwnLinkAsync(at, plan.Source.Iatt, root);
        }

        return (error, error == Errno.Ok);
    }

    private async ValueTask<int> UndoLinkAsync(RenamePlan plan, bool made, Call root)
    {
        if (made)
        {
            var error = await RemoveLinkAsync(
                plan.NewHashed, plan.Fop.OldParent, plan.Fop.OldName, sparesOpen: false, root, StepKind.UndoLink);
            Tidy(error, plan.NewHashed, "link file after a failed rename");
        }

        return 0;
    }

    private async ValueTask<int> RemoveOldLinkAsync(RenamePlan plan, Call root)
    {
        // Where the new name hashes to, the link file of the old one has become its own.
        if (plan.OldHashed != plan.Cached && plan.OldHashed != plan.NewHashed)
        {
            var error = await RemoveLinkAsync(
                plan.OldHashed, plan.Fop.OldParent, plan.Fop.OldName, sparesOpen: false, root,
                StepKind.RemoveOldLink);
            Tidy(error, plan.OldHashed, "old link file");
        }

        return 0;
    }

    /// <summary>Gives the data its new name; a stale link file in the way is removed first.</summary>
    private static async ValueTask<LinkReply> LinkDataAsync(RenamePlan plan, Call root)
    {
        var request = XData.Rent();
        request.SetString(DhtKeys.InternalFop, "yes"u8);
        var fop = new LinkFop
        {
            Gfid = plan.Source.Iatt.Gfid,
            NewParent = plan.Fop.NewParent,
            NewName = plan.Fop.NewName,
            XData = request,
        };
        var step = BeginStep(root, StepKind.LinkData);
        var reply = await plan.Cached.Translator.Link(in fop, step);
        EndStep(step, root);
        if (reply.Error == Errno.EEXIST)
        {
            reply = await LinkDespiteAsync(reply, plan, fop, root);
        }

        request.Release();
        return reply;
    }

    /// <summary>
    /// The new name is taken beside the data: by the very name that a rename which did not end has left, or by a stale
    /// link file, which is removed.
    /// </summary>
    private static async ValueTask<LinkReply> LinkDespiteAsync(LinkReply reply, RenamePlan plan, LinkFop fop, Call root)
    {
        var ask = new LookupFop { Parent = fop.NewParent, Name = fop.NewName };
        var lookup = await plan.Cached.Translator.Lookup(in ask, root);
        var iatt = lookup.Iatt;
        var isOwn = lookup.IsOk && iatt.Gfid == fop.Gfid;
        lookup.Release();
        if (isOwn)
        {
            reply.Release();
            reply = LinkReply.Rent();
            reply.Iatt = iatt;
            return reply;
        }

        if (await RemoveLinkAsync(plan.Cached, fop.NewParent, fop.NewName, sparesOpen: true, root) != Errno.Ok)
        {
            return reply;
        }

        reply.Release();
        var step = BeginStep(root, StepKind.RelinkData);
        reply = await plan.Cached.Translator.Link(in fop, step);
        EndStep(step, root);
        return reply;
    }

    /// <summary>
    /// Removes a name of a file. A missing one counts as removed, and so does one that is another file by now: making a
    /// file needs no lock.
    /// </summary>
    private static async ValueTask<Errno> RemoveDataAsync(
        Subvolume at, Gfid parent, Name name, Gfid gfid, Call root, StepKind kind)
    {
        var request = XData.Rent();
        request.SetString(DhtKeys.InternalFop, "yes"u8);
        request.SetGfid(DhtKeys.UnlinkOnlyGfid, gfid);
        var fop = new UnlinkFop { Parent = parent, Name = name, XData = request };
        var step = BeginStep(root, kind);
        var reply = await at.Translator.Unlink(in fop, step);
        EndStep(step, root);
        var error = IsAbsence(reply.Error) || reply.Error == Errno.EBUSY ? Errno.Ok : reply.Error;
        reply.Release();
        request.Release();
        return error;
    }

    /// <summary>What a transaction could not tidy up does not change its outcome, but somebody should know.</summary>
    private static void Tidy(Errno error, Subvolume subvolume, string what)
    {
        if (error != Errno.Ok)
        {
            Log.Warning(
                Room, "left behind by a transaction",
                ("what", what), ("subvolume", subvolume.Name), ("errno", error));
        }
    }

    /// <summary>
    /// Finds a name without repairing anything, for use while its locks are held. ENOENT only when every subvolume that
    /// could have it denies it.
    /// </summary>
    /// <param name="expected">Where the data is thought to be; asked at the same time.</param>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Found> FindAsync(
        Gfid parent, Name name, Subvolume hashed, Subvolume? expected, Call call)
    {
        var request = LookupRequest(fromAbove: null, isRoot: false);
        var ask = new LookupFop { Parent = parent, Name = name, XData = request };
        var answers = Answers<LookupReply>.Rent(_subvolumes.Length);
        answers.Put(hashed.Index, hashed.Translator.Lookup(in ask, call));
        if (expected is not null && expected != hashed)
        {
            answers.Put(expected.Index, expected.Translator.Lookup(in ask, call));
        }

        await answers.JoinAsync();
        if (TargetOfLink(answers[hashed.Index]!) is { } target && answers[target.Index] is null)
        {
            answers.Put(target.Index, await target.Translator.Lookup(in ask, call));
        }

        if (!TryFound(answers, parent, hashed, out var found))
        {
            found = await FindEverywhereAsync(answers, ask, call);
        }

        answers.Release();
        request.Release();
        return found;
    }

    private Subvolume? TargetOfLink(LookupReply said) =>
        said.IsOk && !said.Iatt.IsDirectory && Census.IsLinkFile(said) ? TargetOf(said) : null;

    /// <summary>
    /// What the hashed subvolume says, when that is enough: the file, a good link file to it, a trusted absence.
    /// </summary>
    private bool TryFound(Answers<LookupReply> answers, in Gfid parent, Subvolume hashed, out Found found)
    {
        var said = answers[hashed.Index]!;
        found = new Found(said.Error, said.Iatt, null, IsLed: said.IsOk);
        if (!said.IsOk)
        {
            return !IsAbsence(said.Error) || (IsTrusted(parent, said.Error) && answers.FirstOk() < 0);
        }

        if (said.Iatt.IsDirectory)
        {
            return false;
        }

        if (!Census.IsLinkFile(said))
        {
            found = found with { At = hashed };
            return true;
        }

        if (TargetOf(said) is { } target && answers[target.Index] is { } data && IsWholeFile(data, said.Iatt.Gfid))
        {
            found = found with { Iatt = data.Iatt, At = target };
            return true;
        }

        return false;
    }

    /// <summary>The hashed subvolume's word is enough, as it is for a look-up.</summary>
    private bool IsTrusted(Gfid parent, Errno error) =>
        error == Errno.ENOENT && _directories.TryGet(parent, out var state)
        && state.Layout is { } layout && !MayLieElsewhere(layout);

    /// <summary>Asks those that were not asked yet.</summary>
    private async ValueTask<Found> FindEverywhereAsync(Answers<LookupReply> answers, LookupFop ask, Call call)
    {
        foreach (var subvolume in _subvolumes)
        {
            if (answers[subvolume.Index] is null)
            {
                answers.Put(subvolume.Index, subvolume.Translator.Lookup(in ask, call));
            }
        }

        await answers.JoinAsync();
        var verdict = Judge(answers, in ask, out var place);
        var first = answers.FirstOk();
        var found = verdict switch
        {
            Verdict.Contradiction => new Found(Errno.EIO, default, null, IsLed: false),
            Verdict.Directory => new Found(Errno.Ok, answers[first]!.Iatt, _subvolumes[first], IsLed: true),
            Verdict.File => new Found(Errno.Ok, answers[place]!.Iatt, _subvolumes[place], IsLed: false),
            _ when Census.Of(answers).AllDefinite => new Found(Errno.ENOENT, default, null, IsLed: false),
            _ => new Found(Errno.ENOTCONN, default, null, IsLed: false),
        };
        return found;
    }

    /// <summary>Where a name is. <c>IsLed</c>: its hashed subvolume has it or a good link file to it.</summary>
    private readonly record struct Found(Errno Error, Iatt Iatt, Subvolume? At, bool IsLed);

    /// <summary>Where the data of a file is; no subvolume when there is no file.</summary>
    private readonly record struct FilePlace(Subvolume? At, Gfid Gfid);

    /// <summary>
    /// A rename of a file: where the data is, where both names hash to, where a replaced file's data is.
    /// </summary>
    private sealed record RenamePlan(
        RenameFop Fop, Found Source, Subvolume Cached, Subvolume OldHashed, Subvolume NewHashed, Found Target)
    {
        public Gfid Gfid => Source.Iatt.Gfid;

        public PlanKind Kind => NewHashed == Cached ? PlanKind.RenameInPlace
            : Target.At == Cached ? PlanKind.RenameOverOwn : PlanKind.RenameLinked;

        /// <summary>Where the rename decides that the client has asked for.</summary>
        public Subvolume Decider => Kind == PlanKind.RenameLinked ? NewHashed : Cached;

        public PlanNote Note() => new(Kind, Gfid, TargetGfid)
        {
            Data = Cached,
            OldHashed = OldHashed,
            Hashed = NewHashed,
            ReplacedAt = TargetAt,
        };

        /// <summary>Where the data of the file is that is replaced; null when there is none.</summary>
        public Subvolume? TargetAt => Target.At;

        public Gfid TargetGfid => Target.Iatt.Gfid;
    }
}
