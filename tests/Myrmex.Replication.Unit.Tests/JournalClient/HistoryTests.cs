using System;
using System.Globalization;
using System.Linq;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>
/// Every change that is answered took effect once, in an order that the answers agree with.
/// <c>MYRMEX_CLIENT_SEEDS=N</c> runs that many seeds.
/// </summary>
public sealed class HistoryTests
{
    public static TheoryData<ulong> Seeds
    {
        get
        {
            var text = Environment.GetEnvironmentVariable("MYRMEX_CLIENT_SEEDS") ?? "25";
            return [.. Enumerable.Range(1, int.Parse(text, CultureInfo.InvariantCulture)).Select(n => (ulong)n)];
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void NobodyNoticesAFailover(ulong seed)
    {
        var history = new History(seed);
        history.Run();
        Assert.Empty(history.Problems);
        Assert.Equal(0, history.InDoubt);
    }

    [Fact]
    public void TheHistoriesAreNotPeaceful()
    {
        var histories = Enumerable.Range(1, 10).Select(seed => new History((ulong)seed)).ToList();
        histories.ForEach(h => h.Run());
        Assert.True(histories.Sum(h => h.Changes) > 500);
        Assert.True(histories.Sum(h => h.Bed.Set.Repeats) > 100);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void ASessionThatIsThrownAwayLeavesDoubtButNoError(ulong seed)
    {
        var history = new History(seed, evicts: true);
        history.Run();
        Assert.Empty(history.Problems);
        Assert.True(history.Evictions > 0);
    }

    /// <summary>What a client would do wrong is done at the members instead: the checks above must see it.</summary>
    [Theory]
    [InlineData("sent again as new", "a count took effect twice, or not at all")]
    [InlineData("acknowledged too early", "XATTROP answers EIO")]
    [InlineData("not opened again", "READ answers EBADFD")]
    [InlineData("not locked again", "a lock is not held at the leader")]
    public void AMistakeIsNoticed(string mistake, string problem)
    {
        var found = Enumerable.Range(1, 5).Any(seed =>
        {
            var history = new History((ulong)seed);
            history.Bed.Set.ForgetsNumbers = mistake == "sent again as new";
            history.Bed.Set.DropsTooMuch = mistake == "acknowledged too early";
            foreach (var member in history.Bed.Members)
            {
                member.OnlySaysOpen = mistake == "not opened again";
                member.OnlySaysLocked = mistake == "not locked again";
            }

            history.Run();
            return history.Problems.Contains(problem);
        });
        Assert.True(found, $"{mistake} is not noticed");
    }
}
