namespace Myrmex.Coordination.Remote;

/// <summary>
/// The RPC program by which a process uses the state store of its node's daemon, over a unix socket that only their
/// user can open. The layout of calls and answers is in docs/reference/coordination.md. The number is from the range
/// that RFC 5531 leaves to users.
/// </summary>
public static class StateStoreProgram
{
    public const uint Number = 0x204D5953;

    public const uint Version = 1;

    /// <summary>Bytes of a call's record: a transaction at its limits and the ends of all its ranges.</summary>
    public const int RequestBytesMax = 2 << 20;

    /// <summary>Bytes of an answer's record.</summary>
    public const int AnswerBytesMax = 64 << 20;

    /// <summary>Connections at once; more are closed.</summary>
    public const int ConnectionsMax = 32;

    /// <summary>Calls under way at once on one connection, watches not counted; more are refused.</summary>
    public const int CallsMax = 64;

    /// <summary>Calls under way at once on all connections, also those whose connection is gone.</summary>
    public const int AllCallsMax = 256;

    /// <summary>Watches at once on one connection; more are refused.</summary>
    public const int WatchesMax = 256;

    /// <summary>Milliseconds after which a watch without changes is answered.</summary>
    public const long PollMs = 10_000;

    /// <summary>Milliseconds that a call may take, connecting included.</summary>
    public const long CallMs = 5_000;

    /// <summary>Bytes of keys and values after which no further batch goes into the answer to a watch.</summary>
    internal const int PollBytes = 1 << 20;

    /// <summary>Batches in the answer to a watch.</summary>
    internal const int PollBatchesMax = 256;

    /// <summary>Characters of the reason of a failure.</summary>
    internal const int ReasonLengthMax = 1024;

    /// <summary>First and longest pause before the next attempt to connect; it doubles in between.</summary>
    internal const long ConnectPauseMsMin = 50;

    internal const long ConnectPauseMsMax = 1_000;

    /// <summary>Pause before a call is sent again that was not taken.</summary>
    internal const long RetryPauseMs = 100;

    /// <summary>Bytes left in <see cref="AnswerBytesMax"/> for heads.</summary>
    internal const int HeadBytesMax = 1 << 10;
}

/// <summary>The procedures of <see cref="StateStoreProgram"/>.</summary>
internal enum StateProcedure : uint
{
    Null = 0,
    Commit = 1,
    Watch = 2,
    EndWatch = 3,
    Grant = 4,
    KeepAlive = 5,
    Revoke = 6,
}

/// <summary>What became of a call.</summary>
internal enum StateStatus : uint
{
    Ok = 0,

    /// <summary>Whether a change was made is not known.</summary>
    Unknown = 1,

    /// <summary>Certainly nothing was changed.</summary>
    Refused = 2,

    /// <summary>The number is the lease.</summary>
    LeaseNotFound = 3,

    /// <summary>The number is the oldest revision that a watch can start from.</summary>
    Compacted = 4,

    /// <summary>No store takes this.</summary>
    BadArgument = 5,

    /// <summary>The call was for another store than the one that is there now. Nothing was done.</summary>
    OtherStore = 6,

    /// <summary>There is no store now, or too much is under way. Nothing was done.</summary>
    Unavailable = 7,
}
