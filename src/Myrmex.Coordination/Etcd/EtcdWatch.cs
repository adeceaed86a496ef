using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Grpc.Core;
using Myrmex.Coordination.Etcd.Protocol;
using Myrmex.Runtime;

namespace Myrmex.Coordination.Etcd;

/// <summary>
/// One watch over any number of connections: each begins after the last revision that was handed out whole, so that
/// nothing is missing and nothing comes twice.
/// </summary>
/// <remarks>
/// It is asked for from one revision earlier than needed, and what is known already is dropped. A watch that begins
/// exactly at a compacted revision is taken by etcd before 3.5.16, but a delete at that revision may be missing from
/// it; this way such a watch is refused. Progress is taken from what etcd sends by itself, never asked for: before
/// 3.5.8 and 3.4.25 an answer to that could overtake changes.
/// </remarks>
internal sealed class EtcdWatch(
    EtcdCluster cluster, EtcdKeys keys, KeyRange range, Revision from, TimeSpan openTimeout, Seams seams) : IDisposable
{
    private readonly Queue<WatchBatch> _ready = new();
    private readonly List<StateChange> _partial = []; // Changes of one revision, until all of it has come.
    private long _next = from.Value; // First revision not handed out; 0 until the first watch tells.
    private EtcdEndpoint? _endpoint;
    private AsyncDuplexStreamingCall<WatchRequest, WatchResponse>? _call;
    private CancellationTokenSource? _callEnd;
    private long _openedNs = long.MaxValue;
    private int _failures; // Without a watch that lasted in between.
    private int _renewals;

    /// <summary>The next batch; reconnects as long as it takes.</summary>
    public async Task<WatchBatch> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (_ready.TryDequeue(out var batch))
            {
                return batch;
            }

            cancellation.ThrowIfCancellationRequested();
            try
            {
                await ReadAsync(cancellation);
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException or ObjectDisposedException)
            {
                Close();
                cancellation.ThrowIfCancellationRequested();
                await RecoverAsync(e, cancellation);
            }
        }
    }

    public void Dispose() => Close();

    private async Task ReadAsync(CancellationToken cancellation)
    {
        var call = _call ?? await OpenAsync(cancellation);
        if (!await call.ResponseStream.MoveNext(cancellation))
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "the watch ended"));
        }

        Take(call.ResponseStream.Current);
    }

    private async Task<AsyncDuplexStreamingCall<WatchRequest, WatchResponse>> OpenAsync(CancellationToken cancellation)
    {
        _endpoint = cluster.Current;
        _callEnd = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _callEnd.CancelAfter(openTimeout); // Lifted when the watch is begun.
        var metadata = await cluster.MetadataAsync(_endpoint, _callEnd.Token);
        _call = _endpoint.Watch.Watch(new CallOptions(metadata, cancellationToken: _callEnd.Token));
        var create = new WatchCreateRequest
        {
            Key = keys.Key(range.Start),
            RangeEnd = keys.Key(range.End),
            StartRevision = _next == 0 ? 0 : Math.Max(1, _next - 1),
            ProgressNotify = true,
            Fragment = true,
        };
        await _call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, _callEnd.Token);
        return _call;
    }

    private void Take(WatchResponse response)
    {
        if (response.Canceled)
        {
            throw Cancelled(response);
        }

        if (response.Created)
        {
            _callEnd?.CancelAfter(Timeout.InfiniteTimeSpan);
            _openedNs = seams.Clock.MonotonicNs;
            _next = _next == 0 ? response.Header.Revision + 1 : _next;
            return;
        }

        _renewals = 0;
        foreach (var change in response.Events)
        {
            Add(change);
        }

        if (response.Fragment)
        {
            return; // More of the same revision may follow.
        }

        HandOut();
        if (response.Events.Count == 0)
        {
            // Progress: everything up to this revision has been sent.
            _next = Math.Max(_next, response.Header.Revision + 1);
        }
    }

    private void Add(Event change)
    {
        if (change.Kv.ModRevision < _next)
        {
            return; // Known already.
        }

        var added = keys.Change(change);
        if (_partial.Count > 0 && _partial[0].Entry.Modified != added.Entry.Modified)
        {
            HandOut();
        }

        _partial.Add(added);
    }

    private void HandOut()
    {
        if (_partial.Count == 0)
        {
            return;
        }

        var revision = _partial[0].Entry.Modified;
        _partial.Sort((left, right) => string.CompareOrdinal(left.Entry.Key, right.Entry.Key));
        _ready.Enqueue(new WatchBatch(revision, [.. _partial]));
        _partial.Clear();
        _next = revision.Value + 1;
    }

    private static Exception Cancelled(WatchResponse response)
    {
        if (response.CompactRevision > 0)
        {
            return new RevisionCompactedException(new Revision(response.CompactRevision).Next);
        }

        // A watch with a token that has ended is answered like one without permission.
        var isPermission = response.CancelReason.Contains("permission denied", StringComparison.Ordinal)
            || response.CancelReason.Contains("auth", StringComparison.Ordinal);
        return new RpcException(new Status(
            isPermission ? StatusCode.PermissionDenied : StatusCode.Unavailable, response.CancelReason));
    }

    /// <summary>Throws what no other member and no waiting mends.</summary>
    private async Task RecoverAsync(Exception e, CancellationToken cancellation)
    {
        var endpoint = _endpoint!; // Set before anything could fail.
        if (e is RpcException rpc)
        {
            var verdict = EtcdErrors.Judge(rpc);
            var isToken = verdict == EtcdVerdict.TokenRefused || rpc.StatusCode == StatusCode.PermissionDenied;
            if (isToken && _renewals++ < Limits.TokenRenewalsMax)
            {
                cluster.ForgetToken();
            }
            else if (isToken || verdict == EtcdVerdict.Refused)
            {
                throw cluster.ToException(rpc, endpoint);
            }
        }

        cluster.Blame(endpoint);
        _failures = seams.Clock.MonotonicNs - _openedNs > Limits.WatchPauseMsMax * 1_000_000 ? 0 : _failures;
        _openedNs = long.MaxValue;
        if (_failures == 0)
        {
            Log.Information("etcd", "a watch is opened again", ("from", _next), ("lost", endpoint.Address));
        }

        var pauseMs = Math.Min(Limits.WatchPauseMsMin << Math.Min(_failures, 10), Limits.WatchPauseMsMax);
        _failures++;
        await Pauses.WaitAsync(seams.Scheduler, pauseMs, cancellation);
    }

    private void Close()
    {
        _partial.Clear(); // Comes again: _next does not count it.
        _call?.Dispose();
        _call = null;
        _callEnd?.Dispose();
        _callEnd = null;
    }
}
