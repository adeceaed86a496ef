using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Link files: an empty file of mode 01000 on the subvolume a name hashes to, whose xattr names the subvolume with the
/// data.
/// </summary>
public sealed partial class Distribute
{
    /// <summary>
    /// Makes a link file with the gfid of the file it stands for. EEXIST when the name is taken. A brick that has the
    /// gfid already makes another name of that inode.
    /// </summary>
    private static async ValueTask<Errno> MakeLinkAsync(
        Subvolume at, Gfid parent, Name name, Gfid gfid, Subvolume target, Call call,
        StepKind kind = StepKind.MakeLink)
    {
        var request = XData.Rent();
        request.SetGfid(DhtKeys.GfidRequest, gfid);
        request.SetBytes(DhtKeys.LinkTo, target.LinkTo);
        request.SetString(DhtKeys.InternalFop, "yes"u8);
        var fop = new MknodFop
        {
            Parent = parent,
            Name = name,
            Mode = FileMode.Regular | FileMode.Sticky,
            XData = request,
        };
        var step = BeginStep(call, kind);
        var reply = await at.Translator.Mknod(in fop, step);
        EndStep(step, call);
        var error = reply.Error;
        reply.Release();
        request.Release();
        return error;
    }

    /// <summary>
    /// Removes a link file; EBUSY when the name is something else. A missing one counts as removed. The brick keeps it
    /// when somebody has it open (a rebalance that fills it), if it knows that guard.
    /// </summary>
    private static async ValueTask<Errno> RemoveLinkAsync(
        Subvolume at, Gfid parent, Name name, bool sparesOpen, Call call, StepKind kind = StepKind.RemoveStaleLink)
    {
        var request = XData.Rent();
        request.SetInt(DhtKeys.UnlinkOnlyLinkFile, 1);
        request.SetString(DhtKeys.InternalFop, "yes"u8);
        if (sparesOpen)
        {
            request.SetInt(DhtKeys.DontUnlinkOpen, 1);
        }

        var fop = new UnlinkFop { Parent = parent, Name = name, XData = request };
        var step = BeginStep(call, kind);
        var reply = await at.Translator.Unlink(in fop, step);
        EndStep(step, call);
        var error = IsAbsence(reply.Error) ? Errno.Ok : reply.Error;
        reply.Release();
        request.Release();
        return error;
    }

    /// <summary>A link file belongs to the owner of the file, for quota's sake; root's need nothing.</summary>
    private static async ValueTask<Errno> OwnLinkAsync(Subvolume at, Iatt file, Call call)
    {
        if ((file.Uid | file.Gid) == 0)
        {
            return Errno.Ok;
        }

        var request = XData.Rent();
        request.SetString(DhtKeys.InternalFop, "yes"u8);
        var fop = new SetattrFop
        {
            Gfid = file.Gfid,
            Iatt = new Iatt { Uid = file.Uid, Gid = file.Gid },
            Valid = SetattrValid.Uid | SetattrValid.Gid,
            XData = request,
        };
        var step = BeginStep(call, StepKind.OwnLink);
        var reply = await at.Translator.Setattr(in fop, step);
        EndStep(step, call);
        var error = reply.Error;
        reply.Release();
        request.Release();
        return error;
    }

    /// <summary>
    /// The subvolume that the linkto value names; null when there is no value or nobody of that name.
    /// </summary>
    private Subvolume? TargetOf(LookupReply reply) =>
        reply.XData is { } xdata && xdata.TryGetBytes(DhtKeys.LinkTo, out var linkTo) ? SubvolumeNamed(linkTo) : null;

    /// <summary>True when the hashed subvolume leads to the file already, or cannot be made to.</summary>
    private static bool LeadsTo(LookupReply? said, in Gfid gfid, Subvolume cached)
    {
        if (said is null || (!said.IsOk && said.Error != Errno.ENOENT))
        {
            return true;
        }

        return said.IsOk && (!Census.IsLinkFile(said) || PointsTo(said, gfid, cached));
    }

    private static bool PointsTo(LookupReply link, in Gfid gfid, Subvolume cached) =>
        link.Iatt.Gfid == gfid && link.XData!.TryGetBytes(DhtKeys.LinkTo, out var linkTo) && cached.IsNamed(linkTo);

    /// <summary>
    /// Makes the hashed subvolume lead to a file that was found elsewhere: creates its link file, or replaces one that
    /// points astray. Under the lock of the name both places are looked at again, because a rename may be under way.
    /// </summary>
    private async ValueTask<int> RepairLinkAsync(
        Answers<LookupReply> answers, LookupFop ask, Call call, Subvolume hashed, Subvolume cached)
    {
        var gfid = answers[cached.Index]!.Iatt.Gfid;
        if (LeadsTo(answers[hashed.Index], in gfid, cached))
        {
            return 0;
        }

        var locks = LockSet.Rent(call);
        if (await locks.NameAsync(hashed, ask.Parent, ask.Name) == Errno.Ok
            && await IsPlacedAsync(hashed, ask.Parent, ask.Name, locks.Call))
        {
            await RepairLockedLinkAsync(ask with { Gfid = default }, hashed, cached, gfid, locks.Call);
        }

        return await locks.UnlockAsync();
    }

    private async ValueTask<Errno> RepairLockedLinkAsync(
        LookupFop ask, Subvolume hashed, Subvolume cached, Gfid gfid, Call call)
    {
        var file = await cached.Translator.Lookup(in ask, call);
        var iatt = file.Iatt;
        var isThere = IsWholeFile(file, gfid);
        file.Release();
        if (!isThere)
        {
            return Errno.ENOENT;
        }

        var said = await hashed.Translator.Lookup(in ask, call);
        var isFine = LeadsTo(said, in gfid, cached);
        var isAstray = said.IsOk && !isFine;
        said.Release();
        if (isFine)
        {
            return Errno.Ok;
        }

        if (isAstray)
        {
            var removed = await RemoveLinkAsync(hashed, ask.Parent, ask.Name, sparesOpen: true, call);
            if (removed != Errno.Ok)
            {
                return removed;
            }
        }

        var error = await MakeLinkAsync(hashed, ask.Parent, ask.Name, gfid, cached, call);
        if (error == Errno.Ok)
        {
            await OwnLinkAsync(hashed, iatt, call);
        }
        else if (error != Errno.EEXIST)
        {
            Log.Debug(
                Room, "link file could not be made", ("subvolume", hashed.Name), ("gfid", gfid), ("errno", error));
        }

        return error;
    }

    /// <summary>
    /// Only link files carry the name and all their targets deny it: removes them, if that is still so under the lock
    /// of the name. Answers the file when it has appeared meanwhile.
    /// </summary>
    private async ValueTask<LookupReply> RemoveDanglingAsync(LookupFop ask, Call call, Subvolume? hashed)
    {
        if (ask.Name.IsEmpty)
        {
            return LookupReply.Fail(Errno.ESTALE);
        }

        if (hashed is null)
        {
            return LookupReply.Fail(Errno.ENOENT);
        }

        var locks = LockSet.Rent(call);
        LookupReply? reply = null;
        if (await locks.NameAsync(hashed, ask.Parent, ask.Name) == Errno.Ok
            && await IsPlacedAsync(hashed, ask.Parent, ask.Name, locks.Call))
        {
            reply = await RemoveLockedDanglingAsync(ask with { Gfid = default }, locks.Call);
        }

        await locks.UnlockAsync();
        return reply ?? LookupReply.Fail(Errno.ENOENT);
    }

    private async ValueTask<LookupReply?> RemoveLockedDanglingAsync(LookupFop ask, Call call)
    {
        var answers = Answers<LookupReply>.Rent(_subvolumes.Length);
        AskAll<LookupFop, LookupReply>(answers, in ask, call);
        await answers.JoinAsync();
        LookupReply? reply = null;
        var verdict = Judge(answers, in ask, out var place);
        if (verdict == Verdict.File)
        {
            reply = FinishFile(answers.Take(place), _subvolumes[place], in ask);
        }
        else if (verdict == Verdict.DanglingLinks)
        {
            for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
            {
                var error = await RemoveLinkAsync(_subvolumes[i], ask.Parent, ask.Name, sparesOpen: true, call);
                Log.Debug(Room, "stale link file removed", ("subvolume", _subvolumes[i].Name), ("errno", error));
            }
        }

        answers.Release();
        return reply;
    }
}
