using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Repair of directories found damaged by a look-up. Each repair takes the locks that GlusterFS clients take for it,
/// looks again under them, and gives up silently when it cannot have them: the next look-up tries anew.
/// </summary>
public sealed partial class Distribute
{
    /// <summary>Repairs what can be repaired and answers the directory as it is then; takes the reply over.</summary>
    private async ValueTask<LookupReply> HealAsync(LookupReply reply, LookupFop ask, Call call)
    {
        var gfid = reply.Iatt.Gfid;
        if (!_directories.TryGet(gfid, out var state) || state.Layout is not { } layout)
        {
            return reply;
        }

        if (layout.HasMissing && state.Name is { } name)
        {
            // Under the lock of its name: what looks incomplete may be a directory that is being made or removed. When
            // it is not found by the name, it cannot be told from one, and its ranges are left alone.
            if (await HealMissingAsync(gfid, state.Parent, new Name(name), call) is not { } healed)
            {
                return reply;
            }

            layout = healed;
        }

        if (!layout.IsWhole && !layout.HasUnknown)
        {
            await HealLayoutAsync(gfid, madeOn: null, call);
        }

        if (layout.Mds >= 0)
        {
            await HealMetadataAsync(gfid, _subvolumes[layout.Mds], call);
        }

        return reply;
    }

    /// <summary>
    /// Looks a directory up on all subvolumes without repairing it. Null reply: it is not (only) a directory.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Answers<LookupReply>> ProbeAsync(Gfid gfid, Gfid parent, Name name, Call call)
    {
        var request = LookupRequest(fromAbove: null, gfid.IsRoot);
        var ask = new LookupFop { Gfid = gfid, Parent = parent, Name = name, XData = request };
        var answers = Answers<LookupReply>.Rent(_subvolumes.Length);
        AskAll<LookupFop, LookupReply>(answers, in ask, call);
        await answers.JoinAsync();
        request.Release();
        return answers;
    }

    /// <summary>
    /// Creates a directory on the subvolumes that lack it; answers the layout as it is then, null when it has not that
    /// name.
    /// </summary>
    private async ValueTask<Layout?> HealMissingAsync(Gfid gfid, Gfid parent, Name name, Call call)
    {
        var (_, parentLayout) = await LayoutOfAsync(parent, call);
        if (parentLayout is null || HashedOf(parentLayout, name) is not { } hashed)
        {
            return null;
        }

        Layout? layout = null;
        var locks = LockSet.Rent(call);
        if (await locks.NameAsync(hashed, parent, name) == Errno.Ok
            && await IsPlacedAsync(hashed, parent, name, locks.Call))
        {
            var answers = await ProbeAsync(default, parent, name, locks.Call);
            if (IsOneDirectory(answers, gfid))
            {
                await CreateMissingAsync(answers, gfid, parent, name, locks.Call);
                layout = await RereadLayoutAsync(gfid, parent, name, locks.Call);
            }

            answers.Release();
        }

        await locks.UnlockAsync();
        return layout;
    }

    private static bool IsOneDirectory(Answers<LookupReply> answers, in Gfid gfid)
    {
        var census = Census.Of(answers);
        return census.FirstDirectory >= 0 && !census.TypesDiffer && !census.GfidsDiffer
            && answers[census.FirstDirectory]!.Iatt.Gfid == gfid;
    }

    private async ValueTask<Layout?> RereadLayoutAsync(Gfid gfid, Gfid parent, Name name, Call call)
    {
        var answers = await ProbeAsync(gfid, Gfid.Null, default, call);
        Layout? layout = null;
        if (IsOneDirectory(answers, gfid))
        {
            var ask = new LookupFop { Gfid = gfid, Parent = parent, Name = name };
            var (reply, _) = MergeDirectory(answers, in ask);
            reply.Release();
            layout = _directories.TryGet(gfid, out var state) ? state.Layout : null;
        }

        answers.Release();
        return layout;
    }

    private async ValueTask<int> CreateMissingAsync(
        Answers<LookupReply> answers, Gfid gfid, Gfid parent, Name name, Call call)
    {
        var source = SourceOf(answers);
        var iatt = answers[source]!.Iatt;
        var xattrs = await ReadXattrsAsync(_subvolumes[source], gfid, call);
        var created = 0;
        for (var i = 0; i < answers.Count; i++)
        {
            if (answers[i] is { } said && IsAbsence(said.Error)
                && await CreateCopyAsync(_subvolumes[i], iatt, parent, name, xattrs, call))
            {
                created++;
            }
        }

        xattrs?.Release();
        return created;
    }

    /// <summary>The view whose metadata counts: the marked subvolume, else the first one.</summary>
    private static int SourceOf(Answers<LookupReply> answers)
    {
        for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
        {
            if (TryReadMds(answers[i]!, out _))
            {
                return i;
            }
        }

        return answers.FirstOk();
    }

    /// <summary>All extended attributes a user could have set; null when there are none.</summary>
    private static async ValueTask<XData?> ReadXattrsAsync(Subvolume subvolume, Gfid gfid, Call call)
    {
        var fop = new GetxattrFop { Gfid = gfid };
        var reply = await subvolume.Translator.Getxattr(in fop, call);
        XData? copy = null;
        if (reply is { IsOk: true, Values: { Count: > 0 } values })
        {
            foreach (var pair in values)
            {
                if (IsUserVisible(pair.Key))
                {
                    copy ??= XData.Rent();
                    copy.SetRaw(pair.Key, pair.Type, pair.Value);
                }
            }
        }

        reply.Release();
        return copy;
    }

    private static bool IsUserVisible(ReadOnlySpan<byte> key) =>
        key.StartsWith("user."u8) || key.StartsWith("system.posix_acl_"u8) || key.StartsWith("security."u8)
        || (key.StartsWith("trusted."u8) && !key.StartsWith("trusted.glusterfs."u8) && !key.StartsWith("trusted.afr."u8)
            && !key.StartsWith("trusted.ec."u8) && !key.StartsWith("trusted.pgfid."u8)
            && !key.StartsWith("trusted.gfid"u8));

    private async ValueTask<bool> CreateCopyAsync(
        Subvolume subvolume, Iatt iatt, Gfid parent, Name name, XData? xattrs, Call call)
    {
        var request = XData.Rent();
        request.SetGfid(DhtKeys.GfidRequest, iatt.Gfid);
        request.SetString(DhtKeys.InternalFop, "yes"u8);
        var mode = iatt.Mode & FileMode.PermissionMask;
        var fop = new MkdirFop { Parent = parent, Mode = mode, Name = name, XData = request };
        var made = await subvolume.Translator.Mkdir(in fop, call);
        var (error, before) = (made.Error, made.PreParent);
        made.Release();
        request.Release();
        if (error is not (Errno.Ok or Errno.EEXIST))
        {
            Log.Warning(
                Room, "directory could not be created again",
                ("subvolume", subvolume.Name), ("gfid", iatt.Gfid), ("errno", error));
            return false;
        }

        await CopyMetadataAsync(subvolume, iatt, xattrs, call);
        if (error == Errno.Ok && !before.IsNull)
        {
            await RestoreTimeAsync(subvolume, before, call);
        }

        return true;
    }

    /// <summary>Nothing was made in the directory for those who use it: it keeps the time of its last change.</summary>
    private static async ValueTask<Errno> RestoreTimeAsync(Subvolume subvolume, Iatt before, Call call)
    {
        var fop = new SetattrFop { Gfid = before.Gfid, Iatt = before, Valid = SetattrValid.Mtime };
        var reply = await subvolume.Translator.Setattr(in fop, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    /// <summary>Gives a copy of a directory the owner, mode, times and attributes of another.</summary>
    private static async ValueTask<Errno> CopyMetadataAsync(Subvolume subvolume, Iatt iatt, XData? xattrs, Call call)
    {
        var error = Errno.Ok;
        if (xattrs is not null)
        {
            var setxattr = new SetxattrFop { Gfid = iatt.Gfid, Values = xattrs };
            var set = await subvolume.Translator.Setxattr(in setxattr, call);
            error = set.Error;
            set.Release();
        }

        var setattr = new SetattrFop
        {
            Gfid = iatt.Gfid,
            Iatt = iatt,
            Valid = SetattrValid.Mode | SetattrValid.Uid | SetattrValid.Gid | SetattrValid.Atime | SetattrValid.Mtime,
        };
        var changed = await subvolume.Translator.Setattr(in setattr, call);
        error = changed.IsOk ? error : changed.Error;
        changed.Release();
        if (error != Errno.Ok)
        {
            Log.Warning(
                Room, "metadata could not be copied",
                ("subvolume", subvolume.Name), ("gfid", iatt.Gfid), ("errno", error));
        }

        return error;
    }

    /// <summary>
    /// Gives a directory without a whole layout one. Nothing is written while a subvolume is away, because its range
    /// would be given to others. A layout that somebody else has repaired meanwhile is taken as it is.
    /// </summary>
    /// <param name="madeOn">
    /// Where its name hashes to, when the directory was just made: the commit hash of the volume holds for it, and a
    /// lock there is enough, because whoever repairs locks everywhere.
    /// </param>
    private async ValueTask<Layout?> HealLayoutAsync(Gfid gfid, Subvolume? madeOn, Call call)
    {
        var locks = LockSet.Rent(call);
        var error = madeOn is null
            ? await LockLayoutEverywhereAsync(locks, gfid)
            : await locks.LayoutAsync(madeOn, gfid, LockType.Write);
        var layout = error == Errno.Ok ? await HealLockedLayoutAsync(gfid, madeOn is not null, locks.Call) : null;
        await locks.UnlockAsync();
        return layout;
    }

    private async ValueTask<Layout?> HealLockedLayoutAsync(Gfid gfid, bool isMade, Call call)
    {
        var layout = await RereadLayoutAsync(gfid, Gfid.Null, default, call);
        if (layout is { IsWhole: false, HasUnknown: false })
        {
            // A root without any range, on a volume that has a commit hash, is a new volume's: nothing was ever placed.
            var isNew = isMade || (gfid.IsRoot && layout.IsBlank && VolumeCommitHash != 0);
            var hash = isNew ? VolumeCommitHash : LayoutXattr.CommitHashInvalid;
            layout = await WriteNewLayoutAsync(gfid, layout, hash, keepOverlap: false, call);
        }

        return layout;
    }

    /// <summary>
    /// Keeps all who place names in a directory away. On a subvolume that lacks it there is nothing to protect.
    /// </summary>
    private ValueTask<Errno> LockLayoutEverywhereAsync(LockSet locks, Gfid gfid)
    {
        foreach (var subvolume in _byName)
        {
            locks.WantLayout(subvolume, gfid, LockType.Write);
        }

        return locks.TakeAsync(sparesAbsent: true);
    }

    /// <summary>Computes the ranges anew and writes them to all subvolumes; answers what could be written.</summary>
    private async ValueTask<Layout> WriteNewLayoutAsync(
        Gfid gfid, Layout old, uint commitHash, bool keepOverlap, Call call)
    {
        var space = await SpaceAsync(call);
        var parts = PlanParts(gfid, old, space, commitHash, keepOverlap);
        return await WriteLayoutAsync(gfid, old, new Layout(parts, old.Mds), call);
    }

    private static XData LayoutValue(LayoutXattr xattr)
    {
        Span<byte> bytes = stackalloc byte[LayoutXattr.Size];
        xattr.Write(bytes);
        var values = XData.Rent();
        values.SetBytes(DhtKeys.Layout, bytes);
        return values;
    }

    /// <summary>
    /// New parts by subvolume index; a subvolume that lacks the directory keeps its error and gets no range.
    /// </summary>
    private LayoutPart[] PlanParts(in Gfid gfid, Layout old, SpaceReport space, uint commitHash, bool keepOverlap)
    {
        var count = _byName.Length;
        var weights = new ulong[count];
        var eligible = new bool[count];
        var ranges = new (uint Start, uint Stop)[count];
        var oldRanges = new (uint Start, uint Stop)[count];
        var settings = _settings;
        var equal = true;
        for (var order = 0; order < count; order++)
        {
            var subvolume = _byName[order];
            weights[order] = settings.WeightedRebalance ? space.Weight(subvolume.Index) : 1;
            eligible[order] = old[subvolume.Index].Error == Errno.Ok && !subvolume.IsDecommissioned;
            equal &= weights[order] == weights[0];
            var part = old[subvolume.Index];
            oldRanges[order] = part.HasRange ? (part.Xattr.Start, part.Xattr.Stop) : default;
        }

        LayoutPlan.Compute(weights, eligible, StartHash(gfid), settings.Spread, ranges);
        if (keepOverlap && equal)
        {
            LayoutPlan.MaximiseOverlap(oldRanges, ranges);
        }

        var parts = old.CopyParts();
        for (var order = 0; order < count; order++)
        {
            ref var part = ref parts[_byName[order].Index];
            if (part.Error == Errno.Ok)
            {
                var (start, stop) = ranges[order];
                part = new LayoutPart(
                    Errno.Ok, HasXattr: true, new LayoutXattr(commitHash, LayoutXattr.TypeHashed, start, stop));
            }
        }

        return parts;
    }
}
