namespace Myrmex.Replication.Simulation;

public enum HistoryKind
{
    /// <summary>The value becomes <see cref="HistoryOperation.Value"/>.</summary>
    Write,

    /// <summary>
    /// <see cref="HistoryOperation.Value"/> is mixed into the value: an append, of which only a digest is kept.
    /// </summary>
    Append,

    /// <summary>Saw <see cref="HistoryOperation.Value"/>.</summary>
    Read,

    /// <summary>
    /// The object is a lock, and the value who holds it, 0 for nobody: it becomes that of
    /// <see cref="HistoryOperation.Value"/>, who may have it already. Of nobody else.
    /// </summary>
    Acquire,

    /// <summary><see cref="HistoryOperation.Value"/> was told that somebody else holds the lock.</summary>
    Refusal,

    /// <summary>The lock is not that of <see cref="HistoryOperation.Value"/> any more.</summary>
    Release,
}

/// <summary>One operation of a client on one object, with the times between which it took effect.</summary>
/// <param name="Kind">What it did.</param>
/// <param name="Value">Written, appended or seen.</param>
/// <param name="Invoked">When it was asked for.</param>
/// <param name="Returned">When it was answered; <see cref="long.MaxValue"/> for never: it may take effect at any time,
/// or not at all.</param>
public readonly record struct HistoryOperation(HistoryKind Kind, ulong Value, long Invoked, long Returned)
{
    /// <summary>The value after an append to <paramref name="before"/>.</summary>
    public static ulong Appended(ulong before, ulong value)
    {
        var mixed = (before ^ (value * 0x9E3779B97F4A7C15)) + 0x632BE59BD9B4E019;
        mixed = (mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9;
        return mixed ^ (mixed >> 32);
    }
}
