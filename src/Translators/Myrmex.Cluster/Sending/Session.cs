using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// A session with the servers: gives each mutating fop its number and knows up to which all outcomes are there.
/// Invariant: acknowledged &lt; every number under way &lt;= acknowledged + <see cref="SendingLimits.WindowMax"/>.
/// </summary>
internal sealed class Session(UInt128 id, long ordinal = 0)
{
    private const int WordBits = 64;

    private readonly Lock _lock = new(); // Guards the fields below; a leaf lock.
    private readonly ulong[] _answered = new ulong[SendingLimits.WindowMax / WordBits]; // By number modulo the window.
    private ulong _last;
    private ulong _acknowledged;

    public UInt128 Id => id;

    /// <summary>Orders the sessions of one client.</summary>
    public long Ordinal => ordinal;

    /// <summary>Numbers given out.</summary>
    public ulong Last
    {
        get
        {
            lock (_lock)
            {
                return _last;
            }
        }
    }

    /// <summary>All outcomes up to this number are there.</summary>
    public ulong Acknowledged
    {
        get
        {
            lock (_lock)
            {
                return _acknowledged;
            }
        }
    }

    /// <summary>How many numbers may be given out now.</summary>
    public int Room
    {
        get
        {
            lock (_lock)
            {
                return SendingLimits.WindowMax - (int)(_last - _acknowledged);
            }
        }
    }

    /// <summary>Gives a number out; false when as many are under way as may be.</summary>
    public bool TryTake(out ulong number)
    {
        lock (_lock)
        {
            number = _last + 1;
            if (number - _acknowledged > SendingLimits.WindowMax)
            {
                return false;
            }

            _last = number;
            return true;
        }
    }

    /// <summary>Nobody will send this number again.</summary>
    public void Complete(ulong number)
    {
        lock (_lock)
        {
            Invariant.Check(number > _acknowledged && number <= _last);
            var (word, bit) = PlaceOf(number);
            Invariant.Check((_answered[word] & bit) == 0);
            _answered[word] |= bit;
            (word, bit) = PlaceOf(_acknowledged + 1);
            while ((_answered[word] & bit) != 0)
            {
                _answered[word] &= ~bit;
                _acknowledged++;
                (word, bit) = PlaceOf(_acknowledged + 1);
            }
        }
    }

    private static (int Word, ulong Bit) PlaceOf(ulong number)
    {
        var place = (int)(number % SendingLimits.WindowMax);
        return (place / WordBits, 1UL << (place % WordBits));
    }
}
