using System.Collections.Generic;
using System.Threading.Tasks;

namespace Myrmex.Graph;

/// <summary>A translator that is a member of a replica set and tells administrators about it.</summary>
public interface IReplicaReport
{
    /// <summary>
    /// What the member knows now. Any thread; it may wait for the member's own loop, never for another member. The
    /// report of a member that has failed has a <see cref="ReplicaReport.Problem"/>.
    /// </summary>
    Task<ReplicaReport> ReportAsync();
}

/// <summary>
/// A member of a replica set as it sees itself. Numbers of entries are indexes in the journal, the first entry is 1 and
/// 0 is none.
/// </summary>
public sealed record ReplicaReport
{
    /// <summary>Identity of the replica set, a gfid in text form.</summary>
    public required string ReplicaSet { get; init; }

    /// <summary>Number of the member in its set.</summary>
    public required int Member { get; init; }

    /// <summary>follower, candidate, leader or failed.</summary>
    public required string Role { get; init; }

    /// <summary>voter, recovering, syncing or learner.</summary>
    public required string Status { get; init; }

    /// <summary>It leads and takes operations.</summary>
    public bool IsServing { get; init; }

    /// <summary>The highest term it has promised.</summary>
    public ulong Term { get; init; }

    /// <summary>Number of the member that leads, as far as is known.</summary>
    public int? Leader { get; init; }

    /// <summary>The last entry known to be committed.</summary>
    public ulong Commit { get; init; }

    /// <summary>The last entry that the files of the brick have.</summary>
    public ulong Applied { get; init; }

    /// <summary>The last entry on its disk.</summary>
    public ulong Durable { get; init; }

    /// <summary>The first entry its journal still has.</summary>
    public ulong JournalStart { get; init; }

    /// <summary>The last entry of its journal.</summary>
    public ulong Last { get; init; }

    /// <summary>Members of the in-sync set; empty where a majority decides.</summary>
    public IReadOnlyList<int> InSync { get; init => field = value ?? []; } = [];

    /// <summary>The other members as a leader sees them; empty for all others.</summary>
    public IReadOnlyList<ReplicaPeerReport> Peers { get; init => field = value ?? []; } = [];

    /// <summary>Why it takes no part, in words for the administrator; null when all is well.</summary>
    public string? Problem { get; init; }
}

/// <summary>Another member as the leader sees it.</summary>
/// <param name="Member">Its number.</param>
/// <param name="Durable">The last entry that it is known to have on disk.</param>
/// <param name="Lag">How many of the leader's entries it is not known to have on disk.</param>
/// <param name="SilentMs">Milliseconds since it was heard of; -1 for never in this term.</param>
public sealed record ReplicaPeerReport(int Member, ulong Durable, ulong Lag, long SilentMs);
