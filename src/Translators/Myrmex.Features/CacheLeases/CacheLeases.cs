using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Features.CacheLeases;

/// <summary>
/// features/cache-leases: promises clients that keep answers to tell them before what they have looked at is changed by
/// somebody else, and lets changes wait until they have heard it. See README.md.
/// </summary>
public sealed class CacheLeases : Uniform<CacheLeasesPolicy>, ICacheGrants
{
    private const string IsOnOption = "cache-leases";

    public CacheLeases(TranslatorPlace place)
        : base(place, new CacheLeasesPolicy(new LeaseState(place.Seams, place.Subvolumes[0] as ICacheTerm)))
    {
        Policy.State.Take(place.Options.Boolean(IsOnOption));
    }

    public static TranslatorRegistration Registration { get; } = new(
        "features/cache-leases",
        static place => new CacheLeases(place),
        [
            new(
                IsOnOption, OptionKind.Boolean, "off",
                "Promise proxies to tell them before anybody changes what they keep.") { Live = true },
        ],
        Maturity.Experimental);

    /// <summary>
    /// What the process before this one has promised has ended when its time is over. Where there are terms, none
    /// begins before.
    /// </summary>
    public override void Start() => Policy.State.WaitForOthers();

    public override bool Reconfigure(OptionValues options)
    {
        Policy.State.Take(options.Boolean(IsOnOption));
        return true;
    }

    public CacheGrant Renew(ClientIdentity client, ulong handled, Action<Gfid, ulong> tell) =>
        Policy.State.Renew(client, handled, tell);

    public void Handled(ClientIdentity client, ulong number) => (client.Grant as LeaseHolder)?.Handled(number);

    public override void DumpState(StateDump dump)
    {
        dump.Put("on", Policy.State.IsOn ? 1 : 0);
        dump.Put("holders", Policy.State.HolderCount);
        dump.Put("inodes", Policy.State.Table.Count);
        dump.Put("told", Policy.State.Table.Told);
        dump.Put("waits", Policy.State.Table.Waits);
    }
}

/// <summary>What features/cache-leases knows.</summary>
/// <param name="terms">Says how long it may promise something; null for a server that alone serves.</param>
internal sealed class LeaseState(Seams seams, ICacheTerm? terms)
{
    private readonly Lock _guard = new(); // Guards the list and what follows from it; above all others here.
    private LeaseHolder[] _holders = []; // Replaced, never changed.
    private bool _isOn;
    private bool _isActive; // It is on, or was a moment ago.
    private long _graceNs; // Changes wait until then.
    private uint _generations;

    /// <summary>The term in which this server serves; 0 while another one does, or where there are none.</summary>
    public ulong Term => terms?.CacheTerm.Term ?? 0;

    /// <summary>Servers take turns: this one may not serve, or serve again.</summary>
    public bool HasTerms => terms is not null;

    public ICacheTerm? Terms => terms;

    public Seams Seams => seams;

    public LeaseTable Table { get; } = new();

    public NameTurns Turns { get; } = new();

    public bool IsOn => Volatile.Read(ref _isOn);

    public bool IsActive => Volatile.Read(ref _isActive);

    public LeaseHolder[] Holders => Volatile.Read(ref _holders);

    public int HolderCount => Holders.Length;

    /// <summary>Milliseconds that changes still have to wait; 0 for none.</summary>
    public long GraceMs => Math.Max(0, (Volatile.Read(ref _graceNs) - seams.Clock.BootNs + 999_999) / 1_000_000);

    /// <summary>A new process knows nothing of what the last one has promised.</summary>
    public void WaitForOthers() =>
        Volatile.Write(ref _graceNs, IsOn && terms is null ? seams.Clock.BootNs + CacheLeaseLimits.WaitNs : 0);

    /// <summary>What has been promised is kept after it was switched off.</summary>
    public void Take(bool isOn)
    {
        lock (_guard)
        {
            Volatile.Write(ref _isOn, isOn);
            Volatile.Write(ref _isActive, isOn || IsActive);
            terms?.WantCacheTerm(isOn);
            if (!isOn && IsActive)
            {
                seams.Scheduler.Schedule((CacheLeaseLimits.WaitNs / 1_000_000) + 1, EndUnused);
            }
        }
    }

    public CacheGrant Renew(ClientIdentity client, ulong handled, Action<Gfid, ulong> tell)
    {
        lock (_guard)
        {
            if (!IsOn || client.IsGone || SpanNow() is not { } span)
            {
                return CacheGrant.None;
            }

            // What was promised in another term, or by another graph, is not prolonged. What another graph has promised
            // it waits for itself, and what the client confirms comes to the holder of one of them only.
            var former = client.Grant as LeaseHolder;
            var isOurs = former is not null && ReferenceEquals(former.Owner, this);
            if (former is not null && !isOurs && former.IsHeld())
            {
                return CacheGrant.None;
            }

            if (former is not null && isOurs && former.Term == span.Term
                && former.TryRenew(handled, in span, out var isProlonged))
            {
                return new CacheGrant(former.Generation, isProlonged ? span.LeaseMs : 0);
            }

            var told = former?.End() ?? 0; // No term begins before all that was promised in the one before is over.
            var others = Array.FindAll(_holders, static h => h.IsHeld());
            if (others.Length >= CacheLeaseLimits.HoldersMax || span.LeaseMs == 0)
            {
                return CacheGrant.None;
            }

            var holder = new LeaseHolder(this, ++_generations, in span, tell, told);
            client.Grant = holder;
            Volatile.Write(ref _holders, [.. others, holder]);
            return new CacheGrant(holder.Generation, span.LeaseMs);
        }
    }

    /// <summary>Null when another server serves.</summary>
    private LeaseSpan? SpanNow()
    {
        if (terms is null)
        {
            return LeaseSpan.Alone(seams.Clock.BootNs);
        }

        var (term, untilNs) = terms.CacheTerm;
        return term == 0 ? null : LeaseSpan.Within(term, seams.Clock.BootNs, untilNs);
    }

    private void EndUnused()
    {
        lock (_guard)
        {
            if (IsOn)
            {
                return;
            }

            if (Array.Exists(_holders, static h => h.IsHeld()))
            {
                seams.Scheduler.Schedule(CacheLeaseLimits.LeaseMs, EndUnused);
                return;
            }

            Volatile.Write(ref _holders, []);
            Volatile.Write(ref _isActive, false);
            Table.Clear();
        }
    }
}

/// <summary>Notes what clients have seen before it is answered, and lets changes wait before they are done.</summary>
public readonly struct CacheLeasesPolicy : IFopPolicy
{
    internal CacheLeasesPolicy(LeaseState state)
    {
        State = state;
    }

    internal LeaseState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (!State.IsActive)
        {
            return TFop.Invoke(next, in fop, call);
        }

        if (fop is LookupFop or StatFop or FstatFop or ReadFop or GetxattrFop or FgetxattrFop)
        {
            return call.Client?.Grant is LeaseHolder holder
                ? LookAsync<TFop, TReply>(next, fop, holder, call) : TFop.Invoke(next, in fop, call);
        }

        var changed = ChangedInodes.By(in fop);
        return changed.Count == 0 ? TFop.Invoke(next, in fop, call)
            : ChangeAsync<TFop, TReply>(next, fop, changed, call);
    }

    private static Gfid Of(in Gfid gfid, Fd? fd) => gfid.IsNull && fd is not null ? fd.Gfid : gfid;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> LookAsync<TFop, TReply>(
        Translator next, TFop fop, LeaseHolder holder, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var since = State.Table.Changes;
        var reply = await TFop.Invoke(next, in fop, call);
        var nowNs = State.Seams.Clock.BootNs;
        if (fop is LookupFop lookup)
        {
            State.Table.Seen(lookup.Parent, holder, since, nowNs);
            State.Table.Seen(lookup.Gfid, holder, since, nowNs);
            if (reply is LookupReply { IsOk: true } found && found.Iatt.Gfid != lookup.Gfid)
            {
                State.Table.Seen(found.Iatt.Gfid, holder, since, nowNs);
            }

            return reply;
        }

        var gfid = fop switch
        {
            StatFop f => f.Gfid,
            GetxattrFop f => f.Gfid,
            ReadFop f => f.Gfid,
            FstatFop f => f.Gfid,
            FgetxattrFop f => f.Gfid,
            _ => Gfid.Null,
        };
        State.Table.Seen(Of(in gfid, TFop.FdOf(in fop)), holder, since, nowNs);
        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ChangeAsync<TFop, TReply>(
        Translator next, TFop fop, ChangedInodes changed, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var change = new Change(State, changed, call.Client?.Grant as LeaseHolder);
        try
        {
            if (!await change.EnterAsync(next, call) || !await change.BeginAsync(next, call))
            {
                return change.Refusal<TReply>();
            }

            return change.Term is { } term
                ? await State.Terms!.InvokeIn<TFop, TReply>(term, in fop, call) // There are terms.
                : await TFop.Invoke(next, in fop, call);
        }
        finally
        {
            change.End();
        }
    }

    /// <summary>One change: its turn at the names that it changes, and the inodes that others have to drop.</summary>
    private sealed class Change(LeaseState state, ChangedInodes changed, LeaseHolder? by)
    {
        private readonly Gfid[] _begun = new Gfid[4]; // Two that it names, two that it finds by their names.
        private int _count;
        private int _firstTurn = -1;
        private int _secondTurn = -1;
        private Errno _refusal;
        private XData? _said; // With the refusal; owned.

        private bool FindsByName => changed.ChangesTarget || !changed.Source.Parent.IsNull;

        /// <summary>The only term in which it may be done; null when it may in any.</summary>
        public ulong? Term { get; private set; }

        /// <summary>
        /// Waits for its turn. Where this server does not serve, the look says so at once, or waits until it does: in a
        /// turn all the others would wait for that too. False as that of <see cref="BeginAsync"/>.
        /// </summary>
        public async ValueTask<bool> EnterAsync(Translator next, Call call)
        {
            if (changed.Target.Parent.IsNull)
            {
                return true;
            }

            if (state.HasTerms && state.Term == 0)
            {
                _ = await FindAsync(next, changed.Target, call);
                if (_refusal != Errno.Ok)
                {
                    return false;
                }
            }

            var target = NameTurns.PlaceOf(changed.Target.Parent, changed.Target.Name);
            var source = changed.Source.Parent.IsNull ? target
                : NameTurns.PlaceOf(changed.Source.Parent, changed.Source.Name);
            await state.Turns.EnterAsync(Math.Min(target, source));
            _firstTurn = Math.Min(target, source);
            if (target != source)
            {
                await state.Turns.EnterAsync(Math.Max(target, source));
                _secondTurn = Math.Max(target, source);
            }

            return true;
        }

        /// <summary>
        /// Ends when nobody keeps anything of it. The client itself keeps nothing of what it names, and may keep what
        /// is found by name. False when it must not be done: see <see cref="Refusal"/>.
        /// </summary>
        public async ValueTask<bool> BeginAsync(Translator next, Call call)
        {
            var term = state.Term; // What is found by a name says nothing about a later one.
            var waits = default(List<(LeaseHolder Holder, ulong Number)>);
            for (var i = 0; i < changed.Count; i++)
            {
                Begin(changed[i], by, ref waits);
            }

            if (changed.ChangesTarget)
            {
                Begin(await FindAsync(next, changed.Target, call), holder: null, ref waits);
            }

            if (!changed.Source.Parent.IsNull)
            {
                Begin(await FindAsync(next, changed.Source, call), holder: null, ref waits);
            }

            if (_refusal != Errno.Ok)
            {
                return false;
            }

            foreach (var holder in state.Holders)
            {
                if (holder.Forgotten() is var number and > 0)
                {
                    (waits ??= []).Add((holder, number));
                }
            }

            if (waits is not null)
            {
                await state.Table.WaitAsync(waits);
            }

            for (var graceMs = state.GraceMs; graceMs > 0; graceMs = state.GraceMs)
            {
                var grace = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                state.Seams.Scheduler.Schedule(graceMs, grace.SetResult);
                await grace.Task;
            }

            if (state.HasTerms && FindsByName)
            {
                // Others may have served since, and the name may stand for another inode.
                _refusal = term == 0 || state.Term != term ? Errno.EAGAIN : Errno.Ok;
                Term = term;
            }

            return _refusal == Errno.Ok;
        }

        /// <summary>The answer to a change that was not done: as servers that take turns answer.</summary>
        public TReply Refusal<TReply>()
            where TReply : Reply, IReply<TReply>
        {
            var reply = TReply.Fail(_refusal);
            (reply.XData, _said) = (_said, null);
            return reply;
        }

        public void End()
        {
            for (var i = 0; i < _count; i++)
            {
                state.Table.End(in _begun[i]);
            }

            if (_secondTurn >= 0)
            {
                state.Turns.Leave(_secondTurn);
            }

            if (_firstTurn >= 0)
            {
                state.Turns.Leave(_firstTurn);
            }
        }

        private void Begin(
            Gfid gfid, LeaseHolder? holder, ref List<(LeaseHolder Holder, ulong Number)>? waits)
        {
            if (!gfid.IsNull)
            {
                state.Table.Begin(in gfid, holder, state.Seams.Clock.BootNs, ref waits);
                _begun[_count++] = gfid;
            }
        }

        private async ValueTask<Gfid> FindAsync(Translator next, (Gfid Parent, Name Name) at, Call call)
        {
            if (_refusal != Errno.Ok)
            {
                return Gfid.Null;
            }

            var reply = await next.Lookup(new LookupFop { Parent = at.Parent, Name = at.Name }, call);
            var gfid = reply.IsOk ? reply.Iatt.Gfid : Gfid.Null;
            if (state.HasTerms && reply.Error is (Errno.EREMOTE or Errno.ENOTCONN or Errno.EAGAIN))
            {
                _refusal = reply.Error; // It does not serve, so nobody knows what the name stands for.
                _said = reply.XData?.Clone();
            }

            reply.Release();
            return gfid;
        }
    }
}
