using System;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>
/// Goes through closed segments at a bounded rate, round after round. The owner of the journal calls <see
/// cref="Step"/> from time to time, as the owner.
/// </summary>
public sealed class JournalScrub(ReplicaJournal journal, IClock clock, long bytesPerSecond)
{
    private const long SecondNs = 1_000_000_000;

    private long _lastNs = clock.MonotonicNs;

    /// <summary>Rounds through the whole journal so far.</summary>
    public long Rounds { get; private set; }

    public long ReadBytes { get; private set; }

    /// <summary>
    /// Reads what the time since the last call allows, at most a second's worth; null when that is less than a block.
    /// </summary>
    public ScrubReport? Step()
    {
        var passed = Math.Clamp(clock.MonotonicNs - _lastNs, 0, SecondNs);
        var budget = (long)((UInt128)(ulong)passed * (ulong)bytesPerSecond / SecondNs);
        if (budget < JournalLimits.BlockBytes)
        {
            return null;
        }

        var report = journal.Scrub(budget);
        // An entry larger than the budget is paid for by waiting.
        var paid = Math.Max(report.ReadBytes, JournalLimits.BlockBytes);
        _lastNs = clock.MonotonicNs - passed + (long)((UInt128)(ulong)paid * SecondNs / (ulong)bytesPerSecond);
        ReadBytes += report.ReadBytes;
        Rounds += report.IsRoundComplete ? 1 : 0;
        return report;
    }
}
