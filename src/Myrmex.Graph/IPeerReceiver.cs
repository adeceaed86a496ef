using System;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// Takes the messages that others send over an <see cref="IPeerLink"/> to the export this translator stands below.
/// protocol/server finds the first one on the way down from an export, always by the first subvolume; those who send
/// have logged in with the volume's password.
/// </summary>
public interface IPeerReceiver
{
    /// <summary>
    /// A message. Called on the reactor of the connection, so on many threads at once, in order for each of them; it
    /// must not block. That it has returned is what the sender's window waits for: who queues messages bounds the queue
    /// and drops what is above. Not called any more once the server above has stopped.
    /// </summary>
    /// <param name="head">At most <see cref="IPeerLink.HeadBytesMax"/> bytes; lent until this returns.</param>
    /// <param name="data">
    /// At most <see cref="IPeerLink.DataBytesMax"/> bytes; borrowed until this returns, Retain to keep it. It may be a
    /// small part of a larger buffer: who keeps little for long should copy it.
    /// </param>
    void Receive(ReadOnlySpan<byte> head, Payload data);
}
