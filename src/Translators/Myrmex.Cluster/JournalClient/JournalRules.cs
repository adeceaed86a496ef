using Myrmex.Cluster.Sending;

namespace Myrmex.Cluster.JournalClient;

/// <summary>The members of a replica set: ENOTCONN may mean that another one leads.</summary>
internal sealed class JournalRules : SendingRules
{
    public override string Name => "journal-client";

    /// <summary>On those of a write quorum.</summary>
    public override bool AnswersAreDurable => true;

    /// <summary>They are entries of the journal.</summary>
    public override bool KeepsLocks => true;
}
