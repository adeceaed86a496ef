using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>A held or waiting lock of a domain.</summary>
public record struct DomainLock<TScope>(LockHolder Holder, TScope Scope, int Pid)
    where TScope : struct, ILockScope<TScope>
{
    /// <summary>Null for a held lock and for a request that may not wait.</summary>
    public LockTicket? Ticket;

    /// <summary>The client's change that it is taken for; default for none.</summary>
    public LockedChange For;

    /// <summary>When its holder was last told that somebody waits, ms of the monotonic clock; null for never.</summary>
    public long? ToldMs;

    /// <summary>
    /// Since when it waits for the next run of its change, ms of the monotonic clock; null while its own run goes on.
    /// </summary>
    public long? LeftMs;

    /// <summary>Another run has taken the change over: its own run has nothing to say any more.</summary>
    public bool IsTakenOver;
}

/// <summary>A holder who should hear that somebody wants its lock.</summary>
public readonly record struct Contention<TScope>(Gfid Gfid, LockDomain Domain, DomainLock<TScope> Lock)
    where TScope : struct, ILockScope<TScope>;

/// <summary>
/// Locks that clients take on files and directories among themselves, per domain, as a pure state machine: no I/O, no
/// threads, time comes with the step. The owner of the table serialises the steps and carries out the effects afterwards.
/// Rules: a holder never excludes itself, whatever it already has; every lock is unlocked on its own, by its exact scope;
/// a request that could be granted still queues behind an earlier waiting one that excludes it, unless its holder already
/// has a lock in the domain. A file without locks is not in the table. A lock that a run of a client's change has left
/// excludes all but other runs of that change; the one that asks for it gets it, before all others.
/// </summary>
public sealed class DomainLockTable<TScope>
    where TScope : struct, ILockScope<TScope>
{
    private readonly Dictionary<Gfid, FileDomains> _files = [];

    public int FileCount => _files.Count;

    /// <summary>
    /// Asks for a lock. Holders in its way are to be told, each at most once per <paramref name="tellEveryMs"/>; a negative value
    /// tells nobody.
    /// </summary>
    public LockVerdict Lock(
        in Gfid gfid,
        in LockDomain domain,
        in DomainLock<TScope> wanted,
        long nowMs,
        long tellEveryMs,
        LockEffects effects)
    {
        if (!_files.TryGetValue(gfid, out var file))
        {
            file = Pool<FileDomains>.Rent();
            file.Gfid = gfid;
            _files.Add(gfid, file);
        }

        var at = file.Find(in domain) ?? file.Add(in domain);
        if (IsFree(at, in wanted, at.Waiting.Count))
        {
            if (at.Held.Count >= LockLimits.PerFileMax)
            {
                return LockVerdict.Full;
            }

            Inherit(at, in wanted);
            at.Held.Add(Owned(in wanted) with { Ticket = null });
            GrantWaiting(at, effects); // Another request of the same holder may pass now.
            return LockVerdict.Granted;
        }

        if (tellEveryMs >= 0)
        {
            Tell(file, at, in wanted, nowMs, tellEveryMs, effects.Contended<TScope>());
        }

        if (wanted.Ticket is null)
        {
            return LockVerdict.Conflict;
        }

        if (at.Waiting.Count >= LockLimits.PerFileMax)
        {
            return LockVerdict.Full;
        }

        at.Waiting.Add(Owned(in wanted));
        return LockVerdict.Waiting;
    }

    /// <summary>
    /// Gives up the latest lock of the holder with exactly this scope, or of that run of a change, whose connection may
    /// be another one by now. Late when another run has taken the change over.
    /// </summary>
    /// <param name="by">The run that gives it up; default for none.</param>
    /// <param name="leftMs">The lock is kept for the next run, as left since then; null to free it.</param>
    public LockVerdict Unlock(
        in Gfid gfid, in LockDomain domain, in LockHolder holder, in TScope scope, in LockedChange by, long? leftMs,
        LockEffects effects)
    {
        if (!_files.TryGetValue(gfid, out var file) || file.Find(in domain) is not { } at)
        {
            return LockVerdict.NotHeld;
        }

        for (var i = at.Held.Count - 1; i >= 0; i--)
        {
            var held = at.Held[i];
            if ((held.Holder == holder || (!by.IsNone && held.For == by)) && held.Scope.Matches(in scope))
            {
                if (held.IsTakenOver)
                {
                    return LockVerdict.Late;
                }

                at.Held.RemoveAt(i);
                if (leftMs is not null && !held.For.IsNone)
                {
                    at.Held.Insert(i, held with { LeftMs = leftMs });
                }

                GrantWaiting(at, effects);
                Settle(file);
                return LockVerdict.Granted;
            }
        }

        return LockVerdict.NotHeld;
    }

    /// <summary>
    /// Another run has taken a change over: what the former ones hold for it is kept for that one, and what they wait
    /// for ends with ECANCELED. True when something is kept.
    /// </summary>
    public bool TakeOver(in LockedChange taken, long nowMs, LockEffects effects)
    {
        var by = taken;
        var isKept = false;
        foreach (var file in SnapshotFiles())
        {
            foreach (var at in file.Domains)
            {
                at.Waiting.RemoveAll(w => w.For.IsFormer(in by) && Ended(w, Errno.ECANCELED, effects));
                isKept |= Leave(at, h => h.For.IsFormer(in by), nowMs, isTakenOver: true);
                GrantWaiting(at, effects);
            }

            Settle(file);
        }

        return isKept;
    }

    /// <summary>A run has done with its change: what earlier ones have left and it has not asked for is free.</summary>
    public void DropLeftOf(in LockedChange change, LockEffects effects)
    {
        var by = change;
        DropHeld(h => h.LeftMs is not null && h.For.IsSame(in by), effects);
    }

    /// <summary>
    /// Drops what was left by then and no other run has asked for. True when something is left that is younger.
    /// </summary>
    public bool DropLeft(long untilMs, LockEffects effects)
    {
        DropHeld(h => h.LeftMs <= untilMs, effects);
        foreach (var file in _files.Values)
        {
            if (file.Domains.Exists(d => d.Held.Exists(h => h.LeftMs is not null)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Drops everything of a client and ends its waiting requests with ENOTCONN. What it holds for changes of clients
    /// is kept for their next runs: true when there is such.
    /// </summary>
    public bool DropClient(ClientIdentity client, long nowMs, LockEffects effects)
    {
        var isKept = false;
        foreach (var file in SnapshotFiles())
        {
            foreach (var at in file.Domains)
            {
                at.Waiting.RemoveAll(w => ReferenceEquals(w.Holder.Client, client) && Ended(w, Errno.ENOTCONN, effects));
                at.Held.RemoveAll(h => ReferenceEquals(h.Holder.Client, client) && h.For.IsNone);
                isKept |= Leave(at, h => ReferenceEquals(h.Holder.Client, client), nowMs, isTakenOver: false);
                GrantWaiting(at, effects);
            }

            Settle(file);
        }

        return isKept;
    }

    /// <summary>Ends every waiting request, and drops every lock as well if that is wanted.</summary>
    public void GiveUp(Errno error, bool dropsHeld, LockEffects effects)
    {
        foreach (var file in SnapshotFiles())
        {
            foreach (var at in file.Domains)
            {
                at.Waiting.RemoveAll(w => Ended(w, error, effects));
                if (dropsHeld)
                {
                    at.Held.Clear();
                }
            }

            Settle(file);
        }
    }

    /// <summary>
    /// An administrator clears locks in all domains: held ones vanish, waiting ones end with EAGAIN. Returns how many of each.
    /// </summary>
    public (int Held, int Waiting) Clear(in Gfid gfid, LockClearing clearing, LockEffects effects)
    {
        if (!_files.TryGetValue(gfid, out var file))
        {
            return (0, 0);
        }

        var (heldCount, waitingCount) = (0, 0);
        foreach (var at in file.Domains)
        {
            waitingCount += clearing.Waiting
                ? at.Waiting.RemoveAll(w => w.Scope.IsCoveredBy(in clearing) && Ended(w, Errno.EAGAIN, effects))
                : 0;
            heldCount += clearing.Held ? at.Held.RemoveAll(h => h.Scope.IsCoveredBy(in clearing)) : 0;
            GrantWaiting(at, effects);
        }

        Settle(file);
        return (heldCount, waitingCount);
    }

    /// <summary>Held and waiting locks of a file in all domains.</summary>
    public int Count(in Gfid gfid)
    {
        var count = 0;
        if (_files.TryGetValue(gfid, out var file))
        {
            foreach (var at in file.Domains)
            {
                count += at.Held.Count + at.Waiting.Count;
            }
        }

        return count;
    }

    /// <summary>Held and waiting locks of a file in the domain written so.</summary>
    public int Count(in Gfid gfid, ReadOnlySpan<byte> domainText)
    {
        if (_files.TryGetValue(gfid, out var file))
        {
            foreach (var at in file.Domains)
            {
                if (at.Domain.IsWritten(domainText))
                {
                    return at.Held.Count + at.Waiting.Count;
                }
            }
        }

        return 0;
    }

    /// <summary>True when somebody holds a lock on exactly this scope in any domain.</summary>
    public bool IsHeld(in Gfid gfid, in TScope scope)
    {
        if (_files.TryGetValue(gfid, out var file))
        {
            foreach (var at in file.Domains)
            {
                foreach (var held in at.Held)
                {
                    if (held.Scope.Matches(in scope))
                    {
                        return true;
                    }
                }
            }
        }

        return false;
    }

    public Gfid[] ListFiles() => [.. _files.Keys];

    /// <summary>Copies the held and waiting locks of a file; a lock with a ticket waits.</summary>
    public void List(in Gfid gfid, List<(LockDomain Domain, DomainLock<TScope> Lock)> locks)
    {
        if (_files.TryGetValue(gfid, out var file))
        {
            foreach (var at in file.Domains)
            {
                foreach (var held in at.Held)
                {
                    locks.Add((at.Domain, held));
                }

                foreach (var waiting in at.Waiting)
                {
                    locks.Add((at.Domain, waiting));
                }
            }
        }
    }

    private static DomainLock<TScope> Owned(in DomainLock<TScope> wanted) =>
        wanted with { Scope = wanted.Scope.ToOwned() };

    private static bool Ended(in DomainLock<TScope> waiting, Errno error, LockEffects effects)
    {
        effects.Complete(waiting.Ticket!, error); // A waiting request has a ticket.
        return true;
    }

    /// <summary>Whether a request can be granted with the first <paramref name="aheadCount"/> waiting ones ahead of it.</summary>
    private static bool IsFree(DomainLocks at, in DomainLock<TScope> wanted, int aheadCount)
    {
        var hasLock = false;
        foreach (var held in at.Held)
        {
            if (held.Holder == wanted.Holder || IsLeftTo(in held, in wanted))
            {
                hasLock = true;
            }
            else if (held.Scope.Excludes(wanted.Scope))
            {
                return false;
            }
        }

        for (var i = 0; i < aheadCount && !hasLock; i++)
        {
            var ahead = at.Waiting[i];
            if (ahead.Holder != wanted.Holder && ahead.Scope.Excludes(wanted.Scope))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>An earlier run of the same change has left it.</summary>
    private static bool IsLeftTo(in DomainLock<TScope> held, in DomainLock<TScope> wanted) =>
        held.LeftMs is not null && held.For.IsSame(in wanted.For);

    /// <summary>What is granted takes the place of what an earlier run of the change has left.</summary>
    private static void Inherit(DomainLocks at, in DomainLock<TScope> granted)
    {
        for (var i = 0; i < at.Held.Count; i++)
        {
            if (IsLeftTo(at.Held[i], in granted) && at.Held[i].Scope.Matches(granted.Scope))
            {
                at.Held.RemoveAt(i);
                return;
            }
        }
    }

    /// <summary>Keeps locks for the next run of their change; true when there are any.</summary>
    private static bool Leave(DomainLocks at, Predicate<DomainLock<TScope>> which, long nowMs, bool isTakenOver)
    {
        var isKept = false;
        for (var i = 0; i < at.Held.Count; i++)
        {
            var held = at.Held[i];
            if (which(held))
            {
                isKept = true;
                at.Held[i] = held with { LeftMs = nowMs, IsTakenOver = isTakenOver || held.IsTakenOver };
            }
        }

        return isKept;
    }

    private void DropHeld(Predicate<DomainLock<TScope>> which, LockEffects effects)
    {
        foreach (var file in SnapshotFiles())
        {
            foreach (var at in file.Domains)
            {
                if (at.Held.RemoveAll(which) > 0)
                {
                    GrantWaiting(at, effects);
                }
            }

            Settle(file);
        }
    }

    private static void Tell(
        FileDomains file,
        DomainLocks at,
        in DomainLock<TScope> wanted,
        long nowMs,
        long tellEveryMs,
        List<Contention<TScope>> contended)
    {
        for (var i = 0; i < at.Held.Count; i++)
        {
            var held = at.Held[i];
            if (held.Holder.Client is null || held.LeftMs is not null || held.Holder == wanted.Holder
                || !held.Scope.Excludes(wanted.Scope)
                || (held.ToldMs is { } told && nowMs - told < tellEveryMs))
            {
                continue;
            }

            held.ToldMs = nowMs;
            at.Held[i] = held;
            contended.Add(new Contention<TScope>(file.Gfid, at.Domain, held));
        }
    }

    /// <summary>
    /// Grants in the order of arrival. Runs again after every grant: its holder now has a lock in the domain, which lets
    /// another of its requests pass.
    /// </summary>
    private static void GrantWaiting(DomainLocks at, LockEffects effects)
    {
        for (var i = 0; i < at.Waiting.Count; i++)
        {
            var waiting = at.Waiting[i];
            if (!IsFree(at, in waiting, i))
            {
                continue;
            }

            at.Waiting.RemoveAt(i);
            Inherit(at, in waiting);
            at.Held.Add(waiting with { Ticket = null });
            Ended(in waiting, Errno.Ok, effects);
            i = -1;
        }
    }

    /// <summary>Forgets empty domains and files; runs at the end of every step that removes locks.</summary>
    private void Settle(FileDomains file)
    {
        for (var i = file.Domains.Count - 1; i >= 0; i--)
        {
            var at = file.Domains[i];
            if (at.Held.Count == 0)
            {
                Invariant.Check(at.Waiting.Count == 0);
                file.Domains.RemoveAt(i);
                Pool<DomainLocks>.Return(at);
            }
        }

        if (file.Domains.Count == 0)
        {
            _files.Remove(file.Gfid);
            Pool<FileDomains>.Return(file);
        }
    }

    private FileDomains[] SnapshotFiles() => [.. _files.Values];

    /// <summary>The locks of one file; pooled.</summary>
    private sealed class FileDomains
    {
        public Gfid Gfid { get; set; }

        public List<DomainLocks> Domains { get; } = [];

        public DomainLocks? Find(in LockDomain domain)
        {
            foreach (var at in Domains)
            {
                if (at.Domain == domain)
                {
                    return at;
                }
            }

            return null;
        }

        public DomainLocks Add(in LockDomain domain)
        {
            var at = Pool<DomainLocks>.Rent();
            if (at.Domain != domain)
            {
                // A pooled object mostly comes back for the domain it had: clients use a handful of them.
                at.Domain = domain.ToOwned();
            }

            Domains.Add(at);
            return at;
        }
    }

    /// <summary>The locks of one domain of one file; pooled.</summary>
    private sealed class DomainLocks
    {
        public LockDomain Domain { get; set; }

        public List<DomainLock<TScope>> Held { get; } = [];

        /// <summary>In the order of arrival.</summary>
        public List<DomainLock<TScope>> Waiting { get; } = [];
    }
}
