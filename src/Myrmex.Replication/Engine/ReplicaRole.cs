namespace Myrmex.Replication.Engine;

/// <summary>What a replica does at the moment.</summary>
public enum ReplicaRole
{
    Follower,

    /// <summary>Has a term of its own and collects promises and entries.</summary>
    Candidate,

    /// <summary>Appends in its term. Serves once its first entry is committed.</summary>
    Active,

    /// <summary>Its journal failed: takes part in nothing until it is started again.</summary>
    Failed,
}
