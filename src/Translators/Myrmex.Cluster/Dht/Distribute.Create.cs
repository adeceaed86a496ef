using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// New files: on the subvolume the name hashes to, or on the emptiest one with a link file when that is full.
/// </summary>
public sealed partial class Distribute
{
    /// <summary>
    /// Makes and opens a file. EIO when the directory has no range for the name and could not be given one, ENOTCONN
    /// when the subvolume of that range is away.
    /// </summary>
    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call) =>
        _isSingle ? Next.Create(in fop, call)
        : call.Change.IsNone ? CreateAsync(fop, call)
        : AsRunAsync<CreateFop, CreateReply>(
            fop, call, static (dht, fop, own) => dht.CreateAsync(fop, own),
            static (dht, fop, past, note, own) => dht.ResumeCreateAsync(fop, past, note, own));

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call) =>
        _isSingle ? Next.Mknod(in fop, call) : NewOrRunAsync<MknodFop, MknodReply, MknodShape>(fop, call);

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call) =>
        _isSingle ? Next.Symlink(in fop, call) : NewOrRunAsync<SymlinkFop, SymlinkReply, SymlinkShape>(fop, call);

    public override ValueTask<PutReply> Put(in PutFop fop, Call call) =>
        _isSingle ? Next.Put(in fop, call) : NewOrRunAsync<PutFop, PutReply, PutShape>(fop, call);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<CreateReply> CreateAsync(CreateFop fop, Call call)
    {
        for (var attempt = 0; ; attempt++)
        {
            var (reply, target) = await MakeAsync<CreateFop, CreateReply, CreateShape>(fop, call);
            if (!reply.IsOk)
            {
                return reply;
            }

            reply = await FinishCreateAsync(reply, fop, target!, call); // A success has a place.
            if (reply.Error != Errno.EAGAIN || attempt == DhtLimits.NameRetriesMax)
            {
                return reply;
            }

            reply.Release();
            BeginNextAttempt(call);
        }
    }

    private ValueTask<TReply> NewOrRunAsync<TFop, TReply, TShape>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TShape : struct, IEntryShape<TFop, TReply> =>
        call.Change.IsNone
            ? NewAsync<TFop, TReply, TShape>(fop, call)
            : AsRunAsync<TFop, TReply>(
                fop, call, static (dht, fop, own) => dht.NewAsync<TFop, TReply, TShape>(fop, own),
                static (dht, fop, past, note, own) => dht.ResumeNewAsync<TFop, TReply, TShape>(fop, past, note, own));

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> NewAsync<TFop, TReply, TShape>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TShape : struct, IEntryShape<TFop, TReply>
    {
        var (reply, target) = await MakeAsync<TFop, TReply, TShape>(fop, call);
        if (reply.IsOk)
        {
            var (parent, name, _) = TShape.EntryOf(in fop);
            RememberNew(TShape.GfidOf(reply), parent, name, target!); // A success has a place.
        }

        return reply;
    }

    /// <summary>
    /// Sends a fop that makes a file to where the name belongs, again while the brick calls the layout stale.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(TReply Reply, Subvolume? Target)> MakeAsync<TFop, TReply, TShape>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TShape : struct, IEntryShape<TFop, TReply>
    {
        var (parent, name, xdata) = TShape.EntryOf(in fop);
        for (var attempt = 0; ; attempt++)
        {
            var place = await PlaceNewAsync(
                parent, name, TShape.MayExist(in fop), refresh: attempt > 0, call);
            if (place.Target is null)
            {
                return (TReply.Fail(place.Error), null);
            }

            var request = EntryRequest(xdata, place, checksLayout: !place.IsSpill, call);
            var ask = TShape.With(in fop, request);
            NotePlan(call, null, new PlanNote(PlanKind.Make, GfidIn(request), default)
            {
                Data = place.Target,
                Hashed = place.Hashed,
            });
            var reply = place.IsSpill
                ? await SpillAsync<TFop, TReply>(ask, parent, name, place, GfidIn(request), call)
                : await TFop.Invoke(place.Target.Translator, in ask, call);
            request.Release();
            if (!IsLayoutStale(reply) || attempt == DhtLimits.LayoutRetriesMax)
            {
                return (reply, place.Target);
            }

            reply.Release();
            BeginNextAttempt(call);
        }
    }

    /// <summary>Where a new name goes.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Placement> PlaceNewAsync(
        Gfid parent, Name name, bool mayExist, bool refresh, Call call)
    {
        if (refresh)
        {
            await FetchLayoutAsync(parent, call);
        }

        var (error, layout, hashed) = await HashedForNewAsync(parent, name, mayExist, call);
        if (hashed is null)
        {
            return new Placement(error, null, null, null);
        }

        var space = await SpaceAsync(call);
        var target = hashed.IsDecommissioned || space.IsFull(hashed.Index, _settings)
            ? Emptiest(layout!, space) ?? hashed // There is a layout when there is a range for the name.
            : hashed;
        return new Placement(Errno.Ok, layout, hashed, target);
    }

    /// <summary>The subvolume with most free bytes among those that may get new files.</summary>
    private Subvolume? Emptiest(Layout layout, SpaceReport space)
    {
        Subvolume? best = null;
        foreach (var subvolume in _subvolumes)
        {
            if (subvolume.MayBeUp && !subvolume.IsDecommissioned && layout[subvolume.Index].Error == Errno.Ok
                && !space.IsFull(subvolume.Index, _settings)
                && (best is null || space.FreeBytes(subvolume.Index) > space.FreeBytes(best.Index)))
            {
                best = subvolume;
            }
        }

        return best;
    }

    /// <summary>
    /// The caller's keys, a gfid when the caller chose none, and the layout that the brick must find on the parent. The
    /// caller releases it.
    /// </summary>
    private XData EntryRequest(XData? fromAbove, Placement place, bool checksLayout, Call call)
    {
        var request = fromAbove is null ? XData.Rent() : fromAbove.Clone();
        if (!request.Contains(DhtKeys.GfidRequest))
        {
            request.SetGfid(DhtKeys.GfidRequest, NewGfid(call));
        }

        if (checksLayout && place.Layout![place.Hashed!.Index] is { HasXattr: true } part)
        {
            SetLayout(request, part.Xattr);
            request.SetString(DhtKeys.PreopParentKey, DhtKeys.Layout);
        }

        return request;
    }

    private static void SetLayout(XData values, LayoutXattr xattr)
    {
        System.Span<byte> bytes = stackalloc byte[LayoutXattr.Size];
        xattr.Write(bytes);
        values.SetBytes(DhtKeys.Layout, bytes);
    }

    private static Gfid GfidIn(XData request) =>
        request.TryGetGfid(DhtKeys.GfidRequest, out var gfid) ? gfid : Gfid.Null;

    /// <summary>The brick found another layout on the parent than this client believes in.</summary>
    private static bool IsLayoutStale(Reply reply) =>
        reply.Error == Errno.EIO && reply.XData is { } xdata && xdata.Contains(DhtKeys.PreopCheckFailed);

    /// <summary>
    /// Makes a link file on the hashed subvolume, then the file where there is room. Under the lock of the name, so
    /// that nobody takes the link file for a dangling one in between; without the file the link file is taken away
    /// again.
    /// </summary>
    private async ValueTask<TReply> SpillAsync<TFop, TReply>(
        TFop ask, Gfid parent, Name name, Placement place, Gfid gfid, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var locks = LockSet.RentForPlan(call);
        var hashed = place.Hashed!;
        var error = await locks.NameAsync(hashed, parent, name);
        if (error == Errno.Ok)
        {
            error = await CheckHashedAsync(parent, name, hashed, locks.Call);
        }

        if (error == Errno.Ok)
        {
            error = await MakeLinkAsync(hashed, parent, name, gfid, place.Target!, locks.Plan);
        }

        if (error != Errno.Ok)
        {
            await locks.UnlockAsync(error);
            return TReply.Fail(error);
        }

        var reply = await TFop.Invoke(place.Target!.Translator, in ask, call);
        if (!reply.IsOk && !IsLeftToOthers(reply.Error, call))
        {
            await RemoveLinkAsync(hashed, parent, name, sparesOpen: false, locks.Plan, StepKind.UndoLink);
        }
        else if (reply.IsOk)
        {
            await OwnLinkAsync(hashed, new Iatt { Gfid = gfid, Uid = call.Uid, Gid = call.Gid }, locks.Plan);
        }

        await locks.UnlockAsync(reply.Error);
        return reply;
    }

    /// <summary>The file that an earlier run has made; null when there is none, and then nothing of it.</summary>
    private async ValueTask<TReply?> ResumeMakeAsync<TFop, TReply, TShape>(
        TFop fop, Past past, PlanNote note, Call own)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TShape : struct, IEntryShape<TFop, TReply>
    {
        var (parent, name, xdata) = TShape.EntryOf(in fop);
        if (note.Data is { } target && past.Has(StepKind.Own, target))
        {
            var request = xdata is null ? XData.Rent() : xdata.Clone();
            request.SetGfid(DhtKeys.GfidRequest, note.Gfid);
            var ask = TShape.With(in fop, request);
            var reply = await TFop.Invoke(target.Translator, in ask, own);
            request.Release();
            return reply;
        }

        if (note.Hashed is { } hashed && past.Has(StepKind.MakeLink, hashed))
        {
            var locks = LockSet.RentForPlan(own);
            var error = await locks.NameAsync(hashed, parent, name);
            error = error == Errno.Ok
                ? await RemoveLinkOfAsync(hashed, parent, name, note.Gfid, locks.Plan, StepKind.UndoLink) : error;
            await locks.UnlockAsync(error);
            return error == Errno.Ok || IsAbsence(error) ? null : TReply.Fail(error);
        }

        return null;
    }

    private async ValueTask<CreateReply?> ResumeCreateAsync(CreateFop fop, Past past, PlanNote note, Call own)
    {
        var reply = await ResumeMakeAsync<CreateFop, CreateReply, CreateShape>(fop, past, note, own);
        reply = reply is { IsOk: true }
            ? await FinishCreateAsync(reply, fop, note.Data!, own) // It has a place.
            : reply;
        if (reply is { Error: Errno.EAGAIN })
        {
            reply.Release();
            return null;
        }

        return reply;
    }

    private async ValueTask<TReply?> ResumeNewAsync<TFop, TReply, TShape>(TFop fop, Past past, PlanNote note, Call own)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TShape : struct, IEntryShape<TFop, TReply>
    {
        var reply = await ResumeMakeAsync<TFop, TReply, TShape>(fop, past, note, own);
        if (reply is { IsOk: true })
        {
            var (parent, name, _) = TShape.EntryOf(in fop);
            RememberNew(TShape.GfidOf(reply), parent, name, note.Data!); // It has a place.
        }

        return reply;
    }

    /// <summary>With the layout locked: does the name still hash to this subvolume? ESTALE when it does not.</summary>
    private async ValueTask<Errno> CheckHashedAsync(Gfid parent, Name name, Subvolume hashed, Call call)
    {
        var layout = await RereadLayoutAsync(parent, Gfid.Null, default, call);
        return layout is null ? Errno.ESTALE
            : HashedOf(layout, name) == hashed ? Errno.Ok
            : Errno.ESTALE;
    }

    private void RememberNew(in Gfid gfid, in Gfid parent, Name name, Subvolume target)
    {
        RememberFile(gfid, target);
        RememberName(parent, name, gfid, target);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<CreateReply> FinishCreateAsync(
        CreateReply reply, CreateFop fop, Subvolume target, Call call)
    {
        if (DhtIatt.HasLinkMode(in reply.Iatt))
        {
            return await CreatedOnLinkAsync(reply, fop, target, call);
        }

        fop.Fd.Set(Slot, target);
        RememberNew(reply.Iatt.Gfid, fop.Parent, fop.Name, target);
        return reply;
    }

    /// <summary>
    /// A create that was not exclusive has opened a link file that somebody else has made: opens the file behind it
    /// instead. EAGAIN when there is none (any more). A file that truly has that mode is kept.
    /// </summary>
    private async ValueTask<CreateReply> CreatedOnLinkAsync(
        CreateReply reply, CreateFop fop, Subvolume target, Call call)
    {
        var lookup = await Lookup(new LookupFop { Parent = fop.Parent, Name = fop.Name }, call);
        var (error, iatt) = (lookup.Error, lookup.Iatt);
        lookup.Release();
        fop.Fd.Set(Slot, target);
        Subvolume? cached = null;
        var isFile = error == Errno.Ok && TryFile(iatt.Gfid, out cached);
        if (isFile && cached == target && iatt.Gfid == reply.Iatt.Gfid)
        {
            return reply;
        }

        var release = new ReleaseFop { Gfid = reply.Iatt.Gfid, Fd = fop.Fd };
        var released = await Release(in release, call);
        released.Release();
        if (isFile)
        {
            fop.Fd.Gfid = iatt.Gfid;
            var flags = fop.Flags & ~(OpenFlags.Create | OpenFlags.Exclusive);
            var opened = await Open(new OpenFop { Gfid = iatt.Gfid, Flags = flags, Fd = fop.Fd }, call);
            error = opened.Error;
            reply.FdNumber = opened.FdNumber;
            opened.Release();
        }

        reply.Error = isFile || error != Errno.Ok ? (IsAbsence(error) ? Errno.EAGAIN : error)
            : iatt.IsDirectory ? Errno.EISDIR
            : Errno.EAGAIN;
        reply.Iatt = iatt;
        return reply;
    }

    /// <summary>
    /// Where a new name goes: the error when nowhere, else the layout, the hashed subvolume and the one to use.
    /// </summary>
    private readonly record struct Placement(Errno Error, Layout? Layout, Subvolume? Hashed, Subvolume? Target)
    {
        public bool IsSpill => Hashed != Target;
    }
}
