using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Listings: the subvolumes one after the other. Link files are left out; a directory is listed by the subvolume its
/// name hashes to (by the first one when that is away); "." and ".." by the first. What is on subvolumes that are away
/// is missing at the end with an error, unless <see cref="DhtOptions.PartialListings"/> says otherwise.
/// </summary>
public sealed partial class Distribute
{
    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call) =>
        _isSingle ? Next.Opendir(in fop, call) : OpendirAsync(fop, call);

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call) =>
        _isSingle ? Next.Releasedir(in fop, call) : ReleasedirAsync(fop, call);

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call) =>
        _isSingle ? Next.Readdirp(in fop, call) : ReaddirpAsync(fop, call);

    /// <summary>
    /// A listing without attributes. The subvolumes are asked for them all the same: without them a link file could not
    /// be told from a file.
    /// </summary>
    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call) =>
        _isSingle ? Next.Readdir(in fop, call) : ReaddirAsync(fop, call);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<OpendirReply> OpendirAsync(OpendirFop fop, Call call)
    {
        var context = new DirectoryFd(_subvolumes.Length);
        var answers = Answers<OpendirReply>.Rent(_subvolumes.Length);
        AskAll<OpendirFop, OpendirReply>(answers, in fop, call);
        await answers.JoinAsync();
        for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
        {
            context.SetOpen(i);
        }

        fop.Fd.Set(Slot, context);
        if (answers.FirstOk() >= 0 && HasRealError(answers))
        {
            var error = answers.WorstError();
            answers.Release();
            var released = await ReleasedirAsync(new ReleasedirFop { Gfid = fop.Gfid, Fd = fop.Fd }, call);
            released.Release();
            return OpendirReply.Fail(error);
        }

        return TakeOne(answers);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReleasedirReply> ReleasedirAsync(ReleasedirFop fop, Call call)
    {
        if (fop.Fd.Get(Slot) is not DirectoryFd open)
        {
            return ReleasedirReply.Rent();
        }

        fop.Fd.Set(Slot, null);
        var answers = Answers<ReleasedirReply>.Rent(_subvolumes.Length);
        foreach (var subvolume in _subvolumes)
        {
            if (open.IsOpen(subvolume.Index))
            {
                answers.Put(subvolume.Index, subvolume.Translator.Releasedir(in fop, call));
            }
        }

        await answers.JoinAsync();
        answers.Release();
        return ReleasedirReply.Rent();
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReaddirReply> ReaddirAsync(ReaddirFop fop, Call call)
    {
        var ask = new ReaddirpFop
        {
            Gfid = fop.Gfid,
            Fd = fop.Fd,
            Offset = fop.Offset,
            Size = fop.Size,
            XData = fop.XData,
        };
        var full = await ReaddirpAsync(ask, call);
        var reply = ReaddirReply.Rent();
        reply.Error = full.Error;
        reply.OpRet = full.OpRet;
        reply.Hint = full.Hint;
        (reply.XData, full.XData) = (full.XData, null);
        if (full.IsOk)
        {
            for (var i = 0; i < full.Entries.Count; i++)
            {
                ref var from = ref full.Entries[i];
                ref var into = ref reply.Entries.Add(full.Entries.NameOf(i).Span);
                into.Ino = from.Ino;
                into.Offset = from.Offset;
                into.Type = from.Type;
            }
        }

        full.Release();
        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReaddirpReply> ReaddirpAsync(ReaddirpFop fop, Call call)
    {
        var (error, layout) = await LayoutOfAsync(fop.Gfid, call);
        if (layout is null)
        {
            return ReaddirpReply.Fail(error);
        }

        // An anonymous fd is open nowhere and remembers nothing; it stands for all subvolumes.
        var open = fop.Fd.Get(Slot) as DirectoryFd ?? NewAnonymousDirectory();
        if (!open.TryPosition((ulong)fop.Offset, out var cookie, out var index))
        {
            return ReaddirpReply.Fail(Errno.EINVAL);
        }

        // One listing, one layout: a directory is shown by the subvolume that has its name, once.
        layout = open.ListBy(layout, _subvolumes, index, restarts: fop.Offset == 0);
        var request = fop.XData is null ? XData.Rent() : fop.XData.Clone();
        request.SetUInt(DhtKeys.LinkTo, 256);
        var reply = await ListAsync(fop with { XData = request, Offset = (long)cookie }, index, open, layout, call);
        request.Release();
        return reply;
    }

    /// <summary>
    /// Reads on from a subvolume, at the fop's offset there, until the reply is filled or all subvolumes are through.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReaddirpReply> ListAsync(
        ReaddirpFop fop, int index, DirectoryFd open, Layout layout, Call call)
    {
        var cookie = (ulong)fop.Offset;
        var result = ReaddirpReply.Rent();
        var (absence, anyAsked, isIncomplete) = (Errno.Ok, false, false);
        var rest = (long)fop.Size;
        while (index < _subvolumes.Length)
        {
            var subvolume = _subvolumes[index];
            var chunk = await ReadOneAsync(fop with { Offset = (long)cookie, Size = (uint)rest }, subvolume, open, call);
            if (!chunk.IsOk)
            {
                var error = chunk.Error;
                chunk.Release();
                if (!(error == Errno.ENOTCONN || IsAbsence(error)))
                {
                    result.Release();
                    return ReaddirpReply.Fail(error);
                }

                absence = error;
                var last = index;
                (cookie, index) = error == Errno.ENOTCONN ? open.AfterMissed(cookie, index) : open.AfterRead(index);
                if (index == last)
                {
                    isIncomplete = true;
                    break;
                }

                continue;
            }

            anyAsked = true;
            var count = chunk.Entries.Count;
            var atEnd = count == 0 || chunk.Hint == Errno.ENOENT;
            cookie = count > 0 ? chunk.Entries[count - 1].Offset : cookie;
            rest -= SizeOf(chunk.Entries);
            SpendOn(chunk.Entries, fop.XData);
            Select(fop.Gfid, chunk.Entries, result.Entries, open, layout, subvolume);
            chunk.Release();
            if (atEnd)
            {
                (cookie, index) = open.AfterRead(index);
            }

            // With nothing to show yet one must go on: an empty reply would mean the end.
            if (result.Entries.Count > 0 && (!atEnd || rest < DhtLimits.ListingRestMin))
            {
                break;
            }

            rest = System.Math.Max(rest, DhtLimits.ListingRestMin);
        }

        return EndList(result, isThrough: index >= _subvolumes.Length, isIncomplete, anyAsked ? Errno.Ok : absence);
    }

    /// <param name="result">What is to be shown; ours.</param>
    /// <param name="isThrough">All subvolumes were read.</param>
    /// <param name="isIncomplete">All but those that are away.</param>
    /// <param name="absence">Why nobody had anything to show, or Ok.</param>
    private ReaddirpReply EndList(ReaddirpReply result, bool isThrough, bool isIncomplete, Errno absence)
    {
        var mustFail = isIncomplete && !_settings.PartialListings;
        if (result.Entries.Count == 0 && (absence != Errno.Ok || mustFail))
        {
            result.Release();
            return ReaddirpReply.Fail(mustFail ? Errno.ENOTCONN : absence);
        }

        result.OpRet = result.Entries.Count;
        result.Hint = isThrough || (isIncomplete && !mustFail) ? Errno.ENOENT : Errno.Ok;
        return result;
    }

    /// <summary>Reads on from one subvolume, on which the directory may have to be opened first.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<ReaddirpReply> ReadOneAsync(
        ReaddirpFop fop, Subvolume subvolume, DirectoryFd open, Call call)
    {
        if (!open.IsOpen(subvolume.Index))
        {
            // It was away, or did not have the directory, when that was opened.
            if (!open.BeginsOpening(subvolume.Index))
            {
                return ReaddirpReply.Fail(Errno.ENOTCONN);
            }

            var ask = new OpendirFop { Gfid = fop.Gfid, Fd = fop.Fd };
            var opened = await subvolume.Translator.Opendir(in ask, call);
            var error = opened.Error;
            opened.Release();
            if (error == Errno.Ok)
            {
                open.SetOpen(subvolume.Index);
            }

            open.EndOpening(subvolume.Index);
            if (error != Errno.Ok)
            {
                return ReaddirpReply.Fail(error);
            }
        }

        return await subvolume.Translator.Readdirp(in fop, call);
    }

    /// <summary>What one subvolume has brought of contents, the next ones may not.</summary>
    /// <param name="request">Ours: the caller has made it.</param>
    private static void SpendOn(DirEntries entries, XData? request)
    {
        // What cannot be is for the subvolume to refuse.
        if (ListedContents.TryRead(request, out var wish) && !wish.IsNone)
        {
            var rest = wish.ReplyBytesMax - ListedContents.BytesOf(entries);
            (wish with { ReplyBytesMax = int.Max(rest, 0) }).WriteTo(request!); // It says something, so it is there.
        }
    }

    private DirectoryFd NewAnonymousDirectory()
    {
        var open = new DirectoryFd(_subvolumes.Length);
        foreach (var subvolume in _subvolumes)
        {
            open.SetOpen(subvolume.Index);
        }

        return open;
    }

    /// <summary>
    /// What a subvolume counts for its entries: a rough measure is enough to stay near the size asked for.
    /// </summary>
    private static long SizeOf(DirEntries entries) => entries.NamesLength + (entries.Count * 160L);

    /// <summary>Moves the entries that this subvolume is to show into the result.</summary>
    private void Select(
        in Gfid parent, DirEntries from, DirEntries into, DirectoryFd open, Layout layout, Subvolume subvolume)
    {
        for (var i = 0; i < from.Count; i++)
        {
            ref var entry = ref from[i];
            var name = from.NameOf(i);
            if (!IsShownBy(in entry, name, layout, open, subvolume))
            {
                continue;
            }

            if (!entry.Iatt.IsNull && !entry.Iatt.IsDirectory && HashedOf(layout, name) != subvolume)
            {
                // A transaction that did not end may have left it without a link file: what is shown must be found.
                RememberName(parent, name, entry.Iatt.Gfid, subvolume);
            }

            Show(ref entry, ref into.Add(name.Span), open.NumberOf(entry.Offset, subvolume.Index), subvolume);
        }
    }

    /// <summary>
    /// Moves one entry. A directory comes without attributes, because one subvolume's view is not the directory's:
    /// whoever needs them looks the name up.
    /// </summary>
    private void Show(ref DirEntry entry, ref DirEntry shown, ulong offset, Subvolume subvolume)
    {
        shown.Ino = entry.Ino;
        shown.Type = entry.Type;
        shown.Offset = offset;
        if (!entry.Iatt.IsDirectory && !entry.Iatt.IsNull)
        {
            shown.Iatt = entry.Iatt;
            var marked = DhtIatt.HasMarkBits(in entry.Iatt);
            if (marked && entry.XData is { } marks && marks.Contains(DhtKeys.LinkTo))
            {
                DhtIatt.StripMarks(ref shown.Iatt);
                marked = false;
            }

            RememberFile(entry.Iatt.Gfid, subvolume, ownsMarkBits: marked);
        }

        (shown.XData, entry.XData) = (entry.XData, null);
        HideKeys(shown.XData);
    }

    private bool IsShownBy(
        in DirEntry entry, Name name, Layout layout, DirectoryFd open, Subvolume subvolume)
    {
        if (name.IsDotOrDotDot)
        {
            return subvolume == FirstListed(layout, open);
        }

        if (entry.Type == DirectoryType || entry.Iatt.IsDirectory)
        {
            var hashed = HashedOf(layout, name);
            var lister = hashed is not null && !open.WasAway(hashed.Index) && layout[hashed.Index].Error == Errno.Ok
                ? hashed
                : FirstListed(layout, open);
            return subvolume == lister;
        }

        return !IsLinkEntry(in entry);
    }

    /// <summary>The first subvolume that takes part in the listing of a directory.</summary>
    private Subvolume FirstListed(Layout layout, DirectoryFd open)
    {
        foreach (var subvolume in _subvolumes)
        {
            if (layout[subvolume.Index].Error == Errno.Ok && !open.WasAway(subvolume.Index))
            {
                return subvolume;
            }
        }

        return _subvolumes[0];
    }

    private const uint DirectoryType = 4;
}
