using Myrmex.Base;

namespace Myrmex.Wire;

/// <summary>
/// XDR of one fop in both directions, without RPC header. Generated from src/fops.txt. Decoders never throw: a malformed body
/// makes them answer false.
/// </summary>
public interface IFopCodec<TFop, TReply>
    where TFop : struct, IFop<TFop, TReply>
    where TReply : Reply, IReply<TReply>
{
    /// <summary>An upper bound of the encoded size in bytes, payload not included.</summary>
    static abstract int RequestSizeMax(in TFop fop);

    static abstract int ReplySizeMax(TReply reply);

    /// <summary>Encodes the body; the fd numbers are the peer's, ignored by fops that have none.</summary>
    static abstract void EncodeRequest(ref XdrWriter writer, in TFop fop, long fd, long secondFd);

    /// <summary>
    /// Decodes a body. Names and payload borrow the record; dictionaries are rented: call <see cref="ReleaseRequest"/>
    /// when the fop is over, also after a failed decode. An fd that is not open is null.
    /// </summary>
    static abstract bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out TFop fop);

    static abstract void EncodeReply(ref XdrWriter writer, TReply reply);

    /// <summary>Decodes into a rented reply, which retains the record if it carries payload.</summary>
    static abstract bool TryDecodeReply(ref XdrReader reader, TReply reply);

    /// <summary>The payload that follows the request body; borrowed from the fop.</summary>
    static abstract Payload RequestPayload(in TFop fop);

    /// <summary>The payload that follows the reply body; still owned by the reply.</summary>
    static abstract Payload ReplyPayload(TReply reply);

    static abstract void ReleaseRequest(in TFop fop);

    /// <summary>Ok when every directory entry's name in the fop can be one; see <see cref="EntryNames"/>.</summary>
    static abstract Errno CheckNames(in TFop fop);

    /// <summary>The fd number a reply gives out, -1 when it has none.</summary>
    static abstract long FdNumberOf(TReply reply);
}
