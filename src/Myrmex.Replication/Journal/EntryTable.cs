using System;
using Myrmex.Base;

namespace Myrmex.Replication.Journal;

/// <summary>The entries of a journal by index, a contiguous run; a ring that grows.</summary>
internal sealed class EntryTable
{
    private EntryRecord[] _records = new EntryRecord[64]; // Its length is a power of two.
    private int _head;

    /// <summary>The index before the first entry.</summary>
    public ulong Base { get; private set; }

    public int Count { get; private set; }

    public ulong Last => Base + (ulong)Count;

    public ref EntryRecord this[ulong index]
    {
        get
        {
            Invariant.Check(Contains(index));
            return ref _records[(_head + (int)(index - Base - 1)) & (_records.Length - 1)];
        }
    }

    public bool Contains(ulong index) => index > Base && index <= Last;

    /// <summary>Forgets everything; the next entry is the one after <paramref name="before"/>.</summary>
    public void Reset(ulong before)
    {
        Count = 0;
        Base = before;
    }

    public void Add(in EntryRecord record)
    {
        if (Count == _records.Length)
        {
            Grow();
        }

        Count++;
        this[Last] = record;
    }

    public void CutFrom(ulong index)
    {
        if (index <= Base)
        {
            Reset(index - 1);
        }
        else if (index <= Last)
        {
            Count = (int)(index - Base - 1);
        }
    }

    public void DropThrough(ulong index)
    {
        var dropped = (int)Math.Min((ulong)Count, index > Base ? index - Base : 0);
        _head = (_head + dropped) & (_records.Length - 1);
        Base += (ulong)dropped;
        Count -= dropped;
    }

    private void Grow()
    {
        var grown = new EntryRecord[_records.Length * 2];
        for (var i = 0; i < Count; i++)
        {
            grown[i] = _records[(_head + i) & (_records.Length - 1)];
        }

        _records = grown;
        _head = 0;
    }
}
