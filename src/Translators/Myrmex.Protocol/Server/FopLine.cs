using System.Collections.Generic;
using Myrmex.Runtime;

namespace Myrmex.Protocol;

/// <summary>
/// The fops of all clients of one loop of a proxy, in the order in which they came. They are run where they are read
/// as long as that goes quickly; when more come than can be done in a slice they stand in line, and the loop goes on
/// reading between the slices. So what costs nearly nothing, pings and the beginning of an attachment, is answered at
/// once however long the line is: a client knows that its proxy is only busy. What a client has asked for that is gone
/// when its turn comes is not done. On the loop.
/// </summary>
internal sealed class FopLine(IScheduler loop, IClock clock) : IWork
{
    private readonly Queue<IStandsInLine> _waiting = new();
    private bool _isPosted; // Run is to come.
    private long _sliceEndNs; // Fops begin without waiting until then; while Run is to come.

    /// <summary>Fops that stand in line.</summary>
    public int Count => _waiting.Count;

    public IScheduler Loop => loop;

    /// <summary>Runs a request now, or when its turn comes.</summary>
    /// <param name="nowNs">Monotonic time.</param>
    public void Add(IStandsInLine request, long nowNs)
    {
        if (!_isPosted)
        {
            _isPosted = true;
            _sliceEndNs = nowNs + ServerLimits.FopSliceNs;
            loop.Post(this);
        }

        if (_waiting.Count == 0 && nowNs < _sliceEndNs)
        {
            request.Run();
        }
        else
        {
            request.StandInLine();
            _waiting.Enqueue(request); // Bounded by what one client may have under way, and the clients.
        }
    }

    /// <summary>The next slice.</summary>
    public void Run()
    {
        _isPosted = false;
        if (_waiting.Count == 0)
        {
            return;
        }

        _isPosted = true;
        _sliceEndNs = 0; // What is read meanwhile comes behind.
        for (var endNs = clock.MonotonicNs + ServerLimits.FopSliceNs; _waiting.TryDequeue(out var request);)
        {
            request.RunUnlessGone();
            if (clock.MonotonicNs >= endNs)
            {
                break;
            }
        }

        loop.Post(this);
    }
}
