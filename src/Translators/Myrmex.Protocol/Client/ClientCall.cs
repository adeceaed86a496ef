using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>A fop on the wire: turns the answer into the reply its caller awaits. Pooled.</summary>
internal sealed class ClientCall<TFop, TReply, TCodec> : IReplyReceiver
    where TFop : struct, IFop<TFop, TReply>
    where TReply : Reply, IReply<TReply>
    where TCodec : struct, IFopCodec<TFop, TReply>
{
    private PendingReply<TReply>? _pending;
    private ClientTranslator? _client;

    public static ClientCall<TFop, TReply, TCodec> Rent(ClientTranslator client)
    {
        var call = Pool<ClientCall<TFop, TReply, TCodec>>.Rent();
        call._pending = PendingReply<TReply>.Rent();
        call._client = client;
        return call;
    }

    public ValueTask<TReply> Task => _pending!.Task;

    public void OnReply(Payload record, int position)
    {
        var reader = new XdrReader(record, position);
        var reply = TReply.Rent();
        if (!TCodec.TryDecodeReply(ref reader, reply))
        {
            reply.Release();
            _client!.DropConnection(Errno.EBADMSG, "malformed reply");
            reply = TReply.Fail(Errno.ENOTCONN);
        }

        Finish(reply);
    }

    public void OnFailed(Errno error) => Finish(TReply.Fail(error));

    private void Finish(TReply reply)
    {
        var pending = _pending!;
        _pending = null;
        _client = null;
        Pool<ClientCall<TFop, TReply, TCodec>>.Return(this);
        pending.Complete(reply);
    }
}
