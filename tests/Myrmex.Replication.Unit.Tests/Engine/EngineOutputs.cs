using System.Collections.Generic;
using System.Linq;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Unit.Tests.Engine;

internal static class EngineOutputs
{
    /// <summary>What the engine wants; superblocks are saved at once.</summary>
    public static List<ReplicaOutput> DrainSaving(this ReplicaEngine engine, long nowMs)
    {
        var outputs = new List<ReplicaOutput>();
        engine.Drain(outputs);
        foreach (var output in outputs.Where(o => o.Kind == OutputKind.SaveSuperblock).ToList())
        {
            engine.SuperblockSaved(output.Ticket, nowMs);
        }

        engine.Drain(outputs);
        return outputs;
    }
}
