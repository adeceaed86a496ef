using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>UNLINK: the link file first, then the data, so that a name never leads nowhere.</summary>
public sealed partial class Distribute
{
    /// <summary>
    /// Removes a name. Where the data is comes from a look-up of the name not older than
    /// <see cref="DhtLimits.NameHintNs"/>, else it is looked up now.
    /// </summary>
    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call) =>
        _isSingle ? Next.Unlink(in fop, call) : UnlinkAsync(fop, call);

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
        }

        var lookup = await Lookup(new LookupFop { Parent = fop.Parent, Name = fop.Name }, call);
        var gfid = lookup.Iatt.Gfid;
        error = !lookup.IsOk ? lookup.Error : lookup.Iatt.IsDirectory ? Errno.EISDIR : Errno.Ok;
        lookup.Release();
        if (error != Errno.Ok || !TryFile(gfid, out var cached))
        {
            return UnlinkReply.Fail(error == Errno.Ok ? Errno.ESTALE : error);
        }

        ForgetName(fop.Parent, fop.Name);
        return await UnlinkAtAsync(fop, layout, cached, gfid, call);
    }

    /// <summary>Removes the name from the hashed subvolume, when it is only a link file there, and from that of the data.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UnlinkReply> UnlinkAtAsync(UnlinkFop fop, Layout layout, Subvolume cached, Gfid gfid, Call call)
    {
        var hashed = HashedOf(layout, fop.Name);
        if (hashed is null || hashed == cached)
        {
            return await cached.Translator.Unlink(in fop, call);
        }

        if (!cached.MayBeUp)
        {
            return UnlinkReply.Fail(Errno.ENOTCONN);
        }

        var error = await RemoveLinkAsync(hashed, fop.Parent, fop.Name, sparesOpen: false, call);
        if (error is not (Errno.Ok or Errno.ENOTCONN))
        {
            return UnlinkReply.Fail(error);
        }

        var reply = await cached.Translator.Unlink(in fop, call);
        if (!reply.IsOk && !IsAbsence(reply.Error) && error == Errno.Ok)
        {
            // The file is still there: let its name lead to it again.
            await MakeLinkAsync(hashed, fop.Parent, fop.Name, gfid, cached, call);
        }

        return reply;
    }
}
