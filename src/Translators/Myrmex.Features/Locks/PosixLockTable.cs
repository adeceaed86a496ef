using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>
/// POSIX record locks of all files of a brick, as a pure state machine: no I/O, no threads, no time. The owner of the table
/// serialises the steps and carries out the effects afterwards.
/// Invariants: locks of one holder on a file never overlap, and touching ones of the same type are one; two overlapping
/// locks of different holders are both read locks; a waiting request conflicts with at least one held lock; a file without
/// held and waiting locks is not in the table.
/// </summary>
public sealed class PosixLockTable
{
    private readonly Dictionary<Gfid, PosixFile> _files = [];
    private readonly List<PosixFile> _contended = []; // The files with waiting requests.
    private readonly Dictionary<UInt128, uint> _epochs = []; // The highest epoch of each session.

    /// <summary>Files with locks.</summary>
    public int FileCount => _files.Count;

    /// <summary>
    /// Locks, changes or unlocks a range. An unlock always succeeds, and ends a waiting request of the same holder for exactly
    /// that range with EINTR: this is how a client cancels one.
    /// </summary>
    public LockVerdict Set(in PosixLockRequest request, LockEffects effects)
    {
        var isUnlock = request.Lock.Type == LockType.Unlock;
        if (!_files.TryGetValue(request.Gfid, out var file))
        {
            if (isUnlock)
            {
                return LockVerdict.Granted;
            }

            file = Pool<PosixFile>.Rent();
            file.Gfid = request.Gfid;
            _files.Add(request.Gfid, file);
        }

        var verdict = isUnlock ? CancelExact(file, in request, effects) : Judge(file, in request);
        if (verdict == LockVerdict.Granted)
        {
            Apply(file.Held, request.Lock);
            GrantWaiting(file, effects);
        }

        Settle(file);
        return verdict;
    }

    /// <summary>
    /// Ends a waiting request of the same holder for exactly that range with EINTR; what is held stays.
    /// </summary>
    public LockVerdict Cancel(in PosixLockRequest request, LockEffects effects)
    {
        if (_files.TryGetValue(request.Gfid, out var file))
        {
            CancelExact(file, in request, effects);
            Settle(file);
        }

        return LockVerdict.Granted;
    }

    /// <summary>
    /// A request of a session has come. False when the session has gone on to another proxy since: it is late. The
    /// first one from another proxy ends what waits for an earlier one with ECANCELED, for nobody hears that.
    /// </summary>
    public bool TryEnter(in LockSession session, LockEffects effects)
    {
        if (session.IsNone || (_epochs.TryGetValue(session.Id, out var known) && known == session.Epoch))
        {
            return true;
        }

        if (known > session.Epoch)
        {
            return false;
        }

        if (_epochs.Count >= LockLimits.SessionsMax)
        {
            ForgetIdleSessions();
        }

        _epochs[session.Id] = session.Epoch;
        var id = session.Id;
        foreach (var file in _contended.ToArray())
        {
            file.Waiting.RemoveAll(w => w.Lock.Holder.Session.Id == id && Ended(in w, Errno.ECANCELED, effects));
            Settle(file);
        }

        return true;
    }

    /// <summary>
    /// Drops locks whose connections were gone by then and which nobody has taken over. True when some are left that
    /// went later.
    /// </summary>
    public bool DropLeft(long untilMs, LockEffects effects)
    {
        var isLeft = false;
        foreach (var file in SnapshotFiles())
        {
            file.Held.RemoveAll(h => h.LeftMs > 0 && h.LeftMs <= untilMs);
            isLeft |= file.Held.Exists(h => h.LeftMs > 0);
            GrantWaiting(file, effects);
            Settle(file);
        }

        return isLeft;
    }

    /// <summary>
    /// The holder of locks taken through a former open file asks for one of them by another connection: those that its
    /// range meets are the asker's own from now on, whatever comes of the request.
    /// </summary>
    public LockVerdict Move(in PosixLockRequest request, Predicate<Fd> isFormer, LockEffects effects)
    {
        if (_files.TryGetValue(request.Gfid, out var file))
        {
            var wanted = request.Lock;
            var moved = file.Held.FindAll(
                held => held.Fd is not null && isFormer(held.Fd) && Overlaps(in held, in wanted));
            foreach (var held in moved)
            {
                file.Held.Remove(held);
                Apply(file.Held, held with { Holder = wanted.Holder, Fd = wanted.Fd });
            }
        }

        return Set(in request, effects);
    }

    /// <summary>The held lock that a request would meet, the lowest one if there are several.</summary>
    public bool TryFindConflict(in Gfid gfid, in PosixLock wanted, out PosixLock conflict)
    {
        conflict = default;
        var found = false;
        if (_files.TryGetValue(gfid, out var file))
        {
            foreach (var held in file.Held)
            {
                if (Conflicts(in held, in wanted) && (!found || held.Start < conflict.Start))
                {
                    conflict = held;
                    found = true;
                }
            }
        }

        return found;
    }

    /// <summary>FLUSH: drops all of a holder's locks on a file and ends its waiting requests with EINTR.</summary>
    public void DropHolder(in Gfid gfid, in LockHolder holder, LockEffects effects)
    {
        if (_files.TryGetValue(gfid, out var file))
        {
            Drop(file, new DropRule(holder, null, null), Errno.EINTR, effects);
        }
    }

    /// <summary>RELEASE: drops what was taken through an open file.</summary>
    /// <param name="leftMs">
    /// When its client has left without a word: what sessions hold is kept, as left since then.
    /// </param>
    /// <returns>True when something was kept.</returns>
    public bool DropFd(in Gfid gfid, Fd fd, LockEffects effects, long leftMs = 0) =>
        _files.TryGetValue(gfid, out var file)
        && Drop(file, new DropRule(null, fd, null), Errno.EBADF, effects, leftMs);

    /// <summary>Drops everything of a client; what sessions hold is kept with <paramref name="leftMs"/>.</summary>
    /// <returns>True when something was kept.</returns>
    public bool DropClient(ClientIdentity client, LockEffects effects, long leftMs = 0)
    {
        var isKept = false;
        foreach (var file in SnapshotFiles())
        {
            isKept |= Drop(file, new DropRule(null, null, client), Errno.ENOTCONN, effects, leftMs);
        }

        return isKept;
    }

    /// <summary>Ends every waiting request, and drops every lock as well if that is wanted.</summary>
    public void GiveUp(Errno error, bool dropsHeld, LockEffects effects)
    {
        foreach (var file in SnapshotFiles())
        {
            foreach (var waiting in file.Waiting)
            {
                effects.Complete(waiting.Ticket!, error); // A waiting request has a ticket.
            }

            file.Waiting.Clear();
            if (dropsHeld)
            {
                file.Held.Clear();
            }

            Settle(file);
        }
    }

    /// <summary>
    /// A client that changed its graph takes over the locks taken through its former open file. False, with nothing changed,
    /// when there are none or when one of them still waits.
    /// </summary>
    public bool TryMoveFd(in Gfid gfid, Predicate<Fd> isFormer, Fd fd, ClientIdentity? client)
    {
        if (!_files.TryGetValue(gfid, out var file)
            || file.Waiting.Exists(w => w.Lock.Fd is not null && isFormer(w.Lock.Fd)))
        {
            return false;
        }

        var moved = false;
        for (var i = 0; i < file.Held.Count; i++)
        {
            var held = file.Held[i];
            if (held.Fd is not null && isFormer(held.Fd))
            {
                file.Held[i] = held with { Fd = fd, Holder = held.Holder with { Client = client } };
                moved = true;
            }
        }

        return moved;
    }

    /// <summary>True when a held or waiting lock was taken through such an open file.</summary>
    public bool HasFd(in Gfid gfid, Predicate<Fd> isMeant) =>
        _files.TryGetValue(gfid, out var file)
        && (file.Held.Exists(h => h.Fd is not null && isMeant(h.Fd))
            || file.Waiting.Exists(w => w.Lock.Fd is not null && isMeant(w.Lock.Fd)));

    /// <summary>Turns all locks of one identity over to another; neither may have waiting requests.</summary>
    public void Adopt(ClientIdentity former, ClientIdentity client)
    {
        foreach (var file in _files.Values)
        {
            for (var i = 0; i < file.Held.Count; i++)
            {
                var held = file.Held[i];
                if (ReferenceEquals(held.Holder.Client, former))
                {
                    file.Held[i] = held with { Holder = held.Holder with { Client = client } };
                }
            }
        }
    }

    /// <summary>Held locks of a file; waiting ones do not count.</summary>
    public int Count(in Gfid gfid) => _files.TryGetValue(gfid, out var file) ? file.Held.Count : 0;

    /// <summary>Copies the held and waiting locks of a file.</summary>
    public void List(in Gfid gfid, List<PosixLock> held, List<PosixLock> waiting)
    {
        if (_files.TryGetValue(gfid, out var file))
        {
            held.AddRange(file.Held);
            foreach (var request in file.Waiting)
            {
                waiting.Add(request.Lock);
            }
        }
    }

    public Gfid[] ListFiles() => [.. _files.Keys];

    /// <summary>
    /// An administrator clears locks: held ones vanish, waiting ones end with EINTR.
    /// Returns how many of each.
    /// </summary>
    public (int Held, int Waiting) Clear(in Gfid gfid, LockClearing clearing, LockEffects effects)
    {
        if (!_files.TryGetValue(gfid, out var file))
        {
            return (0, 0);
        }

        var waiting = clearing.Waiting
            ? file.Waiting.RemoveAll(r => clearing.Covers(r.Lock.Start, r.Lock.End) && Ended(r, Errno.EINTR, effects))
            : 0;
        var held = clearing.Held ? file.Held.RemoveAll(l => clearing.Covers(l.Start, l.End)) : 0;
        GrantWaiting(file, effects);
        Settle(file);
        return (held, waiting);
    }

    private static bool Ended(in PosixLockRequest request, Errno error, LockEffects effects)
    {
        effects.Complete(request.Ticket!, error); // A waiting request has a ticket.
        return true;
    }

    private static bool Overlaps(in PosixLock left, in PosixLock right) =>
        left.Start <= right.End && right.Start <= left.End;

    private static bool Touches(in PosixLock held, long start, long end) =>
        (held.Start <= end || (end != long.MaxValue && held.Start == end + 1))
        && (start <= held.End || (held.End != long.MaxValue && start == held.End + 1));

    private static bool Conflicts(in PosixLock held, in PosixLock wanted) =>
        Overlaps(in held, in wanted) && (held.Type == LockType.Write || wanted.Type == LockType.Write)
        && held.Holder != wanted.Holder;

    private static bool HasConflict(PosixFile file, in PosixLock wanted)
    {
        foreach (var held in file.Held)
        {
            if (Conflicts(in held, in wanted))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Puts a lock (or a hole) over what its holder has: cuts other types, merges with the same type.
    /// </summary>
    private static void Apply(List<PosixLock> held, in PosixLock wanted)
    {
        var start = wanted.Start;
        var end = wanted.End;
        for (var i = held.Count - 1; i >= 0; i--)
        {
            var own = held[i];
            if (own.Holder != wanted.Holder)
            {
                continue;
            }

            if (own.Type == wanted.Type)
            {
                if (Touches(in own, start, end))
                {
                    start = Math.Min(start, own.Start);
                    end = Math.Max(end, own.End);
                    RemoveAt(held, i);
                }
            }
            else if (Overlaps(in own, in wanted))
            {
                RemoveAt(held, i);
                AddRest(held, in own, in wanted);
            }
        }

        if (wanted.Type != LockType.Unlock)
        {
            held.Add(wanted with { Start = start, End = end });
        }
    }

    /// <summary>Adds what remains of a lock left and right of a hole.</summary>
    private static void AddRest(List<PosixLock> held, in PosixLock own, in PosixLock hole)
    {
        if (own.Start < hole.Start)
        {
            held.Add(own with { End = hole.Start - 1 });
        }

        if (own.End > hole.End)
        {
            held.Add(own with { Start = hole.End + 1 });
        }
    }

    private static void RemoveAt(List<PosixLock> held, int index)
    {
        held[index] = held[^1];
        held.RemoveAt(held.Count - 1);
    }

    private LockVerdict Judge(PosixFile file, in PosixLockRequest request)
    {
        if (!HasConflict(file, request.Lock))
        {
            return file.Held.Count < LockLimits.PerFileMax ? LockVerdict.Granted : LockVerdict.Full;
        }

        if (request.Ticket is null)
        {
            return LockVerdict.Conflict;
        }

        if (file.Waiting.Count >= LockLimits.PerFileMax)
        {
            return LockVerdict.Full;
        }

        if (WouldDeadlock(file, in request))
        {
            return LockVerdict.Deadlock;
        }

        if (file.Waiting.Count == 0)
        {
            _contended.Add(file);
        }

        file.Waiting.Add(request);
        return LockVerdict.Waiting;
    }

    private LockVerdict CancelExact(PosixFile file, in PosixLockRequest request, LockEffects effects)
    {
        for (var i = file.Waiting.Count - 1; i >= 0; i--)
        {
            var waiting = file.Waiting[i];
            if (waiting.Lock.Start == request.Lock.Start && waiting.Lock.End == request.Lock.End
                && waiting.Lock.Holder == request.Lock.Holder)
            {
                file.Waiting.RemoveAt(i);
                Ended(in waiting, Errno.EINTR, effects);
            }
        }

        return LockVerdict.Granted;
    }

    /// <summary>
    /// Grants in the order of arrival whatever no longer conflicts. Runs again after every grant, because a grant may turn
    /// write locks of its holder into read locks.
    /// </summary>
    private void GrantWaiting(PosixFile file, LockEffects effects)
    {
        for (var i = 0; i < file.Waiting.Count; i++)
        {
            var waiting = file.Waiting[i];
            if (HasConflict(file, waiting.Lock))
            {
                continue;
            }

            file.Waiting.RemoveAt(i);
            Apply(file.Held, waiting.Lock);
            Ended(in waiting, Errno.Ok, effects);
            i = -1;
        }
    }

    private bool Drop(PosixFile file, in DropRule rule, Errno error, LockEffects effects, long leftMs = 0)
    {
        var isKept = false;
        for (var i = file.Waiting.Count - 1; i >= 0; i--)
        {
            var waiting = file.Waiting[i];
            if (rule.Hits(waiting.Lock))
            {
                file.Waiting.RemoveAt(i);
                Ended(in waiting, error, effects);
            }
        }

        for (var i = file.Held.Count - 1; i >= 0; i--)
        {
            var held = file.Held[i];
            if (rule.Hits(in held) && leftMs > 0 && !held.Holder.Session.IsNone)
            {
                isKept = true;
                file.Held[i] = held with { Fd = null, Holder = held.Holder with { Client = null }, LeftMs = leftMs };
            }
            else if (rule.Hits(in held))
            {
                RemoveAt(file.Held, i);
            }
        }

        GrantWaiting(file, effects);
        Settle(file);
        return isKept;
    }

    private void ForgetIdleSessions()
    {
        var busy = new HashSet<UInt128>();
        foreach (var file in _files.Values)
        {
            file.Held.ForEach(h => busy.Add(h.Holder.Session.Id));
            file.Waiting.ForEach(w => busy.Add(w.Lock.Holder.Session.Id));
        }

        foreach (var id in _epochs.Keys)
        {
            if (!busy.Contains(id))
            {
                _epochs.Remove(id);
            }
        }
    }

    /// <summary>Forgets a file without locks; runs at the end of every step.</summary>
    private void Settle(PosixFile file)
    {
        if (file.Waiting.Count == 0)
        {
            _contended.Remove(file);
        }

        if (file.Held.Count == 0 && _files.Remove(file.Gfid))
        {
            Invariant.Check(file.Waiting.Count == 0);
            Pool<PosixFile>.Return(file);
        }
    }

    /// <summary>
    /// True when the holders in the way wait, directly or through others, for the one that asks. One holder is one process,
    /// whose threads may have several requests waiting.
    /// </summary>
    private bool WouldDeadlock(PosixFile file, in PosixLockRequest request)
    {
        if (_contended.Count == 0)
        {
            return false;
        }

        var reached = new List<LockHolder>();
        AddHoldersInTheWay(file, request.Lock, reached);
        var steps = 0;
        for (var i = 0; i < reached.Count; i++)
        {
            if (reached[i] == request.Lock.Holder)
            {
                return true;
            }

            foreach (var contended in _contended)
            {
                foreach (var waiting in contended.Waiting)
                {
                    if (++steps > LockLimits.DeadlockStepsMax)
                    {
                        return false;
                    }

                    if (waiting.Lock.Holder == reached[i])
                    {
                        AddHoldersInTheWay(contended, waiting.Lock, reached);
                    }
                }
            }
        }

        return false;
    }

    private static void AddHoldersInTheWay(PosixFile file, in PosixLock wanted, List<LockHolder> reached)
    {
        foreach (var held in file.Held)
        {
            if (Conflicts(in held, in wanted) && !reached.Contains(held.Holder))
            {
                reached.Add(held.Holder);
            }
        }
    }

    private PosixFile[] SnapshotFiles() => [.. _files.Values];

    private readonly record struct DropRule(LockHolder? Holder, Fd? Fd, ClientIdentity? Client)
    {
        public bool Hits(in PosixLock held) =>
            Holder is { } holder ? held.Holder == holder
            : Fd is not null ? ReferenceEquals(held.Fd, Fd)
            : ReferenceEquals(held.Holder.Client, Client);
    }

    /// <summary>The locks of one file; pooled.</summary>
    private sealed class PosixFile
    {
        public Gfid Gfid { get; set; }

        public List<PosixLock> Held { get; } = [];

        /// <summary>In the order of arrival.</summary>
        public List<PosixLockRequest> Waiting { get; } = [];
    }
}
