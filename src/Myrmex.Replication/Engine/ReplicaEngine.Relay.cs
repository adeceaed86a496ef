namespace Myrmex.Replication.Engine;

// Large entries leave the leader once for two followers: one of them sends them on to the other. It is a way of
// delivery and no more; the other one answers the leader itself, and gets from it what did not come.
public sealed partial class ReplicaEngine
{
    /// <summary>See <see cref="ReplicaOptions.RelayBytesMin"/>, which it is at first.</summary>
    public long RelayBytesMin { get; set; }

    /// <summary>
    /// The member that gets from <paramref name="peer"/> what is sent to that one now; null for none. Both have to be
    /// at the same place, and nothing large may be on the direct way, for it would be overtaken.
    /// </summary>
    private PeerState? RelayFor(PeerState peer, long bytes)
    {
        if (RelayBytesMin == 0 || peer.IsProbing || !IsFresh(peer.Id))
        {
            return null;
        }

        foreach (var member in Configuration!.AllMembers)
        {
            var other = Peer(member);
            var isSame = member != Self && other != peer && other.Next == peer.Next
                && !other.IsProbing && !other.IsReadingJournal && !other.IsFlightFull;
            if (isSame && (other.IsRelayed ? other.RelayVia == peer.Id : MayRelay(other, bytes)))
            {
                return other;
            }
        }

        return null;
    }

    private bool MayRelay(PeerState other, long bytes) =>
        bytes >= RelayBytesMin && _now >= other.RelayAgainMs && other.Acknowledged >= other.BulkTo;

    private void NoteRelayed(PeerState other, PeerState via, long bytes)
    {
        // Later messages do not put off the moment at which it is found silent.
        other.SentMs = other.Acknowledged + 1 == other.Next ? _now : other.SentMs;
        other.Next = via.Next;
        other.FlightBytes += bytes;
        other.RelayedTo = other.Next - 1;
        other.RelayVia = via.Id;
    }

    /// <summary>What was sent by way of another member has not come: for a while it gets everything from us.</summary>
    private void PauseRelay(PeerState peer)
    {
        if (peer.IsRelayed)
        {
            peer.RelayAgainMs = _now + _options.RelayPauseMs;
        }
    }
}
