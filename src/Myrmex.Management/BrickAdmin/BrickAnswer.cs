using System.Collections.Generic;
using System.Text.Json.Serialization;
using Myrmex.Graph;

namespace Myrmex.Management.BrickAdmin;

/// <summary>The answer of a brick process: a problem for the administrator, or what was asked.</summary>
public sealed record BrickAnswer
{
    /// <summary>Why there is no answer; null when there is one.</summary>
    public string? Problem { get; init; }

    public BrickClients? Clients { get; init; }

    public BrickFds? Fds { get; init; }

    public BrickInodes? Inodes { get; init; }

    public BrickCalls? Calls { get; init; }

    public BrickMemory? Memory { get; init; }

    public BrickProfile? Profile { get; init; }

    public BrickTop? Top { get; init; }

    public BrickReplicas? Replicas { get; init; }

    public BrickLeases? Leases { get; init; }

    /// <summary>Path of a state dump, text of metrics, or what clearing locks says.</summary>
    public string? Text { get; init; }
}

/// <summary>The members of replica sets that a brick is; of a brick without a journal none.</summary>
public sealed record BrickReplicas(IReadOnlyList<ReplicaReport> Members);

/// <param name="Address">HOST:PORT of the client.</param>
/// <param name="ProcessId">The process-uuid of SETVOLUME.</param>
/// <param name="BytesRead">Bytes that the brick has read from the client.</param>
/// <param name="BytesWritten">Bytes that it has sent.</param>
/// <param name="ConnectedSince">Seconds since 1970.</param>
public sealed record BrickClient(
    string Address, string ProcessId, string User, string ProcessName, int OpVersion, long ConnectedSince,
    long BytesRead, long BytesWritten, int OpenFds)
{
    /// <summary>It goes to another proxy when this one drains.</summary>
    public bool FollowsDrain { get; init; }

    /// <summary>It has files open or fops under way, or has sent a fop within the last seconds.</summary>
    public bool IsInUse { get; init; }
}

public sealed record BrickClients(IReadOnlyList<BrickClient> Clients);

public sealed record BrickFd(long Number, string Gfid, uint Flags, bool IsDirectory);

/// <param name="Count">Open files and directories of the client; the list may be shorter.</param>
public sealed record BrickFdTable(string Client, int Count, IReadOnlyList<BrickFd> Fds);

public sealed record BrickFds(IReadOnlyList<BrickFdTable> Tables);

/// <param name="Refs">Open fds of it.</param>
/// <param name="Type">1 for a file that is no directory, 2 for a directory.</param>
public sealed record BrickInode(string Gfid, int Refs, int Type);

/// <summary>Inodes with open fds; a brick keeps no other table of inodes that a client could hold.</summary>
public sealed record BrickInodes(int ActiveCount, IReadOnlyList<BrickInode> Active);

/// <param name="Unique">The xid of the client's call.</param>
/// <param name="AgeMs">Time since it came.</param>
public sealed record BrickCall(long Unique, string Fop, long Uid, long Gid, int Pid, long AgeMs, string Client);

/// <param name="Count">All calls under way; the list has the oldest.</param>
public sealed record BrickCalls(int Count, long OldestMs, IReadOnlyList<BrickCall> Calls);

/// <summary>A lease of a file that is held.</summary>
/// <param name="Path">In the volume; &lt;gfid:…&gt; when the brick does not know it.</param>
/// <param name="LeaseId">32 hexadecimal digits.</param>
/// <param name="Type">read or read-write.</param>
/// <param name="Holder">
/// 16 hexadecimal digits: a hash of the name of the client behind a proxy, or of the session of a replica set; decimal
/// for a connection.
/// </param>
/// <param name="Clients">HOST:PORT of those that it is reached by, which may be proxies; none when it is away.</param>
/// <param name="HeldSeconds">-1 when another member of the replica set has granted it.</param>
/// <param name="Recalled">It is wanted back.</param>
/// <param name="Waiting">Fops that wait for the file.</param>
public sealed record BrickLease(
    string Gfid, string Path, string LeaseId, string Type, string Holder, IReadOnlyList<string> Clients,
    long HeldSeconds, bool Recalled, int Waiting);

/// <summary>Leases of a brick; of a replica set those of the member that leads, all others have none.</summary>
public sealed record BrickLeases(IReadOnlyList<BrickLease> Leases);

/// <summary>Memory of the process in bytes: what the C library says (mallinfo), and what the runtime has.</summary>
public sealed record BrickMemory
{
    public long Arena { get; init; }

    public long Ordblks { get; init; }

    public long Smblks { get; init; }

    public long Hblks { get; init; }

    public long Hblkhd { get; init; }

    public long Usmblks { get; init; }

    public long Fsmblks { get; init; }

    public long Uordblks { get; init; }

    public long Fordblks { get; init; }

    public long Keepcost { get; init; }

    public long ResidentBytes { get; init; }

    /// <summary>Managed objects, at the last collection and since.</summary>
    public long HeapBytes { get; init; }

    /// <summary>Memory that the collector has from the system.</summary>
    public long HeapCommittedBytes { get; init; }

    public long PayloadBytes { get; init; }

    public long PayloadLimitBytes { get; init; }
}

/// <param name="Name">Upper case, as GlusterFS writes it.</param>
public sealed record FopProfile(string Name, long Hits, double AverageNs, double MinNs, double MaxNs);

/// <param name="Size">Smallest size of the bucket, a power of two.</param>
public sealed record BlockProfile(long Size, long Reads, long Writes);

/// <summary>Figures of a time.</summary>
/// <param name="Blocks">Every bucket, also empty ones, by size.</param>
/// <param name="Fops">Those that came, in the order of GlusterFS' numbers.</param>
/// <param name="Number">Of an interval: 0 for the first.</param>
public sealed record ProfileFigures(
    int Number, long DurationSeconds, long ReadBytes, long WrittenBytes, IReadOnlyList<BlockProfile> Blocks,
    IReadOnlyList<FopProfile> Fops);

public sealed record BrickProfile(ProfileFigures? Cumulative, ProfileFigures? Interval, bool Cleared = false)
{
    /// <summary>Fops are counted now.</summary>
    public bool Counting { get; init; }
}

/// <param name="Figure">Number of fops; for perf lists whole megabytes (10^6) a second of the fastest.</param>
/// <param name="WallNs">When the fastest was, nanoseconds since 1970; 0 for other lists.</param>
public sealed record TopFile(string Path, long Figure, long WallNs);

/// <summary>A list of <c>volume top</c>, largest figure first.</summary>
public sealed record BrickTop(IReadOnlyList<TopFile> Files)
{
    public long CurrentOpen { get; init; }

    public long MaxOpen { get; init; }

    /// <summary>When most files were open, nanoseconds since 1970; 0 for never.</summary>
    public long MaxOpenWallNs { get; init; }

    /// <summary>Megabytes (10^6) a second of the asked-for measurement; null when none was asked for.</summary>
    public double? Throughput { get; init; }

    /// <summary>Microseconds it took.</summary>
    public double TimeTakenUs { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BrickRequest))]
[JsonSerializable(typeof(BrickAnswer))]
[JsonSerializable(typeof(VolumeReport<BrickClients>))]
[JsonSerializable(typeof(VolumeReport<BrickFds>))]
[JsonSerializable(typeof(VolumeReport<BrickInodes>))]
[JsonSerializable(typeof(VolumeReport<BrickCalls>))]
[JsonSerializable(typeof(VolumeReport<BrickLeases>))]
[JsonSerializable(typeof(VolumeReport<BrickMemory>))]
[JsonSerializable(typeof(VolumeReport<BrickProfile>))]
[JsonSerializable(typeof(VolumeReport<BrickTop>))]
[JsonSerializable(typeof(VolumeReport<string>))]
public sealed partial class BrickAdminJson : JsonSerializerContext;
