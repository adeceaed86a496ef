namespace Myrmex.Graph;

/// <summary>
/// Types of the events that members of replica sets tell. All have the number of the set, the member and its brick, and
/// the term; those with another member at the other end have its brick as <c>from</c>.
/// </summary>
public static class ReplicaNewsTypes
{
    /// <summary>The member leads after an election.</summary>
    public const string LeaderElected = "REPLICA_LEADER_ELECTED";

    /// <summary>The member leads, because <c>from</c> has handed the lead over.</summary>
    public const string LeadMoved = "REPLICA_LEAD_MOVED";

    /// <summary>The member is away or too far behind: the leader does not count on it. Told by the leader.</summary>
    public const string MemberLost = "REPLICA_MEMBER_LOST";

    /// <summary>The member keeps up again. Told by the leader.</summary>
    public const string MemberInSync = "REPLICA_MEMBER_IN_SYNC";

    /// <summary>The member gets a copy of all files of <c>from</c>.</summary>
    public const string CopyBegun = "REPLICA_COPY_BEGUN";

    public const string CopyEnded = "REPLICA_COPY_ENDED";

    /// <summary>The copy was given up; it is begun again.</summary>
    public const string CopyFailed = "REPLICA_COPY_FAILED";

    /// <summary>The disk of the member is full: it falls behind.</summary>
    public const string OutOfRoom = "REPLICA_OUT_OF_ROOM";

    public const string RoomAgain = "REPLICA_ROOM_AGAIN";

    /// <summary>The disk of the member does not answer.</summary>
    public const string DiskStalled = "REPLICA_DISK_STALLED";

    public const string DiskAnswers = "REPLICA_DISK_ANSWERS";

    /// <summary>
    /// The journal of the member has blocks that cannot be read. When it needs them it counts for nothing until the
    /// others have made it whole, which they do by themselves.
    /// </summary>
    public const string JournalDamaged = "REPLICA_JOURNAL_DAMAGED";

    /// <summary>A member that counted for nothing has everything and counts.</summary>
    public const string MemberWhole = "REPLICA_MEMBER_WHOLE";
}
