namespace Myrmex.Management.Etcd;

/// <summary>The maxima and times of a managed etcd.</summary>
internal static class EtcdLimits
{
    /// <summary>Most voters.</summary>
    public const int MembersMax = 5;

    /// <summary>A member that was not healthy for so long is replaced when another node can take its place.</summary>
    public const long DeadMs = 600_000;

    /// <summary>Between two looks of the leader at the members.</summary>
    public const long LookPeriodMs = 2_000;

    /// <summary>Between two questions to a member of this node that serves.</summary>
    public const long ServingProbeMs = 5_000;

    /// <summary>Between two looks at this node's process.</summary>
    public const long SupervisePeriodMs = 500;

    /// <summary>How long a leader is waited for that was not heard of.</summary>
    public const long LeaderLeaseSeconds = 10;

    /// <summary>A process that lived this long has its pause before a restart reset.</summary>
    public const long RestartCalmMs = 60_000;

    public const long RestartPauseMsMin = 200;

    public const long RestartPauseMsMax = 30_000;

    /// <summary>
    /// A member that ends this often before it was ever healthy is given up on this node for a
    /// while.
    /// </summary>
    public const int FirstStartsMax = 5;

    /// <summary>And tried again after this time.</summary>
    public const long CannotRunMs = 600_000;

    /// <summary>How long etcd may take to end before it is killed.</summary>
    public const long TerminateMs = 20_000;

    /// <summary>How long the first member of a cluster may take to serve.</summary>
    public const long FirstStartMs = 60_000;

    /// <summary>How long a daemon waits for the etcd of the cluster at its start, its own member among it.</summary>
    public const long StoreWaitMs = 30_000;

    public const long ProbePeriodMs = 100;

    /// <summary>Milliseconds; etcd's own.</summary>
    public const int HeartbeatMs = 100;

    /// <summary>
    /// Milliseconds without a heartbeat after which a member stands for election; it takes once to twice as long.
    /// Commands wait for it, and are to answer within 2 s. A disk that stalls for longer costs an election, which no
    /// data notices.
    /// </summary>
    public const int ElectionMs = 1_000;

    /// <summary>Bytes of etcd's database, after which it takes no more changes.</summary>
    public const long QuotaBytes = 2L << 30;

    /// <summary>How long a move of the store is tried before it is taken back.</summary>
    public const long MoveMs = 60_000;

    /// <summary>Moves that lead from one store to the next when a daemon was away for long.</summary>
    public const int MovesFollowedMax = 16;

    /// <summary>Bytes of etcd's log at which it is put aside, once, when etcd starts.</summary>
    public const long LogBytesMax = 64 << 20;
}
