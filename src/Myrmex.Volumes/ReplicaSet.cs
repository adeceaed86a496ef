namespace Myrmex.Volumes;

/// <summary>
/// The bricks that hold the same files. Which these are follows from its place in <see cref="Volume.ReplicaSets"/>.
/// </summary>
/// <param name="Number">Given once in the life of a volume, and never to another set.</param>
/// <param name="NextMember">
/// The member number the next brick gets: a brick in the place of another one is a new member, because its disk does
/// not hold what the other one has promised.
/// </param>
public readonly record struct ReplicaSet(int Number, int NextMember)
{
    /// <summary>Largest member number. Source: Replication.Engine.Limits.MemberIdMax.</summary>
    public const int MemberMax = 63;

    /// <summary>Fewest and most copies of a file.</summary>
    public const int CopiesMin = 2;

    public const int CopiesMax = 7;

    /// <summary>
    /// Copies and arbiter of a set with one. Source: replica 3 arbiter 1, also written replica 2 arbiter 1.
    /// </summary>
    public const int CopiesWithArbiter = 3;
}
