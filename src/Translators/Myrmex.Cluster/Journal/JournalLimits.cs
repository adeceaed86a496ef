namespace Myrmex.Cluster.Journal;

/// <summary>Bounds of the journal translators.</summary>
internal static class JournalLimits
{
    /// <summary>Attributes one operation may set.</summary>
    public const int XattrsMax = 4096;

    /// <summary>Bytes of a symbolic link. Source: PATH_MAX.</summary>
    public const int TargetMax = 4095;

    /// <summary>Directories above one another.</summary>
    public const int DepthMax = 4096;

    /// <summary>Operations that wait for their turn or are being applied.</summary>
    public const int PendingMax = 65536;

    /// <summary>Times an operation is evaluated again because it touches more than was known before.</summary>
    public const int EvaluationsMax = 64;

    /// <summary>Rounds over the names of a replay in search of handles to put right.</summary>
    public const int RepairRoundsMax = 64;

    /// <summary>How long a follower leaves what is committed before it applies it, in milliseconds.</summary>
    public const long ApplyLaterMs = 10;

    /// <summary>Entries that it leaves at most.</summary>
    public const int ApplyLaterMax = 256;

    /// <summary>Most bytes one WRITE or COPY_FILE_RANGE may carry.</summary>
    public const int DataMax = Replication.JournalEntry.DataMax;

    /// <summary>Files of which is known what is overwritten, while what a member lacks is looked through.</summary>
    public const int ElideFilesMax = 64 << 10;

    /// <summary>Ranges of all these, of 16 bytes.</summary>
    public const int ElideRangesMax = 256 << 10;

    /// <summary>Ranges of one of them.</summary>
    public const int ElideFileRangesMax = 32 << 10;

    /// <summary>Data below this is not worth being left out.</summary>
    public const int ElideBytesMin = 256;

    /// <summary>How long the answer about free space is believed.</summary>
    public const long SpaceCheckNs = 1_000_000_000;

    /// <summary>Bytes of messages of other members that wait for the replica's scheduler; more are lost.</summary>
    public const long MessageBytesWaitingMax = 64 << 20;

    /// <summary>
    /// Data of a message up to this size is copied: entries live until the next checkpoint, and would hold a receive
    /// buffer of 64 KiB that long.
    /// </summary>
    public const int MessageDataCopyBytesMax = 16 << 10;

    /// <summary>Bytes of a message's head that are kept for the next one.</summary>
    public const int MessageHeadBytesKept = 256 << 10;

    /// <summary>How long a fop waits for a member that is about to lead, in milliseconds.</summary>
    public const long WaitToServeMs = 500;

    /// <summary>Fops that wait so; more are sent elsewhere.</summary>
    public const int WaitToServeMax = 4096;

    /// <summary>Reads at a follower that wait for one thing; more are sent to the leader.</summary>
    public const int ReadsHereMax = 4096;

    /// <summary>
    /// So long a read at a follower waits for the leader's word, and for the store; then it is sent to the leader.
    /// </summary>
    public const long ReadHereMs = 250;

    /// <summary>Requests that wait for locks on one file; more are answered ENOLCK.</summary>
    public const int LockWaitsMax = 16_384;

    /// <summary>Waiting requests looked at by one search for a deadlock; beyond it the request simply waits.</summary>
    public const int DeadlockStepsMax = 256;

    /// <summary>
    /// How long a lock is kept for one who has waited for it: an answer and a request have to get through.
    /// </summary>
    public const long LockKeptMs = 2_000;

    /// <summary>How often the leader looks for sessions that are away.</summary>
    public const long LockLookMs = 1_000;

    /// <summary>How long a session that is away keeps its locks, where nothing else is said.</summary>
    public const long LockGraceMs = 60_000;

    /// <summary>
    /// Sessions of clients behind proxies that a leader knows; beyond it those without locks are forgotten, and with
    /// them what is late.
    /// </summary>
    public const int LockSessionsMax = 65_536;

    /// <summary>Outcomes kept of one session that are not in the journal: those of the numbers under way.</summary>
    public const int LockOutcomesMax = 1024;

    /// <summary>How often a change of a lock is tried while the journal takes nothing, and the pause between.</summary>
    public const int LockTriesMax = 100;

    public const long LockPauseMs = 50;

    /// <summary>How often the leader looks for files without a name that nobody has open, in milliseconds.</summary>
    public const long KeptLookMs = 1_000;

    /// <summary>So many are ended at the same time.</summary>
    public const int KeptWindow = 64;

    /// <summary>
    /// Files that are kept while nobody is known to have them open, for it is early in a term; no more with less room
    /// than this on a member, and none that takes more than this part of the room.
    /// </summary>
    public const int KeptUnknownMax = 65_536;

    public const long KeptRoomMin = 64 << 20;

    public const ulong KeptRoomPart = 8;
}
