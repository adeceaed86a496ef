using System;
using System.Collections.Generic;

namespace Myrmex.Coordination;

/// <summary>
/// What of a key a condition looks at. A missing key has 0 for all numbers; no condition on its value holds, not even
/// "not equal". Source: etcd v3 Txn.
/// </summary>
public enum ConditionTarget
{
    Created,
    Modified,
    Version,
    Value,
    Lease,
}

public enum ConditionOperator
{
    Equal,
    NotEqual,
    Less,
    Greater,
}

/// <summary>One comparison of a transaction. Values compare bytewise.</summary>
public sealed record Condition(string Key, ConditionTarget Target, ConditionOperator Operator)
{
    public long Number { get; init; }

    public ReadOnlyMemory<byte> Value { get; init; }

    public static Condition Missing(string key) => new(key, ConditionTarget.Created, ConditionOperator.Equal);

    public static Condition Exists(string key) => new(key, ConditionTarget.Created, ConditionOperator.NotEqual);

    /// <summary>
    /// The key was last put at <paramref name="revision"/>; with <see cref="Revision.None"/>, it is missing.
    /// </summary>
    public static Condition Unchanged(string key, Revision revision) =>
        new(key, ConditionTarget.Modified, ConditionOperator.Equal) { Number = revision.Value };

    /// <summary>The key exists and was made at <paramref name="revision"/>: it was never deleted since.</summary>
    public static Condition CreatedAt(string key, Revision revision) =>
        new(key, ConditionTarget.Created, ConditionOperator.Equal) { Number = revision.Value };

    public static Condition HasValue(string key, ReadOnlyMemory<byte> value) =>
        new(key, ConditionTarget.Value, ConditionOperator.Equal) { Value = value };
}

/// <summary>One step of a transaction.</summary>
public abstract record Operation
{
    private Operation()
    {
    }

    public static Operation PutValue(string key, ReadOnlyMemory<byte> value) => new Put(key, value, LeaseId.None);

    public static Operation DeleteKey(string key) => new Delete(KeyRange.Single(key));

    /// <summary>Sets a key. Its former lease no longer holds it.</summary>
    public sealed record Put(string Key, ReadOnlyMemory<byte> Value, LeaseId Lease) : Operation;

    public sealed record Delete(KeyRange Range) : Operation;

    /// <summary>Reads; sees what earlier operations of the same transaction did.</summary>
    /// <param name="Limit">Most entries to answer; 0 for all.</param>
    public sealed record Get(KeyRange Range, int Limit) : Operation;
}

/// <summary>
/// Conditions decide between two branches; the chosen branch takes effect as a whole or not at all. No key may be put
/// twice in one branch, or put and be in the range of a delete. Source: etcd v3 Txn.
/// </summary>
public sealed record StateTransaction(
    IReadOnlyList<Condition> Conditions, IReadOnlyList<Operation> Then, IReadOnlyList<Operation> Else)
{
    public static StateTransaction Always(params Operation[] operations) => new([], operations, []);
}

/// <summary>Answer to one operation: entries of a Get, or the number of keys a Delete removed.</summary>
/// <param name="More">A Get had more entries than its limit.</param>
public sealed record OperationResult(IReadOnlyList<StateEntry> Entries, long Deleted, bool More);

/// <param name="Succeeded">The conditions held and the Then branch was taken.</param>
/// <param name="Revision">The revision after the transaction; unchanged when it changed nothing.</param>
/// <param name="Results">One for each operation of the branch taken.</param>
public sealed record TransactionResult(bool Succeeded, Revision Revision, IReadOnlyList<OperationResult> Results);
