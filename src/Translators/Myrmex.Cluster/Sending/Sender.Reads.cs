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
        if (Spread is not { } spread || _finder.Choice is not { } choice
            || (!fop.Fd.IsAnonymous && !(Fds.Find(fop.Fd) is { Place: { } place } && place.IsAt(choice))))
        {
            return null;
        }

        return spread.Pick(fop.Gfid.IsNull ? fop.Fd.Gfid : fop.Gfid, in fop, choice.Server);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ReadAtAsync<TFop, TReply>(TFop fop, Call call, Server reader)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var read = FopFacts.As<TFop, ReadFop>(in fop);
        var file = read.Gfid.IsNull ? read.Fd.Gfid : read.Gfid;
        var request = read.XData?.Clone() ?? XData.Rent();
        request.SetInt(MemberKeys.Here, 1);
        var sent = read with { Gfid = file, Fd = call.AnonymousFd(file, OpenFlags.ReadOnly), XData = request };
        var reply = await reader.Translator.Read(in sent, call);
        request.Release();
        if (reply.IsOk)
        {
            return (TReply)(object)reply;
        }

        reply.Release();
        Spread!.Fail(reader); // It has picked the reader.
        return await HandleOwn<TFop, TReply>(in fop, call);
    }
}
