using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime;

/// <summary>
/// What all links share: the send queue, the cutting of frames, pausing, and the order of closing. Closing: the reason is
/// recorded, the queue refuses further sends, the loop waits until nobody drains, the transport is released, the handler
/// hears OnClosed.
/// </summary>
internal abstract class StreamLink : Link, IWork
{
    private const int TodoReceive = 1;
    private const int TodoFlush = 2;
    private const int TodoClose = 4;

    private readonly IScheduler _scheduler;
    private readonly Action _retryReceive;
    private readonly int _stalledFrameMs;
    private ILinkHandler? _handler;
    private IDisposable? _memoryTimer;
    private IDisposable? _stallTimer; // Runs while a long frame is under way on a link that yields to others.
    private long _receivedSeen;
    private int _todo; // What Run shall do; posted when it stops being 0.
    private int _closing; // 1 once Close was called; the first caller's reason counts.
    private Errno _closeError;
    private string _closeReason = string.Empty;
    private bool _isReleased;
    private volatile bool _isOpen;
    private volatile bool _isPaused;

    /// <param name="pool">For what arrives; that of the process when null.</param>
    protected StreamLink(IScheduler scheduler, LinkOptions options, PayloadPool? pool = null)
    {
        _scheduler = scheduler;
        Cutter = new FrameCutter(options, pool);
        _stalledFrameMs = options.StalledFrameMs;
        _retryReceive = RetryReceive;
    }

    public sealed override IScheduler Scheduler => _scheduler;

    public sealed override bool IsOpen => _isOpen && Volatile.Read(ref _closing) == 0;

    public sealed override long QueuedBytes => Queue.QueuedBytes;

    protected SendQueue Queue { get; } = new();

    protected FrameCutter Cutter { get; }

    protected bool IsPaused => _isPaused;

    /// <summary>Close was called; the link's loop may still have to do its part.</summary>
    public bool IsClosing => Volatile.Read(ref _closing) != 0;

    public sealed override Span<byte> BeginSend(int sizeMax) => Queue.Begin(sizeMax);

    public sealed override void EndSendGathered(int used, ReadOnlySpan<Payload> tails)
    {
        if (Queue.End(used, tails))
        {
            FlushBatch.Note(this);
        }
    }

    public sealed override void PauseReading() => _isPaused = true;

    public sealed override void ResumeReading()
    {
        _isPaused = false;
        PostReceive();
    }

    public sealed override void Close(Errno error, string reason)
    {
        if (Interlocked.CompareExchange(ref _closing, 1, 0) != 0)
        {
            return;
        }

        _closeError = error;
        _closeReason = reason;
        Queue.Close();
        PostClose();
    }

    void IWork.Run()
    {
        var todo = Interlocked.Exchange(ref _todo, 0);
        if ((todo & TodoClose) != 0)
        {
            FinishClose();
            return;
        }

        if ((todo & TodoFlush) != 0)
        {
            Flush();
        }

        if ((todo & TodoReceive) != 0)
        {
            Receive();
        }
    }

    /// <summary>
    /// Makes the link usable; on its loop. Nothing happens when it was closed before, and a failing
    /// <paramref name="accept"/> closes it.
    /// </summary>
    public void Open(Func<Link, ILinkHandler> accept)
    {
        if (IsClosing || AcceptedBy(accept) is not { } handler)
        {
            return;
        }

        _handler = handler;
        Queue.Open();
        if (IsClosing)
        {
            Queue.Close();
            return;
        }

        _isOpen = true;
        handler.OnOpen(this);
    }

    public override void Thaw()
    {
        if (!IsClosing)
        {
            Queue.Open();
            PostFlush();
        }
    }

    /// <summary>Names who hears OnClosed when the link never opens.</summary>
    public void HandledBy(ILinkHandler handler) => _handler = handler;

    /// <summary>Reads and hands on what there is; a failing handler costs the link. On the loop.</summary>
    protected void Receive()
    {
        if (!IsOpen || _isPaused)
        {
            return;
        }

        try
        {
            ReceiveTurn();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("runtime", "the handler of a frame failed", ("peer", Peer), ("exception", e));
            Close(Errno.EIO, "the handler of a frame failed");
        }
    }

    /// <summary>Reads for one turn; on the loop, only while open and not paused.</summary>
    protected abstract void ReceiveTurn();

    /// <summary>Closes the transport; on the loop, once, when nobody drains.</summary>
    protected abstract void ReleaseTransport();

    /// <summary>Hands on all whole frames; false when the caller must not read on.</summary>
    protected bool CutFrames()
    {
        while (!_isPaused && IsOpen)
        {
            switch (Cutter.Next(out var frame))
            {
                case FrameCutter.Result.NeedMore:
                    WatchFrame();
                    return true;
                case FrameCutter.Result.Frame:
                    _handler!.OnFrame(this, frame); // Open set it.
                    break;
                default:
                    Close(Errno.EPROTO, Cutter.Error);
                    return false;
            }
        }

        return false;
    }

    /// <summary>True when reading has to wait for memory; it is then tried again by itself.</summary>
    protected bool WaitsForMemory()
    {
        if (!YieldsToMemoryLimit || Cutter.IsInLargeFrame || !PayloadPool.Shared.IsOverLimit)
        {
            return false;
        }

        _memoryTimer ??= _scheduler.Schedule(Limits.MemoryRetryMs, _retryReceive);
        return true;
    }

    /// <summary>Lets the loop read again in a later turn.</summary>
    protected void PostReceive() => PostTodo(TodoReceive);

    /// <summary>Lets the loop drain the queue in a later turn.</summary>
    protected void PostFlush() => PostTodo(TodoFlush);

    /// <summary>Lets the loop go on with closing; for a drainer that saw the queue closed.</summary>
    protected void PostClose() => PostTodo(TodoClose);

    /// <summary>
    /// Makes the transport end what it is doing, at the first call; true when it does nothing any more. When it was false,
    /// the transport calls <see cref="PostClose"/> later.
    /// </summary>
    protected virtual bool TryStopTransport() => true;

    private ILinkHandler? AcceptedBy(Func<Link, ILinkHandler> accept)
    {
        try
        {
            return accept(this);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("runtime", "cannot serve an accepted connection", ("peer", Peer), ("exception", e));
            Close(Errno.EIO, "cannot be served");
            return null;
        }
    }

    private void WatchFrame()
    {
        if (YieldsToMemoryLimit && _stallTimer is null && Cutter.IsInLargeFrame)
        {
            _receivedSeen = Cutter.ReceivedBytes;
            _stallTimer = _scheduler.Schedule(_stalledFrameMs, LookAtFrame);
        }
    }

    private void LookAtFrame()
    {
        _stallTimer = null;
        if (IsOpen && !_isPaused && Cutter.IsInLargeFrame && Cutter.ReceivedBytes == _receivedSeen
            && PayloadPool.Shared.IsPressed)
        {
            Close(Errno.ETIMEDOUT, "half a record holds memory, and nothing more of it has come");
            return;
        }

        WatchFrame();
    }

    private void RetryReceive()
    {
        _memoryTimer = null;
        Receive();
    }

    private void PostTodo(int what)
    {
        if (Interlocked.Or(ref _todo, what) == 0)
        {
            _scheduler.Post(this);
        }
    }

    private void FinishClose()
    {
        if (_isReleased || !TryStopTransport() || !Queue.TryClear())
        {
            return; // Who is still in a call of the transport posts this again.
        }

        _isReleased = true;
        _isOpen = false;
        _memoryTimer?.Dispose();
        _stallTimer?.Dispose();
        Cutter.Clear();
        ReleaseTransport();
        _handler?.OnClosed(this, _closeError, _closeReason);
    }
}
