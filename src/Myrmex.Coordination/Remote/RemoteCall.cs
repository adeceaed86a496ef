using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Coordination.Remote;

/// <summary>How one attempt to call ended.</summary>
internal enum CallOutcome
{
    Answered,

    /// <summary>Certainly nothing has come to the server.</summary>
    NotSent,

    /// <summary>It was sent and there is no answer.</summary>
    Lost,
}

/// <summary>One call on one connection.</summary>
internal sealed class RemoteCall<T>(RpcConnection connection, AnswerReader<T> read) : IReplyReceiver
    where T : class
{
    private readonly TaskCompletionSource<CallOutcome> _ended = new(); // Completed in place; who waits yields.

    /// <summary>There when the call was answered.</summary>
    public StateAnswer<T>? Answer { get; private set; }

    /// <summary>Sends and waits. A server that is silent for all of the time loses its connection.</summary>
    public async Task<CallOutcome> RunAsync(
        StateProcedure procedure, RecordWriter body, Seams seams, long limitMs, CancellationToken cancellation)
    {
        var sentNs = seams.Clock.MonotonicNs;
        if (!TrySend(procedure, body))
        {
            return CallOutcome.NotSent;
        }

        if (await Pauses.EndsAsync(_ended.Task, seams.Scheduler, limitMs, cancellation))
        {
            return await _ended.Task;
        }

        if (connection.LastHeardNs < sentNs)
        {
            connection.Close(Errno.ETIMEDOUT, "the daemon of this node does not answer");
        }

        return CallOutcome.Lost;
    }

    /// <summary>Sends without waiting; false when nothing was sent.</summary>
    public bool TrySend(StateProcedure procedure, RecordWriter body)
    {
        var head = new RpcCall(0, StateStoreProgram.Number, StateStoreProgram.Version, (uint)procedure);
        return connection.TrySend(head, null, new RawBody(body.Written), this, version3: false) == Errno.Ok;
    }

    void IReplyReceiver.OnReply(Payload record, int position)
    {
        var reader = new XdrReader(record, position);
        Answer = StateAnswer<T>.Read(ref reader, read);
        if (Answer is null)
        {
            connection.Close(Errno.EBADMSG, "malformed answer of the state store");
        }

        _ended.TrySetResult(Answer is null ? CallOutcome.Lost : CallOutcome.Answered);
    }

    /// <summary>A server that does not know the program has not done anything either.</summary>
    void IReplyReceiver.OnFailed(Errno error)
    {
        var refused = error is Errno.EOPNOTSUPP or Errno.EREMOTEIO;
        if (refused)
        {
            connection.Close(Errno.EOPNOTSUPP, "the daemon of this node speaks another version");
        }

        _ended.TrySetResult(refused ? CallOutcome.NotSent : CallOutcome.Lost);
    }
}
