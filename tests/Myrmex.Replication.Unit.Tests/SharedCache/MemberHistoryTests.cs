using System;
using System.Linq;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>
/// No read through proxies of a replica set is old, whatever becomes of the lead, members, proxies and links.
/// <c>MYRMEX_CACHE_SEEDS=N</c> runs that many worlds, from <c>MYRMEX_CACHE_FROM</c> on.
/// </summary>
public sealed class MemberHistoryTests
{
    private const int FaultySeeds = 600;

    [Fact]
    public void NoReadIsOldWhileTheLeadMoves()
    {
        var (from, count) = (
            CacheHistoryTests.Number("MYRMEX_CACHE_FROM", 1), CacheHistoryTests.Number("MYRMEX_CACHE_SEEDS", 100));
        var (hits, waits, answered, moves) = (0L, 0L, 0L, 0L);
        for (var seed = from; seed < from + count; seed++)
        {
            using var bed = new MemberCacheBed((ulong)seed, drifts: true);
            var history = new CacheHistory((ulong)seed, bed, hasSteps: false);
            var problem = history.Run();
            Assert.True(problem is null, $"seed {seed}: {problem}");
            hits += history.Hits;
            waits += bed.Waits;
            answered += history.Answered;
            moves += bed.Moves;
        }

        // Else nothing was tried.
        Assert.True(hits > count / 2, $"{hits} hits");
        Assert.True(waits > count / 4, $"{waits} waits");
        Assert.True(answered > count * 10, $"{answered} answers");
        Assert.True(moves > count / 4, $"{moves} moves");
    }

    /// <summary>What members would do wrong is noticed.</summary>
    [Theory]
    [InlineData("PromisesWithoutLease")]
    [InlineData("PromisesWithoutLead")]
    [InlineData("HandsOverPromises")]
    public void ASetThatDoesWrongIsNoticed(string fault) => Assert.True(
        Enumerable.Range(1, FaultySeeds).Any(seed => IsNoticed((ulong)seed, Enum.Parse<MemberFault>(fault))),
        $"{fault} is not noticed in {FaultySeeds} worlds");

    private static bool IsNoticed(ulong seed, MemberFault fault)
    {
        using var bed = new MemberCacheBed(seed, fault);
        return new CacheHistory(seed, bed, hasSteps: false).Run() is not null;
    }
}
