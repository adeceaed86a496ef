using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>The state store: the keys of the set, transactions, and the lease the lead hangs on.</summary>
public sealed partial class Replica
{
    private const int RetryMs = 200;
    private const long WishPeriodMs = 1_000;

    /// <summary>Tag of a change of members that nobody waits for.</summary>
    private const ulong WishTag = ulong.MaxValue;

    private long _wishMs;

    private readonly Queue<(ulong Ticket, StateTransaction Transaction)> _transactions = []; // Guards itself and _wake.
    private TaskCompletionSource _wake = new();
    private LeaseKeeper? _keeper;
    private CancellationTokenSource? _keeperEnd; // Ends what _keeper keeps; there until the loop has posted its end.
    private bool _isLeaseGivenUp;

    private async Task FollowStoreAsync()
    {
        var view = new StateView(_setup.Store, KeyRange.Prefix(_setup.StorePrefix), _scheduler);
        view.Changed += (snapshot, _) => _scheduler.Post(() =>
        {
            if (!_isStopped)
            {
                var entries = snapshot.Entries.Values.ToList();
                _engine.StoreChanged(StoreState.From(snapshot.Revision, _setup.StorePrefix, entries), NowMs);
                Carry();
            }
        });
        try
        {
            await view.FollowAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private Task Wake
    {
        get
        {
            lock (_transactions)
            {
                return _wake.Task;
            }
        }
    }

    private void AddTransaction(ulong ticket, StateTransaction transaction)
    {
        TaskCompletionSource wake;
        lock (_transactions)
        {
            _transactions.Enqueue((ticket, transaction));
            wake = _wake;
        }

        wake.TrySetResult();
    }

    /// <summary>One after another, in the order the engine wanted them.</summary>
    private async Task RunTransactionsAsync()
    {
        try
        {
            while (true)
            {
                await Wake.WaitAsync(_stop.Token);
                await Task.Yield(); // Off the replica's scheduler.
                while (TryTakeTransaction(out var next))
                {
                    await RunTransactionAsync(next.Ticket, next.Transaction);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private bool TryTakeTransaction(out (ulong Ticket, StateTransaction Transaction) next)
    {
        lock (_transactions)
        {
            var found = _transactions.TryDequeue(out next);
            if (!found)
            {
                _wake = new TaskCompletionSource();
            }

            return found;
        }
    }

    private async Task RunTransactionAsync(ulong ticket, StateTransaction transaction)
    {
        bool? succeeded = null;
        StoreState? state = null;
        try
        {
            var result = await _setup.Store.CommitAsync(transaction, _stop.Token);
            succeeded = result.Succeeded;
            state = StoreState.From(result.Revision, _setup.StorePrefix, result.Results[^1].Entries);
        }
        catch (LeaseNotFoundException)
        {
            succeeded = false;
        }
        catch (Exception e) when (e is StateStoreException or OperationCanceledException)
        {
            // Whether it was made is not known; the engine reads again.
        }

        _scheduler.Post(() =>
        {
            if (!_isStopped)
            {
                _engine.StoreAnswered(ticket, succeeded, state, NowMs);
                Carry();
            }
        });
    }

    private async Task KeepLeaseAsync()
    {
        try
        {
            while (true)
            {
                if (await GrantAsync() is { } keeper)
                {
                    await using (keeper)
                    {
                        using var end = CancellationTokenSource.CreateLinkedTokenSource(keeper.Lost);
                        _scheduler.Post(() => UseLease(keeper, end));
                        await Pauses.UntilAsync(end.Token, _stop.Token);
                        _scheduler.Post(() => UseLease(null, null));
                    }
                }

                // Who gave the lead up for want of progress lets others come first.
                await Pauses.WaitAsync(_scheduler, _isLeaseGivenUp ? _setup.LeaseSeconds * 1_000 : RetryMs,
                    _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task<LeaseKeeper?> GrantAsync()
    {
        try
        {
            return await LeaseKeeper.GrantAsync(_setup.Store, _setup.Seams, _setup.LeaseSeconds, _stop.Token);
        }
        catch (StateStoreException)
        {
            return null;
        }
    }

    private void UseLease(LeaseKeeper? keeper, CancellationTokenSource? end)
    {
        (_keeper, _keeperEnd) = (keeper, end);
        _isLeaseGivenUp &= keeper is null;
        if (!_isStopped)
        {
            _engine.LeaseChanged(keeper?.Lease ?? LeaseId.None, NowMs);
            Carry();
        }
    }

    /// <summary>
    /// Whoever leads brings the members in line with what an administrator has written down, by a joint change; when
    /// the lead goes over meanwhile, the next leader does.
    /// </summary>
    private void FollowWish()
    {
        if (!_engine.IsServing || NowMs - _wishMs < WishPeriodMs
            || _engine is not { Wanted: { } wanted, Configuration: { Pending: null } now } || wanted.IsSameAs(now))
        {
            return;
        }

        _wishMs = NowMs;
        Log.Information(
            "replica", "the members change", ("set", _setup.StorePrefix), ("members", now.Members.Count),
            ("wanted", wanted.Members.Count), ("epoch", now.Epoch + 1));
        _engine.ChangeMembers(WishTag, wanted with { Epoch = now.Epoch + 1, Pending = null }, NowMs);
        Carry();
    }

    /// <summary>
    /// A leader that makes no progress ends its lease, so that the others need not wait for it to run out; and so does
    /// a replica that has failed.
    /// </summary>
    private void MaybeGiveLeaseUp()
    {
        if (_keeper is not null && !_isLeaseGivenUp && !_engine.MayKeepLease(NowMs))
        {
            _isLeaseGivenUp = true;
            if (_engine.Role != ReplicaRole.Failed)
            {
                Log.Warning("replica", "the lead is given up: no progress", ("set", _setup.StorePrefix),
                    ("member", Self));
            }

            EndLease();
        }
    }

    private void EndLease()
    {
        try
        {
            _keeperEnd?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just been lost: the loop is on its way.
        }
    }
}
