using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>What of the store a key stands for.</summary>
public enum ConflictKind : byte
{
    /// <summary>
    /// An inode: shared by whoever uses it or a name in it, alone for who makes it or takes its last name.
    /// </summary>
    Inode = 1,

    /// <summary>A name in a directory.</summary>
    Name,

    /// <summary>Mode, owner and times; shared by those who only move times forward.</summary>
    Attributes,

    /// <summary>The names of an inode: their number, and of a directory its place.</summary>
    Links,

    /// <summary>
    /// The end of a file: shared by who writes at a place, also behind it; alone for who has to know it or sets it.
    /// </summary>
    Size,

    /// <summary>A range of the bytes of a file.</summary>
    Data,

    /// <summary>An extended attribute.</summary>
    Xattr,

    /// <summary>Which directory is below which: alone for who moves a directory to another one.</summary>
    Tree,
}

/// <summary>
/// Something two operations must not touch at the same time. Two keys conflict when they mean the same and not both
/// share it.
/// </summary>
/// <param name="Name">For <see cref="ConflictKind.Name"/> and <see cref="ConflictKind.Xattr"/>; owned bytes.</param>
/// <param name="From">First byte of a range.</param>
/// <param name="To">The byte behind a range; larger than <paramref name="From"/>.</param>
public readonly record struct ConflictKey(
    ConflictKind Kind, Gfid Gfid, Name Name = default, long From = 0, long To = 0, bool IsShared = false)
{
    /// <summary>Two ranges meet, or the rest is equal.</summary>
    public bool Overlaps(in ConflictKey other) =>
        Kind == other.Kind && Gfid == other.Gfid
        && (Kind == ConflictKind.Data ? From < other.To && other.From < To : Name == other.Name);

    public bool ConflictsWith(in ConflictKey other) => !(IsShared && other.IsShared) && Overlaps(in other);

    /// <summary>Whoever holds this key may do what <paramref name="other"/> is for.</summary>
    public bool Covers(in ConflictKey other) =>
        Kind == other.Kind && Gfid == other.Gfid && (!IsShared || other.IsShared)
        && (Kind == ConflictKind.Data ? From <= other.From && other.To <= To : Name == other.Name);
}
