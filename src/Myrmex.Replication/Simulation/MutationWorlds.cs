using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

/// <summary>Worlds in which a broken rule shows soon.</summary>
internal static class MutationWorlds
{
    public static WorldOptions For(ReplicaMutations rule, ulong seed)
    {
        var options = rule switch
        {
            ReplicaMutations.RecoveringCounts => new WorldOptions { AllowsMemory = true },
            ReplicaMutations.GrantOverrun or ReplicaMutations.GrantForgotten or ReplicaMutations.ReadEarly =>
                new WorldOptions { ReadLease = true, Clients = 4 },
            ReplicaMutations.HandOverLeads =>
                new WorldOptions { ReadLease = true, Clients = 4, Returns = true },
            ReplicaMutations.PromiseForgotten => new WorldOptions { ReadLease = true, Promises = true },
            ReplicaMutations.HandsOverPromises =>
                new WorldOptions { ReadLease = true, Promises = true, Returns = true },
            ReplicaMutations.PromisesWithoutAll =>
                new WorldOptions { ReadLease = true, Promises = true, Mode = ReplicaMode.InSync, Ambushes = true },
            ReplicaMutations.InSyncWithoutStore or ReplicaMutations.InSyncLateCount
                or ReplicaMutations.LostAdditionForgotten =>
                new WorldOptions { Mode = ReplicaMode.InSync },
            ReplicaMutations.NoJointQuorum => new WorldOptions { ChangesMembers = true },
            ReplicaMutations.SyncingCounts or ReplicaMutations.CopyForgotten =>
                new WorldOptions { TrimsJournals = true, Ambushes = true },
            ReplicaMutations.LocksNotKept =>
                new WorldOptions { TakesLocks = true, TrimsJournals = true, Clients = 4 },
            ReplicaMutations.CountOldTerms => new WorldOptions { Ambushes = true, FaultMs = 10_000 },
            ReplicaMutations.StaleDurableReport => new WorldOptions { Ambushes = true, SlowDisks = true },
            ReplicaMutations.ReadHereUnasked or ReplicaMutations.ToldBeforeApplied =>
                new WorldOptions { ReadsHere = true, Clients = 6 },
            ReplicaMutations.WitnessLeads => new WorldOptions { Witnesses = 1 },
            ReplicaMutations.AdoptsWithGap => new WorldOptions { Witnesses = 1, TrimsJournals = true },
            ReplicaMutations.WitnessDropsEarly => new WorldOptions
            {
                Witnesses = 1,
                TrimsJournals = true,
                AllowsMemory = true,
                SlowDisks = true,
                Ambushes = true,
                Clients = 16,
                FaultMs = 8_000,
            },
            ReplicaMutations.ElideUncommitted => new WorldOptions
            {
                Elides = true,
                Members = 5,
                WriteQuorum = 3,
                ElectionQuorum = 3,
                Clients = 8,
                FaultMs = 10_000,
            },
            ReplicaMutations.ReadBeforeHorizon or ReplicaMutations.HorizonNotKept =>
                new WorldOptions { Elides = true, Clients = 4 },
            _ => new WorldOptions(),
        };
        var every = rule == ReplicaMutations.WitnessDropsEarly ? 150 : 60 + ((long)(seed % 5) * 60);
        return options with { Mutations = rule, FaultEveryMs = every };
    }
}
