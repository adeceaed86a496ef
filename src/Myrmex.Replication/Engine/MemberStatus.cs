namespace Myrmex.Replication.Engine;

/// <summary>What a replica may count for. Durable in its superblock; the numbers are on disk and on the wire.</summary>
public enum MemberStatus : byte
{
    /// <summary>Counts for write and election quorums.</summary>
    Voter = 0,

    /// <summary>
    /// May have lost entries it acknowledged from memory; counts for nothing until a leader told it what to hold.
    /// </summary>
    Recovering = 1,

    /// <summary>Has a hole in its journal that a copy from another member fills.</summary>
    Syncing = 2,

    /// <summary>New; never acknowledged anything.</summary>
    Learner = 3,
}
