namespace Myrmex.Coordination;

/// <summary>The maxima of the state store. They are at or below etcd's, so that state can move there.</summary>
public static class Limits
{
    /// <summary>Characters of a key.</summary>
    public const int KeyLengthMax = 1024;

    /// <summary>Characters before every key in a shared store.</summary>
    public const int PrefixLengthMax = 256;

    /// <summary>Bytes of one value.</summary>
    public const int ValueBytesMax = 1 << 20;

    /// <summary>
    /// Conditions, and operations of one branch, of a transaction. Source: etcd <c>--max-txn-ops</c>.
    /// </summary>
    public const int TransactionOperationsMax = 128;

    /// <summary>
    /// Bytes of all keys and values of a transaction. Source: etcd <c>--max-request-bytes</c>, 1.5 MiB, less what the
    /// encoding and the prefix of the keys take.
    /// </summary>
    public const int TransactionBytesMax = 1_250_000;

    /// <summary>Revisions whose events are kept for watchers; older ones are compacted.</summary>
    public const int HistoryRevisionsMax = 4096;

    /// <summary>Seconds of the shortest lease.</summary>
    public const long LeaseSecondsMin = 1;

    /// <summary>Seconds of the longest lease: a day.</summary>
    public const long LeaseSecondsMax = 86_400;

    /// <summary>Entries of the first page of a large range; later pages follow the size of the entries.</summary>
    internal const int PageEntriesFirst = 64;

    internal const int PageEntriesMax = 4096;

    /// <summary>Bytes that a page aims at.</summary>
    internal const int PageBytes = 1 << 20;

    /// <summary>Times a large range is begun again because its revision was compacted in between.</summary>
    internal const int RangeRestartsMax = 5;

    /// <summary>Bytes of the largest answer taken from etcd.</summary>
    internal const int AnswerBytesMax = 1 << 30;

    /// <summary>First and longest pause before a lost watch is opened again; it doubles in between.</summary>
    internal const long WatchPauseMsMin = 20;

    internal const long WatchPauseMsMax = 2_000;

    /// <summary>Pause after all members were tried once.</summary>
    internal const long RetryPauseMs = 100;

    /// <summary>How long one member may take to write its file anew.</summary>
    internal const long DefragmentMs = 300_000;

    /// <summary>How often the files of certificates are looked at; one that changes is in use soon after.</summary>
    internal const long CertificateLookMs = 2_000;

    /// <summary>Times a token is renewed for one command.</summary>
    internal const int TokenRenewalsMax = 2;
}
