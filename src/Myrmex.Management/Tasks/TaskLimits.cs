namespace Myrmex.Management.Tasks;

/// <summary>The maxima and times of tasks.</summary>
internal static class TaskLimits
{
    /// <summary>Between two looks at a task that runs here, and so between two reports of its progress.</summary>
    public const long LookPeriodMs = 1_000;

    /// <summary>Between two looks when nothing runs here.</summary>
    public const long IdlePeriodMs = 10_000;

    /// <summary>How long a node must have been dead before another one takes its tasks over.</summary>
    public const long TakeOverMs = 15_000;

    /// <summary>How long a process may take to end when it is told to.</summary>
    public const long StopMs = 20_000;

    /// <summary>First pause before a process that died is started again; it doubles each time.</summary>
    public const long RestartPauseMsMin = 1_000;

    public const long RestartPauseMsMax = 60_000;

    /// <summary>How often a process is started again on one node before the task has failed.</summary>
    public const int RestartsMax = 10;

    /// <summary>How often a change is tried again because others have changed the record.</summary>
    public const int ChangeRetriesMax = 16;
}
