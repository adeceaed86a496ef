using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Grpc.Core;
using Myrmex.Coordination.Etcd.Protocol;
using Myrmex.Runtime;

namespace Myrmex.Coordination.Etcd;

/// <summary>
/// The state of a cluster in etcd (3.4 or newer), below a prefix of keys. Reads are linearizable. Members are asked in
/// turn: one that is away, cut off from its leader or silent is left for the next.
/// A change whose answer was lost throws <see cref="StateStoreException"/> and is never sent again; one that certainly
/// was not made throws <see cref="TransactionRefusedException"/>. Cancelling a change leaves open whether it was made.
/// Revisions are those of the whole etcd: they also grow by what others write there.
/// </summary>
public sealed class EtcdStore : IStateStore
{
    private readonly EtcdOptions _options;
    private readonly Seams _seams;
    private readonly EtcdCluster _cluster;
    private readonly EtcdKeys _keys;
    private readonly CancellationTokenSource _closing = new();
    private int _isClosed;

    private EtcdStore(EtcdOptions options, Seams seams)
    {
        _options = options;
        _seams = seams;
        _keys = new EtcdKeys(options.Prefix);
        _cluster = new EtcdCluster(options, seams);
    }

    /// <summary>
    /// Connects at the first use. Throws <see cref="StateStoreException"/> for options that cannot work.
    /// </summary>
    public static EtcdStore Open(EtcdOptions options, Seams seams)
    {
        options.Check();
        return new EtcdStore(options, seams);
    }

    /// <summary>
    /// Asks these members from now on; at least one. Calls under way and watches go on: a watch of a member that is not
    /// among them moves to another, without a gap.
    /// </summary>
    public void UseEndpoints(IReadOnlyList<Uri> endpoints)
    {
        (_options with { Endpoints = endpoints }).Check();
        _cluster.UseEndpoints(endpoints);
    }

    /// <inheritdoc/>
    public async Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation)
    {
        TransactionRules.Check(transaction);
        if (transaction is { Conditions.Count: 0, Then: [Operation.Get { Limit: 0 } all] })
        {
            return await ReadAllAsync(all.Range, cancellation);
        }

        var request = _keys.Request(transaction);
        var response = await CallAsync(
            TransactionRules.IsRead(transaction),
            async (endpoint, options) => await endpoint.Kv.TxnAsync(request, options),
            e => EtcdErrors.IsLeaseNotFound(e) ? new LeaseNotFoundException(LeaseOf(transaction)) : null,
            cancellation);
        return _keys.Result(response);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<WatchBatch> WatchAsync(
        KeyRange range, Revision from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var either = Linked(cancellation);
        using var watch = new EtcdWatch(_cluster, _keys, range, from, _options.AttemptTimeout, _seams);
        while (true)
        {
            WatchBatch batch;
            try
            {
                batch = await watch.NextAsync(either.Token);
            }
            catch (OperationCanceledException) when (_closing.IsCancellationRequested)
            {
                throw StateStoreException.Closed();
            }

            yield return batch;
        }
    }

    /// <inheritdoc/>
    public async Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation)
    {
        seconds = Math.Clamp(seconds, Limits.LeaseSecondsMin, Limits.LeaseSecondsMax);
        // The number is chosen here, so that a grant whose answer was lost can be asked for again.
        var request = new LeaseGrantRequest { ID = NewLeaseNumber(), TTL = seconds };
        var attempts = 0;
        return await CallAsync(
            repeatable: true,
            async (endpoint, options) =>
            {
                attempts++;
                try
                {
                    return new LeaseId((await endpoint.Lease.LeaseGrantAsync(request, options)).ID);
                }
                catch (RpcException e) when (attempts > 1 && EtcdErrors.IsLeaseKnown(e))
                {
                    return new LeaseId(request.ID); // By an earlier attempt of this call.
                }
            },
            _ => null,
            cancellation);
    }

    /// <inheritdoc/>
    public Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation) => CallAsync(
        repeatable: true,
        async (endpoint, options) =>
        {
            using var call = endpoint.Lease.LeaseKeepAlive(options);
            await call.RequestStream.WriteAsync(
                new LeaseKeepAliveRequest { ID = lease.Value }, options.CancellationToken);
            return await call.ResponseStream.MoveNext(options.CancellationToken)
                ? call.ResponseStream.Current.TTL > 0
                : throw new RpcException(new Status(StatusCode.Unavailable, "the stream ended"));
        },
        _ => null,
        cancellation);

    /// <inheritdoc/>
    public Task RevokeLeaseAsync(LeaseId lease, CancellationToken cancellation) => CallAsync(
        repeatable: true,
        async (endpoint, options) =>
        {
            try
            {
                await endpoint.Lease.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease.Value }, options);
            }
            catch (RpcException e) when (EtcdErrors.IsLeaseNotFound(e))
            {
                // Gone already.
            }

            return true;
        },
        _ => null,
        cancellation);

    /// <summary>Ends all calls and watches; they throw <see cref="StateStoreException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            await _closing.CancelAsync();
            _cluster.Dispose();
        }
    }

    /// <summary>
    /// A range in pages, all of one revision. When etcd compacts that revision in between it begins again, and at last
    /// reads everything in one answer.
    /// </summary>
    private async Task<TransactionResult> ReadAllAsync(KeyRange range, CancellationToken cancellation)
    {
        for (var restarts = 0; ; restarts++)
        {
            var entries = new List<StateEntry>();
            var whole = restarts >= Limits.RangeRestartsMax;
            var request = _keys.Request(range, whole ? 0 : Limits.PageEntriesFirst);
            while (await ReadPageAsync(request, entries, cancellation) is { } page)
            {
                if (!page.More)
                {
                    var revision = new Revision(request.Revision > 0 ? request.Revision : page.Header.Revision);
                    return new TransactionResult(
                        Succeeded: true, revision, [new OperationResult(entries, Deleted: 0, More: false)]);
                }

                request.Revision = request.Revision > 0 ? request.Revision : page.Header.Revision;
                request.Key = _keys.Key(entries[^1].Key + '\0');
                request.Limit = PageSize(page);
            }
        }
    }

    /// <summary>Adds the next page; null when its revision was compacted.</summary>
    private async Task<RangeResponse?> ReadPageAsync(
        RangeRequest request, List<StateEntry> entries, CancellationToken cancellation)
    {
        var page = await CallAsync(
            repeatable: true,
            async (endpoint, options) =>
            {
                try
                {
                    return await endpoint.Kv.RangeAsync(request, options);
                }
                catch (RpcException e) when (EtcdErrors.IsCompacted(e))
                {
                    return null;
                }
            },
            _ => null,
            cancellation);
        foreach (var kv in page?.Kvs ?? [])
        {
            entries.Add(_keys.Entry(kv));
        }

        return page;
    }

    private static long PageSize(RangeResponse page)
    {
        var bytes = (long)page.CalculateSize();
        return Math.Clamp(page.Kvs.Count * (long)Limits.PageBytes / Math.Max(1, bytes), 1, Limits.PageEntriesMax);
    }

    private static LeaseId LeaseOf(StateTransaction transaction)
    {
        foreach (var operation in (Operation[])[.. transaction.Then, .. transaction.Else])
        {
            if (operation is Operation.Put put && put.Lease != LeaseId.None)
            {
                return put.Lease;
            }
        }

        return LeaseId.None;
    }

    private async Task<T> CallAsync<T>(
        bool repeatable, Func<EtcdEndpoint, CallOptions, Task<T>> call, Func<RpcException, Exception?> known,
        CancellationToken cancellation)
    {
        using var either = Linked(cancellation);
        try
        {
            return await _cluster.CallAsync(repeatable, call, either.Token);
        }
        catch (RpcException e)
        {
            throw known(e) ?? new TransactionRefusedException(
                EtcdErrors.Advice(e, _cluster.Options, _cluster.Current.Address), e);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException
            && _closing.IsCancellationRequested)
        {
            throw StateStoreException.Closed();
        }
    }

    private CancellationTokenSource Linked(CancellationToken cancellation)
    {
        try
        {
            ObjectDisposedException.ThrowIf(_isClosed != 0, this);
            return CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closing.Token);
        }
        catch (ObjectDisposedException)
        {
            throw StateStoreException.Closed();
        }
    }

    private long NewLeaseNumber()
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        _seams.Random.Fill(bytes);
        return Math.Max(1, BinaryPrimitives.ReadInt64LittleEndian(bytes) & long.MaxValue);
    }
}
