using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Wire;

namespace Myrmex.Rpc;

/// <summary>The answer to a rare call (handshake, GETSPEC, portmap): an error, or a copy of the body.</summary>
public readonly record struct RawAnswer(Errno Error, byte[] Body)
{
    /// <summary>A reader over the body; the payload made for it must be released.</summary>
    public Payload ToPayload() => Payload.CopyOf(Body);
}

/// <summary>Makes a call awaitable; for set-up traffic, where an allocation does not matter.</summary>
public sealed class AwaitableCall : IReplyReceiver
{
    private readonly TaskCompletionSource<RawAnswer> _source = new();

    private AwaitableCall()
    {
    }

    /// <summary>Sends and gives the task of the answer; it continues on the link's loop.</summary>
    public static Task<RawAnswer> Send<TBody>(RpcConnection connection, RpcCall head, in TBody body, bool version3 = false)
        where TBody : struct, IRpcBody
    {
        var call = new AwaitableCall();
        connection.Send(head, null, in body, call, version3);
        return call._source.Task;
    }

    void IReplyReceiver.OnReply(Payload record, int position) =>
        _source.TrySetResult(new RawAnswer(Errno.Ok, record.Span[position..].ToArray()));

    void IReplyReceiver.OnFailed(Errno error) => _source.TrySetResult(new RawAnswer(error, []));
}
