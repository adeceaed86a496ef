using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Names of one directory in the order they were made; the cookie of an entry never changes while it exists.</summary>
internal sealed class MemoryDirectory
{
    private readonly Dictionary<Name, ulong> _cookies = [];
    private readonly SortedDictionary<ulong, KeyValuePair<Name, MemoryNode>> _entries = [];
    private ulong _nextCookie = 3; // 1 and 2 are "." and "..".

    public int Count => _entries.Count;

    public MemoryNode? Find(Name name) => _cookies.TryGetValue(name, out var cookie) ? _entries[cookie].Value : null;

    public void Set(Name name, MemoryNode node)
    {
        var owned = name.ToOwned();
        Remove(owned);
        _cookies[owned] = _nextCookie;
        _entries[_nextCookie++] = new KeyValuePair<Name, MemoryNode>(owned, node);
    }

    public void Remove(Name name)
    {
        if (_cookies.Remove(name, out var cookie))
        {
            _entries.Remove(cookie);
        }
    }

    /// <summary>Entries behind a cookie, in order.</summary>
    public IEnumerable<(ulong Cookie, Name Name, MemoryNode Node)> After(ulong cookie)
    {
        foreach (var (at, entry) in _entries)
        {
            if (at > cookie)
            {
                yield return (at, entry.Key, entry.Value);
            }
        }
    }
}
