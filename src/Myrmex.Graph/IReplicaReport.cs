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

    /// <summary>It keeps the journal and has no files.</summary>
    public bool IsWitness { get; init; }

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

    /// <summary>What it has written and not synced counts: changes may be answered from memory.</summary>
    public bool FromMemory { get; init; }

    /// <summary>The first entry its journal still has.</summary>
    public ulong JournalStart { get; init; }

    /// <summary>The last entry of its journal.</summary>
    public ulong Last { get; init; }

    /// <summary>Bytes of the journal that are in use.</summary>
    public long RetainedBytes { get; init; }

    /// <summary>Bytes that the journal may have.</summary>
    public long JournalBytes { get; init; }

    /// <summary>Entries that its journal has brought to the disk since the brick was started.</summary>
    public long JournalEntries { get; init; }

    /// <summary>Writes in which they went there: one has all that had come meanwhile.</summary>
    public long JournalBatches { get; init; }

    /// <summary>Bytes of those entries: what was changed, and the data.</summary>
    public long JournalPayloadBytes { get; init; }

    /// <summary>Bytes that the journal gave to the disk for them, with the zeroes of new segments.</summary>
    public long JournalWrittenBytes { get; init; }

    /// <summary>
    /// Bytes of data whose blocks the files of the brick have taken over instead of writing them again.
    /// </summary>
    public long JournalSharedBytes { get; init; }

    /// <summary>
    /// Bytes given to the disk, by the journal and for the files, for each byte of changes; 0 before the first.
    /// </summary>
    public double WriteAmplification => JournalPayloadBytes == 0 ? 0
        : (double)(JournalWrittenBytes + JournalPayloadBytes - JournalSharedBytes) / JournalPayloadBytes;

    /// <summary>Bytes of messages of the other members that came since the brick was started.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>Entries that it has sent, as a leader, without data that later ones overwrite.</summary>
    public long ElidedEntries { get; init; }

    /// <summary>Bytes of that data.</summary>
    public long ElidedBytes { get; init; }

    /// <summary>Number of the member that should lead, others being equal; null for none.</summary>
    public int? Preferred { get; init; }

    /// <summary>Members that count and keep up with this leader, itself too; empty for all others.</summary>
    public IReadOnlyList<int> InStep { get; init => field = value ?? []; } = [];

    /// <summary>Members of the in-sync set; empty where a majority decides.</summary>
    public IReadOnlyList<int> InSync { get; init => field = value ?? []; } = [];

    /// <summary>The other members as a leader sees them; empty for all others.</summary>
    public IReadOnlyList<ReplicaPeerReport> Peers { get; init => field = value ?? []; } = [];

    /// <summary>Its files hold nothing that can be relied on, until it has a copy of those of another member.</summary>
    public bool NeedsCopy { get; init; }

    /// <summary>The copy that it is taking; null when it takes none.</summary>
    public ReplicaCopyReport? Receiving { get; init; }

    /// <summary>The copy that it is sending; null when it sends none.</summary>
    public ReplicaCopyReport? Sending { get; init; }

    /// <summary>Why it takes no part, in words for the administrator; null when all is well.</summary>
    public string? Problem { get; init; }
}

/// <summary>Another member as the leader sees it.</summary>
/// <param name="Member">Its number.</param>
/// <param name="Durable">The last entry that it is known to have on disk.</param>
/// <param name="Lag">How many of the leader's entries it is not known to have on disk.</param>
/// <param name="SilentMs">Milliseconds since it was heard of; -1 for never in this term.</param>
public sealed record ReplicaPeerReport(int Member, ulong Durable, ulong Lag, long SilentMs);

/// <summary>A copy of all files of a member to another one.</summary>
/// <param name="Peer">Number of the member at the other end.</param>
/// <param name="Inodes">Files and directories that were read and, at the receiver, taken.</param>
/// <param name="InodesAll">About how many there are; 0 when that is not known.</param>
/// <param name="Bytes">Bytes of the content of files that were read and, at the receiver, taken.</param>
/// <param name="BytesAll">About how many there are; 0 when that is not known.</param>
public sealed record ReplicaCopyReport(int Peer, ulong Inodes, ulong InodesAll, ulong Bytes, ulong BytesAll)
{
    /// <summary>What a file costs that is empty, as bytes of content.</summary>
    private const double BytesPerInode = 4096;

    /// <summary>
    /// How far it is, 0 to 100; null when it is not known how much there is. The last of it, the journal from
    /// meanwhile, is sent at 100.
    /// </summary>
    public int? Percent
    {
        get
        {
            var all = BytesAll + (InodesAll * BytesPerInode);
            return all > 0
                ? (int)System.Math.Min(100, 100 * (Bytes + (Inodes * BytesPerInode)) / all) : null;
        }
    }
}
