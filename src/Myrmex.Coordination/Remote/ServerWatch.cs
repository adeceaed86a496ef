using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Coordination.Remote;

/// <summary>
/// A watch of another process, between its calls: the store is watched all the time, so that a call goes on where the
/// last one ended and a range without changes does not fall behind. What a call asks for always counts: a watch that is
/// not there, or elsewhere, is begun anew. One call at a time.
/// </summary>
internal sealed class ServerWatch(IScheduler scheduler)
{
    private readonly Lock _lock = new(); // Guards _isBusy and _isClosed; a leaf lock.
    private readonly CancellationTokenSource _closing = new();
    private bool _isBusy;
    private bool _isClosed;

    // The rest belongs to who is busy with it.
    private ServedStore? _served;
    private KeyRange _range;
    private Revision _next;
    private CancellationTokenSource? _stop;
    private IAsyncEnumerator<WatchBatch>? _changes;
    private Task<bool>? _moving; // The next change; null before the first.

    /// <summary>Begins a call; false when another one is under way.</summary>
    public bool TryBegin()
    {
        lock (_lock)
        {
            if (_isBusy)
            {
                return false;
            }

            _isBusy = true;
            return true;
        }
    }

    /// <summary>The call has its answer.</summary>
    public Task EndAsync()
    {
        bool closed;
        lock (_lock)
        {
            closed = _isClosed;
            _isBusy = closed; // Who closes it is the last to be busy with it.
        }

        return closed ? StopAsync() : Task.CompletedTask;
    }

    /// <summary>Ends the watch, at the latest when the call under way has its answer.</summary>
    public Task CloseAsync()
    {
        bool idle;
        lock (_lock)
        {
            _isClosed = true;
            idle = !_isBusy;
            _isBusy = true;
        }

        _closing.Cancel(); // Not asynchronously: that would leave the loop of a simulated node.
        return idle ? StopAsync() : Task.CompletedTask;
    }

    /// <summary>
    /// The next changes, or none after <see cref="StateStoreProgram.PollMs"/>, or why there cannot be any.
    /// </summary>
    public async Task<RecordWriter> PollAsync(ServedStore served, KeyRange range, Revision from)
    {
        try
        {
            if (_served != served || _range != range || _next != from)
            {
                await StopAsync();
                Begin(served, range, from);
            }

            return await PageAsync();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            await StopAsync();
            return e is OperationCanceledException
                ? ServedStore.Failure(StateStatus.Unavailable, Gfid.Null, "the daemon stopped to use the store")
                : served.Answer(e);
        }
    }

    private void Begin(ServedStore served, KeyRange range, Revision from)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(served.Ended, _closing.Token);
        _changes = served.Store.WatchAsync(range, from, _stop.Token).GetAsyncEnumerator(_stop.Token);
        _served = served; // Only now: a store that refuses at once leaves nothing that could go on.
        _range = range;
        _next = from;
    }

    private async Task<RecordWriter> PageAsync()
    {
        var batches = new RecordWriter();
        var count = 0u;
        _moving ??= _changes!.MoveNextAsync().AsTask(); // Begin has made it.
        if (await Pauses.EndsAsync(_moving, scheduler, StateStoreProgram.PollMs, _stop!.Token))
        {
            do
            {
                if (!await _moving)
                {
                    throw new StateStoreException("the store has ended a watch");
                }

                StateCodec.Write(batches, _changes!.Current);
                _next = _changes.Current.Revision.Next;
                count++;
                _moving = _changes.MoveNextAsync().AsTask();
            }
            while (_moving.IsCompleted && count < StateStoreProgram.PollBatchesMax
                && batches.Length < StateStoreProgram.PollBytes);
        }

        if (batches.Length > StateStoreProgram.AnswerBytesMax - StateStoreProgram.HeadBytesMax)
        {
            throw new RevisionCompactedException(_next); // A revision that no answer can hold: the range is read again.
        }

        var page = _served!.Answer();
        page.WriteLong(_next.Value);
        page.WriteUInt(count);
        page.WriteRaw(batches.Written.Span);
        return page;
    }

    private async Task StopAsync()
    {
        _served = null;
        _stop?.Cancel();
        try
        {
            await (_moving ?? Task.FromResult(false));
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Debug("state", "a watch has ended", ("range", _range), ("reason", e.Message));
        }

        await (_changes?.DisposeAsync() ?? ValueTask.CompletedTask);
        _stop?.Dispose();
        _stop = null;
        _changes = null;
        _moving = null;
    }
}
