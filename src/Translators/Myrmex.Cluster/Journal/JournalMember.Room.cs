using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>A store without room: what is committed is tried again until there is some.</summary>
public sealed partial class JournalMember : IRoomWait
{
    private const long RoomPauseMs = 250;

    private readonly CancellationTokenSource _endWaiting = new();
    private int _waitingForRoom;

    public long RoomBytes => _replica?.RoomBytes ?? long.MaxValue;

    /// <summary>An operation that is committed waits for room in the store.</summary>
    public bool WaitsForRoom => Volatile.Read(ref _waitingForRoom) > 0;

    void IRoomWait.Begin(JournalOperation operation, Errno error)
    {
        if (Interlocked.Increment(ref _waitingForRoom) == 1)
        {
            Log.Warning("journal", "a committed operation finds no room in the store and is tried again",
                ("fop", operation.Fop), ("gfid", operation.Gfid), ("error", error));
        }
    }

    async ValueTask<bool> IRoomWait.WaitAsync()
    {
        if (_endWaiting.IsCancellationRequested)
        {
            return false;
        }

        try
        {
            await Pauses.WaitAsync(seams.Scheduler, RoomPauseMs, _endWaiting.Token);
            return true;
        }
        catch (OperationCanceledException) when (_endWaiting.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Beginning and end of a replay, too, want a block now and then.</summary>
    private async ValueTask<Errno> WhenThereIsRoomAsync(Func<ValueTask<Errno>> step)
    {
        var error = await step();
        if (!Redo.IsNoRoom(error))
        {
            return error;
        }

        Log.Warning("journal", "a replay finds no room in the store and waits for some", ("error", error));
        _ = Interlocked.Increment(ref _waitingForRoom);
        while (Redo.IsNoRoom(error) && await ((IRoomWait)this).WaitAsync())
        {
            error = await step();
        }

        _ = Interlocked.Decrement(ref _waitingForRoom);
        return error;
    }

    void IRoomWait.End() => Interlocked.Decrement(ref _waitingForRoom);
}
