using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// The session of one translator: begun before the first number is given out, replaced by a new one with a new id when
/// the servers do not know it any more.
/// </summary>
/// <param name="seams">Time and randomness.</param>
/// <param name="begin">Tries to begin a session at the server; false when that has not succeeded.</param>
internal sealed class Sessions(Seams seams, Func<Session, ValueTask<bool>> begin)
{
    private readonly Lock _lock = new(); // Guards the fields below; comes before the lock of a session.
    private readonly Queue<Waiter> _waiting = new();
    private Session? _current;
    private int _waitingCount; // Of _waiting, for those who look without the lock.
    private bool _isBeginning;
    private long _tries; // One beginning is under way at a time.

    /// <summary>The session that is begun; null when there is none.</summary>
    public Session? Current => Volatile.Read(ref _current);

    /// <summary>Sessions begun so far.</summary>
    public long Count { get; private set; }

    public int WaitingCount
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>
    /// A number of the present session; false when there is none, when all numbers are under way, or when others wait.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="number">The number.</param>
    /// <param name="hasWaited">It is the turn of one that has waited.</param>
    public bool TryTake(out Session? session, out ulong number, bool hasWaited)
    {
        session = Current;
        number = 0;
        return session is not null && (hasWaited || Volatile.Read(ref _waitingCount) == 0)
            && session.TryTake(out number);
    }

    /// <summary>
    /// True when a number may be there; false at the end of the time, and at once when too many wait.
    /// </summary>
    public ValueTask<bool> WaitAsync(long waitMs, bool mayBlock)
    {
        if (waitMs <= 0)
        {
            return new ValueTask<bool>(false);
        }

        var waiter = new Waiter(seams, mayBlock);
        bool begins;
        lock (_lock)
        {
            DropEnded();
            if (_waiting.Count >= SendingLimits.WaitingMax)
            {
                return new ValueTask<bool>(false);
            }

            _waiting.Enqueue(waiter);
            Volatile.Write(ref _waitingCount, _waiting.Count);
            begins = _current is null && !_isBeginning;
            _isBeginning |= begins;
        }

        waiter.EndAfter(waitMs);
        if (begins)
        {
            _ = BeginAsync();
        }
        else
        {
            Wake(); // Room may have come since it was looked for, by one who has seen nobody wait.
        }

        return waiter.Task;
    }

    /// <summary>A number has got its answer, or nobody will ask for it any more.</summary>
    public void Complete(Session session, ulong number)
    {
        session.Complete(number);
        if (Volatile.Read(ref _waitingCount) > 0)
        {
            Wake();
        }
    }

    /// <summary>The servers do not know this session: the next number is one of a new session.</summary>
    public void Drop(Session session)
    {
        bool begins;
        lock (_lock)
        {
            if (!ReferenceEquals(_current, session))
            {
                return;
            }

            Volatile.Write(ref _current, null);
            begins = _waiting.Count > 0 && !_isBeginning;
            _isBeginning |= begins;
        }

        if (begins)
        {
            _ = BeginAsync();
        }
    }

    /// <summary>Takes the session away for its end.</summary>
    public Session? Take()
    {
        lock (_lock)
        {
            var session = _current;
            Volatile.Write(ref _current, null);
            return session;
        }
    }

    /// <summary>
    /// Each try has an id of its own: of a session that is used no second request to begin it is on its way, which
    /// could arrive after the session was thrown away and make it look like a known one.
    /// </summary>
    private async Task BeginAsync()
    {
        var session = NewSession();
        var pauseMs = SendingLimits.PauseMsMin;
        while (!await begin(session))
        {
            session = NewSession();
            lock (_lock)
            {
                DropEnded();
                if (_waiting.Count == 0)
                {
                    _isBeginning = false;
                    return;
                }
            }

            var pause = new Waiter(seams);
            pause.EndAfter(pauseMs);
            await pause.Task;
            pauseMs = Math.Min(pauseMs * 2, SendingLimits.PauseMsMax);
        }

        lock (_lock)
        {
            _isBeginning = false;
            Count++;
            Volatile.Write(ref _current, session);
        }

        Wake();
    }

    private Session NewSession()
    {
        var id = new byte[16];
        seams.Random.Fill(id);
        return new Session(BinaryPrimitives.ReadUInt128BigEndian(id), ++_tries);
    }

    /// <summary>Takes those out whose time is over; they are the first ones.</summary>
    private void DropEnded()
    {
        while (_waiting.TryPeek(out var first) && first.IsDone)
        {
            _waiting.Dequeue();
        }

        Volatile.Write(ref _waitingCount, _waiting.Count);
    }

    /// <summary>Ends the waiting of the first ones, of as many as there is room for.</summary>
    private void Wake()
    {
        for (var room = Current?.Room ?? 0; room > 0;)
        {
            Waiter? waiter;
            lock (_lock)
            {
                if (!_waiting.TryDequeue(out waiter))
                {
                    return;
                }

                Volatile.Write(ref _waitingCount, _waiting.Count);
            }

            room -= waiter.TryComplete(true) ? 1 : 0;
        }
    }
}
