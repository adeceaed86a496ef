using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Coordination;

/// <summary>How one key of a view changed.</summary>
/// <param name="Before">Null when it was not there.</param>
/// <param name="After">Null when it is gone.</param>
public sealed record StateViewChange(string Key, StateEntry? Before, StateEntry? After);

/// <summary>A view at one revision.</summary>
public sealed record StateSnapshot(Revision Revision, ImmutableSortedDictionary<string, StateEntry> Entries);

/// <summary>
/// A range of the store in memory, kept in step: read once, then watched; read again when the watch has missed changes
/// (compaction) or the store failed. <see cref="Current"/> is always the whole range as of one revision and never goes
/// back; only with another store, whose revisions are other numbers, may the number be smaller. After a second reading,
/// changes in between are told as one: a key that went and came back is one change.
/// One <see cref="FollowAsync"/> at a time; everything else may be called from any thread.
/// </summary>
public sealed class StateView(IStateStore store, KeyRange range, IScheduler scheduler)
{
    private const long RetryMs = 500;

    // A revision that changed nothing in the range is not told by the watch: who waits for it has the range read again.
    private const long ReachPatienceMs = 300;

    private readonly Lock _lock = new(); // Guards the fields below; a leaf lock.
    private StateSnapshot _current = new(
        Revision.None, ImmutableSortedDictionary.Create<string, StateEntry>(StringComparer.Ordinal));
    private Revision _told; // Of the last snapshot that the handlers of Changed have seen.
    private TaskCompletionSource _moved = NewSignal();
    private CancellationTokenSource? _reread;

    /// <summary>
    /// Raised by the follower, one revision after the other, when <see cref="Current"/> shows the change; the next is
    /// raised when all handlers have returned.
    /// </summary>
    public event Action<StateSnapshot, IReadOnlyList<StateViewChange>>? Changed;

    public StateSnapshot Current
    {
        get
        {
            lock (_lock)
            {
                return _current;
            }
        }
    }

    public StateEntry? Find(string key) => Current.Entries.GetValueOrDefault(key);

    /// <summary>
    /// Reads the range; call once before use, when there must be something to see before following begins. Throws
    /// <see cref="StateStoreException"/>.
    /// </summary>
    public Task LoadAsync(CancellationToken cancellation) => ReadAsync(mayBeOther: false, cancellation);

    /// <summary>Keeps the view in step until it is cancelled.</summary>
    public async Task FollowAsync(CancellationToken cancellation)
    {
        while (true)
        {
            using var reread = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            lock (_lock)
            {
                _reread = reread;
            }

            try
            {
                if (Current.Revision == Revision.None)
                {
                    await LoadAsync(cancellation);
                }

                await WatchAsync(Current.Revision.Next, reread.Token);
            }
            catch (RevisionCompactedException e)
            {
                Log.Information("state", "history is compacted, reading again", ("range", range), ("oldest", e.Oldest));
                await ReloadAsync(cancellation);
            }
            catch (StateStoreException e)
            {
                Log.Warning("state", "the store cannot be followed", ("range", range), ("reason", e.Message));
                await Pauses.WaitAsync(scheduler, RetryMs, cancellation);
                await ReloadAsync(cancellation);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                await ReloadAsync(cancellation);
            }
            finally
            {
                lock (_lock)
                {
                    _reread = null;
                }
            }
        }
    }

    /// <summary>
    /// Ends when the view shows at least <paramref name="revision"/> and the handlers of <see cref="Changed"/> have
    /// returned; someone must follow meanwhile. Not to be awaited by a handler.
    /// </summary>
    public async Task<StateSnapshot> ReachAsync(Revision revision, CancellationToken cancellation)
    {
        while (true)
        {
            Task moved;
            lock (_lock)
            {
                if (_told >= revision)
                {
                    return _current;
                }

                moved = _moved.Task;
            }

            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var over = Pauses.WaitAsync(scheduler, ReachPatienceMs, patience.Token);
            var first = await Task.WhenAny(moved, over);
            await Task.Yield();
            cancellation.ThrowIfCancellationRequested();
            patience.Cancel(); // Not asynchronously: that would leave the loop of a simulated node.
            if (first == over)
            {
                Reread();
            }
        }
    }

    // Completed in place, see Pauses; those who wait yield first.
    private static TaskCompletionSource NewSignal() => new();

    private static List<StateViewChange> Difference(
        ImmutableSortedDictionary<string, StateEntry> before, ImmutableSortedDictionary<string, StateEntry> after)
    {
        var changes = new List<StateViewChange>();
        foreach (var (key, old) in before)
        {
            if (!after.TryGetValue(key, out var now))
            {
                changes.Add(new StateViewChange(key, old, null));
            }
            else if (now.Modified != old.Modified || !now.Value.Span.SequenceEqual(old.Value.Span))
            {
                changes.Add(new StateViewChange(key, old, now));
            }
        }

        foreach (var (key, now) in after)
        {
            if (!before.ContainsKey(key))
            {
                changes.Add(new StateViewChange(key, null, now));
            }
        }

        changes.Sort((left, right) => string.CompareOrdinal(left.Key, right.Key));
        return changes;
    }

    private async Task ReadAsync(bool mayBeOther, CancellationToken cancellation)
    {
        var result = await store.CommitAsync(
            StateTransaction.Always(new Operation.Get(range, Limit: 0)), cancellation);
        var read = ImmutableSortedDictionary.CreateBuilder<string, StateEntry>(StringComparer.Ordinal);
        foreach (var entry in result.Results[0].Entries)
        {
            read.Add(entry.Key, entry);
        }

        var before = Current;
        if (mayBeOther || result.Revision >= before.Revision)
        {
            var entries = read.ToImmutable();
            Publish(new StateSnapshot(result.Revision, entries), Difference(before.Entries, entries));
        }
    }

    private async Task WatchAsync(Revision from, CancellationToken cancellation)
    {
        await foreach (var batch in store.WatchAsync(range, from, cancellation))
        {
            var before = Current;
            if (batch.Revision <= before.Revision)
            {
                continue;
            }

            var entries = before.Entries.ToBuilder();
            var changes = new List<StateViewChange>();
            foreach (var change in batch.Changes)
            {
                var old = entries.GetValueOrDefault(change.Entry.Key);
                var now = change.Kind == ChangeKind.Put ? change.Entry : null;
                changes.Add(new StateViewChange(change.Entry.Key, old, now));
                if (now is null)
                {
                    entries.Remove(change.Entry.Key);
                }
                else
                {
                    entries[change.Entry.Key] = now;
                }
            }

            Publish(new StateSnapshot(batch.Revision, entries.ToImmutable()), changes);
        }
    }

    /// <summary>Reads until it works.</summary>
    private async Task ReloadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                // Nothing else brings news meanwhile, and a read sees all that was seen before: when the revision is
                // smaller it is that of another store.
                await ReadAsync(mayBeOther: true, cancellation);
                return;
            }
            catch (StateStoreException e)
            {
                Log.Warning("state", "the store cannot be read", ("range", range), ("reason", e.Message));
                await Pauses.WaitAsync(scheduler, RetryMs, cancellation);
            }
        }
    }

    private void Publish(StateSnapshot snapshot, IReadOnlyList<StateViewChange> changes)
    {
        lock (_lock)
        {
            _current = snapshot;
        }

        if (changes.Count > 0)
        {
            Changed?.Invoke(snapshot, changes);
        }

        TaskCompletionSource moved;
        lock (_lock)
        {
            _told = snapshot.Revision;
            moved = _moved;
            _moved = NewSignal();
        }

        moved.SetResult();
    }

    private void Reread()
    {
        CancellationTokenSource? reread;
        lock (_lock)
        {
            reread = _reread;
            _reread = null;
        }

        try
        {
            reread?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The follower has moved on by itself.
        }
    }
}
