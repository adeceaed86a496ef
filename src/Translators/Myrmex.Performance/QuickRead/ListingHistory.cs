using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// Guesses whether the files of a listing will be read, so that their contents are worth bringing with it. Each small
/// file that is listed and then read pays in, each content that a listing brings pays out; who only lists uses up what
/// there is and gets no more. Only a guess: nothing but work depends on it.
/// </summary>
internal sealed class ListingHistory
{
    private readonly Lock _guard = new(); // Guards the two numbers; a leaf lock.
    private readonly GfidMap<Listed> _files = new(QuickReadLimits.ListedMax);
    private long _allowance; // Bytes.
    private long _usedNs;

    /// <summary>Bytes that listings may bring now; for people.</summary>
    public long AllowanceBytes
    {
        get
        {
            lock (_guard)
            {
                return _allowance;
            }
        }
    }

    /// <summary>A listing has shown a small file, with its content or without.</summary>
    public void Shown(in Gfid gfid, int size) => _files.Set(in gfid, new Listed { Size = size });

    /// <summary>A file is read. True when a listing has shown it, and nobody has read it since.</summary>
    public bool Read(in Gfid gfid, long nowNs)
    {
        if (!_files.TryGet(in gfid, out var listed) || !_files.Remove(in gfid))
        {
            return false;
        }

        lock (_guard)
        {
            var earned = (long)(listed.Size + QuickReadLimits.ListedFileBytes) * QuickReadLimits.AllowancePerUse;
            _allowance = Math.Min(_allowance + earned, QuickReadLimits.AllowanceMax);
            _usedNs = nowNs;
        }

        return true;
    }

    /// <summary>
    /// Takes what a listing may bring, in bytes; 0 when it shall bring nothing. What it does not bring is given back by
    /// <see cref="GiveBack"/>.
    /// </summary>
    public int Take(long nowNs)
    {
        lock (_guard)
        {
            if (_allowance != 0 && nowNs - _usedNs > QuickReadLimits.AllowanceNs)
            {
                _allowance = 0;
            }

            if (_allowance < QuickReadLimits.ListedBytesMin)
            {
                return 0;
            }

            var bytes = (int)Math.Min(_allowance, QuickReadLimits.ListedBytesMax);
            _allowance -= bytes;
            return bytes;
        }
    }

    public void GiveBack(long bytes)
    {
        lock (_guard)
        {
            _allowance = Math.Clamp(_allowance + bytes, 0, QuickReadLimits.AllowanceMax);
        }
    }

    private struct Listed
    {
        public int Size;
    }
}
