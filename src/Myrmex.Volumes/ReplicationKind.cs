namespace Myrmex.Volumes;

/// <summary>What keeps the copies of a volume equal. The names are in the records of volumes.</summary>
public enum ReplicationKind
{
    /// <summary>There is one copy of each file.</summary>
    None = 0,

    /// <summary>
    /// The bricks of a set are members of a replicated journal: one of them leads, and all of them do what the journal
    /// says.
    /// </summary>
    Journal = 1,
}
