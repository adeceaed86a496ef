using System;

namespace Myrmex.Replication.Simulation;

internal enum SimEventKind : byte
{
    Tick,
    Deliver,
    JournalSynced,
    JournalWritten,
    SuperblockSaved,
    JournalRead,
    StoreArrives,
    StoreAnswers,
    StoreWatch,
    LeaseEnds,
    LeaseCheck,
    Kill,
    InstallBegin,
    Install,
    StoreAnswersAgain,
    ElisionPlanned,
    Restart,
    ClientRequest,
    ClientAnswer,
    ClientTimeout,
    ClientNext,
    Fault,
}

/// <summary>Something that happens at a time of a simulated world.</summary>
/// <param name="Life">The start of the node it is for; a later start does not get it.</param>
internal readonly record struct SimEvent(
    long TimeUs, long Order, SimEventKind Kind, int Target, int Life, object? Body, ulong Number, ulong Extra);

/// <summary>Events by time, those of the same time in the order they were made.</summary>
internal sealed class EventQueue
{
    private SimEvent[] _heap = new SimEvent[256];
    private int _count;
    private long _order;

    public int Count => _count;

    public void Add(
        long timeUs, SimEventKind kind, int target, int life = 0, object? body = null, ulong number = 0,
            ulong extra = 0)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _count * 2);
        }

        var item = new SimEvent(timeUs, _order++, kind, target, life, body, number, extra);
        var hole = _count++;
        while (hole > 0 && IsBefore(item, _heap[(hole - 1) / 2]))
        {
            _heap[hole] = _heap[(hole - 1) / 2];
            hole = (hole - 1) / 2;
        }

        _heap[hole] = item;
    }

    public SimEvent Take()
    {
        var first = _heap[0];
        var last = _heap[--_count];
        _heap[_count] = default;
        var hole = 0;
        while ((hole * 2) + 1 < _count)
        {
            var child = (hole * 2) + 1;
            child = child + 1 < _count && IsBefore(_heap[child + 1], _heap[child]) ? child + 1 : child;
            if (!IsBefore(_heap[child], last))
            {
                break;
            }

            _heap[hole] = _heap[child];
            hole = child;
        }

        if (_count > 0)
        {
            _heap[hole] = last;
        }

        return first;
    }

    private static bool IsBefore(in SimEvent left, in SimEvent right) =>
        left.TimeUs < right.TimeUs || (left.TimeUs == right.TimeUs && left.Order < right.Order);
}
