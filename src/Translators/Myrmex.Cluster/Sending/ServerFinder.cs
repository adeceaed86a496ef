using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Knows which server is to be asked, or finds it: one search for all who wait, in rounds with pauses between them.
/// How a round goes is up to the kind of finder.
/// </summary>
internal abstract class ServerFinder(string volume, Seams seams, Server[] servers, SendingRules rules)
{
    private readonly Lock _lock = new(); // Guards all fields below; a leaf lock.
    private readonly List<Waiter> _waiting = [];
    private Choice? _choice;
    private Choice? _next; // Found, and not told before what has to be done first is done.
    private Choice? _former; // The last one that was told.
    private long _number; // The highest that was given, also to one that was lost before it was told.
    private Server? _hint;
    private Waiter? _pause;
    private bool _isSearching;
    private bool _isStopped;
    private bool _isWanted; // Somebody wants to know even if no fop waits.

    /// <summary>A server was found; on any thread.</summary>
    public event Action? Found;

    /// <summary>The server that was asked is not asked any more; on any thread.</summary>
    public event Action? Left;

    /// <summary>The server to ask, as far as is known; null while none is.</summary>
    public Choice? Choice => Volatile.Read(ref _choice);

    /// <summary>
    /// What has to be done before anybody may ask the server (first argument) that follows another (second, null for
    /// the first one).
    /// </summary>
    public Func<Choice, Choice?, Task>? Prepare { get; set; }

    /// <summary>
    /// Hears whom fops go to next, before the first one does; one call after the other. It may be lost before.
    /// </summary>
    public Action<Server>? Taking { get; set; }

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

    /// <summary>How often another server was found than before.</summary>
    public long Moves => Volatile.Read(ref _former)?.Number ?? 0;

    public long Probes { get; private set; }

    protected Server[] Servers => servers;

    protected Seams Seams => seams;

    protected SendingRules Rules => rules;

    /// <summary>A fop has heard that this is not so, or no longer. What was found since stays.</summary>
    /// <param name="hint">Who is to be asked according to the one that is not.</param>
    public void Lost(Choice choice, Server? hint)
    {
        var isLeft = false;
        lock (_lock)
        {
            if (ReferenceEquals(_next, choice))
            {
                _next = null;
            }
            else if (ReferenceEquals(_choice, choice))
            {
                Volatile.Write(ref _choice, null);
                isLeft = true;
            }
            else
            {
                return;
            }

            _hint = hint == choice.Server ? null : hint;
            OnLost(choice.Server);
        }

        choice.Close();
        if (isLeft)
        {
            Left?.Invoke();
        }
    }

    /// <summary>A server has gone down.</summary>
    public void Lost(Server server)
    {
        Choice? next;
        lock (_lock)
        {
            next = _next;
        }

        if (Choice is { } choice && choice.Server == server)
        {
            Lost(choice, null);
        }
        else if (next is not null && next.Server == server)
        {
            Lost(next, null);
        }
    }

    /// <summary>A server has come up; on any thread.</summary>
    public virtual void CameUp(Server server)
    {
    }

    /// <summary>The server that a reply names; null when it names none that is known.</summary>
    public virtual Server? HintOf(Reply reply) => null;

    /// <summary>
    /// True when a server is known or was found in time; it may be lost again by then. False at the end of the time,
    /// and at once when too many wait.
    /// </summary>
    public ValueTask<bool> WaitAsync(long waitMs, bool mayBlock)
    {
        Waiter waiter;
        bool begins;
        lock (_lock)
        {
            if (_choice is not null)
            {
                return new ValueTask<bool>(true);
            }

            if (_isStopped || waitMs <= 0 || _waiting.Count >= SendingLimits.WaitingMax)
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

    /// <summary>Searches even if no fop waits, until a server is found or nobody wants it any more.</summary>
    public void Want(bool isWanted)
    {
        bool begins;
        lock (_lock)
        {
            _isWanted = isWanted;
            begins = isWanted && _choice is null && !_isSearching && !_isStopped;
            _isSearching |= begins;
        }

        if (isWanted)
        {
            HurryUp();
        }

        if (begins)
        {
            _ = SearchAsync();
        }
    }

    /// <summary>Something has changed: the next round begins now.</summary>
    protected void HurryUp()
    {
        Waiter? pause;
        lock (_lock)
        {
            pause = _pause;
        }

        pause?.TryComplete(true);
    }

    /// <summary>Ends the search; who waits hears that there is no server.</summary>
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

    /// <summary>One round; null when no server is one to ask.</summary>
    protected abstract ValueTask<Server?> FindAsync();

    /// <summary>A server was left; under the lock.</summary>
    protected virtual void OnLost(Server server)
    {
    }

    /// <summary>What is open and locked at the server that is found again is still there.</summary>
    protected virtual bool IsSame(Choice former, Server found) => former.Server == found;

    protected virtual long NextPauseMs(long pauseMs) => pauseMs;

    /// <summary>Where the last round found a server, or was told that one is.</summary>
    protected Server? TakeHint()
    {
        lock (_lock)
        {
            var hint = _hint ?? _former?.Server;
            _hint = null;
            return hint;
        }
    }

    /// <summary>
    /// Asks a server by a STAT of the root, in any thread. One that neither sends elsewhere nor is away is one to ask:
    /// what it answers about the root does not matter.
    /// </summary>
    public async Task<(bool Serves, Server? Hint)> AskAsync(Server server)
    {
        var (serves, hint) = (false, (Server?)null);
        var call = Call.Internal();
        try
        {
            Probes++;
            var reply = await server.Translator.Stat(new StatFop { Gfid = Gfid.Root }, call);
            serves = reply.Error is not (Errno.EREMOTE or Errno.ENOTCONN);
            hint = reply.Error == Errno.EREMOTE ? HintOf(reply) : null;
            reply.Release();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error(
                rules.Name, "a server cannot be asked",
                ("volume", volume), ("server", server.Number), ("exception", e));
        }

        call.Release();
        return (serves, hint);
    }

    private async Task SearchAsync()
    {
        for (var pauseMs = rules.PauseMsMin; ; pauseMs = Math.Min(pauseMs * 2, rules.PauseMsMax))
        {
            if (await FindAsync() is { } server && await TryTakeAsync(server))
            {
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

            pause.EndAfter(NextPauseMs(pauseMs));
            await pause.Task;
            lock (_lock)
            {
                _pause = null;
            }
        }
    }

    /// <summary>Does what has to be done first and tells all who wait; false when it is lost meanwhile.</summary>
    private async ValueTask<bool> TryTakeAsync(Server server)
    {
        Choice next;
        Choice? former;
        bool isOther;
        lock (_lock)
        {
            former = _former;
            isOther = former is null || !IsSame(former, server);

            // Locks may have been asked for, by a higher number, at another one that was lost before it was taken.
            _number += isOther || _number != former!.Number ? 1 : 0;
            next = new Choice(server, _number);
            _next = next;
        }

        if (Prepare is { } prepare)
        {
            await prepare(next, former);
        }

        Taking?.Invoke(server);
        Waiter[] waiting;
        lock (_lock)
        {
            if (!ReferenceEquals(_next, next))
            {
                return false;
            }

            _next = null;
            _former = next;
            Volatile.Write(ref _choice, _isStopped ? null : next);
            _isSearching = false;
            _isWanted = false;
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        if (isOther)
        {
            Log.Information(
                rules.Name, "server found",
                ("volume", volume), ("server", server.Number), ("name", server.Translator.Name));
        }

        Array.ForEach(waiting, static waiter => waiter.TryComplete(true));
        Found?.Invoke();
        return true;
    }
}
