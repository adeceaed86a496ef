using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Coordination;

/// <summary>
/// One of many leads, in the order in which they asked. Each candidate has a key <c>NAME/LEASE</c> below its lease; the
/// one made first leads until it goes. The revision at which the leader's key was made is its fencing token: a later
/// leader has a larger one. Works as a lock as well. Source: the election recipe of etcd's concurrency package.
/// </summary>
public sealed class Election(IStateStore store, Seams seams, string name)
{
    private const long RetryMs = 500;

    private string Candidates => name + "/";

    /// <summary>
    /// Waits until this candidate leads. Throws <see cref="StateStoreException"/> when the lease could not be had, and
    /// <see cref="LeaseNotFoundException"/> when it was lost while waiting.
    /// </summary>
    /// <param name="value">Who leads, for others to read.</param>
    /// <param name="leaseSeconds">How long the others wait after the leader was last heard of.</param>
    public async Task<Leadership> CampaignAsync(
        ReadOnlyMemory<byte> value, long leaseSeconds, CancellationToken cancellation)
    {
        var keeper = await LeaseKeeper.GrantAsync(store, seams, leaseSeconds, cancellation);
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, keeper.Lost);
            var key = Candidates + keeper.Lease.Value.ToString("x16", CultureInfo.InvariantCulture);
            var token = await StandAsync(key, value, keeper, either.Token);
            await WaitForPredecessorsAsync(key, token, either.Token);
            return new Leadership(store, keeper, key, token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            await keeper.DisposeAsync();
            throw new LeaseNotFoundException(keeper.Lease);
        }
        catch
        {
            await keeper.DisposeAsync();
            throw;
        }
    }

    /// <summary>The key of the one who leads, or null when nobody does.</summary>
    public async Task<StateEntry?> LeaderAsync(CancellationToken cancellation)
    {
        StateEntry? leader = null;
        foreach (var entry in await store.RangeAsync(KeyRange.Prefix(Candidates), cancellation))
        {
            leader = leader is null || entry.Created < leader.Created ? entry : leader;
        }

        return leader;
    }

    /// <summary>
    /// Makes the candidate's key. It has the lease in its name, so nobody else makes it: trying again after a lost
    /// answer does no harm.
    /// </summary>
    private async Task<Revision> StandAsync(
        string key, ReadOnlyMemory<byte> value, LeaseKeeper keeper, CancellationToken cancellation)
    {
        var stand = new StateTransaction(
            [Condition.Missing(key)], [new Operation.Put(key, value, keeper.Lease)],
            [new Operation.Get(KeyRange.Single(key), Limit: 0)]);
        while (true)
        {
            try
            {
                var result = await store.CommitAsync(stand, cancellation);
                return result.Succeeded ? result.Revision : result.Results[0].Entries[0].Created;
            }
            catch (StateStoreException)
            {
                await Pauses.WaitAsync(seams.Scheduler, RetryMs, cancellation);
            }
        }
    }

    private async Task WaitForPredecessorsAsync(string key, Revision token, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var result = await store.CommitAsync(
                    StateTransaction.Always(new Operation.Get(KeyRange.Prefix(Candidates), Limit: 0)), cancellation);
                var entries = result.Results[0].Entries;
                if (!IsAmong(entries, key, token))
                {
                    throw new OperationCanceledException("the candidate's key is gone");
                }

                if (Before(entries, token) is not { } predecessor)
                {
                    return;
                }

                await GoneAsync(predecessor.Key, result.Revision.Next, cancellation);
            }
            catch (Exception e) when (e is StateStoreException or RevisionCompactedException)
            {
                await Pauses.WaitAsync(seams.Scheduler, RetryMs, cancellation);
            }
        }
    }

    private static bool IsAmong(IReadOnlyList<StateEntry> entries, string key, Revision created)
    {
        foreach (var entry in entries)
        {
            if (entry.Key == key && entry.Created == created)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The candidate right before; waiting for it alone, not all wake when the leader goes.</summary>
    private static StateEntry? Before(IReadOnlyList<StateEntry> entries, Revision token)
    {
        StateEntry? before = null;
        foreach (var entry in entries)
        {
            if (entry.Created < token && (before is null || entry.Created > before.Created))
            {
                before = entry;
            }
        }

        return before;
    }

    private async Task GoneAsync(string key, Revision from, CancellationToken cancellation)
    {
        await foreach (var batch in store.WatchAsync(KeyRange.Single(key), from, cancellation))
        {
            if (batch.Changes[^1].Kind == ChangeKind.Delete)
            {
                return;
            }
        }
    }
}

/// <summary>Leading, until it is lost or given back.</summary>
public sealed class Leadership : IAsyncDisposable
{
    private readonly IStateStore _store;
    private readonly LeaseKeeper _keeper;

    internal Leadership(IStateStore store, LeaseKeeper keeper, string key, Revision token)
    {
        _store = store;
        _keeper = keeper;
        Key = key;
        Token = token;
    }

    public string Key { get; }

    /// <summary>
    /// Larger than that of every leader before. Who is told to do something refuses it from a leader with a smaller
    /// token than one he has seen.
    /// </summary>
    public Revision Token { get; }

    /// <summary>
    /// Holds while this one leads. As a condition of a transaction it makes sure that nobody else leads at that moment.
    /// </summary>
    public Condition StillLeads => Condition.CreatedAt(Key, Token);

    /// <summary>Cancelled when the lead must be taken for lost.</summary>
    public CancellationToken Lost => _keeper.Lost;

    /// <summary>False from the moment on at which someone else may lead.</summary>
    public bool IsHeld => _keeper.IsHeld;

    /// <summary>Takes a transaction only while this one leads; not succeeded when not.</summary>
    public Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation) =>
        _store.CommitAsync(
            transaction with { Conditions = [StillLeads, .. transaction.Conditions] }, cancellation);

    /// <summary>Gives the lead back; the next candidate leads.</summary>
    public ValueTask DisposeAsync() => _keeper.DisposeAsync();
}
