using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Who may go on: operations enter in order with their keys, and one is ready when every earlier one with a conflicting
/// key has left, those that still wait as well as those under way (else the third would overtake the second while the
/// first is at work). The same class orders the applying of committed entries on a replica and the evaluation of fops
/// on a leader. A pure state machine for one thread at a time; who uses it from many guards it.
/// </summary>
public sealed class PendingOperations
{
    private const int SparesMax = 256;
    private const int SpareHoldersMax = 64;

    private readonly Dictionary<ulong, Operation> _operations = [];
    private readonly Dictionary<(ConflictKind, Gfid, Name), List<Holder>> _points = [];
    private readonly Dictionary<Gfid, List<Holder>> _ranges = [];
    private readonly Stack<Operation> _spareOperations = [];
    private readonly Stack<List<Holder>> _spareHolders = []; // Empty ones.
    private ulong _last;

    /// <summary>Operations that have entered and not left.</summary>
    public int Count => _operations.Count;

    /// <summary>No more may enter until one leaves.</summary>
    public bool IsFull => _operations.Count >= JournalLimits.PendingMax;

    /// <summary>
    /// Takes an operation in, behind all others. The keys are the caller's and must not change until it leaves.
    /// </summary>
    /// <param name="isReady">It may go on now; otherwise a later <see cref="Leave"/> names it.</param>
    /// <returns>Its number, larger than all before.</returns>
    public ulong Enter(IReadOnlyList<ConflictKey> keys, out bool isReady)
    {
        Invariant.Check(!IsFull);
        var operation = _spareOperations.TryPop(out var spare) ? spare : new Operation();
        operation.Begin(++_last, keys);
        _operations.Add(operation.Number, operation);
        for (var i = 0; i < keys.Count; i++)
        {
            var key = keys[i];
            var holders = HoldersOf(in key);
            foreach (var holder in holders)
            {
                // A blocker may be met by several keys; it is counted once.
                if (holder.Operation != operation && holder.Key.ConflictsWith(in key)
                    && (holder.Operation.Blocked.Count == 0 || holder.Operation.Blocked[^1] != operation.Number))
                {
                    holder.Operation.Blocked.Add(operation.Number);
                    operation.Blockers++;
                }
            }

            holders.Add(new Holder(operation, key));
        }

        isReady = operation.Blockers == 0;
        return operation.Number;
    }

    /// <summary>Lets an operation go and adds the numbers of those that are ready now, lowest first.</summary>
    public void Leave(ulong number, List<ulong> ready)
    {
        Invariant.Check(_operations.Remove(number, out var operation));
        var keys = operation!.Keys; // Checked above.
        for (var i = 0; i < keys.Count; i++)
        {
            Release(operation, keys[i]);
        }

        foreach (var blocked in operation.Blocked)
        {
            // One that has given up is not there any more.
            if (_operations.TryGetValue(blocked, out var waiting) && --waiting.Blockers == 0)
            {
                ready.Add(blocked);
            }
        }

        operation.End();
        if (_spareOperations.Count < SparesMax)
        {
            _spareOperations.Push(operation);
        }
    }

    /// <summary>Whether an operation that is in may go on.</summary>
    public bool IsReady(ulong number) => _operations.TryGetValue(number, out var operation) && operation.Blockers == 0;

    private List<Holder> HoldersOf(in ConflictKey key)
    {
        List<Holder>? holders;
        if (key.Kind == ConflictKind.Data)
        {
            if (!_ranges.TryGetValue(key.Gfid, out holders))
            {
                _ranges.Add(key.Gfid, holders = NewHolders());
            }
        }
        else if (!_points.TryGetValue((key.Kind, key.Gfid, key.Name), out holders))
        {
            _points.Add((key.Kind, key.Gfid, key.Name), holders = NewHolders());
        }

        return holders;
    }

    private void Release(Operation operation, in ConflictKey key)
    {
        var holders = HoldersOf(in key);
        for (var i = holders.Count - 1; i >= 0; i--)
        {
            if (holders[i].Operation == operation)
            {
                holders.RemoveAt(i);
            }
        }

        if (holders.Count == 0)
        {
            _ = key.Kind == ConflictKind.Data
                ? _ranges.Remove(key.Gfid)
                : _points.Remove((key.Kind, key.Gfid, key.Name));
            if (_spareHolders.Count < SparesMax && holders.Capacity <= SpareHoldersMax)
            {
                _spareHolders.Push(holders);
            }
        }
    }

    private List<Holder> NewHolders() => _spareHolders.TryPop(out var holders) ? holders : [];

    private sealed class Operation
    {
        public ulong Number { get; private set; }

        public IReadOnlyList<ConflictKey> Keys { get; private set; } = [];

        /// <summary>Earlier operations that have not left.</summary>
        public int Blockers { get; set; }

        /// <summary>Later operations that wait for this one, in the order they came.</summary>
        public List<ulong> Blocked { get; } = [];

        public void Begin(ulong number, IReadOnlyList<ConflictKey> keys) =>
            (Number, Keys, Blockers) = (number, keys, 0);

        public void End()
        {
            Keys = [];
            Blocked.Clear();
        }
    }

    private readonly record struct Holder(Operation Operation, ConflictKey Key);
}
