using System;
using System.Buffers;
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

    public StoreBed(ulong seed, StoreBedOptions? options = null)
    {
        Options = options ?? new StoreBedOptions();
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
        foreach (var member in Members.Where(m => m.Id.Value != Options.Needy))
        {
            member.Start();
        }
    }

    public StoreBedOptions Options { get; }

    public SimWorld World { get; }

    public SimStateService Store { get; }

    public IReadOnlyList<StoreMember> Members { get; }

    public StoreMember? Leader => Members.FirstOrDefault(m => m.Node is { IsUp: true, IsFrozen: false } && m.IsServing);

    public void Dispose()
    {
        foreach (var member in Members)
        {
            member.Rig?.Dispose();
        }
    }

    /// <summary>Runs a fop at the leader, at another one when that does not lead any more.</summary>
    /// <returns>What the client heard: ENOTCONN when nobody knows whether it took effect.</returns>
    public Errno Do(Func<Translator, Call, Task<Errno>> fop)
    {
        while (true)
        {
            Assert.True(World.RunUntil(() => Leader is not null, 60_000), "nobody leads");
            var member = Leader!;
            var life = member.Life;
            var task = SimTasks.Start(member.Node, () => fop(member.Top!, new Call()));
            Assert.True(World.RunUntil(() => task.IsCompleted || member.Life != life, 60_000), "no answer");
            if (!task.IsCompleted)
            {
                return Errno.ENOTCONN;
            }

            Assert.True(task.IsCompletedSuccessfully, task.Exception?.ToString());
            if (task.Result is not (Errno.EROFS or Errno.EAGAIN))
            {
                return task.Result;
            }

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

/// <summary>What is not as usual in a <see cref="StoreBed"/>.</summary>
internal sealed record StoreBedOptions
{
    /// <summary>The store is in memory only: a restart needs the whole journal, so there are no checkpoints.</summary>
    public long CheckpointMs { get; init; } = long.MaxValue / 2;

    public ulong RetainedEntries { get; init; } = 1_000_000;

    /// <summary>A member that was being copied when it ended, and is not started here.</summary>
    public byte? Needy { get; init; }

    public int CopyPieceBytes { get; init; } = 1 << 20;

    public long CopyBytesPerSecond { get; init; }
}

/// <summary>One node of a <see cref="StoreBed"/>.</summary>
internal sealed class StoreMember : IReplicaTransport
{
    private readonly StoreBed _bed;
    private readonly byte _number;
    private JournalMember? _member;
    private StoreCopies? _copies;

    public StoreMember(StoreBed bed, byte number, SimNode node)
    {
        (_bed, _number, Node) = (bed, number, node);
        var isNeedy = bed.Options.Needy == number;
        var state = new SuperblockState
        {
            Incarnation = 100u + number,
            Status = isNeedy ? MemberStatus.Syncing : MemberStatus.Voter,
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

    public JournalIndex Applied => _member?.AppliedIndex ?? default;

    private static JournalOptions Options => new() { Path = "/rs", SegmentBytes = 1 << 20, SegmentsMax = 16 };

    public void Start()
    {
        Life++;
        var hasStore = CheckpointFile.Load(Node.Disk, Options.Path, out var checkpoint) == Errno.Ok;
        if (!hasStore || Rig is null)
        {
            Rig?.Dispose();
            Rig = MemoryRig.Started();
        }

        var redo = new Redo(Rig.Store);
        _member = new JournalMember(redo, () => new ValueTask<Errno>(Errno.Ok), checkpoint.Index);
        _copies = new StoreCopies(Rig.Store, redo, _member, () => new ValueTask<Errno>(Errno.Ok));
        Top = new JournalTranslator(TestPlace.For(new ManualTime(), subvolume: Rig.Store), _member);
        var setup = new ReplicaSetup
        {
            Self = Id,
            StorePrefix = StoreBed.Prefix,
            Seams = Node.Seams,
            Store = _bed.Store.Connect(Node, timeoutMs: 1_000),
            Journal = Options,
            Transport = this,
            Machine = _member,
            CheckpointMs = _bed.Options.CheckpointMs,
            RetainedEntries = _bed.Options.RetainedEntries,
            Copies = _copies,
            CopyPieceBytes = _bed.Options.CopyPieceBytes,
            CopyBytesPerSecond = _bed.Options.CopyBytesPerSecond,
        };
        Assert.True(Replica.Open(setup, out var replica, out var problem) == Errno.Ok, problem);
        Replica = replica;
        var (member, copies) = (_member, _copies);
        _ = SimTasks.Start(Node, () =>
        {
            member.Start(replica!);
            copies.Start();
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
        CopyBytes += message is ReplicaMessage.CopyPiece ? head.WrittenCount + data.Length : 0;
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
