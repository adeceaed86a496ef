using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Bounds the fops that are kept until their answer: their number, the bytes they carry, and those of one fd. Who
/// finds no room waits.
/// </summary>
/// <remarks>
/// Whoever leaves lets the first who waits try again, and one who has got in the next: as long as somebody is inside,
/// somebody will be woken, and when nobody is, the first fits.
/// </remarks>
internal sealed class Admission(Seams seams)
{
    private readonly Lock _lock = new(); // Guards the lists; a leaf lock.
    private readonly LinkedList<Waiter> _waiting = [];
    private readonly LinkedList<(OpenFd Fd, Waiter Waiter)> _waitingForFd = [];
    private int _entries;
    private long _bytes;
    private int _waitingCount;
    private int _waitingForFdCount;

    public int Entries => Volatile.Read(ref _entries);

    public long Bytes => Volatile.Read(ref _bytes);

    public int WaitingCount => Volatile.Read(ref _waitingCount) + Volatile.Read(ref _waitingForFdCount);

    /// <summary>Enters; false when there is no room, or when others wait for it.</summary>
    /// <param name="bytes">What it carries.</param>
    /// <param name="open">The fd it carries them to, or null.</param>
    /// <param name="hasWaited">It is the turn of one that has waited.</param>
    /// <param name="needsFd">What is missing is room of the fd.</param>
    public bool TryEnter(long bytes, OpenFd? open, bool hasWaited, out bool needsFd)
    {
        needsFd = false;
        if (bytes > 0 && open is not null && !open.TryKeep(bytes))
        {
            needsFd = true;
            return false;
        }

        if ((hasWaited || Volatile.Read(ref _waitingCount) == 0) && TryEnter(bytes))
        {
            if (hasWaited)
            {
                WakeFirst();
            }

            return true;
        }

        if (bytes > 0 && open is not null)
        {
            open.Drop(bytes);
            WakeFor(open);
        }

        return false;
    }

    /// <summary>
    /// True when there may be room for so many bytes; false at the end of the time, and at once when too many wait.
    /// </summary>
    public async ValueTask<bool> WaitAsync(long bytes, OpenFd? open, bool needsFd, long waitMs, bool mayBlock)
    {
        if (waitMs <= 0)
        {
            return false;
        }

        var waiter = new Waiter(seams, mayBlock);
        LinkedListNode<Waiter>? node = null;
        LinkedListNode<(OpenFd, Waiter)>? nodeOfFd = null;
        lock (_lock)
        {
            if (_waiting.Count + _waitingForFd.Count >= SendingLimits.CallersMax)
            {
                return false;
            }

            if (needsFd)
            {
                nodeOfFd = _waitingForFd.AddLast((open!, waiter)); // It is the fd's room that is missing.
                Interlocked.Increment(ref _waitingForFdCount);
            }
            else
            {
                node = _waiting.AddLast(waiter);
                Interlocked.Increment(ref _waitingCount);
            }
        }

        waiter.EndAfter(waitMs);
        WakeLate(bytes, open, needsFd);
        var isThere = await waiter.Task;
        if (!isThere)
        {
            Remove(node, nodeOfFd);
            WakeFirst(); // It may have been the one whose turn it was.
        }

        return isThere;
    }

    public void Leave(long bytes, OpenFd? open)
    {
        Interlocked.Add(ref _bytes, -bytes);
        Interlocked.Decrement(ref _entries);
        if (bytes > 0 && open is not null)
        {
            open.Drop(bytes);
            WakeFor(open);
        }

        WakeFirst();
    }

    private bool TryEnter(long bytes)
    {
        var entries = Interlocked.Increment(ref _entries);
        var all = Interlocked.Add(ref _bytes, bytes);
        if (entries <= SendingLimits.EntriesMax && (all <= SendingLimits.BytesMax || all == bytes))
        {
            return true;
        }

        Interlocked.Add(ref _bytes, -bytes);
        Interlocked.Decrement(ref _entries);
        return false;
    }

    /// <summary>
    /// Room may have come since it was looked for, by one who has seen nobody wait. Only who fits wakes: others would
    /// wake themselves again and again.
    /// </summary>
    private void WakeLate(long bytes, OpenFd? open, bool needsFd)
    {
        if (needsFd && open!.HasRoom(bytes))
        {
            WakeFor(open);
        }
        else if (!needsFd && Entries < SendingLimits.EntriesMax
            && (Bytes == 0 || Bytes + bytes <= SendingLimits.BytesMax))
        {
            WakeFirst();
        }
    }

    private void WakeFirst()
    {
        while (Volatile.Read(ref _waitingCount) > 0)
        {
            Waiter? waiter;
            lock (_lock)
            {
                waiter = _waiting.First?.Value;
                if (waiter is null)
                {
                    return;
                }

                _waiting.RemoveFirst();
                Interlocked.Decrement(ref _waitingCount);
            }

            if (waiter.TryComplete(true))
            {
                return;
            }
        }
    }

    private void WakeFor(OpenFd open)
    {
        if (Volatile.Read(ref _waitingForFdCount) == 0)
        {
            return;
        }

        var woken = new List<Waiter>();
        lock (_lock)
        {
            for (var node = _waitingForFd.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value.Fd == open)
                {
                    woken.Add(node.Value.Waiter);
                    _waitingForFd.Remove(node);
                    Interlocked.Decrement(ref _waitingForFdCount);
                }

                node = next;
            }
        }

        woken.ForEach(static waiter => waiter.TryComplete(true));
    }

    private void Remove(LinkedListNode<Waiter>? node, LinkedListNode<(OpenFd Fd, Waiter Waiter)>? nodeOfFd)
    {
        lock (_lock)
        {
            if (node?.List is not null)
            {
                _waiting.Remove(node);
                Interlocked.Decrement(ref _waitingCount);
            }

            if (nodeOfFd?.List is not null)
            {
                _waitingForFd.Remove(nodeOfFd);
                Interlocked.Decrement(ref _waitingForFdCount);
            }
        }
    }
}
