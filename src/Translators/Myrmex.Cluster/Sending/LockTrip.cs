using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>What a fop has to do with locks that the servers keep for a session.</summary>
internal sealed class LockTrip
{
    /// <summary>It changes what is held: it needs a number of the session.</summary>
    public static LockTrip Change { get; } = new();

    /// <summary>What it asks about what is held; null for a change.</summary>
    public LockAsk? Ask { get; init; }

    /// <summary>When it was asked for the first time.</summary>
    public long SinceNs { get; init; }

    /// <summary>Number of the wait; 0 for none.</summary>
    public ulong Wait { get; init; }
}
