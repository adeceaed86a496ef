using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>
/// Names of one directory in the order they were made. The cookie of an entry never changes while it exists, so a
/// listing that was interrupted goes on where it stopped, whatever came and went meanwhile.
/// </summary>
internal sealed class MemoryDirectory
{
    /// <summary>Cookies of "." and ".."; those of entries are larger.</summary>
    public const ulong DotCookie = 1;
    public const ulong DotDotCookie = 2;

    private readonly Dictionary<Name, ulong> _cookies = [];

    // In the order of cookies; removed ones leave an empty slot until half of the list is empty.
    private readonly List<MemoryEntry> _entries = [];
    private ulong _nextCookie = DotDotCookie + 1;

    public int Count => _cookies.Count;

    public MemoryNode? Find(Name name) =>
        _cookies.TryGetValue(name, out var cookie) ? _entries[IndexOf(cookie)].Node : null;

    public void Set(Name name, MemoryNode node)
    {
        var owned = name.ToOwned();
        Remove(owned);
        _cookies[owned] = _nextCookie;
        _entries.Add(new MemoryEntry(_nextCookie++, owned, node));
    }

    public void Remove(Name name)
    {
        if (!_cookies.Remove(name, out var cookie))
        {
            return;
        }

        _entries[IndexOf(cookie)] = new MemoryEntry(cookie, default, null);
        if (_entries.Count > 16 && _entries.Count > _cookies.Count * 2)
        {
            _entries.RemoveAll(entry => entry.Node is null);
        }
    }

    /// <summary>The first entry behind a cookie; false at the end.</summary>
    public bool TryGetAfter(ulong cookie, out MemoryEntry entry)
    {
        var index = IndexOf(cookie);
        for (index = index < 0 ? ~index : index + 1; index < _entries.Count; index++)
        {
            if (_entries[index].Node is not null)
            {
                entry = _entries[index];
                return true;
            }
        }

        entry = default;
        return false;
    }

    private int IndexOf(ulong cookie)
    {
        int low = 0, high = _entries.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = _entries[middle].Cookie.CompareTo(cookie);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}

/// <summary>One name of a directory; without a node it has been removed.</summary>
internal readonly record struct MemoryEntry(ulong Cookie, Name Name, MemoryNode? Node);
