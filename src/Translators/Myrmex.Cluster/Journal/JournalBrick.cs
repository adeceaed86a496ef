using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// cluster/journal: one member of a replica set in the graph of its brick. It serves while it leads; else every fop is
/// answered EREMOTE with the number of the member that does. The first subvolume ends in the store, the others lead to
/// the other members.
/// </summary>
public sealed class JournalBrick : Uniform<JournalBrick.Gate>, IPeerReceiver, IReplicaReport, IReplicaLead, ILeaseLog,
    ICacheTerm
{
    private readonly SchedulerWatch _watch;
    private readonly PeerTransport? _transport;
    private readonly IReplicaRun _run;
    private readonly Translator _store;
    private readonly JournalTranslator _inner;
    private readonly JournalMember _member;
    private readonly JournalLocks _locks;
    private readonly OpenFiles _opens;

    /// <param name="redo">Applies to the first subvolume.</param>
    /// <param name="member">What stands above the replica.</param>
    /// <param name="run">Starts and stops the replica.</param>
    /// <param name="transport">Takes what other members send over the server; null where nobody does.</param>
    /// <param name="lockGraceMs">
    /// How long a client that is away keeps its record locks, and its open files that have no name.
    /// </param>
    public JournalBrick(
        TranslatorPlace place, Redo redo, JournalMember member, IReplicaRun run, PeerTransport? transport = null,
        long lockGraceMs = JournalLimits.LockGraceMs)
        : this(
            place, redo, member, run, new JournalLocks(member, member.Seams, lockGraceMs),
            new OpenFiles(member, StoreView.ForcedOf(place.Subvolumes[0])!, member.Seams, lockGraceMs)) =>
        _transport = transport; // The redo has found the store.

    private JournalBrick(
        TranslatorPlace place, Redo redo, JournalMember member, IReplicaRun run, JournalLocks locks, OpenFiles opens)
        : this(place, new JournalTranslator(Below(place), member, redo, locks, opens), member, run, locks, opens)
    {
    }

    private JournalBrick(
        TranslatorPlace place, JournalTranslator inner, JournalMember member, IReplicaRun run, JournalLocks locks,
        OpenFiles opens)
        : base(Above(place, inner), new Gate(new JournalGate(inner, member, locks, place.Slot)))
    {
        (_store, _inner, _member, _run, _locks) = (place.Subvolumes[0], inner, member, run, locks);
        _opens = opens;
        member.RoleChanged += locks.RoleChanged;
        member.Failing += reason => NotifyParents(new GraphEvent(GraphEventKind.Failed, Text: $"{Name}: {reason}"));
        member.Hanging += () => NotifyParents(new GraphEvent(GraphEventKind.Hung));
        _watch = new SchedulerWatch(place.Seams.Aside, member.Seams.Scheduler, place.Seams.Clock, OnStuck);
    }

    /// <param name="store">The state store of the cluster; asked for when a brick starts.</param>
    /// <param name="tell">Hears what administrators should; null where nobody listens.</param>
    public static TranslatorRegistration Registration(
        Func<IStateStore?> store, Action<Seams, AdministratorNews>? tell = null) =>
        new(
            "cluster/journal",
            place => place.Options.Boolean(JournalBrickOptions.WitnessKey)
                ? JournalWitness.Create(place, store, tell) : Create(place, store, tell),
            JournalBrickOptions.Table, Maturity.Experimental)
        {
            SubvolumesMax = Replication.Engine.Limits.MembersMax,
        };

    ulong ILeaseLog.LeaseTerm => _locks.ServingTerm;

    bool ILeaseLog.MayGrantLeases => _locks.MayGrantLeases;

    UInt128 ILeaseLog.SessionOf(XData? xdata) =>
        LockSession.Of(xdata) is { IsNone: false } behind ? behind.Id : SessionKey.Of(xdata).Session;

    void ILeaseLog.ListLeases(Gfid gfid, List<LoggedLease> leases) => _locks.ListLeases(gfid, leases);

    void ILeaseLog.ListLeasedFiles(List<Gfid> files) => _locks.ListLeasedFiles(files);

    void ILeaseLog.ListClients(UInt128 session, List<ClientIdentity?> clients) =>
        _locks.ListClients(session, clients);

    ValueTask<Errno> ILeaseLog.EndLeaseAsync(Gfid gfid, LoggedLease lease) => _locks.EndLeaseAsync(gfid, lease);

    /// <summary>Terms only grow: if it is the same one before and after, the time is of that term.</summary>
    (ulong Term, long UntilNs) ICacheTerm.CacheTerm
    {
        get
        {
            var term = _member.ServingTerm;
            var untilNs = _member.PromiseUntilNs;
            return term == _member.ServingTerm ? (term.Value, untilNs) : default;
        }
    }

    ValueTask<TReply> ICacheTerm.InvokeIn<TFop, TReply>(ulong term, in TFop fop, Call call) =>
        Policy.HandleIn<TFop, TReply>(new Replication.Term(term), in fop, call);

    void ICacheTerm.WantCacheTerm(bool isWanted) => _member.OfferPromises(isWanted);

    public override void Start()
    {
        _watch.Start();
        _run.Start();
        _locks.Start();
        _opens.Start();
    }

    public override void Stop()
    {
        _watch.Dispose();
        _locks.Stop();
        _opens.Stop();
        _run.Stop();
    }

    /// <summary>A small change is applied by the thread that hears that it is committed, and the disk hangs.</summary>
    private void OnStuck(bool isStuck)
    {
        if (_member.SetStuck(isStuck))
        {
            Log.Warning(
                "journal", isStuck ? "the member does not get on, its disk may hang: clients are sent elsewhere"
                    : "the member gets on again", ("volume", Name));
        }
    }

    /// <summary>Whether the other members can be reached is nothing to those above.</summary>
    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
        if (ReferenceEquals(source, _inner))
        {
            NotifyParents(in graphEvent);
        }
    }

    public Task<ReplicaReport> ReportAsync() => _run.ReportAsync();

    public Task<string?> MoveLeadAsync(int? target) => _run.MoveLeadAsync(target);

    public override bool Reconfigure(OptionValues options)
    {
        var isLive = JournalBrickOptions.IsLiveChange(Options, options);
        if (isLive)
        {
            var (ms, bytes) = JournalBrickOptions.SyncBounds(options);
            _run.BoundSyncs(ms, bytes);
            _run.BoundCopies(JournalBrickOptions.CopyRateOf(options));
            _run.RelayFrom(JournalBrickOptions.RelaySizeOf(options));
            _locks.GraceMs = _opens.GraceMs = JournalBrickOptions.LockGraceMsOf(options);
            _run.Prefer(JournalBrickOptions.PreferredOf(options), JournalBrickOptions.ReturnMsOf(options));
        }

        return isLive;
    }

    public override void ClientGone(ClientIdentity client)
    {
        _locks.ClientGone(client);
        _store.ClientGone(client);
    }

    public override void DumpState(StateDump dump)
    {
        dump.Put("serving.term", _member.ServingTerm);
        dump.Put("leader", _member.Leader);
        dump.Put("applied", _member.AppliedIndex);
        dump.Put("failure", _member.Failure);
        dump.Put("reads.here", _member.ReadsHere);
        dump.Put("reads.here.asked-again", _member.ReadsAskedAgain);
        _run.DumpState(dump);
        _inner.DumpState(dump);
        _locks.DumpState(dump);
        _opens.DumpState(dump);
    }

    /// <summary>A message of another member.</summary>
    public void Receive(ReadOnlySpan<byte> head, Payload data) => _transport?.Receive(head, data);

    private static JournalBrick Create(
        TranslatorPlace place, Func<IStateStore?> store, Action<Seams, AdministratorNews>? tell)
    {
        var options = new JournalBrickOptions(place);
        var seams = place.Seams with { Scheduler = place.Seams.NewSerialScheduler() };
        var redo = new Redo(place.Subvolumes[0]);
        ValueTask<Errno> SyncAsync() => redo.SyncAsync(place.Seams.Workers);
        var member = new JournalMember(redo, seams, SyncAsync)
        {
            InternalLocks = StoreView.Below<ILockTables>(place.Subvolumes[0]),
        };
        var copies = new StoreCopies(place.Subvolumes[0], redo, member, SyncAsync);
        var transport = new PeerTransport(options.ReplicaSet, options.Links, seams.Scheduler);
        return new JournalBrick(
            place, redo, member, new ReplicaRun(place, seams, options, member, copies, transport, store, tell),
            transport, options.LockGraceMs);
    }

    private static TranslatorPlace Below(TranslatorPlace place) =>
        Over(place, place.Name + "-operations", [place.Subvolumes[0]]);

    private static TranslatorPlace Above(TranslatorPlace place, JournalTranslator inner) =>
        Over(place, place.Name, [inner, .. Others(place)]);

    private static IEnumerable<Translator> Others(TranslatorPlace place)
    {
        for (var i = 1; i < place.Subvolumes.Count; i++)
        {
            yield return place.Subvolumes[i];
        }
    }

    private static TranslatorPlace Over(TranslatorPlace place, string name, IReadOnlyList<Translator> subvolumes) =>
        new()
        {
            Name = name,
            Type = place.Type,
            Slot = place.Slot,
            Subvolumes = subvolumes,
            Options = place.Options,
            Seams = place.Seams,
            TopListener = place.TopListener,
            Origin = place.Origin,
        };

    /// <summary>Lets fops through while this member leads.</summary>
    public readonly struct Gate : IFopPolicy
    {
        private readonly JournalGate _gate;

        internal Gate(JournalGate gate) => _gate = gate;

        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply> => _gate.Handle<TFop, TReply>(in fop, call);

        internal ValueTask<TReply> HandleIn<TFop, TReply>(Replication.Term term, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply> => _gate.HandleIn<TFop, TReply>(term, in fop, call);
    }
}
