namespace Myrmex.Replication.Engine;

/// <summary>Who must have an entry before it is committed. The numbers are in the state store.</summary>
public enum ReplicaMode : byte
{
    /// <summary>Any W of the members; any E of them elect, with W + E more than all.</summary>
    Quorum = 1,

    /// <summary>
    /// All members of the in-sync set, which the state store keeps; each of them can be elected alone.
    /// </summary>
    InSync = 2,
}
