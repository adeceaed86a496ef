using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Coordination;

/// <summary>
/// A lease that is kept alive, and the knowledge of whether it still is: its end is counted from before each request
/// was sent, so that the owner knows it is lost no later than the store can take its keys away. A process that stood
/// still may still act on old knowledge: guard what matters with a condition or a fencing token.
/// </summary>
public sealed class LeaseKeeper : IAsyncDisposable
{
    // Clocks may differ in pace; the owner gives up a little early.
    private const int MarginPercent = 10;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly IStateStore _store;
    private readonly Seams _seams;
    private readonly long _seconds;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private long _heldUntilNs;

    private LeaseKeeper(IStateStore store, Seams seams, LeaseId lease, long seconds, long askedAtNs)
    {
        _store = store;
        _seams = seams;
        _seconds = seconds;
        Lease = lease;
        Lost = _lost.Token;
        Hold(askedAtNs);
    }

    public LeaseId Lease { get; }

    /// <summary>Cancelled when the lease must be taken for lost. It never comes back.</summary>
    public CancellationToken Lost { get; }

    /// <summary>False from the moment on at which the store may have ended the lease.</summary>
    public bool IsHeld => !_lost.IsCancellationRequested
        && _seams.Clock.MonotonicNs < Interlocked.Read(ref _heldUntilNs);

    /// <summary>Asks for a lease and keeps it until disposed. Throws <see cref="StateStoreException"/>.</summary>
    public static async Task<LeaseKeeper> GrantAsync(
        IStateStore store, Seams seams, long seconds, CancellationToken cancellation)
    {
        Invariant.Check(seconds is >= Limits.LeaseSecondsMin and <= Limits.LeaseSecondsMax);
        var askedAtNs = seams.Clock.MonotonicNs;
        var lease = await store.GrantLeaseAsync(seconds, cancellation);
        var keeper = new LeaseKeeper(store, seams, lease, seconds, askedAtNs);
        keeper._loop = keeper.KeepAsync();
        return keeper;
    }

    /// <summary>Ends the lease and its keys; without an answer of the store they end by themselves.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        _stop.Cancel(); // Not asynchronously: that would leave the loop of a simulated node.
        await _loop;
        _lost.Cancel();
        try
        {
            await _store.RevokeLeaseAsync(Lease, CancellationToken.None);
        }
        catch (StateStoreException e)
        {
            Log.Information("state", "a lease ends by itself", ("lease", Lease.Value), ("reason", e.Message));
        }
    }

    private async Task KeepAsync()
    {
        try
        {
            while (true)
            {
                await Pauses.WaitAsync(_seams.Scheduler, Math.Max(100, _seconds * 1_000 / 4), _stop.Token);
                if (!await KeepOnceAsync())
                {
                    _lost.Cancel();
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    /// <summary>False when the lease is gone or its time is over.</summary>
    private async Task<bool> KeepOnceAsync()
    {
        while (IsHeld)
        {
            var askedAtNs = _seams.Clock.MonotonicNs;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            var leftMs = Math.Max(1, (Interlocked.Read(ref _heldUntilNs) - askedAtNs) / 1_000_000);
            using var timer = _seams.Scheduler.Schedule(leftMs, limit.Cancel);
            try
            {
                if (!await _store.KeepLeaseAliveAsync(Lease, limit.Token))
                {
                    return false;
                }

                Hold(askedAtNs);
                return true;
            }
            catch (Exception e) when (e is StateStoreException or OperationCanceledException)
            {
                _stop.Token.ThrowIfCancellationRequested();
                await Pauses.WaitAsync(_seams.Scheduler, Math.Min(500, _seconds * 1_000 / 10), _stop.Token);
            }
        }

        return false;
    }

    private void Hold(long askedAtNs) => Interlocked.Exchange(
        ref _heldUntilNs, askedAtNs + (_seconds * NanosecondsPerSecond / 100 * (100 - MarginPercent)));
}
