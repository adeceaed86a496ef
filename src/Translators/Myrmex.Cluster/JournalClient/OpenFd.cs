using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// What stands for the use of an fd at one leader, compared by reference: its locks are held there. An fd that comes
/// back to a member comes back to another place.
/// </summary>
internal sealed class FdPlace(Lead lead)
{
    public Lead Lead => lead;

    public bool IsAt(Lead lead) => Lead.Member == lead.Member && Lead.Number == lead.Number;
}

/// <summary>
/// An open file or directory of the replica set. It is used at one place at a time, and may be open at members where it
/// was used before. The methods are the steps of its state; who opens and closes is <see cref="OpenFds"/>.
/// </summary>
internal sealed class OpenFd
{
    private readonly Lock _lock = new(); // Guards the fields below; comes before the locks of HeldLocks.
    private readonly List<Waiter> _waiting = [];
    private FdPlace? _place;
    private uint _openAt;
    private uint _staleAt; // A member that said EBADFD; it is closed there before it is opened again.
    private FdPlace? _move; // Where it is on its way to; a later move replaces one that takes long.
    private bool _isClosed;
    private volatile bool _isBad;

    public OpenFd(Fd fd, FdPlace place)
    {
        Fd = fd;
        _place = place;
        _openAt = place.Lead.Member.Bit;
        Listing = fd.IsDirectory ? new Listing() : null;
    }

    public Fd Fd { get; }

    /// <summary>Where it may be used; null while it is on its way.</summary>
    public FdPlace? Place => Volatile.Read(ref _place);

    /// <summary>It answers EBADFD until it is closed.</summary>
    public bool IsBad => _isBad;

    /// <summary>Positions in the directory; null for a file.</summary>
    public Listing? Listing { get; }

    /// <summary>
    /// Notes that somebody waits until it may be used at the leader. False when there is nothing to wait for, or when
    /// too many wait.
    /// </summary>
    /// <param name="waiter">Who waits.</param>
    /// <param name="lead">The leader.</param>
    /// <param name="move">Set when the caller has to move it there and to end with <see cref="EndMove"/>.</param>
    /// <param name="isFull">Too many wait.</param>
    public bool TryWait(Waiter waiter, Lead lead, out FdPlace? move, out bool isFull)
    {
        lock (_lock)
        {
            move = null;
            isFull = _waiting.Count >= ClientLimits.WaitingMax;
            if (isFull || _isClosed || _isBad || (_place is { } place && place.IsAt(lead)))
            {
                return false;
            }

            _waiting.Add(waiter);
            if (_move is null || !_move.IsAt(lead))
            {
                _move = move = new FdPlace(lead);
            }

            Volatile.Write(ref _place, null);
            return true;
        }
    }

    /// <summary>Whether the mover has to open it at a member, and before that to close what is left there.</summary>
    public (bool Opens, bool Closes) NeedsAt(Member member)
    {
        lock (_lock)
        {
            var closes = (_staleAt & member.Bit) != 0;
            _staleAt &= ~member.Bit;
            return ((_openAt & member.Bit) == 0, closes);
        }
    }

    /// <summary>It was opened at a member; false when it has been closed meanwhile by one who did not know.</summary>
    public bool TryOpened(Member member)
    {
        lock (_lock)
        {
            _openAt |= _isClosed ? 0 : member.Bit;
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

    /// <summary>The member of that place does not know it any more.</summary>
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

            _openAt &= ~place.Lead.Member.Bit;
            _staleAt |= place.Lead.Member.Bit;
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

    /// <summary>Nobody uses it any more. Returns the members where it is to be closed.</summary>
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
