namespace Myrmex.Replication.Engine;

/// <summary>What a member says of the disk of its main store.</summary>
/// <param name="Bytes">
/// What is free of it beyond its reserve once everything up to <paramref name="At"/> has taken effect; negative when
/// the reserve is used already.
/// </param>
/// <param name="At">The last entry that is counted in.</param>
/// <param name="IsOut">
/// Nothing is left of the reserve either, or what is committed waits for room: the member cannot keep up.
/// </param>
public readonly record struct RoomReport(long Bytes, JournalIndex At, bool IsOut)
{
    /// <summary>Nothing was said.</summary>
    public static RoomReport Unknown { get; } = new(long.MaxValue, JournalIndex.None, IsOut: false);
}

/// <summary>What an operation takes of the disks.</summary>
public enum RoomUse
{
    /// <summary>
    /// Nothing that lasts: it frees room, or is one of the protocol's own. It is never refused for room.
    /// </summary>
    Nothing,

    /// <summary>Names and attributes: they may use a part of the reserve.</summary>
    Little,

    Much,
}
