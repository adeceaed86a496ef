namespace Myrmex.Replication.Engine;

/// <summary>What every message says of itself.</summary>
/// <param name="Term">The term it belongs to: the sender's own as leader or candidate, or the one it answers.</param>
/// <param name="Sender">Who sent it.</param>
/// <param name="Incarnation">Of the sender's journal; see <see cref="ReplicaMember.Incarnation"/>.</param>
/// <param name="Boot">Start count of the sender, and in the lower 16 bits the copies it got since.</param>
/// <param name="Epoch">Epoch of the configuration the sender knows; for people who look at traffic.</param>
public readonly record struct MessageOrigin(Term Term, MemberId Sender, ulong Incarnation, ulong Boot, ulong Epoch);
