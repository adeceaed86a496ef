using System.Linq;
using Myrmex.Replication.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Histories of a lock over many leaders, judged by the checker: as if one lock had been taken and given up at one
/// moment each.
/// </summary>
public sealed class LockHistoryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void NobodyElseHoldsALockThatIsHeldWhoeverLeads(ulong seed)
    {
        var history = new LockHistory(seed);
        history.Run();
        Assert.True(history.Faults > 0 && history.Retries > 1, $"{history.Faults} faults, {history.Retries} retries");
        Assert.True(history.Refusals > 0 && history.Refusals < history.Operations.Count);
        Assert.True(LinearizabilityChecker.IsLinearizable(history.Operations), string.Join('\n', history.Operations));
    }

    [Fact]
    public void AMistakeIsNoticed()
    {
        var isNoticed = Enumerable.Range(1, 20).Any(seed =>
        {
            var history = new LockHistory((ulong)seed) { ForgetsLocks = true };
            history.Run();
            return !LinearizabilityChecker.IsLinearizable(history.Operations);
        });
        Assert.True(isNoticed, "locks that end with a leader are not noticed");
    }

    [Fact]
    public void TheCheckerKnowsALock()
    {
        HistoryOperation[] good =
        [
            new(HistoryKind.Acquire, 1, 0, 10), new(HistoryKind.Refusal, 2, 11, 20), new(HistoryKind.Release, 1, 15, 30),
            new(HistoryKind.Acquire, 2, 25, 40), new(HistoryKind.Acquire, 3, 5, long.MaxValue),
        ];
        Assert.True(LinearizabilityChecker.IsLinearizable(good));
        Assert.False(LinearizabilityChecker.IsLinearizable(
            [good[0], new(HistoryKind.Acquire, 2, 11, 20), new(HistoryKind.Release, 1, 21, 30)]));
        Assert.False(LinearizabilityChecker.IsLinearizable(
            [good[0], new(HistoryKind.Release, 1, 12, 13), new(HistoryKind.Refusal, 2, 14, 20)]));
    }
}
