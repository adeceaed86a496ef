using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Positions in an open directory. The offsets that are given out count the entries of this listing from 1; what a
/// server calls its position there is kept beside them, with a hash of the name. At another server the listing is read
/// from the start again, and what was given out before is left out. Entries that stay are so given once each, also if
/// the servers list them in different orders.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Positions below <c>_base</c> were given out at former places; those from there on at <c>_place</c>.</item>
/// <item><c>_before</c> has the hashes of exactly the positions below <c>_base</c>.</item>
/// <item>A reader who goes back overwrites what follows; positions beyond stay valid until then.</item>
/// </list>
/// </remarks>
internal sealed class Listing
{
    private readonly Lock _lock = new(); // Guards the fields below; a leaf lock.
    private readonly HashSet<ulong> _before = [];
    private Given[] _given = [];
    private int _count;
    private int _base;
    private FdPlace? _place;

    /// <summary>
    /// Where to read on for an offset at a place, which need not be the one that has given it out.
    /// </summary>
    /// <param name="place">Where the directory is open.</param>
    /// <param name="offset">The offset; of entries that were never given out here it is taken as their number.</param>
    /// <param name="cookie">The server's own position.</param>
    /// <param name="position">The offset that the cookie stands for: at most <paramref name="offset"/>.</param>
    public void Begin(FdPlace place, long offset, out long cookie, out int position)
    {
        lock (_lock)
        {
            position = (int)Math.Min(offset, _count);
            if (!ReferenceEquals(_place, place) || position < _base)
            {
                BeginAt(place, position);
            }

            cookie = position == _base ? 0 : (long)_given[position - 1].Cookie;
        }
    }

    /// <summary>
    /// Numbers the entries that a server has answered, from the position on that was read after, and takes those out
    /// that were given out before. False when the listing has gone elsewhere meanwhile, by another reader of the same
    /// fd.
    /// </summary>
    public bool TryTake(DirEntries entries, int position, FdPlace place)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_place, place) || position < _base || position > _count)
            {
                return false;
            }

            var kept = 0;
            for (var i = 0; i < entries.Count; i++)
            {
                var hash = HashOf(entries.NameOf(i).Span);
                if (!_before.Contains(hash))
                {
                    Put(position++, new Given(entries[i].Offset, hash));
                    entries[i].Offset = (ulong)position;
                    entries.Swap(kept++, i);
                }
            }

            entries.Truncate(kept);
            return true;
        }
    }

    /// <summary>FNV-1a over 64 bits: of a million names two are equal with a chance of one in thirty million.</summary>
    private static ulong HashOf(ReadOnlySpan<byte> name)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var b in name)
        {
            hash = (hash ^ b) * 0x100000001B3UL;
        }

        return hash;
    }

    private void BeginAt(FdPlace place, int offset)
    {
        _place = place;
        _base = offset;
        _before.Clear();
        for (var i = 0; i < offset; i++)
        {
            _before.Add(_given[i].NameHash);
        }
    }

    private void Put(int position, Given given)
    {
        if (position == _given.Length)
        {
            Array.Resize(ref _given, Math.Max(64, position * 2));
        }

        _given[position] = given;
        _count = Math.Max(_count, position + 1);
    }

    /// <summary>An entry that was given out: the server's position after it, and its name.</summary>
    private readonly record struct Given(ulong Cookie, ulong NameHash);
}
