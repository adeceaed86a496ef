using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// The effect of one mutating fop with absolute values: what the meta part of a journal entry says, besides the bytes
/// of a write, which are its data part. Whoever applies it looks nothing up: offsets, sizes, gfids, owners, times and
/// attribute values are those that the leader has decided on. Not changed once it is in a journal.
/// </summary>
public sealed class JournalOperation
{
    /// <summary>No change of the size; see <see cref="Size"/>.</summary>
    public const long SameSize = -1;

    /// <summary>In <see cref="Flags"/>: an inode loses its last name.</summary>
    public const uint LastName = 1;

    /// <summary>In <see cref="Flags"/>, with the former: it lives on without one, for somebody has it open.</summary>
    public const uint Keep = 2;

    /// <summary>The fop the client sent.</summary>
    public FopCode Fop { get; set; }

    /// <summary>The inode: the new one of a creating fop, else the one changed, linked, moved or removed.</summary>
    public Gfid Gfid { get; set; }

    /// <summary>Directory of <see cref="Name"/>: where a name is made or removed, for RENAME where it was.</summary>
    public Gfid Parent { get; set; }

    public Name Name { get; set; }

    /// <summary>RENAME: the directory it goes to.</summary>
    public Gfid NewParent { get; set; }

    public Name NewName { get; set; }

    /// <summary>RENAME: the inode that had the new name; null when there was none.</summary>
    public Gfid Displaced { get; set; }

    /// <summary>RENAME of a directory to another one: the directories from the new parent up to the root.</summary>
    public IReadOnlyList<Gfid> Ancestors { get; set; } = [];

    /// <summary>
    /// Type and permission bits of <see cref="Gfid"/>: to be set when it is made, or with Valid.Mode; else what it is.
    /// </summary>
    public uint Mode { get; set; }

    public uint Uid { get; set; }

    public uint GroupId { get; set; }

    /// <summary>MKNOD: Linux dev_t.</summary>
    public ulong Device { get; set; }

    /// <summary>SYMLINK: its text.</summary>
    public Name Target { get; set; }

    /// <summary>Attributes to set: Mode, Uid, Gid, and of SETATTR Atime and Mtime.</summary>
    public SetattrValid Valid { get; set; }

    /// <summary>
    /// FALLOCATE: its flags. UNLINK, RMDIR, RENAME: <see cref="LastName"/> when an inode loses its last name, with <see
    /// cref="Keep"/> when it lives on. PUT: 1 when the file exists.
    /// </summary>
    public uint Flags { get; set; }

    /// <summary>Bytes, from the start of the file; an append has been resolved.</summary>
    public long Offset { get; set; }

    /// <summary>Bytes.</summary>
    public long Length { get; set; }

    /// <summary>Size of the file afterwards when it changes, else <see cref="SameSize"/>.</summary>
    public long Size { get; set; } = SameSize;

    /// <summary>Which times of the inode and its parents move forward to the stamp.</summary>
    public TimeFlags Touches { get; set; }

    /// <summary>The leader's clock: seconds since the epoch.</summary>
    public long StampSeconds { get; set; }

    public uint StampNanoseconds { get; set; }

    /// <summary>All times of the inode afterwards, when moving forward is not what happens.</summary>
    public InodeTimes? Times { get; set; }

    public InodeTimes? ParentTimes { get; set; }

    public InodeTimes? NewParentTimes { get; set; }

    /// <summary>Extended attributes as they are afterwards.</summary>
    public IReadOnlyList<XattrValue> Xattrs { get; set; } = [];

    /// <summary>
    /// What other runs of the client's change have to know of this step; null for nothing. No effect on the store.
    /// </summary>
    public byte[]? Note { get; set; }

    /// <summary>What the client is told, now or when it asks again.</summary>
    public RecordedOutcome Outcome { get; set; } = new();

    public bool IsDirectory => (Mode & FileMode.TypeMask) == FileMode.Directory;

    /// <summary>The fop gives a directory a name for a new inode.</summary>
    public bool IsCreation =>
        Fop is FopCode.Create or FopCode.Mknod or FopCode.Mkdir or FopCode.Symlink
        || (Fop == FopCode.Put && Flags == 0);

    /// <summary>PUT: the file exists.</summary>
    public bool Overwrites => Fop == FopCode.Put && Flags != 0;

    /// <summary>The inode that is unlinked, removed or displaced has no name afterwards and never again.</summary>
    public bool IsLastName => Flags != 0 && Fop is FopCode.Unlink or FopCode.Rmdir or FopCode.Rename;

    /// <summary>The file that is unlinked or displaced lives on without a name.</summary>
    public bool Keeps => (Flags & Keep) != 0 && Fop is FopCode.Unlink or FopCode.Rename;

    /// <summary>A file without a name that was kept is gone: nobody has it open any more.</summary>
    public bool EndsKept => Fop == FopCode.Unlink && Parent == IForcedStore.KeptFiles;
}

/// <summary>An extended attribute afterwards.</summary>
/// <param name="Value">Null when it is gone.</param>
public readonly record struct XattrValue(Name Name, byte[]? Value);

/// <summary>What a client gets for an operation, also when another leader is asked again.</summary>
public sealed class RecordedOutcome
{
    /// <summary>Most iatts a reply has (RENAME).</summary>
    public const int IattsMax = 5;

    public Errno Error { get; set; }

    /// <summary>Number of bytes for a write, else 0.</summary>
    public int OpRet { get; set; }

    /// <summary>
    /// In the order of the reply. Block counts after a change of data are a guess made before it is done.
    /// </summary>
    public Iatt[] Iatts { get; set; } = [];

    /// <summary>XATTROP: the values the reply carries.</summary>
    public IReadOnlyList<XattrValue> Values { get; set; } = [];
}
