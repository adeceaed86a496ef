using System;
using System.Collections.Generic;
using System.Text;
using Google.Protobuf;
using Myrmex.Base;
using Myrmex.Coordination.Etcd.Protocol;

namespace Myrmex.Coordination.Etcd;

/// <summary>Keys, entries and transactions in etcd's form and back; every key has the prefix there.</summary>
internal sealed class EtcdKeys(string prefix)
{
    public ByteString Key(string key) => ByteString.CopyFrom(prefix + key, Encoding.ASCII);

    public StateEntry Entry(KeyValue kv) => new(
        KeyOf(kv.Key), kv.Value.Memory, new Revision(kv.CreateRevision), new Revision(kv.ModRevision), kv.Version,
        new LeaseId(kv.Lease));

    public StateChange Change(Event change) => change.Type == Event.Types.EventType.Put
        ? new StateChange(ChangeKind.Put, Entry(change.Kv))
        : new StateChange(ChangeKind.Delete, new StateEntry(
            KeyOf(change.Kv.Key), default, Revision.None, new Revision(change.Kv.ModRevision), 0, LeaseId.None));

    public TxnRequest Request(StateTransaction transaction)
    {
        var request = new TxnRequest();
        foreach (var condition in transaction.Conditions)
        {
            request.Compare.Add(Compare(condition));
        }

        Add(request.Success, transaction.Then);
        Add(request.Failure, transaction.Else);
        return request;
    }

    public RangeRequest Request(KeyRange range, long limit) =>
        new() { Key = Key(range.Start), RangeEnd = Key(range.End), Limit = limit };

    public TransactionResult Result(TxnResponse response)
    {
        var results = new List<OperationResult>(response.Responses.Count);
        foreach (var one in response.Responses)
        {
            results.Add(one.ResponseCase switch
            {
                ResponseOp.ResponseOneofCase.ResponseRange => new OperationResult(
                    Entries(one.ResponseRange.Kvs), Deleted: 0, one.ResponseRange.More),
                ResponseOp.ResponseOneofCase.ResponseDeleteRange =>
                    new OperationResult([], one.ResponseDeleteRange.Deleted, More: false),
                _ => new OperationResult([], Deleted: 0, More: false),
            });
        }

        return new TransactionResult(response.Succeeded, new Revision(response.Header.Revision), results);
    }

    private static Compare.Types.CompareResult ToResult(ConditionOperator comparison) => comparison switch
    {
        ConditionOperator.Equal => Protocol.Compare.Types.CompareResult.Equal,
        ConditionOperator.NotEqual => Protocol.Compare.Types.CompareResult.NotEqual,
        ConditionOperator.Less => Protocol.Compare.Types.CompareResult.Less,
        _ => Protocol.Compare.Types.CompareResult.Greater,
    };

    private string KeyOf(ByteString bytes)
    {
        var text = Encoding.ASCII.GetString(bytes.Span);
        return text.StartsWith(prefix, StringComparison.Ordinal)
            ? text[prefix.Length..] : throw new StateStoreException($"etcd answered the foreign key {text}");
    }

    private List<StateEntry> Entries(IEnumerable<KeyValue> kvs)
    {
        var entries = new List<StateEntry>();
        foreach (var kv in kvs)
        {
            entries.Add(Entry(kv));
        }

        return entries;
    }

    private Compare Compare(Condition condition)
    {
        var compare = new Compare { Key = Key(condition.Key), Result = ToResult(condition.Operator) };
        switch (condition.Target)
        {
            case ConditionTarget.Created:
                compare.Target = Protocol.Compare.Types.CompareTarget.Create;
                compare.CreateRevision = condition.Number;
                break;
            case ConditionTarget.Modified:
                compare.Target = Protocol.Compare.Types.CompareTarget.Mod;
                compare.ModRevision = condition.Number;
                break;
            case ConditionTarget.Version:
                compare.Target = Protocol.Compare.Types.CompareTarget.Version;
                compare.Version = condition.Number;
                break;
            case ConditionTarget.Lease:
                compare.Target = Protocol.Compare.Types.CompareTarget.Lease;
                compare.Lease = condition.Number;
                break;
            default:
                compare.Target = Protocol.Compare.Types.CompareTarget.Value;
                compare.Value = ByteString.CopyFrom(condition.Value.Span);
                break;
        }

        return compare;
    }

    private void Add(ICollection<RequestOp> branch, IReadOnlyList<Operation> operations)
    {
        foreach (var operation in operations)
        {
            branch.Add(operation switch
            {
                Operation.Put put => new RequestOp
                {
                    RequestPut = new PutRequest
                    {
                        Key = Key(put.Key),
                        Value = ByteString.CopyFrom(put.Value.Span),
                        Lease = put.Lease.Value,
                    },
                },
                Operation.Delete delete => new RequestOp
                {
                    RequestDeleteRange = new DeleteRangeRequest
                    {
                        Key = Key(delete.Range.Start),
                        RangeEnd = Key(delete.Range.End),
                    },
                },
                Operation.Get get => new RequestOp { RequestRange = Request(get.Range, get.Limit) },
                _ => throw new InvariantException($"unknown operation {operation}"),
            });
        }
    }
}
