using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Leases at another proxy: what we have is asked for again by our name, with the files open there first. A server that
/// does not know of it any more grants nothing anew; the holder is told then.
/// </summary>
internal sealed partial class Sender
{
    private readonly ConcurrentDictionary<LeaseKey, bool> _endingLeases = new(); // Are given back for good.

    /// <summary>
    /// The proxy is lost: what is held is kept at the bricks for a while. Who has not heard by then that it has its
    /// lease is told.
    /// </summary>
    private void OnLostForLeases()
    {
        if (!_leases.IsEmpty)
        {
            _leases.Doubt(_seams.Clock.MonotonicNs);
            _seams.Scheduler.Schedule(SendingLimits.LeaseDoubtMs, LoseDoubtful);
        }
    }

    private void LoseDoubtful()
    {
        var untilNs = _seams.Clock.MonotonicNs - (SendingLimits.LeaseDoubtMs * 1_000_000);
        foreach (var lease in _isStopped ? [] : _leases.DoubtfulSince(untilNs))
        {
            LoseLease(lease.Key);
            if (!_leases.Has(lease.Key) && _endingLeases.TryAdd(lease.Key, true))
            {
                _ = EndLeaseAsync(lease); // It may be held there still.
            }
        }
    }

    private async Task EndLeaseAsync(KnownLease lease)
    {
        var xdata = XData.Rent();
        xdata.SetInt(LockSession.LeftKey, LockSession.LeftForGood);
        await UnlockAsync(lease, xdata);
        xdata.Release();
        _endingLeases.TryRemove(lease.Key, out _);
    }

    /// <summary>A proxy was found: what is held is to be known there.</summary>
    private void OnFoundForLeases()
    {
        OnLostForLeases(); // A former one may have been left in good order.
        if (!_leases.IsEmpty && _finder.Choice is { } choice)
        {
            _ = ReclaimAsync(choice);
        }
    }

    private async Task ReclaimAsync(Choice choice)
    {
        var window = new List<Task>();
        foreach (var lease in _leases.All())
        {
            if (!IsAt(choice))
            {
                break; // There will be another one.
            }

            await OpenFds.AddAsync(window, ReclaimAsync(choice, lease));
        }

        await Task.WhenAll(window);
    }

    private void ReclaimOne(Choice choice, LeaseKey key)
    {
        if (_leases.Find(in key) is { } lease)
        {
            _ = ReclaimAsync(choice, lease);
        }
    }

    /// <summary>One try; when it comes to nothing for the moment, it goes on behind those who wait.</summary>
    private async Task ReclaimAsync(Choice choice, KnownLease lease)
    {
        if (!await TryReclaimAsync(choice, lease))
        {
            _ = GoOnReclaimingAsync(choice, lease);
        }
    }

    private async Task GoOnReclaimingAsync(Choice choice, KnownLease lease)
    {
        while (IsAt(choice))
        {
            await PauseAsync(_rules.PauseMsMin, mayBlock: false);
            if (!IsAt(choice) || await TryReclaimAsync(choice, lease))
            {
                return; // When it takes too long its holder is told, and it is not here any more.
            }
        }
    }

    private bool IsAt(Choice choice) => !_isStopped && ReferenceEquals(_finder.Choice, choice);

    /// <summary>False when it is to be tried again.</summary>
    private async Task<bool> TryReclaimAsync(Choice choice, KnownLease lease)
    {
        await Fds.OpenLeasedAsync(choice, lease.Key.Gfid, lease.Key.Id);
        if (!_leases.Has(lease.Key))
        {
            return true;
        }

        var error = await AskForLeaseAsync(choice, lease, LeaseCommand.Set);
        if (error is Errno.ENOTCONN or Errno.EREMOTE or Errno.EAGAIN or Errno.ECANCELED)
        {
            return false;
        }

        if (error != Errno.Ok)
        {
            LoseLease(lease.Key);
        }
        else if (_leases.Has(lease.Key))
        {
            MakeSure(choice, lease.Key);
        }
        else
        {
            await AskForLeaseAsync(choice, lease, LeaseCommand.Unlock); // Closed or given back meanwhile.
        }

        return true;
    }

    private void MakeSure(Choice choice, in LeaseKey key)
    {
        if (IsAt(choice))
        {
            _leases.Sure(in key);
        }
    }

    private async Task<Errno> AskForLeaseAsync(Choice choice, KnownLease lease, uint command)
    {
        var xdata = XData.Rent();
        Fds.SessionOf(choice, default).WriteTo(xdata);
        if (command == LeaseCommand.Set)
        {
            xdata.SetInt(LockSession.HeldKey, 1);
        }

        var call = Call.Internal();
        var fop = new LeaseFop
        {
            Gfid = lease.Key.Gfid,
            Lease = new Lease(command, lease.Type, lease.Key.Id, 0),
            XData = xdata,
        };
        var reply = await choice.Server.Translator.Lease(in fop, call);
        var error = reply.Error;
        reply.Release();
        call.Release();
        xdata.Release();
        return error;
    }

    /// <summary>Gives a lease back however long it takes.</summary>
    private async Task UnlockAsync(KnownLease lease, XData? xdata = null)
    {
        var call = Call.Internal();
        var fop = new LeaseFop
        {
            Gfid = lease.Key.Gfid,
            Lease = new Lease(LeaseCommand.Unlock, lease.Type, lease.Key.Id, 0),
            XData = xdata,
        };
        while (!_isStopped && !_leases.Has(lease.Key))
        {
            var reply = await SendAsync<LeaseFop, LeaseReply>(fop, call);
            var error = reply.Error;
            reply.Release();
            if (error is not (Errno.ENOTCONN or Errno.ETIMEDOUT))
            {
                break;
            }

            await PauseAsync(SendingLimits.GiveUpPauseMs, mayBlock: false);
        }

        call.Release();
    }

    /// <summary>The last open file of a lease id is closed: its lease has ended at the server with it.</summary>
    private void LeaveLease(OpenFd closed)
    {
        if (!closed.LeaseId.IsNull && !Fds.HasLeased(closed.Fd.Gfid, closed.LeaseId))
        {
            _ = _leases.Take(new LeaseKey(closed.Fd.Gfid, closed.LeaseId, Holder: 0));
        }
    }
}
