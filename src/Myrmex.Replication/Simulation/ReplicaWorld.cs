using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Replication.Simulation;

/// <summary>
/// A replica set, its disks, its network, the state store and clients on one thread and virtual time: a seed gives the
/// same run every time. The real engine runs in it; everything around the engine is simulated and goes wrong.
/// </summary>
internal sealed partial class ReplicaWorld
{
    private const int TraceLines = 400;
    private const int SpareNodes = 2;
    private const long TickUs = 50_000;
    private const long LeaseUs = 1_500_000;
    private const long HourUs = 3_600_000_000;

    private readonly WorldOptions _options;
    private readonly SimRandom _random;
    private readonly EventQueue _queue = new();
    private readonly WorldStore _store = new();
    private readonly WorldChecker _checker = new();
    private readonly List<WorldNode> _nodes = [];
    private readonly List<WorldClient> _clients = [];
    private readonly List<ReplicaOutput> _outputs = [];
    private readonly HashSet<(ulong Index, UInt128 Chain)> _fromMemory = [];
    private readonly Queue<string>? _trace;
    private readonly ulong _seed;
    private readonly ReplicaOptions _replicaOptions;

    private long _now;
    private long _events;
    private ulong _tag;

    public ReplicaWorld(ulong seed, WorldOptions options, bool isTraced)
    {
        _seed = seed;
        _options = options;
        _random = new SimRandom(seed);
        _trace = isTraced ? new Queue<string>() : null;
        _journalReadMax = options.Elides && seed % 3 > 0 ? (int)(seed % 7) + 1 : 64;
        _replicaOptions = new ReplicaOptions
        {
            GrantMs = 400,
            ReadLease = options.ReadLease,
            MayHaveGranted = options.ReadLease, // A world keeps to one way to read.
            LeaderGraceMs = 400,
            CandidateMs = 1500,
            BackoffMs = 100,
            RetransmitMs = 150,
            OutOfSyncMs = 500,
            QuorumStallMs = 1000,
            LeaderSilentMs = 1100, // Before the lease ends, mostly.
            DiskStallMs = 1500,
            TransferMs = 500,
            ClosedMs = 150,
            HandOverMs = 200,
            ProbeEntries = (int)_random.Between(1, 16),
            RelayBytesMin = options.RelayBytesMin,
            RelayPauseMs = 300,
            ElideBytesMin = options.Elides ? 1 : 0,
            PlanMs = 300,
        };
    }

    /// <summary>Runs until all is well again after the last fault, or something must not have happened.</summary>
    public WorldResult Run()
    {
        string? violation = null;
        try
        {
            Begin();
            var faultsEnd = _options.FaultMs * 1000;
            while (!IsSettled(faultsEnd))
            {
                Step();
            }

            CheckLockTables();
            _checker.Finish();
        }
        catch (WorldViolationException e)
        {
            violation = e.Message;
        }
        catch (InvariantException e)
        {
            violation = e.Message;
        }

        return new WorldResult(
            _seed, Math.Max(0, _checker.Activations - 1), _checker.Committed, _events, violation,
                _trace?.ToArray() ?? [])
        {
            Elided = _elided,
        };
    }

    private void Begin()
    {
        var members = new List<ReplicaMember>();
        for (var i = 0; i < _options.Members + (_options.ChangesMembers ? SpareNodes : 0); i++)
        {
            var node = new WorldNode(i)
            {
                ClockRate = 1 + (_random.Between(-4, 4) / 1000.0),
                ClockOffsetMs = _random.Between(10_000, 1_000_000),
                IsSpare = i >= _options.Members,
                IsWitness = _options.Witnesses > 0 && (i >= _options.Members
                    ? i == _options.Members : i >= _options.Members - _options.Witnesses),
            };
            node.Superblock = new Superblock(
                Term.None, node.IsSpare ? MemberStatus.Learner : MemberStatus.Voter, node.Incarnation, 0);
            _nodes.Add(node);
            if (!node.IsSpare)
            {
                members.Add(MemberOf(node));
            }
        }

        var configuration = Sized(members, _options.WriteQuorum, epoch: 1);
        _store.Put(StoreState.ConfigurationKey, configuration.Encode());
        _store.Put(StoreState.InSyncKey, StoreState.EncodeSet(configuration.Set));
        foreach (var node in _nodes)
        {
            Start(node);
        }

        for (var i = 0; i < _options.Clients; i++)
        {
            _clients.Add(new WorldClient(i));
            _queue.Add(_random.Between(0, 500_000), SimEventKind.ClientNext, i);
        }

        _queue.Add(_random.Between(100_000, 1_000_000), SimEventKind.Fault, 0);
    }

    private static ReplicaMember MemberOf(WorldNode node) => new(node.Id, node.Incarnation, "")
    {
        IsWitness = node.IsWitness,
    };

    private ReplicaConfiguration Sized(List<ReplicaMember> members, int write, ulong epoch) => new()
    {
        Epoch = epoch,
        Mode = _options.Mode,
        Members = members,
        WriteQuorum = Math.Min(write, members.Count),
        ElectionQuorum = members.Count - Math.Min(write, members.Count) + 1,
        InSyncMin = Math.Min(_options.InSyncMin, members.Count),
        AllowsMemory = _options.AllowsMemory,
    };

    /// <summary>Takes the next event. A node that stands still gets it when it goes on.</summary>
    private void Step()
    {
        var item = _queue.Take();
        _now = Math.Max(_now, item.TimeUs);
        _events++;
        var isOfNode = item.Kind <= SimEventKind.ClientRequest
            && item.Kind is not (SimEventKind.StoreArrives or SimEventKind.LeaseEnds);
        if (isOfNode && _nodes[item.Target].PausedUntilUs > _now)
        {
            var node = _nodes[item.Target];
            if (item.Kind is not (SimEventKind.Deliver or SimEventKind.ClientRequest)
                || node.PausedUntilUs - _now < 5_000_000)
            {
                _queue.Add(node.PausedUntilUs, item.Kind, item.Target, item.Life, item.Body, item.Number, item.Extra);
            }

            return;
        }

        switch (item.Kind)
        {
            case SimEventKind.StoreArrives:
                StoreArrives(item);
                break;
            case SimEventKind.LeaseEnds:
                LeaseEnds(item);
                break;
            case SimEventKind.Restart:
                Start(_nodes[item.Target]);
                break;
            case SimEventKind.ClientRequest:
                ClientRequest(item);
                break;
            case SimEventKind.ClientAnswer:
                ClientAnswer(item);
                break;
            case SimEventKind.ClientTimeout:
                ClientTimeout(item);
                break;
            case SimEventKind.ClientNext:
                ClientNext(_clients[item.Target]);
                break;
            case SimEventKind.Fault:
                Fault();
                break;
            default:
                NodeStep(item);
                break;
        }
    }

    private void Trace(string text)
    {
        if (_trace is null)
        {
            return;
        }

        if (_trace.Count == TraceLines)
        {
            _trace.Dequeue();
        }

        _trace.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{_now / 1000.0,10:0.000} {text}"));
    }

    private bool IsSettled(long faultsEnd)
    {
        if (_now < faultsEnd || _events % 32 != 0)
        {
            return false;
        }

        if (_now > faultsEnd + (_options.SettleMs * 1000) + (_options.LongPauses ? HourUs + HourUs : 0))
        {
            WorldChecker.Fail($"liveness: not well {_options.SettleMs} ms after the last fault: {Describe()}");
        }

        return IsWell();
    }

    /// <summary>One leader, everybody has everything, nobody waits.</summary>
    private bool IsWell()
    {
        var leader = _nodes.Find(n => n.Engine is { IsServing: true } && n.Engine.Term == _store.State.Term.Term);
        if (leader?.Engine is not { } engine || _clients.Exists(c => c.IsBusy)
            || _store.State.Configuration!.Pending is not null || leader.Applied != engine.Last)
        {
            return false;
        }

        var members = _store.State.Configuration.Set;
        if (_options.Mode == ReplicaMode.InSync && _store.State.InSync != members)
        {
            return false;
        }

        foreach (var member in members)
        {
            var node = _nodes[member.Value];
            if (node.Engine is not { Status: MemberStatus.Voter } other || other.Commit != engine.Last
                || node.Applied != engine.Last || other.Durable != engine.Last)
            {
                return false;
            }

            if (!node.IsWitness && Digest(node) != Digest(leader))
            {
                WorldChecker.Fail($"I2: {node.Number} and {leader.Number} hold different values");
            }
        }

        return true;
    }

    private static ulong Digest(WorldNode node)
    {
        var sum = 0UL;
        foreach (var (key, value) in node.Values)
        {
            sum ^= HistoryOperation.Appended(key, value);
        }

        return sum;
    }

    private string Describe()
    {
        var text = $"store term {_store.State.Term}, lead {_store.State.Lead}, in sync {_store.State.InSync}, "
            + $"members {_store.State.Configuration?.Set} pending {_store.State.Configuration?.Pending?.Set}";
        foreach (var node in _nodes)
        {
            text += node.Engine is not { } engine ? $" | {node.Number} down"
                : $" | {node.Number} {engine.Role} {engine.Status} term {engine.Term} promised {engine.Promised}"
                + $" last {engine.Last}"
                + $" durable {engine.Durable} commit {engine.Commit} log from {engine.Log.First}";
        }

        foreach (var client in _clients)
        {
            text += client.IsBusy ? $" | client {client.Number} waits" : "";
        }

        return text;
    }

    // The network.
    private readonly Dictionary<(int From, int To), long> _cuts = [];
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private double _loss = 0.002;
    private double _duplicates = 0.01;
    private long _latencyUs = 1_000;
    private long _roughUntilUs;

    private long Latency()
    {
        var isRough = _now < _roughUntilUs;
        return _random.Chance(isRough ? 0.1 : 0.01) ? _random.Between(1_000, 150_000)
            : _random.Between(100, _latencyUs);
    }

    private void SendMessage(WorldNode from, int to, ReplicaMessage message)
    {
        if (to >= _nodes.Count || (_cuts.Count > 0 && _cuts.GetValueOrDefault((from.Number, to)) > _now))
        {
            return;
        }

        var isRough = _now < _roughUntilUs;
        if (_random.Chance(isRough ? 0.2 : _loss))
        {
            return;
        }

        foreach (var entry in MessageCodec.EntriesOf(message))
        {
            _elided += entry.IsElided ? 1 : 0;
        }

        if (_options.ThroughCodec)
        {
            _bytes.ResetWrittenCount();
            MessageCodec.EncodeHead(7, message, _bytes);
            message = MessageCodec.Decode(_bytes.WrittenSpan, default, out _)!;
        }

        _queue.Add(_now + Latency(), SimEventKind.Deliver, to, 0, message);
        if (_random.Chance(isRough ? 0.1 : _duplicates))
        {
            _queue.Add(_now + Latency() + _random.Between(0, isRough ? 2_000_000 : 50_000), SimEventKind.Deliver, to,
                0, message);
        }
    }
}
