using System.Collections.Generic;
using Myrmex.Base;
using static Myrmex.Cluster.Journal.ConflictKeys;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// The keys to hold while a fop is evaluated: what it names. What it touches besides is known when it has been
/// evaluated.
/// </summary>
public sealed partial class Evaluator
{
    /// <summary>CREATE, MKNOD, MKDIR, SYMLINK, PUT, UNLINK, RMDIR.</summary>
    public static List<ConflictKey> KeysForEntry(in Gfid parent, Name name) =>
    [
        NameOf(in parent, name),
        Shared(ConflictKind.Inode, in parent),
        Shared(ConflictKind.Attributes, in parent),
    ];

    /// <summary>The same for a fop that makes an inode: its client says which.</summary>
    public static List<ConflictKey> KeysForNew(in Gfid parent, Name name, XData? xdata)
    {
        var keys = KeysForEntry(in parent, name);
        if (xdata is not null && xdata.TryGetGfid(JournalKeys.GfidRequest, out var gfid) && !gfid.IsNull)
        {
            keys.Add(Alone(ConflictKind.Inode, in gfid));
            keys.Add(Alone(ConflictKind.Attributes, in gfid));
        }

        return keys;
    }

    public static List<ConflictKey> KeysForLink(in Gfid gfid, in Gfid parent, Name name) =>
    [
        .. KeysForEntry(in parent, name),
        Shared(ConflictKind.Inode, in gfid),
        Alone(ConflictKind.Links, in gfid),
        Shared(ConflictKind.Attributes, in gfid),
    ];

    public static List<ConflictKey> KeysForRename(in Gfid parent, Name name, in Gfid newParent, Name newName)
    {
        var keys = KeysForEntry(in parent, name);
        Extend(keys, KeysForEntry(in newParent, newName));
        return keys;
    }

    /// <summary>
    /// A write at a place. Where it seems to move the end of the file it holds the size alone from the beginning.
    /// </summary>
    public List<ConflictKey> KeysForWrite(in Gfid gfid, long offset, int length)
    {
        var keys = KeysForRange(in gfid, offset, length, setsSize: false);
        if (offset >= 0 && offset <= long.MaxValue - length && _sizes.EndsBefore(in gfid, offset + length))
        {
            keys.Add(Alone(ConflictKind.Size, in gfid));
        }

        return keys;
    }

    /// <summary>WRITE, COPY_FILE_RANGE, FALLOCATE, DISCARD, ZEROFILL.</summary>
    /// <param name="setsSize">It is known before that the size changes: an append.</param>
    public static List<ConflictKey> KeysForRange(in Gfid gfid, long offset, long length, bool setsSize)
    {
        var keys = new List<ConflictKey>
        {
            Shared(ConflictKind.Inode, in gfid),
            Shared(ConflictKind.Attributes, in gfid),
            setsSize ? Alone(ConflictKind.Size, in gfid) : Shared(ConflictKind.Size, in gfid),
        };
        if (offset >= 0 && length > 0 && offset <= long.MaxValue - length && !setsSize)
        {
            keys.Add(Bytes(in gfid, offset, offset + length));
        }

        return keys;
    }

    public static List<ConflictKey> KeysForTruncate(in Gfid gfid) =>
    [
        Shared(ConflictKind.Inode, in gfid),
        Shared(ConflictKind.Attributes, in gfid),
        Alone(ConflictKind.Size, in gfid),
        Bytes(in gfid, 0, long.MaxValue),
    ];

    public static List<ConflictKey> KeysForSetattr(in Gfid gfid) =>
        [Shared(ConflictKind.Inode, in gfid), Alone(ConflictKind.Attributes, in gfid)];

    /// <summary>SETXATTR, REMOVEXATTR, XATTROP.</summary>
    public static List<ConflictKey> KeysForXattrs(in Gfid gfid, Name name, XData? values)
    {
        var keys = new List<ConflictKey>
        {
            Shared(ConflictKind.Inode, in gfid),
            Shared(ConflictKind.Attributes, in gfid),
        };
        if (!name.IsEmpty)
        {
            keys.Add(new ConflictKey(ConflictKind.Xattr, gfid, name.ToOwned()));
        }

        if (values is not null)
        {
            foreach (var pair in values)
            {
                keys.Add(new ConflictKey(ConflictKind.Xattr, gfid, Name.From(pair.Key)));
            }
        }

        return keys;
    }
}
