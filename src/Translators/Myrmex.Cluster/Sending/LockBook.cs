using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>A SETLKW that has not ended.</summary>
internal sealed class LockWaiting(LkFop asked, LkOwner owner, ulong number)
{
    private volatile bool _isCancelled;
    private volatile bool _isTakenBack;

    public LkFop Asked => asked;

    /// <summary>The client behind a proxy that waits; none for all others.</summary>
    public LockSession Session { get; init; }

    public LkOwner Owner => owner;

    public ulong Number => number;

    /// <summary>Its owner does not want it any more.</summary>
    public bool IsCancelled => _isCancelled;

    /// <summary>
    /// Cancelled because its client has left the proxy: what it was granted is its own, wherever it is.
    /// </summary>
    public bool IsTakenBack => _isTakenBack;

    public void Cancel() => _isCancelled = true;

    public void TakeBack() => (_isTakenBack, _isCancelled) = (true, true);
}

/// <summary>
/// What has to be known of locks that the servers keep for the session, besides those that are held: what waits, what
/// the servers may have without our knowing, and what is still to be given up. Safe for all threads.
/// </summary>
internal sealed class LockBook
{
    private readonly Lock _lock = new(); // Guards all fields; a leaf lock.
    private readonly List<LockWaiting> _waiting = [];
    private readonly Dictionary<(Gfid Gfid, LkOwner Owner), (Fd Fd, LockSession Session)> _doubtful = [];
    private readonly Dictionary<(Gfid Gfid, LkOwner Owner), Task> _owed = [];
    private ulong _number;

    public LockWaiting Begin(LkFop asked, LkOwner owner)
    {
        lock (_lock)
        {
            var waiting = new LockWaiting(asked, owner, ++_number) { Session = LockSession.Of(asked.XData) };
            _waiting.Add(waiting);
            return waiting;
        }
    }

    public void End(LockWaiting waiting)
    {
        lock (_lock)
        {
            _waiting.Remove(waiting);
        }
    }

    /// <summary>An owner gives up a range, null for all: what waits for exactly that is not wanted any more.</summary>
    /// <returns>Whether something waits.</returns>
    public bool Cancel(in Gfid gfid, LkOwner owner, (long Start, long Length)? range)
    {
        var isThere = false;
        lock (_lock)
        {
            foreach (var waiting in _waiting)
            {
                var flock = waiting.Asked.Flock;
                if (waiting.Asked.Fd.Gfid == gfid && waiting.Owner.Equals(owner)
                    && (range is not { } exact || exact == (flock.Start, flock.Length)))
                {
                    waiting.Cancel();
                    isThere = true;
                }
            }
        }

        return isThere;
    }

    /// <summary>What a client of a door waits for, which is not wanted any more.</summary>
    public List<LockWaiting> CancelOf(ClientIdentity client)
    {
        lock (_lock)
        {
            var found = _waiting.FindAll(waiting => ClientOwner.IsOf(client, waiting.Owner));
            found.ForEach(static waiting => Cancel(waiting, hasLeft: !waiting.Session.IsNone));
            return found;
        }
    }

    /// <summary>What an owner whose client has left waits for with exactly that range.</summary>
    public List<LockWaiting> TakeBack(Gfid gfid, LkOwner owner, Flock flock)
    {
        lock (_lock)
        {
            var found = _waiting.FindAll(waiting => waiting.Asked.Fd.Gfid == gfid && waiting.Owner.Equals(owner)
                && (waiting.Asked.Flock.Start, waiting.Asked.Flock.Length) == (flock.Start, flock.Length));
            found.ForEach(static waiting => waiting.TakeBack());
            return found;
        }
    }

    /// <summary>The servers may hold something for an owner that it does not know of.</summary>
    public void Doubt(Fd fd, LkOwner owner, LockSession session)
    {
        lock (_lock)
        {
            if (_doubtful.Count < SendingLimits.DoubtfulLocksMax)
            {
                _doubtful[(fd.Gfid, owner)] = (fd, session);
            }
        }
    }

    public bool IsDoubtful(in Gfid gfid, LkOwner owner)
    {
        lock (_lock)
        {
            return _doubtful.ContainsKey((gfid, owner));
        }
    }

    public void Settle(in Gfid gfid, LkOwner owner)
    {
        lock (_lock)
        {
            _doubtful.Remove((gfid, owner));
        }
    }

    /// <summary>Takes out the owners that may have something through an fd.</summary>
    public List<(LkOwner Owner, LockSession Session)> TakeDoubtful(Fd fd)
    {
        var owners = new List<(LkOwner Owner, LockSession Session)>();
        lock (_lock)
        {
            foreach (var (key, through) in _doubtful)
            {
                if (ReferenceEquals(through.Fd, fd))
                {
                    owners.Add((key.Owner, through.Session));
                }
            }

            owners.ForEach(one => _doubtful.Remove((fd.Gfid, one.Owner)));
        }

        return owners;
    }

    private static void Cancel(LockWaiting waiting, bool hasLeft)
    {
        if (hasLeft)
        {
            waiting.TakeBack();
        }
        else
        {
            waiting.Cancel();
        }
    }

    /// <summary>
    /// What is being given up for an owner; null for nothing. It wants no new lock before that is over.
    /// </summary>
    public Task? Owed(in Gfid gfid, LkOwner owner)
    {
        lock (_lock)
        {
            return _owed.GetValueOrDefault((gfid, owner));
        }
    }

    /// <summary>Something is to be given up, after what is being given up already.</summary>
    public TaskCompletionSource Owe(in Gfid gfid, LkOwner owner, out Task? former)
    {
        var owed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            former = _owed.GetValueOrDefault((gfid, owner));
            _owed[(gfid, owner)] = owed.Task;
        }

        return owed;
    }

    public void Paid(in Gfid gfid, LkOwner owner, TaskCompletionSource owed)
    {
        lock (_lock)
        {
            if (_owed.GetValueOrDefault((gfid, owner)) == owed.Task)
            {
                _owed.Remove((gfid, owner));
            }
        }

        owed.SetResult();
    }
}
