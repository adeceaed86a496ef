using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;
using Myrmex.Runtime;

namespace Myrmex.Fuse;

/// <summary>
/// Tells the kernel what it must no longer believe. A notification may wait for a request on the same inode to be
/// answered, so it is
/// sent by a worker, one at a time, and never by a loop.
/// </summary>
internal sealed class Notifier(FuseSession session) : IWork
{
    private readonly Lock _lock = new(); // Guards the queue and _running; a leaf lock.
    private readonly Queue<FuseInvalidateInodeOut> _queue = new();
    private bool _isRunning;

    public long Sent { get; private set; }

    public long Dropped { get; private set; }

    /// <summary>
    /// Drops what the kernel has cached of an inode: its attributes, and its data too when <paramref name="data"/>.
    /// </summary>
    public void Invalidate(ulong node, bool data)
    {
        bool start;
        lock (_lock)
        {
            if (_queue.Count >= FuseLimits.NotificationsMax)
            {
                // The kernel's timeouts will have to do.
                Dropped++;
                return;
            }

            _queue.Enqueue(new FuseInvalidateInodeOut { Node = node, Offset = data ? 0 : -1 });
            start = !_isRunning;
            _isRunning = true;
        }

        if (start)
        {
            session.Seams.Workers.Submit(this);
        }
    }

    public unsafe void Run()
    {
        while (TryTake(out var message))
        {
            // ENOENT: not cached, which is just as well.
            if (session.FirstTransport?.Notify(FuseNotifyCode.InvalidateInode, &message, sizeof(FuseInvalidateInodeOut))
                is Errno.Ok or Errno.ENOENT)
            {
                Sent++;
            }
        }
    }

    private bool TryTake(out FuseInvalidateInodeOut message)
    {
        lock (_lock)
        {
            if (_queue.TryDequeue(out message))
            {
                return true;
            }

            _isRunning = false;
            return false;
        }
    }
}
