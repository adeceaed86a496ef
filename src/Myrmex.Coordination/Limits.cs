namespace Myrmex.Coordination;

/// <summary>The maxima of the state store. They are at or below etcd's, so that state can move there.</summary>
public static class Limits
{
    /// <summary>Characters of a key.</summary>
    public const int KeyLengthMax = 1024;

    /// <summary>Bytes of one value.</summary>
    public const int ValueBytesMax = 1 << 20;

    /// <summary>
    /// Conditions, and operations of one branch, of a transaction. Source: etcd <c>--max-txn-ops</c>.
    /// </summary>
    public const int TransactionOperationsMax = 128;

    /// <summary>Revisions whose events are kept for watchers; older ones are compacted.</summary>
    public const int HistoryRevisionsMax = 4096;

    /// <summary>Seconds of the shortest lease.</summary>
    public const long LeaseSecondsMin = 1;

    /// <summary>Seconds of the longest lease: a day.</summary>
    public const long LeaseSecondsMax = 86_400;
}
