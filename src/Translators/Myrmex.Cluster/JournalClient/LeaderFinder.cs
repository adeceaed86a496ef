using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// Knows which member leads, or finds it: one search for all who wait. A search asks a member by a STAT of the root and
/// follows its hint; without one it goes on to the next member that is attached. A round asks each member once; between
/// rounds are pauses.
/// </summary>
internal sealed class LeaderFinder(string volume, Seams seams, Member[] members)
{
    private readonly Lock _lock = new(); // Guards all fields below; a leaf lock.
    private readonly List<Waiter> _waiting = [];
    private Lead? _lead;
    private Lead? _former; // The last one that was found.
    private Member? _hint; // Where the next round begins.
    private Waiter? _pause;
    private bool _isSearching;
    private bool _isStopped;
    private bool _isWanted; // Somebody wants to know even if no fop waits.

    /// <summary>A leader was found; on any thread.</summary>
    public event Action? Found;

    /// <summary>Who leads, as far as is known; null while nobody does.</summary>
    public Lead? Lead => Volatile.Read(ref _lead);

    public int WaitingCount
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>How often another member was found to lead than before.</summary>
    public long Moves => Volatile.Read(ref _former)?.Number ?? 0;

    public long Probes { get; private set; }

    /// <summary>A fop has heard that this is not so, or no longer. What was found since stays.</summary>
    /// <param name="hint">Who leads according to the one that does not.</param>
    public void Lost(Lead lead, Member? hint)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_lead, lead))
            {
                Volatile.Write(ref _lead, null);
                _hint = hint == lead.Member ? null : hint;
            }
        }
    }

    /// <summary>The member that a reply names; null when it names none that is known.</summary>
    public Member? HintOf(Reply reply) =>
        reply.XData is { } xdata && xdata.TryGetInt(SessionKeys.Leader, out var number)
            ? Array.Find(members, m => m.Number == number)
            : null;

    /// <summary>
    /// True when a leader is known or was found in time; it may be lost again by then. False at the end of the time,
    /// and at once when too many wait.
    /// </summary>
    public ValueTask<bool> WaitAsync(long waitMs, bool mayBlock)
    {
        Waiter waiter;
        bool begins;
        lock (_lock)
        {
            if (_lead is not null)
            {
                return new ValueTask<bool>(true);
            }

            if (_isStopped || waitMs <= 0 || _waiting.Count >= ClientLimits.WaitingMax)
            {
                return new ValueTask<bool>(false);
            }

            waiter = new Waiter(seams, mayBlock);
            _waiting.Add(waiter);
            begins = !_isSearching;
            _isSearching = true;
        }

        waiter.EndAfter(waitMs);
        if (begins)
        {
            _ = SearchAsync();
        }

        return waiter.Task;
    }

    /// <summary>Searches even if no fop waits, until a leader is found or nobody wants it any more.</summary>
    public void Want(bool isWanted)
    {
        Waiter? pause;
        bool begins;
        lock (_lock)
        {
            _isWanted = isWanted;
            begins = isWanted && _lead is null && !_isSearching && !_isStopped;
            _isSearching |= begins;
            pause = isWanted ? _pause : null;
        }

        pause?.TryComplete(true); // Something has changed: the next round begins now.
        if (begins)
        {
            _ = SearchAsync();
        }
    }

    /// <summary>Ends the search; who waits hears that there is no leader.</summary>
    public void Stop()
    {
        Waiter[] waiting;
        lock (_lock)
        {
            _isStopped = true;
            waiting = [.. _waiting];
            _waiting.Clear();
            _pause?.TryComplete(false);
        }

        Array.ForEach(waiting, waiter => waiter.TryComplete(false));
    }

    private async Task SearchAsync()
    {
        for (var pauseMs = ClientLimits.PauseMsMin; ; pauseMs = Math.Min(pauseMs * 2, ClientLimits.PauseMsMax))
        {
            if (await FindAsync() is { } leader)
            {
                Announce(leader);
                return;
            }

            var pause = new Waiter(seams);
            lock (_lock)
            {
                _waiting.RemoveAll(static waiter => waiter.IsDone);
                if (_isStopped || (_waiting.Count == 0 && !_isWanted))
                {
                    _isSearching = false;
                    return;
                }

                _pause = pause;
            }

            pause.EndAfter(pauseMs);
            await pause.Task;
            lock (_lock)
            {
                _pause = null;
            }
        }
    }

    /// <summary>One round; null when no member says that it leads.</summary>
    private async ValueTask<Member?> FindAsync()
    {
        Member? next;
        lock (_lock)
        {
            next = _hint ?? _former?.Member;
            _hint = null;
        }

        var asked = 0u;
        next = next is { MayBeUp: true } ? next : NextOf(next?.Index ?? -1, asked);
        while (next is not null)
        {
            asked |= next.Bit;
            var (leads, hint) = await ProbeAsync(next);
            if (leads)
            {
                return next;
            }

            next = hint is { MayBeUp: true } && (asked & hint.Bit) == 0 ? hint : NextOf(next.Index, asked);
        }

        return null;
    }

    /// <summary>The next attached member, in their order, that has not been asked; null when there is none.</summary>
    private Member? NextOf(int index, uint asked)
    {
        for (var i = 1; i <= members.Length; i++)
        {
            var member = members[(index + i) % members.Length];
            if (member.MayBeUp && (asked & member.Bit) == 0)
            {
                return member;
            }
        }

        return null;
    }

    private async ValueTask<(bool Leads, Member? Hint)> ProbeAsync(Member member)
    {
        var probe = new Probe(new Waiter(seams));
        Probes++;
        _ = AskAsync(member, probe);
        probe.Waiter.EndAfter(ClientLimits.ProbeMs);
        return await probe.Waiter.Task ? (probe.Leads, probe.Hint) : default;
    }

    /// <summary>
    /// A member that neither says that it does not lead nor is away leads: what it answers about the root does not
    /// matter.
    /// </summary>
    private async Task AskAsync(Member member, Probe probe)
    {
        var call = Call.Internal();
        try
        {
            var reply = await member.Translator.Stat(new StatFop { Gfid = Gfid.Root }, call);
            probe.Leads = reply.Error is not (Errno.EREMOTE or Errno.ENOTCONN);
            probe.Hint = reply.Error == Errno.EREMOTE ? HintOf(reply) : null;
            reply.Release();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error(
                "journal-client", "a member cannot be asked",
                ("volume", volume), ("member", member.Number), ("exception", e));
        }

        call.Release();
        probe.Waiter.TryComplete(true);
    }

    private void Announce(Member leader)
    {
        Waiter[] waiting;
        bool isOther;
        lock (_lock)
        {
            isOther = _former?.Member != leader;
            _former = new Lead(leader, (_former?.Number ?? 0) + (isOther ? 1 : 0));
            Volatile.Write(ref _lead, _isStopped ? null : _former);
            _isSearching = false;
            _isWanted = false;
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        if (isOther)
        {
            Log.Information("journal-client", "leader found", ("volume", volume), ("member", leader.Number));
        }

        Array.ForEach(waiting, static waiter => waiter.TryComplete(true));
        Found?.Invoke();
    }

    /// <summary>A question that is under way; what it has found is valid once its waiter is complete.</summary>
    private sealed class Probe(Waiter waiter)
    {
        public Waiter Waiter => waiter;

        public bool Leads { get; set; }

        public Member? Hint { get; set; }
    }
}
