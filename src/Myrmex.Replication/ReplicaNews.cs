using Myrmex.Replication.Engine;

namespace Myrmex.Replication;

/// <summary>What a replica has to tell people.</summary>
/// <param name="Other">
/// The member that it is about, or that is at the other end; the replica itself where it is about that.
/// </param>
public readonly record struct ReplicaNews(ReplicaNewsKind Kind, Term Term, MemberId Other);

/// <summary>Kinds of <see cref="ReplicaNews"/>.</summary>
public enum ReplicaNewsKind
{
    /// <summary>The replica leads after an election.</summary>
    Elected,

    /// <summary>The replica leads: the other member has handed the lead over to it.</summary>
    LeadMoved,

    /// <summary>The leader no longer counts on the other member, or never did in its term.</summary>
    MemberLost,

    /// <summary>The other member counts again, and keeps up with the leader.</summary>
    MemberInSync,

    /// <summary>The replica takes a copy of the files of the other member.</summary>
    CopyBegun,

    CopyEnded,

    /// <summary>The copy was given up; it is begun again.</summary>
    CopyFailed,

    /// <summary>The disk is full: the replica falls behind.</summary>
    OutOfRoom,

    RoomAgain,

    /// <summary>The disk does not answer.</summary>
    DiskStalled,

    DiskAnswers,

    /// <summary>
    /// The journal has blocks that cannot be read. When the replica needs them it counts for nothing until the others
    /// have made it whole.
    /// </summary>
    JournalDamaged,

    /// <summary>A replica that counted for nothing has everything and counts.</summary>
    Whole,
}
