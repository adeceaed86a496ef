using Myrmex.Runtime;

namespace Myrmex.Coordination;

/// <summary>The store without a disk, for tests and the simulator: same semantics, gone with the process.</summary>
public sealed class MemoryStore(IClock clock, int historyRevisionsMax = Limits.HistoryRevisionsMax)
    : LocalStore(clock, historyRevisionsMax)
{
    internal override void Persist(PreparedCommit commit, Revision oldestKept)
    {
    }

    internal override void PersistLease(LeaseId lease, long seconds)
    {
    }

    internal override void CloseFile()
    {
    }
}
