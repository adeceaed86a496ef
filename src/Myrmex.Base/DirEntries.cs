using System;

namespace Myrmex.Base;

/// <summary>One directory entry; <c>NameOffset</c> and <c>NameLength</c> point into the owner's name bytes.</summary>
public struct DirEntry
{
    public ulong Ino;

    /// <summary>Cookie of the position after this entry; below 2^63.</summary>
    public ulong Offset;

    /// <summary>Linux DT_*.</summary>
    public uint Type;

    public int NameOffset;
    public int NameLength;

    /// <summary>Null in a plain listing, or when the brick could not tell: the reader must look the name up.</summary>
    public Iatt Iatt;

    /// <summary>Owned by the list.</summary>
    public XData? XData;
}

/// <summary>A chunk of a directory listing in flat, reusable memory.</summary>
public sealed class DirEntries
{
    // A list that has grown beyond these gives its memory back when it is cleared.
    private const int KeepEntriesMax = 2048;
    private const int KeepNamesMax = 128 << 10;

    private DirEntry[] _entries = new DirEntry[64];
    private byte[] _names = new byte[2048];
    private int _namesLength;
    private bool _isShuffled; // The names are not in the order of the entries any more.

    public int Count { get; private set; }

    /// <summary>Bytes of all names together; with those of dropped entries once entries were swapped.</summary>
    public int NamesLength => _namesLength;

    public ref DirEntry this[int index]
    {
        get
        {
            Invariant.Check((uint)index < (uint)Count);
            return ref _entries[index];
        }
    }

    /// <summary>The name of an entry; lent until the list changes.</summary>
    public Name NameOf(int index)
    {
        ref var entry = ref this[index];
        return new Name(_names.AsMemory(entry.NameOffset, entry.NameLength));
    }

    /// <summary>Appends an entry, copying the name; the caller fills the rest.</summary>
    public ref DirEntry Add(ReadOnlySpan<byte> name)
    {
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        if (_namesLength + name.Length > _names.Length)
        {
            Array.Resize(ref _names, Math.Max(_names.Length * 2, _namesLength + name.Length));
        }

        name.CopyTo(_names.AsSpan(_namesLength));
        ref var entry = ref _entries[Count++];
        entry = default;
        entry.NameOffset = _namesLength;
        entry.NameLength = name.Length;
        _namesLength += name.Length;
        return ref entry;
    }

    /// <summary>Exchanges two entries.</summary>
    public void Swap(int index, int other)
    {
        if (index != other)
        {
            _isShuffled = true;
            (this[index], this[other]) = (this[other], this[index]);
        }
    }

    /// <summary>Drops entries from <paramref name="count"/> on.</summary>
    public void Truncate(int count)
    {
        for (var i = count; i < Count; i++)
        {
            _entries[i].XData?.Release();
            _entries[i].XData = null;
        }

        if (count < Count)
        {
            _namesLength = _isShuffled ? _namesLength : _entries[count].NameOffset;
            Count = count;
        }
    }

    public void Clear()
    {
        Truncate(0);
        _namesLength = 0;
        _isShuffled = false;
        if (_entries.Length > KeepEntriesMax)
        {
            _entries = new DirEntry[64];
        }

        if (_names.Length > KeepNamesMax)
        {
            _names = new byte[2048];
        }
    }
}
