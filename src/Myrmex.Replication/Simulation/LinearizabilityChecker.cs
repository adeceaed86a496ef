using System;
using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Replication.Simulation;

/// <summary>
/// Decides whether a history of one object could have come from a single copy on which every operation took effect at
/// one moment between its call and its answer. Source: the search of Wing and Gong with the memory of Lowe.
/// </summary>
public static class LinearizabilityChecker
{
    /// <summary>Operations of one history.</summary>
    public const int OperationsMax = 64;

    /// <summary>The object is 0 at first.</summary>
    public static bool IsLinearizable(IReadOnlyList<HistoryOperation> history)
    {
        var operations = history.Where(Matters(history)).OrderBy(o => o.Invoked).ToArray();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(operations.Length, OperationsMax, nameof(history));
        var answered = 0UL;
        for (var i = 0; i < operations.Length; i++)
        {
            answered |= operations[i].Returned != long.MaxValue ? 1UL << i : 0;
        }

        return Search(operations, answered, done: 0, value: 0, []);
    }

    /// <summary>
    /// Which operations say something. A read that was never answered does not. Neither does a write that was never
    /// answered and whose value nobody saw: in an order where it takes effect a write comes next, or nothing, so the
    /// order is as good without it. Where values are mixed into others (appends) that cannot be told from the value.
    /// Without this rule a disk that refuses everything for a while makes 2^n orders.
    /// </summary>
    private static Func<HistoryOperation, bool> Matters(IReadOnlyList<HistoryOperation> history)
    {
        var seen = history.Where(o => o.Kind == HistoryKind.Read && o.Returned != long.MaxValue)
            .Select(o => o.Value).ToHashSet();
        var isRegister = history.All(o => o.Kind is HistoryKind.Read or HistoryKind.Write);
        return o => o.Returned != long.MaxValue || o.Kind switch
        {
            HistoryKind.Read or HistoryKind.Refusal => false,
            HistoryKind.Write => !isRegister || seen.Contains(o.Value),
            _ => true,
        };
    }

    private static bool Search(
        HistoryOperation[] operations, ulong answered, ulong done, ulong value, HashSet<(ulong Done, ulong Value)> seen)
    {
        if ((answered & ~done) == 0)
        {
            return true;
        }

        if (!seen.Add((done, value)))
        {
            return false;
        }

        // Next comes an operation that was asked for before any that is left was answered.
        var firstAnswer = long.MaxValue;
        for (var i = 0; i < operations.Length; i++)
        {
            firstAnswer = (done >> i & 1) == 0 ? Math.Min(firstAnswer, operations[i].Returned) : firstAnswer;
        }

        for (var i = 0; i < operations.Length && operations[i].Invoked <= firstAnswer; i++)
        {
            if ((done >> i & 1) == 0 && Apply(operations[i], value) is { } next
                && Search(operations, answered, done | 1UL << i, next, seen))
            {
                return true;
            }
        }

        return false;
    }

    private static ulong? Apply(in HistoryOperation operation, ulong value) => operation.Kind switch
    {
        HistoryKind.Write => operation.Value,
        HistoryKind.Append => HistoryOperation.Appended(value, operation.Value),
        HistoryKind.Acquire => value == 0 || value == operation.Value ? operation.Value : null,
        HistoryKind.Refusal => value != 0 && value != operation.Value ? value : null,
        HistoryKind.Release => value == operation.Value ? 0 : value,
        _ => operation.Value == value ? value : null,
    };
}
