using System;

namespace Myrmex.Replication.Engine;

/// <summary>
/// Rules that a test can switch off, to show that the simulator notices. Never set outside tests. README.md has which
/// rule each one breaks.
/// </summary>
[Flags]
internal enum ReplicaMutations : long
{
    None = 0,

    /// <summary>A promise does not keep messages of lower terms out.</summary>
    NoFence = 1L << 0,

    /// <summary>A candidate goes on with its own journal and asks nobody.</summary>
    NoAdoption = 1L << 1,

    /// <summary>The best journal is the longest, whatever its last term.</summary>
    LengthOnly = 1L << 2,

    /// <summary>Acknowledgements of entries of earlier terms count.</summary>
    CountOldTerms = 1L << 3,

    /// <summary>Entries take effect when they are logged.</summary>
    EffectEarly = 1L << 4,

    /// <summary>A retry is logged again.</summary>
    NoOutcomes = 1L << 5,

    /// <summary>Outcomes are known to the leader alone, not derived from the journal.</summary>
    VolatileOutcomes = 1L << 6,

    /// <summary>A late APPEND cuts what follows it.</summary>
    LateAppendCuts = 1L << 7,

    /// <summary>A promise is lost by a restart.</summary>
    VolatilePromise = 1L << 8,

    /// <summary>Quorums that do not meet are allowed.</summary>
    UnsoundQuorums = 1L << 9,

    /// <summary>A replica that may have lost entries counts at once.</summary>
    RecoveringCounts = 1L << 10,

    /// <summary>The leader reads longer than the followers granted.</summary>
    GrantOverrun = 1L << 11,

    /// <summary>Reads before the first entry of the own term is committed.</summary>
    ReadEarly = 1L << 12,

    /// <summary>A member leaves the in-sync set in the leader's memory only.</summary>
    InSyncWithoutStore = 1L << 13,

    /// <summary>A member that joins the in-sync set has to acknowledge only after the store knows.</summary>
    InSyncLateCount = 1L << 14,

    /// <summary>The grant a replica gave before its restart is forgotten.</summary>
    GrantForgotten = 1L << 15,

    /// <summary>A promise is answered before it is durable.</summary>
    PromiseAnsweredEarly = 1L << 16,

    /// <summary>Acknowledges its whole journal, not only what is the leader's.</summary>
    AcknowledgeUnmatched = 1L << 17,

    /// <summary>Entries are acknowledged before they are durable.</summary>
    AcknowledgeEarly = 1L << 18,

    /// <summary>A confirmed read does not ask anybody.</summary>
    ReadUnconfirmed = 1L << 19,

    /// <summary>During a change of members only the old ones decide.</summary>
    NoJointQuorum = 1L << 20,

    /// <summary>A copy with holes counts at once.</summary>
    SyncingCounts = 1L << 21,

    /// <summary>A report of durable entries is believed for entries that replaced them since.</summary>
    StaleDurableReport = 1L << 22,

    /// <summary>An addition to the in-sync set whose answer was lost is taken as not made.</summary>
    LostAdditionForgotten = 1L << 23,

    /// <summary>A member whose main store is being overwritten counts again once its old journal is enough.</summary>
    CopyForgotten = 1L << 24,

    /// <summary>A leader hands the lead over, grants and all, and goes on leading until it is fenced.</summary>
    HandOverLeads = 1L << 25,

    /// <summary>Locks are not in checkpoints, nor in copies.</summary>
    LocksNotKept = 1L << 26,

    /// <summary>A witness is elected as any other member.</summary>
    WitnessLeads = 1L << 27,

    /// <summary>A candidate goes on without the entries that nobody reachable can give it.</summary>
    AdoptsWithGap = 1L << 28,

    /// <summary>A witness drops entries that are on the disk of no member with a store.</summary>
    WitnessDropsEarly = 1L << 29,

    /// <summary>A follower answers reads from its main store without asking the leader.</summary>
    ReadHereUnasked = 1L << 34,

    /// <summary>A leader tells a follower that reads of what its own main store does not have yet are good.</summary>
    ToldBeforeApplied = 1L << 35,

    /// <summary>A leader gives its vote to another one while what it has promised still holds.</summary>
    PromiseForgotten = 1L << 36,

    /// <summary>A lead is handed over while what was promised in it still holds.</summary>
    HandsOverPromises = 1L << 37,

    /// <summary>What was promised without them is not waited for before more members can be elected.</summary>
    PromisesWithoutAll = 1L << 38,

    /// <summary>What is not committed counts as overwriting what is.</summary>
    ElideUncommitted = 1L << 40,

    /// <summary>A store that has elided entries, and not those that overwrite them, is read.</summary>
    ReadBeforeHorizon = 1L << 42,

    /// <summary>A restart behind elided entries forgets that there were some.</summary>
    HorizonNotKept = 1L << 43,
}
