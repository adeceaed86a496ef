using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Changes of attributes. Of a directory they go to the metadata subvolume first, which decides, then to all others.
/// Around changes of xattrs a counter on the metadata subvolume is raised before and lowered after when all have
/// succeeded, so that what is left undone shows at the next look-up; owner and mode show it by themselves.
/// </summary>
public sealed partial class Distribute
{
    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call) =>
        IsFile(fop.Gfid, fd: null)
            ? ToFile<SetattrFop, SetattrReply, SetattrIatt>(in fop, fop.Gfid, fd: null, call)
            : ChangeAllAsync<SetattrFop, SetattrReply, SetattrIatt>(fop, fop.Gfid, fd: null, call);

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call) =>
        IsFile(fop.Gfid, fop.Fd)
            ? ToFile<FsetattrFop, FsetattrReply, FsetattrIatt>(in fop, fop.Gfid, fop.Fd, call)
            : ChangeAllAsync<FsetattrFop, FsetattrReply, FsetattrIatt>(fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call) =>
        !_isSingle && IsOwnKey(fop.Name.Span) ? new ValueTask<RemovexattrReply>(RemovexattrReply.Fail(Errno.EPERM))
        : IsFile(fop.Gfid, fd: null)
            ? ToFile<RemovexattrFop, RemovexattrReply, NoIatt<RemovexattrReply>>(in fop, fop.Gfid, fd: null, call)
            : ChangeAllAsync<RemovexattrFop, RemovexattrReply, NoIatt<RemovexattrReply>>(fop, fop.Gfid, fd: null, call);

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call) =>
        !_isSingle && IsOwnKey(fop.Name.Span) ? new ValueTask<FremovexattrReply>(FremovexattrReply.Fail(Errno.EPERM))
        : IsFile(fop.Gfid, fop.Fd)
            ? ToFile<FremovexattrFop, FremovexattrReply, NoIatt<FremovexattrReply>>(in fop, fop.Gfid, fop.Fd, call)
            : ChangeAllAsync<FremovexattrFop, FremovexattrReply, NoIatt<FremovexattrReply>>(
                fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call)
    {
        if (_isSingle)
        {
            return Next.Setxattr(in fop, call);
        }

        if (fop.Values is { } values)
        {
            if (values.Contains(DhtKeys.FixLayout) || values.Contains(DhtKeys.TrustedFixLayout))
            {
                return FixLayoutAsync(fop.Gfid, call);
            }

            if (RefusalOf(values) is var error and not Errno.Ok)
            {
                return new ValueTask<SetxattrReply>(SetxattrReply.Fail(error));
            }
        }

        return IsFile(fop.Gfid, fd: null)
            ? ToFile<SetxattrFop, SetxattrReply, NoIatt<SetxattrReply>>(in fop, fop.Gfid, fd: null, call)
            : ChangeAllAsync<SetxattrFop, SetxattrReply, NoIatt<SetxattrReply>>(fop, fop.Gfid, fd: null, call);
    }

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call) =>
        !_isSingle && fop.Values is { } values && RefusalOf(values) is var error and not Errno.Ok
            ? new ValueTask<FsetxattrReply>(FsetxattrReply.Fail(error))
        : IsFile(fop.Gfid, fop.Fd)
            ? ToFile<FsetxattrFop, FsetxattrReply, NoIatt<FsetxattrReply>>(in fop, fop.Gfid, fop.Fd, call)
            : ChangeAllAsync<FsetxattrFop, FsetxattrReply, NoIatt<FsetxattrReply>>(fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call) =>
        IsFile(fop.Gfid, fd: null)
            ? ToFile<XattropFop, XattropReply, XattropIatt>(in fop, fop.Gfid, fd: null, call)
            : ChangeAllAsync<XattropFop, XattropReply, XattropIatt>(fop, fop.Gfid, fd: null, call);

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call) =>
        IsFile(fop.Gfid, fop.Fd)
            ? ToFile<FxattropFop, FxattropReply, FxattropIatt>(in fop, fop.Gfid, fop.Fd, call)
            : ChangeAllAsync<FxattropFop, FxattropReply, FxattropIatt>(fop, fop.Gfid, fop.Fd, call);

    /// <summary>What only this translator may write.</summary>
    private static bool IsOwnKey(ReadOnlySpan<byte> key) =>
        key.SequenceEqual(DhtKeys.Layout)
        || (key.StartsWith(DhtKeys.Layout) && key.Length > DhtKeys.Layout.Length
            && key[DhtKeys.Layout.Length] == (byte)'.');

    /// <summary>
    /// EPERM for this translator's own attributes, EOPNOTSUPP for what only a rebalance process does.
    /// </summary>
    private static Errno RefusalOf(XData values)
    {
        foreach (var pair in values)
        {
            if (IsOwnKey(pair.Key))
            {
                return Errno.EPERM;
            }

            if (pair.Key.SequenceEqual(DhtKeys.MigrateData))
            {
                return Errno.EOPNOTSUPP;
            }
        }

        return Errno.Ok;
    }

    /// <summary>Changes a directory on all subvolumes; what turns out to be a file has it on its own.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ChangeAllAsync<TFop, TReply, TView>(TFop fop, Gfid gfid, Fd? fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        if (!TryRoute(gfid, out var route))
        {
            route = await ResolveAsync(gfid, call);
        }

        if (route.File is not null)
        {
            return await ToFileAt<TFop, TReply, TView>(in fop, gfid, fd, route.File, call);
        }

        if (route.Directory is not { } layout)
        {
            return TReply.Fail(route.Error);
        }

        var mds = layout.Mds >= 0 && CountsChanges(TFop.Code) ? _subvolumes[layout.Mds] : null;
        if (mds is not null && await CountMdsAsync(mds, gfid, 1, call) is var error && error != Errno.Ok)
        {
            return TReply.Fail(error);
        }

        var home = HomeOf(layout);
        var decided = await TFop.Invoke(home.Translator, in fop, call);
        var allDone = true;
        if (decided.IsOk)
        {
            allDone = await ChangeOthersAsync<TFop, TReply, TView>(fop, fd, home, decided, call);
        }

        if (mds is not null && allDone)
        {
            await CountMdsAsync(mds, gfid, -1, call);
        }

        return decided;
    }

    private static bool CountsChanges(FopCode code) => code is not (FopCode.Setattr or FopCode.Fsetattr);

    /// <summary>
    /// Changes the subvolumes other than the one that has decided; false when one of them could not be.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<bool> ChangeOthersAsync<TFop, TReply, TView>(
        TFop fop, Fd? fd, Subvolume home, TReply decided, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        var open = fd?.Get(Slot) as DirectoryFd;
        var answers = Answers<TReply>.Rent(_subvolumes.Length);
        var allDone = true;
        foreach (var subvolume in _subvolumes)
        {
            if (subvolume == home)
            {
                continue;
            }

            if (open is not null && !open.IsOpen(subvolume.Index))
            {
                allDone = false;
                continue;
            }

            answers.Put(subvolume.Index, TFop.Invoke(subvolume.Translator, in fop, call));
        }

        await answers.JoinAsync();
        for (var i = 0; i < answers.Count; i++)
        {
            if (answers[i] is not { } other)
            {
                continue;
            }

            // What one had not, another need not have had either.
            allDone &= other.IsOk || other.Error == Errno.ENODATA;
            if (other.IsOk && TView.HasPost)
            {
                Add<TReply, TView>(decided, other);
            }
        }

        answers.Release();
        return allDone;
    }

    /// <summary>Raises or lowers the counter of metadata changes that not all subvolumes have seen.</summary>
    private static async ValueTask<Errno> CountMdsAsync(Subvolume mds, Gfid gfid, int delta, Call call)
    {
        var root = Call.Rent();
        root.CopyIdentityFrom(call);
        root.Uid = 0;
        root.Gid = 0;
        var step = BeginStep(root, delta > 0 ? StepKind.CountUp : StepKind.CountDown);
        var values = CounterOf(delta);
        var fop = new XattropFop { Gfid = gfid, Kind = XattropKind.AddArray32, Values = values };
        var reply = await mds.Translator.Xattrop(in fop, step);
        EndStep(step, root);
        var error = reply.Error;
        reply.Release();
        values.Release();
        root.Release();
        return error == Errno.EOPNOTSUPP ? Errno.Ok : error;
    }

    private static XData CounterOf(int delta)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, delta);
        var values = XData.Rent();
        values.SetBytes(DhtKeys.Mds, bytes);
        return values;
    }

    /// <summary>
    /// Copies owner, mode and attributes from the metadata subvolume to all others, then settles its counter.
    /// </summary>
    private async ValueTask<int> HealMetadataAsync(Gfid gfid, Subvolume mds, Call call)
    {
        var locks = LockSet.Rent(call);
        if (await locks.LayoutAsync(mds, gfid, LockType.Write) == Errno.Ok)
        {
            var answers = await ProbeAsync(gfid, Gfid.Null, default, locks.Call);
            if (IsOneDirectory(answers, gfid) && answers[mds.Index] is { IsOk: true } source
                && TryReadMds(source, out var pending)
                && await CopyToOthersAsync(answers, mds, gfid, withXattrs: pending != 0, locks.Call) && pending != 0)
            {
                await CountMdsAsync(mds, gfid, -pending, locks.Call);
                Log.Debug(Room, "directory metadata repaired", ("volume", Name), ("gfid", gfid));
            }

            answers.Release();
        }

        return await locks.UnlockAsync();
    }

    private async ValueTask<bool> CopyToOthersAsync(
        Answers<LookupReply> answers, Subvolume mds, Gfid gfid, bool withXattrs, Call call)
    {
        var iatt = answers[mds.Index]!.Iatt;
        var xattrs = withXattrs ? await ReadXattrsAsync(mds, gfid, call) : null;
        var all = true;
        foreach (var subvolume in _subvolumes)
        {
            if (subvolume == mds)
            {
                continue;
            }

            if (answers[subvolume.Index] is not { IsOk: true } other)
            {
                all = false;
                continue;
            }

            if (withXattrs)
            {
                all &= await RemoveOthersAsync(subvolume, gfid, xattrs, call) == Errno.Ok;
            }

            if (withXattrs || DhtIatt.OwnersDiffer(in iatt, in other.Iatt))
            {
                all &= await CopyMetadataAsync(subvolume, iatt, xattrs, call) == Errno.Ok;
            }
        }

        xattrs?.Release();
        return all;
    }

    /// <summary>Removes the user's attributes that the source does not have.</summary>
    private static async ValueTask<Errno> RemoveOthersAsync(Subvolume subvolume, Gfid gfid, XData? wanted, Call call)
    {
        var has = await ReadXattrsAsync(subvolume, gfid, call);
        var error = Errno.Ok;
        foreach (var name in NamesMissingIn(has, wanted))
        {
            var fop = new RemovexattrFop { Gfid = gfid, Name = name };
            var reply = await subvolume.Translator.Removexattr(in fop, call);
            error = reply.Error is Errno.Ok or Errno.ENODATA ? error : reply.Error;
            reply.Release();
        }

        has?.Release();
        return error;
    }

    private static System.Collections.Generic.List<Name> NamesMissingIn(XData? has, XData? wanted)
    {
        var names = new System.Collections.Generic.List<Name>();
        if (has is not null)
        {
            foreach (var pair in has)
            {
                if (wanted is null || !wanted.Contains(pair.Key))
                {
                    names.Add(Base.Name.From(pair.Key));
                }
            }
        }

        return names;
    }
}
