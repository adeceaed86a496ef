using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>The fd numbers of one client connection: the lowest free number is given out, from 0.</summary>
internal sealed class FdTable
{
    /// <summary>Most fds one connection may hold.</summary>
    public const int CountMax = 1 << 20;

    private readonly Lock _lock = new(); // Guards the fields; a leaf lock.
    private readonly Stack<int> _free = new();
    private bool _isFreeOld; // A number was taken without asking it.
    private Fd?[] _fds = new Fd?[16];
    private int _next;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                RenewFree();
                return _next - _free.Count;
            }
        }
    }

    /// <summary>The number of a new open file, or -1 when the table is full.</summary>
    public long Add(Fd fd)
    {
        lock (_lock)
        {
            RenewFree();
            if (!_free.TryPop(out var number))
            {
                if (_next == CountMax)
                {
                    return -1;
                }

                if (_next == _fds.Length)
                {
                    Array.Resize(ref _fds, _fds.Length * 2);
                }

                number = _next++;
            }

            _fds[number] = fd;
            return number;
        }
    }

    /// <summary>Puts an open file under a number that is free.</summary>
    public void Put(long number, Fd fd)
    {
        Invariant.Check(number is >= 0 and < CountMax);
        lock (_lock)
        {
            if (number >= _fds.Length)
            {
                Array.Resize(ref _fds, (int)Math.Min(CountMax, Math.Max(number + 1, _fds.Length * 2L)));
            }

            Invariant.Check(_fds[number] is null);
            _fds[number] = fd;
            _next = Math.Max(_next, (int)number + 1);
            _isFreeOld = true; // Not renewed for each of many.
        }
    }

    public Fd? Find(long number)
    {
        lock (_lock)
        {
            return (ulong)number < (ulong)_next ? _fds[number] : null;
        }
    }

    /// <summary>Takes an fd out; only the caller that gets it may release it.</summary>
    public bool Remove(long number)
    {
        lock (_lock)
        {
            if ((ulong)number >= (ulong)_next || _fds[number] is null)
            {
                return false;
            }

            RenewFree();
            _fds[number] = null;
            _free.Push((int)number);
            return true;
        }
    }

    /// <summary>The first open files, lowest numbers first.</summary>
    public List<FdView> List(int countMax)
    {
        lock (_lock)
        {
            var list = new List<FdView>();
            for (var i = 0; i < _next && list.Count < countMax; i++)
            {
                if (_fds[i] is { } fd)
                {
                    list.Add(new FdView(i, fd.Gfid, fd.Flags, fd.IsDirectory));
                }
            }

            return list;
        }
    }

    /// <summary>Empties the table and gives what was in it.</summary>
    public List<Fd> TakeAll()
    {
        lock (_lock)
        {
            var all = new List<Fd>();
            for (var i = 0; i < _next; i++)
            {
                if (_fds[i] is { } fd)
                {
                    all.Add(fd);
                }
            }

            _fds = new Fd?[16];
            _free.Clear();
            _isFreeOld = false;
            _next = 0;
            return all;
        }
    }

    private void RenewFree()
    {
        if (!_isFreeOld)
        {
            return;
        }

        _isFreeOld = false;
        _free.Clear(); // Lower numbers come last on the stack.
        for (var i = _next - 1; i >= 0; i--)
        {
            if (_fds[i] is null)
            {
                _free.Push(i);
            }
        }
    }
}
