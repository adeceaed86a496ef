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

    /// <summary>WRITE, COPY_FILE_RANGE, FALLOCATE, DISCARD, ZEROFILL.</summary>
    /// <param name="needsEnd">What it does depends on where the file ends: an append.</param>
    public static List<ConflictKey> KeysForRange(in Gfid gfid, long offset, long length, bool needsEnd)
    {
        var keys = new List<ConflictKey>
        {
            Shared(ConflictKind.Inode, in gfid),
            Shared(ConflictKind.Attributes, in gfid),
            needsEnd ? Alone(ConflictKind.Size, in gfid) : Shared(ConflictKind.Size, in gfid),
        };
        if (needsEnd)
        {
            keys.Add(Bytes(in gfid, 0, long.MaxValue)); // All writers share the size, so it is alone in any case.
        }
        else if (offset >= 0 && length > 0 && offset <= long.MaxValue - length)
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
