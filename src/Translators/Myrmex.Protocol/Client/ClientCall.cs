using System.Runtime.CompilerServices;
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
    private RpcConnection? _connection;
    private long _bytesMax;

    public static ClientCall<TFop, TReply, TCodec> Rent(RpcConnection connection, in TFop fop)
    {
        var call = Pool<ClientCall<TFop, TReply, TCodec>>.Rent();
        call._pending = PendingReply<TReply>.Rent();
        call._connection = connection;
        call._bytesMax = BytesMax(in fop);
        return call;
    }

    public ValueTask<TReply> Task => _pending!.Task;

    public void OnReply(Payload record, int position)
    {
        var reader = new XdrReader(record, position);
        var reply = TReply.Rent();
        if (!TCodec.TryDecodeReply(ref reader, reply) || (reply.IsOk && reply.OpRet > _bytesMax))
        {
            reply.Release();
            _connection!.Close(Errno.EBADMSG, $"malformed {TFop.Code} reply");
            reply = TReply.Fail(Errno.ENOTCONN);
        }

        Finish(reply);
    }

    public void OnFailed(Errno error) => Finish(TReply.Fail(error));

    /// <summary>A peer that has read or written more than it was asked to would make its caller overrun a buffer.</summary>
    private static long BytesMax(in TFop fop)
    {
        if (typeof(TFop) == typeof(ReadFop))
        {
            return Unsafe.As<TFop, ReadFop>(ref Unsafe.AsRef(in fop)).Size;
        }

        return typeof(TFop) == typeof(WriteFop) ? Unsafe.As<TFop, WriteFop>(ref Unsafe.AsRef(in fop)).Data.Length : int.MaxValue;
    }

    private void Finish(TReply reply)
    {
        var pending = _pending!;
        _pending = null;
        _connection = null;
        Pool<ClientCall<TFop, TReply, TCodec>>.Return(this);
        pending.Complete(reply);
    }
}
