using System;
using System.Linq;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Simulation;

/// <summary>
/// Whole replica sets with every fault: nothing happens that must not, and every rule that is switched off is noticed.
/// Repeat a seed with <c>./campaign replication --seed N --trace</c>.
/// </summary>
public sealed class ReplicaWorldTests
{
    private const ulong MutationSeedsMax = 8_000;

    /// <summary>CountOldTerms needs four terms in one order, which one world in about 15 000 has: begins near one.</summary>
    private const ulong CountOldTermsSeed = 14_000;

    /// <summary>The same for copies: few are begun that the old journal could make up for.</summary>
    private const ulong CopyForgottenSeed = 100_000;

    /// <summary>One world in about 1200 shows it, and there is none before the 1900th.</summary>
    private const ulong GrantForgottenSeed = 5_600;

    /// <summary>A leader with a slow disk loses power, and the other one is away just then: one world in 10 000.</summary>
    private const ulong WitnessDropsEarlySeed = 13_500;

    /// <summary>Five members, of which two are apart with what overwrites: one world in 1500.</summary>
    private const ulong ElideUncommittedSeed = 7_300;

    public static TheoryData<string> Rules =>
        [.. Enum.GetValues<ReplicaMutations>().Where(r => r != ReplicaMutations.None).Select(r => r.ToString())];

    [Fact]
    public void ThousandsOfWorldsAreWell()
    {
        var result = ReplicaCampaign.Run(seedStart: 1, count: 3_000);
        Assert.True(
            result.FirstBad is null,
            result.FirstBad is { } bad ? $"seed {bad.Seed}: {bad.Violation}\n{string.Join('\n', bad.Trace)}" : "");
        Assert.Equal(3_000, result.Seeds);
        Assert.True(result.Failovers > 6_000, $"only {result.Failovers} failovers: the worlds are too quiet to show anything");
        Assert.True(result.Committed > 30_000, $"only {result.Committed} entries");
    }

    [Fact]
    public void ASeedGivesTheSameRunEveryTime()
    {
        for (var seed = 1UL; seed <= 5; seed++)
        {
            var first = ReplicaCampaign.RunOne(seed, isTraced: true);
            var second = ReplicaCampaign.RunOne(seed, isTraced: true);
            Assert.Equal(first.Events, second.Events);
            Assert.Equal(first.Trace, second.Trace);
            Assert.NotEmpty(first.Trace);
        }
    }

    /// <summary>Seeds that once were bad.</summary>
    [Theory]
    [InlineData(207451)]
    [InlineData(209879)]
    [InlineData(212128)]
    [InlineData(216001)]
    [InlineData(226657)]
    [InlineData(267099)]
    [InlineData(1012115)]
    [InlineData(1026275)]
    [InlineData(1031129)]
    [InlineData(1088556)]
    [InlineData(1119974)]
    [InlineData(1142530)]
    [InlineData(4010911)]
    [InlineData(4049936)]
    [InlineData(4099625)]
    [InlineData(5001116)]
    [InlineData(9513601)]
    [InlineData(9563740)]
    [InlineData(9605775)]
    [InlineData(60016979)]
    [InlineData(71065012)]
    [InlineData(82067400)]
    [InlineData(82149922)]
    public void SeedsThatWereBadAreWell(long seed) => Assert.Null(
        ReplicaCampaign.RunOne((ulong)seed, WorldOptions.FromSeed((ulong)seed).WithoutWitnesses()).Violation);

    /// <summary>Seeds that once were bad in worlds with a witness.</summary>
    [Theory]
    [InlineData(9822)]
    public void SeedsWithAWitnessThatWereBadAreWell(long seed)
    {
        var options = MutationWorlds.For(ReplicaMutations.WitnessDropsEarly, (ulong)seed) with
        {
            Mutations = ReplicaMutations.None,
            Ambushes = false,
            FaultEveryMs = 120,
            FaultMs = 6_000,
        };
        Assert.Null(ReplicaCampaign.RunOne((ulong)seed, options).Violation);
    }

    /// <summary>
    /// The leader of what all had left, with elided entries in its journal, can commit nothing before the others have a
    /// copy of it.
    /// </summary>
    [Fact]
    public void ASeedWithElidedEntriesThatWasBadIsWell()
    {
        var options = new WorldOptions
        {
            Elides = true,
            AllowsMemory = true,
            SlowDisks = true,
            ReleasesEarly = true,
            Clients = 16,
            FaultEveryMs = 120,
        };
        Assert.Null(ReplicaCampaign.RunOne(7981, options).Violation);
    }

    [Fact]
    public void WorldsWithAWitnessAreWell()
    {
        var result = ReplicaCampaign.Run(seedStart: 1, count: 1_500, WorldOptions.WitnessFromSeed);
        Assert.True(
            result.FirstBad is null,
            result.FirstBad is { } bad ? $"seed {bad.Seed}: {bad.Violation}\n{string.Join('\n', bad.Trace)}" : "");
        Assert.True(result.Failovers > 3_000, $"only {result.Failovers} failovers: the worlds are too quiet to show anything");
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void ABrokenRuleIsNoticed(string name)
    {
        var rule = Enum.Parse<ReplicaMutations>(name);
        var first = rule switch
        {
            ReplicaMutations.CountOldTerms => CountOldTermsSeed,
            ReplicaMutations.CopyForgotten => CopyForgottenSeed,
            ReplicaMutations.GrantForgotten => GrantForgottenSeed,
            ReplicaMutations.WitnessDropsEarly => WitnessDropsEarlySeed,
            ReplicaMutations.ElideUncommitted => ElideUncommittedSeed,
            _ => 1UL,
        };
        for (var seed = first; seed < first + MutationSeedsMax; seed++)
        {
            if (ReplicaCampaign.RunOne(seed, MutationWorlds.For(rule, seed)).Violation is not null)
            {
                return;
            }
        }

        Assert.Fail($"{rule} went unnoticed in {MutationSeedsMax} worlds");
    }

    /// <summary>The same worlds with the rule in force: what is noticed above is the rule, not the world.</summary>
    [Fact]
    public void TheWorldsOfTheMutationsAreWellWithoutThem()
    {
        foreach (var rule in Enum.GetValues<ReplicaMutations>())
        {
            for (var seed = 1UL; seed <= 60; seed++)
            {
                var options = MutationWorlds.For(rule, seed) with { Mutations = ReplicaMutations.None };
                var violation = ReplicaCampaign.RunOne(seed, options).Violation;
                Assert.True(violation is null, $"{rule} seed {seed}: {violation}");
            }
        }
    }
}
