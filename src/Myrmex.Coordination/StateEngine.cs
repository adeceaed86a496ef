using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Coordination;

/// <summary>What a transaction will do; nothing has happened yet.</summary>
internal sealed record PreparedCommit(
    TransactionResult Result, IReadOnlyList<StateChange> Changes, IReadOnlyList<LeaseId> EndedLeases);

/// <summary>A granted lease.</summary>
internal sealed record LeaseGrant(LeaseId Id, long Seconds)
{
    public long DeadlineNs { get; set; }
}

/// <summary>
/// The semantics of the store as a pure state machine: <c>Prepare</c> computes, <c>Apply</c> takes effect. Between the
/// two the owner makes the changes durable. Not thread-safe; the owner locks.
/// Invariants: entries are sorted by key; every entry's Modified is at most <see cref="Revision"/>; history holds the
/// changes of every revision from <see cref="OldestKept"/> on, in order.
/// </summary>
internal sealed class StateEngine(int historyRevisionsMax)
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly List<StateEntry> _entries = [];
    private readonly List<WatchBatch> _history = [];
    private readonly Dictionary<LeaseId, LeaseGrant> _leases = [];

    public Revision Revision { get; private set; }

    /// <summary>The oldest revision whose changes are kept; the next one when none are.</summary>
    public Revision OldestKept => _history.Count > 0 ? _history[0].Revision : Revision.Next;

    public LeaseId LastLease { get; private set; }

    /// <summary>Takes back what was kept on disk: entries in key order, history in revision order.</summary>
    public void Restore(
        Revision revision, IEnumerable<StateEntry> entries, IEnumerable<WatchBatch> history,
        IEnumerable<LeaseGrant> leases, LeaseId lastLease, long nowNs)
    {
        Revision = revision;
        _entries.AddRange(entries);
        _history.AddRange(history);
        LastLease = lastLease;
        foreach (var lease in leases)
        {
            AddLease(lease, nowNs);
        }
    }

    public PreparedCommit Prepare(StateTransaction transaction)
    {
        TransactionRules.Check(transaction);
        var succeeded = true;
        foreach (var condition in transaction.Conditions)
        {
            succeeded &= Holds(condition);
        }

        var staged = new SortedDictionary<string, StateChange>(StringComparer.Ordinal);
        var results = new List<OperationResult>();
        foreach (var operation in succeeded ? transaction.Then : transaction.Else)
        {
            results.Add(Stage(operation, staged));
        }

        var revision = staged.Count > 0 ? Revision.Next : Revision;
        return new PreparedCommit(
            new TransactionResult(succeeded, revision, results), [.. staged.Values], EndedLeases: []);
    }

    /// <summary>The end of <paramref name="leases"/> and of all their keys, in one revision.</summary>
    public PreparedCommit PrepareEnd(IReadOnlyList<LeaseId> leases)
    {
        var changes = new List<StateChange>();
        foreach (var entry in _entries)
        {
            if (entry.Lease != LeaseId.None && Contains(leases, entry.Lease))
            {
                changes.Add(Deletion(entry.Key));
            }
        }

        var revision = changes.Count > 0 ? Revision.Next : Revision;
        return new PreparedCommit(new TransactionResult(Succeeded: true, revision, []), changes, leases);
    }

    public void Apply(PreparedCommit commit)
    {
        foreach (var lease in commit.EndedLeases)
        {
            _leases.Remove(lease);
        }

        if (commit.Changes.Count == 0)
        {
            return;
        }

        Invariant.Check(commit.Result.Revision == Revision.Next);
        Revision = commit.Result.Revision;
        foreach (var change in commit.Changes)
        {
            Apply(change);
        }

        _history.Add(new WatchBatch(Revision, commit.Changes));
        if (_history.Count > historyRevisionsMax)
        {
            // Trimmed in steps, so that the cost of moving the rest is spread over many commits.
            _history.RemoveRange(0, _history.Count - (historyRevisionsMax * 3 / 4));
        }
    }

    /// <summary>Forgets the changes of all revisions up to now.</summary>
    public void Compact() => _history.Clear();

    /// <summary>All leases have their full time again.</summary>
    public void RenewLeases(long nowNs)
    {
        foreach (var lease in _leases.Values)
        {
            lease.DeadlineNs = nowNs + (lease.Seconds * NanosecondsPerSecond);
        }
    }

    public LeaseGrant NewLease(long seconds) =>
        new(new LeaseId(LastLease.Value + 1), Math.Clamp(seconds, Limits.LeaseSecondsMin, Limits.LeaseSecondsMax));

    public void AddLease(LeaseGrant lease, long nowNs)
    {
        lease.DeadlineNs = nowNs + (lease.Seconds * NanosecondsPerSecond);
        _leases[lease.Id] = lease;
        LastLease = lease.Id.Value > LastLease.Value ? lease.Id : LastLease;
    }

    public bool KeepAlive(LeaseId id, long nowNs)
    {
        if (!_leases.TryGetValue(id, out var lease))
        {
            return false;
        }

        AddLease(lease, nowNs);
        return true;
    }

    public bool HasLease(LeaseId id) => _leases.ContainsKey(id);

    /// <summary>Leases whose time is over, oldest first.</summary>
    public IReadOnlyList<LeaseId> DueLeases(long nowNs)
    {
        List<LeaseId>? due = null;
        foreach (var lease in _leases.Values)
        {
            if (lease.DeadlineNs <= nowNs)
            {
                (due ??= []).Add(lease.Id);
            }
        }

        due?.Sort((left, right) => left.Value.CompareTo(right.Value));
        return due ?? (IReadOnlyList<LeaseId>)[];
    }

    /// <summary>
    /// The first kept batch at or after <paramref name="from"/> that touches <paramref name="range"/>; null when there
    /// is none yet, and then <paramref name="next"/> is where to go on.
    /// </summary>
    public WatchBatch? NextBatch(KeyRange range, Revision from, out Revision next)
    {
        if (from < OldestKept)
        {
            throw new RevisionCompactedException(OldestKept);
        }

        // History has every revision, so that the place of one is its distance to the first.
        for (var i = (int)(from.Value - OldestKept.Value); i < _history.Count; i++)
        {
            var matching = Matching(_history[i], range);
            if (matching is not null)
            {
                next = matching.Revision.Next;
                return matching;
            }
        }

        next = from > Revision ? from : Revision.Next;
        return null;
    }

    private static WatchBatch? Matching(WatchBatch batch, KeyRange range)
    {
        List<StateChange>? changes = null;
        foreach (var change in batch.Changes)
        {
            if (range.Contains(change.Entry.Key))
            {
                (changes ??= []).Add(change);
            }
        }

        return changes is null ? null : new WatchBatch(batch.Revision, changes);
    }

    private static bool Contains(IReadOnlyList<LeaseId> leases, LeaseId lease)
    {
        for (var i = 0; i < leases.Count; i++)
        {
            if (leases[i] == lease)
            {
                return true;
            }
        }

        return false;
    }

    private bool Holds(Condition condition)
    {
        var entry = Find(condition.Key);
        if (entry is null && condition.Target == ConditionTarget.Value)
        {
            return false; // As in etcd: a missing key has no value to compare with.
        }

        var order = condition.Target switch
        {
            ConditionTarget.Created => (entry?.Created.Value ?? 0).CompareTo(condition.Number),
            ConditionTarget.Modified => (entry?.Modified.Value ?? 0).CompareTo(condition.Number),
            ConditionTarget.Version => (entry?.Version ?? 0).CompareTo(condition.Number),
            ConditionTarget.Lease => (entry?.Lease.Value ?? 0).CompareTo(condition.Number),
            _ => (entry?.Value ?? default).Span.SequenceCompareTo(condition.Value.Span),
        };
        return condition.Operator switch
        {
            ConditionOperator.Equal => order == 0,
            ConditionOperator.NotEqual => order != 0,
            ConditionOperator.Less => order < 0,
            _ => order > 0,
        };
    }

    private OperationResult Stage(Operation operation, SortedDictionary<string, StateChange> staged)
    {
        switch (operation)
        {
            case Operation.Put put:
                StagePut(put, staged);
                return new OperationResult([], Deleted: 0, More: false);
            case Operation.Delete delete:
                return new OperationResult([], StageDelete(delete.Range, staged), More: false);
            case Operation.Get get:
                var visible = Visible(get.Range, staged);
                var more = get.Limit > 0 && visible.Count > get.Limit;
                return new OperationResult(more ? visible.GetRange(0, get.Limit) : visible, Deleted: 0, more);
            default:
                throw new InvariantException($"unknown operation {operation}");
        }
    }

    private void StagePut(Operation.Put put, SortedDictionary<string, StateChange> staged)
    {
        if (put.Lease != LeaseId.None && !HasLease(put.Lease))
        {
            throw new LeaseNotFoundException(put.Lease);
        }

        var former = Find(put.Key);
        var created = former?.Created ?? Revision.Next;
        var version = (former?.Version ?? 0) + 1;
        // Copied: the caller may reuse its bytes.
        var entry = new StateEntry(put.Key, put.Value.ToArray(), created, Revision.Next, version, put.Lease);
        StageChange(new StateChange(ChangeKind.Put, entry), staged);
    }

    private long StageDelete(KeyRange range, SortedDictionary<string, StateChange> staged)
    {
        var visible = Visible(range, staged);
        foreach (var entry in visible)
        {
            StageChange(Deletion(entry.Key), staged);
        }

        return visible.Count;
    }

    private static void StageChange(StateChange change, SortedDictionary<string, StateChange> staged)
    {
        var isNew = staged.TryAdd(change.Entry.Key, change);
        Invariant.Check(isNew); // The rules of transactions say so.
    }

    private StateChange Deletion(string key) =>
        new(ChangeKind.Delete, new StateEntry(key, default, Revision.None, Revision.Next, 0, LeaseId.None));

    private List<StateEntry> Visible(KeyRange range, SortedDictionary<string, StateChange> staged)
    {
        var visible = new List<StateEntry>();
        for (var i = IndexOf(range.Start, out _); i < _entries.Count && range.Contains(_entries[i].Key); i++)
        {
            if (!staged.ContainsKey(_entries[i].Key))
            {
                visible.Add(_entries[i]);
            }
        }

        var count = visible.Count;
        foreach (var change in staged.Values)
        {
            if (change.Kind == ChangeKind.Put && range.Contains(change.Entry.Key))
            {
                visible.Add(change.Entry);
            }
        }

        if (visible.Count > count)
        {
            visible.Sort((left, right) => string.CompareOrdinal(left.Key, right.Key));
        }

        return visible;
    }

    private void Apply(StateChange change)
    {
        var index = IndexOf(change.Entry.Key, out var found);
        if (change.Kind == ChangeKind.Put && found)
        {
            _entries[index] = change.Entry;
        }
        else if (change.Kind == ChangeKind.Put)
        {
            _entries.Insert(index, change.Entry);
        }
        else
        {
            Invariant.Check(found);
            _entries.RemoveAt(index);
        }
    }

    private StateEntry? Find(string key)
    {
        var index = IndexOf(key, out var found);
        return found ? _entries[index] : null;
    }

    /// <summary>Place of the key, or where it would be.</summary>
    private int IndexOf(string key, out bool found)
    {
        var low = 0;
        var high = _entries.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (string.CompareOrdinal(_entries[middle].Key, key) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        found = low < _entries.Count && string.Equals(_entries[low].Key, key, StringComparison.Ordinal);
        return low;
    }
}
