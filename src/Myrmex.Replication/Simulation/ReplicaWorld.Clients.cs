using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

// Clients write, append and read, and repeat what they got no answer to at any member.
internal sealed partial class ReplicaWorld
{
    private const int AttemptsMax = 60;
    private const int OperationsOfKeyMax = 56;

    private readonly Dictionary<uint, int> _operationsOfKey = [];
    private uint _keyBlock;
    private ulong _operation;
    private ulong _value;

    /// <summary>The bytes of a write are those of its value: an elided one leaves the object as it is.</summary>
    private static void Apply(WorldNode node, JournalEntry entry)
    {
        if (!entry.IsElided)
        {
            Apply(node.Values, entry.Meta.Span);
        }
    }

    internal static void Apply(Dictionary<uint, ulong> values, ReadOnlySpan<byte> meta)
    {
        var key = BinaryPrimitives.ReadUInt32LittleEndian(meta[1..]);
        var value = BinaryPrimitives.ReadUInt64LittleEndian(meta[5..]);
        values[key] = meta[0] == (byte)HistoryKind.Write
            ? value : HistoryOperation.Appended(values.GetValueOrDefault(key), value);
    }

    private static byte[] MetaOf(WorldClient client)
    {
        var meta = new byte[13];
        meta[0] = (byte)client.Kind;
        BinaryPrimitives.WriteUInt32LittleEndian(meta.AsSpan(1), client.Key);
        BinaryPrimitives.WriteUInt64LittleEndian(meta.AsSpan(5), client.Value);
        return meta;
    }

    private void ClientNext(WorldClient client)
    {
        if (client.IsBusy || _now >= _options.FaultMs * 1000)
        {
            return;
        }

        client.IsBusy = true;
        client.Operation = ++_operation;
        client.Attempts = 0;
        client.Unanswered = 0;
        client.WasDuplicated = false;
        client.InvokedUs = _now;
        client.IsOpening = !client.HasSession;
        if (client.IsOpening)
        {
            client.Session = new UInt128((ulong)client.Number + 1, _operation);
            client.Sequence = 0;
            client.IsLock = false;
            client.Held.Clear();
        }
        else if (_options.TakesLocks && _random.Chance(0.4))
        {
            NextLock(client);
        }
        else
        {
            client.IsLock = false;
            client.Kind = _random.Chance(0.35) ? HistoryKind.Read
                : _random.Chance(_options.Elides ? 0.85 : 0.5) ? HistoryKind.Write : HistoryKind.Append;
            client.Key = PickKey();
            client.Value = client.Kind == HistoryKind.Read ? 0 : ++_value;
            client.Sequence += client.Kind == HistoryKind.Read ? 0u : 1;
        }

        SendRequest(client);
    }

    private uint PickKey(uint space = 0)
    {
        var key = space + (_keyBlock * 2) + (uint)_random.Below(2);
        var count = _operationsOfKey.GetValueOrDefault(key) + 1;
        _operationsOfKey[key] = count;
        if (count >= OperationsOfKeyMax)
        {
            _keyBlock++;
        }

        return key;
    }

    private void SendRequest(WorldClient client)
    {
        client.Attempts++;
        client.Unanswered++;
        var target = _random.Chance(0.15) ? _random.Below(_nodes.Count) : client.Target;
        client.Target = target;
        var number = client.Operation;
        if (!_random.Chance(0.02))
        {
            _queue.Add(
                _now + Latency(), SimEventKind.ClientRequest, target, client.Number, Snapshot(client), number,
                    (ulong)client.Attempts);
            if (_random.Chance(0.02))
            {
                client.WasDuplicated = true;
                _queue.Add(
                    _now + Latency() + _random.Between(0, 1_000_000), SimEventKind.ClientRequest, target, client.Number,
                    Snapshot(client), number, (ulong)client.Attempts);
            }
        }

        _queue.Add(_now + _random.Between(150_000, 600_000), SimEventKind.ClientTimeout, client.Number, 0, null,
            number, (ulong)client.Attempts);
    }

    private Proposal? Snapshot(WorldClient client) =>
        client.IsOpening
            ? new Proposal(0, EntryKind.Session, client.Session, 0, 0,
                new SessionRecord(SessionAction.Begin, 0).Encode(), default)
        : client.IsLock ? LockProposal(client)
        : client.Kind == HistoryKind.Read
            ? new Proposal(client.Key, default, 0, 0, 0, default, default)
        : new Proposal(0, EntryKind.Operation, client.Session, client.Sequence, 0, MetaOf(client), default)
        {
            AcknowledgedUpTo = client.Sequence - 1,
            Uses = RoomUse.Much,
            FromMemory = _options.AllowsMemory && client.Value % 3 != 0,
        };

    private void ClientRequest(in SimEvent item)
    {
        var node = _nodes[item.Target];
        if (node.Engine is not { } engine)
        {
            return;
        }

        var proposal = (Proposal)item.Body!;
        var tag = ++_tag;
        var isRead = proposal.Kind == default;
        node.Requests[tag] = new WorldRequest(item.Life, item.Number, isRead, (uint)proposal.Tag);
        if (proposal.Kind == EntryKind.Lock && !MayProposeLock(node, engine, in proposal, tag))
        {
            return;
        }

        if (isRead && _options.ReadsHere && engine.MayReadHere && _random.Chance(0.8))
        {
            engine.ReadHere(tag, JournalIndex.None, node.ClockMs(_now));
        }
        else if (isRead)
        {
            engine.Read(tag, _options.ReadLease, node.ClockMs(_now));
        }
        else
        {
            engine.Propose(proposal with { Tag = tag }, node.ClockMs(_now));
            if (proposal.FromMemory && engine.Role == ReplicaRole.Active)
            {
                _fromMemory.Add((engine.Last.Value, engine.Log.LastChain));
            }

            if (_options.Ambushes && engine.IsServing && _now < _options.FaultMs * 1000 && _random.Chance(0.03))
            {
                Depose(node, _now + _random.Between(100_000, 800_000)); // Before the entry leaves.
            }
        }

        After(node);
        if (_options.AllowsMemory && _random.Chance(0.1) && engine.Role == ReplicaRole.Active)
        {
            engine.Sync(++_tag, engine.Last, node.ClockMs(_now));
            After(node);
        }
    }

    private void AnswerRequest(WorldNode node, ReplicaEngine engine, in ReplicaOutput output)
    {
        if (!node.Requests.TryGetValue(output.Ticket, out var request))
        {
            return;
        }

        if (node.Held.Count > 0 && (output.Kind == OutputKind.Answered
            || (output.Kind == OutputKind.ReadReady && (!_options.ReadsHere || node.Applied < node.ServesFrom))))
        {
            return; // The main store hangs: no answer, and the client asks somebody else.
        }

        if (output.Kind is OutputKind.Answered or OutputKind.Refused)
        {
            node.LockChanges.Remove(output.Ticket);
        }

        switch (output.Kind)
        {
            case OutputKind.ReadReady when request.Refused is { } refused:
                RefuseLock(node, engine, output.Ticket, in refused);
                break;
            case OutputKind.Accepted:
                if (!node.Waiting.TryGetValue(output.Index.Value, out var tags))
                {
                    node.Waiting.Add(output.Index.Value, tags = []);
                }

                tags.Add(output.Ticket);
                break;
            case OutputKind.Answered:
                AnswerClient(node, output.Ticket, code: 0, output.Index.Value);
                break;
            case OutputKind.ReadReady when output.NeedsLease:
                // The value is taken now; the clock is looked at later, after whatever happens in between.
                var valueNow = node.Values.GetValueOrDefault(request.Key);
                _queue.Add(
                    _now + _random.Between(0, 2_000), SimEventKind.LeaseCheck, node.Number, node.Life, output.Term,
                        output.Ticket, valueNow);
                break;
            case OutputKind.ReadReady:
                // What is answered is in the store; what is only committed may come later.
                if (node.Applied < output.Index && !_options.ReadsHere)
                {
                    WorldChecker.Fail($"{node.Number} may read as of {output.Index} and has applied {node.Applied}");
                }

                AnswerClient(node, output.Ticket, code: 0, node.Values.GetValueOrDefault(request.Key));
                break;
            default:
                AnswerClient(node, output.Ticket,
                    (int)output.Refusal | (output.LeaderHint is { } hint ? (hint.Value + 1) << 8 : 0), 0);
                break;
        }
    }

    private void LeaseCheck(WorldNode node, ReplicaEngine engine, in SimEvent item, long nowMs)
    {
        if (engine.LeaseCovers((Term)item.Body!, nowMs))
        {
            AnswerClient(node, item.Number, code: 0, item.Extra);
        }
        else if (node.Requests.ContainsKey(item.Number))
        {
            engine.Read(item.Number, useLease: false, nowMs);
        }
    }

    private void AnswerClient(WorldNode node, ulong tag, int code, ulong value)
    {
        node.LockChanges.Remove(tag);
        if (node.Requests.Remove(tag, out var request) && !_random.Chance(0.03))
        {
            _queue.Add(
                _now + Latency(), SimEventKind.ClientAnswer, request.Client, code, null, request.Operation, value);
        }
    }

    private void ClientAnswer(in SimEvent item)
    {
        var client = _clients[item.Target];
        if (!client.IsBusy || client.Operation != item.Number)
        {
            return;
        }

        client.Unanswered--;
        var refusal = (Refusal)(item.Life & 0xFF);
        if (refusal == Refusal.None && client.IsLock && item.Extra == LockIsRefused)
        {
            LockRefused(client);
            return;
        }

        if (refusal == Refusal.None)
        {
            Finish(client, item.Extra);
            return;
        }

        if (refusal == Refusal.SessionUnknown)
        {
            Abandon(client);
            return;
        }

        var isFinal = client.Unanswered == 0 && !client.WasDuplicated && !client.IsOpening
            && client.Kind != HistoryKind.Read;
        if (isFinal && _random.Chance(0.1))
        {
            _checker.Refused(client.Session, client.Sequence);
            End(client);
            return;
        }

        client.Target = item.Life >> 8 > 0 && refusal == Refusal.NotLeader ? (item.Life >> 8) - 1
            : _random.Below(_nodes.Count);
    }

    private void ClientTimeout(in SimEvent item)
    {
        var client = _clients[item.Target];
        if (!client.IsBusy || client.Operation != item.Number || client.Attempts != (int)item.Extra)
        {
            return;
        }

        if (client.Attempts >= AttemptsMax)
        {
            Abandon(client);
            return;
        }

        if (_random.Chance(0.3))
        {
            client.Target = _random.Below(_nodes.Count);
        }

        SendRequest(client);
    }

    private void Finish(WorldClient client, ulong value)
    {
        if (client.IsOpening)
        {
            client.HasSession = true;
        }
        else if (client.Kind == HistoryKind.Read)
        {
            _checker.Record(client.Key, new HistoryOperation(HistoryKind.Read, value, client.InvokedUs, _now));
        }
        else
        {
            _checker.Answered(client.Session, client.Sequence, value);
            _checker.Record(client.Key, new HistoryOperation(client.Kind, client.Value, client.InvokedUs, _now));
            LockDone(client);
        }

        End(client);
    }

    /// <summary>Gives an operation up; it may have taken effect or still do. The session is not used again.</summary>
    private void Abandon(WorldClient client)
    {
        if (!client.IsOpening && client.Kind != HistoryKind.Read)
        {
            _checker.Record(client.Key,
                new HistoryOperation(client.Kind, client.Value, client.InvokedUs, long.MaxValue));
        }

        client.HasSession = false;
        End(client);
    }

    private void End(WorldClient client)
    {
        client.IsBusy = false;
        _queue.Add(_now + _random.Between(500, 60_000), SimEventKind.ClientNext, client.Number);
    }
}
