using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Files that a rebalance moves while they are in use. Phase 1: the source has sticky and set-group-id bits and names
/// its destination; changes go to both. Phase 2: the source has become a link file; the fop is sent again where it
/// points.
/// </summary>
public sealed partial class Distribute
{
    private readonly Lock _moveLock = new(); // Guards the change of an fd's context to a MovedFd; a leaf lock.

    /// <summary>
    /// A reply that bears a mark, or says that the file is gone: finds out what it means and acts on it.
    /// </summary>
    private async ValueTask<TReply> CareForAsync<TFop, TReply, TView>(
        TReply reply, TFop fop, Gfid gfid, Fd? fd, Subvolume subvolume, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        for (var moves = 0; ; moves++)
        {
            if (reply.IsOk && DhtIatt.HasMarkBits(in TView.Post(reply)))
            {
                return await InPhaseOneAsync<TFop, TReply, TView>(reply, fop, gfid, fd, subvolume, call);
            }

            if (moves == DhtLimits.MovesMax || IsPlain<TReply, TView>(reply))
            {
                return reply;
            }

            var route = await ResolveAsync(gfid, call);
            if (route.File is null || route.File == subvolume || await OpenAlsoAsync(fd, route.File, call) != Errno.Ok)
            {
                return reply;
            }

            reply.Release();
            subvolume = route.File;
            Redirect(fd, subvolume);
            reply = await TFop.Invoke(subvolume.Translator, in fop, call);
        }
    }

    /// <summary>
    /// The file is being copied: a change that may be behind the copier is made at the destination too.
    /// </summary>
    private async ValueTask<TReply> InPhaseOneAsync<TFop, TReply, TView>(
        TReply reply, TFop fop, Gfid gfid, Fd? fd, Subvolume subvolume, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        if (!TFop.Code.Has(FopTraits.Mutates))
        {
            StripMarks<TReply, TView>(reply, gfid);
            return reply;
        }

        var target = await DestinationOfAsync(gfid, subvolume, call);
        if (target is null || target == subvolume)
        {
            // Bits that the owner set.
            RememberFile(gfid, subvolume, ownsMarkBits: true);
            return reply;
        }

        RememberFile(gfid, subvolume);
        if (await OpenAlsoAsync(fd, target, call) == Errno.Ok)
        {
            var second = await TFop.Invoke(target.Translator, in fop, call);
            if (!second.IsOk)
            {
                Log.Warning(
                    Room, "change of a file under migration failed at its destination",
                    ("subvolume", target.Name), ("gfid", gfid), ("fop", TFop.Code), ("errno", second.Error));
            }

            second.Release();
        }

        StripMarks<TReply, TView>(reply, gfid);
        return reply;
    }

    private void StripMarks<TReply, TView>(TReply reply, in Gfid gfid)
        where TReply : Reply
        where TView : struct, IIattView<TReply>
    {
        if (_files.TryGet(gfid, out var state) && state.OwnsMarkBits)
        {
            return;
        }

        DhtIatt.StripMarks(ref TView.Post(reply));
        if (TView.HasPre)
        {
            DhtIatt.StripMarks(ref TView.Pre(reply));
        }
    }

    /// <summary>Where the source of a migration says the file goes; null when it is no such source.</summary>
    private async ValueTask<Subvolume?> DestinationOfAsync(Gfid gfid, Subvolume source, Call call)
    {
        var request = LookupRequest(fromAbove: null, isRoot: false);
        var ask = new LookupFop { Gfid = gfid, XData = request };
        var reply = await source.Translator.Lookup(in ask, call);
        request.Release();
        var target = reply.IsOk ? TargetOf(reply) : null;
        reply.Release();
        return target;
    }

    private static bool IsOpenFile(Fd? fd) => fd is { IsAnonymous: false, IsDirectory: false };

    /// <summary>Opens an fd on a further subvolume, once, whoever asks. Nothing to do without an fd.</summary>
    private async ValueTask<Errno> OpenAlsoAsync(Fd? fd, Subvolume subvolume, Call call)
    {
        if (!IsOpenFile(fd) || fd!.Get(Slot) is not { } context || context == subvolume)
        {
            return Errno.Ok;
        }

        var moved = MovedFdOf(fd);
        if (!moved.Claim(subvolume, out var opening))
        {
            return await opening.Task;
        }

        var flags = fd.Flags & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate);
        var fop = new OpenFop { Gfid = fd.Gfid, Flags = flags, Fd = fd };
        var reply = await subvolume.Translator.Open(in fop, call);
        var error = reply.Error;
        reply.Release();
        if (error != Errno.Ok)
        {
            moved.Abandon(subvolume);
        }

        opening.SetResult(error);
        return error;
    }

    private MovedFd MovedFdOf(Fd fd)
    {
        lock (_moveLock)
        {
            if (fd.Get(Slot) is MovedFd moved)
            {
                return moved;
            }

            moved = new MovedFd((Subvolume)fd.Get(Slot)!);
            fd.Set(Slot, moved);
            return moved;
        }
    }

    /// <summary>From now on the fd is used on this subvolume.</summary>
    private void Redirect(Fd? fd, Subvolume subvolume)
    {
        if (IsOpenFile(fd) && fd!.Get(Slot) is MovedFd moved)
        {
            moved.Current = subvolume;
        }
    }

    private async ValueTask<ReleaseReply> ReleaseMovedAsync(ReleaseFop fop, MovedFd moved, Call call)
    {
        foreach (var index in moved.OpenOn())
        {
            var reply = await _subvolumes[index].Translator.Release(in fop, call);
            reply.Release();
        }

        return ReleaseReply.Rent();
    }
}
