using System;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>
/// The entries of a journal that are in memory: a run without gaps from <see cref="First"/> to <see cref="Last"/>, and
/// term and chain of the entry before. Invariants: terms never go back along it; each chain continues the one before.
/// Owns one reference to the data of each entry.
/// </summary>
public sealed class ReplicaLog
{
    private readonly Func<JournalEntry, long>? _costOf;
    private JournalEntry[] _entries = new JournalEntry[64];
    private long[] _costs = new long[64]; // Of all entries so far, up to the one at the same place.
    private long _baseCost;
    private int _head;
    private int _count;

    /// <param name="costOf">What an entry takes of the disk of a main store; null for nothing.</param>
    public ReplicaLog(
        JournalIndex baseIndex, Term baseTerm, UInt128 baseChain, Func<JournalEntry, long>? costOf = null)
    {
        _costOf = costOf;
        Reset(baseIndex, baseTerm, baseChain);
    }

    /// <summary>The entry before the first one in memory; 0 when all are.</summary>
    public JournalIndex Base { get; private set; }

    public Term BaseTerm { get; private set; }

    public UInt128 BaseChain { get; private set; }

    public JournalIndex First => new(Base.Value + 1);

    public JournalIndex Last => new(Base.Value + (ulong)_count);

    public Term LastTerm => _count == 0 ? BaseTerm : At(_count - 1).Term;

    public UInt128 LastChain => _count == 0 ? BaseChain : At(_count - 1).Header.Chain;

    public int Count => _count;

    /// <summary>Bytes of the bodies in memory.</summary>
    public long Bytes { get; private set; }

    /// <summary>What the entries in memory after an index take of the disk of a main store.</summary>
    public long CostAfter(JournalIndex index) => index >= Last ? 0
        : LastCost - (index <= Base ? _baseCost : _costs[_head + (int)(index.Value - Base.Value - 1)]);

    private long LastCost => _count == 0 ? _baseCost : _costs[_head + _count - 1];

    /// <summary>More bytes than <paramref name="bytesMax"/> come after an entry.</summary>
    public bool HasMoreAfter(JournalIndex index, long bytesMax)
    {
        if (Bytes <= bytesMax)
        {
            return false; // The usual case: the rest is only for when a lot is in memory.
        }

        long bytes = 0;
        for (var i = _count - 1; i >= 0 && At(i).Index > index && bytes <= bytesMax; i--)
        {
            bytes += SizeOf(At(i));
        }

        return bytes > bytesMax;
    }

    /// <summary>The entry at an index from <see cref="First"/> to <see cref="Last"/>; lent.</summary>
    public JournalEntry this[JournalIndex index]
    {
        get
        {
            Invariant.Check(index > Base && index <= Last);
            return At((int)(index.Value - Base.Value - 1));
        }
    }

    /// <summary>Term and chain of an index from <see cref="Base"/> to <see cref="Last"/> are known.</summary>
    public bool Knows(JournalIndex index) => index >= Base && index <= Last;

    public Term TermAt(JournalIndex index) => index == Base ? BaseTerm : this[index].Term;

    public UInt128 ChainAt(JournalIndex index) => index == Base ? BaseChain : this[index].Header.Chain;

    public void Append(JournalEntry entry)
    {
        Invariant.Check(entry.Index.Value == Last.Value + 1);
        Invariant.Check(entry.Term >= LastTerm);
        if (_head + _count == _entries.Length)
        {
            MakeRoom();
        }

        entry.Data.Retain();
        _costs[_head + _count] = LastCost + (_costOf?.Invoke(entry) ?? 0);
        _entries[_head + _count++] = entry;
        Bytes += SizeOf(entry);
    }

    /// <summary>Drops the entries from <paramref name="from"/> on.</summary>
    public void Cut(JournalIndex from)
    {
        Invariant.Check(from > Base);
        while (_count > 0 && Last >= from)
        {
            Drop(_head + --_count);
        }
    }

    /// <summary>Drops the entries up to and including <paramref name="upTo"/> from memory.</summary>
    public void Release(JournalIndex upTo)
    {
        while (_count > 0 && First <= upTo)
        {
            Base = At(0).Index;
            BaseTerm = At(0).Term;
            BaseChain = At(0).Header.Chain;
            _baseCost = _costs[_head];
            Drop(_head++);
            _count--;
        }
    }

    /// <summary>Drops everything; the next entry follows <paramref name="baseIndex"/>.</summary>
    public void Reset(JournalIndex baseIndex, Term baseTerm, UInt128 baseChain)
    {
        while (_count > 0)
        {
            Drop(_head + --_count);
        }

        _head = 0;
        _baseCost = 0;
        Base = baseIndex;
        BaseTerm = baseTerm;
        BaseChain = baseChain;
    }

    internal static long SizeOf(JournalEntry entry) =>
        entry.Meta.Length + (long)entry.Data.Length + entry.ElidedBytes.Length;

    private JournalEntry At(int position) => _entries[_head + position];

    private void Drop(int slot)
    {
        Bytes -= SizeOf(_entries[slot]);
        _entries[slot].Data.Release();
        _entries[slot] = null!; // The slot is outside the run now.
    }

    private void MakeRoom()
    {
        var target = _head > _entries.Length / 2 ? _entries : new JournalEntry[_entries.Length * 2];
        Array.Copy(_entries, _head, target, 0, _count);
        Array.Clear(target, _count, target.Length - _count);
        var costs = target.Length == _costs.Length ? _costs : new long[target.Length];
        Array.Copy(_costs, _head, costs, 0, _count);
        (_entries, _costs) = (target, costs);
        _head = 0;
    }
}
