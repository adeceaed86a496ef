using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// UNLINK. A file on the subvolume its name hashes to is one call. When there is a link file, both names go under the
/// lock of the name, the link file first, so that nobody mistakes what is left for something else and a rename that
/// replaces the name loses nothing.
/// </summary>
public sealed partial class Distribute
{
    /// <summary>
    /// Removes a name. Where the data is comes from a look-up of the name not older than
    /// <see cref="DhtLimits.NameHintNs"/>, else it is looked up now.
    /// </summary>
    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call) =>
        _isSingle ? Next.Unlink(in fop, call)
        : call.Change.IsNone ? UnlinkAsync(fop, call)
        : AsRunAsync<UnlinkFop, UnlinkReply>(
            fop, call, static (dht, fop, own) => dht.UnlinkAsync(fop, own),
            static (dht, fop, past, note, own) => dht.ResumeUnlinkAsync(fop, past, note, own));

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UnlinkReply> UnlinkAsync(UnlinkFop fop, Call call)
    {
        var (error, layout) = await LayoutOfAsync(fop.Parent, call);
        if (layout is null)
        {
            return UnlinkReply.Fail(error);
        }

        if (TryHint(fop.Parent, fop.Name, out var hint))
        {
            ForgetName(fop.Parent, fop.Name);
            var reply = await UnlinkAtAsync(fop, layout, _subvolumes[hint.Place - 1], hint.Gfid, call);
            if (!IsAbsence(reply.Error) && reply.Error != Errno.EBUSY)
            {
                return reply;
            }

            // Somebody else has changed the name since: look.
            reply.Release();
            BeginNextAttempt(call);
        }

        return await UnlinkLookedUpAsync(fop, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UnlinkReply> UnlinkLookedUpAsync(UnlinkFop fop, Call call)
    {
        for (var attempt = 0; ; attempt++)
        {
            var lookup = await Lookup(new LookupFop { Parent = fop.Parent, Name = fop.Name }, call);
            var gfid = lookup.Iatt.Gfid;
            var error = !lookup.IsOk ? lookup.Error : lookup.Iatt.IsDirectory ? Errno.EISDIR : Errno.Ok;
            lookup.Release();
            if (error != Errno.Ok || !TryFile(gfid, out var cached))
            {
                return UnlinkReply.Fail(error == Errno.Ok ? Errno.ESTALE : error);
            }

            ForgetName(fop.Parent, fop.Name);
            (error, var layout) = await LayoutOfAsync(fop.Parent, call);
            var reply = layout is null
                ? UnlinkReply.Fail(error)
                : await UnlinkAtAsync(fop, layout, cached, gfid, call);
            if (reply.Error != Errno.EBUSY || attempt == DhtLimits.NameRetriesMax)
            {
                return reply;
            }

            reply.Release();
            BeginNextAttempt(call);
        }
    }

    /// <summary>
    /// Removes a file that is believed to be on a subvolume. EBUSY when somebody has changed the name.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UnlinkReply> UnlinkAtAsync(
        UnlinkFop fop, Layout layout, Subvolume cached, Gfid gfid, Call call)
    {
        var hashed = HashedOf(layout, fop.Name);
        NotePlan(call, null, new PlanNote(PlanKind.Unlink, gfid, default) { Data = cached, Hashed = hashed });
        if (hashed is null || hashed == cached)
        {
            return await UnlinkDataAsync(fop, cached, gfid, call);
        }

        if (!cached.MayBeUp)
        {
            return UnlinkReply.Fail(Errno.ENOTCONN);
        }

        var locks = LockSet.RentForPlan(call);
        var error = await locks.NameAsync(hashed, fop.Parent, fop.Name);
        var reply = error is Errno.Ok or Errno.ENOTCONN
            ? await UnlinkLockedAsync(fop, hashed, cached, gfid, locks, call)
            : UnlinkReply.Fail(error);
        await locks.UnlockAsync(reply.Error);
        return reply;
    }

    /// <summary>Removes a name that has a link file, its name locked: the link file first, then the data.</summary>
    private async ValueTask<UnlinkReply> UnlinkLockedAsync(
        UnlinkFop fop, Subvolume hashed, Subvolume cached, Gfid gfid, LockSet locks, Call call)
    {
        var placing = IsPlacedAsync(hashed, fop.Parent, fop.Name, locks.Call);
        var found = await FindAsync(fop.Parent, fop.Name, hashed, cached, locks.Call);
        if (!await placing)
        {
            return UnlinkReply.Fail(Errno.EBUSY);
        }

        if (found.Error == Errno.Ok ? found.At != cached || found.Iatt.Gfid != gfid : found.Error != Errno.ENOTCONN)
        {
            return UnlinkReply.Fail(found.Error == Errno.Ok ? Errno.EBUSY : found.Error);
        }

        var error = await RemoveLinkAsync(
            hashed, fop.Parent, fop.Name, sparesOpen: false, locks.Plan, StepKind.RemoveLink);
        if (error is not (Errno.Ok or Errno.ENOTCONN))
        {
            return UnlinkReply.Fail(error);
        }

        var reply = await UnlinkDataAsync(fop, cached, gfid, call);
        if (!reply.IsOk && !IsAbsence(reply.Error) && error == Errno.Ok && !IsLeftToOthers(reply.Error, call))
        {
            // The file is still there: let its name lead to it again.
            await MakeLinkAsync(hashed, fop.Parent, fop.Name, gfid, cached, locks.Plan, StepKind.RemakeLink);
        }

        return reply;
    }

    /// <summary>
    /// An earlier run has removed the file, or its link file: then others do not find it any more, and the data goes
    /// as well.
    /// </summary>
    private async ValueTask<UnlinkReply?> ResumeUnlinkAsync(UnlinkFop fop, Past past, PlanNote note, Call own)
    {
        var (cached, hashed) = (note.Data, note.Hashed);
        var isRemoved = cached is not null && past.Has(StepKind.Own, cached);
        var isHidden = hashed is not null && past.Has(StepKind.RemoveLink, hashed)
            && !past.Has(StepKind.RemakeLink, hashed);
        if (!isRemoved && !isHidden)
        {
            return null;
        }

        ForgetName(fop.Parent, fop.Name);
        var reply = await UnlinkDataAsync(fop, cached!, note.Gfid, own); // A plan of this kind has a place.
        if (IsAbsence(reply.Error) || reply.Error == Errno.EBUSY)
        {
            reply.Release();
            reply = UnlinkReply.Rent(); // The name is that of another file, or of none.
        }

        return reply;
    }

    /// <summary>
    /// Removes the name of the data, unless it is another file or a link file by now: a link file without its data
    /// would leave the data where no look-up finds it.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<UnlinkReply> UnlinkDataAsync(UnlinkFop fop, Subvolume at, Gfid gfid, Call call)
    {
        var request = fop.XData is null ? XData.Rent() : fop.XData.Clone();
        request.SetGfid(DhtKeys.UnlinkOnlyGfid, gfid);
        var ask = fop with { XData = request };
        var reply = await at.Translator.Unlink(in ask, call);
        request.Release();
        return reply;
    }
}
