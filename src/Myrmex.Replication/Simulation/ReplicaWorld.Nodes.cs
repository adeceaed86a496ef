using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

// The drivers: they carry out what the engines want, as a real one does, on disks and a store that fail.
internal sealed partial class ReplicaWorld
{
    private readonly int _journalReadMax;
    private const int CheckpointEvery = 12;
    private const long StoreStallUs = 700_000;
    private const long ReturnMs = 300;

    private long _storeDownUntilUs;
    private double _lostAnswers;
    private long _watchDelayUs = 20_000;

    private void Start(WorldNode node)
    {
        if (node.IsUp)
        {
            return;
        }

        node.Boot++;
        node.Superblock = node.Superblock with { Boot = node.Boot };
        node.IsSyncing = false;
        var log = node.BuildLog();
        node.Values.Clear();
        foreach (var (key, value) in node.IsStoreLost ? [] : node.Checkpoint.Values)
        {
            node.Values[key] = value;
        }

        node.Applied = node.TouchedBefore = node.Checkpoint.Index;
        node.ServesFrom = JournalIndex.None;
        node.Touched.Clear();
        node.WaitingHere.Clear();
        node.Engine = new ReplicaEngine(new ReplicaStart
        {
            Self = node.Id,
            Superblock = node.Superblock,
            StorePrefix = WorldStore.Prefix,
            Options = _replicaOptions,
            Log = log,
            JournalStart = new JournalIndex(node.JournalBase.Value + 1),
            Checkpoint = node.Checkpoint.Index,
            Sessions = node.Checkpoint.Sessions,
            ElidedThrough = node.Checkpoint.ElidedThrough,
            MayHaveLostEntries = node.MayHaveLostEntries,
            HasUsedMemory = _options.AllowsMemory,
            IsStoreAhead = node.IsStoreAhead,
            NeedsCopy = node.IsStoreLost,
            IsWitness = node.IsWitness,
            NowMs = node.ClockMs(_now),
            Mutations = _options.Mutations,
        });
        node.Lease = LeaseId.None;
        node.RenewUs = 0;
        Trace($"{node.Number} starts: promised {node.Engine.Promised} {node.Engine.Status} last {node.Engine.Last}");
        WorldChecker.Started(node);
        After(node);
        _queue.Add(_now + _random.Between(0, TickUs), SimEventKind.Tick, node.Number, node.Life);
        _queue.Add(_now + _random.Between(100, 5_000), SimEventKind.StoreWatch, node.Number, node.Life, _store.State);
    }

    /// <summary>Ends the process. With the power, what was not on disk is lost from some point on.</summary>
    private void Stop(WorldNode node, bool losesPower)
    {
        if (!node.IsUp)
        {
            return;
        }

        var kept = losesPower ? (int)_random.Between(0, node.Unsynced.Count) : node.Unsynced.Count;
        Trace($"{node.Number} {(losesPower ? "loses power" : "is killed")}, {node.Unsynced.Count - kept} writes lost");
        node.ApplyUnsynced(kept);
        node.Unsynced.Clear();
        var saved = (int)_random.Between(0, node.UnsavedSuperblocks.Count);
        if (saved > 0)
        {
            node.Superblock = node.UnsavedSuperblocks[saved - 1].Superblock;
        }

        node.UnsavedSuperblocks.Clear();
        node.MayHaveLostEntries |= losesPower && _options.AllowsMemory;
        node.IsStoreAhead |= losesPower && _options.AllowsMemory && node.Engine!.Role == ReplicaRole.Active; // Is up.
        node.Engine = null;
        node.Life++;
        node.Requests.Clear();
        node.Waiting.Clear();
        node.LockChanges.Clear();
        node.Held.Clear();
        node.PausedUntilUs = 0;
        node.InstallSource = -1;
        if (node.Lease != LeaseId.None && _random.Chance(0.7))
        {
            // The agent of the node sees that the process ended.
            _queue.Add(_now + _random.Between(1_000, 60_000), SimEventKind.LeaseEnds, node.Number, 0, null,
                (ulong)node.Lease.Value, 1);
        }
    }

    private void NodeStep(in SimEvent item)
    {
        var node = _nodes[item.Target];
        if (node.Engine is not { } engine || (item.Life != node.Life && item.Kind != SimEventKind.Deliver))
        {
            return;
        }

        var nowMs = node.ClockMs(_now);
        switch (item.Kind)
        {
            case SimEventKind.Tick:
                _queue.Add(_now + TickUs, SimEventKind.Tick, node.Number, node.Life);
                NodeTick(node, engine, nowMs);
                break;
            case SimEventKind.Deliver:
                var message = (ReplicaMessage)item.Body!;
                if (message is ReplicaMessage.Append { RelayTo: { } next } append)
                {
                    SendMessage(node, next.Value, append.Relayed());
                }

                engine.Receive(message, nowMs);
                break;
            case SimEventKind.JournalSynced:
                JournalSynced(node, engine, item, nowMs);
                break;
            case SimEventKind.JournalWritten:
                engine.JournalProgress(item.Extra, new JournalIndex(item.Number), JournalIndex.None, nowMs);
                break;
            case SimEventKind.SuperblockSaved:
                SuperblockSaved(node, engine, item, nowMs);
                break;
            case SimEventKind.JournalRead:
                JournalRead(node, engine, new MemberId((byte)item.Extra), new JournalIndex(item.Number), nowMs);
                break;
            case SimEventKind.StoreAnswers:
                var answer = ((bool? Succeeded, StoreState? State))item.Body!;
                engine.StoreAnswered(item.Number, answer.Succeeded, answer.State, nowMs);
                break;
            case SimEventKind.StoreWatch:
                engine.StoreChanged((StoreState)item.Body!, nowMs);
                break;
            case SimEventKind.LeaseCheck:
                LeaseCheck(node, engine, item, nowMs);
                break;
            case SimEventKind.Kill:
                Kill(node, losesPower: _random.Chance(0.3));
                return;
            case SimEventKind.InstallBegin:
                BeginInstall(node, engine, nowMs);
                break;
            case SimEventKind.StoreAnswersAgain:
                TakeHeld(node);
                break;
            case SimEventKind.ElisionPlanned:
                ElisionPlanned(node, engine, (ReplicaOutput)item.Body!, nowMs);
                break;
            case SimEventKind.Install:
                Install(node, engine, (WorldCheckpoint)item.Body!, nowMs);
                break;
            default:
                throw new InvalidOperationException($"no node gets {item.Kind}");
        }

        AfterIfUp(node);
    }

    private void NodeTick(WorldNode node, ReplicaEngine engine, long nowMs)
    {
        var isFull = node.FullUntilUs > _now;
        var isOut = node.OutOfRoomUntilUs > _now;
        var isStalled = !isOut && node.Held.Count > 0 && _now - node.HeldSinceUs > StoreStallUs;
        engine.ReportHealth(!isStalled, isFull, isOverfull: isFull, nowMs);
        engine.ReportRoom(isOut ? -1 : 1 << 30, isOut, nowMs);
        engine.ReportApplied(node.Applied);
        engine.Prefer(_options.Returns ? _nodes[(int)(_seed % (ulong)_nodes.Count)].Id : null, ReturnMs);
        if (isOut && engine.IsServing && engine.RoomierMember() is { } roomier)
        {
            engine.TransferLead(++_tag, roomier, nowMs);
        }

        if (_now >= node.RenewUs && !IsStoreAway(node) && engine.Role != ReplicaRole.Failed)
        {
            node.RenewUs = _now + (LeaseUs / 3);
            if (node.Lease == LeaseId.None || !_store.Renew(node.Lease, _now + LeaseUs))
            {
                node.Lease = _store.Grant(_now + LeaseUs);
                _queue.Add(_now + LeaseUs, SimEventKind.LeaseEnds, node.Number, 0, null, (ulong)node.Lease.Value);
                engine.LeaseChanged(node.Lease, nowMs);
            }
            else if (!engine.MayKeepLease(nowMs))
            {
                _store.Renew(node.Lease, Math.Max(_now + 1, _store.EndOf(node.Lease) - (LeaseUs / 3)));
            }
        }

        engine.Tick(nowMs);
        if (engine.Role == ReplicaRole.Failed)
        {
            After(node);
            Stop(node, losesPower: true);
            _queue.Add(_now + _random.Between(10_000, 500_000), SimEventKind.Restart, node.Number);
        }
        else
        {
            MaybeCheckpoint(node, engine);
        }
    }

    private void MaybeCheckpoint(WorldNode node, ReplicaEngine engine)
    {
        if (!node.IsStoreLost && engine.Commit <= engine.Durable
            && engine.Commit.Value >= node.Checkpoint.Index.Value + CheckpointEvery
            && node.Applied == engine.Commit)
        {
            node.Checkpoint = new WorldCheckpoint(
                engine.Commit, engine.Log.TermAt(engine.Commit), engine.Log.ChainAt(engine.Commit), new(node.Values),
                    engine.Sessions.Export())
            {
                ElidedThrough = engine.ElidedThrough,
            };
            if (_options.TrimsJournals && _random.Chance(0.5))
            {
                node.Trim(new JournalIndex(
                    node.Checkpoint.Index.Value - (ulong)_random.Between(0, node.IsWitness ? 2 : CheckpointEvery - 1)));
                engine.MoveJournalStart(new JournalIndex(
                    Math.Max(node.JournalBase.Value + 1, engine.JournalStart.Value)));
            }

            if (_random.Chance(0.5))
            {
                engine.ReleaseEntries(node.Checkpoint.Index);
            }
        }
    }

    /// <summary>Carries out what the engine wants.</summary>
    private void After(WorldNode node)
    {
        var engine = node.Engine!;
        _outputs.Clear();
        engine.Drain(_outputs);
        Promise(node, engine);
        for (var i = 0; i < _outputs.Count; i++)
        {
            Carry(node, engine, _outputs[i]);
        }

        if (_options.ReleasesEarly)
        {
            engine.ReleaseEntries(engine.Commit);
        }

        if (node.Unsynced.Count > 0 && !node.IsSyncing)
        {
            node.IsSyncing = true;
            var latency = node.SlowUntilUs > _now || _options.SlowDisks ? _random.Between(20_000, 300_000)
                : _random.Between(100, 4_000);
            _queue.Add(
                Math.Max(node.HangUntilUs, _now) + latency, SimEventKind.JournalSynced, node.Number, node.Life, null,
                (ulong)node.Unsynced.Count);
            if (_options.AllowsMemory)
            {
                _queue.Add(
                    _now + 50, SimEventKind.JournalWritten, node.Number, node.Life, null, engine.Last.Value,
                        node.Unsynced[^1].Generation);
            }
        }
    }

    private void Carry(WorldNode node, ReplicaEngine engine, in ReplicaOutput output)
    {
        switch (output.Kind)
        {
            case OutputKind.Send:
                Claim(node, output.Message!);
                SendMessage(node, output.Peer.Value, output.Message!);
                break;
            case OutputKind.Append:
                node.Unsynced.Add(new(JournalOperationKind.Append, output.Entry, output.Index, default, default,
                    output.Generation));
                break;
            case OutputKind.Cut:
                node.Unsynced.Add(new(JournalOperationKind.Cut, null, output.Index, default, default,
                    output.Generation));
                break;
            case OutputKind.ResetJournal:
                node.Unsynced.Add(new(
                    JournalOperationKind.Reset, null, output.Index, engine.Log.BaseTerm, engine.Log.BaseChain,
                        output.Generation));
                break;
            case OutputKind.SaveSuperblock:
                node.UnsavedSuperblocks.Add((output.Ticket, output.Superblock!));
                _queue.Add(
                    Math.Max(node.HangUntilUs, _now) + _random.Between(100, 6_000), SimEventKind.SuperblockSaved,
                        node.Number,
                    node.Life, null, output.Ticket);
                break;
            case OutputKind.StoreTransaction:
                _queue.Add(
                    _now + _random.Between(200, 5_000), SimEventKind.StoreArrives, node.Number, node.Life,
                        output.Transaction,
                    output.Ticket);
                break;
            case OutputKind.Committed:
                Committed(node, output.Entry!);
                break;
            case OutputKind.Superseded:
                node.Waiting.Remove(output.Index.Value);
                break;
            case OutputKind.RoleChanged:
                RoleChanged(node, engine);
                break;
            case OutputKind.FetchJournal:
                _queue.Add(
                    _now + _random.Between(100, 5_000), SimEventKind.JournalRead, node.Number, node.Life, null,
                        output.Index.Value,
                    output.Peer.Value);
                break;
            case OutputKind.PlanElision:
                _queue.Add(
                    _now + _random.Between(100, 5_000), SimEventKind.ElisionPlanned, node.Number, node.Life, output);
                break;
            case OutputKind.NeedsIndexOrFull:
                CopyTo(node, _nodes[output.Peer.Value]);
                break;
            default:
                CarryRest(node, engine, output);
                break;
        }
    }

    private void CarryRest(WorldNode node, ReplicaEngine engine, in ReplicaOutput output)
    {
        switch (output.Kind)
        {
            case OutputKind.InstallReady:
                node.IsStoreLost = true; // Overwritten from here on, whatever becomes of the copy.
                node.Held.Clear();
                node.Values.Clear();
                SendCopy(node);
                break;
            case OutputKind.LossyRestart:
                Trace($"{node.Number} restarts the set with what is left: {output.Index}");
                _checker.Lost(engine.Term, output.Index, _options.AllowsMemory);
                break;
            case OutputKind.Synced:
                _checker.Synced(output.Index);
                break;
            case OutputKind.ReadHere:
                ReadHere(node, output.Ticket, output.Index.Value, output.LeaderApplied.Value);
                break;
            case OutputKind.Accepted or OutputKind.Answered or OutputKind.Refused or OutputKind.ReadReady:
                AnswerRequest(node, engine, output);
                break;
            default:
                break;
        }
    }

    private static void Claim(WorldNode node, ReplicaMessage message)
    {
        var promised = message switch
        {
            ReplicaMessage.FenceAnswer fence => fence.Promised,
            ReplicaMessage.AppendAnswer append => append.Promised,
            ReplicaMessage.BeatAnswer beat => beat.Promised,
            _ => Term.None,
        };
        if (promised == message.Term && promised > node.ClaimedPromise)
        {
            node.ClaimedPromise = promised; // A refusal binds nobody; this does.
        }
    }

    private void RoleChanged(WorldNode node, ReplicaEngine engine)
    {
        Trace($"{node.Number} is {engine.Role}{(engine.IsServing ? " and serves" : "")}, term {engine.Term}, "
            + $"leader {engine.Leader}, "
            + $"last {engine.Last} commit {engine.Commit}");
        if (engine.Role != ReplicaRole.Active)
        {
            node.LockChanges.Clear(); // Before it serves again they are in the table, or gone.
        }

        if (engine.Role == ReplicaRole.Active)
        {
            _checker.Activated(node);
            if (!engine.IsServing && _options.Ambushes && _now < _options.FaultMs * 1000 && _random.Chance(0.25))
            {
                _queue.Add(_now + _random.Between(0, 6_000), SimEventKind.Kill, node.Number, node.Life);
            }
        }
    }

    private void Committed(WorldNode node, JournalEntry entry)
    {
        _checker.Takes(node, entry);
        CheckLocks(node, entry);
        if (node.Engine!.Role == ReplicaRole.Active)
        {
            CheckPromises(entry);
            _checker.Commits(
                node, entry, _options.AllowsMemory && _fromMemory.Contains((entry.Index.Value, entry.Header.Chain)),
                    _nodes, _store.State);
        }

        if (entry.Header.Kind == EntryKind.TermStart && node.Engine!.Role == ReplicaRole.Active
            && entry.Term == node.Engine.Term)
        {
            node.ServesFrom = entry.Index;
        }

        var isLate = _options.ReadsHere && _random.Chance(0.5);
        if (node.Held.Count > 0 || node.StoreHangUntilUs > _now || isLate)
        {
            if (node.Held.Count == 0)
            {
                node.HeldSinceUs = _now;
                var until = Math.Max(node.StoreHangUntilUs, isLate ? _now + _random.Between(50, 20_000) : 0);
                _queue.Add(until, SimEventKind.StoreAnswersAgain, node.Number, node.Life);
            }

            node.Held.Enqueue(entry);
            return;
        }

        TakeIn(node, entry);
    }

    /// <summary>What was held back goes into the main store, unless it hangs again.</summary>
    private void TakeHeld(WorldNode node)
    {
        if (node.StoreHangUntilUs > _now)
        {
            _queue.Add(node.StoreHangUntilUs, SimEventKind.StoreAnswersAgain, node.Number, node.Life);
            return;
        }

        while (node.Held.TryDequeue(out var entry))
        {
            TakeIn(node, entry);
        }
    }

    private void TakeIn(WorldNode node, JournalEntry entry)
    {
        node.Applied = entry.Index;
        if (entry.Header.Kind == EntryKind.Operation && !node.IsWitness)
        {
            Apply(node, entry);
            node.Touched[BinaryPrimitives.ReadUInt32LittleEndian(entry.Meta.Span[1..])] = entry.Index.Value;
            if (_options.Elides)
            {
                _checker.Holds(node, entry);
            }
        }

        node.Engine?.ReportApplied(node.Applied);
        AnswerWaitingHere(node);

        if (node.Waiting.Remove(entry.Index.Value, out var tags))
        {
            foreach (var tag in tags)
            {
                AnswerClient(node, tag, code: 0, entry.Index.Value);
            }
        }
    }

    private void JournalSynced(WorldNode node, ReplicaEngine engine, in SimEvent item, long nowMs)
    {
        if (node.HangUntilUs > _now)
        {
            _queue.Add(node.HangUntilUs, item.Kind, item.Target, item.Life, item.Body, item.Number);
            return;
        }

        node.IsSyncing = false;
        if (node.FailsNextSync)
        {
            node.FailsNextSync = false;
            Trace($"{node.Number} fails to sync");
            engine.JournalFailed(nowMs);
            return;
        }

        var generation = node.ApplyUnsynced((int)item.Number);
        engine.JournalProgress(generation, node.JournalLast, node.JournalLast, nowMs);
    }

    private static void SuperblockSaved(WorldNode node, ReplicaEngine engine, in SimEvent item, long nowMs)
    {
        // In the order they were made: a report covers all before it.
        while (node.UnsavedSuperblocks.Count > 0 && node.UnsavedSuperblocks[0].Ticket <= item.Number)
        {
            node.Superblock = node.UnsavedSuperblocks[0].Superblock;
            node.UnsavedSuperblocks.RemoveAt(0);
            node.IsStoreAhead &= node.Superblock.Status != MemberStatus.Voter;
            node.MayHaveLostEntries = false; // Not before: the process may end again until the superblock says so.
        }

        engine.SuperblockSaved(item.Number, nowMs);
    }

    private void JournalRead(WorldNode node, ReplicaEngine engine, MemberId peer, JournalIndex previous,
        long nowMs)
    {
        var entries = new List<JournalEntry>();
        var chain = previous == node.JournalBase ? node.JournalBaseChain : default;
        if (previous > node.JournalBase && previous <= node.JournalLast)
        {
            chain = node.Journal[(int)(previous.Value - node.JournalBase.Value - 1)].Header.Chain;
        }

        if (previous >= node.JournalBase)
        {
            var from = (int)(previous.Value - node.JournalBase.Value);
            for (var i = from; i < node.Journal.Count && entries.Count < _journalReadMax; i++)
            {
                entries.Add(node.Journal[i]);
            }
        }

        engine.JournalRead(peer, previous, chain, entries, nowMs);
    }

    private void CopyTo(WorldNode source, WorldNode target)
    {
        if (target.IsUp && target.InstallSource < 0 && target.PausedUntilUs <= _now)
        {
            Trace($"{target.Number} gets a copy from {source.Number}");
            target.InstallSource = source.Number;
            target.InstallTerm = source.Engine!.Term; // It leads.
            target.InstallStart = source.Engine.Commit;
            _queue.Add(_now + _random.Between(1_000, 20_000), SimEventKind.InstallBegin, target.Number, target.Life);
        }
    }

    /// <summary>An offer that another copy or another leader has made void meanwhile overwrites nothing.</summary>
    private static void BeginInstall(WorldNode node, ReplicaEngine engine, long nowMs)
    {
        if (node.InstallSource >= 0 && !engine.BeginInstall(node.InstallTerm, node.InstallStart, nowMs))
        {
            node.InstallSource = -1;
        }
    }

    private void SendCopy(WorldNode target)
    {
        Invariant.Check(target.InstallSource >= 0 && target.InstallSource != target.Number);
        var source = _nodes[target.InstallSource];
        target.InstallSource = -1;
        if (source.Engine is { } engine && !source.IsStoreLost && source.Applied == engine.Commit
            && engine.Commit >= target.InstallStart
            && engine.Log.Knows(engine.Commit))
        {
            Trace($"{source.Number} sends {target.Number} a copy as of {engine.Commit}");
            var copy = new WorldCheckpoint(
                engine.Commit, engine.Log.TermAt(engine.Commit), engine.Log.ChainAt(engine.Commit),
                target.IsWitness ? [] : new(source.Values), engine.Sessions.Export())
            {
                ElidedThrough = engine.ElidedThrough,
            };
            _queue.Add(_now + _random.Between(1_000, 50_000), SimEventKind.Install, target.Number, target.Life, copy);
        }
    }

    private void Install(WorldNode node, ReplicaEngine engine, WorldCheckpoint copy, long nowMs)
    {
        if (!engine.CanInstall(copy.Index))
        {
            return;
        }

        Trace($"{node.Number} has a copy as of {copy.Index}");
        node.IsStoreLost = false;
        node.InstallSource = -1; // Another one that was begun is void.
        node.Checkpoint = copy;
        node.Applied = node.TouchedBefore = copy.Index;
        node.Touched.Clear();
        node.Held.Clear();
        node.Values.Clear();
        foreach (var (key, value) in copy.Values)
        {
            node.Values[key] = value;
        }

        engine.Install(copy.Index, copy.Term, copy.Chain, copy.Sessions, nowMs, copy.ElidedThrough);
    }

    // The state store and the way to it.
    private bool IsStoreAway(WorldNode node) => _storeDownUntilUs > _now || node.StoreCutUntilUs > _now;

    private void StoreArrives(in SimEvent item)
    {
        var node = _nodes[item.Target];
        var isLost = IsStoreAway(node) && _random.Chance(0.7);
        (bool? Succeeded, StoreState? State) answer = (null, null);
        if (!isLost)
        {
            var succeeded = _store.Commit((StateTransaction)item.Body!, out var isChanged);
            answer = (succeeded, _store.State);
            if (isChanged)
            {
                Trace($"{node.Number} changes the store: term {_store.State.Term.Term} of {_store.State.Term.Member}, "
                    + $"lead {_store.State.Lead?.Term}, in sync {_store.State.InSync}");
                TellWatchers();
            }
        }

        isLost |= IsStoreAway(node) || _random.Chance(_lostAnswers);
        var delay = isLost ? _random.Between(50_000, 400_000) : _random.Between(200, 5_000);
        _queue.Add(
            _now + delay, SimEventKind.StoreAnswers, item.Target, item.Life, isLost
                ? ((bool?)null, (StoreState?)null) : answer, item.Number);
    }

    private void TellWatchers()
    {
        var state = _store.State;
        foreach (var node in _nodes)
        {
            if (node.IsUp)
            {
                var after = Math.Max(_now, Math.Max(node.StoreCutUntilUs, _storeDownUntilUs));
                _queue.Add(after + _random.Between(200, _watchDelayUs), SimEventKind.StoreWatch, node.Number,
                    node.Life, state);
            }
        }
    }

    private void LeaseEnds(in SimEvent item)
    {
        var lease = new LeaseId((long)item.Number);
        var end = _store.EndOf(lease);
        if (end > _now && item.Extra == 0)
        {
            _queue.Add(end, SimEventKind.LeaseEnds, item.Target, 0, null, item.Number);
        }
        else if (end != 0 && _store.Revoke(lease))
        {
            TellWatchers();
        }
    }
}
