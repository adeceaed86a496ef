using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// LINK and RENAME of files. The data never moves: a name that hashes elsewhere gets a link file there. Everything up to
/// the one step that decides can be taken back; what comes after it is only tidying.
/// </summary>
public sealed partial class Distribute
{
    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call) =>
        _isSingle ? Next.Link(in fop, call) : LinkAsync(fop, call);

    /// <summary>
    /// Renames a file or directory. EIO when the name has no range, ENOTCONN when a subvolume that takes part is away (for
    /// a directory: any).
    /// </summary>
    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call) =>
        _isSingle ? Next.Rename(in fop, call) : RenameAsync(fop, call);

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

        var (error, _, hashed) = await HashedOfAsync(fop.NewParent, fop.NewName, call);
        if (hashed is null)
        {
            return LinkReply.Fail(error);
        }

        var locks = LockSet.Rent(call);
        error = await locks.MigrationAsync(cached, fop.Gfid);
        if (error == Errno.Ok && hashed != cached)
        {
            error = await locks.NameAsync(hashed, fop.NewParent, fop.NewName);
        }

        if (error == Errno.Ok && hashed != cached)
        {
            error = await MakeLinkAsync(hashed, fop.NewParent, fop.NewName, fop.Gfid, cached, locks.Call);
        }

        var reply = error == Errno.Ok ? await cached.Translator.Link(in fop, call) : LinkReply.Fail(error);
        if (error == Errno.Ok && hashed != cached)
        {
            _ = reply.IsOk
                ? await OwnLinkAsync(hashed, reply.Iatt, locks.Call)
                : await RemoveLinkAsync(hashed, fop.NewParent, fop.NewName, sparesOpen: false, locks.Call);
        }

        await locks.UnlockAsync();
        if (reply.IsOk)
        {
            RememberName(fop.NewParent, fop.NewName, fop.Gfid, cached);
        }

        return reply;
    }

    /// <summary>
    /// The layout of a directory and the subvolume that a name in it hashes to; null with the reason when there is none. A
    /// directory in which a range is missing is fetched again: it is being made, removed or repaired.
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
                // A directory that is missing somewhere and not found by the name it had: whoever knows its name repairs it.
                return (layout.HasUnknown ? Errno.ENOTCONN : layout.HasMissing ? Errno.ESTALE : Errno.EIO, null, null);
            }

            (error, layout) = await FetchLayoutAsync(parent, call);
        }

        return (error, null, null);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<RenameReply> RenameAsync(RenameFop fop, Call call)
    {
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

            var lookup = await Lookup(new LookupFop { Parent = fop.OldParent, Name = fop.OldName }, call);
            error = lookup.Error;
            var iatt = lookup.Iatt;
            lookup.Release();
            if (error != Errno.Ok)
            {
                return RenameReply.Fail(error);
            }

            var reply = iatt.IsDirectory
                ? await RenameDirectoryAsync(fop, oldHashed, newHashed, iatt.Gfid, call)
                : await RenameFileAsync(fop, oldHashed, newHashed, iatt.Gfid, call);
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
        }
    }

    /// <summary>Takes the locks of a rename in the order that all clients keep: by subvolume, directory, name.</summary>
    private static async ValueTask<Errno> LockNamesAsync(
        LockSet locks, RenameFop fop, Subvolume oldHashed, Subvolume newHashed)
    {
        var oldFirst = ComparePlaces(oldHashed, fop.OldParent, fop.OldName, newHashed, fop.NewParent, fop.NewName) <= 0;
        var error = oldFirst
            ? await locks.NameAsync(oldHashed, fop.OldParent, fop.OldName)
            : await locks.NameAsync(newHashed, fop.NewParent, fop.NewName);
        if (error != Errno.Ok)
        {
            return error;
        }

        return oldFirst
            ? await locks.NameAsync(newHashed, fop.NewParent, fop.NewName)
            : await locks.NameAsync(oldHashed, fop.OldParent, fop.OldName);
    }

    private static int ComparePlaces(
        Subvolume left, Gfid leftParent, Name leftName, Subvolume right, Gfid rightParent, Name rightName)
    {
        var order = left.Order.CompareTo(right.Order);
        order = order != 0 ? order : leftParent.CompareTo(rightParent);
        return order != 0 ? order : leftName.Span.SequenceCompareTo(rightName.Span);
    }

    private async ValueTask<RenameReply> RenameFileAsync(
        RenameFop fop, Subvolume oldHashed, Subvolume newHashed, Gfid gfid, Call call)
    {
        if (!TryFile(gfid, out var cached))
        {
            return RenameReply.Fail(Errno.EAGAIN);
        }

        var (error, target) = await TargetBeforeLocksAsync(fop, call);
        if (error != Errno.Ok)
        {
            return RenameReply.Fail(error);
        }

        var locks = LockSet.Rent(call);
        error = await LockFilesAsync(locks, cached, gfid, target);
        if (error == Errno.Ok)
        {
            error = await LockNamesAsync(locks, fop, oldHashed, newHashed);
        }

        var reply = error == Errno.Ok
            ? await RenameFileLockedAsync(fop, oldHashed, newHashed, cached, gfid, target, locks, call)
            : RenameReply.Fail(error);
        await locks.UnlockAsync();
        ForgetName(fop.OldParent, fop.OldName);
        ForgetName(fop.NewParent, fop.NewName);
        if (reply.IsOk)
        {
            RememberName(fop.NewParent, fop.NewName, reply.Iatt.Gfid, cached);
        }

        return reply;
    }

    /// <summary>The file that the rename would replace: no subvolume when there is none. EISDIR for a directory.</summary>
    private async ValueTask<(Errno Error, (Subvolume? At, Gfid Gfid) Target)> TargetBeforeLocksAsync(RenameFop fop, Call call)
    {
        var lookup = await Lookup(new LookupFop { Parent = fop.NewParent, Name = fop.NewName }, call);
        var (error, iatt) = (lookup.Error, lookup.Iatt);
        lookup.Release();
        if (error == Errno.ENOENT)
        {
            return (Errno.Ok, default);
        }

        if (error != Errno.Ok || iatt.IsDirectory)
        {
            return (error == Errno.Ok ? Errno.EISDIR : error, default);
        }

        return TryFile(iatt.Gfid, out var at) ? (Errno.Ok, (at, iatt.Gfid)) : (Errno.EAGAIN, default);
    }

    /// <summary>Keeps rebalance away from both files; in the order that all clients keep: by subvolume, gfid.</summary>
    private static async ValueTask<Errno> LockFilesAsync(
        LockSet locks, Subvolume cached, Gfid gfid, (Subvolume? At, Gfid Gfid) target)
    {
        if (target.At is not { } at || target.Gfid == gfid)
        {
            return await locks.MigrationAsync(cached, gfid);
        }

        var order = cached.Order.CompareTo(at.Order);
        var first = order < 0 || (order == 0 && gfid.CompareTo(target.Gfid) < 0);
        var error = first ? await locks.MigrationAsync(cached, gfid) : await locks.MigrationAsync(at, target.Gfid);
        return error != Errno.Ok ? error
            : first ? await locks.MigrationAsync(at, target.Gfid)
            : await locks.MigrationAsync(cached, gfid);
    }

    private async ValueTask<RenameReply> RenameFileLockedAsync(
        RenameFop fop, Subvolume oldHashed, Subvolume newHashed, Subvolume cached, Gfid gfid,
        (Subvolume? At, Gfid Gfid) expected, LockSet locks, Call call)
    {
        var source = await FindAsync(fop.OldParent, fop.OldName, oldHashed, cached, locks.Call);
        if (source.Error != Errno.Ok || source.Iatt.Gfid != gfid || source.At != cached)
        {
            return RenameReply.Fail(source.Error is Errno.Ok or Errno.ENOENT ? Errno.EAGAIN : source.Error);
        }

        var target = await FindAsync(fop.NewParent, fop.NewName, newHashed, expected.At, locks.Call);
        if (target.Error is not (Errno.Ok or Errno.ENOENT))
        {
            return RenameReply.Fail(target.Error);
        }

        if (target.At != expected.At || target.Iatt.Gfid != expected.Gfid)
        {
            return RenameReply.Fail(Errno.EAGAIN);
        }

        if (target.Error == Errno.Ok && target.Iatt.Gfid == gfid)
        {
            // Two names of one file: POSIX wants nothing to happen.
            var same = RenameReply.Rent();
            same.Iatt = source.Iatt;
            return same;
        }

        var plan = new RenamePlan(fop, source, cached, oldHashed, newHashed, target);
        return newHashed == cached ? await RenameInPlaceAsync(plan, locks.Call, call)
            : target.At == cached ? await RenameOverOwnAsync(plan, locks.Call, call)
            : await RenameLinkedAsync(plan, locks.Call, call);
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

        if (plan.OldHashed != plan.Cached)
        {
            Tidy(await RemoveLinkAsync(plan.OldHashed, fop.OldParent, fop.OldName, sparesOpen: false, root), plan.OldHashed, "old link file");
        }

        if (plan.TargetAt is { } target && target != plan.Cached)
        {
            Tidy(await RemoveDataAsync(target, fop.NewParent, fop.NewName, plan.TargetGfid, root), target, "replaced file");
        }

        return reply;
    }

    /// <summary>
    /// The file that is replaced lies beside the data, and the name hashes elsewhere: the rename of the data decides, then
    /// the link file of the old one is replaced by the new one's.
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
            await UndoLinkAsync(plan, made, root);
            return reply;
        }

        var moved = await plan.NewHashed.Translator.Rename(in fop, root);
        Tidy(moved.Error, plan.NewHashed, "link file");
        moved.Release();
        await RemoveOldLinkAsync(plan, root);
        return reply;
    }

    /// <summary>
    /// The data stays under a further name, and the rename of its link file on the new hashed subvolume decides; then the
    /// old name and what was replaced are removed.
    /// </summary>
    private async ValueTask<RenameReply> RenameLinkedAsync(RenamePlan plan, Call root, Call call)
    {
        var fop = plan.Fop;
        var (error, made) = await PrepareLinkAsync(plan, root);
        if (error != Errno.Ok)
        {
            return RenameReply.Fail(error);
        }

        var link = await LinkDataAsync(plan, root);
        if (!link.IsOk)
        {
            await UndoLinkAsync(plan, made, root);
            error = link.Error;
            link.Release();
            return RenameReply.Fail(error);
        }

        var reply = await plan.NewHashed.Translator.Rename(in fop, call);
        if (!reply.IsOk)
        {
            Tidy(await RemoveDataAsync(plan.Cached, fop.NewParent, fop.NewName, plan.Gfid, root), plan.Cached, "new name after a failed rename");
            await UndoLinkAsync(plan, made, root);
            link.Release();
            return reply;
        }

        Tidy(await RemoveDataAsync(plan.Cached, fop.OldParent, fop.OldName, plan.Gfid, root), plan.Cached, "old name");
        await RemoveOldLinkAsync(plan, root);
        if (plan.TargetAt is { } target && target != plan.NewHashed)
        {
            Tidy(await RemoveDataAsync(target, fop.NewParent, fop.NewName, plan.TargetGfid, root), target, "replaced file");
        }

        reply.Iatt = link.Iatt with { Nlink = link.Iatt.Nlink - 1 };
        link.Release();
        return reply;
    }

    /// <summary>Puts a link file with the old name on the new hashed subvolume, unless it has that one already.</summary>
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
                ? await MakeLinkAsync(at, fop.OldParent, fop.OldName, gfid, plan.Cached, root)
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
            var error = await RemoveLinkAsync(plan.NewHashed, plan.Fop.OldParent, plan.Fop.OldName, sparesOpen: false, root);
            Tidy(error, plan.NewHashed, "link file after a failed rename");
        }

        return 0;
    }

    private async ValueTask<int> RemoveOldLinkAsync(RenamePlan plan, Call root)
    {
        if (plan.OldHashed != plan.Cached && plan.OldHashed != plan.NewHashed)
        {
            var error = await RemoveLinkAsync(plan.OldHashed, plan.Fop.OldParent, plan.Fop.OldName, sparesOpen: false, root);
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
        var reply = await plan.Cached.Translator.Link(in fop, root);
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
        return await plan.Cached.Translator.Link(in fop, root);
    }

    /// <summary>
    /// Removes a name of a file. A missing one counts as removed, and so does one that is another file by now: making a
    /// file needs no lock.
    /// </summary>
    private static async ValueTask<Errno> RemoveDataAsync(Subvolume at, Gfid parent, Name name, Gfid gfid, Call root)
    {
        var request = XData.Rent();
        request.SetString(DhtKeys.InternalFop, "yes"u8);
        request.SetGfid(DhtKeys.UnlinkOnlyGfid, gfid);
        var fop = new UnlinkFop { Parent = parent, Name = name, XData = request };
        var reply = await at.Translator.Unlink(in fop, root);
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
            Log.Warning(Room, "left behind by a transaction", ("what", what), ("subvolume", subvolume.Name), ("errno", error));
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
            found = await FindEverywhereAsync(ask, call);
        }

        answers.Release();
        request.Release();
        return found;
    }

    private Subvolume? TargetOfLink(LookupReply said) =>
        said.IsOk && !said.Iatt.IsDirectory && Census.IsLinkFile(said) ? TargetOf(said) : null;

    /// <summary>What the hashed subvolume says, when that is enough: the file, a good link file to it, a trusted absence.</summary>
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

    private async ValueTask<Found> FindEverywhereAsync(LookupFop ask, Call call)
    {
        var answers = Answers<LookupReply>.Rent(_subvolumes.Length);
        AskAll<LookupFop, LookupReply>(answers, in ask, call);
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
        answers.Release();
        return found;
    }

    /// <summary>Where a name is. <c>IsLed</c>: its hashed subvolume has it or a good link file to it.</summary>
    private readonly record struct Found(Errno Error, Iatt Iatt, Subvolume? At, bool IsLed);

    /// <summary>A rename of a file: where the data is, where both names hash to, where a replaced file's data is.</summary>
    private sealed record RenamePlan(
        RenameFop Fop, Found Source, Subvolume Cached, Subvolume OldHashed, Subvolume NewHashed, Found Target)
    {
        public Gfid Gfid => Source.Iatt.Gfid;

        /// <summary>Where the data of the file is that is replaced; null when there is none.</summary>
        public Subvolume? TargetAt => Target.At;

        public Gfid TargetGfid => Target.Iatt.Gfid;
    }
}
