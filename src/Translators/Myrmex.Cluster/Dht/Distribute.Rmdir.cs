using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Dht;

/// <summary>RMDIR, and the proof that a directory is empty on every subvolume.</summary>
public sealed partial class Distribute
{
    /// <summary>
    /// Removes a directory from all subvolumes, from the hashed one last, so that until then the name is found.
    /// ENOTCONN when a subvolume is away: it would bring the directory back. When one refuses, the others get it back.
    /// </summary>
    public override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call) =>
        _isSingle ? Next.Rmdir(in fop, call)
        : call.Change.IsNone ? RmdirAsync(fop, call)
        : AsRunAsync<RmdirFop, RmdirReply>(
            fop, call, static (dht, fop, own) => dht.RmdirAsync(fop, own),
            static (dht, fop, past, note, own) => ResumeRmdirAsync(fop, past, note, own));

    private static int HighestSlot(Translator translator)
    {
        var highest = translator.Slot;
        foreach (var subvolume in translator.Subvolumes)
        {
            highest = System.Math.Max(highest, HighestSlot(subvolume));
        }

        return highest;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<RmdirReply> RmdirAsync(RmdirFop fop, Call call)
    {
        if (!AllUp())
        {
            return RmdirReply.Fail(Errno.ENOTCONN);
        }

        var (error, parent) = await LayoutOfAsync(fop.Parent, call);
        if (parent is null)
        {
            return RmdirReply.Fail(error);
        }

        var lookup = await Lookup(new LookupFop { Parent = fop.Parent, Name = fop.Name }, call);
        var gfid = lookup.Iatt.Gfid;
        error = !lookup.IsOk ? lookup.Error : lookup.Iatt.IsDirectory ? Errno.Ok : Errno.ENOTDIR;
        lookup.Release();
        if (error == Errno.Ok && fop.Flags == 0)
        {
            (error, var links) = await ProveEmptyAsync(gfid, call);
            error = error == Errno.Ok ? await RemoveStrayLinksAsync(gfid, links, call) : error;
        }

        if (error != Errno.Ok)
        {
            return RmdirReply.Fail(error);
        }

        return await RmdirProvenAsync(fop, gfid, parent, call);
    }

    /// <summary>Removes a directory that was empty a moment ago.</summary>
    private async ValueTask<RmdirReply> RmdirProvenAsync(RmdirFop fop, Gfid gfid, Layout? parent, Call call)
    {
        var error = Errno.Ok;
        for (var attempt = 0; parent is not null; attempt++)
        {
            var hashed = HashedOf(parent, fop.Name);
            if (hashed is null)
            {
                // The layout may just be being fixed: whoever fetches it waits for that.
                (_, _, hashed) = await HashedOfAsync(fop.Parent, fop.Name, call);
                hashed ??= _subvolumes[0]; // A name in a hole has no subvolume of its own; the first one stands in.
            }

            NotePlan(call, null, new PlanNote(PlanKind.RemoveDirectory, gfid, default) { Hashed = hashed });
            var locks = LockSet.RentForPlan(call);
            error = await locks.NameAsync(hashed, fop.Parent, fop.Name);
            var isPlaced = error != Errno.Ok || attempt == DhtLimits.LayoutRetriesMax
                || await IsPlacedAsync(hashed, fop.Parent, fop.Name, locks.Call);
            var reply = error == Errno.Ok && isPlaced
                ? await RmdirLockedAsync(fop, gfid, hashed, locks, call)
                : RmdirReply.Fail(error);
            await locks.UnlockAsync(reply.Error);
            if (error != Errno.Ok || isPlaced)
            {
                return reply;
            }

            reply.Release();
            BeginNextAttempt(call);
            (error, parent) = await LayoutOfAsync(fop.Parent, call);
        }

        return RmdirReply.Fail(error);
    }

    private async ValueTask<RmdirReply> RmdirLockedAsync(
        RmdirFop fop, Gfid gfid, Subvolume hashed, LockSet locks, Call call)
    {
        var answers = Answers<RmdirReply>.Rent(_subvolumes.Length);
        foreach (var subvolume in _subvolumes)
        {
            if (subvolume != hashed)
            {
                answers.Put(subvolume.Index, subvolume.Translator.Rmdir(in fop, call));
            }
        }

        await answers.JoinAsync();
        var error = FirstRefusal(answers);
        var reply = error == Errno.Ok ? await hashed.Translator.Rmdir(in fop, call) : RmdirReply.Fail(error);
        if (reply.IsOk)
        {
            for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
            {
                DhtIatt.AddDirectory(ref reply.PreParent, in answers[i]!.PreParent);
                DhtIatt.AddDirectory(ref reply.PostParent, in answers[i]!.PostParent);
            }

            _directories.Remove(gfid);
        }
        else if (answers.FirstOk() >= 0 && !IsLeftToOthers(reply.Error, call))
        {
            await RestoreAsync(gfid, fop.Parent, fop.Name, locks.Call);
        }

        answers.Release();
        return reply;
    }

    /// <summary>
    /// An earlier run has removed the directory where its name hashes to, which is the last step. When it has not come
    /// so far the directory is still found there, and it begins anew.
    /// </summary>
    private static async ValueTask<RmdirReply?> ResumeRmdirAsync(RmdirFop fop, Past past, PlanNote note, Call own) =>
        note.Hashed is { } hashed && past.Has(StepKind.Own, hashed)
            ? await hashed.Translator.Rmdir(in fop, own) : null;

    /// <summary>The first error that is not an absence.</summary>
    private static Errno FirstRefusal<TReply>(Answers<TReply> answers)
        where TReply : Reply, IReply<TReply>
    {
        for (var i = 0; i < answers.Count; i++)
        {
            if (answers[i] is { IsOk: false } reply && !IsAbsence(reply.Error))
            {
                return reply.Error;
            }
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Brings a directory back where a transaction that failed has removed it, with the layout it had. The caller holds
    /// the locks of the name.
    /// </summary>
    private async ValueTask<int> RestoreAsync(Gfid gfid, Gfid parent, Name name, Call call)
    {
        _directories.TryGet(gfid, out var state);
        var created = 0;
        var answers = await ProbeAsync(default, parent, name, call);
        if (IsOneDirectory(answers, gfid))
        {
            created = await CreateMissingAsync(answers, gfid, parent, name, call);
            for (var i = 0; i < answers.Count; i++)
            {
                if (state.Layout is { } layout && answers[i] is { IsOk: false })
                {
                    await RestorePartAsync(_subvolumes[i], gfid, layout, call);
                }
            }
        }

        answers.Release();
        return created;
    }

    private static async ValueTask<Errno> RestorePartAsync(Subvolume subvolume, Gfid gfid, Layout layout, Call call)
    {
        var part = layout[subvolume.Index];
        var values = XData.Rent();
        if (part.HasXattr)
        {
            SetLayout(values, part.Xattr);
        }

        if (layout.Mds == subvolume.Index)
        {
            values.SetBytes(DhtKeys.Mds, [0, 0, 0, 0]);
        }

        var fop = new SetxattrFop { Gfid = gfid, Values = values };
        var reply = await subvolume.Translator.Setxattr(in fop, call);
        var error = reply.Error;
        reply.Release();
        values.Release();
        return error;
    }

    /// <summary>
    /// Ok when no subvolume has anything in the directory but link files, which are answered; ENOTEMPTY when one has.
    /// </summary>
    private async ValueTask<(Errno Error, List<(Subvolume At, Name Name)> Links)> ProveEmptyAsync(Gfid gfid, Call call)
    {
        var links = new List<(Subvolume At, Name Name)>();
        var fd = new Fd(gfid, OpenFlags.ReadOnly, isDirectory: true, _fdSlots);
        var open = await OpendirAsync(new OpendirFop { Gfid = gfid, Fd = fd }, call);
        var error = open.Error;
        open.Release();
        if (error != Errno.Ok)
        {
            return (error, links);
        }

        var scans = new List<Task<Errno>>();
        foreach (var subvolume in _subvolumes)
        {
            if (((DirectoryFd)fd.Get(Slot)!).IsOpen(subvolume.Index))
            {
                scans.Add(ScanAsync(subvolume, fd, links, call).AsTask());
            }
        }

        foreach (var scan in scans)
        {
            var found = await scan;
            error = error == Errno.Ok ? found : error;
        }

        var released = await ReleasedirAsync(new ReleasedirFop { Gfid = gfid, Fd = fd }, call);
        released.Release();
        return (error, links);
    }

    /// <summary>
    /// Removes link files that lead nowhere; ENOTEMPTY when there is a file behind one. The subvolumes were not read at
    /// the same time, so a rename may have put the file behind a link file meanwhile: each is looked at under the lock
    /// of its name. The caller holds no lock, because the locks below a directory have no place in the order of those
    /// of its name.
    /// </summary>
    private async ValueTask<Errno> RemoveStrayLinksAsync(
        Gfid gfid, List<(Subvolume At, Name Name)> links, Call call)
    {
        var error = Errno.Ok;
        var request = LookupRequest(fromAbove: null, isRoot: false);
        foreach (var (at, name) in links)
        {
            if (error == Errno.Ok)
            {
                var ask = new LookupFop { Parent = gfid, Name = name, XData = request };
                var (_, _, hashed) = await HashedOfAsync(gfid, name, call);
                var reply = await RemoveDanglingAsync(ask, call, hashed ?? at);
                error = reply.IsOk ? Errno.ENOTEMPTY : IsAbsence(reply.Error) ? Errno.Ok : reply.Error;
                reply.Release();
            }
        }

        request.Release();
        return error;
    }

    /// <summary>
    /// Reads one subvolume's part of a directory to its end or to the first entry that is more than a link file.
    /// </summary>
    private static async ValueTask<Errno> ScanAsync(
        Subvolume subvolume, Fd fd, List<(Subvolume At, Name Name)> links, Call call)
    {
        var request = XData.Rent();
        request.SetUInt(DhtKeys.LinkTo, 256);
        var ask = new ReaddirpFop { Gfid = fd.Gfid, Fd = fd, Size = DhtLimits.ScanChunk, XData = request };
        var error = Errno.Ok;
        while (error == Errno.Ok)
        {
            var reply = await subvolume.Translator.Readdirp(in ask, call);
            var count = reply.Entries.Count;
            error = reply.IsOk ? NoteEntries(reply.Entries, subvolume, links) : reply.Error;
            var isEnd = count == 0 || reply.Hint == Errno.ENOENT;
            ask = ask with { Offset = count > 0 ? (long)reply.Entries[count - 1].Offset : 0 };
            reply.Release();
            if (isEnd)
            {
                break;
            }
        }

        request.Release();
        return error;
    }

    private static Errno NoteEntries(DirEntries entries, Subvolume subvolume, List<(Subvolume At, Name Name)> links)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            var name = entries.NameOf(i);
            if (name.IsDotOrDotDot)
            {
                continue;
            }

            ref var entry = ref entries[i];
            if (!IsLinkEntry(in entry))
            {
                return Errno.ENOTEMPTY;
            }

            lock (links)
            {
                links.Add((subvolume, name.ToOwned()));
            }
        }

        return Errno.Ok;
    }

    private static bool IsLinkEntry(in DirEntry entry) =>
        DhtIatt.HasLinkMode(in entry.Iatt) && entry.XData is { } xdata && xdata.Contains(DhtKeys.LinkTo);
}
