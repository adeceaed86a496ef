using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Coordination;
using Myrmex.Coordination.Simulation;
using Myrmex.Graph;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Simulation;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// A replica set with all of its parts: three nodes, each with storage/memory below the journal translator, a replica with its
/// journal on a simulated disk, and one state store. A node that restarts begins with an empty store and replays its journal.
/// </summary>
internal sealed class StoreBed : IDisposable
{
    public const string Prefix = "rs/store/";

    private ulong _sequence;

    public StoreBed(ulong seed, bool readLease = true)
    {
        ReadLease = readLease;
        World = new SimWorld(seed);
        Store = new SimStateService(World);
        var admin = World.AddNode("admin");
        Members = [.. Enumerable.Range(0, 3).Select(i => new StoreMember(this, (byte)i, World.AddNode($"n{i}")))];
        var configuration = ReplicaConfiguration.Majority(
            [.. Members.Select(m => new ReplicaMember(m.Id, 100ul + m.Id.Value, m.Node.Name))]);
        var put = SimTasks.Start(admin, () => Store.Connect(admin).CommitAsync(
            StateTransaction.Always(Operation.PutValue(Prefix + StoreState.ConfigurationKey, configuration.Encode())),
            CancellationToken.None));
        Assert.True(World.RunUntil(() => put.IsCompleted, 10_000));
        foreach (var member in Members)
        {
            member.Start();
        }
    }

    /// <summary>Fops whose first outcome was not heard.</summary>
    public int Retries { get; private set; }

    private UInt128 Session => new(7, 9);

    public SimWorld World { get; }

    public SimStateService Store { get; }

    public bool ReadLease { get; }

    public IReadOnlyList<StoreMember> Members { get; }

    public StoreMember? Leader => Members.FirstOrDefault(m => m.Node is { IsUp: true, IsFrozen: false } && m.IsServing);

    public void Dispose()
    {
        foreach (var member in Members)
        {
            member.Rig?.Dispose();
        }
    }

    /// <summary>
    /// Runs a fop at the leader as an operation of a session, and again at the next one as often as it takes: the
    /// answer is that of the one time it took effect.
    /// </summary>
    public Errno Do(Func<Translator, Call, XData, Task<Errno>> fop)
    {
        BeginSession();
        var sequence = ++_sequence;
        var answer = Until(isRetry =>
        {
            var record = new byte[32];
            BinaryPrimitives.WriteUInt128BigEndian(record, Session);
            BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(16), sequence | (isRetry ? 1UL << 63 : 0));
            BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(24), sequence - 1);
            return async (top, call) =>
            {
                var xdata = XData.Rent();
                xdata.SetBytes("myrmex.session"u8, record);
                var error = await fop(top, call, xdata);
                xdata.Release();
                return error;
            };
        });
        return answer;
    }

    private void BeginSession()
    {
        if (_sequence > 0)
        {
            return;
        }

        Assert.Equal(Errno.Ok, Until(_ => async (top, call) =>
        {
            var xdata = XData.Rent();
            var id = new byte[16];
            BinaryPrimitives.WriteUInt128BigEndian(id, Session);
            xdata.SetBytes("myrmex.session"u8, id);
            var reply = await top.Ipc(new IpcFop { Operation = 0x4D59, XData = xdata }, call);
            var error = reply.Error;
            reply.Release();
            xdata.Release();
            return error;
        }));
    }

    private Errno Until(Func<bool, Func<Translator, Call, Task<Errno>>> attempt)
    {
        var mayBeKnown = false;
        while (true)
        {
            Assert.True(World.RunUntil(() => Leader is not null, 60_000), "nobody leads");
            var member = Leader!;
            var life = member.Life;
            var fop = attempt(mayBeKnown);
            var task = SimTasks.Start(member.Node, () => fop(member.Top!, new Call()));
            Assert.True(World.RunUntil(() => task.IsCompleted || member.Life != life, 60_000), "no answer");
            Assert.True(!task.IsFaulted, task.Exception?.ToString());
            var error = task.IsCompleted ? task.Result : Errno.ENOTCONN;
            if (error is not (Errno.EREMOTE or Errno.EAGAIN or Errno.ENOTCONN))
            {
                return error;
            }

            mayBeKnown |= error == Errno.ENOTCONN;
            Retries += error == Errno.ENOTCONN ? 1 : 0;
            World.RunFor(50);
        }
    }

    /// <summary>Waits until all members have applied the same, and compares their stores.</summary>
    public void AssertAllAreEqual(string what)
    {
        Assert.True(
            World.RunUntil(
                () => Leader is { } leader && Members.All(m => m.Node.IsUp && m.Applied == leader.Replica!.Commit), 60_000),
            $"{what}: {string.Join("; ", Members.Select(m => $"{m.Applied} of {m.Replica?.Commit}"))}");
        var digests = Members.Select(m => StoreDigest.TakeAsync(m.Rig!.Store).AsTask().GetAwaiter().GetResult()).ToList();
        Assert.All(digests, d => Assert.True(digests[0].Hash.AsSpan().SequenceEqual(d.Hash), $"{what}: {digests[0].DifferencesTo(d)}"));
    }
}

/// <summary>One node of a <see cref="StoreBed"/>.</summary>
internal sealed class StoreMember : IReplicaTransport
{
    private readonly StoreBed _bed;
    private readonly byte _number;
    private JournalMember? _member;

    public StoreMember(StoreBed bed, byte number, SimNode node)
    {
        (_bed, _number, Node) = (bed, number, node);
        Assert.Equal(Errno.Ok, ReplicaJournal.Format(node.Disk, Options, new SuperblockState { Incarnation = 100u + number }));
    }

    public SimNode Node { get; }

    public MemberId Id => new(_number);

    public int Life { get; private set; }

    public Replica? Replica { get; private set; }

    public MemoryRig? Rig { get; private set; }

    public Translator? Top { get; private set; }

    public bool IsServing => _member is { } member && member.ServingTerm != Term.None && Replica is { IsServing: true };

    public JournalIndex Applied => _member?.AppliedIndex ?? default;

    private static JournalOptions Options => new() { Path = "/rs", SegmentBytes = 1 << 20, SegmentsMax = 16 };

    public void Start()
    {
        Life++;
        Rig?.Dispose();
        Rig = MemoryRig.Started();
        var redo = new Redo(Rig.Store);
        _member = new JournalMember(redo, () => new ValueTask<Errno>(Errno.Ok), Node.Seams.Workers);
        Top = new JournalBrick(TestPlace.For(new ManualTime(), subvolume: Rig.Store), redo, _member, new NoRun());
        var setup = new ReplicaSetup
        {
            Self = Id,
            StorePrefix = StoreBed.Prefix,
            Seams = Node.Seams,
            Store = _bed.Store.Connect(Node, timeoutMs: 1_000),
            Journal = Options,
            Transport = this,
            Machine = _member,
            Options = new ReplicaOptions { ReadLease = _bed.ReadLease, OutcomeOf = JournalMember.OutcomeOf },
            CheckpointMs = long.MaxValue / 2, // The store is in memory only: a restart needs the whole journal.
        };
        Assert.True(Replica.Open(setup, out var replica, out var problem) == Errno.Ok, problem);
        Replica = replica;
        var member = _member;
        _ = SimTasks.Start(Node, () =>
        {
            member.Start(replica!);
            replica!.Start();
            return Task.CompletedTask;
        });
    }

    public void Crash(SimCrash kind)
    {
        Life++;
        (Replica, _member, Top) = (null, null, null);
        Node.Crash(kind);
    }

    public void Send(MemberId to, ReplicaMessage message)
    {
        var target = _bed.Members[to.Value];
        var head = new ArrayBufferWriter<byte>();
        MessageCodec.EncodeHead(1, message, head);
        var data = MessageCodec.EntriesOf(message).SelectMany(e => e.Data.Span.ToArray()).ToArray();
        var life = target.Life;
        _ = _bed.World.After(_bed.World.Random.Below(2), () =>
        {
            if (target.Life == life && target is { Node.IsUp: true, Replica: { } replica })
            {
                target.Node.Seams.Scheduler.Post(() =>
                {
                    var payload = data.Length == 0 ? default : Payload.CopyOf(data);
                    replica.Receive(MessageCodec.Decode(head.WrittenSpan, payload, out _)!);
                    payload.Release();
                });
            }
        });
    }
}

/// <summary>The replica is started and stopped by the bed.</summary>
internal sealed class NoRun : IReplicaRun
{
    public void Start()
    {
    }

    public void Stop()
    {
    }

    public Task<ReplicaReport> ReportAsync() => throw new NotSupportedException();

    public void DumpState(StateDump dump)
    {
    }
}
