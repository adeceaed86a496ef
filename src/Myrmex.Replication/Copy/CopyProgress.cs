using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Copy;

/// <summary>How far a copy of a main store has come.</summary>
/// <param name="Peer">The member at the other end.</param>
/// <param name="Done">What of the store was read and, at the receiver, taken.</param>
/// <param name="All">About how much there is; 0 when that is not known.</param>
/// <param name="SentBytes">Bytes of all pieces, those sent again and the journal's included.</param>
/// <param name="Part">What is being sent or taken.</param>
public readonly record struct CopyProgress(
    MemberId Peer, CopyCount Done, CopyCount All, ulong SentBytes, CopyPart Part);
