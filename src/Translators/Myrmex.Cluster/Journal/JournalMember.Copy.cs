using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>While the store is made anew from a copy, nothing is applied to it.</summary>
public sealed partial class JournalMember
{
    private readonly List<Action> _suspended = [];
    private bool _isSuspended;
    private int _applying; // Entries that are being applied, by the loop and by who waits for them.

    /// <summary>Everything up to <see cref="AppliedIndex"/> is in the store and stays there.</summary>
    internal bool IsCopyable
    {
        get
        {
            lock (_lock)
            {
                return _failure == Errno.Ok && !_isSuspended && !_isReplaying;
            }
        }
    }

    private bool IsSuspended
    {
        get
        {
            lock (_lock)
            {
                return _isSuspended;
            }
        }
    }

    /// <summary>
    /// Applies nothing more until <see cref="GoOnAfter"/>. Calls back, on any thread, when the last entry is through.
    /// </summary>
    internal void Suspend(Action suspended)
    {
        lock (_lock)
        {
            _isSuspended = true;
            _ = Interlocked.Increment(ref _storeLife);
            if (_applying > 0)
            {
                _suspended.Add(suspended);
                suspended = static () => { };
            }
        }

        // What clients have open here since this member led would keep files that the copy makes anew.
        Hanging?.Invoke();
        suspended();
        _wake.Set(); // Who waits for a checkpoint gets none.
    }

    /// <summary>
    /// The store holds exactly everything up to an entry, by other means. Who waits for one that was accepted here does
    /// not learn what became of it.
    /// </summary>
    internal void GoOnAfter(JournalIndex index, JournalIndex elidedThrough)
    {
        lock (_lock)
        {
            while (_queue.TryDequeue(out var entry))
            {
                entry.Data.Release();
            }

            _ahead.Clear();
            _window = ReplayWindow.Empty;
            _isReplaying = false;
            _applied = index.Value;
            _horizon = elidedThrough.Value;
            _touches.MarkAll(index);
            _failure = Errno.Ok;
            _isSuspended = false;
            Publish();
        }

        LeaveAll();
        _wake.Set();
    }

    private void EndApplying()
    {
        List<Action> ready = [];
        lock (_lock)
        {
            if (--_applying == 0 && _isSuspended)
            {
                ready.AddRange(_suspended);
                _suspended.Clear();
            }
        }

        foreach (var action in ready)
        {
            action();
        }
    }
}
