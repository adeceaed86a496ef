using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Fuse;

/// <summary>
/// A SETLKW on its way. When the kernel interrupts it, the caller is told EINTR at once and an unlock of the same range
/// and
/// owner goes to the bricks, which takes the wait back. When both the wait and the unlock have ended, a lock that was
/// granted
/// after all is given back, and what the owner had locked in the range before is locked again.
/// </summary>
internal sealed class WaitingLock
{
    private readonly FuseSession _session;
    private readonly FuseTransport _transport;
    private readonly FuseFile _file;
    private readonly OpenFd _fd;
    private readonly HeldLock _asked;

    // The fop and the unlock that cancels it.
    private int _parts = 2;
    private bool _isGranted;

    public WaitingLock(
        FuseSession session, FuseTransport transport, ulong unique, FuseFile file, OpenFd fd, in HeldLock asked)
    {
        _session = session;
        _transport = transport;
        _file = file;
        _fd = fd;
        _asked = asked;
        Unique = unique;
        fd.Retain();
    }

    public ulong Unique { get; }

    /// <summary>The fop has ended and nobody interrupted it.</summary>
    public void Done() => _fd.Drop();

    /// <summary>Answers the interrupt. Called once, by the one who took the wait out of the list.</summary>
    public void Interrupted()
    {
        _transport.SendError(Unique, FuseConversion.ErrorOf(Errno.EINTR));
        SendLock(_asked with { Type = LockType.Unlock }, _ => PartEnded());
    }

    /// <summary>The interrupted fop has ended.</summary>
    public void FopEnded(bool isGranted)
    {
        _isGranted = isGranted;
        PartEnded();
    }

    private void PartEnded()
    {
        if (Interlocked.Decrement(ref _parts) != 0)
        {
            return;
        }

        if (_isGranted)
        {
            SendLock(_asked with { Type = LockType.Unlock }, _ => Restore());
        }
        else
        {
            Restore();
        }
    }

    private void Restore()
    {
        foreach (var held in _session.Locks.Overlapping(_file.Node, _asked.Owner, _asked.Start, _asked.End))
        {
            SendLock(held, reply =>
            {
                if (!reply.IsOk)
                {
                    Log.Warning("fuse", "a lock was lost when a wait for more was interrupted", ("errno", reply.Error));
                }
            });
        }

        _fd.Drop();
    }

    private void SendLock(HeldLock wanted, System.Action<LkReply> finish)
    {
        var call = Call.Rent();
        call.Pid = (int)wanted.Pid;
        call.LockOwner = LkOwner.From(wanted.Owner);
        var fop = new LkFop
        {
            Gfid = _file.Gfid,
            Fd = _fd.Fd,
            Command = LockCommand.SetLock,
            Type = wanted.Type,
            Flock = wanted.ToFlock(),
        };
        _fd.Retain();
        BackgroundFop<LkReply>.Watch(_session, _fd.Graph.Top.Lk(in fop, call), call, reply =>
        {
            finish(reply);
            _fd.Drop();
        });
    }
}

/// <summary>
/// The waits that can be interrupted, by request number. An interrupt may overtake its request when several loops read;
/// such
/// numbers are remembered for a while. Numbers are never used twice.
/// </summary>
internal sealed class WaitingLocks
{
    private readonly Lock _lock = new(); // Guards both collections; a leaf lock.
    private readonly Dictionary<ulong, WaitingLock> _waiting = [];
    private readonly Queue<ulong> _early = new();

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>False when the request has been interrupted already.</summary>
    public bool TryAdd(WaitingLock waiting)
    {
        lock (_lock)
        {
            if (_early.Contains(waiting.Unique))
            {
                return false;
            }

            _waiting.Add(waiting.Unique, waiting);
            return true;
        }
    }

    /// <summary>False when an interrupt has taken it: the reply has been sent.</summary>
    public bool Remove(WaitingLock waiting)
    {
        lock (_lock)
        {
            return _waiting.Remove(waiting.Unique);
        }
    }

    public void Interrupt(ulong unique)
    {
        WaitingLock? waiting;
        lock (_lock)
        {
            if (!_waiting.Remove(unique, out waiting))
            {
                _early.Enqueue(unique);
                if (_early.Count > FuseLimits.EarlyInterruptsMax)
                {
                    _early.Dequeue();
                }
            }
        }

        waiting?.Interrupted();
    }

    /// <summary>Interrupts all, for the end of the session.</summary>
    public void InterruptAll()
    {
        WaitingLock[] all;
        lock (_lock)
        {
            all = [.. _waiting.Values];
            _waiting.Clear();
        }

        foreach (var waiting in all)
        {
            waiting.Interrupted();
        }
    }
}
