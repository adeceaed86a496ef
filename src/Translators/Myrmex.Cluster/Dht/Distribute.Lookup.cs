using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>LOOKUP: where a name or a gfid is, and how much one may believe of what is remembered.</summary>
public sealed partial class Distribute
{
    /// <summary>
    /// Finds a name (or, with an empty name, a gfid). A file: hashed subvolume first, link files are followed. A
    /// directory: all subvolumes, merged. ENOENT when the name is nowhere, ESTALE when the gfid is nowhere, ENOTCONN
    /// when a subvolume that would have to know is down, EIO when subvolumes contradict each other in type or gfid.
    /// </summary>
    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call) =>
        _isSingle ? Next.Lookup(in fop, call) : LookupAsync(fop, call);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LookupReply> LookupAsync(LookupFop fop, Call call)
    {
        var request = LookupRequest(fop.XData, fop.Gfid.IsRoot);
        var ask = fop with { XData = request };
        var reply = fop.Name.IsEmpty ? await LookupGfidAsync(ask, call) : await LookupNameAsync(ask, call);
        request.Release();
        return reply;
    }

    /// <summary>The caller's keys and those that this translator wants to know; the caller releases it.</summary>
    private static XData LookupRequest(XData? fromAbove, bool isRoot)
    {
        var request = fromAbove is null ? XData.Rent() : fromAbove.Clone();
        request.SetUInt(DhtKeys.Layout, LayoutXattr.Size);
        request.SetUInt(DhtKeys.LinkTo, 256);
        request.SetUInt(DhtKeys.Mds, 4);
        if (isRoot)
        {
            request.SetUInt(DhtKeys.CommitHash, 4);
        }

        return request;
    }

    private async ValueTask<LookupReply> LookupGfidAsync(LookupFop ask, Call call)
    {
        if (!IsKnownDirectory(ask.Gfid) && TryFile(ask.Gfid, out var cached))
        {
            var reply = await cached.Translator.Lookup(in ask, call);
            if (IsWholeFile(reply, ask.Gfid) || !IsAbsence(reply))
            {
                return FinishFile(reply, cached, in ask);
            }

            reply.Release();
        }

        var answers = Answers<LookupReply>.Rent(_subvolumes.Length);
        AskAll<LookupFop, LookupReply>(answers, in ask, call);
        await answers.JoinAsync();
        return await SettleAsync(answers, ask, call, hashed: null);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LookupReply> LookupNameAsync(LookupFop ask, Call call)
    {
        if (!ask.Gfid.IsNull)
        {
            if (IsKnownDirectory(ask.Gfid))
            {
                return await LookupEverywhereAsync(ask, call, first: null, firstReply: null);
            }

            if (TryFile(ask.Gfid, out var cached))
            {
                var known = await cached.Translator.Lookup(in ask, call);
                if (IsWholeFile(known, ask.Gfid) || !IsAbsence(known))
                {
                    return FinishFile(known, cached, in ask);
                }

                known.Release();
            }
        }

        return await LookupFreshAsync(ask with { Gfid = default }, call);
    }

    /// <summary>A name about which nothing is known.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LookupReply> LookupFreshAsync(LookupFop ask, Call call)
    {
        var (error, layout) = await LayoutOfAsync(ask.Parent, call);
        if (layout is null)
        {
            return LookupReply.Fail(error);
        }

        var hashed = HashedOf(layout, ask.Name);
        if (hashed is null)
        {
            return await LookupEverywhereAsync(ask, call, first: null, firstReply: null);
        }

        var reply = await hashed.Translator.Lookup(in ask, call);
        if (!reply.IsOk)
        {
            // A name that a listing has just shown elsewhere exists, whatever its hashed subvolume says.
            var trusted = reply.Error == Errno.ENOENT && !MayLieElsewhere(layout)
                && !TryHint(ask.Parent, ask.Name, out _);
            if (trusted || (!IsAbsence(reply.Error) && reply.Error != Errno.ENOTCONN))
            {
                return reply;
            }

            reply = await LookupEverywhereAsync(ask, call, hashed, reply);
            if (reply.Error == Errno.ENOENT)
            {
                RememberAbsent(ask.Parent, ask.Name, layout);
            }

            return reply;
        }

        if (reply.Iatt.IsDirectory)
        {
            return await LookupEverywhereAsync(ask, call, hashed, reply);
        }

        return Census.IsLinkFile(reply)
            ? await FollowLinkAsync(ask, call, hashed, reply)
            : FinishFile(reply, hashed, in ask);
    }

    /// <summary>Goes where a link file points; when that leads nowhere the name is looked up everywhere.</summary>
    private async ValueTask<LookupReply> FollowLinkAsync(LookupFop ask, Call call, Subvolume hashed, LookupReply link)
    {
        var target = TargetOf(link);
        if (target is null || target == hashed)
        {
            return await LookupEverywhereAsync(ask, call, hashed, link);
        }

        var reply = await target.Translator.Lookup(in ask, call);
        if (IsWholeFile(reply, link.Iatt.Gfid) || !(reply.IsOk || IsAbsence(reply.Error)))
        {
            link.Release();
            return FinishFile(reply, target, in ask);
        }

        reply.Release();
        return await LookupEverywhereAsync(ask, call, hashed, link);
    }

    /// <summary>Asks all subvolumes but the one whose reply is there already (and is taken over).</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LookupReply> LookupEverywhereAsync(
        LookupFop ask, Call call, Subvolume? first, LookupReply? firstReply)
    {
        var answers = Answers<LookupReply>.Rent(_subvolumes.Length);
        if (first is not null && firstReply is not null)
        {
            answers.Put(first.Index, firstReply);
        }

        foreach (var subvolume in _subvolumes)
        {
            if (subvolume != first)
            {
                answers.Put(subvolume.Index, subvolume.Translator.Lookup(in ask, call));
            }
        }

        await answers.JoinAsync();
        if (first is null && _directories.TryGet(ask.Parent, out var parent) && parent.Layout is not null)
        {
            first = HashedOf(parent.Layout, ask.Name);
        }

        return await SettleAsync(answers, ask, call, first);
    }

    /// <summary>Draws the conclusion from the replies of all subvolumes; takes the answers over.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LookupReply> SettleAsync(
        Answers<LookupReply> answers, LookupFop ask, Call call, Subvolume? hashed)
    {
        var kind = Judge(answers, in ask, out var place);
        if (kind == Verdict.Contradiction && !ask.Name.IsEmpty)
        {
            answers.Release();
            answers = await AskLockedAsync(ask, call, hashed ?? _subvolumes[0]);
            kind = Judge(answers, in ask, out place);
        }

        switch (kind)
        {
            case Verdict.Contradiction:
                WarnOfContradiction(in ask);
                answers.Release();
                return LookupReply.Fail(Errno.EIO);
            case Verdict.Directory:
                var (directory, damaged) = MergeDirectory(answers, in ask);
                answers.Release();
                return damaged ? await HealAsync(directory, ask, call) : directory;
            case Verdict.File:
                if (!ask.Name.IsEmpty && hashed is not null && hashed.Index != place)
                {
                    await RepairLinkAsync(answers, ask, call, hashed, _subvolumes[place]);
                }

                var reply = answers.Take(place);
                answers.Release();
                return FinishFile(reply, _subvolumes[place], in ask);
            case Verdict.DanglingLinks:
                answers.Release();
                return await RemoveDanglingAsync(ask, call, hashed);
            default:
                return FailAbsent(answers, in ask, hashed);
        }
    }

    private Verdict Judge(Answers<LookupReply> answers, in LookupFop ask, out int place)
    {
        var census = Census.Of(answers);
        place = census.FirstFile;
        return census.TypesDiffer || census.GfidsDiffer ? Verdict.Contradiction
            : census.FirstDirectory >= 0 ? Verdict.Directory
            : census.FirstFile >= 0 ? Verdict.File
            : census.FirstLinkFile >= 0 && census.AllDefinite ? Verdict.DanglingLinks
            : Verdict.Absent;
    }

    /// <summary>
    /// Asks all subvolumes about a name while nobody makes, removes or renames it. Their answers to a look-up without a
    /// lock may be of different times: a name that is removed and made again then seems to be two things.
    /// </summary>
    private async ValueTask<Answers<LookupReply>> AskLockedAsync(LookupFop ask, Call call, Subvolume hashed)
    {
        var locks = LockSet.Rent(call);
        await locks.NameAsync(hashed, ask.Parent, ask.Name);
        var answers = Answers<LookupReply>.Rent(_subvolumes.Length);
        AskAll<LookupFop, LookupReply>(answers, in ask, call);
        await answers.JoinAsync();
        await locks.UnlockAsync();
        return answers;
    }

    private void WarnOfContradiction(in LookupFop ask) => Log.Warning(
        Room, "subvolumes contradict each other about a name",
        ("volume", Name), ("parent", ask.Parent), ("name", ask.Name), ("gfid", ask.Gfid));

    /// <summary>Nothing was found: what the hashed subvolume says decides, else the most worrying answer.</summary>
    private static LookupReply FailAbsent(Answers<LookupReply> answers, in LookupFop ask, Subvolume? hashed)
    {
        Errno error;
        if (hashed is not null && answers[hashed.Index] is { } said)
        {
            // A link file whose target is down is not an absence.
            error = said.IsOk ? Errno.ENOTCONN : said.Error;
        }
        else
        {
            error = answers.FirstOk() >= 0 ? Errno.ENOTCONN : answers.WorstError();
        }

        answers.Release();
        if (IsAbsence(error))
        {
            error = ask.Name.IsEmpty ? Errno.ESTALE : Errno.ENOENT;
        }

        return LookupReply.Fail(error);
    }

    /// <summary>Notes where a file is and hides what only this translator needs.</summary>
    private LookupReply FinishFile(LookupReply reply, Subvolume subvolume, in LookupFop ask)
    {
        if (!reply.IsOk)
        {
            return reply;
        }

        var leaving = Census.IsLeaving(reply);
        var ownsBits = !leaving && DhtIatt.HasMarkBits(in reply.Iatt);
        RememberFile(reply.Iatt.Gfid, subvolume, ownsBits);
        if (!ask.Name.IsEmpty)
        {
            RememberName(ask.Parent, ask.Name, reply.Iatt.Gfid, subvolume);
        }

        if (leaving)
        {
            DhtIatt.StripMarks(ref reply.Iatt);
        }

        HideKeys(reply.XData);
        return reply;
    }

    /// <summary>May a name that its hashed subvolume does not have be on another one?</summary>
    private bool MayLieElsewhere(Layout layout)
    {
        var settings = _settings;
        if (settings.LookupOptimize)
        {
            return !layout.IsWhole || layout.HasUnknown || layout.CommitHash != VolumeCommitHash
                || layout.CommitHash == LayoutXattr.CommitHashInvalid;
        }

        return settings.LookupUnhashed switch
        {
            UnhashedLookup.Always => true,
            UnhashedLookup.WhenLayoutIsBroken => !layout.IsWhole,
            _ => false,
        };
    }

    private static void HideKeys(XData? xdata)
    {
        if (xdata is not null)
        {
            xdata.Remove(DhtKeys.Layout);
            xdata.Remove(DhtKeys.LinkTo);
            xdata.Remove(DhtKeys.Mds);
            xdata.Remove(DhtKeys.CommitHash);
        }
    }

    private static bool IsAbsence(Errno error) => error is Errno.ENOENT or Errno.ESTALE;

    /// <summary>The file is not (or no longer) where it was: absent, replaced, or only a link file.</summary>
    private static bool IsAbsence(LookupReply reply) => reply.IsOk || IsAbsence(reply.Error);

    /// <summary>The data of the file with this gfid.</summary>
    private static bool IsWholeFile(LookupReply reply, in Gfid gfid) =>
        reply.IsOk && !reply.Iatt.IsDirectory && reply.Iatt.Gfid == gfid && !Census.IsLinkFile(reply);

    private enum Verdict
    {
        Absent,
        File,
        Directory,
        DanglingLinks,
        Contradiction,
    }
}
