using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// MKDIR: under the locks of the name the directory is made on the hashed subvolume, which decides, then on the others;
/// then the new directory gets its layout under its own lock.
/// </summary>
public sealed partial class Distribute
{
    /// <summary>
    /// Makes a directory on all subvolumes. It succeeds when the hashed subvolume has it: where it could not be made it
    /// gets no range and the next look-up makes it. ENOTCONN when the hashed subvolume is away.
    /// </summary>
    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call) =>
        _isSingle ? MkdirSingleAsync(fop, call)
        : call.Change.IsNone ? MkdirAsync(fop, call)
        : AsRunAsync<MkdirFop, MkdirReply>(
            fop, call, static (dht, fop, own) => dht.MkdirAsync(fop, own),
            static (dht, fop, past, note, own) => dht.ResumeMkdirAsync(fop, past, note, own));

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<MkdirReply> MkdirSingleAsync(MkdirFop fop, Call call)
    {
        var request = fop.XData is null ? XData.Rent() : fop.XData.Clone();
        SetLayout(request, LayoutXattr.Full(commitHash: 0));
        var ask = fop with { XData = request };
        var reply = await Next.Mkdir(in ask, call);
        request.Release();
        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<MkdirReply> MkdirAsync(MkdirFop fop, Call call)
    {
        for (var attempt = 0; ; attempt++)
        {
            var place = await PlaceNewAsync(
                fop.Parent, fop.Name, mayExist: false, refresh: attempt > 0, call);
            if (place.Hashed is null)
            {
                return MkdirReply.Fail(place.Error);
            }

            var reply = await MkdirAtAsync(fop, place, call);
            if (!IsLayoutStale(reply) || attempt == DhtLimits.LayoutRetriesMax)
            {
                return reply;
            }

            reply.Release();
            BeginNextAttempt(call);
        }
    }

    /// <summary>
    /// The directory that an earlier run has made where its name hashes to: the others get it, and it gets its layout.
    /// </summary>
    private async ValueTask<MkdirReply?> ResumeMkdirAsync(MkdirFop fop, Past past, PlanNote note, Call own)
    {
        if (note.Hashed is not { } hashed || !past.Has(StepKind.Own, hashed))
        {
            return null;
        }

        var place = new Placement(Errno.Ok, null, hashed, hashed);
        var reply = await MkdirAtAsync(fop, place, own);
        if (reply.IsOk)
        {
            return reply;
        }

        reply.Release(); // Its name cannot be locked: the parent is gone, or others have taken the directory away.
        return await MkdirHashedAsync(fop, place, own);
    }

    private async ValueTask<MkdirReply> MkdirAtAsync(MkdirFop fop, Placement place, Call call)
    {
        var hashed = place.Hashed!;
        NotePlan(call, null, new PlanNote(PlanKind.MakeDirectory, default, default) { Hashed = hashed });
        var locks = LockSet.RentForPlan(call);
        var error = await locks.NameAsync(hashed, fop.Parent, fop.Name);
        if (error != Errno.Ok)
        {
            await locks.UnlockAsync(error);
            return MkdirReply.Fail(error);
        }

        var reply = await MkdirHashedAsync(fop, place, call);
        if (!reply.IsOk)
        {
            await locks.UnlockAsync(reply.Error);
            return reply;
        }

        // The lock of the new layout only if it is free: whoever has it may wait for the locks of the name.
        var gfid = reply.Iatt.Gfid;
        locks.WantLayout(hashed, gfid, LockType.Write);
        var locking = locks.TryTakeAsync();
        var parts = await MkdirOthersAsync(fop, hashed, reply, call);
        var isLocked = await locking == Errno.Ok;
        var layout = new Layout(parts, hashed.Index);
        RememberDirectory(gfid, layout, Volatile.Read(ref _generation), fop.Parent, fop.Name);
        if (isLocked)
        {
            await HealLockedLayoutAsync(gfid, isMade: true, locks.Call);
        }

        await locks.UnlockAsync();
        if (!isLocked)
        {
            await HealLayoutAsync(gfid, hashed, call);
        }

        return reply;
    }

    private async ValueTask<MkdirReply> MkdirHashedAsync(MkdirFop fop, Placement place, Call call)
    {
        var request = EntryRequest(fop.XData, place, checksLayout: place.Layout is not null, call);
        request.SetBytes(DhtKeys.Mds, [0, 0, 0, 0]);
        var ask = fop with { XData = request };
        var reply = await place.Hashed!.Translator.Mkdir(in ask, call);
        request.Release();
        return reply;
    }

    /// <summary>
    /// Makes the directory on the other subvolumes with the gfid it has got; answers what each of them said.
    /// </summary>
    private async ValueTask<LayoutPart[]> MkdirOthersAsync(MkdirFop fop, Subvolume hashed, MkdirReply reply, Call call)
    {
        var request = fop.XData is null ? XData.Rent() : fop.XData.Clone();
        request.SetGfid(DhtKeys.GfidRequest, reply.Iatt.Gfid);
        var ask = fop with { XData = request };
        var answers = Answers<MkdirReply>.Rent(_subvolumes.Length);
        foreach (var subvolume in _subvolumes)
        {
            if (subvolume != hashed)
            {
                answers.Put(subvolume.Index, subvolume.Translator.Mkdir(in ask, call));
            }
        }

        await answers.JoinAsync();
        request.Release();
        var parts = new LayoutPart[_subvolumes.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (answers[i] is not { } other)
            {
                continue;
            }

            // A directory that is there already is one that a heal has made meanwhile; another gfid shows at the next
            // look-up.
            var error = other.Error == Errno.EEXIST ? Errno.Ok : other.Error;
            parts[i] = new LayoutPart(error, HasXattr: false, default);
            if (error != Errno.Ok)
            {
                Log.Debug(
                    Room, "directory not made",
                    ("subvolume", _subvolumes[i].Name), ("gfid", reply.Iatt.Gfid), ("errno", error));
                continue;
            }

            DhtIatt.AddDirectory(ref reply.Iatt, in other.Iatt);
            DhtIatt.AddDirectory(ref reply.PreParent, in other.PreParent);
            DhtIatt.AddDirectory(ref reply.PostParent, in other.PostParent);
        }

        answers.Release();
        return parts;
    }
}
