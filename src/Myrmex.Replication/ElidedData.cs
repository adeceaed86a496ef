using System;

namespace Myrmex.Replication;

/// <summary>
/// What is left of the data of an entry that was sent without it, because committed entries after it overwrite all of
/// it: enough to check the entry and to send it on, not to apply its bytes.
/// </summary>
/// <param name="Digest">Of the bytes, as the chain of the entry covers them.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Through">
/// The horizon: the entries that overwrite them are at or before this index, which is committed. A store that has this
/// entry, and not everything up to there, holds what no store ever held.
/// </param>
public sealed record ElidedData(UInt128 Digest, int Length, JournalIndex Through);
