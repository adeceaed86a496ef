using System;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// A subvolume over the network that can carry messages to what is behind it (<see cref="IPeerReceiver"/>).
/// protocol/client implements it. A message may be lost, and after a loss of the connection its sender cannot know
/// whether it has arrived; those that arrive come once each and in the order in which they were sent.
/// Source: RPC program 0x204D5950, docs/reference/peer-messages.md.
/// </summary>
public interface IPeerLink
{
    /// <summary>Bytes a head may have.</summary>
    const int HeadBytesMax = 8 << 20;

    /// <summary>Bytes the data of one message may have together.</summary>
    const int DataBytesMax = 96 << 20;

    /// <summary>Pieces of data of one message.</summary>
    const int PiecesMax = 256;

    /// <summary>
    /// Sends a message and never blocks. Any thread; messages of one thread keep their order.
    /// </summary>
    /// <param name="head">Copied before this returns.</param>
    /// <param name="data">
    /// Follows the head, one piece after the other, without being copied. The list and the pieces are borrowed until
    /// this returns; the link retains the pieces until they are sent, and their bytes must not change meanwhile.
    /// </param>
    /// <returns>
    /// False when the message is lost: the other end is not attached or takes no messages from us, or too many bytes
    /// are on the way without an answer. A head without data may go on when one with data may not. True promises
    /// nothing but the attempt.
    /// </returns>
    bool TrySend(ReadOnlySpan<byte> head, ReadOnlySpan<Payload> data);
}
