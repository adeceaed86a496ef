using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

/// <summary>Something happened that must not.</summary>
internal sealed class WorldViolationException(string message) : Exception(message);

/// <summary>
/// Watches a whole simulated world, which no replica can, and knows what was ever committed. The numbers I1 to I11 are
/// those of the invariants in the README of the engine.
/// </summary>
internal sealed class WorldChecker
{
    private readonly Dictionary<ulong, (int Node, int Life)> _owners = [];
    private readonly List<Chosen> _chosen = [];
    private readonly Dictionary<(UInt128 Session, ulong Sequence, uint Step), ulong> _effects = [];
    private readonly List<(UInt128 Session, ulong Sequence, ulong Index)> _answered = [];
    private readonly HashSet<(UInt128 Session, ulong Sequence)> _never = [];
    private readonly Dictionary<uint, List<HistoryOperation>> _histories = [];
    private readonly HashSet<(ulong Index, UInt128 Chain)> _lost = []; // Committed in memory, and gone with it.
    private Term _goneOn; // The last term that began with what all had left.
    private ulong _durableFloor;

    public int Activations => _owners.Count;

    public int Committed => _chosen.Count;

    /// <summary>Everything in memory was lost at least once: what clients were told of it no longer binds.</summary>
    public bool HasLost { get; private set; }

    public static void Fail(string message) => throw new WorldViolationException(message);

    /// <summary>I1 and I3: a term has one leader, and its journal has all that was committed before.</summary>
    public void Activated(WorldNode node)
    {
        var engine = node.Engine!;
        var term = engine.Term;
        if (_owners.TryGetValue(term.Value, out var owner) && owner != (node.Number, node.Life))
        {
            Fail($"I1: term {term} has two leaders, {owner.Node} and {node.Number}");
        }

        _owners[term.Value] = (node.Number, node.Life);
        var last = _chosen.Count;
        while (last > 0 && _chosen[last - 1].CommitTerm >= term)
        {
            last--;
        }

        var index = new JournalIndex((ulong)last);
        if (last > 0 && (engine.Last < index
            || (engine.Log.Knows(index) && engine.Log.ChainAt(index) != _chosen[last - 1].Chain)))
        {
            Fail($"I3: the leader {node.Number} of term {term} lacks entry {index}, "
                + $"committed in term {_chosen[last - 1].CommitTerm}");
        }
    }

    /// <summary>I2, I5, I6: one sequence of committed entries, in which no operation is twice.</summary>
    public void Takes(WorldNode node, JournalEntry entry)
    {
        if (node.Engine!.Promised < _goneOn && _lost.Contains((entry.Index.Value, entry.Header.Chain)))
        {
            return; // It has not heard yet that the others went on from less. Its store is made anew when it does.
        }

        var place = (int)entry.Index.Value - 1;
        if (place > _chosen.Count)
        {
            Fail($"I2: {node.Number} commits entry {entry.Index}, and nobody committed the one before");
        }

        if (place < _chosen.Count)
        {
            if (_chosen[place].Chain != entry.Header.Chain)
            {
                Fail($"I2: {node.Number} commits another entry {entry.Index} "
                    + $"(term {entry.Term}) than was committed in term "
                    + $"{_chosen[place].CommitTerm}");
            }

            return;
        }

        _chosen.Add(new Chosen(entry.Header.Chain, node.Engine!.Term, entry));
        var header = entry.Header;
        if (header.Kind is EntryKind.Operation or EntryKind.Lock && header.Session != 0)
        {
            if (!_effects.TryAdd((header.Session, header.Sequence, header.Step), entry.Index.Value))
            {
                Fail($"I5: operation {header.Sequence} takes effect twice, at {entry.Index} again");
            }

            if (_never.Contains((header.Session, header.Sequence)))
            {
                Fail($"I6: operation {header.Sequence} was refused for good and took effect at {entry.Index}");
            }
        }
    }

    /// <summary>
    /// A store that may be read holds what the entries up to its own make, though some came without their bytes.
    /// </summary>
    public void Holds(WorldNode node, JournalEntry entry)
    {
        var place = (int)entry.Index.Value - 1;
        if (entry.Index < node.Engine!.ElidedThrough || place >= _chosen.Count
            || _chosen[place].Chain != entry.Header.Chain)
        {
            return; // Also what all had in memory and lost: the store is made anew.
        }

        var values = new Dictionary<uint, ulong>();
        for (var i = 0; i <= place; i++)
        {
            if (_chosen[i].Entry.Header.Kind == EntryKind.Operation)
            {
                ReplicaWorld.Apply(values, _chosen[i].Entry.Meta.Span);
            }
        }

        foreach (var (key, value) in values)
        {
            if (node.Values.GetValueOrDefault(key) != value)
            {
                Fail($"I15: {node.Number} may read object {key} as of {entry.Index}, and its value is another one");
            }
        }
    }

    /// <summary>I8, I10, I11: what a leader commits is on the disks of enough members that count.</summary>
    public void Commits(WorldNode leader, JournalEntry entry, bool fromMemory, IReadOnlyList<WorldNode> nodes,
        StoreState store)
    {
        var configuration = leader.Engine!.Configuration!;
        fromMemory |= entry.Header.Kind == EntryKind.Session && configuration.AllowsMemory;
        var holders = MemberSet.Empty;
        foreach (var node in nodes)
        {
            var holds = fromMemory
                ? node.HoldsInMemory(entry.Index, entry.Header.Chain)
                    || node.HoldsDurably(entry.Index, entry.Header.Chain)
                : node.HoldsDurably(entry.Index, entry.Header.Chain);
            var counts = node.Superblock.Status == MemberStatus.Voter || configuration.AllowsMemory;
            holders = holds && counts ? holders.With(node.Id) : holders;
        }

        if (configuration.Mode == ReplicaMode.Quorum && !fromMemory && !configuration.IsWriteQuorum(holders))
        {
            Fail($"I11: {leader.Number} commits entry {entry.Index}, which only {holders} hold on disk");
        }

        if (configuration.Mode == ReplicaMode.InSync && !fromMemory && !configuration.AllowsMemory
            && !holders.ContainsAll(store.InSync))
        {
            Fail($"I10: {leader.Number} commits entry {entry.Index}; {holders} hold it, "
                + $"and the in-sync set is {store.InSync}");
        }
    }

    public void Synced(JournalIndex index) => _durableFloor = Math.Max(_durableFloor, index.Value);

    /// <summary>I1: a promise that was told survives a restart.</summary>
    public static void Started(WorldNode node)
    {
        if (node.Engine!.Promised < node.ClaimedPromise)
        {
            Fail($"I1: {node.Number} promised term {node.ClaimedPromise} "
                + $"and knows only {node.Engine.Promised} after a restart");
        }
    }

    /// <summary>I8: after a loss of all memory, what was on disk is there, and what is there is a prefix.</summary>
    public void Lost(Term term, JournalIndex last, bool allowsMemory)
    {
        HasLost |= allowsMemory;
        _goneOn = term;
        if (last.Value < (allowsMemory ? _durableFloor : (ulong)_chosen.Count))
        {
            Fail($"I8: only {last} entries are left, and {_durableFloor} were synced");
        }

        if (last.Value < (ulong)_chosen.Count)
        {
            for (var i = (int)last.Value; i < _chosen.Count; i++)
            {
                _lost.Add(((ulong)i + 1, _chosen[i].Chain));
            }

            _chosen.RemoveRange((int)last.Value, _chosen.Count - (int)last.Value);
            foreach (var key in _effects.Where(e => e.Value > last.Value).Select(e => e.Key).ToList())
            {
                _effects.Remove(key);
            }

            _answered.RemoveAll(a => a.Index > last.Value);
        }
    }

    /// <summary>A client was told that its operation took effect.</summary>
    public void Answered(UInt128 session, ulong sequence, ulong index)
    {
        _answered.Add((session, sequence, index));
        if (!HasLost && _effects.GetValueOrDefault((session, sequence, 0u)) != index)
        {
            Fail($"I5: operation {sequence} was answered with place {index}, and took effect at "
                + $"{_effects.GetValueOrDefault((session, sequence, 0u))}");
        }
    }

    /// <summary>A client was told that its operation did not and will not take effect.</summary>
    public void Refused(UInt128 session, ulong sequence)
    {
        _never.Add((session, sequence));
        if (_effects.ContainsKey((session, sequence, 0u)))
        {
            Fail($"I6: operation {sequence} was refused for good and had taken effect");
        }
    }

    public void Record(uint key, in HistoryOperation operation)
    {
        if (!_histories.TryGetValue(key, out var history))
        {
            _histories.Add(key, history = []);
        }

        history.Add(operation);
    }

    /// <summary>I5 and I7 over the whole run.</summary>
    public void Finish()
    {
        foreach (var (session, sequence, index) in _answered)
        {
            if (_effects.GetValueOrDefault((session, sequence, 0u)) != index)
            {
                Fail($"I5: operation {sequence}, answered with place {index}, is not there at the end");
            }
        }

        if (HasLost)
        {
            return; // The clients saw a history whose end is gone.
        }

        foreach (var (key, history) in _histories)
        {
            if (history.Count <= LinearizabilityChecker.OperationsMax
                && !LinearizabilityChecker.IsLinearizable(history))
            {
                Fail($"I7: the history of object {key} is not linearizable: "
                    + string.Join("; ", history.OrderBy(o => o.Invoked).Select(o =>
                        $"{o.Kind} {o.Value:x} {o.Invoked}-{(o.Returned == long.MaxValue ? "" : o.Returned)}")));
            }
        }
    }

    private readonly record struct Chosen(UInt128 Chain, Term CommitTerm, JournalEntry Entry);
}
