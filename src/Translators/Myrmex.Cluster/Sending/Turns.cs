using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// The order of fops after a change of server. What has come back from the former one goes first: those that touch the
/// same object one after the other, by their numbers. What has come since waits until nothing that touches its objects
/// is left of them, and then goes as ever. Empty, and costs one read, as long as nothing has come back.
/// </summary>
internal sealed class Turns(Seams seams)
{
    private readonly Lock _lock = new(); // Guards the fields below and the turns; a leaf lock.
    private readonly Dictionary<ulong, Line> _byKey = [];
    private int _returned;
    private int _count;
    private long _arrivals;

    /// <summary>Something that has come back is not answered yet.</summary>
    public bool IsActive => Volatile.Read(ref _returned) > 0;

    /// <summary>What has come back, and what waits for it.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>A fop that has come back without an answer lines up by its number.</summary>
    public Turn Return(in ObjectKeys keys, Session session, ulong number)
    {
        var turn = new Turn(this, in keys) { IsReturned = true, Session = session, Number = number };
        lock (_lock)
        {
            Enter(turn);
        }

        return turn;
    }

    /// <summary>Null when nothing that has come back touches the same objects; otherwise a turn after it.</summary>
    public Turn? Queue(in ObjectKeys keys)
    {
        lock (_lock)
        {
            for (var i = 0; i < keys.Count; i++)
            {
                if (_byKey.TryGetValue(keys[i], out var line) && line.Returned.Count > 0)
                {
                    var turn = new Turn(this, in keys);
                    Enter(turn);
                    return turn;
                }
            }
        }

        return null;
    }

    /// <summary>It is not under way any more, and lines up again, perhaps without a number.</summary>
    public void Renew(Turn turn, Session? session, ulong number)
    {
        List<Waiter>? next = null;
        lock (_lock)
        {
            Remove(turn, ref next);
            turn.HasBegun = false;
            turn.Session = session;
            turn.Number = number;
            Insert(turn);
        }

        next?.ForEach(static waiter => waiter.TryComplete(true));
    }

    /// <summary>Begins a turn if it is its time.</summary>
    public bool TryBegin(Turn turn)
    {
        lock (_lock)
        {
            turn.HasBegun |= IsFirst(turn);
            return turn.HasBegun;
        }
    }

    /// <summary>Waits until it may be the turn's time; false at the end of the time.</summary>
    public ValueTask<bool> WaitAsync(Turn turn, long waitMs, bool mayBlock)
    {
        if (waitMs <= 0)
        {
            return new ValueTask<bool>(false);
        }

        var waiter = new Waiter(seams, mayBlock);
        bool isFirst;
        lock (_lock)
        {
            turn.Waiter = waiter;
            isFirst = IsFirst(turn);
        }

        waiter.EndAfter(waitMs);
        if (isFirst)
        {
            waiter.TryComplete(true);
        }

        return waiter.Task;
    }

    /// <summary>The turn is over, or given up; once.</summary>
    public void End(Turn turn)
    {
        List<Waiter>? next = null;
        lock (_lock)
        {
            Remove(turn, ref next);
            Volatile.Write(ref _returned, _returned - (turn.IsReturned ? 1 : 0));
            Volatile.Write(ref _count, _count - 1);
        }

        next?.ForEach(static waiter => waiter.TryComplete(true));
    }

    private void Enter(Turn turn)
    {
        turn.Arrival = ++_arrivals;
        Insert(turn);
        Volatile.Write(ref _returned, _returned + (turn.IsReturned ? 1 : 0));
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>One order for all lines, so that no two turns ever wait for each other.</summary>
    private void Insert(Turn turn)
    {
        for (var i = 0; i < turn.Keys.Count; i++)
        {
            if (!_byKey.TryGetValue(turn.Keys[i], out var line))
            {
                line = new Line();
                _byKey.Add(turn.Keys[i], line);
            }

            if (!turn.IsReturned)
            {
                line.New.Add(turn);
                continue;
            }

            var at = line.Returned.Count;
            while (at > 0 && turn.IsBefore(line.Returned[at - 1]))
            {
                at--;
            }

            line.Returned.Insert(at, turn);
        }
    }

    private void Remove(Turn turn, ref List<Waiter>? next)
    {
        for (var i = 0; i < turn.Keys.Count; i++)
        {
            var line = _byKey[turn.Keys[i]];
            (turn.IsReturned ? line.Returned : line.New).Remove(turn);
            if (line.Returned.Count + line.New.Count == 0)
            {
                _byKey.Remove(turn.Keys[i]);
            }
        }

        for (var i = 0; turn.IsReturned && i < turn.Keys.Count; i++)
        {
            if (!_byKey.TryGetValue(turn.Keys[i], out var line))
            {
                continue;
            }

            foreach (var other in line.Returned.Count > 0 ? line.Returned[..1] : line.New)
            {
                if (other.Waiter is { } waiter && IsFirst(other))
                {
                    (next ??= []).Add(waiter);
                }
            }
        }
    }

    private bool IsFirst(Turn turn)
    {
        for (var i = 0; i < turn.Keys.Count; i++)
        {
            var returned = _byKey[turn.Keys[i]].Returned;
            if (turn.IsReturned ? !ReferenceEquals(returned[0], turn) : returned.Count > 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Those who touch one object.</summary>
    private sealed class Line
    {
        public List<Turn> Returned { get; } = [];

        public List<Turn> New { get; } = [];
    }
}

/// <summary>The place of a fop in the lines of the objects that it touches.</summary>
internal sealed class Turn(Turns turns, in ObjectKeys keys)
{
    private readonly ObjectKeys _keys = keys;

    public ref readonly ObjectKeys Keys => ref _keys;

    /// <summary>It was sent before; otherwise it waits for those that were.</summary>
    public bool IsReturned { get; init; }

    /// <summary>The session of its number; null for one that has none.</summary>
    public Session? Session { get; set; }

    public ulong Number { get; set; }

    public long Arrival { get; set; }

    /// <summary>It is first for all its objects, and under way.</summary>
    public bool HasBegun { get; set; }

    public Waiter? Waiter { get; set; }

    /// <summary>First who has begun, then by number, then who has none by arrival.</summary>
    public bool IsBefore(Turn other) =>
        !other.HasBegun && (Session, other.Session) switch
        {
            (null, null) => Arrival < other.Arrival,
            (null, _) => false,
            (_, null) => true,
            var (mine, others) when mine == others => Number < other.Number,
            var (mine, others) => mine.Ordinal < others.Ordinal,
        };

    public bool TryBegin() => turns.TryBegin(this);

    public void Renew(Session? session, ulong number) => turns.Renew(this, session, number);

    public ValueTask<bool> WaitAsync(long waitMs, bool mayBlock) => turns.WaitAsync(this, waitMs, mayBlock);

    public void End() => turns.End(this);
}

/// <summary>
/// Up to four objects that a fop touches, as hashes: two that are equal by chance only wait for each other.
/// </summary>
internal struct ObjectKeys
{
    private ulong _first;
    private ulong _second;
    private ulong _third;
    private ulong _fourth;

    public int Count { get; private set; }

    public readonly ulong this[int index] => index switch
    {
        0 => _first,
        1 => _second,
        2 => _third,
        _ => _fourth,
    };

    /// <summary>Adds one that is not there yet.</summary>
    public void Add(ulong key)
    {
        for (var i = 0; i < Count; i++)
        {
            if (this[i] == key)
            {
                return;
            }
        }

        switch (Count++)
        {
            case 0:
                _first = key;
                break;
            case 1:
                _second = key;
                break;
            case 2:
                _third = key;
                break;
            case 3:
                _fourth = key;
                break;
            default:
                throw new InvalidOperationException("a fop touches four objects at most");
        }
    }
}
