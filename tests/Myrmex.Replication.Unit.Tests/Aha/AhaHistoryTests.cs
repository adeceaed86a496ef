using System;
using System.Globalization;
using System.Linq;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>
/// Nobody notices what becomes of proxies: no error, everything once, locks held, listings complete.
/// <c>MYRMEX_AHA_SEEDS=N</c> runs that many seeds.
/// </summary>
public sealed class AhaHistoryTests
{
    public static TheoryData<ulong> Seeds
    {
        get
        {
            var text = Environment.GetEnvironmentVariable("MYRMEX_AHA_SEEDS") ?? "25";
            var from = Environment.GetEnvironmentVariable("MYRMEX_AHA_FROM") ?? "1";
            return
            [
                .. Enumerable.Range(
                    int.Parse(from, CultureInfo.InvariantCulture), int.Parse(text, CultureInfo.InvariantCulture))
                    .Select(n => (ulong)n),
            ];
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void NobodyNoticesAnything(ulong seed)
    {
        var history = new AhaHistory(seed);
        history.Run();
        Assert.Empty(history.Problems);
    }

    [Fact]
    public void TheHistoriesAreNotPeaceful()
    {
        var histories = Enumerable.Range(1, 10).Select(seed => new AhaHistory((ulong)seed)).ToList();
        histories.ForEach(h => h.Run());
        Assert.True(histories.Sum(h => h.Troubles) > 200);
        Assert.True(histories.Sum(h => h.Bed.Store.Repeats) > 30);
    }

    /// <summary>What a client would do wrong is done at the volume instead: the checks above must see it.</summary>
    [Theory]
    [InlineData("a count took effect twice, or not at all")]
    [InlineData("an append took effect twice, or not at all")]
    public void ASecondEffectIsNoticed(string problem)
    {
        var found = Enumerable.Range(1, 10).Any(seed =>
        {
            var history = new AhaHistory((ulong)seed);
            history.Bed.Store.ForgetsNumbers = true;
            history.Run();
            return history.Problems.Contains(problem);
        });
        Assert.True(found);
    }
}
