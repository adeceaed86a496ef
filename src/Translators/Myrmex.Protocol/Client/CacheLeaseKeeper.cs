using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Rpc;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// Asks a server for its promise to tell of changes, as long as somebody above wants it, and passes on what it tells.
/// Everything but <see cref="Watch"/> runs on the loop of the connection, in the order of what arrives on it.
/// </summary>
internal sealed class CacheLeaseKeeper(ICacheLease owner)
{
    /// <summary>A promise is asked for again after a quarter of its time, but not more often than that.</summary>
    private const long RenewMsMin = 50;

    private const long RenewMsMax = 500;

    /// <summary>A server that promises nothing may have been told to by now.</summary>
    private const long AskAgainMs = 1_000;

    private readonly Lock _guard = new(); // Guards all fields; held while the watcher is called, which is below it.
    private ICacheLeaseWatcher? _watcher;
    private ClientAttachment? _attachment;
    private IDisposable? _timer;
    private uint _generation; // 0 for none.
    private ulong _handled;
    private long _renewMs = RenewMsMax;

    public string StateText
    {
        get
        {
            lock (_guard)
            {
                return _watcher is null ? "not wanted" : _generation == 0 ? "none" : "held";
            }
        }
    }

    /// <summary>Any thread.</summary>
    public void Watch(ICacheLeaseWatcher? watcher)
    {
        ClientAttachment? attachment;
        lock (_guard)
        {
            _watcher = watcher;
            _generation = 0; // The next grant is the first one that the watcher hears of.
            _timer?.Dispose();
            _timer = null;
            attachment = watcher is null ? null : _attachment;
        }

        attachment?.Connection.Link.Scheduler.Post(() => Ask(attachment));
    }

    public void Attached(ClientAttachment attachment)
    {
        lock (_guard)
        {
            _attachment = attachment.IsExtended ? attachment : null;
            _handled = 0;
        }

        Ask(attachment);
    }

    public void Closed(RpcConnection connection)
    {
        lock (_guard)
        {
            if (ReferenceEquals(_attachment?.Connection, connection))
            {
                _attachment = null;
                _timer?.Dispose();
                _timer = null;
                End();
            }
        }
    }

    public void Changed(RpcConnection connection, Payload record, int position)
    {
        var reader = new XdrReader(record, position);
        if (!CacheChangeBody.TryRead(ref reader, out var gfid, out var number))
        {
            connection.Close(Errno.EBADMSG, "malformed change");
            return;
        }

        lock (_guard)
        {
            if (!ReferenceEquals(_attachment?.Connection, connection))
            {
                return; // What was learnt on it is void.
            }

            _watcher?.InodeChanges(in gfid);
            _handled = Math.Max(_handled, number);
        }

        if (number > 0)
        {
            connection.SendOneWay(
                new RpcCall(1, Programs.Extension, Programs.ExtensionVersion, Programs.CacheHandled),
                new CacheHandledBody(number));
        }
    }

    /// <summary>Under the lock: nothing is promised any more.</summary>
    private void End()
    {
        if (_generation != 0)
        {
            _generation = 0;
            _watcher?.LeaseLost(owner);
        }
    }

    private void Ask(ClientAttachment attachment)
    {
        ulong handled;
        lock (_guard)
        {
            if (_watcher is null || !ReferenceEquals(attachment, _attachment))
            {
                return;
            }

            handled = _handled;
            _timer?.Dispose();
            _timer = null;
        }

        var sentNs = attachment.Connection.Clock.BootNs;
        attachment.Connection.Send(
            new RpcCall(0, Programs.Extension, Programs.ExtensionVersion, Programs.CacheLease), null,
            new CacheHandledBody(handled), new Answer(this, attachment, sentNs), version3: true);
    }

    private void Answered(ClientAttachment attachment, long sentNs, CacheGrant grant)
    {
        lock (_guard)
        {
            if (_watcher is null || !ReferenceEquals(attachment, _attachment))
            {
                return;
            }

            if (grant.Generation != _generation)
            {
                End();
                _generation = grant.Generation;
                if (_generation != 0)
                {
                    _watcher.LeaseLost(owner); // What was asked before it was promised is not under it.
                }
            }

            if (grant.Milliseconds > 0 && _generation != 0)
            {
                _watcher.LeaseExtended(owner, sentNs + (grant.Milliseconds * 1_000_000L));
                _renewMs = Math.Clamp(grant.Milliseconds / 4, RenewMsMin, RenewMsMax);
            }

            _timer?.Dispose();
            _timer = attachment.Connection.Link.Scheduler.Schedule(
                _generation == 0 ? AskAgainMs : _renewMs, () => Ask(attachment));
        }
    }

    /// <summary>A failure says nothing: the promise runs out, or goes with the connection.</summary>
    private sealed class Answer(CacheLeaseKeeper keeper, ClientAttachment attachment, long sentNs) : IReplyReceiver
    {
        public void OnReply(Payload record, int position)
        {
            var reader = new XdrReader(record, position);
            keeper.Answered(attachment, sentNs, CacheGrantBody.Read(ref reader));
        }

        public void OnFailed(Errno error)
        {
            if (attachment.Connection.IsOpen)
            {
                keeper.Answered(attachment, sentNs, CacheGrant.None);
            }
        }
    }
}
