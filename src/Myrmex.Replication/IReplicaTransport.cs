using Myrmex.Replication.Engine;

namespace Myrmex.Replication;

/// <summary>The way from one replica to the others of its set.</summary>
public interface IReplicaTransport
{
    /// <summary>
    /// Sends a message, or loses it: the protocol sends again what matters. Borrows the message and its entries;
    /// called on the replica's scheduler and must not block.
    /// </summary>
    void Send(MemberId to, ReplicaMessage message);
}
