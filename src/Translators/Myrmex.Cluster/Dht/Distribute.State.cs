using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>What is remembered of files and directories, and how it is found again.</summary>
public sealed partial class Distribute
{
    private uint _volumeCommitHash;

    /// <summary>
    /// Commit hash of the volume as the root carries it; 0, that of new directories, before the first rebalance.
    /// </summary>
    private uint VolumeCommitHash => Volatile.Read(ref _volumeCommitHash);

    private static void AskAll<TFop, TReply>(
        Subvolume[] subvolumes, Answers<TReply> answers, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        foreach (var subvolume in subvolumes)
        {
            answers.Put(subvolume.Index, TFop.Invoke(subvolume.Translator, in fop, call));
        }
    }

    private void AskAll<TFop, TReply>(Answers<TReply> answers, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> => AskAll(_subvolumes, answers, in fop, call);

    private Subvolume? HashedOf(Layout layout, Name name)
    {
        var index = layout.Find(_munger.Hash(name.Span));
        return index < 0 ? null : _subvolumes[index];
    }

    /// <summary>
    /// Asked with the name locked at <paramref name="hashed"/>, which keeps the layout as it is: does the subvolume
    /// itself say that the name belongs to it? When not, others lock the name elsewhere: the remembered layout is older
    /// than its last change, and is forgotten. True for a name without a subvolume, and when nobody can say.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<bool> IsPlacedAsync(Subvolume hashed, Gfid parent, Name name, Call call)
    {
        if (!_directories.TryGet(parent, out var state) || state.Layout is not { } layout
            || HashedOf(layout, name) is not { } now)
        {
            return true;
        }

        if (now != hashed)
        {
            return false;
        }

        var request = XData.Rent();
        request.SetUInt(DhtKeys.Layout, LayoutXattr.Size);
        var ask = new LookupFop { Gfid = parent, XData = request };
        var reply = await hashed.Translator.Lookup(in ask, call);
        request.Release();
        var hash = _munger.Hash(name.Span);
        var isPlaced = !reply.IsOk || (ReadPart(reply) is { HasRange: true } part
            && hash >= part.Xattr.Start && hash <= part.Xattr.Stop);
        reply.Release();
        if (!isPlaced)
        {
            ForgetLayout(parent);
        }

        return isPlaced;
    }

    /// <summary>The layout is fetched again before it is used; the name of the directory stays known.</summary>
    private void ForgetLayout(in Gfid directory)
    {
        if (_directories.TryGet(directory, out var state))
        {
            state.Layout = null;
            _directories.Set(directory, state);
        }
    }

    /// <summary>
    /// Notes that a look-up on all subvolumes, begun when this was the layout, has not found a name.
    /// </summary>
    private void RememberAbsent(in Gfid parent, Name name, Layout layout)
    {
        var key = NameHint.KeyOf(parent, name.Span, out var check);
        _hints.Set(key, new NameHint { Check = check, Layout = layout.Number, StampNs = Seams.Clock.MonotonicNs });
    }

    /// <summary>
    /// Where a name that is to be made hashes to; null with the reason when nowhere. May it be elsewhere, where a
    /// former layout has put it? A look-up that began with this layout in hand has shown it absent, or one is made now.
    /// From then on the name can appear only where the layout puts it, as bricks refuse what believes in a former one.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Layout? Layout, Subvolume? Hashed)> HashedForNewAsync(
        Gfid parent, Name name, bool mayExist, Call call)
    {
        for (var attempt = 0; ; attempt++)
        {
            var (error, layout, hashed) = await HashedOfAsync(parent, name, call);
            if (hashed is null || !MayLieElsewhere(layout!) || IsKnownAbsent(parent, name, layout!))
            {
                return (error, layout, hashed);
            }

            if (attempt == DhtLimits.NameRetriesMax)
            {
                return (Errno.EBUSY, null, null);
            }

            var lookup = await Lookup(new LookupFop { Parent = parent, Name = name }, call);
            error = lookup.Error;
            lookup.Release();
            if (error is not (Errno.Ok or Errno.ENOENT))
            {
                return (error, null, null);
            }

            if (error == Errno.Ok && !mayExist)
            {
                // Removed since it was seen, it may have left a link file of a former layout, which is no absence.
                return (Errno.EEXIST, null, null);
            }

            if (error == Errno.Ok && _directories.TryGet(parent, out var state) && state.Layout == layout)
            {
                // It exists; the look-up has made sure that its hashed subvolume knows of it, and refuses.
                return (Errno.Ok, layout, hashed);
            }
        }
    }

    private bool IsKnownAbsent(in Gfid parent, Name name, Layout layout)
    {
        var key = NameHint.KeyOf(parent, name.Span, out var check);
        return _hints.TryGet(key, out var hint) && hint.Check == check && hint.Layout == layout.Number;
    }

    private bool IsKnownDirectory(in Gfid gfid) => _directories.TryGet(gfid, out var state) && state.Layout is not null;

    private bool TryFile(in Gfid gfid, out Subvolume subvolume)
    {
        if (_files.TryGet(gfid, out var state) && state.Place > 0)
        {
            subvolume = _subvolumes[state.Place - 1];
            return true;
        }

        subvolume = null!;
        return false;
    }

    private void RememberFile(in Gfid gfid, Subvolume subvolume, bool ownsMarkBits = false) =>
        _files.Set(gfid, new FileState { Place = (ushort)(subvolume.Index + 1), OwnsMarkBits = ownsMarkBits });

    private void RememberName(in Gfid parent, Name name, in Gfid gfid, Subvolume subvolume)
    {
        var key = NameHint.KeyOf(parent, name.Span, out var check);
        _hints.Set(key, new NameHint
        {
            Check = check,
            Gfid = gfid,
            Place = (ushort)(subvolume.Index + 1),
            StampNs = Seams.Clock.MonotonicNs,
        });
    }

    private void ForgetName(in Gfid parent, Name name) => _hints.Remove(NameHint.KeyOf(parent, name.Span, out _));

    private bool TryHint(in Gfid parent, Name name, out NameHint hint)
    {
        var key = NameHint.KeyOf(parent, name.Span, out var check);
        return _hints.TryGet(key, out hint) && hint.Check == check && hint.Place > 0
            && Seams.Clock.MonotonicNs - hint.StampNs <= DhtLimits.NameHintNs;
    }

    private void RememberDirectory(in Gfid gfid, Layout layout, int generation, in Gfid parent, Name name)
    {
        _directories.TryGet(gfid, out var state);
        state.Layout = layout;
        state.Generation = generation;
        if (!name.IsEmpty && !(state.Parent == parent && name.Equals(state.Name.AsSpan())))
        {
            state.Parent = parent;
            state.Name = name.Span.ToArray();
        }

        _directories.Set(gfid, state);
    }

    /// <summary>Complete, or as complete as it can be until another subvolume comes back.</summary>
    private bool IsFresh(in DirectoryState state) =>
        state.Layout is { } layout
        && ((layout.IsWhole && !layout.HasUnknown) || state.Generation == Volatile.Read(ref _generation));

    /// <summary>The layout of a directory; null with the reason when it cannot be had.</summary>
    private ValueTask<(Errno Error, Layout? Layout)> LayoutOfAsync(in Gfid directory, Call call) =>
        _directories.TryGet(directory, out var state) && IsFresh(in state)
            ? new ValueTask<(Errno, Layout?)>((Errno.Ok, state.Layout))
            : FetchLayoutAsync(directory, call);

    /// <summary>Asks all subvolumes for a directory's layout, whatever is remembered.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Layout? Layout)> FetchLayoutAsync(Gfid directory, Call call)
    {
        var route = await ResolveAsync(directory, call);
        return route.Directory is not null ? (Errno.Ok, route.Directory)
            : (route.Error == Errno.Ok ? Errno.ENOTDIR : route.Error, null);
    }

    /// <summary>Finds a gfid about which nothing is remembered by asking all subvolumes.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Route> ResolveAsync(Gfid gfid, Call call)
    {
        var request = LookupRequest(fromAbove: null, gfid.IsRoot);
        var ask = new LookupFop { Gfid = gfid, XData = request };
        var answers = Answers<LookupReply>.Rent(_subvolumes.Length);
        AskAll<LookupFop, LookupReply>(answers, in ask, call);
        await answers.JoinAsync();
        var reply = await SettleAsync(answers, ask, call, hashed: null);
        request.Release();
        var error = reply.Error;
        reply.Release();
        return error != Errno.Ok ? new Route(error, null, null)
            : TryRoute(gfid, out var route) ? route
            : new Route(Errno.ESTALE, null, null);
    }

    private bool TryRoute(in Gfid gfid, out Route route)
    {
        if (TryFile(gfid, out var file))
        {
            route = new Route(Errno.Ok, file, null);
            return true;
        }

        if (_directories.TryGet(gfid, out var state) && state.Layout is not null)
        {
            route = new Route(Errno.Ok, null, state.Layout);
            return true;
        }

        route = default;
        return false;
    }

    /// <summary>Where fops on a gfid go: to the subvolume of a file, or by the layout of a directory.</summary>
    private readonly record struct Route(Errno Error, Subvolume? File, Layout? Directory);
}
