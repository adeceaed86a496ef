namespace Myrmex.Management.Etcd;

internal enum EtcdPhase
{
    /// <summary>No member is wanted here.</summary>
    None,

    /// <summary>The process runs, or will soon, and has not answered.</summary>
    Starting,

    /// <summary>It has a leader and answers.</summary>
    Serving,

    /// <summary>It has had data, which is gone: it is not started.</summary>
    DataLost,

    /// <summary>It has never worked here and is tried again after some time.</summary>
    CannotRun,
}

/// <param name="Spec">The member that this is about.</param>
/// <param name="Reason">Why it does not serve, as far as that is known.</param>
internal sealed record EtcdProcessState(EtcdPhase Phase, EtcdMemberSpec? Spec, int Pid, string? Reason)
{
    public static EtcdProcessState None { get; } = new(EtcdPhase.None, Spec: null, Pid: 0, Reason: null);
}
