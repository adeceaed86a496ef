using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>The running part of a member: its replica, from the start of the graph to its stop.</summary>
public interface IReplicaRun
{
    /// <summary>Opens the journal and takes part. Throws <see cref="GraphException"/> when it cannot.</summary>
    void Start();

    /// <summary>Takes no part any more; returns when the journal is closed. Not on the replica's scheduler.</summary>
    void Stop();

    void DumpState(StateDump dump);
}
