namespace Myrmex.Replication.Engine;

/// <summary>The maxima of the protocol.</summary>
public static class Limits
{
    /// <summary>Largest number of a member.</summary>
    public const int MemberIdMax = 63;

    /// <summary>Members of one replica set, those that come and go included.</summary>
    public const int MembersMax = 16;

    /// <summary>Characters of an address.</summary>
    public const int AddressLengthMax = 255;

    /// <summary>Bytes of the reserve of a disk that names and attributes may use.</summary>
    public const long LittleRoomBytes = 4 << 20;

    /// <summary>Entries of one message.</summary>
    public const int MessageEntriesMax = 256;

    /// <summary>Wants in one request for a piece of a copy, and bytes of each.</summary>
    public const int CopyWantsMax = 8192;

    public const int CopyWantBytesMax = 512;

    /// <summary>Bytes of the entries of one message, unless it has a single one.</summary>
    public const int MessageBytesMax = 4 << 20;

    /// <summary>Entries a leader holds that are not committed; more proposals are refused for a while.</summary>
    public const int UncommittedEntriesMax = 4096;

    /// <summary>Bytes of the same.</summary>
    public const long UncommittedBytesMax = 64L << 20;

    /// <summary>Bytes of settled entries kept in memory for members that are a little behind.</summary>
    public const long KeptBytesMax = 16L << 20;

    /// <summary>
    /// The same, with what members need that are further behind; who needs more gets it from the journal on disk.
    /// </summary>
    public const long KeptForSlowBytesMax = 64L << 20;

    /// <summary>Settled entries kept in memory.</summary>
    public const int KeptEntriesMax = 8192;

    /// <summary>Entries that are looked through at once for what is overwritten.</summary>
    public const int PlanEntriesMax = 1 << 20;

    /// <summary>Bytes of what is kept of entries of which a part is overwritten, in such a look.</summary>
    public const long PlanBlockBytesMax = 8L << 20;

    /// <summary>Entries on the way to one follower without an answer.</summary>
    public const int FlightEntriesMax = 4096;

    /// <summary>Bytes of the same.</summary>
    public const long FlightBytesMax = 64L << 20;

    /// <summary>Reads that wait for one round of confirmation; more are refused.</summary>
    public const int WaitingReadsMax = 65_536;

    /// <summary>Questions of followers that a leader has not answered; more are refused.</summary>
    public const int PeerReadsMax = 1024;

    /// <summary>Milliseconds after which a question that could not be answered is dropped.</summary>
    public const long PeerReadMs = 1000;

    /// <summary>Syncs that wait; more are refused.</summary>
    public const int WaitingSyncsMax = 65_536;

    /// <summary>Answers held until a promise is durable; more are dropped, and the other side asks again.</summary>
    public const int HeldMessagesMax = 1024;

    /// <summary>Sessions of one replica set.</summary>
    public const int SessionsMax = 1 << 20;

    /// <summary>Outcomes kept for one session: its operations that the client has not confirmed yet.</summary>
    /// <remarks>16 steps for each of 1024 operations under way.</remarks>
    public const int SessionOutcomesMax = 16 * 1024;

    /// <summary>Bytes kept of one outcome.</summary>
    public const int OutcomeBytesMax = 4096;

    /// <summary>Byte range locks of one session; a change that makes more is answered ENOLCK.</summary>
    public const int SessionLocksMax = 16 * 1024;

    /// <summary>Byte range locks on one file: each change of them looks at all.</summary>
    public const int FileLocksMax = 32 * 1024;

    /// <summary>Byte range locks of one replica set: they are in every checkpoint.</summary>
    public const int LocksMax = 256 * 1024;

    /// <summary>
    /// How many entries a member may lack when it is taken into the in-sync set or the configuration.
    /// </summary>
    public const int CaughtUpEntries = 64;

    /// <summary>How many committed entries a main store may lack when its member takes the lead by plan.</summary>
    public const int AppliedSoonEntries = 256;
}
