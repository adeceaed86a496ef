using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Wire;

namespace Myrmex.Coordination.Remote;

/// <summary>
/// One process that uses the store. The loop of the link only takes calls apart; a record that cannot be taken apart
/// costs the connection.
/// </summary>
internal sealed class ServerConnection(StateStoreServer server) : IRpcHandler
{
    private readonly Lock _lock = new(); // Guards _watches and _isClosed; a leaf lock.
    private readonly Dictionary<uint, ServerWatch> _watches = [];
    private bool _isClosed;
    private int _calls;

    /// <summary>What a call wants of the store; the value of its answer is written to the writer.</summary>
    private delegate Task Work(IStateStore store, RecordWriter answer);

    public void OnOpen(RpcConnection connection)
    {
        if (!server.TryAddConnection())
        {
            connection.Close(Errno.ENOBUFS, "too many connections to the state store");
        }
    }

    public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
    {
        call.Release();
        if (head.Program != StateStoreProgram.Number)
        {
            connection.Refuse(head.Xid, AcceptStatus.ProgramUnavailable);
        }
        else if (head.Version != StateStoreProgram.Version)
        {
            connection.Refuse(head.Xid, AcceptStatus.ProgramMismatch);
        }
        else if (head.Procedure > (uint)StateProcedure.Revoke)
        {
            connection.Refuse(head.Xid, AcceptStatus.ProcedureUnavailable);
        }
        else if (head.Procedure == (uint)StateProcedure.Null)
        {
            connection.Reply(head.Xid, default(EmptyBody));
        }
        else if (!TryTake(connection, head, new XdrReader(record, position)))
        {
            connection.Close(Errno.EBADMSG, "malformed call to the state store");
        }
    }

    public void OnClosed(RpcConnection connection, Errno error, string reason)
    {
        ServerWatch[] watches;
        lock (_lock)
        {
            _isClosed = true;
            watches = [.. _watches.OrderBy(w => w.Key).Select(w => w.Value)];
            _watches.Clear();
        }

        server.RemoveConnection();
        foreach (var watch in watches)
        {
            server.Start(watch.CloseAsync);
        }
    }

    private static void Reply(RpcConnection connection, uint xid, RecordWriter answer) =>
        connection.Reply(xid, new RawBody(answer.Written));

    private static Work? ReadCommit(ref XdrReader reader, out bool changes)
    {
        var transaction = StateCodec.ReadTransaction(ref reader);
        changes = transaction is not null && !TransactionRules.IsRead(transaction);
        return transaction is null ? null : async (store, answer) =>
            StateCodec.Write(answer, await store.CommitAsync(transaction, CancellationToken.None));
    }

    private static Work ReadGrant(ref XdrReader reader)
    {
        var seconds = reader.ReadLong();
        return async (store, answer) =>
            answer.WriteLong((await store.GrantLeaseAsync(seconds, CancellationToken.None)).Value);
    }

    private static Work ReadKeepAlive(ref XdrReader reader)
    {
        var lease = new LeaseId(reader.ReadLong());
        return async (store, answer) =>
            answer.WriteBool(await store.KeepLeaseAliveAsync(lease, CancellationToken.None));
    }

    private static Work ReadRevoke(ref XdrReader reader)
    {
        var lease = new LeaseId(reader.ReadLong());
        return (store, _) => store.RevokeLeaseAsync(lease, CancellationToken.None);
    }

    /// <summary>False when the call is malformed.</summary>
    private bool TryTake(RpcConnection connection, RpcCall head, XdrReader reader)
    {
        var procedure = (StateProcedure)head.Procedure;
        var store = reader.ReadGfid();
        if (procedure is StateProcedure.Watch or StateProcedure.EndWatch)
        {
            return procedure == StateProcedure.Watch
                ? TryTakeWatch(connection, head.Xid, store, reader) : TryTakeEnd(connection, head.Xid, reader);
        }

        var changes = procedure != StateProcedure.KeepAlive;
        var work = procedure switch
        {
            StateProcedure.Commit => ReadCommit(ref reader, out changes),
            StateProcedure.Grant => ReadGrant(ref reader),
            StateProcedure.KeepAlive => ReadKeepAlive(ref reader),
            _ => ReadRevoke(ref reader),
        };
        if (work is null || reader.Failed || reader.Remaining > 0)
        {
            return false;
        }

        Begin(connection, head.Xid, store, work, changes);
        return true;
    }

    private void Begin(RpcConnection connection, uint xid, Gfid store, Work work, bool changes)
    {
        if (Interlocked.Increment(ref _calls) > StateStoreProgram.CallsMax
            || connection.Link.QueuedBytes > StateStoreProgram.AnswerBytesMax || !server.TryBeginCall())
        {
            Interlocked.Decrement(ref _calls);
            Reply(connection, xid, ServedStore.TooMany("calls"));
            return;
        }

        server.Start(() => AnswerAsync(connection, xid, store, work, changes));
    }

    private async Task AnswerAsync(RpcConnection connection, uint xid, Gfid store, Work work, bool changes)
    {
        RecordWriter answer;
        try
        {
            answer = await AnswerAsync(store, work, changes);
        }
        finally
        {
            Interlocked.Decrement(ref _calls);
            server.EndCall();
        }

        Reply(connection, xid, answer);
    }

    private async Task<RecordWriter> AnswerAsync(Gfid store, Work work, bool changes)
    {
        var served = server.Served;
        if (ServedStore.Problem(served, store) is { } problem)
        {
            return problem;
        }

        try
        {
            var answer = served!.Answer(); // There is one, else there was a problem.
            await work(served.Store, answer);
            return answer.Length <= StateStoreProgram.AnswerBytesMax - StateStoreProgram.HeadBytesMax
                ? answer
                : ServedStore.Failure(
                    changes ? StateStatus.Unknown : StateStatus.Refused, served.Id,
                    $"the answer is longer than {StateStoreProgram.AnswerBytesMax} bytes; read less at once");
        }
        catch (Exception e) when (e is not InvariantException)
        {
            return served!.Answer(e);
        }
    }

    private bool TryTakeWatch(RpcConnection connection, uint xid, Gfid store, XdrReader reader)
    {
        var number = reader.ReadUInt();
        var range = StateCodec.ReadRange(ref reader);
        var from = new Revision(reader.ReadLong());
        if (reader.Failed || reader.Remaining > 0 || range is null || from <= Revision.None)
        {
            return false;
        }

        ServerWatch? watch;
        lock (_lock)
        {
            if (_isClosed)
            {
                return true; // Nobody hears the answer.
            }

            if (!_watches.TryGetValue(number, out watch) && _watches.Count < StateStoreProgram.WatchesMax)
            {
                watch = new ServerWatch(connection.Link.Scheduler);
                _watches.Add(number, watch);
            }
        }

        if (watch is null)
        {
            Reply(connection, xid, ServedStore.TooMany("watches"));
            return true;
        }

        if (!watch.TryBegin())
        {
            return false; // One call at a time; a second one means that the peer has lost count.
        }

        server.Start(() => PollAsync(connection, xid, store, watch, range.Value, from));
        return true;
    }

    private async Task PollAsync(
        RpcConnection connection, uint xid, Gfid store, ServerWatch watch, KeyRange range, Revision from)
    {
        var served = server.Served;
        var answer = ServedStore.Problem(served, store) ?? await watch.PollAsync(served!, range, from);
        await watch.EndAsync(); // Before the answer: the next call comes after it.
        Reply(connection, xid, answer);
    }

    private bool TryTakeEnd(RpcConnection connection, uint xid, XdrReader reader)
    {
        var number = reader.ReadUInt();
        if (reader.Failed || reader.Remaining > 0)
        {
            return false;
        }

        ServerWatch? watch;
        lock (_lock)
        {
            _watches.Remove(number, out watch);
        }

        if (watch is not null)
        {
            server.Start(watch.CloseAsync);
        }

        Reply(connection, xid, ServedStore.Success(Gfid.Null)); // Whether or not there was such a watch.
        return true;
    }
}
