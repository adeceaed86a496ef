using System.Threading.Tasks;
using Myrmex.Graph;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>The running part of a member: its replica, from the start of the graph to its stop.</summary>
public interface IReplicaRun
{
    /// <summary>Opens the journal and takes part. Throws <see cref="GraphException"/> when it cannot.</summary>
    void Start();

    /// <summary>Takes no part any more; returns when the journal is closed. Not on the replica's scheduler.</summary>
    void Stop();

    /// <summary>How far the journal may be behind on the disk, where the set answers from memory.</summary>
    void BoundSyncs(int ms, long bytes)
    {
    }

    /// <summary>What a copy may read and send in a second, in bytes; 0 for no limit.</summary>
    void BoundCopies(long bytesPerSecond)
    {
    }

    /// <summary>Sends changes of together this many bytes by way of another member, live; 0 for never.</summary>
    void RelayFrom(long bytes)
    {
    }

    /// <summary>What the replica knows. Any thread; waits for the replica's scheduler.</summary>
    Task<ReplicaReport> ReportAsync();

    /// <summary>Hands the lead over; see <see cref="IReplicaLead.MoveLeadAsync"/>.</summary>
    Task<string?> MoveLeadAsync(int? target);

    /// <summary>Who should lead, and after what time the lead goes back to it; null for nobody and never.</summary>
    void Prefer(MemberId? member, long? returnMs);

    void DumpState(StateDump dump);
}
