using System.Collections.Generic;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

// What leaders promise to caches: nothing of a later term is committed before that is over.
internal sealed partial class ReplicaWorld
{
    private readonly Dictionary<Term, long> _promises = []; // Until when, in microseconds of the world.
    private Term _lastTerm; // The highest of which something is committed.

    /// <summary>As a real driver does after each step: all that may be promised counts as promised.</summary>
    private void Promise(WorldNode node, ReplicaEngine engine)
    {
        if (!_options.Promises || engine.OfferPromises() is not (> 0 and var untilMs))
        {
            return;
        }

        var untilUs = (long)((untilMs - node.ClockOffsetMs) * 1000 / node.ClockRate);
        _promises[engine.Term] = System.Math.Max(_promises.GetValueOrDefault(engine.Term), untilUs);
        if (untilUs > _now && engine.Term < _lastTerm)
        {
            WorldChecker.Fail($"{node.Number} promises something in {engine.Term}, and {_lastTerm} has begun");
        }
    }

    private void CheckPromises(JournalEntry entry)
    {
        _lastTerm = entry.Term > _lastTerm ? entry.Term : _lastTerm;
        foreach (var (term, untilUs) in _promises)
        {
            if (term < entry.Term && _now < untilUs)
            {
                WorldChecker.Fail($"{entry.Term} begins {untilUs - _now} us before the promises of {term} are over");
            }
        }
    }
}
