using System;
using System.Globalization;
using System.Linq;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>
/// No read is old, whatever becomes of proxies, links and the brick. <c>MYRMEX_CACHE_SEEDS=N</c> runs that many worlds,
/// from <c>MYRMEX_CACHE_FROM</c> on.
/// </summary>
public sealed class CacheHistoryTests
{
    private const int FaultySeeds = 800;

    /// <param name="bricks">Above one, cluster/distribute asks several bricks for one answer.</param>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void NoReadIsOld(int bricks)
    {
        var (from, count) = (Number("MYRMEX_CACHE_FROM", 1), Number("MYRMEX_CACHE_SEEDS", 300));
        var (hits, waits, answered) = (0L, 0L, 0L);
        for (var seed = from; seed < from + count; seed++)
        {
            var history = new CacheHistory((ulong)seed, bricks: bricks);
            var problem = history.Run();
            Assert.True(problem is null, $"seed {seed}: {problem}");
            hits += history.Hits;
            waits += ((CacheBed)history.Bed).Bricks.Sum(b => b.Figure("waits"));
            answered += history.Answered;
        }

        // Else nothing was tried.
        Assert.True(hits > count, $"{hits} hits");
        Assert.True(waits > count / 2, $"{waits} waits");
        Assert.True(answered > count * 10, $"{answered} answers");
    }

    /// <summary>What a brick would do wrong is noticed.</summary>
    [Theory]
    [InlineData("WaitsForNobody")]
    [InlineData("PromisesTooMuch")]
    [InlineData("TellsNobody")]
    public void ABrickThatDoesWrongIsNoticed(string fault) => Assert.True(
        Enumerable.Range(1, FaultySeeds).Any(
            seed => new CacheHistory((ulong)seed, Enum.Parse<BrickFault>(fault)).Run() is not null),
        $"{fault} is not noticed in {FaultySeeds} worlds");

    internal static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { } text
            ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
