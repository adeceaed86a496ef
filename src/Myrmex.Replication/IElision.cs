using System;

namespace Myrmex.Replication;

/// <summary>
/// What the state machine knows of entries that overwrite others, for one walk back through a stretch of committed
/// entries. Used by one thread at a time, not that of the replica.
/// </summary>
public interface IElision
{
    /// <summary>
    /// Takes an entry into account; they come from the last one back, each once.
    /// </summary>
    /// <returns>
    /// Nothing of its data is in the state after all entries that were told of: it may be sent without. All its other
    /// effects are kept.
    /// </returns>
    bool IsOverwritten(in EntryHeader header, ReadOnlySpan<byte> meta, int dataLength);
}
