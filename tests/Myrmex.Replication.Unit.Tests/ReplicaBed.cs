using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Coordination.Simulation;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Three real replicas, each with a real journal on a simulated disk, on simulated nodes with a simulated state store; the messages
/// go through their codec and are lost, doubled and delayed.
/// </summary>
internal sealed class ReplicaBed
{
    public const string Prefix = "rs/test/";
    private const string Directory = "/rs";

    private readonly ReplicaConfiguration _configuration;
    private readonly SimNode _storeNode;

    public ReplicaBed(ulong seed, int count = 3, int segmentBytes = 256 << 10, bool allowsMemory = false)
    {
        World = new SimWorld(seed);
        Store = new SimStateService(World);
        SegmentBytes = segmentBytes;
        var storeNode = World.AddNode("admin");
        Members = [.. Enumerable.Range(0, count).Select(i => new BedMember(this, (byte)i, World.AddNode($"n{i}")))];
        _configuration = ReplicaConfiguration.Majority(
            [.. Members.Select(m => new ReplicaMember(m.Id, (ulong)m.Incarnation, m.Node.Name))]);
        _configuration = _configuration with { AllowsMemory = allowsMemory };
        _storeNode = storeNode;
        Put(StoreState.ConfigurationKey, _configuration);
    }

    /// <summary>Writes down that the members should acknowledge from memory, or from disk.</summary>
    public void WantMemory(bool allows) => Put(StoreState.WantedKey, _configuration with { AllowsMemory = allows });

    private void Put(string key, ReplicaConfiguration configuration)
    {
        var put = SimTasks.Start(_storeNode, () => Store.Connect(_storeNode).CommitAsync(
            StateTransaction.Always(Operation.PutValue(Prefix + key, configuration.Encode())), CancellationToken.None));
        Assert.True(World.RunUntil(() => put.IsCompleted, 10_000));
    }

    public SimWorld World { get; }

    public SimStateService Store { get; }

    public int SegmentBytes { get; }

    public IReadOnlyList<BedMember> Members { get; }

    public ReplicaOptions Options { get; init; } = new();

    /// <summary>Of 100 messages.</summary>
    public int LossPercent { get; set; }

    /// <summary>Makes the transport of each life of a member; the bed itself carries the messages when it is null.</summary>
    public Func<BedMember, IReplicaTransport>? TransportOf { get; set; }

    /// <summary>A life of a member begins.</summary>
    public Action<BedMember>? Opened { get; set; }

    /// <summary>Sees each entry that a member hears of as committed, while it is lent.</summary>
    public Action<BedMember, JournalEntry>? OnCommitted { get; set; }

    public BedMember? Leader => Members.FirstOrDefault(m => m.Replica is { IsServing: true } && m.Node is { IsUp: true, IsFrozen: false });

    public void WaitForLeader() => Assert.True(
        World.RunUntil(() => Leader is not null, 60_000),
        Describe());

    public string Describe() => string.Join("; ", Members.Select(m =>
        $"{m.Node.Name} {m.Replica?.Role} term {m.Replica?.Term} {m.Replica?.Status} commit {m.Replica?.Commit} last {m.Replica?.Last} "
        + $"from {m.Replica?.JournalStart} durable {m.Replica?.Durable}"));

    /// <summary>Zeroes for a proposal; as all that the members hold, they go with them.</summary>
    public static Payload Data(int bytes)
    {
        using var turn = PayloadPool.Simulate(PayloadPool.ForSimulation());
        return Payload.CopyOf(new byte[bytes]);
    }

    public JournalOptions JournalOptions => new() { Path = Directory, SegmentBytes = SegmentBytes, SegmentsMax = 8 };

    public void Deliver(BedMember from, MemberId to, ReplicaMessage message)
    {
        var target = Members[to.Value];
        if (!target.Node.IsUp || World.Random.Below(100) < LossPercent)
        {
            return;
        }

        var head = new ArrayBufferWriter<byte>();
        MessageCodec.EncodeHead(1, message, head);
        var data = MessageCodec.EntriesOf(message).SelectMany(e => e.Data.Span.ToArray()).ToArray();
        var life = target.Life;
        var copies = World.Random.Below(100) < LossPercent / 2 ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            _ = World.After((long)World.Random.Below(3) + (LossPercent > 0 ? (long)World.Random.Below(20) : 0), () =>
            {
                if (target.Life == life && target.Node.IsUp && target.Replica is { } replica)
                {
                    target.Node.Seams.Scheduler.Post(() => Arrive(target, life, replica, head.WrittenSpan.ToArray(), data));
                }
            });
        }
    }

    private static void Arrive(BedMember target, int life, Replica replica, byte[] head, byte[] data)
    {
        if (target.Life != life)
        {
            return;
        }

        var payload = data.Length == 0 ? default : Payload.CopyOf(data);
        var decoded = MessageCodec.Decode(head, payload, out var set);
        Assert.NotNull(decoded);
        Assert.Equal((UInt128)1, set);
        replica.Receive(decoded);
        payload.Release();
    }
}

/// <summary>A member of a <see cref="ReplicaBed"/>, with a main store that is a list of texts.</summary>
internal sealed class BedMember : IReplicaTransport, IReplicaMachine
{
    private readonly ReplicaBed _bed;
    private readonly byte _number;

    public BedMember(ReplicaBed bed, byte number, SimNode node)
    {
        (_bed, _number, Node) = (bed, number, node);
        Incarnation = 100u + number;
        var state = new SuperblockState { Incarnation = Incarnation };
        Assert.Equal(Errno.Ok, ReplicaJournal.Format(node.Disk, bed.JournalOptions, state));
    }

    public SimNode Node { get; }

    public MemberId Id => new(_number);

    public UInt128 Incarnation { get; }

    public int Life { get; private set; }

    public Replica? Replica { get; private set; }

    public int PowerLosses { get; private set; }

    /// <summary>What the main store holds in this life: index and text.</summary>
    public SortedDictionary<ulong, (UInt128 Chain, string Text)> Applied { get; } = [];

    /// <summary>What the main store has on its disk.</summary>
    public SortedDictionary<ulong, (UInt128 Chain, string Text)> Persisted { get; private set; } = [];

    public Dictionary<ulong, JournalIndex> AcceptedTags { get; } = [];

    public Dictionary<ulong, Refusal> RefusedTags { get; } = [];

    public HashSet<ulong> ReadTags { get; } = [];

    public HashSet<ulong> DoneTags { get; } = [];

    public List<ReplicaNews> News { get; } = [];

    public void Start()
    {
        Life++;
        Applied.Clear();
        foreach (var (index, value) in Persisted)
        {
            Applied[index] = value;
        }

        AcceptedTags.Clear();
        var setup = new ReplicaSetup
        {
            Self = Id,
            StorePrefix = ReplicaBed.Prefix,
            Seams = Node.Seams,
            Store = _bed.Store.Connect(Node, timeoutMs: 1_000),
            Journal = _bed.JournalOptions,
            Transport = _bed.TransportOf?.Invoke(this) ?? this,
            Machine = this,
            News = News.Add,
            CheckpointMs = 700,
            Options = _bed.Options,
            RetainedEntries = 50,
            MachineBoot = (UInt128)(PowerLosses + 1),
        };
        Replica? replica = null;
        Node.Do(() => Assert.True(Replica.Open(setup, out replica, out var problem) == Errno.Ok, problem));
        Replica = replica;
        _bed.Opened?.Invoke(this);
        _ = SimTasks.Start(Node, async () =>
        {
            replica!.Start();
            await System.Threading.Tasks.Task.CompletedTask;
        });
    }

    public void Crash(SimCrash kind)
    {
        Life++;
        Replica = null;
        PowerLosses += kind == SimCrash.Power ? 1 : 0;
        Node.Crash(kind);
    }

    public void Send(MemberId to, ReplicaMessage message) => _bed.Deliver(this, to, message);

    public void Committed(JournalEntry entry)
    {
        _bed.OnCommitted?.Invoke(this, entry);
        Applied[entry.Index.Value] = (entry.Header.Chain, Encoding.ASCII.GetString(entry.Meta.Span) + entry.Data.Length);
    }

    public void Accepted(ulong tag, JournalIndex index, bool isKnown) => AcceptedTags[tag] = index;

    public void Answered(ulong tag, JournalIndex index, ReadOnlyMemory<byte> outcome) => DoneTags.Add(tag);

    public void NotFound(ulong tag) => DoneTags.Add(tag);

    public void Refused(ulong tag, Refusal refusal, MemberId? leader, long retryAfterMs) => RefusedTags[tag] = refusal;

    public void Superseded(JournalEntry entry)
    {
    }

    public void ReadReady(ulong tag, JournalIndex index, Term? term) => ReadTags.Add(tag);

    public void ReadHere(ulong tag, JournalIndex index, JournalIndex leaderApplied) => ReadTags.Add(tag);

    public void Synced(ulong tag) => DoneTags.Add(tag);

    public void Completed(ulong tag) => DoneTags.Add(tag);

    public void RoleChanged(ReplicaRole role, Term term, MemberId? leader)
    {
    }

    /// <summary>What the main store has been doing for so long, in milliseconds.</summary>
    public long WorkMs { get; set; }

    public int Hangs { get; private set; }

    public JournalIndex AppliedIndex => new(Applied.Count == 0 ? 0 : Applied.Keys.Last());

    public bool WaitsForRoom { get; set; }

    public long OldestWorkMs(long nowMs) => WorkMs;

    public void Hung() => Hangs++;

    /// <summary>The main store comes to its disk.</summary>
    public bool Persists { get; set; } = true;

    public void Persist(JournalIndex through, Action<Errno> done)
    {
        if (!Persists)
        {
            done(Errno.EIO);
            return;
        }

        var life = Life;
        var copy = new SortedDictionary<ulong, (UInt128, string)>(
            Applied.Where(a => a.Key <= through.Value).ToDictionary(a => a.Key, a => a.Value));
        _ = Node.Seams.Scheduler.Schedule(3, () =>
        {
            if (life == Life)
            {
                Persisted = copy;
                done(Errno.Ok);
            }
        });
    }
}
