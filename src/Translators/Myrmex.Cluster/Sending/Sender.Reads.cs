using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

// Large reads may be answered by others than the server for everything: see ReadSpread. They need nothing there, no fd
// and no session; and what they do not answer is read where everything else goes.
internal sealed partial class Sender
{
    /// <summary>Who is to be asked; null for the usual server. An fd must be good at that one.</summary>
    private Server? ReaderOf(in ReadFop fop)
    {
        if (Spread is not { } spread || !spread.IsLarge(fop.Size) || _finder.Choice is not { } choice
            || AsksMore(fop.XData) || !IsGoodAt(fop.Fd, choice))
        {
            return null;
        }

        return spread.Pick(fop.Fd.FileOf(fop.Gfid), fop.Offset, choice.Server);
    }

    /// <summary>
    /// Whether the usual server would read by it. What it knows of locks others do not: a lock that was lost makes an
    /// fd bad, and where that is found out at the server, only reads that come there find it out.
    /// </summary>
    private bool IsGoodAt(Fd fd, Choice choice) =>
        fd.IsAnonymous
        || ((fd.Flags & OpenFlags.AccessMode) != OpenFlags.WriteOnly
            && Fds.Find(fd) is { Place: { } place } && place.IsAt(choice)
            && (_rules.KeepsLocks || Fds.Locks.IsEmpty));

    /// <summary>Of the locks of the usual server, say.</summary>
    private static bool AsksMore(XData? xdata) =>
        xdata is { Count: > 0 } && !(xdata.Count == 1 && xdata.Contains(MemberKeys.Here));

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ReadAtAsync<TFop, TReply>(TFop fop, Call call, Server reader)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var read = FopFacts.As<TFop, ReadFop>(in fop);
        var file = read.Fd.FileOf(read.Gfid);
        var reply = await PatientRead.AskAsync(
            _seams, reader.Translator, read with { Gfid = file }, call, ReadSpread.PatienceMs);
        if (reply is { IsOk: true })
        {
            Spread!.Succeed(reader); // It has picked the reader.
            reply.IsNotForCaches = true; // Who tells of changes has not seen it.
            return (TReply)(object)reply;
        }

        if (reply is null or { Error: Errno.EREMOTE or Errno.ENOTCONN })
        {
            Spread!.Fail(reader);
        }

        reply?.Release();
        return await HandleOwn<TFop, TReply>(in fop, call);
    }
}
