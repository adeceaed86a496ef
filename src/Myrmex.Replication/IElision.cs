using System;

namespace Myrmex.Replication;

/// <summary>How much of the data of an entry others overwrite.</summary>
public enum Overwritten
{
    Nothing,

    /// <summary>Some blocks.</summary>
    Some,

    All,
}

/// <summary>
/// What the state machine knows of entries that overwrite others, for one walk back through a stretch of committed
/// entries. Used by one thread at a time, not that of the replica.
/// </summary>
public interface IElision
{
    /// <summary>
    /// Takes an entry into account; they come from the last one back, each once. What is overwritten is in the state
    /// after all entries that were told of by none of its bytes: it may be sent without them. All its other effects are
    /// kept.
    /// </summary>
    /// <param name="blocks">
    /// Clear, with a bit for each block of the data (<see cref="ElidedData.BlockBytes"/>): for <see
    /// cref="Overwritten.Some"/>, which.
    /// </param>
    Overwritten Take(in EntryHeader header, ReadOnlySpan<byte> meta, int dataLength, Span<byte> blocks);
}
