using System;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Replication.Simulation;

/// <summary>What one simulated replica set is like and what happens to it.</summary>
public sealed record WorldOptions
{
    public int Members { get; init; } = 3;

    public ReplicaMode Mode { get; init; } = ReplicaMode.Quorum;

    public int WriteQuorum { get; init; } = 2;

    public int ElectionQuorum { get; init; } = 2;

    public int InSyncMin { get; init; } = 1;

    /// <summary>Followers answer reads, and what is committed takes a moment to be in the main stores.</summary>
    public bool ReadsHere { get; init; }

    /// <summary>Entries may be acknowledged from memory, and some are.</summary>
    public bool AllowsMemory { get; init; }

    public bool ReadLease { get; init; }

    /// <summary>Leaders promise to caches all that they may; with leases for reads only.</summary>
    public bool Promises { get; init; }

    /// <summary>Members come and go.</summary>
    public bool ChangesMembers { get; init; }

    /// <summary>Old entries leave the journals early, so that members that come back need a copy.</summary>
    public bool TrimsJournals { get; init; }

    /// <summary>Every message goes through its bytes.</summary>
    public bool ThroughCodec { get; init; }

    /// <summary>Some pauses last an hour.</summary>
    public bool LongPauses { get; init; }

    /// <summary>Leaders fail at the worst moments: just elected, or with an entry nobody else has.</summary>
    public bool Ambushes { get; init; }

    /// <summary>Many writes to disk take long.</summary>
    public bool SlowDisks { get; init; }

    /// <summary>Entries leave memory as soon as they are settled.</summary>
    public bool ReleasesEarly { get; init; }

    /// <summary>One member is preferred, and the lead goes back to it.</summary>
    public bool Returns { get; init; }

    /// <summary>Clients take, release and lose locks, too.</summary>
    public bool TakesLocks { get; init; }

    /// <summary>
    /// Entries of together so many bytes go to one follower by way of another one; 0 for none.
    /// </summary>
    public long RelayBytesMin { get; init; }

    /// <summary>A member that is behind does not get what is overwritten.</summary>
    public bool Elides { get; init; }

    /// <summary>The last of the members, so many, and of those that may join one, have no main store.</summary>
    public int Witnesses { get; init; }

    public int Clients { get; init; } = 3;

    /// <summary>Virtual time with faults.</summary>
    public long FaultMs { get; init; } = 6000;

    /// <summary>Mean time between faults.</summary>
    public long FaultEveryMs { get; init; } = 250;

    /// <summary>Virtual time after the last fault in which all must be well again.</summary>
    public long SettleMs { get; init; } = 30_000;

    internal ReplicaMutations Mutations { get; init; }

    /// <summary>What the seed says: over many seeds, everything is there.</summary>
    public static WorldOptions FromSeed(ulong seed)
    {
        var random = new SimRandom(seed ^ 0xA5A5_5A5A_1234_9876);
        var members = (int)random.Between(1, 10) switch { 1 => 1, 2 or 3 => 2, 4 => 4, 5 => 5, _ => 3 };
        var inSync = random.Chance(0.4);
        var write = random.Chance(0.75) ? (members / 2) + 1 : (int)random.Between((members / 2) + 1, members);
        var options = new WorldOptions
        {
            Members = members,
            Mode = inSync ? ReplicaMode.InSync : ReplicaMode.Quorum,
            WriteQuorum = write,
            ElectionQuorum = members - write + 1,
            InSyncMin = random.Chance(0.7) ? 1 : (int)random.Between(1, members),
            AllowsMemory = random.Chance(0.2),
            ReadLease = random.Chance(0.4),
            ChangesMembers = random.Chance(0.25),
            TrimsJournals = random.Chance(0.25),
            ThroughCodec = random.Chance(0.06),
            LongPauses = random.Chance(0.01),
            Ambushes = random.Chance(0.3),
            SlowDisks = random.Chance(0.1),
            Clients = (int)random.Between(1, 4),
            FaultEveryMs = random.Between(60, 500),
            ReleasesEarly = random.Chance(0.3),
            Returns = random.Chance(0.3),
            TakesLocks = random.Chance(0.4),
            RelayBytesMin = random.Chance(0.6) ? random.Between(1, 300) : 0,
        };

        // Drawn last, so that a seed is otherwise what it was before there were witnesses.
        options = random.Chance(0.4) ? options.WithWitnesses((int)random.Between(1, 3)) : options;
        options = options with { ReadsHere = random.Chance(0.5), Elides = random.Chance(0.6) };
        return options with { Promises = options.ReadLease && random.Chance(0.5) };
    }

    /// <summary>
    /// What the seed says, in a world with a witness; sets of one member or with an in-sync set become others.
    /// </summary>
    public static WorldOptions WitnessFromSeed(ulong seed)
    {
        var options = FromSeed(seed) with { Mode = ReplicaMode.Quorum };
        options = options.Members > 1 ? options : options with { Members = 3, WriteQuorum = 2, ElectionQuorum = 2 };
        return options.Witnesses > 0 ? options : options.WithWitnesses((int)(seed % 3) + 1);
    }

    /// <summary>As many of them as the write quorum allows; none where an in-sync set decides.</summary>
    public WorldOptions WithWitnesses(int wanted) => Mode == ReplicaMode.InSync || Members < 2 ? this : this with
    {
        Witnesses = Math.Min(wanted, WriteQuorum - 1),
    };

    /// <summary>
    /// The world as it was before there were witnesses, reads at followers, elided entries, and promises.
    /// </summary>
    public WorldOptions WithoutWitnesses() => this with
    {
        Witnesses = 0,
        ReadsHere = false,
        Elides = false,
        Promises = false,
    };
}
