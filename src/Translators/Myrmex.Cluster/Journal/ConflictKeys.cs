using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// The keys of an operation, computed from it and hence the same on all replicas. They follow what the redo touches:
/// the inode and its directories exist, so those are shared; what the entry decides is held alone.
/// </summary>
public static class ConflictKeys
{
    private static ReadOnlySpan<byte> AclPrefix => "system.posix_acl_"u8;

    /// <summary>All keys of an operation that is logged.</summary>
    public static List<ConflictKey> Of(JournalOperation operation)
    {
        var keys = new List<ConflictKey>(8);
        Add(operation, keys);
        return keys;
    }

    /// <summary>Adds all keys of an operation.</summary>
    public static void Add(JournalOperation operation, List<ConflictKey> keys)
    {
        switch (operation.Fop)
        {
            case FopCode.Create or FopCode.Mknod or FopCode.Mkdir or FopCode.Symlink or FopCode.Put:
                AddEntry(keys, operation);
                keys.Add(Alone(ConflictKind.Inode, operation.Gfid));
                keys.Add(Alone(ConflictKind.Attributes, operation.Gfid));
                break;
            case FopCode.Link:
                AddEntry(keys, operation);
                AddInode(keys, operation);
                keys.Add(Alone(ConflictKind.Links, operation.Gfid));
                break;
            case FopCode.Unlink or FopCode.Rmdir:
                AddEntry(keys, operation);
                AddInode(keys, operation);
                keys.Add(Alone(ConflictKind.Links, operation.Gfid));
                if (operation.IsLastName)
                {
                    keys.Add(Alone(ConflictKind.Inode, operation.Gfid));
                }

                break;
            case FopCode.Rename:
                AddRename(keys, operation);
                break;
            case FopCode.Setxattr or FopCode.Fsetxattr or FopCode.Removexattr or FopCode.Fremovexattr
                or FopCode.Xattrop or FopCode.Fxattrop:
                AddInode(keys, operation);
                AddXattrs(keys, operation);
                break;
            case FopCode.Setattr or FopCode.Fsetattr:
                AddInode(keys, operation);
                break;
            default:
                AddInode(keys, operation);
                AddData(keys, operation);
                break;
        }
    }

    /// <summary>Every key of <paramref name="needed"/> is covered by one of <paramref name="held"/>.</summary>
    public static bool Cover(List<ConflictKey> held, List<ConflictKey> needed)
    {
        foreach (var key in needed)
        {
            var isCovered = false;
            for (var i = 0; i < held.Count && !isCovered; i++)
            {
                isCovered = held[i].Covers(in key);
            }

            if (!isCovered)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Adds the keys that are not covered yet.</summary>
    public static void Extend(List<ConflictKey> held, List<ConflictKey> needed)
    {
        foreach (var key in needed)
        {
            var isCovered = false;
            for (var i = 0; i < held.Count && !isCovered; i++)
            {
                isCovered = held[i].Covers(in key);
            }

            if (!isCovered)
            {
                held.Add(key);
            }
        }
    }

    internal static ConflictKey Alone(ConflictKind kind, in Gfid gfid) => new(kind, gfid);

    internal static ConflictKey Shared(ConflictKind kind, in Gfid gfid) => new(kind, gfid, IsShared: true);

    internal static ConflictKey NameOf(in Gfid parent, Name name) => new(ConflictKind.Name, parent, name.ToOwned());

    internal static ConflictKey Bytes(in Gfid gfid, long from, long to, bool isShared = false) =>
        new(ConflictKind.Data, gfid, default, from, to, isShared);

    /// <summary>Attributes held alone when times or mode are set, shared when times move forward.</summary>
    private static ConflictKey AttributesOf(in Gfid gfid, bool isSet) =>
        isSet ? Alone(ConflictKind.Attributes, gfid) : Shared(ConflictKind.Attributes, gfid);

    private static void AddEntry(List<ConflictKey> keys, JournalOperation operation)
    {
        keys.Add(NameOf(operation.Parent, operation.Name));
        keys.Add(Shared(ConflictKind.Inode, operation.Parent));
        keys.Add(AttributesOf(operation.Parent, operation.ParentTimes is not null));
    }

    private static void AddInode(List<ConflictKey> keys, JournalOperation operation)
    {
        keys.Add(Shared(ConflictKind.Inode, operation.Gfid));
        keys.Add(AttributesOf(operation.Gfid, operation.Times is not null || operation.Valid != SetattrValid.None));
    }

    private static void AddRename(List<ConflictKey> keys, JournalOperation operation)
    {
        AddEntry(keys, operation);
        keys.Add(NameOf(operation.NewParent, operation.NewName));
        keys.Add(Shared(ConflictKind.Inode, operation.NewParent));
        keys.Add(AttributesOf(operation.NewParent, operation.NewParentTimes is not null));
        AddInode(keys, operation);
        keys.Add(Alone(ConflictKind.Links, operation.Gfid));
        if (!operation.Displaced.IsNull)
        {
            keys.Add(Alone(ConflictKind.Inode, operation.Displaced));
        }

        if (operation.IsDirectory && operation.Parent != operation.NewParent)
        {
            keys.Add(Alone(ConflictKind.Tree, Gfid.Root));
        }
    }

    private static void AddXattrs(List<ConflictKey> keys, JournalOperation operation)
    {
        foreach (var (name, _) in operation.Xattrs)
        {
            keys.Add(new ConflictKey(ConflictKind.Xattr, operation.Gfid, name));
            if (name.Span.StartsWith(AclPrefix))
            {
                // An access list is the mode bits in another form.
                keys.Add(Alone(ConflictKind.Attributes, operation.Gfid));
            }
        }
    }

    private static void AddData(List<ConflictKey> keys, JournalOperation operation)
    {
        // A write moves the end forward only, wherever it is by then: writers behind it do not wait for each other.
        var setsSize = operation.Size != JournalOperation.SameSize
            && operation.Fop is not (FopCode.Write or FopCode.CopyFileRange);
        keys.Add(setsSize ? Alone(ConflictKind.Size, operation.Gfid) : Shared(ConflictKind.Size, operation.Gfid));
        if (operation.Fop is FopCode.Truncate or FopCode.Ftruncate)
        {
            keys.Add(Bytes(operation.Gfid, 0, long.MaxValue));
        }
        else if (operation.Length > 0)
        {
            keys.Add(Bytes(operation.Gfid, operation.Offset, operation.Offset + operation.Length));
        }
    }
}
