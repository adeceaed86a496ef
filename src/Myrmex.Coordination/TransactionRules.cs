using System;
using System.Collections.Generic;

namespace Myrmex.Coordination;

/// <summary>
/// What every store demands of a transaction before it looks at its own state, so that all stores refuse the same ones.
/// </summary>
internal static class TransactionRules
{
    /// <summary>
    /// Throws <see cref="ArgumentException"/> for a bad key, for too much, and when a branch could change a key twice:
    /// two puts, or a put inside the range of a delete. Source: etcd v3 Txn.
    /// </summary>
    public static void Check(StateTransaction transaction)
    {
        const int Max = Limits.TransactionOperationsMax;
        if (transaction.Conditions.Count > Max || transaction.Then.Count > Max || transaction.Else.Count > Max)
        {
            throw new ArgumentException(
                $"a transaction has at most {Max} conditions and operations", nameof(transaction));
        }

        var bytes = 0L;
        foreach (var condition in transaction.Conditions)
        {
            KeyRange.CheckKey(condition.Key);
            bytes += condition.Key.Length + condition.Value.Length;
        }

        bytes += CheckBranch(transaction.Then) + CheckBranch(transaction.Else);
        if (bytes > Limits.TransactionBytesMax)
        {
            throw new ArgumentException(
                $"a transaction has at most {Limits.TransactionBytesMax} bytes of keys and values, not {bytes}");
        }
    }

    /// <summary>True when no branch changes anything.</summary>
    public static bool IsRead(StateTransaction transaction) => IsRead(transaction.Then) && IsRead(transaction.Else);

    private static bool IsRead(IReadOnlyList<Operation> branch)
    {
        foreach (var operation in branch)
        {
            if (operation is not Operation.Get)
            {
                return false;
            }
        }

        return true;
    }

    private static long CheckBranch(IReadOnlyList<Operation> branch)
    {
        var bytes = 0L;
        HashSet<string>? puts = null;
        foreach (var operation in branch)
        {
            if (operation is Operation.Put put)
            {
                CheckPut(put);
                bytes += put.Key.Length + put.Value.Length;
                if (!(puts ??= []).Add(put.Key))
                {
                    throw new ArgumentException($"the transaction changes {put.Key} twice");
                }
            }
        }

        foreach (var operation in branch)
        {
            if (operation is Operation.Delete delete && puts is not null)
            {
                CheckDelete(delete, puts);
            }
        }

        return bytes;
    }

    private static void CheckPut(Operation.Put put)
    {
        KeyRange.CheckKey(put.Key);
        if (put.Value.Length > Limits.ValueBytesMax)
        {
            throw new ArgumentException($"the value of {put.Key} is longer than {Limits.ValueBytesMax} bytes");
        }
    }

    private static void CheckDelete(Operation.Delete delete, HashSet<string> puts)
    {
        foreach (var key in puts)
        {
            if (delete.Range.Contains(key))
            {
                throw new ArgumentException($"the transaction changes {key} twice");
            }
        }
    }
}
