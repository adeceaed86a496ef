using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Context of an open directory: on which subvolumes it is open, and the exact positions behind numbers that had to be
/// rounded. Of these it keeps at least the last <see cref="DhtLimits.RememberedCookiesMax"/>.
/// </summary>
internal sealed class DirectoryFd(int subvolumeCount)
{
    private readonly bool[] _open = new bool[subvolumeCount];
    private readonly ReaddirCookie _cookies = new(subvolumeCount);
    private readonly Lock _lock = new(); // Guards the two tables and _tokens; a leaf lock.
    private Dictionary<ulong, (ulong Cookie, int Subvolume)>? _young;
    private Dictionary<ulong, (ulong Cookie, int Subvolume)>? _old;
    private ulong _tokens;
    private Layout? _layout;

    /// <summary>The layout by which this listing, which may begin anew, has been made so far.</summary>
    public Layout ListBy(Layout layout, bool restarts)
    {
        if (restarts || Volatile.Read(ref _layout) is not { } begun)
        {
            Volatile.Write(ref _layout, layout);
            return layout;
        }

        return begun;
    }

    public bool IsOpen(int subvolume) => Volatile.Read(ref _open[subvolume]);

    public void SetOpen(int subvolume) => Volatile.Write(ref _open[subvolume], true);

    /// <summary>The number to give out for a position.</summary>
    public ulong NumberOf(ulong cookie, int subvolume)
    {
        var number = _cookies.Join(cookie, subvolume);
        if (_cookies.IsExact(cookie))
        {
            return number;
        }

        lock (_lock)
        {
            if (TryRecall(number, out var known) && known.Cookie != cookie)
            {
                // Two positions round to the same number: the second one gets a number of its own.
                number = _cookies.Token(++_tokens);
            }

            Remember(number, (cookie, subvolume));
        }

        return number;
    }

    /// <summary>The position behind a number; false for a token that is not remembered.</summary>
    public bool TryPosition(ulong number, out ulong cookie, out int subvolume)
    {
        (cookie, subvolume) = _cookies.Split(number);
        if (!_cookies.IsRounded(number) && !_cookies.IsToken(number))
        {
            return true;
        }

        lock (_lock)
        {
            if (TryRecall(number, out var known))
            {
                (cookie, subvolume) = known;
                return true;
            }
        }

        return _cookies.IsRounded(number);
    }

    private bool TryRecall(ulong number, out (ulong Cookie, int Subvolume) position)
    {
        position = default;
        return (_young is not null && _young.TryGetValue(number, out position))
            || (_old is not null && _old.TryGetValue(number, out position));
    }

    private void Remember(ulong number, (ulong Cookie, int Subvolume) position)
    {
        _young ??= [];
        if (_young.Count >= DhtLimits.RememberedCookiesMax)
        {
            (_old, _young) = (_young, _old ?? []);
            _young.Clear();
        }

        _young[number] = position;
    }
}
