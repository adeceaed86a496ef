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
/// the last one, where it stopped: the listing shows what there is, and ends only when all have been read. Which turn
/// it is belongs to the position, so that a reader who goes back, or reads on by another fd, misses nothing; which ones
/// were missed the fd knows, and one that does not know it ends with the error.
/// </remarks>
internal sealed class DirectoryFd(int subvolumeCount)
{
    private readonly Part[] _parts = new Part[subvolumeCount];
    private readonly ReaddirCookie _cookies = new(PlacesOf(subvolumeCount));
    private readonly Lock _lock = new(); // Guards the two tables and _tokens; a leaf lock.
    private Dictionary<ulong, (ulong Cookie, int Place)>? _young;
    private Dictionary<ulong, (ulong Cookie, int Place)>? _old;
    private ulong _tokens;
    private Layout? _layout;
    private bool _isOfOther; // What was missed before, another fd knows.

    /// <summary>The layout by which this listing, which may begin anew, has been made so far.</summary>
    /// <param name="layout">The layout of now.</param>
    /// <param name="subvolumes">All of them, in their order.</param>
    /// <param name="at">Where reading goes on.</param>
    /// <param name="restarts">It goes on at the very beginning.</param>
    public Layout ListBy(Layout layout, Subvolume[] subvolumes, in ListingPosition at, bool restarts)
    {
        if (!restarts && Volatile.Read(ref _layout) is { } begun)
        {
            return begun;
        }

        for (var i = 0; i < subvolumes.Length; i++)
        {
            Volatile.Write(ref _parts[i].WasAway, !subvolumes[i].MayBeUp);
            Volatile.Write(ref _parts[i].IsMissed, false);
        }

        Volatile.Write(ref _isOfOther, at.Turn != ListingTurn.InOrder);
        Volatile.Write(ref _layout, layout);
        return layout;
    }

    /// <summary>Each subvolume in each of its turns.</summary>
    private static int PlacesOf(int subvolumeCount) => ((int)ListingTurn.Late + 1) * subvolumeCount;

    public bool IsOpen(int subvolume) => Volatile.Read(ref _parts[subvolume].IsOpen);

    public void SetOpen(int subvolume) => Volatile.Write(ref _parts[subvolume].IsOpen, true);

    /// <summary>Who gets true may open it there, and says when that has ended.</summary>
    public bool BeginsOpening(int subvolume) => !Interlocked.Exchange(ref _parts[subvolume].IsOpening, true);

    public void EndOpening(int subvolume) => Volatile.Write(ref _parts[subvolume].IsOpening, false);

    /// <summary>It was away when the listing began: its directories are shown by others.</summary>
    public bool WasAway(int subvolume) => Volatile.Read(ref _parts[subvolume].WasAway);

    /// <summary>What comes behind a subvolume that is read to its end, or does not have the directory.</summary>
    /// <param name="skipped">Those that did not answer in this call.</param>
    public ListingPosition AfterRead(in ListingPosition at, List<int>? skipped)
    {
        if (at.Turn == ListingTurn.Late)
        {
            Volatile.Write(ref _parts[at.Subvolume].IsMade, true);
            return NextLate(skipped);
        }

        return Following(in at, at.Turn, skipped);
    }

    /// <summary>What comes behind a subvolume that did not answer.</summary>
    /// <param name="skipped">Those that did not answer in this call; it is one of them.</param>
    public ListingPosition AfterMissed(in ListingPosition at, List<int> skipped)
    {
        if (at.Turn == ListingTurn.Late)
        {
            return NextLate(skipped);
        }

        Volatile.Write(ref _parts[at.Subvolume].Resume, at.Cookie);
        Volatile.Write(ref _parts[at.Subvolume].IsMissed, true);
        return Following(in at, ListingTurn.PastMissed, skipped);
    }

    private ListingPosition Following(in ListingPosition at, ListingTurn turn, List<int>? skipped)
    {
        if (at.Subvolume + 1 < subvolumeCount)
        {
            return new ListingPosition(turn, at.Subvolume + 1, 0);
        }

        if (turn == ListingTurn.InOrder)
        {
            return ListingPosition.Of(ListingTurn.End);
        }

        for (var i = 0; i < subvolumeCount; i++)
        {
            Volatile.Write(ref _parts[i].IsMade, false); // Also for a reader who went back.
        }

        return NextLate(skipped);
    }

    private ListingPosition NextLate(List<int>? skipped)
    {
        var isIncomplete = Volatile.Read(ref _isOfOther);
        for (var i = 0; i < subvolumeCount; i++)
        {
            if (!Volatile.Read(ref _parts[i].IsMissed) || Volatile.Read(ref _parts[i].IsMade))
            {
                continue;
            }

            if (skipped is null || !skipped.Contains(i))
            {
                return new ListingPosition(ListingTurn.Late, i, Volatile.Read(ref _parts[i].Resume));
            }

            isIncomplete = true;
        }

        return ListingPosition.Of(isIncomplete ? ListingTurn.Incomplete : ListingTurn.End);
    }

    /// <summary>The number to give out for a position.</summary>
    public ulong NumberOf(ulong cookie, ListingTurn turn, int subvolume)
    {
        var place = ((int)turn * subvolumeCount) + subvolume;
        var number = _cookies.Join(cookie, place);
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

            Remember(number, (cookie, place));
        }

        return number;
    }

    /// <summary>The position behind a number; false for one that is none, or that is not remembered.</summary>
    public bool TryPosition(ulong number, out ListingPosition position)
    {
        var (cookie, place) = _cookies.Split(number);
        var isThere = true;
        if (_cookies.IsRounded(number) || _cookies.IsToken(number))
        {
            lock (_lock)
            {
                isThere = TryRecall(number, out var known);
                (cookie, place) = isThere ? known : (cookie, place);
                isThere |= _cookies.IsRounded(number);
            }
        }

        position = new ListingPosition((ListingTurn)(place / subvolumeCount), place % subvolumeCount, cookie);
        return isThere && position.Turn <= ListingTurn.Late;
    }

    private bool TryRecall(ulong number, out (ulong Cookie, int Place) position)
    {
        position = default;
        return (_young is not null && _young.TryGetValue(number, out position))
            || (_old is not null && _old.TryGetValue(number, out position));
    }

    private void Remember(ulong number, (ulong Cookie, int Place) position)
    {
        _young ??= [];
        if (_young.Count >= DhtLimits.RememberedCookiesMax)
        {
            (_old, _young) = (_young, _old ?? []);
            _young.Clear();
        }

        _young[number] = position;
    }

    /// <summary>What is known of one subvolume.</summary>
    private struct Part
    {
        public bool IsOpen;
        public bool IsOpening;

        /// <summary>When the listing began.</summary>
        public bool WasAway;

        /// <summary>When it was its turn.</summary>
        public bool IsMissed;

        /// <summary>It has been read since it was missed.</summary>
        public bool IsMade;

        /// <summary>Where to go on when it was missed.</summary>
        public ulong Resume;
    }
}
