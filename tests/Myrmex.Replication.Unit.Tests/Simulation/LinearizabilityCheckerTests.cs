using System.Collections.Generic;
using System.Linq;
using Myrmex.Replication.Simulation;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Simulation;

public sealed class LinearizabilityCheckerTests
{
    [Fact]
    public void OneAfterTheOtherIsGood() => Good(Write(1, 0, 1), Read(1, 2, 3), Write(2, 4, 5), Read(2, 6, 7));

    [Fact]
    public void AReadDuringAWriteSeesTheOldOrTheNewValue()
    {
        Good(Write(1, 0, 10), Read(0, 2, 3), Read(1, 4, 5));
        Bad(Write(1, 0, 10), Read(1, 2, 3), Read(0, 4, 5));
    }

    [Fact]
    public void AStaleReadIsBad() => Bad(Write(1, 0, 1), Write(2, 2, 3), Read(1, 4, 5));

    [Fact]
    public void ALostWriteIsBad() => Bad(Write(1, 0, 1), Read(0, 2, 3));

    [Fact]
    public void AWriteWithoutAnAnswerMayTakeEffectLateOrNever()
    {
        Good(Write(1, 0, long.MaxValue), Read(0, 2, 3));
        Good(Write(1, 0, long.MaxValue), Read(0, 2, 3), Read(1, 4, 5));
        Bad(Write(1, 0, long.MaxValue), Read(1, 2, 3), Read(0, 4, 5));
    }

    /// <summary>A disk that is full for a while: 2^30 orders, if each write that nobody saw were tried.</summary>
    [Fact]
    public void ManyWritesThatNobodySawCostNothing()
    {
        var history = Enumerable.Range(1, 30).Select(i => Write((ulong)i, i, long.MaxValue)).ToList();
        Good([.. history, Read(0, 100, 101), Read(7, 102, 103), Write(50, 104, 105), Read(50, 106, 107)]);
        Bad([.. history, Read(7, 102, 103), Read(0, 104, 105)]);
    }

    [Fact]
    public void AnAppendThatTookEffectTwiceIsBad()
    {
        var once = HistoryOperation.Appended(0, 5);
        Good(Append(5, 0, 1), Read(once, 2, 3));
        Bad(Append(5, 0, 1), Read(HistoryOperation.Appended(once, 5), 2, 3));
    }

    [Fact]
    public void TheOrderOfAppendsCounts()
    {
        var value = HistoryOperation.Appended(HistoryOperation.Appended(0, 1), 2);
        Good(Append(1, 0, 5), Append(2, 0, 5), Read(value, 6, 7));
        Bad(Append(2, 0, 1), Append(1, 2, 3), Read(value, 6, 7));
    }

    /// <summary>Histories made from a real single copy are good; with one read changed, they are not.</summary>
    [Fact]
    public void HistoriesOfOneCopyAreGoodAndChangedOnesAreBad()
    {
        var random = new SimRandom(3);
        for (var round = 0; round < 300; round++)
        {
            var history = new List<HistoryOperation>();
            var value = 0UL;
            for (var i = 0; i < 40; i++)
            {
                var moment = (i * 100) + 50;
                var (from, to) = (moment - random.Below(250), moment + random.Below(250));
                var kind = (HistoryKind)random.Below(3);
                value = kind switch
                {
                    HistoryKind.Write => (ulong)i + 1,
                    HistoryKind.Append => HistoryOperation.Appended(value, (ulong)i),
                    _ => value,
                };
                history.Add(new HistoryOperation(kind, kind == HistoryKind.Append ? (ulong)i : value, from, to));
            }

            Assert.True(LinearizabilityChecker.IsLinearizable(history));
            var read = history.FindIndex(o => o.Kind == HistoryKind.Read);
            if (read >= 0)
            {
                history[read] = history[read] with { Value = 999_999 };
                Assert.False(LinearizabilityChecker.IsLinearizable(history));
            }
        }
    }

    private static HistoryOperation Write(ulong value, long from, long to) => new(HistoryKind.Write, value, from, to);

    private static HistoryOperation Append(ulong value, long from, long to) => new(HistoryKind.Append, value, from, to);

    private static HistoryOperation Read(ulong value, long from, long to) => new(HistoryKind.Read, value, from, to);

    private static void Good(params HistoryOperation[] history) => Assert.True(LinearizabilityChecker.IsLinearizable(history));

    private static void Bad(params HistoryOperation[] history) => Assert.False(LinearizabilityChecker.IsLinearizable(history));
}
