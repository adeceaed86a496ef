using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// SETXATTR of <c>distribute.fix.layout</c> on a directory: its ranges are computed anew for the subvolumes of today.
/// Files stay where they are; those whose names now hash elsewhere are found by a look-up everywhere, because the
/// commit hash of the directory is not believed until their link files or data have followed.
/// </summary>
public sealed partial class Distribute
{
    /// <summary>
    /// Keeps as many names in place as it can, and writes nothing when the ranges are right already. ENOTCONN while a
    /// subvolume is away, ESTALE when the directory is gone or missing on a subvolume (look it up by name, which makes
    /// it there, and ask again), EIO when a range could not be written. A layout that an administrator has fixed stays.
    /// </summary>
    private async ValueTask<SetxattrReply> FixLayoutAsync(Gfid gfid, Call call)
    {
        var locks = LockSet.Rent(call);
        var error = await LockLayoutEverywhereAsync(locks, gfid);
        if (error == Errno.Ok)
        {
            error = await FixLockedLayoutAsync(gfid, locks.Call);
        }

        await locks.UnlockAsync();
        return error == Errno.Ok ? SetxattrReply.Rent() : SetxattrReply.Fail(error);
    }

    private async ValueTask<Errno> FixLockedLayoutAsync(Gfid gfid, Call call)
    {
        var old = await RereadLayoutAsync(gfid, Gfid.Null, default, call);
        if (old is null || old.HasMissing)
        {
            return Errno.ESTALE;
        }

        if (old.HasUnknown)
        {
            return Errno.ENOTCONN;
        }

        if (old.IsFixed)
        {
            return Errno.Ok;
        }

        var space = await SpaceAsync(call);
        var wanted = new Layout(
            PlanParts(gfid, old, space, LayoutXattr.CommitHashInvalid, keepOverlap: true), old.Mds);
        if (old.IsWhole && HaveEqualRanges(old, wanted))
        {
            return await WriteRangelessAsync(gfid, old, call);
        }

        // Names may lie where the former layout put them: whatever the commit hash was, it does not hold any more.
        var written = await WriteLayoutAsync(gfid, old, wanted, call);
        Log.Debug(Room, "layout fixed", ("volume", Name), ("gfid", gfid), ("whole", written.IsWhole));
        return written.IsWhole ? Errno.Ok : Errno.EIO;
    }

    private static bool HaveEqualRanges(Layout left, Layout right)
    {
        for (var i = 0; i < left.SubvolumeCount; i++)
        {
            var (one, other) = (left[i], right[i]);
            if (one.HasRange != other.HasRange
                || (one.HasRange && (one.Xattr.Start, one.Xattr.Stop) != (other.Xattr.Start, other.Xattr.Stop)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A subvolume without a range says so, with the commit hash of the others.</summary>
    private async ValueTask<Errno> WriteRangelessAsync(Gfid gfid, Layout old, Call call)
    {
        var parts = old.CopyParts();
        var changes = false;
        for (var i = 0; i < parts.Length; i++)
        {
            if (!parts[i].HasXattr)
            {
                var none = new LayoutXattr(old.CommitHash, LayoutXattr.TypeHashed, Start: 0, Stop: 0);
                parts[i] = new LayoutPart(Errno.Ok, HasXattr: true, none);
                changes = true;
            }
        }

        if (changes)
        {
            await WriteLayoutAsync(gfid, old, new Layout(parts, old.Mds), call);
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Writes what differs from the old layout to its subvolumes; answers what could be written. All locks of the
    /// layout must be held.
    /// </summary>
    private async ValueTask<Layout> WriteLayoutAsync(Gfid gfid, Layout old, Layout wanted, Call call)
    {
        var parts = wanted.CopyParts();
        var answers = Answers<SetxattrReply>.Rent(_subvolumes.Length);
        var values = new XData?[_subvolumes.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i].Error == Errno.Ok && parts[i] != old[i])
            {
                values[i] = LayoutValue(parts[i].Xattr);
                var fop = new SetxattrFop { Gfid = gfid, Values = values[i] };
                answers.Put(i, _subvolumes[i].Translator.Setxattr(in fop, call));
            }
        }

        await answers.JoinAsync();
        for (var i = 0; i < parts.Length; i++)
        {
            values[i]?.Release();
            if (answers[i] is { IsOk: false } failed)
            {
                Log.Warning(
                    Room, "layout could not be written",
                    ("subvolume", _subvolumes[i].Name), ("gfid", gfid), ("errno", failed.Error));
                parts[i] = old[i];
            }
        }

        answers.Release();
        var layout = new Layout(parts, old.Mds);
        RememberDirectory(gfid, layout, Volatile.Read(ref _generation), default, default);
        return layout;
    }
}
