using System.Collections.Generic;

namespace Myrmex.Management.BrickAdmin;

/// <summary>What a brick process can be asked.</summary>
public enum BrickQuestion
{
    Clients,
    Fds,
    Inodes,
    Calls,
    Memory,
    Profile,
    ClearProfile,
    Top,
    ClearTop,
    StateDump,
    ClearLocks,
    Metrics,
    RotateLog,
    Replicas,
    MoveLead,
    Leases,
}

/// <summary>The lists of <c>volume top</c>. Source: the numbers of topOp in GlusterFS' XML, less one.</summary>
public enum TopList
{
    Open,
    Read,
    Write,
    Opendir,
    Readdir,

    /// <summary>The number that GlusterFS skips here.</summary>
    Reserved,
    ReadPerf,
    WritePerf,
}

/// <summary>Which locks are cleared.</summary>
public enum LockKind
{
    Blocked,
    Granted,
    All,
}

/// <summary>A request to a brick process.</summary>
/// <param name="Brick">Path of the brick; empty for questions about the process.</param>
public sealed record BrickRequest(BrickQuestion Question, string Brick = "")
{
    public ProfileQuery? Profile { get; init; }

    public TopQuery? Top { get; init; }

    public StateDumpQuery? StateDump { get; init; }

    public ClearLocksQuery? ClearLocks { get; init; }

    public MoveLeadQuery? MoveLead { get; init; }
}

/// <param name="Cumulative">Figures since the start or the last clearing.</param>
/// <param name="Interval">Figures since the last question that did not only peek.</param>
/// <param name="Peek">The interval goes on.</param>
public sealed record ProfileQuery(bool Cumulative, bool Interval, bool Peek);

/// <param name="Count">Files wanted, 1 to 100.</param>
/// <param name="BlockSize">For the perf lists: also measure the disk with blocks of this many bytes; 0 does
/// not.</param>
/// <param name="BlockCount">With so many blocks.</param>
public sealed record TopQuery(TopList List, int Count, int BlockSize = 0, int BlockCount = 0);

/// <param name="Member">Number of the member of the replica set that is to lead.</param>
public sealed record MoveLeadQuery(int Member);

/// <param name="Directory">Where the file is written.</param>
/// <param name="Sections">Words of volume statedump: all, mem, iobuf, callpool, priv, fd, inode, history; empty for
/// all.</param>
public sealed record StateDumpQuery(string Directory, IReadOnlyList<string> Sections);

/// <param name="Path">Path in the volume, starting with a slash.</param>
/// <param name="Type">inode, entry or posix.</param>
/// <param name="Argument">A range WHENCE,START-LENGTH, or for entry locks a name; empty for all.</param>
public sealed record ClearLocksQuery(string Path, LockKind Kind, string Type, string Argument);
