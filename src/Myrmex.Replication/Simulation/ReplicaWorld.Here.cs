using System;
using System.Collections.Generic;

namespace Myrmex.Replication.Simulation;

// Reads at followers, as the driver of a real store does them.
internal sealed partial class ReplicaWorld
{
    /// <summary>The leader has said as of when this follower may read.</summary>
    private void ReadHere(WorldNode node, ulong tag, ulong index, ulong leaderApplied)
    {
        if (!node.Requests.TryGetValue(tag, out var request))
        {
            return;
        }

        if (request.Value is { } value)
        {
            AnswerClient(node, tag, code: 0, value); // The leader has it by now.
        }
        else if (node.Applied.Value < index)
        {
            node.WaitingHere.Add((tag, index, leaderApplied));
        }
        else
        {
            TakeHere(node, tag, leaderApplied);
        }
    }

    private void AnswerWaitingHere(WorldNode node)
    {
        for (var i = node.WaitingHere.Count - 1; i >= 0; i--)
        {
            var (tag, index, leaderApplied) = node.WaitingHere[i];
            if (index <= node.Applied.Value)
            {
                node.WaitingHere.RemoveAt(i);
                TakeHere(node, tag, leaderApplied);
            }
        }
    }

    private void TakeHere(WorldNode node, ulong tag, ulong leaderApplied)
    {
        if (node.Engine is not { MayReadHere: true } engine || !node.Requests.TryGetValue(tag, out var request)
            || node.Applied < engine.ElidedThrough)
        {
            return; // The client asks somebody else.
        }

        var value = node.Values.GetValueOrDefault(request.Key);
        var seen = Math.Max(node.TouchedBefore.Value, node.Touched.GetValueOrDefault(request.Key));
        if (seen <= leaderApplied)
        {
            AnswerClient(node, tag, code: 0, value);
            return;
        }

        // A question of its own: the answer to the first one may come twice.
        node.Requests.Remove(tag);
        node.Requests[++_tag] = request with { Value = value };
        engine.ReadHere(_tag, new JournalIndex(seen), node.ClockMs(_now));
    }
}
