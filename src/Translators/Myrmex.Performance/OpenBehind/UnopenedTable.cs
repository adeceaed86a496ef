using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// The fds that are answered and not open, by file.
/// Invariants:
/// - an fd is in the table exactly as long as it is <see cref="OpenState.Waiting"/> or <see cref="OpenState.Opening"/>;
/// - no fd comes in while a name is being removed, so the removal knows every fd that it could take the file away from;
/// - one OPEN at a time is under way for an fd.
/// </summary>
internal sealed class UnopenedTable
{
    private readonly Lock _guard = new(); // Guards everything here and in the fds; a leaf lock.
    private readonly Dictionary<Gfid, UnopenedFd> _files = [];
    private int _count;
    private int _removals;

    public int Count => Volatile.Read(ref _count);

    /// <summary>
    /// False while names are being removed, and when the table is full: the fd must be opened at once.
    /// </summary>
    public bool TryAdd(UnopenedFd fd)
    {
        lock (_guard)
        {
            if (_removals != 0 || _count >= OpenBehindLimits.UnopenedMax)
            {
                return false;
            }

            fd.NextOfFile = _files.GetValueOrDefault(fd.Gfid);
            _files[fd.Gfid] = fd;
            Volatile.Write(ref _count, _count + 1);
            return true;
        }
    }

    /// <summary>
    /// Who opens the fd: true when the caller must (and tell by <see cref="Opened"/>); else what to wait for, null
    /// when there is
    /// nothing to wait for.
    /// </summary>
    public bool TryBeginOpen(UnopenedFd fd, out OpenWaiter? waiter)
    {
        waiter = null;
        lock (_guard)
        {
            switch (fd.State)
            {
                case OpenState.Waiting:
                    fd.State = OpenState.Opening;
                    return true;
                case OpenState.Opening:
                    waiter = OpenWaiter.Rent();
                    fd.Waiters.Add(waiter);
                    return false;
                default:
                    return false;
            }
        }
    }

    /// <summary>The OPEN has been answered. Wakes nobody: the caller signals the waiters that come back.</summary>
    public OpenWaiter[] Opened(UnopenedFd fd, Errno error)
    {
        Call? opener = null;
        OpenWaiter[] waiters;
        lock (_guard)
        {
            Invariant.Check(fd.State == OpenState.Opening);
            if (error == Errno.Ok)
            {
                fd.State = OpenState.Open;
                (opener, fd.Opener) = (fd.Opener, null);
                Remove(fd);
            }
            else
            {
                fd.State = OpenState.Waiting;
                fd.IsRefused = error != Errno.ENOTCONN;
            }

            waiters = fd.Waiters.Count == 0 ? [] : [.. fd.Waiters];
            fd.Waiters.Clear();
        }

        opener?.Release();
        return waiters;
    }

    /// <summary>
    /// The fd is released. True when it is not open and nothing remains to be done; else, what to wait for before
    /// asking again, null
    /// when it is open.
    /// </summary>
    public bool TryClose(UnopenedFd fd, out OpenWaiter? waiter)
    {
        waiter = null;
        Call? opener = null;
        lock (_guard)
        {
            switch (fd.State)
            {
                case OpenState.Waiting:
                    fd.State = OpenState.Closed;
                    (opener, fd.Opener) = (fd.Opener, null);
                    Remove(fd);
                    break;
                case OpenState.Opening:
                    waiter = OpenWaiter.Rent();
                    fd.Waiters.Add(waiter);
                    return false;
                default:
                    return false;
            }
        }

        opener?.Release();
        return true;
    }

    /// <summary>True when a read should open the fd for the next ones.</summary>
    public bool IsWorthOpening(UnopenedFd fd)
    {
        lock (_guard)
        {
            return fd.State == OpenState.Waiting && !fd.IsRefused;
        }
    }

    /// <summary>The fds of a file; null when there are none.</summary>
    public List<UnopenedFd>? Of(in Gfid gfid)
    {
        if (Count == 0)
        {
            return null;
        }

        lock (_guard)
        {
            List<UnopenedFd>? fds = null;
            for (var fd = _files.GetValueOrDefault(gfid); fd is not null; fd = fd.NextOfFile)
            {
                (fds ??= []).Add(fd);
            }

            return fds;
        }
    }

    /// <summary>A name is about to be removed: the fds that must be open before, null when there are none.</summary>
    public List<UnopenedFd>? BeginRemoval()
    {
        lock (_guard)
        {
            _removals++;
            if (_count == 0)
            {
                return null;
            }

            var fds = new List<UnopenedFd>(_count);
            foreach (var first in _files.Values)
            {
                for (var fd = first; fd is not null; fd = fd.NextOfFile)
                {
                    fds.Add(fd);
                }
            }

            return fds;
        }
    }

    public void EndRemoval()
    {
        lock (_guard)
        {
            _removals--;
            Invariant.Check(_removals >= 0);
        }
    }

    private void Remove(UnopenedFd fd)
    {
        Volatile.Write(ref _count, _count - 1);
        var first = _files[fd.Gfid];
        if (!ReferenceEquals(first, fd))
        {
            while (!ReferenceEquals(first.NextOfFile, fd))
            {
                first = first.NextOfFile!; // The fd is in the list.
            }

            first.NextOfFile = fd.NextOfFile;
        }
        else if (fd.NextOfFile is { } next)
        {
            _files[fd.Gfid] = next;
        }
        else
        {
            _files.Remove(fd.Gfid);
        }

        fd.NextOfFile = null;
    }
}
