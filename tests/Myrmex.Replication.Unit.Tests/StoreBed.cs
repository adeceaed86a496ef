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
using Myrmex.Features;
using Myrmex.Graph;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Replication.Unit.Tests.Operations;
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

    private readonly SimNode _admin;
    private readonly List<StoreMember> _members;
    private ulong _sequence;
    private byte? _formerWitness;

    public StoreBed(ulong seed, bool readLease = true, StoreBedOptions? options = null)
    {
        Options = options ?? new StoreBedOptions();
        ReadLease = readLease;
        World = new SimWorld(seed);
        Store = new SimStateService(World);
        var admin = World.AddNode("admin");
        _admin = admin;
        _members = [.. Enumerable.Range(0, 3).Select(
            i => new StoreMember(this, (byte)i, World.AddNode($"n{i}"), MemberStatus.Voter))];
        Put(StoreState.ConfigurationKey, 0, 1, 2);
        foreach (var member in Members.Where(m => m.Id.Value != Options.Needy))
        {
            member.Start();
        }
    }

    public StoreBedOptions Options { get; private set; }

    public bool IsWitness(byte number) => number == Options.Witness || number == _formerWitness;

    /// <summary>Fops whose first outcome was not heard.</summary>
    public int Retries { get; private set; }

    private UInt128 Session => new(7, 9);

    public SimWorld World { get; }

    public SimStateService Store { get; }

    public bool ReadLease { get; }

    public IReadOnlyList<StoreMember> Members => _members;

    public StoreMember? Leader => Members.FirstOrDefault(m => m.Node is { IsUp: true, IsFrozen: false } && m.IsServing);

    /// <summary>A node with a new, empty brick that is no member yet.</summary>
    public StoreMember AddSpare()
    {
        var number = (byte)_members.Count;
        var spare = new StoreMember(this, number, World.AddNode($"n{number}"), MemberStatus.Learner);
        _members.Add(spare);
        spare.Start();
        return spare;
    }

    /// <summary>Another witness takes the place of the one that is there.</summary>
    public StoreMember AddSpareWitness()
    {
        var former = Options.Witness!.Value; // There is one.
        Options = Options with { Witness = (byte)_members.Count };
        _formerWitness = former;
        var spare = AddSpare();
        Put(StoreState.WantedKey, [.. Enumerable.Range(0, 4).Where(n => n != former).Select(n => (byte)n)]);
        return spare;
    }

    /// <summary>Writes a configuration into the store, as management does.</summary>
    public void Put(string key, params byte[] members)
    {
        var configuration = ReplicaConfiguration.Majority(
            [
                .. members.Select(m => new ReplicaMember(new MemberId(m), 100ul + m, $"n{m}")
                {
                    IsWitness = IsWitness(m),
                }),
            ]);
        configuration = configuration with { AllowsMemory = Options.AllowsMemory };
        var put = SimTasks.Start(_admin, () => Store.Connect(_admin).CommitAsync(
            StateTransaction.Always(Operation.PutValue(Prefix + key, configuration.Encode())),
            CancellationToken.None));
        Assert.True(World.RunUntil(() => put.IsCompleted, 10_000));
    }

    public void Dispose()
    {
        foreach (var member in Members)
        {
            member.Rig?.Dispose();
        }
    }

    /// <summary>The error of a reply, which it releases.</summary>
    public static Errno Outcome(Reply reply)
    {
        var error = reply.Error;
        reply.Release();
        return error;
    }

    /// <summary>Writes to a file, through no open one.</summary>
    public static async Task<Errno> WriteAsync(
        Translator top, Call call, XData? xdata, Gfid gfid, long offset, byte[] data)
    {
        var payload = Payload.CopyOf(data);
        var fop = new WriteFop { Gfid = gfid, Fd = Fd.Anonymous(gfid), Offset = offset, Data = payload, XData = xdata };
        var outcome = Outcome(await top.Write(fop, call));
        payload.Release();
        return outcome;
    }

    public Errno Write(Gfid gfid, long offset, byte[] data) =>
        Do((top, call, xdata) => WriteAsync(top, call, xdata, gfid, offset, data));

    /// <summary>Starts every node that is down.</summary>
    public void Restart()
    {
        foreach (var member in Members.Where(m => !m.Node.IsUp))
        {
            member.Node.Restart();
            member.Start();
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
            var record = Record(sequence, isRetry);
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

    /// <summary>What an operation of the session carries; those before it are acknowledged.</summary>
    public byte[] Record(ulong sequence, bool isRetry)
    {
        var record = new byte[32];
        BinaryPrimitives.WriteUInt128BigEndian(record, Session);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(16), sequence | (isRetry ? 1UL << 63 : 0));
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(24), sequence - 1);
        return record;
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
    public void AssertAllAreEqual(string what) =>
        AssertAreEqual([.. Members.Where(m => !IsWitness(m.Id.Value))], what);

    public void AssertAreEqual(IReadOnlyList<StoreMember> members, string what)
    {
        Assert.True(
            World.RunUntil(
                () => Leader is { } leader && members.All(m => m.Node.IsUp && m.Applied == leader.Replica!.Commit), 60_000),
            $"{what}: {string.Join("; ", members.Select(m => $"{m.Applied} of {m.Replica?.Commit}"))}");
        var digests = members.Select(m => StoreDigest.TakeAsync(m.Rig!.Store).AsTask().GetAwaiter().GetResult()).ToList();
        Assert.All(digests, d => Assert.True(digests[0].Hash.AsSpan().SequenceEqual(d.Hash), $"{what}: {digests[0].DifferencesTo(d)}"));
    }
}

/// <summary>What is not as usual in a <see cref="StoreBed"/>.</summary>
internal sealed record StoreBedOptions
{
    /// <summary>The store is in memory only: a restart needs the whole journal, so there are no checkpoints.</summary>
    public long CheckpointMs { get; init; } = long.MaxValue / 2;

    public ulong RetainedEntries { get; init; } = 1_000_000;

    /// <summary>A member that was being copied when it ended, and is not started here.</summary>
    public byte? Needy { get; init; }

    /// <summary>The member that has no store; null for none.</summary>
    public byte? Witness { get; init; }

    public bool AllowsMemory { get; init; }

    /// <summary>Puts something on top of a member's brick each time when its process begins, in that process.</summary>
    public Action<StoreMember>? Opened { get; init; }

    public ReplicaMutations Mutations { get; init; }

    /// <summary>Of the witness, which needs no store to begin with.</summary>
    public long WitnessCheckpointMs { get; init; } = 300;

    public int CopyPieceBytes { get; init; } = 1 << 20;

    public long CopyBytesPerSecond { get; init; }

    /// <summary>How long a session that is away keeps its locks.</summary>
    public long LockGraceMs { get; init; } = 60_000;
}

/// <summary>One node of a <see cref="StoreBed"/>.</summary>
internal sealed class StoreMember : IReplicaTransport
{
    private readonly StoreBed _bed;
    private readonly byte _number;
    private int _powerLosses;
    private JournalMember? _member;
    private StoreCopies? _copies;
    private WitnessMachine? _witness;

    public StoreMember(StoreBed bed, byte number, SimNode node, MemberStatus status)
    {
        (_bed, _number, Node) = (bed, number, node);
        var isNeedy = bed.Options.Needy == number;
        var state = new SuperblockState
        {
            Incarnation = 100u + number,
            Status = isNeedy ? MemberStatus.Syncing : status,
        };
        Assert.Equal(Errno.Ok, ReplicaJournal.Format(node.Disk, Options, state));
        if (isNeedy)
        {
            Assert.Equal(Errno.Ok, (CheckpointFile.Empty with { IsCopying = true }).Save(node.Disk, Options.Path));
        }
    }

    public SimNode Node { get; }

    public MemberId Id => new(_number);

    public int Life { get; private set; }

    public Replica? Replica { get; private set; }

    public MemoryRig? Rig { get; private set; }

    public Translator? Top { get; private set; }

    public bool IsServing => _member is { } member && member.ServingTerm != Term.None && Replica is { IsServing: true };

    /// <summary>Bytes of pieces of copies that this member has sent.</summary>
    public long CopyBytes { get; private set; }

    /// <summary>When the store takes no more of what is committed.</summary>
    public CrashPoint Faults { get; private set; } = new();

    /// <summary>No message of a member leaves it or comes to it.</summary>
    public bool IsIsolated { get; set; }

    /// <summary>How often this member has said that its disk hangs.</summary>
    public int Hangs { get; private set; }

    public List<ReplicaNews> News { get; } = [];

    public Errno Failure => _member?.Failure ?? Errno.Ok;

    public JournalIndex Applied => _member?.AppliedIndex ?? _witness?.AppliedIndex ?? default;

    /// <summary>What is free on the disk, reserve included.</summary>
    public long FreeBytes
    {
        set
        {
            Assert.Equal(Errno.Ok, Node.Disk.GetSpace("/", out var space));
            Node.Disk.CapacityBytes = space.TotalBytes - space.FreeBytes + value;
        }
    }

    private static JournalOptions Options => new()
    {
        Path = "/rs",
        SegmentBytes = 1 << 20,
        SegmentsMax = 16,
        SegmentsReserved = 6,
        DiskFreeMin = 1 << 20,
    };

    /// <summary>Starts the process of this node: with the memory of the node, which is gone when that is killed.</summary>
    public void Start() => Node.Do(Open);

    private void Open()
    {
        Life++;
        if (_bed.IsWitness(_number))
        {
            OpenWitness();
            return;
        }

        var hasStore = CheckpointFile.Load(Node.Disk, Options.Path, out _) == Errno.Ok;
        if (!hasStore || Rig is null)
        {
            Rig?.Dispose();
            Rig = MemoryRig.Started();
        }

        Faults = new CrashPoint();
        var store = new CrashTranslator(Rig.Store, Faults);
        var locks = new Locks(TestPlace.For(new ManualTime(), Locks.Registration, store, slot: 6));
        var redo = new Redo(locks);
        _member = new JournalMember(redo, Node.Seams, () => new ValueTask<Errno>(Errno.Ok))
        {
            InternalLocks = locks,
        };
        _member.Hanging += () => Hangs++;
        _copies = new StoreCopies(Rig.Store, redo, _member, () => new ValueTask<Errno>(Errno.Ok));
        Top = new JournalBrick(
            TestPlace.For(new ManualTime(), subvolume: locks, slot: 7), redo, _member, new NoRun(),
            lockGraceMs: _bed.Options.LockGraceMs);
        var top = Top;
        var setup = Setup(_member, _copies);
        Assert.True(Replica.Open(setup, out var replica, out var problem) == Errno.Ok, problem);
        Replica = replica;
        _bed.Options.Opened?.Invoke(this);
        var (member, copies) = (_member, _copies);
        _ = SimTasks.Start(Node, () =>
        {
            member.Start(replica!);
            copies.Start();
            replica!.Start();
            top.Start();
            return Task.CompletedTask;
        });
    }

    private ReplicaSetup Setup(IReplicaMachine machine, IStoreCopies copies) => new()
    {
        Self = Id,
        StorePrefix = StoreBed.Prefix,
        Seams = Node.Seams,
        Store = _bed.Store.Connect(Node, timeoutMs: 1_000),
        Journal = Options,
        Transport = this,
        Machine = machine,
        News = News.Add,
        Options = new ReplicaOptions
        {
            ReadLease = _bed.ReadLease,
            OutcomeOf = JournalMember.OutcomeOf,
            CostOf = entry => entry.Data.Length + 16_384,
        },
        CheckpointMs = _bed.Options.CheckpointMs,
        RetainedEntries = _bed.Options.RetainedEntries,
        Copies = copies,
        CopyPieceBytes = _bed.Options.CopyPieceBytes,
        CopyBytesPerSecond = _bed.Options.CopyBytesPerSecond,
        MachineBoot = (UInt128)(_powerLosses + 1),
        Mutations = _bed.Options.Mutations,
    };

    private void OpenWitness()
    {
        _witness = new WitnessMachine();
        var setup = Setup(_witness, new WitnessCopies(_witness)) with
        {
            IsWitness = true,
            CheckpointMs = _bed.Options.WitnessCheckpointMs,
        };
        Assert.True(Replica.Open(setup, out var replica, out var problem) == Errno.Ok, problem);
        Replica = replica;
        _ = SimTasks.Start(Node, () =>
        {
            replica!.Start(); // Opened.
            return Task.CompletedTask;
        });
    }

    /// <summary>As a brick process that ends in good order.</summary>
    public void Stop()
    {
        _member?.Stop();
        Replica!.Stop(_ => { });
    }

    public void Crash(SimCrash kind)
    {
        Life++;
        (Replica, _member, Top, _witness) = (null, null, null, null);
        _powerLosses += kind == SimCrash.Power ? 1 : 0;
        Node.Crash(kind);
    }

    public void Send(MemberId to, ReplicaMessage message)
    {
        var target = _bed.Members[to.Value];
        var head = new ArrayBufferWriter<byte>();
        MessageCodec.EncodeHead(1, message, head);
        var data = MessageCodec.EntriesOf(message).SelectMany(e => e.Data.Span.ToArray()).ToArray();
        CopyBytes += message is ReplicaMessage.CopyPiece ? head.WrittenCount + data.Length : 0;
        var life = target.Life;
        _ = _bed.World.After(_bed.World.Random.Below(2), () =>
        {
            if (!IsIsolated && !target.IsIsolated && target.Life == life && target is { Node.IsUp: true, Replica: { } replica })
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

    public Task<string?> MoveLeadAsync(int? target) => throw new NotSupportedException();

    public void Prefer(MemberId? member, long? returnMs)
    {
    }

    public void DumpState(StateDump dump)
    {
    }
}
