namespace Myrmex.Cluster.JournalClient;

/// <summary>Every bound of this translator.</summary>
internal static class ClientLimits
{
    /// <summary>Most members of a replica set.</summary>
    public const int MembersMax = 16;

    /// <summary>Numbers of a session under way beyond the acknowledged ones; a member keeps 4096 outcomes.</summary>
    public const int WindowMax = 1024;

    /// <summary>
    /// Fops that wait for one thing: a leader, a session or an fd. More of them answer ENOTCONN at once.
    /// </summary>
    public const int WaitingMax = 16384;

    /// <summary>The first pause before something is tried again; every further one is twice as long.</summary>
    public const long PauseMsMin = 10;

    public const long PauseMsMax = 200;

    /// <summary>A member that has not said by then whether it leads is passed over.</summary>
    public const long ProbeMs = 1000;

    /// <summary>How often one fop has its fd opened again because the member does not know it.</summary>
    public const int ReopensMax = 16;

    /// <summary>Entries of one listing that are remembered; a longer listing answers EOVERFLOW.</summary>
    public const int ListingEntriesMax = 1 << 22;

    /// <summary>
    /// How often a lock that is not free at a new leader is asked for: the former connection may linger.
    /// </summary>
    public const int LockTriesMax = 90;

    public const long LockPauseMs = 500;

    /// <summary>
    /// INODELK and ENTRYLK locks that are remembered; those beyond are not missed after a change of leader.
    /// </summary>
    public const int InternalLocksMax = 1 << 16;
}
