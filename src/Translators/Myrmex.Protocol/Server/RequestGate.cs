using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Protocol;

/// <summary>
/// The back-pressure of one connection: reading stops while more calls are under way than the limit allows, and while the client does
/// not take the answers it has been given.
/// </summary>
/// <remarks>
/// A call that ends while reading is being stopped must not be overlooked, or the connection would sleep for ever. Therefore the gate
/// announces that it is paused before it decides whether to be: whoever ends a call from then on comes and decides again.
/// </remarks>
internal sealed class RequestGate(Link link, IClock clock)
{
    private readonly Lock _lock = new(); // Guards the decision; held around PauseReading and ResumeReading.
    private readonly Link _link = link;
    private int _underWay;
    private volatile bool _isPaused;
    private volatile bool _isHeld;
    private int _limit;
    private volatile bool _isStuffed; // The send queue is full.
    private long _stuffedBytes;
    private long _progressNs;

    /// <summary>Calls that count against the limit.</summary>
    public int UnderWay => Volatile.Read(ref _underWay);

    public bool IsPaused => _isPaused;

    /// <summary>A call begins; on the link's loop. Limit 0 is none.</summary>
    public void Enter(int limit)
    {
        if (Interlocked.Increment(ref _underWay) > limit && limit > 0)
        {
            Decide(limit);
        }

        if (_link.QueuedBytes > ServerLimits.SendQueueBytesMax && !_isStuffed)
        {
            _isStuffed = true;
            _stuffedBytes = long.MaxValue;
            _progressNs = clock.MonotonicNs;
            Decide(limit);
            Watch(limit);
        }
    }

    /// <summary>A call has been answered; any thread.</summary>
    public void Leave(int limit)
    {
        var now = Interlocked.Decrement(ref _underWay);
        if (_isPaused && now <= limit / 2)
        {
            Decide(limit);
        }
    }

    /// <summary>Stops the reading whatever else holds, or no longer.</summary>
    public void Hold(bool isHeld)
    {
        _isHeld = isHeld;
        Decide(Volatile.Read(ref _limit));
    }

    private void Decide(int limit)
    {
        lock (_lock)
        {
            Volatile.Write(ref _limit, limit);
            var was = _isPaused;
            _isPaused = true;
            Interlocked.MemoryBarrier();
            var most = was ? limit / 2 : limit;
            var pause = _isHeld || _isStuffed || (limit > 0 && Volatile.Read(ref _underWay) > most);
            if (pause && !was)
            {
                _link.PauseReading();
            }
            else if (!pause && was)
            {
                _link.ResumeReading();
            }

            _isPaused = pause;
        }
    }

    private void Watch(int limit) => _link.Scheduler.Schedule(ServerLimits.SendQueueLookMs, () => Look(limit));

    private void Look(int limit)
    {
        if (!_link.IsOpen)
        {
            return;
        }

        var queued = _link.QueuedBytes;
        if (queued <= ServerLimits.SendQueueBytesMax / 2)
        {
            _isStuffed = false;
            Decide(limit);
            return;
        }

        var now = clock.MonotonicNs;
        if (queued < _stuffedBytes)
        {
            _progressNs = now;
        }
        else if (now - _progressNs > ServerLimits.SendStallMsMax * 1_000_000)
        {
            _link.Close(Errno.ETIMEDOUT, "the client does not take its answers");
            return;
        }

        _stuffedBytes = queued;
        Watch(limit);
    }
}
