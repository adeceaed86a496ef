using System.Threading;
using Myrmex.Cluster.Sending;

namespace Myrmex.Cluster.JournalClient;

/// <summary>The members of a replica set: ENOTCONN may mean that another one leads.</summary>
internal sealed class JournalRules : SendingRules
{
    private long _lockGraceMs = -1;

    public override string Name => "journal-client";

    /// <summary>On those of a write quorum.</summary>
    public override bool AnswersAreDurable => true;

    /// <summary>They are entries of the journal.</summary>
    public override bool KeepsLocks => true;

    public override long? LockGraceMs => Volatile.Read(ref _lockGraceMs) is >= 0 and var graceMs ? graceMs : null;

    /// <summary>Sets <see cref="LockGraceMs"/>; negative for null.</summary>
    public void SetLockGrace(long graceMs) => Volatile.Write(ref _lockGraceMs, graceMs);
}
