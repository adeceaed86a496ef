using System.Collections.Generic;

namespace Myrmex.Protocol;

/// <summary>
/// What a server knows of one client's connection, for a new process of the server that goes on with the socket: facts
/// of the wire, nothing of how either process is made.
/// </summary>
public sealed record ConnectionState
{
    /// <summary>Host and port of the client.</summary>
    public required string PeerHost { get; init; }

    public required int PeerPort { get; init; }

    /// <summary>
    /// Bytes received and not answered: whole records whose calls were taken back, then what came after them.
    /// </summary>
    public required byte[] Input { get; init; }

    /// <summary>Bytes of answers that the client has not taken yet.</summary>
    public required byte[] Output { get; init; }

    /// <summary>Null for a client that has not been let in yet.</summary>
    public AttachmentState? Attachment { get; init; }

    public IReadOnlyList<FdState> Fds { get; init => field = value ?? []; } = [];
}

/// <summary>What a client has attached to, as whom; judged again by who goes on with it.</summary>
public sealed record AttachmentState
{
    public required string Export { get; init; }

    /// <summary>
    /// The directory that is the client's root, by its path and, when it is not the volume's, its gfid.
    /// </summary>
    public required string Directory { get; init; }

    public string? RootAlias { get; init; }

    /// <summary>The pairs of SETVOLUME.</summary>
    public required IReadOnlyDictionary<string, string> Values { get; init; }

    public required string Uid { get; init; }

    public required string User { get; init; }

    /// <summary>When it was let in, nanoseconds since 1970.</summary>
    public long AttachedWallNs { get; init; }
}

/// <summary>An open file or directory, by the number that the client has for it.</summary>
public sealed record FdState
{
    public required long Number { get; init; }

    public required string Gfid { get; init; }

    public required uint Flags { get; init; }

    public bool IsDirectory { get; init; }

    /// <summary>What takes the locks along; null when it has none.</summary>
    public byte[]? LockInfo { get; init; }

    public IReadOnlyList<LockState> Locks { get; init => field = value ?? []; } = [];
}

/// <summary>A POSIX lock through an open file.</summary>
/// <param name="Owner">As the client has sent it.</param>
/// <param name="CallerPid">Of the call that asked for it.</param>
/// <param name="Pid">Of the lock itself.</param>
/// <param name="End">The last byte.</param>
public sealed record LockState(byte[] Owner, int CallerPid, uint Pid, bool IsWrite, long Start, long End)
{
    /// <summary>Whose it is at the bricks, as LK had it (<c>myrmex.locks</c>); null for none.</summary>
    public byte[]? Session { get; init; }
}
