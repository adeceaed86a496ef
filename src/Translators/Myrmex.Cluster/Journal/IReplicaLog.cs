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
    /// The term in which this member leads and its store has everything that was committed before it; none while it
    /// does not. What is evaluated in a term is good only in that term.
    /// </summary>
    Term ServingTerm { get; }

    /// <summary>
    /// Appends an entry and completes when it is committed. Entries get their place in the order of the calls; the data
    /// is retained for as long as the journal needs it.
    /// </summary>
    /// <param name="term">What <see cref="ServingTerm"/> was before the entry was evaluated.</param>
    /// <param name="meta">The operation; must not change any more.</param>
    /// <param name="data">Its bulk bytes; borrowed.</param>
    ValueTask<ProposeResult> ProposeAsync(Term term, ReadOnlyMemory<byte> meta, Payload data);

    /// <summary>
    /// An entry that was proposed here and is committed is in the store now, or could not be put there.
    /// </summary>
    void Applied(JournalIndex index, Errno error);
}
