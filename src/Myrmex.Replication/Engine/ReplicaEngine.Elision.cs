using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

// A follower that is far behind gets entries without their data where later entries overwrite all of it. These must be
// committed, and on the disks of a write quorum: then every later leader has them, whatever is lost, and so gives them
// to who has the former without data. Until its store has everything up to them, it holds what no store ever held.
// docs/internals/decisions/0019 has the proof.
public sealed partial class ReplicaEngine
{
    private JournalIndex _elidedThrough;
    private ulong _planTicket;
    private readonly List<Payload> _madeData = []; // Of entries in outputs; released when they were carried out.

    /// <summary>
    /// Up to here the main store must have everything before anything may be read of it; None when it may be in any
    /// case. May go up with any entry of a leader.
    /// </summary>
    public JournalIndex ElidedThrough =>
        Breaks(ReplicaMutations.ReadBeforeHorizon) ? JournalIndex.None : _elidedThrough;

    /// <summary>Entries that this member has sent without their data since it was started.</summary>
    public long ElidedEntries { get; private set; }

    /// <summary>Bytes of that data.</summary>
    public long ElidedBytes { get; private set; }

    /// <summary>What may be taken for overwriting: a leader has it for ever, and so has each one after it.</summary>
    private JournalIndex Horizon => !IsServing ? JournalIndex.None
        : Breaks(ReplicaMutations.ElideUncommitted) ? _durable
        : Min(Min(_commit, _quorumDurable), _durable);

    /// <summary>Somebody still waits for the answer to a <see cref="OutputKind.PlanElision"/>.</summary>
    public bool WantsPlan(ulong ticket, MemberId peer) =>
        _role == ReplicaRole.Active && Peer(peer) is { IsPlanning: true } state && state.PlanTicket == ticket;

    /// <summary>The answer to a <see cref="OutputKind.PlanElision"/>; null when everything is sent as it is.</summary>
    public void ElisionPlanned(ulong ticket, MemberId peer, ElisionPlan? plan, long nowMs)
    {
        _now = nowMs;
        if (WantsPlan(ticket, peer))
        {
            var state = Peer(peer);
            state.Plan = plan;
            EndPlanning(state);
            SendEntries(state);
        }
    }

    private static void EndPlanning(PeerState peer)
    {
        peer.IsPlanning = false;
        peer.PlannedTo = peer.PlanningTo;
    }

    /// <summary>
    /// Nothing is sent to the member now: what need not be is looked for first. Only for one that lacks much that is
    /// committed and was never sent to it, which nobody does in the normal stream.
    /// </summary>
    private bool WaitsForPlan(PeerState peer, JournalIndex previous)
    {
        if (peer.IsPlanning && _now - peer.PlanningSinceMs <= _options.PlanMs)
        {
            return true;
        }

        if (peer.IsPlanning)
        {
            EndPlanning(peer);
        }

        if (peer.IsProbing || _options.ElideBytesMin == 0 || previous.Value < peer.PlannedTo || !IsFar(previous))
        {
            return false;
        }

        peer.IsPlanning = true;
        peer.PlanningSinceMs = _now;
        peer.PlanTicket = ++_planTicket;
        peer.PlanningTo = Math.Min(Horizon.Value, previous.Value + Limits.PlanEntriesMax);
        Emit(new ReplicaOutput(OutputKind.PlanElision)
        {
            Peer = peer.Id,
            Index = previous,
            Through = new JournalIndex(peer.PlanningTo),
            Ticket = peer.PlanTicket,
        });
        return true;
    }

    private bool IsFar(JournalIndex previous) => Horizon > previous && previous.Value + 1 >= JournalStart.Value
        && (previous < _log.Base || _log.HasMoreAfter(previous, _options.ElideBytesMin));

    /// <summary>The entry as the member gets it.</summary>
    private JournalEntry ForPeer(JournalEntry entry, ElisionPlan? plan)
    {
        if (plan is null || entry.IsElided || !plan.Elides(entry.Index, out var blocks))
        {
            return entry;
        }

        var sent = blocks.IsEmpty ? entry.WithoutData(plan.Through) : entry.WithoutBlocks(blocks, plan.Through);
        ElidedEntries++;
        ElidedBytes += entry.Data.Length - sent.Data.Length;
        if (!sent.Data.IsEmpty)
        {
            _madeData.Add(sent.Data);
        }

        return sent;
    }

    private IReadOnlyList<JournalEntry> ForPeer(IReadOnlyList<JournalEntry> entries, ElisionPlan? plan)
    {
        if (plan is null)
        {
            return entries;
        }

        var changed = new JournalEntry[entries.Count];
        for (var i = 0; i < changed.Length; i++)
        {
            changed[i] = ForPeer(entries[i], plan);
        }

        return changed;
    }

    private void ReleaseMade()
    {
        foreach (var data in _madeData)
        {
            data.Release();
        }

        _madeData.Clear();
    }

    private void NoteElided(JournalEntry entry)
    {
        if (entry.Elided is { } elided)
        {
            _elidedThrough = Max(_elidedThrough, elided.Through);
        }
    }
}
