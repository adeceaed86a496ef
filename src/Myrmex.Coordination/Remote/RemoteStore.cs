using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Coordination.Remote;

/// <summary>
/// The store that the daemon of this node uses, over its unix socket: whichever that is, and whenever the daemon runs.
/// Every call ends within <see cref="StateStoreProgram.CallMs"/> and a little. A change whose answer was lost throws
/// <see cref="StateStoreException"/> and is never sent again; one that certainly was not made throws
/// <see cref="TransactionRefusedException"/>. Cancelling a change leaves open whether it was made.
/// Watches go on over restarts of the daemon without a gap. When the daemon uses another store, whose revisions are
/// other numbers, they end with <see cref="RevisionCompactedException"/>.
/// </summary>
public sealed class RemoteStore : IStateStore, IDisposable
{
    private readonly string _path;
    private readonly Seams _seams;
    private readonly RemoteConnector _connector;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _lock = new(); // Guards _id and _isClosed; a leaf lock.
    private Gfid _id; // Of the store that answered last; null before the first answer.
    private bool _isClosed;
    private uint _watches;

    /// <summary>Connects at the first use.</summary>
    /// <param name="path">The socket of the daemon, see <see cref="StateStoreServer.Listen"/>.</param>
    public RemoteStore(string path, Seams seams)
    {
        _path = path;
        _seams = seams;
        _connector = new RemoteConnector(seams, path);
    }

    private Gfid Id
    {
        get
        {
            lock (_lock)
            {
                return _id;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation)
    {
        TransactionRules.Check(transaction);
        var answer = await ReadOrCommitAsync(transaction, cancellation);
        return answer.Value!; // The answer is Ok.
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<WatchBatch> WatchAsync(
        KeyRange range, Revision from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var id = Id;
        if (from == Revision.None)
        {
            // It begins at a revision that is known, so that nothing is missed after a break either.
            var look = StateTransaction.Always(new Operation.Get(KeyRange.All, Limit: 1));
            var now = await ReadOrCommitAsync(look, cancellation);
            (id, from) = (now.Store, now.Value!.Revision.Next); // The answer is Ok.
        }

        var watch = new RemoteWatch(this, Interlocked.Increment(ref _watches), range, id, from);
        try
        {
            while (true)
            {
                foreach (var batch in await watch.NextAsync(cancellation))
                {
                    yield return batch;
                }
            }
        }
        finally
        {
            EndWatch(watch.Number);
        }
    }

    /// <inheritdoc/>
    public async Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation)
    {
        // A grant may be sent again: a lease that nobody knows of ends by itself.
        var answer = await CallAsync<Number>(
            StateProcedure.Grant, body => body.WriteLong(seconds), Number.ReadLong, repeatable: true, cancellation);
        return new LeaseId(answer.Value!.Value); // The answer is Ok.
    }

    /// <inheritdoc/>
    public async Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation)
    {
        var answer = await CallAsync<Number>(
            StateProcedure.KeepAlive, body => body.WriteLong(lease.Value), Number.ReadBool, repeatable: true,
            cancellation);
        return answer.Value!.Value != 0; // The answer is Ok.
    }

    /// <inheritdoc/>
    public Task RevokeLeaseAsync(LeaseId lease, CancellationToken cancellation) => CallAsync<Number>(
        StateProcedure.Revoke, body => body.WriteLong(lease.Value), Number.ReadNothing, repeatable: true,
        cancellation);

    /// <summary>Ends all calls and watches; they throw <see cref="StateStoreException"/>.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
        }

        _closing.Cancel(); // Not asynchronously: that would leave the loop of a simulated node.
        _connector.Dispose();
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// One call of a watch; the page is null when nothing was answered and it must be asked again, after a pause.
    /// Throws what the store has thrown.
    /// </summary>
    internal async Task<StateAnswer<WatchPage>?> PollAsync(
        uint number, KeyRange range, Gfid id, Revision from, CancellationToken cancellation)
    {
        using var either = Linked(cancellation);
        try
        {
            var deadlineNs = _seams.Clock.MonotonicNs + (StateStoreProgram.CallMs * 1_000_000);
            if (await _connector.OpenAsync(deadlineNs, either.Token) is not { } connection)
            {
                return null;
            }

            var body = new RecordWriter();
            body.WriteGfid(id);
            body.WriteUInt(number);
            StateCodec.Write(body, range);
            body.WriteLong(from.Value);
            var call = new RemoteCall<WatchPage>(connection, WatchPage.Read);
            var outcome = await call.RunAsync(
                StateProcedure.Watch, body, _seams, StateStoreProgram.PollMs + StateStoreProgram.CallMs, either.Token);
            if (outcome == CallOutcome.Answered)
            {
                _connector.Answered();
                return call.Answer;
            }

            // A call that is given up would be in the way of the next one.
            connection.Close(Errno.ETIMEDOUT, "a watch was not answered");
            return null;
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            throw StateStoreException.Closed();
        }
    }

    internal async Task PauseAsync(long milliseconds, CancellationToken cancellation)
    {
        using var either = Linked(cancellation);
        try
        {
            await Pauses.WaitAsync(_seams.Scheduler, milliseconds, either.Token);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            throw StateStoreException.Closed();
        }
    }

    private Task<StateAnswer<TransactionResult>> ReadOrCommitAsync(
        StateTransaction transaction, CancellationToken cancellation) =>
        CallAsync(
            StateProcedure.Commit, body => StateCodec.Write(body, transaction), StateCodec.ReadResult,
            TransactionRules.IsRead(transaction), cancellation);

    /// <summary>The answer, which is Ok; throws what the store has thrown, and what this room promises.</summary>
    /// <param name="repeatable">It does no harm twice.</param>
    private async Task<StateAnswer<T>> CallAsync<T>(
        StateProcedure procedure, Action<RecordWriter> write, AnswerReader<T> read, bool repeatable,
        CancellationToken cancellation)
        where T : class
    {
        using var either = Linked(cancellation);
        try
        {
            return await TryAsync(procedure, write, read, repeatable, either.Token);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            throw StateStoreException.Closed();
        }
    }

    private async Task<StateAnswer<T>> TryAsync<T>(
        StateProcedure procedure, Action<RecordWriter> write, AnswerReader<T> read, bool repeatable,
        CancellationToken cancellation)
        where T : class
    {
        var deadlineNs = _seams.Clock.MonotonicNs + (StateStoreProgram.CallMs * 1_000_000);
        var mayBeMade = false;
        StateAnswer<T>? last = null;
        while (await _connector.OpenAsync(deadlineNs, cancellation) is { } connection
            && LeftMs(deadlineNs) >= StateStoreProgram.RetryPauseMs) // Else it could not hear the answer.
        {
            var body = new RecordWriter();
            body.WriteGfid(Id);
            write(body);
            var call = new RemoteCall<T>(connection, read);
            var outcome = await call.RunAsync(procedure, body, _seams, LeftMs(deadlineNs), cancellation);
            if (outcome == CallOutcome.Lost && !repeatable)
            {
                throw Unknown();
            }

            mayBeMade |= outcome == CallOutcome.Lost;
            if (outcome == CallOutcome.Answered && call.Answer is { } answer)
            {
                last = answer;
                if (!IsToBeRepeated(answer, repeatable))
                {
                    return answer.Status == StateStatus.Ok ? answer : throw answer.ToException();
                }

                await PauseAsync(Math.Min(StateStoreProgram.RetryPauseMs, LeftMs(deadlineNs)), cancellation);
            }
        }

        throw mayBeMade ? Unknown() : last?.ToException() ?? Unreachable();
    }

    /// <summary>
    /// Takes in what an answer tells of the server; true when nothing was done and it can be tried again.
    /// </summary>
    private bool IsToBeRepeated<T>(StateAnswer<T> answer, bool repeatable)
        where T : class
    {
        _connector.Answered();
        if (!answer.Store.IsNull)
        {
            Meet(answer.Store);
        }

        return answer.Status == StateStatus.Unavailable || (answer.Status == StateStatus.OtherStore && repeatable);
    }

    private void Meet(Gfid id)
    {
        Gfid former;
        lock (_lock)
        {
            former = _id;
            _id = id;
        }

        if (!former.IsNull && former != id)
        {
            Log.Information("state", "the daemon uses another store now", ("socket", _path), ("store", id));
        }
    }

    /// <summary>Lets the server forget the watch; without a connection it has done so.</summary>
    private void EndWatch(uint number)
    {
        if (_connector.Current is { } connection)
        {
            var body = new RecordWriter();
            body.WriteGfid(Gfid.Null);
            body.WriteUInt(number);
            new RemoteCall<Number>(connection, Number.ReadNothing).TrySend(StateProcedure.EndWatch, body);
        }
    }

    private long LeftMs(long deadlineNs) => Math.Max(0, (deadlineNs - _seams.Clock.MonotonicNs) / 1_000_000);

    private CancellationTokenSource Linked(CancellationToken cancellation)
    {
        lock (_lock)
        {
            return _isClosed ? throw StateStoreException.Closed()
                : CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closing.Token);
        }
    }

    private StateStoreException Unknown() => new(
        $"the daemon of this node did not answer ({_connector.Reason}). Whether the change was made is not known");

    private TransactionRefusedException Unreachable() => new(
        $"the daemon of this node cannot be reached at {_path}: {_connector.Reason}. Check that it runs");

    /// <summary>The answers that are one number, or none.</summary>
    private sealed record Number(long Value)
    {
        public static Number ReadLong(ref XdrReader reader) => new(reader.ReadLong());

        public static Number ReadBool(ref XdrReader reader) => new(reader.ReadUInt());

        public static Number ReadNothing(ref XdrReader reader) => new(0);
    }
}
