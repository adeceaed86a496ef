using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Features.CacheLeases;

/// <summary>
/// What one client is promised: until when, and what it has been told and not handled yet. Any thread.
/// Invariants:
/// - the promise ends here later than at the client: the client counts from when it has sent, we from when we have
/// received, and we add an eighth;
/// - once somebody has gone on without the client because its time was over, the promise has ended for good: the next
/// one has another generation, and with it the client drops all it has;
/// - what is told is sent in the order of its numbers, which go on in the next generation of the same client.
/// </summary>
internal sealed class LeaseHolder
{
    private readonly Lock _guard = new(); // Guards all here; below the locks of the table, above that of the link.
    private readonly Seams _seams;
    private readonly Action<Gfid, ulong> _tell;
    private readonly List<(ulong Number, TaskCompletionSource Done)> _waiting = [];
    private readonly List<(ulong Last, long SinceNs)> _unhandled = []; // What it was told within a moment is one.
    private long _endNs;
    private ulong _told;
    private ulong _handled;
    private ulong _forgotten; // The last one that it was told because it is not remembered any more.
    private bool _hasLapsed;
    private bool _hasTimer;

    /// <summary>The promise begins now.</summary>
    /// <param name="owner">Who promises.</param>
    /// <param name="span">For how long.</param>
    /// <param name="tell">As in <see cref="Graph.ICacheGrants.Renew"/>.</param>
    /// <param name="told">The last number of the generation before.</param>
    public LeaseHolder(
        LeaseState owner, uint generation, in LeaseSpan span, Action<Gfid, ulong> tell, ulong told)
    {
        Owner = owner;
        Term = span.Term;
        _seams = owner.Seams;
        _told = told;
        _handled = told;
        _tell = tell;
        Generation = generation;
        _endNs = span.EndNs;
    }

    public LeaseState Owner { get; }

    /// <summary>In which it was promised; a server that alone serves has none.</summary>
    public ulong Term { get; }

    public uint Generation { get; }

    private long NowNs => _seams.Clock.BootNs;

    /// <summary>
    /// Ends the promise for good; it is over at the client. The last number given out, after which the next promise to
    /// this client goes on.
    /// </summary>
    public ulong End()
    {
        List<TaskCompletionSource>? done = null;
        ulong told;
        lock (_guard)
        {
            _hasLapsed = true;
            Release(ref done);
            told = _told;
        }

        done?.ForEach(static d => d.TrySetResult());
        return told;
    }

    /// <summary>
    /// Prolongs the promise; false when it has ended. One that does not handle what it is told gets no more time, so a
    /// change waits for an eighth more than one span at most.
    /// </summary>
    public bool TryRenew(ulong handled, in LeaseSpan span, out bool isProlonged)
    {
        List<TaskCompletionSource>? done = null;
        isProlonged = false;
        lock (_guard)
        {
            var nowNs = NowNs;
            if (Lapses(nowNs))
            {
                return false;
            }

            Handle(handled, ref done);
            isProlonged = span.LeaseMs > 0
                && (_unhandled.Count == 0 || (nowNs - _unhandled[0].SinceNs) * 8 < span.EndNs - nowNs);
            if (isProlonged)
            {
                _endNs = Math.Max(_endNs, span.EndNs);
            }
        }

        done?.ForEach(static d => d.TrySetResult());
        return true;
    }

    public void Handled(ulong number)
    {
        List<TaskCompletionSource>? done = null;
        lock (_guard)
        {
            Handle(number, ref done);
        }

        done?.ForEach(static d => d.TrySetResult());
    }

    /// <summary>The promise holds now, so that what the client looks at is to be remembered.</summary>
    public bool IsHeld()
    {
        lock (_guard)
        {
            return !Lapses(NowNs);
        }
    }

    /// <summary>
    /// Tells the client that an inode changes; the number to wait for, or 0 when the promise has ended.
    /// </summary>
    public ulong Tell(in Gfid gfid)
    {
        lock (_guard)
        {
            var nowNs = NowNs;
            if (Lapses(nowNs))
            {
                return 0;
            }

            _tell(gfid, ++_told);
            if (_unhandled is [.., var last] && nowNs - last.SinceNs < CacheLeaseLimits.MomentNs)
            {
                _unhandled[^1] = last with { Last = _told };
            }
            else
            {
                _unhandled.Add((_told, nowNs));
            }

            return _told;
        }
    }

    /// <summary>Tells the client without wanting an answer, ahead of what is sent to it next.</summary>
    public void TellOnly(in Gfid gfid)
    {
        lock (_guard)
        {
            if (!Lapses(NowNs))
            {
                _tell(gfid, 0);
            }
        }
    }

    /// <summary>What it has looked at is not remembered any more: changes of anything wait until it knows.</summary>
    public void Forget(in Gfid gfid)
    {
        lock (_guard)
        {
            if (Tell(gfid) is var number and > 0)
            {
                _forgotten = number;
            }
        }
    }

    /// <summary>The last thing that it was told for want of room; 0 when it has handled that.</summary>
    public ulong Forgotten()
    {
        lock (_guard)
        {
            return _forgotten <= _handled || Lapses(NowNs) ? 0 : _forgotten;
        }
    }

    /// <summary>Nothing more is to be waited for.</summary>
    public bool HasHandled(ulong number)
    {
        lock (_guard)
        {
            return _handled >= number || Lapses(NowNs);
        }
    }

    /// <summary>Ends when the client has handled it, or when the promise has.</summary>
    public ValueTask HandledAsync(ulong number)
    {
        lock (_guard)
        {
            var nowNs = NowNs;
            if (_handled >= number || Lapses(nowNs))
            {
                return default;
            }

            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((number, done));
            SetTimer(nowNs);
            return new ValueTask(done.Task);
        }
    }

    /// <summary>Under the lock: whether the promise has ended; once it has, for good.</summary>
    private bool Lapses(long nowNs) => _hasLapsed |= nowNs > _endNs;

    private void Handle(ulong number, ref List<TaskCompletionSource>? done)
    {
        if (number <= _handled || number > _told)
        {
            return;
        }

        _handled = number;
        _unhandled.RemoveAll(u => u.Last <= number);
        Release(ref done);
    }

    private void Release(ref List<TaskCompletionSource>? done)
    {
        for (var i = _waiting.Count - 1; i >= 0; i--)
        {
            if (_hasLapsed || _waiting[i].Number <= _handled)
            {
                (done ??= []).Add(_waiting[i].Done);
                _waiting.RemoveAt(i);
            }
        }
    }

    private void SetTimer(long nowNs)
    {
        if (!_hasTimer)
        {
            _hasTimer = true;
            _seams.Scheduler.Schedule(((_endNs - nowNs) / 1_000_000) + 1, OnTime);
        }
    }

    private void OnTime()
    {
        List<TaskCompletionSource>? done = null;
        lock (_guard)
        {
            _hasTimer = false;
            var nowNs = NowNs;
            if (Lapses(nowNs))
            {
                Release(ref done);
            }
            else if (_waiting.Count > 0)
            {
                SetTimer(nowNs);
            }
        }

        done?.ForEach(static d => d.TrySetResult());
    }
}
