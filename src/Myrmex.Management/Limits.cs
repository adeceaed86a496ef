namespace Myrmex.Management;

/// <summary>The maxima and times of the daemon.</summary>
internal static class Limits
{
    /// <summary>Bricks of one volume.</summary>
    public const int BricksPerVolumeMax = 4096;

    /// <summary>
    /// Replica sets that one command makes: their keys are written in the transaction that makes the change, which
    /// stays below what a store takes at once.
    /// </summary>
    public const int NewReplicaSetsMax = 56;

    /// <summary>Bytes of a REST request's body.</summary>
    public const long RequestBytesMax = 1 << 20;

    /// <summary>Events in one answer.</summary>
    public const int EventsReadMax = 1_000;

    /// <summary>How long a stream of events may say nothing.</summary>
    public const long EventSilenceMs = 15_000;

    /// <summary>How long one hook may take.</summary>
    public const long HookMs = 60_000;

    /// <summary>How long the output of a hook that has ended may be held open by what it left behind.</summary>
    public const long HookOutputMs = 1_000;

    /// <summary>How long <c>volume start</c> waits for its bricks to serve.</summary>
    public const long BrickStartMs = 20_000;

    /// <summary>How long <c>volume stop</c> waits for its bricks to be gone.</summary>
    public const long BrickStopMs = 20_000;

    /// <summary>Between two looks at the brick process.</summary>
    public const long SupervisePeriodMs = 500;

    /// <summary>Between two attempts to reach a brick that does not answer yet.</summary>
    public const long ProbePeriodMs = 100;

    /// <summary>How long a brick process that may have died is looked at often, and how often.</summary>
    public const long SuspectMs = 1_000;

    public const long SuspectPeriodMs = 20;

    /// <summary>Between two looks whether a proxy process lives: its clients wait for it.</summary>
    public const long ProxyDeathMs = 100;

    /// <summary>How long one attempt to reach a brick may take.</summary>
    public const long ProbeTimeoutMs = 3_000;

    /// <summary>
    /// First and longest pause before a brick process that died is started again; the pause doubles in between.
    /// </summary>
    public const long RestartPauseMsMin = 200;

    public const long RestartPauseMsMax = 30_000;

    /// <summary>A brick process that lived this long has its pause reset.</summary>
    public const long RestartCalmMs = 60_000;

    /// <summary>The same of the launcher of a proxy.</summary>
    public const long ProxyCalmMs = 10_000;

    /// <summary>A brick that does not serve this long after its process was told to is taken for refused.</summary>
    public const long BrickLateMs = 2_000;

    /// <summary>After which the process is told again to try the bricks that do not serve.</summary>
    public const long BrickRetryMs = 10_000;

    /// <summary>How long a brick process may take to end before it is killed.</summary>
    public const long TerminateMs = 20_000;

    /// <summary>First port given to brick processes. Source: GlusterFS base-port.</summary>
    public const int BrickPortBase = 49152;

    public const int BrickPortMax = 60999;

    /// <summary>Before a step of a command is tried again after the store failed.</summary>
    public const long OpRetryMs = 500;

    /// <summary>How long the nodes may take to look whether a command is possible.</summary>
    public const long OpCheckMs = 10_000;

    /// <summary>How long the nodes may take to do their steps.</summary>
    public const long OpDoMs = BrickStartMs + 5_000;

    /// <summary>How long a refused command waits for the nodes to have taken it back.</summary>
    public const long OpTakeBackMs = 5_000;

    /// <summary>How long a command waits for bricks of other nodes to be shown as online.</summary>
    public const long BrickShownMs = 2_000;

    /// <summary>How long a command waits for another one on the same volume.</summary>
    public const long VolumeLockWaitMs = 3_000;

    /// <summary>Times a command is decided again because somebody changed what it was decided on.</summary>
    public const int CommandAttemptsMax = 10;

    /// <summary>How long a daemon that has just started leaves bricks alone before it judges quorum.</summary>
    public const long QuorumGraceMs = 15_000;

    /// <summary>Events that are kept.</summary>
    public const int EventsKept = 10_000;

    /// <summary>How many more there may be before the oldest go.</summary>
    public const int EventsSlack = 500;

    /// <summary>
    /// How long the outcome of a change is looked for that the store did not tell: longer than etcd needs for another
    /// leader. With the last look, whoever asked has an answer within 10 s.
    /// </summary>
    public const long CommitMs = 7_000;

    /// <summary>Between two looks for it.</summary>
    public const long CommitRetryMs = 100;

    /// <summary>Before a store that cannot be used is opened again.</summary>
    public const long StoreRetryMs = 2_000;

    /// <summary>How long a daemon that starts waits to be heard of before it serves commands.</summary>
    public const long AppearMs = 5_000;

    /// <summary>How long requests may take to be answered when a session ends with the move they asked for.</summary>
    public const int LastAnswersMs = 2_000;

    /// <summary>How long a host name may take to resolve.</summary>
    public const int ResolveMs = 1_500;
}
