using System;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>A fop as the body of a call.</summary>
internal readonly struct FopRequestBody<TFop, TReply, TCodec>(TFop fop, long fd, long secondFd) : IRpcBody
    where TFop : struct, IFop<TFop, TReply>
    where TReply : Reply, IReply<TReply>
    where TCodec : struct, IFopCodec<TFop, TReply>
{
    private readonly TFop _fop = fop;

    public int SizeMax => TCodec.RequestSizeMax(in _fop);

    public Payload Payload => TCodec.RequestPayload(in _fop);

    public ReadOnlySpan<Payload> Payloads => default;

    public void Encode(ref XdrWriter writer) => TCodec.EncodeRequest(ref writer, in _fop, fd, secondFd);
}

/// <summary>A reply as the body of an answer.</summary>
internal readonly struct FopReplyBody<TFop, TReply, TCodec>(TReply reply) : IRpcBody
    where TFop : struct, IFop<TFop, TReply>
    where TReply : Reply, IReply<TReply>
    where TCodec : struct, IFopCodec<TFop, TReply>
{
    public int SizeMax => TCodec.ReplySizeMax(reply);

    public Payload Payload => TCodec.ReplyPayload(reply);

    public ReadOnlySpan<Payload> Payloads => default;

    public void Encode(ref XdrWriter writer) => TCodec.EncodeReply(ref writer, reply);
}
