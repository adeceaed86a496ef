namespace Myrmex.Replication.Engine;

/// <summary>A member as the configuration names it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Incarnation">Random for each format of its journal: a member with an empty disk is another
/// member.</param>
/// <param name="Address">Where it listens; the engine only passes it on.</param>
public sealed record ReplicaMember(MemberId Id, ulong Incarnation, string Address)
{
    /// <summary>
    /// It keeps the journal, whole, and no main store: it counts for every quorum and never leads. For its whole life.
    /// </summary>
    public bool IsWitness { get; init; }
}
