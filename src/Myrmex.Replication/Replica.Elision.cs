using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;

namespace Myrmex.Replication;

/// <summary>
/// Finds out what need not be sent to a member that is far behind. Meta parts are read from the journal from the end
/// back, a few at a time, so that what is appended meanwhile waits for milliseconds.
/// </summary>
public sealed partial class Replica
{
    private const int MetasPerRead = 128;

    private void PlanElision(in ReplicaOutput output)
    {
        if (_machine.BeginElision() is { } machine)
        {
            WalkOn(output.Ticket, output.Peer, new ElisionWalk(output.Index, output.Through, machine));
        }
        else
        {
            _engine.ElisionPlanned(output.Ticket, output.Peer, null, NowMs);
        }
    }

    private void WalkOn(ulong ticket, MemberId peer, ElisionWalk walk)
    {
        var isWhole = true;
        var handed = _writer.Do(
            journal => isWhole = Walk(journal, walk),
            () =>
            {
                if (_isStopped || !_engine.WantsPlan(ticket, peer))
                {
                    return;
                }

                if (isWhole && !walk.IsOver)
                {
                    WalkOn(ticket, peer, walk);
                    return;
                }

                // What was not come to is sent as it is.
                _engine.ElisionPlanned(ticket, peer, walk.HasAny ? walk.Finish() : null, NowMs);
                Carry();
            });
        if (handed == Errno.EAGAIN)
        {
            _ = _scheduler.Schedule(RetryReadMs, () => WalkOn(ticket, peer, walk));
        }
    }

    /// <summary>False when an entry cannot be read: it was compacted, or is damaged.</summary>
    private static bool Walk(ReplicaJournal journal, ElisionWalk walk)
    {
        var count = Math.Min(MetasPerRead, walk.Next.Value - walk.After.Value);
        var metas = new List<EntryMeta>((int)count);
        var isWhole = journal.ReadMeta(new JournalIndex(walk.Next.Value - count + 1), (int)count, metas)
            && metas.Count == (int)count;
        for (var i = metas.Count - 1; isWhole && i >= 0; i--)
        {
            walk.Take(metas[i].Header, metas[i].Meta, metas[i].DataLength, metas[i].IsElided);
        }

        return isWhole;
    }
}
