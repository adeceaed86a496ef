using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Features.Outcomes;

/// <summary>
/// Carries out a step that was sent before, when it is not known here whether that has taken effect. What is found in
/// the store tells for most fops; for the others the answer is EIO: it cannot be known.
/// </summary>
internal static class Guards
{
    private const uint XattrCreate = 1;
    private const uint XattrReplace = 2;
    private const uint LinkFileMode = FileMode.Regular | FileMode.Sticky;

    private static System.ReadOnlySpan<byte> GfidRequest => "gfid-req"u8;

    private static System.ReadOnlySpan<byte> WriteIsAppend => "glusterfs.write-is-append"u8;

    /// <param name="ageMs">Since the client has sent it first.</param>
    public static async ValueTask<TReply> RunAsync<TFop, TReply>(
        Translator next, TFop fop, long ageMs, IClock clock, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var sinceNs = clock.WallNs - (ageMs * 1_000_000) - OutcomeLimits.SlackNs;
        var error = fop switch
        {
            UnlinkFop unlink => await CheckNameAsync(next, unlink.Parent, unlink.Name, sinceNs, call),
            RenameFop rename => await CheckNameAsync(next, rename.OldParent, rename.OldName, sinceNs, call),
            SetxattrFop set => Check((set.Flags & (XattrCreate | XattrReplace)) == 0),
            FsetxattrFop set => Check((set.Flags & (XattrCreate | XattrReplace)) == 0),
            WriteFop write => Check(!IsAppend(in write)),
            XattropFop or FxattropFop or CopyFileRangeFop => Errno.EIO,
            _ => Errno.Ok,
        };
        if (error != Errno.Ok)
        {
            return TReply.Fail(error);
        }

        var reply = await TFop.Invoke(next, in fop, call);
        if (!reply.IsOk && await IsDoneAsync(next, fop, reply, call))
        {
            reply.Error = Errno.Ok;
            reply.OpRet = 0;
        }

        return reply;
    }

    private static Errno Check(bool isKnown) => isKnown ? Errno.Ok : Errno.EIO;

    private static bool IsAppend(in WriteFop write) =>
        (write.Fd.Flags & OpenFlags.Append) != 0
        || (write.XData is { } xdata && xdata.Contains(WriteIsAppend));

    /// <summary>
    /// EIO when the name is a file that was made or changed since the client has sent the fop first: it may be another
    /// one than the one that was meant.
    /// </summary>
    private static async ValueTask<Errno> CheckNameAsync(
        Translator next, Gfid parent, Name name, long sinceNs, Call call)
    {
        var lookup = await next.Lookup(new LookupFop { Parent = parent, Name = name }, call);
        var isNewer = lookup.IsOk && lookup.Iatt.Mode != LinkFileMode // Those come and go with the steps of a change.
            && (lookup.Iatt.Ctime * 1_000_000_000) + lookup.Iatt.CtimeNsec >= sinceNs;
        lookup.Release();
        return isNewer ? Errno.EIO : Errno.Ok;
    }

    /// <summary>The error says that it has been done before; the reply gets what is known of it.</summary>
    private static async ValueTask<bool> IsDoneAsync<TFop>(Translator next, TFop fop, Reply reply, Call call)
        where TFop : struct
    {
        switch (fop)
        {
            case RemovexattrFop or FremovexattrFop:
                return reply.Error == Errno.ENODATA;
            case UnlinkFop unlink when reply is UnlinkReply done && reply.Error == Errno.ENOENT:
                (done.PreParent, done.PostParent) = await ParentAsync(next, unlink.Parent, call);
                return !done.PostParent.IsNull;
            case RmdirFop rmdir when reply is RmdirReply done && reply.Error == Errno.ENOENT:
                (done.PreParent, done.PostParent) = await ParentAsync(next, rmdir.Parent, call);
                return !done.PostParent.IsNull;
            case RenameFop when reply.Error == Errno.ENOENT:
                reply.Error = Errno.EIO; // The source is gone, and nobody says which file it was.
                return false;
            case LinkFop link when reply is LinkReply done && reply.Error == Errno.EEXIST:
                done.Iatt = await IsAsync(next, link.NewParent, link.NewName, link.Gfid, call);
                (done.PreParent, done.PostParent) = await ParentAsync(next, link.NewParent, call);
                return !done.Iatt.IsNull;
            default:
                return reply.Error == Errno.EEXIST && await IsMadeAsync(next, fop, reply, call);
        }
    }

    /// <summary>What is there is what the fop was to make: it has the gfid that the client chose.</summary>
    private static async ValueTask<bool> IsMadeAsync<TFop>(Translator next, TFop fop, Reply reply, Call call)
        where TFop : struct
    {
        switch (fop)
        {
            case MknodFop mknod when reply is MknodReply done:
                done.Iatt = await IsAsync(next, mknod.Parent, mknod.Name, Requested(mknod.XData), call);
                (done.PreParent, done.PostParent) = await ParentAsync(next, mknod.Parent, call);
                return !done.Iatt.IsNull;
            case MkdirFop mkdir when reply is MkdirReply done:
                done.Iatt = await IsAsync(next, mkdir.Parent, mkdir.Name, Requested(mkdir.XData), call);
                (done.PreParent, done.PostParent) = await ParentAsync(next, mkdir.Parent, call);
                return !done.Iatt.IsNull;
            case SymlinkFop symlink when reply is SymlinkReply done:
                done.Iatt = await IsAsync(next, symlink.Parent, symlink.Name, Requested(symlink.XData), call);
                (done.PreParent, done.PostParent) = await ParentAsync(next, symlink.Parent, call);
                return !done.Iatt.IsNull;
            case CreateFop create when reply is CreateReply done:
                done.Iatt = await IsAsync(next, create.Parent, create.Name, Requested(create.XData), call);
                (done.PreParent, done.PostParent) = await ParentAsync(next, create.Parent, call);
                return !done.Iatt.IsNull
                    && await Steps.OpenAgainAsync(next, done.Iatt.Gfid, create.Flags, create.Fd, call) == Errno.Ok;
            default:
                return false;
        }
    }

    private static Gfid Requested(XData? xdata) =>
        xdata is not null && xdata.TryGetGfid(GfidRequest, out var gfid) ? gfid : Gfid.Null;

    /// <summary>The file of a name if it is that one, else nothing.</summary>
    private static async ValueTask<Iatt> IsAsync(Translator next, Gfid parent, Name name, Gfid gfid, Call call)
    {
        var lookup = await next.Lookup(new LookupFop { Parent = parent, Name = name }, call);
        var iatt = lookup.IsOk && !gfid.IsNull && lookup.Iatt.Gfid == gfid ? lookup.Iatt : default;
        lookup.Release();
        return iatt;
    }

    private static async ValueTask<(Iatt Before, Iatt After)> ParentAsync(Translator next, Gfid parent, Call call)
    {
        var stat = await next.Stat(new StatFop { Gfid = parent }, call);
        var iatt = stat.IsOk ? stat.Iatt : default;
        stat.Release();
        return (iatt, iatt);
    }
}
