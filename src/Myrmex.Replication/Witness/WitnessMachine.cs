using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication;

/// <summary>
/// What stands above the replica of a witness: no store, so what is committed has taken effect at once. Nothing is
/// proposed or read here, because a witness leads nobody.
/// </summary>
public sealed class WitnessMachine : IReplicaMachine
{
    private const int Nobody = -1;

    private long _applied;
    private int _leader = Nobody;

    /// <summary>The last entry that was told as committed. Any thread.</summary>
    public JournalIndex AppliedIndex => new((ulong)Volatile.Read(ref _applied));

    /// <summary>Who leads, as far as is known. Any thread.</summary>
    public MemberId? Leader => Volatile.Read(ref _leader) is var leader and >= 0 ? new MemberId((byte)leader) : null;

    bool IReplicaMachine.WaitsForRoom => false;

    /// <summary>The replica goes on after this entry: it is told of none up to it.</summary>
    public void GoOnAfter(JournalIndex index) => Volatile.Write(ref _applied, (long)index.Value);

    void IReplicaMachine.Committed(JournalEntry entry) => GoOnAfter(entry.Index);

    void IReplicaMachine.Accepted(ulong tag, JournalIndex index, bool isKnown)
    {
    }

    void IReplicaMachine.Answered(ulong tag, JournalIndex index, ReadOnlyMemory<byte> outcome)
    {
    }

    void IReplicaMachine.NotFound(ulong tag)
    {
    }

    void IReplicaMachine.Refused(ulong tag, Refusal refusal, MemberId? leader, long retryAfterMs)
    {
    }

    void IReplicaMachine.Superseded(JournalEntry entry)
    {
    }

    void IReplicaMachine.ReadHere(ulong tag, JournalIndex index, JournalIndex leaderApplied)
    {
    }

    void IReplicaMachine.ReadReady(ulong tag, JournalIndex index, Term? term)
    {
    }

    void IReplicaMachine.Synced(ulong tag)
    {
    }

    void IReplicaMachine.Completed(ulong tag)
    {
    }

    void IReplicaMachine.RoleChanged(ReplicaRole role, Term term, MemberId? leader) =>
        Volatile.Write(ref _leader, leader?.Value ?? Nobody);

    long IReplicaMachine.OldestWorkMs(long nowMs) => 0;

    void IReplicaMachine.Hung()
    {
    }

    /// <summary>Nothing has to be brought to a disk but the journal.</summary>
    void IReplicaMachine.Persist(JournalIndex through, Action<Errno> done) => done(Errno.Ok);
}
