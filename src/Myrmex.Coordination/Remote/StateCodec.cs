using System.Collections.Generic;
using System.Text;
using Myrmex.Wire;

namespace Myrmex.Coordination.Remote;

/// <summary>
/// Transactions, results and changes as bytes and back. Reading never throws: what is malformed reads as null. What is
/// read is a copy and keeps nothing of the record.
/// </summary>
internal static class StateCodec
{
    // Bounds of what one answer can name, apart from its bytes: results of a transaction, batches of a watch.
    private const uint OperationsMax = Limits.TransactionOperationsMax;

    private enum OperationKind : uint
    {
        Put = 0,
        Delete = 1,
        Get = 2,
    }

    public static void Write(RecordWriter writer, StateTransaction transaction)
    {
        writer.WriteUInt((uint)transaction.Conditions.Count);
        foreach (var condition in transaction.Conditions)
        {
            writer.WriteText(condition.Key);
            writer.WriteUInt((uint)condition.Target);
            writer.WriteUInt((uint)condition.Operator);
            writer.WriteLong(condition.Number);
            writer.WriteOpaque(condition.Value.Span);
        }

        WriteBranch(writer, transaction.Then);
        WriteBranch(writer, transaction.Else);
    }

    public static StateTransaction? ReadTransaction(ref XdrReader reader)
    {
        var count = reader.ReadUInt();
        if (count > OperationsMax)
        {
            return null;
        }

        var conditions = new List<Condition>();
        for (var i = 0; i < count; i++)
        {
            if (ReadCondition(ref reader) is not { } condition)
            {
                return null;
            }

            conditions.Add(condition);
        }

        return ReadBranch(ref reader) is { } then && ReadBranch(ref reader) is { } otherwise
            ? new StateTransaction(conditions, then, otherwise) : null;
    }

    public static void Write(RecordWriter writer, TransactionResult result)
    {
        writer.WriteBool(result.Succeeded);
        writer.WriteLong(result.Revision.Value);
        writer.WriteUInt((uint)result.Results.Count);
        foreach (var one in result.Results)
        {
            writer.WriteLong(one.Deleted);
            writer.WriteBool(one.More);
            writer.WriteUInt((uint)one.Entries.Count);
            foreach (var entry in one.Entries)
            {
                Write(writer, entry);
            }
        }
    }

    public static TransactionResult? ReadResult(ref XdrReader reader)
    {
        var succeeded = ReadBool(ref reader);
        var revision = new Revision(reader.ReadLong());
        var count = reader.ReadUInt();
        if (count > OperationsMax)
        {
            return null;
        }

        var results = new List<OperationResult>();
        for (var i = 0; i < count && !reader.Failed; i++)
        {
            var deleted = reader.ReadLong();
            var more = ReadBool(ref reader);
            if (ReadEntries(ref reader) is not { } entries)
            {
                return null;
            }

            results.Add(new OperationResult(entries, deleted, more));
        }

        return reader.Failed ? null : new TransactionResult(succeeded, revision, results);
    }

    public static void Write(RecordWriter writer, KeyRange range)
    {
        writer.WriteText(range.Start);
        writer.WriteText(range.End);
    }

    public static KeyRange? ReadRange(ref XdrReader reader)
    {
        var start = ReadText(ref reader);
        var end = ReadText(ref reader);
        return start is not null && end is not null && KeyRange.TryParse(start, end, out var range) ? range : null;
    }

    public static void Write(RecordWriter writer, WatchBatch batch)
    {
        writer.WriteLong(batch.Revision.Value);
        writer.WriteUInt((uint)batch.Changes.Count);
        foreach (var change in batch.Changes)
        {
            writer.WriteUInt((uint)change.Kind);
            Write(writer, change.Entry);
        }
    }

    public static WatchBatch? ReadBatch(ref XdrReader reader)
    {
        var revision = new Revision(reader.ReadLong());
        var count = reader.ReadUInt();
        var changes = new List<StateChange>();
        for (var i = 0; i < count; i++)
        {
            var kind = reader.ReadUInt();
            if (kind > (uint)ChangeKind.Delete || ReadEntry(ref reader) is not { } entry)
            {
                return null;
            }

            changes.Add(new StateChange((ChangeKind)kind, entry));
        }

        return reader.Failed || changes.Count == 0 ? null : new WatchBatch(revision, changes);
    }

    public static bool ReadBool(ref XdrReader reader) => reader.ReadUInt() != 0;

    private static void WriteBranch(RecordWriter writer, IReadOnlyList<Operation> branch)
    {
        writer.WriteUInt((uint)branch.Count);
        foreach (var operation in branch)
        {
            Write(writer, operation);
        }
    }

    private static void Write(RecordWriter writer, Operation operation)
    {
        switch (operation)
        {
            case Operation.Put put:
                writer.WriteUInt((uint)OperationKind.Put);
                writer.WriteText(put.Key);
                writer.WriteOpaque(put.Value.Span);
                writer.WriteLong(put.Lease.Value);
                break;
            case Operation.Delete delete:
                writer.WriteUInt((uint)OperationKind.Delete);
                Write(writer, delete.Range);
                break;
            case Operation.Get get:
                writer.WriteUInt((uint)OperationKind.Get);
                Write(writer, get.Range);
                writer.WriteUInt((uint)get.Limit);
                break;
            default:
                throw new System.ArgumentException($"{operation} cannot be sent", nameof(operation));
        }
    }

    private static List<Operation>? ReadBranch(ref XdrReader reader)
    {
        var count = reader.ReadUInt();
        if (reader.Failed || count > OperationsMax)
        {
            return null;
        }

        var branch = new List<Operation>();
        for (var i = 0; i < count; i++)
        {
            if (ReadOperation(ref reader) is not { } operation)
            {
                return null;
            }

            branch.Add(operation);
        }

        return branch;
    }

    private static Operation? ReadOperation(ref XdrReader reader)
    {
        var kind = (OperationKind)reader.ReadUInt();
        switch (kind)
        {
            case OperationKind.Put:
                var key = ReadText(ref reader);
                var value = reader.ReadOpaque().ToArray();
                var lease = new LeaseId(reader.ReadLong());
                return reader.Failed || key is null ? null : new Operation.Put(key, value, lease);
            case OperationKind.Delete:
                return ReadRange(ref reader) is { } range ? new Operation.Delete(range) : null;
            case OperationKind.Get:
                var wanted = ReadRange(ref reader);
                var limit = reader.ReadInt();
                return reader.Failed || wanted is null || limit < 0 ? null : new Operation.Get(wanted.Value, limit);
            default:
                return null;
        }
    }

    private static Condition? ReadCondition(ref XdrReader reader)
    {
        var key = ReadText(ref reader);
        var target = reader.ReadUInt();
        var comparison = reader.ReadUInt();
        var number = reader.ReadLong();
        var value = reader.ReadOpaque().ToArray();
        return reader.Failed || key is null || target > (uint)ConditionTarget.Lease
            || comparison > (uint)ConditionOperator.Greater
                ? null
                : new Condition(key, (ConditionTarget)target, (ConditionOperator)comparison)
                {
                    Number = number,
                    Value = value,
                };
    }

    private static void Write(RecordWriter writer, StateEntry entry)
    {
        writer.WriteText(entry.Key);
        writer.WriteOpaque(entry.Value.Span);
        writer.WriteLong(entry.Created.Value);
        writer.WriteLong(entry.Modified.Value);
        writer.WriteLong(entry.Version);
        writer.WriteLong(entry.Lease.Value);
    }

    private static List<StateEntry>? ReadEntries(ref XdrReader reader)
    {
        var count = reader.ReadUInt();
        var entries = new List<StateEntry>(); // Not of the announced size: it may be a lie.
        for (var i = 0; i < count; i++)
        {
            if (ReadEntry(ref reader) is not { } entry)
            {
                return null;
            }

            entries.Add(entry);
        }

        return entries;
    }

    private static StateEntry? ReadEntry(ref XdrReader reader)
    {
        var key = ReadText(ref reader);
        var value = reader.ReadOpaque().ToArray();
        var created = new Revision(reader.ReadLong());
        var modified = new Revision(reader.ReadLong());
        var version = reader.ReadLong();
        var lease = new LeaseId(reader.ReadLong());
        return reader.Failed || key is null ? null : new StateEntry(key, value, created, modified, version, lease);
    }

    /// <summary>ASCII that is short enough for the end of a range; the store looks at the rest.</summary>
    private static string? ReadText(ref XdrReader reader)
    {
        var bytes = reader.ReadOpaque();
        return reader.Failed || bytes.Length > Limits.KeyLengthMax + 1 || !Ascii.IsValid(bytes)
            ? null : Encoding.ASCII.GetString(bytes);
    }
}
