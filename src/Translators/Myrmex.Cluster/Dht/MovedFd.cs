using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Context of an fd whose file was moved by a rebalance while it was open: on which subvolumes it is open, and where it
/// is used now. An fd that has not moved has the plain <see cref="Subvolume"/> as its context instead.
/// </summary>
internal sealed class MovedFd
{
    private readonly Lock _lock = new(); // Guards _open; a leaf lock.
    private readonly Dictionary<int, TaskCompletionSource<Errno>> _open = [];
    private Subvolume _current;

    public MovedFd(Subvolume openedOn)
    {
        _current = openedOn;
        var done = NewSource();
        done.SetResult(Errno.Ok);
        _open[openedOn.Index] = done;
    }

    /// <summary>Where fops go.</summary>
    public Subvolume Current
    {
        get => Volatile.Read(ref _current);
        set => Volatile.Write(ref _current, value);
    }

    /// <summary>True for the one caller that has to open the fd there and complete the source.</summary>
    public bool Claim(Subvolume subvolume, out TaskCompletionSource<Errno> opening)
    {
        lock (_lock)
        {
            if (_open.TryGetValue(subvolume.Index, out opening!))
            {
                return false;
            }

            opening = NewSource();
            _open[subvolume.Index] = opening;
            return true;
        }
    }

    /// <summary>Forgets a failed attempt, so that it may be tried again.</summary>
    public void Abandon(Subvolume subvolume)
    {
        lock (_lock)
        {
            _open.Remove(subvolume.Index);
        }
    }

    /// <summary>Indices of the subvolumes on which the fd is or will be open.</summary>
    public int[] OpenOn()
    {
        lock (_lock)
        {
            return [.. _open.Keys];
        }
    }

    private static TaskCompletionSource<Errno> NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
