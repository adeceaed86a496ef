using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Sending;

/// <summary>The clients of a door, which all come to the servers through this one client.</summary>
internal sealed partial class Sender
{
    /// <summary>A client of this door has left: the locks that it has at the server through us would stay.</summary>
    public void ClientGone(ClientIdentity client)
    {
        CancelWaits(client);
        GiveUpLeases(client);
        foreach (var (owner, held) in _internalLocks.OfClient(client))
        {
            _ = UnlockAsync(owner, held);
        }
    }

    /// <summary>
    /// To the servers all clients of a door are one: their lock owners are told apart by what is put before them.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ForwardAsync<TFop, TReply>(TFop fop, Call call, ClientIdentity client)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var forwarded = Call.Rent();
        forwarded.CopyIdentityFrom(call);
        forwarded.LockOwner = ClientOwner.Of(client, call.LockOwner);
        var reply = await HandleOwn<TFop, TReply>(in fop, forwarded);
        forwarded.Release();
        return reply;
    }

    private async Task UnlockAsync(LkOwner owner, InternalLock held)
    {
        var call = Call.Internal();
        call.LockOwner = owner;
        Reply reply = held.Entry is not null
            ? await HandleOwn<EntrylkFop, EntrylkReply>(held.ToEntryUnlock(), call)
            : await HandleOwn<InodelkFop, InodelkReply>(held.ToInodeUnlock(owner), call);
        reply.Release();
        call.Release();
    }
}
