namespace Myrmex.Replication.Engine;

/// <summary>
/// What a replica keeps besides its journal, in two alternating copies. Invariant: <see cref="Promised"/> never goes
/// back.
/// </summary>
/// <param name="Promised">The highest term this replica has promised.</param>
/// <param name="Status">What the replica may count for.</param>
/// <param name="Incarnation">Random for each format.</param>
/// <param name="Boot">Starts of this replica; the driver counts it up and saves it before the engine starts.</param>
public sealed record Superblock(Term Promised, MemberStatus Status, ulong Incarnation, ulong Boot);
