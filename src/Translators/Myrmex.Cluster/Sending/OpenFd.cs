using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// What stands for the use of an fd at one server, compared by reference: its locks are held there. An fd that comes
/// back to a server comes back to another place.
/// </summary>
internal sealed class FdPlace(Choice choice)
{
    public Choice Choice => choice;

    public bool IsAt(Choice choice) => Choice.Server == choice.Server && Choice.Number == choice.Number;
}

/// <summary>
/// An open file or directory of the servers. It is used at one place at a time, and may be open at servers where it
/// was used before. The methods are the steps of its state; who opens and closes is <see cref="OpenFds"/>.
/// </summary>
internal sealed class OpenFd
{
    private readonly Lock _lock = new(); // Guards the fields below; comes before the locks of HeldLocks.
    private readonly List<Waiter> _waiting = [];
    private FdPlace? _place;
    private uint _openAt;
    private uint _staleAt; // A server that said EBADFD; it is closed there before it is opened again.
    private FdPlace? _move; // Where it is on its way to; a later move replaces one that takes long.
    private bool _isClosed;
    private volatile bool _isBad;
    private long _keptBytes;
    private int _hasLostChange;

    /// <param name="leaseId">The lease id that it was opened with; null for none.</param>
    public OpenFd(Fd fd, FdPlace place, Gfid leaseId = default)
    {
        LeaseId = leaseId;
        Fd = fd;
        _place = place;
        _openAt = place.Choice.Server.Bit;
        Listing = fd.IsDirectory ? new Listing() : null;
    }

    public Fd Fd { get; }

    public Gfid LeaseId { get; }

    /// <summary>The client behind this proxy that has opened it by a lease id; none for all others.</summary>
    public LockSession LeaseName { get; init; }

    /// <summary>Where it may be used; null while it is on its way.</summary>
    public FdPlace? Place => Volatile.Read(ref _place);

    /// <summary>It answers EBADFD until it is closed.</summary>
    public bool IsBad => _isBad;

    /// <summary>Place in the list of all; -1 when it is not in it.</summary>
    public int Index { get; set; } = -1;

    /// <summary>Bytes that writes to it carry which are not answered.</summary>
    public long KeptBytes => Volatile.Read(ref _keptBytes);

    /// <summary>Positions in the directory; null for a file.</summary>
    public Listing? Listing { get; }

    public bool HasRoom(long bytes) =>
        KeptBytes is var kept && (kept == 0 || kept + bytes <= SendingLimits.FdBytesMax);

    /// <summary>Notes what a write carries; false when that is more than may be kept for one fd.</summary>
    public bool TryKeep(long bytes)
    {
        if (Interlocked.Add(ref _keptBytes, bytes) is var kept && (kept <= SendingLimits.FdBytesMax || kept == bytes))
        {
            return true;
        }

        Drop(bytes);
        return false;
    }

    public void Drop(long bytes) => Interlocked.Add(ref _keptBytes, -bytes);

    /// <summary>Of a change of the file nobody will know what became of it: who asks for all must hear.</summary>
    public void LoseChange() => Volatile.Write(ref _hasLostChange, 1);

    /// <summary>True once after <see cref="LoseChange"/>.</summary>
    public bool TakeLostChange() =>
        Volatile.Read(ref _hasLostChange) != 0 && Interlocked.Exchange(ref _hasLostChange, 0) != 0;

    /// <summary>
    /// Notes that somebody waits until it may be used at the server. False when there is nothing to wait for, or when
    /// too many wait.
    /// </summary>
    /// <param name="waiter">Who waits.</param>
    /// <param name="choice">The server.</param>
    /// <param name="move">Set when the caller has to move it there and to end with <see cref="EndMove"/>.</param>
    /// <param name="isFull">Too many wait.</param>
    public bool TryWait(Waiter waiter, Choice choice, out FdPlace? move, out bool isFull)
    {
        lock (_lock)
        {
            move = null;
            isFull = _waiting.Count >= SendingLimits.WaitingMax;
            if (isFull || _isClosed || _isBad || (_place is { } place && place.IsAt(choice)))
            {
                return false;
            }

            _waiting.Add(waiter);
            if (_move is null || !_move.IsAt(choice))
            {
                _move = move = new FdPlace(choice);
            }

            Volatile.Write(ref _place, null);
            return true;
        }
    }

    /// <summary>Whether the mover has to open it at a server, and before that to close what is left there.</summary>
    public (bool Opens, bool Closes) NeedsAt(Server server)
    {
        lock (_lock)
        {
            var closes = (_staleAt & server.Bit) != 0;
            _staleAt &= ~server.Bit;
            return ((_openAt & server.Bit) == 0, closes);
        }
    }

    /// <summary>It was opened at a server; false when it has been closed meanwhile by one who did not know.</summary>
    public bool TryOpened(Server server)
    {
        lock (_lock)
        {
            _openAt |= _isClosed ? 0 : server.Bit;
            return !_isClosed;
        }
    }

    /// <summary>A move has ended: wakes those who wait, unless another move has taken its place.</summary>
    public void EndMove(FdPlace move, bool isThere, bool isBad = false)
    {
        Waiter[] waiting;
        lock (_lock)
        {
            if (!ReferenceEquals(_move, move))
            {
                return;
            }

            _move = null;
            _isBad |= isBad;
            Volatile.Write(ref _place, isThere && !_isClosed ? move : null);
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        foreach (var waiter in waiting)
        {
            waiter.TryComplete(true);
        }
    }

    /// <summary>It is bad from now on: who waits for it hears that.</summary>
    public void Spoil()
    {
        Waiter[] waiting;
        lock (_lock)
        {
            _isBad = true;
            _move = null;
            Volatile.Write(ref _place, null);
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        foreach (var waiter in waiting)
        {
            waiter.TryComplete(true);
        }
    }

    /// <summary>The server of that place does not know it any more.</summary>
    public void Stale(FdPlace place)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_place, place))
            {
                Volatile.Write(ref _place, null);
            }
            else if (!ReferenceEquals(_move, place))
            {
                return; // It has been moved since.
            }

            _openAt &= ~place.Choice.Server.Bit;
            _staleAt |= place.Choice.Server.Bit;
        }
    }

    /// <summary>It was left behind at a server; true when it has to be closed there.</summary>
    public bool Leave(Server server)
    {
        lock (_lock)
        {
            var wasThere = ((_openAt | _staleAt) & server.Bit) != 0;
            _openAt &= ~server.Bit;
            _staleAt &= ~server.Bit;
            if (_place is { } place && place.Choice.Server == server)
            {
                Volatile.Write(ref _place, null);
            }

            return wasThere && !_isClosed;
        }
    }

    /// <summary>Enters a lock that was granted at a place; false when the fd is somewhere else by now.</summary>
    public bool TryAdd(Graph.HeldLocks locks, Graph.HeldLock granted)
    {
        lock (_lock)
        {
            if (_isClosed || !ReferenceEquals(_place, granted.Place))
            {
                return false;
            }

            locks.Add(granted);
            return true;
        }
    }

    /// <summary>Nobody uses it any more. Returns the servers where it is to be closed.</summary>
    public uint Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            Volatile.Write(ref _place, null);
            return _openAt | _staleAt;
        }
    }

    public bool IsClosed
    {
        get
        {
            lock (_lock)
            {
                return _isClosed;
            }
        }
    }
}
