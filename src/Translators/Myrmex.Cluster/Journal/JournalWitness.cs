using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// cluster/journal of a witness: a member of a replica set that keeps the journal and has no store. It answers every
/// fop EREMOTE with the number of the member that leads, as any member does that does not lead. All its subvolumes lead
/// to the other members.
/// </summary>
public sealed class JournalWitness : Uniform<JournalWitness.Gate>, IPeerReceiver, IReplicaReport, IReplicaLead
{
    private readonly PeerTransport _transport;
    private readonly ReplicaRun _run;
    private readonly WitnessMachine _machine;

    private JournalWitness(TranslatorPlace place, WitnessMachine machine, PeerTransport transport, ReplicaRun run)
        : base(place, new Gate(machine)) => (_machine, _transport, _run) = (machine, transport, run);

    /// <summary>It can answer at once, whoever can be reached.</summary>
    public override void Start()
    {
        _run.Start();
        NotifyParents(new GraphEvent(GraphEventKind.ChildUp));
    }

    public override void Stop() => _run.Stop();

    /// <summary>Whether the other members can be reached is nothing to those above.</summary>
    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
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
        }

        return isLive;
    }

    public override void DumpState(StateDump dump)
    {
        dump.Put("witness", "yes");
        dump.Put("leader", _machine.Leader);
        dump.Put("applied", _machine.AppliedIndex);
        _run.DumpState(dump);
    }

    /// <summary>A message of another member.</summary>
    public void Receive(ReadOnlySpan<byte> head, Payload data) => _transport.Receive(head, data);

    internal static JournalWitness Create(
        TranslatorPlace place, Func<IStateStore?> store, Action<Seams, AdministratorNews>? tell)
    {
        var options = new JournalBrickOptions(place);
        var seams = place.Seams with { Scheduler = place.Seams.NewSerialScheduler() };
        var machine = new WitnessMachine();
        var transport = new PeerTransport(options.ReplicaSet, options.Links, seams.Scheduler);
        return new JournalWitness(
            place, machine, transport,
            new ReplicaRun(place, seams, options, machine, new WitnessCopies(machine), transport, store, tell));
    }

    /// <summary>Sends everybody to the member that leads.</summary>
    public readonly struct Gate : IFopPolicy
    {
        private readonly WitnessMachine _machine;

        internal Gate(WitnessMachine machine) => _machine = machine;

        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
        {
            // Nothing was ever opened here.
            if (TFop.Code is FopCode.Release or FopCode.Releasedir)
            {
                return new ValueTask<TReply>(TReply.Rent());
            }

            var reply = TReply.Fail(Errno.EREMOTE);
            if (_machine.Leader is { } leader)
            {
                reply.NeedXData().SetInt(MemberKeys.Leader, leader.Value);
            }

            return new ValueTask<TReply>(reply);
        }
    }
}
