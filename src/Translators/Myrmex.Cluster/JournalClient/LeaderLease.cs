using System.Threading;
using Myrmex.Base;
using Myrmex.Cluster.Sending;
using Myrmex.Graph;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// The promise of the member that everything is sent to, passed on to a cache above as if there were one server. Any
/// thread.
/// Invariants:
/// - before the first fop goes to another member the promise of the former one is void above: no answer of one is ever
/// kept under the promise of another;
/// - what a member says that is not the one to ask any more is not heard;
/// - the subvolumes are told to watch, or to stop, in the order in which that was wanted, and without a lock.
/// </summary>
internal sealed class LeaderLease(ICacheLease owner)
{
    private readonly Lock _guard = new(); // Guards all fields; above those of a relay and of the watcher.
    private ICacheLeaseWatcher? _watcher;
    private Server? _server; // Whom fops go to, or are about to.
    private Relay? _wanted;
    private Relay? _told; // What the subvolumes have been told last.
    private bool _isTelling;

    /// <summary>As <see cref="ICacheLease.WatchLease"/>.</summary>
    public void Watch(ICacheLeaseWatcher? watcher)
    {
        lock (_guard)
        {
            _wanted?.End();
            _watcher = watcher;
            _wanted = NewRelay();
        }

        Tell();
    }

    /// <summary>Fops go to this one from now on: called before the first one does, one call after the other.</summary>
    public void Follow(Server server)
    {
        lock (_guard)
        {
            _server = server;
            _wanted?.End();
            _wanted = NewRelay();
        }

        Tell();
    }

    private Relay? NewRelay() => _watcher is { } watcher && _server is { Translator: ICacheLease lease }
        ? new Relay(owner, lease, watcher) : null;

    /// <summary>One thread at a time: those who come meanwhile leave it to that one.</summary>
    private void Tell()
    {
        lock (_guard)
        {
            if (_isTelling)
            {
                return;
            }

            _isTelling = true;
        }

        while (true)
        {
            Relay? former;
            Relay? next;
            lock (_guard)
            {
                if (ReferenceEquals(_told, _wanted))
                {
                    _isTelling = false;
                    return;
                }

                (former, next) = (_told, _wanted);
                _told = next;
            }

            former?.Lease.WatchLease(null);
            next?.Lease.WatchLease(next);
        }
    }

    /// <summary>Hears one member, until another one is to be asked.</summary>
    private sealed class Relay(ICacheLease owner, ICacheLease lease, ICacheLeaseWatcher watcher) : ICacheLeaseWatcher
    {
        private readonly Lock _guard = new(); // Guards _isOver; held while the watcher is called.
        private bool _isOver;

        public ICacheLease Lease => lease;

        /// <summary>
        /// What was learnt through it is void when this returns, and before anything that it tells is not passed on.
        /// </summary>
        public void End()
        {
            lock (_guard)
            {
                _isOver = true;
                watcher.LeaseLost(owner);
            }
        }

        public void LeaseExtended(ICacheLease source, long untilNs)
        {
            lock (_guard)
            {
                if (!_isOver)
                {
                    watcher.LeaseExtended(owner, untilNs);
                }
            }
        }

        public void LeaseLost(ICacheLease source)
        {
            lock (_guard)
            {
                if (!_isOver)
                {
                    watcher.LeaseLost(owner);
                }
            }
        }

        public void InodeChanges(in Gfid gfid)
        {
            lock (_guard)
            {
                if (!_isOver)
                {
                    watcher.InodeChanges(in gfid);
                }
            }
        }
    }
}
