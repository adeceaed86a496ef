using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>What became of a proposed entry.</summary>
/// <param name="Error">
/// Ok: committed. ENOTCONN: it is not known whether it is or will be (the leadership was lost after it was sent). EROFS
/// and EAGAIN: not proposed, and it will not take effect.
/// </param>
public readonly record struct ProposeResult(Errno Error, JournalIndex Index);

/// <summary>The journal of a replica set as its leader's state machine sees it.</summary>
public interface IReplicaLog
{
    /// <summary>
    /// Appends an entry and completes when it is committed. Entries get their place in the order of the calls; the data
    /// is retained for as long as the journal needs it.
    /// </summary>
    ValueTask<ProposeResult> ProposeAsync(ReadOnlyMemory<byte> meta, Payload data);
}
