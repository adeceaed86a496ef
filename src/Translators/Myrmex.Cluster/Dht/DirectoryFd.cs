using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Context of an open directory: on which subvolumes it is open, how far its listing has come, and the exact positions
/// behind numbers that had to be rounded. Of these it keeps at least the last
/// <see cref="DhtLimits.RememberedCookiesMax"/>.
/// </summary>
/// <remarks>
/// A listing goes over the subvolumes in their order. One that does not answer is missed, and asked once more behind
/// the last one: the listing shows what there is, and ends only when all have been read.
/// </remarks>
internal sealed class DirectoryFd(int subvolumeCount)
{
    private readonly bool[] _open = new bool[subvolumeCount];
    private readonly bool[] _opening = new bool[subvolumeCount];
    private readonly byte[] _turns = new byte[subvolumeCount]; // Of Turn.
    private readonly ulong[] _resume = new ulong[subvolumeCount]; // Where to go on in one that was missed.
    private readonly bool[] _away = new bool[subvolumeCount]; // Was when the listing began.
    private readonly ReaddirCookie _cookies = new(subvolumeCount);
    private readonly Lock _lock = new(); // Guards the two tables and _tokens; a leaf lock.
    private Dictionary<ulong, (ulong Cookie, int Subvolume)>? _young;
    private Dictionary<ulong, (ulong Cookie, int Subvolume)>? _old;
    private ulong _tokens;
    private Layout? _layout;

    /// <summary>The layout by which this listing, which may begin anew, has been made so far.</summary>
    /// <param name="layout">The layout of now.</param>
    /// <param name="subvolumes">All of them, in their order.</param>
    /// <param name="first">Where reading goes on.</param>
    /// <param name="restarts">It goes on at the very beginning.</param>
    public Layout ListBy(Layout layout, Subvolume[] subvolumes, int first, bool restarts)
    {
        if (!restarts && Volatile.Read(ref _layout) is { } begun)
        {
            return begun;
        }

        for (var i = 0; i < subvolumes.Length; i++)
        {
            Volatile.Write(ref _away[i], !subvolumes[i].MayBeUp);
            // Who reads on from somewhere else has read what is before, unless it cannot have been read.
            Volatile.Write(ref _resume[i], 0);
            var cannotBe = !subvolumes[i].MayBeUp && i < first && !restarts;
            SetTurn(i, cannotBe ? Turn.Missed : Turn.InOrder);
        }

        Volatile.Write(ref _layout, layout);
        return layout;
    }

    public bool IsOpen(int subvolume) => Volatile.Read(ref _open[subvolume]);

    public void SetOpen(int subvolume) => Volatile.Write(ref _open[subvolume], true);

    /// <summary>Who gets true may open it there, and says when that has ended.</summary>
    public bool BeginsOpening(int subvolume) => !Interlocked.Exchange(ref _opening[subvolume], true);

    public void EndOpening(int subvolume) => Volatile.Write(ref _opening[subvolume], false);

    /// <summary>It was away when the listing began: its directories are shown by others.</summary>
    public bool WasAway(int subvolume) => Volatile.Read(ref _away[subvolume]);

    /// <summary>What comes behind a subvolume that is read to its end, or does not have the directory.</summary>
    /// <returns>Where to go on; the number of subvolumes when the listing is through.</returns>
    public (ulong Cookie, int Subvolume) AfterRead(int subvolume)
    {
        if (TurnOf(subvolume) == Turn.InOrder)
        {
            return Following(subvolume);
        }

        SetTurn(subvolume, Turn.Late);
        return FirstMissed();
    }

    /// <summary>What comes behind a subvolume that did not answer.</summary>
    /// <param name="cookie">Where it should have gone on.</param>
    /// <param name="subvolume">The subvolume.</param>
    /// <returns>The same place when it has been asked again: there is nothing else to show.</returns>
    public (ulong Cookie, int Subvolume) AfterMissed(ulong cookie, int subvolume)
    {
        if (TurnOf(subvolume) != Turn.InOrder)
        {
            return (cookie, subvolume);
        }

        Volatile.Write(ref _resume[subvolume], cookie);
        SetTurn(subvolume, Turn.Missed);
        return Following(subvolume);
    }

    private Turn TurnOf(int subvolume) => (Turn)Volatile.Read(ref _turns[subvolume]);

    private void SetTurn(int subvolume, Turn turn) => Volatile.Write(ref _turns[subvolume], (byte)turn);

    private (ulong Cookie, int Subvolume) Following(int subvolume)
    {
        if (subvolume + 1 >= subvolumeCount)
        {
            return FirstMissed();
        }

        SetTurn(subvolume + 1, Turn.InOrder); // A reader who went back comes by again.
        return (0, subvolume + 1);
    }

    private (ulong Cookie, int Subvolume) FirstMissed()
    {
        for (var i = 0; i < subvolumeCount; i++)
        {
            if (TurnOf(i) == Turn.Missed)
            {
                return (Volatile.Read(ref _resume[i]), i);
            }
        }

        return (0, subvolumeCount);
    }

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

    /// <summary>When a subvolume is read.</summary>
    private enum Turn : byte
    {
        InOrder,

        /// <summary>It did not answer when it was its turn, and is read behind all others.</summary>
        Missed,

        /// <summary>So it was.</summary>
        Late,
    }
}
