namespace Myrmex.Cluster.Sending;

/// <summary>Every bound of what asks one of several servers.</summary>
internal static class SendingLimits
{
    /// <summary>Most servers of which one is asked.</summary>
    public const int ServersMax = 32;

    /// <summary>Numbers of a session under way beyond the acknowledged ones; a server keeps 4096 outcomes.</summary>
    public const int WindowMax = 1024;

    /// <summary>
    /// Fops that wait for one thing: a server, a session or an fd. More of them answer ENOTCONN at once.
    /// </summary>
    public const int WaitingMax = 16384;

    /// <summary>The first pause before something is tried again; every further one is twice as long.</summary>
    public const long PauseMsMin = 10;

    public const long PauseMsMax = 200;

    /// <summary>Latest report of a graph that finds no server.</summary>
    public const long PatienceMsMax = 120_000;

    /// <summary>A server that has not said by then whether it leads is passed over.</summary>
    public const long ProbeMs = 1000;

    /// <summary>How often one fop has its fd opened again because the server does not know it.</summary>
    public const int ReopensMax = 16;

    /// <summary>Entries of one listing that are remembered; a longer listing answers EOVERFLOW.</summary>
    public const int ListingEntriesMax = 1 << 22;

    /// <summary>
    /// How long a lock that is not free at a new server is asked for: the former connection may linger.
    /// </summary>
    public const long LockWaitMs = 75_000;

    public const long LockPauseMs = 500;

    /// <summary>
    /// INODELK and ENTRYLK locks that are remembered; those beyond are not missed after a change of server.
    /// </summary>
    public const int InternalLocksMax = 1 << 16;

    /// <summary>Owners of locks that may have more than they know of; of those beyond nothing is given up.</summary>
    public const int DoubtfulLocksMax = 1 << 16;

    /// <summary>The pause before what was not given up is given up again.</summary>
    public const long GiveUpPauseMs = 1000;

    /// <summary>How often a client with locks, or with open files, looks whether the same server leads.</summary>
    public const long HoldAgainMs = 10_000;

    /// <summary>Fops that are kept until their answer.</summary>
    public const int EntriesMax = 8192;

    /// <summary>Bytes that they carry.</summary>
    public const long BytesMax = 256L << 20;

    /// <summary>Of these, those for one fd.</summary>
    public const long FdBytesMax = 64L << 20;

    /// <summary>
    /// Who holds a lease whose proxy is lost is told so long after, unless another one has said that it is held: before
    /// bricks that keep it for 10 s give it to others.
    /// </summary>
    public const long LeaseDoubtMs = 8_000;

    /// <summary>Leases that are held through this client; more are refused.</summary>
    public const int LeasesMax = 1 << 16;

    /// <summary>Callers that wait for room; more of them hear at once that they have waited too long.</summary>
    public const int CallersMax = 1 << 18;

    /// <summary>
    /// How long a change of server waits for what is under way at the former one, if that is still attached.
    /// </summary>
    public const long BarrierMs = 5000;

    /// <summary>
    /// How long a change of server waits for locks that are to be taken again; those that are not free by then keep
    /// only their own fds waiting.
    /// </summary>
    public const long RelockMs = 1000;

    /// <summary>How long an fd is opened again in the background before others have their turn.</summary>
    public const long ReopenMs = 5000;

    /// <summary>
    /// Fds that are closed at a former server, or opened or locked at a new one, at the same time.
    /// </summary>
    public const int FdWindow = 64;
}
