using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>On an fd at a member: in which term it was opened.</summary>
/// <param name="File">Which file it counts for; the null gfid for none.</param>
internal sealed record OpenMark(Term Term, Gfid File = default);

/// <summary>
/// Which files clients have open at the member that leads. A file that loses its last name lives on without one, on all
/// members, while somebody has it open or may have: clients open their files again at each new leader, and those that
/// lost their connection have a time to come back in. What nobody has open any more is ended by an entry. Safe for all
/// threads.
/// </summary>
/// <remarks>
/// Nothing here is needed by another leader: the kept files are in the store, and who has them open is told anew.
/// Invariant: a kept file is ended only in a term that is older than the grace, when it is not open and was not left
/// without a word within the grace.
/// </remarks>
/// <param name="log">The journal of the replica set.</param>
/// <param name="store">Has the kept files.</param>
/// <param name="seams">Clock and timers.</param>
/// <param name="graceMs">How long clients have to come back.</param>
internal sealed class OpenFiles(IReplicaLog log, IForcedStore store, Seams seams, long graceMs)
{
    private readonly Lock _lock = new(); // Guards the fields below; comes before the locks of log and store.
    private readonly Dictionary<Gfid, OpenState> _files = [];
    private Term _term;
    private long _sinceMs; // Of the term, as far as we have heard.
    private bool _isStopped;
    private long _graceMs = graceMs;
    private bool _isEnding;
    private long _ended;

    /// <summary>Ends a kept file by an entry, unless it is in use by then.</summary>
    public Func<Gfid, ValueTask<Errno>>? End { get; set; }

    /// <summary>How long clients have to come back, from now on.</summary>
    public long GraceMs
    {
        get => Volatile.Read(ref _graceMs);
        set => Volatile.Write(ref _graceMs, value);
    }

    private long NowMs => seams.Clock.MonotonicNs / 1_000_000;

    /// <summary>Counts a file in that is about to be opened; false when the term is not that of the leader.</summary>
    public bool TryEnter(Term term, in Gfid gfid)
    {
        lock (_lock)
        {
            if (term == Term.None || !IsOf(term))
            {
                return false;
            }

            _files.TryGetValue(gfid, out var state);
            _files[gfid] = state with { Count = state.Count + 1 };
            return true;
        }
    }

    /// <summary>It is closed, or was not opened.</summary>
    /// <param name="isLost">The connection of its client is gone: that may come back.</param>
    public void Leave(Term term, in Gfid gfid, bool isLost)
    {
        lock (_lock)
        {
            if (!IsOf(term) || !_files.TryGetValue(gfid, out var state))
            {
                return; // Another term counts anew.
            }

            state = state with
            {
                Count = state.Count - 1,
                UntilMs = isLost ? NowMs + GraceMs : state.UntilMs,
            };
            Invariant.Check(state.Count >= 0);
            if (state.Count == 0 && state.UntilMs == 0)
            {
                _files.Remove(gfid);
            }
            else
            {
                _files[gfid] = state;
            }
        }
    }

    /// <summary>See <see cref="Evaluator.KeepRule"/>.</summary>
    public bool MustKeep(in Iatt inode, bool isInternal)
    {
        lock (_lock)
        {
            return IsOf(log.ServingTerm) && (IsKnown(inode.Gfid) || (!isInternal && MayBeOpen(in inode)));
        }
    }

    /// <summary>Whether a kept file has to stay.</summary>
    public bool IsInUse(in Gfid gfid)
    {
        lock (_lock)
        {
            return !IsOf(log.ServingTerm) || IsKnown(gfid) || (IsYoung && log.RoomBytes >= JournalLimits.KeptRoomMin);
        }
    }

    public void Start() => _ = seams.Scheduler.Schedule(JournalLimits.KeptLookMs, Tick);

    public void Stop()
    {
        lock (_lock)
        {
            _isStopped = true;
        }
    }

    public void DumpState(StateDump dump)
    {
        dump.Put("files.kept", store.KeptCount);
        lock (_lock)
        {
            dump.Put("files.open", _files.Count);
            dump.Put("files.ended", _ended);
        }
    }

    private bool IsLeading
    {
        get
        {
            lock (_lock)
            {
                return IsOf(log.ServingTerm);
            }
        }
    }

    /// <summary>Not all clients can have told yet what they have open.</summary>
    private bool IsYoung => NowMs - _sinceMs < GraceMs && !log.IsFirstTerm;

    private bool IsKnown(in Gfid gfid) =>
        _files.TryGetValue(gfid, out var state) && (state.Count > 0 || NowMs < state.UntilMs);

    /// <summary>
    /// Nobody is known to have it open, and somebody may. Space is worth more than that when there is little, and a
    /// link file of a distributing client is never open.
    /// </summary>
    private bool MayBeOpen(in Iatt inode) =>
        IsYoung && inode.Mode != (FileMode.Regular | FileMode.Sticky)
        && log.RoomBytes is var room && room >= JournalLimits.KeptRoomMin
        && inode.Blocks * 512 <= (ulong)room / JournalLimits.KeptRoomPart
        && store.KeptCount < JournalLimits.KeptUnknownMax;

    /// <summary>Begins anew in a new term. Under the lock.</summary>
    private bool IsOf(Term term)
    {
        var serving = log.ServingTerm;
        if (serving != _term)
        {
            _files.Clear();
            (_term, _sinceMs) = (serving, NowMs);
        }

        return term == _term && term != Term.None;
    }

    private void Tick()
    {
        lock (_lock)
        {
            if (_isStopped)
            {
                return;
            }

            if (IsOf(log.ServingTerm))
            {
                Forget();
            }
        }

        _ = EndUnusedAsync();
        _ = seams.Scheduler.Schedule(JournalLimits.KeptLookMs, Tick);
    }

    /// <summary>Files whose clients have not come back. Under the lock.</summary>
    private void Forget()
    {
        List<Gfid> over = [];
        foreach (var (gfid, state) in _files)
        {
            if (state.Count == 0 && NowMs >= state.UntilMs)
            {
                over.Add(gfid);
            }
        }

        over.ForEach(gfid => _files.Remove(gfid));
    }

    private async Task EndUnusedAsync()
    {
        lock (_lock)
        {
            if (_isEnding || End is null)
            {
                return;
            }

            _isEnding = true;
        }

        try
        {
            var under = new List<Task<Errno>>();
            foreach (var gfid in IsLeading ? store.ListKept() : [])
            {
                if (IsInUse(gfid))
                {
                    continue;
                }

                under.Add(End!(gfid).AsTask()); // Looked at above.
                if (under.Count == JournalLimits.KeptWindow)
                {
                    await CountAsync(under);
                }
            }

            await CountAsync(under);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("journal", "files without a name cannot be ended", ("exception", e));
        }
        finally
        {
            lock (_lock)
            {
                _isEnding = false;
            }
        }
    }

    private async ValueTask CountAsync(List<Task<Errno>> under)
    {
        foreach (var error in await Task.WhenAll(under))
        {
            lock (_lock)
            {
                _ended += error == Errno.Ok ? 1 : 0;
            }
        }

        under.Clear();
    }

    /// <param name="Count">Open fds.</param>
    /// <param name="UntilMs">Up to then a client may come back that has left without a word; 0 for none.</param>
    private readonly record struct OpenState(int Count, long UntilMs);
}
