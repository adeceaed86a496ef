using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

// Clients take, release and lose locks. Who decides is above the engine; here it is as short as it can be: a leader
// proposes nothing that conflicts with what is in the table or on its way there, and refusals are reads.
internal sealed partial class ReplicaWorld
{
    private const uint LockSpace = 0x8000_0000;

    /// <summary>In the answer to a change of a lock: somebody else has it. No entry has this place.</summary>
    private const ulong LockIsRefused = 0;

    private static Gfid FileOf(uint key) => new(1, key);

    private static RangeLock LockOf(UInt128 session, LockType type) =>
        new(session, LkOwner.From(1), type, 0, long.MaxValue, 0);

    private void NextLock(WorldClient client)
    {
        client.IsLock = true;
        client.Key = PickKey(LockSpace);
        client.Kind = _random.Chance(0.07) ? HistoryKind.Write
            : client.Held.Contains(client.Key) && _random.Chance(0.7) ? HistoryKind.Release
            : HistoryKind.Acquire;
        client.Value = client.Kind == HistoryKind.Write ? 0 : (ulong)client.Session; // Who holds it: not 0.
        client.Sequence++;
    }

    private Proposal LockProposal(WorldClient client)
    {
        var record = client.Kind switch
        {
            HistoryKind.Write => new LockRecord(LockAction.Clear, FileOf(client.Key), LockOf(0, LockType.Unlock)),
            HistoryKind.Release when client.Sequence % 2 == 0 =>
                new LockRecord(LockAction.DropOwner, FileOf(client.Key), LockOf(client.Session, LockType.Unlock)),
            _ => new LockRecord(
                LockAction.Set, FileOf(client.Key),
                LockOf(client.Session, client.Kind == HistoryKind.Release ? LockType.Unlock : LockType.Write)),
        };
        return new Proposal(
            0, EntryKind.Lock, client.Session, client.Sequence, 0, record.Encode(client.Session), default)
        {
            AcknowledgedUpTo = client.Sequence - 1,
            FromMemory = _options.AllowsMemory && client.Sequence % 3 != 0,
        };
    }

    /// <summary>
    /// Whether a change of a lock can be proposed. Where this member leads and cannot serve yet, or somebody else is in
    /// the way, it is answered otherwise.
    /// </summary>
    private bool MayProposeLock(WorldNode node, ReplicaEngine engine, in Proposal proposal, ulong tag)
    {
        if (engine.Role != ReplicaRole.Active)
        {
            return true; // It is refused.
        }

        if (!engine.IsServing)
        {
            AnswerClient(node, tag, (int)Refusal.NotLeader, 0); // The table may lack what others have granted.
            return false;
        }

        var record = LockRecord.Decode(proposal.Meta.Span, proposal.Session)!.Value;
        var known = engine.Sessions.Find(proposal.Session, proposal.Sequence, 0, out _, out _);
        if (known is not (SessionFinding.Committed or SessionFinding.Logged) && IsLocked(node, engine, in record))
        {
            node.Requests[tag] = node.Requests[tag] with { Refused = record };
            engine.Read(tag, useLease: false, node.ClockMs(_now));
            After(node);
            return false;
        }

        node.LockChanges[tag] = record;
        return true;
    }

    private static bool IsLocked(WorldNode node, ReplicaEngine engine, in LockRecord record)
    {
        var (gfid, wanted) = (record.Gfid, record.Lock);
        return engine.Sessions.Locks.TryFindConflict(in gfid, in wanted, out _)
            || node.LockChanges.Values.Any(
                other => other.Gfid == gfid && other.Action != LockAction.Clear && other.Lock.Conflicts(in wanted));
    }

    /// <summary>It is confirmed that this member leads: what it has decided counts, if it is still so.</summary>
    private void RefuseLock(WorldNode node, ReplicaEngine engine, ulong tag, in LockRecord record)
    {
        var (gfid, wanted) = (record.Gfid, record.Lock);
        var isSo = engine.Sessions.Locks.TryFindConflict(in gfid, in wanted, out _);
        AnswerClient(node, tag, isSo ? 0 : (int)Refusal.NotLeader, LockIsRefused);
    }

    /// <summary>It counts when nothing of the request can come any more, as with what a leader remembers.</summary>
    private void LockRefused(WorldClient client)
    {
        if (client.Unanswered == 0 && !client.WasDuplicated)
        {
            _checker.Refused(client.Session, client.Sequence);
            _checker.Record(
                client.Key, new HistoryOperation(HistoryKind.Refusal, client.Value, client.InvokedUs, _now));
            End(client);
        }
    }

    private static void LockDone(WorldClient client)
    {
        if (client.IsLock && client.Kind == HistoryKind.Acquire)
        {
            client.Held.Add(client.Key);
        }
        else if (client.IsLock)
        {
            client.Held.Remove(client.Key);
        }
    }

    /// <summary>No two sessions hold what conflicts, on no member.</summary>
    private static void CheckLocks(WorldNode node, JournalEntry entry)
    {
        if (entry.Header.Kind != EntryKind.Lock)
        {
            return;
        }

        var record = LockRecord.Decode(entry.Meta.Span, entry.Header.Session)!.Value;
        var held = new List<RangeLock>();
        node.Engine!.Sessions.Locks.List(record.Gfid, held);
        if (held.Exists(one => held.Exists(other => one.Conflicts(in other))))
        {
            WorldChecker.Fail($"locks: on {node.Number} two sessions hold what conflicts, at {entry.Index}");
        }
    }

    /// <summary>Members that have committed the same hold the same locks.</summary>
    private void CheckLockTables()
    {
        var tables = new Dictionary<JournalIndex, byte[]>();
        foreach (var node in _nodes)
        {
            if (node.Engine is not { } engine || node.Superblock.Status != MemberStatus.Voter)
            {
                continue;
            }

            var builder = new BinaryBuilder();
            engine.Sessions.Locks.Export(builder);
            var table = builder.ToArray();
            if (!tables.TryAdd(engine.Commit, table) && !tables[engine.Commit].AsSpan().SequenceEqual(table))
            {
                WorldChecker.Fail($"locks: {node.Number} holds other locks than others at {engine.Commit}");
            }
        }
    }
}
