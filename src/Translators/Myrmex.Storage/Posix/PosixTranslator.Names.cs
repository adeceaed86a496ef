using System;
using System.Buffers;
using System.Buffers.Binary;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Storage;

/// <summary>Attributes that say under which names a file is known, and the paths that follow from them.</summary>
public sealed partial class PosixTranslator
{
    private const int Gfid2PathKeySize = 18 + 16;
    private const int ParentCountKeySize = 14 + 36;

    /// <summary>
    /// Notes a new name of a non-directory. A file system without room for it loses a convenience, not the name.
    /// </summary>
    private void AddGfid2Path(in Inode inode, in Gfid parent, ReadOnlySpan<byte> name)
    {
        var settings = Settings;
        if (settings.KeepsGfid2Path)
        {
            Span<byte> key = stackalloc byte[Gfid2PathKeySize];
            Span<byte> value = stackalloc byte[36 + 1 + Base.Name.LengthMax];
            value = FormatGfid2Path(parent, name, key, value);
            var error = inode.SetXattr(key, value);
            if (error != Errno.Ok)
            {
                Log.Debug("posix", "a name is not noted at its file", ("gfid", inode.Facts.Gfid), ("errno", error));
            }
        }

        if (settings.CountsLinksOfParents)
        {
            ChangeParentCount(in inode, parent, 1);
        }
    }

    /// <summary>Takes back the note of a name that is gone.</summary>
    private void RemoveGfid2Path(in Inode inode, in Gfid parent, ReadOnlySpan<byte> name)
    {
        Span<byte> key = stackalloc byte[Gfid2PathKeySize];
        Span<byte> value = stackalloc byte[36 + 1 + Base.Name.LengthMax];
        FormatGfid2Path(parent, name, key, value);
        inode.RemoveXattr(key);
        if (Settings.CountsLinksOfParents)
        {
            ChangeParentCount(in inode, parent, -1);
        }
    }

    /// <summary>
    /// Key and value of the attribute for one name: the value is PARENT-GFID/NAME and the key ends with its hash.
    /// </summary>
    private static Span<byte> FormatGfid2Path(
        scoped in Gfid parent, scoped ReadOnlySpan<byte> name, scoped Span<byte> key, Span<byte> value)
    {
        parent.Format(value);
        value[36] = (byte)'/';
        name.CopyTo(value[37..]);
        value = value[..(37 + name.Length)];
        StorageKeys.Gfid2PathPrefix.CopyTo(key);
        XxHash64.Hash(value).TryFormat(key[StorageKeys.Gfid2PathPrefix.Length..], out _, "x16");
        return value;
    }

    private void ChangeParentCount(in Inode inode, in Gfid parent, int change)
    {
        Span<byte> key = stackalloc byte[ParentCountKeySize];
        Span<byte> value = stackalloc byte[4];
        StorageKeys.ParentCountPrefix.CopyTo(key);
        parent.Format(key[14..]);
        lock (_inodeLocks.Of(inode.Facts.Gfid))
        {
            var size = inode.GetXattr(key, value);
            var count = (size == 4 ? BinaryPrimitives.ReadInt32BigEndian(value) : 0) + change;
            if (count > 0)
            {
                BinaryPrimitives.WriteInt32BigEndian(value, count);
                inode.SetXattr(key, value);
            }
            else if (size >= 0)
            {
                inode.RemoveXattr(key);
            }
        }
    }

    /// <summary>
    /// A path of an inode from the root of the volume, starting with a slash; null when it cannot be told.
    /// </summary>
    private byte[]? PathOf(in Inode inode)
    {
        if (inode.IsDirectory)
        {
            return PathOfDirectory(inode.Facts.Gfid);
        }

        var paths = PathsOf(in inode, separator: default, onlyFirst: true);
        return paths.Length == 0 ? null : paths;
    }

    private byte[]? PathOfDirectory(in Gfid gfid)
    {
        if (gfid.IsRoot)
        {
            return [(byte)'/'];
        }

        Span<byte> buffer = stackalloc byte[512];
        var path = new byte[1024];
        var start = path.Length;
        var at = gfid;
        for (var depth = 0; !at.IsRoot; depth++)
        {
            if (depth > PosixLimits.DepthMax
                || _handles.ReadDirectory(at, buffer, out var parent, out var name) != Errno.Ok)
            {
                return null;
            }

            if (start < name.Length + 1)
            {
                var longer = new byte[path.Length * 2];
                path.AsSpan(start).CopyTo(longer.AsSpan(start + path.Length));
                start += path.Length;
                path = longer;
            }

            start -= name.Length;
            name.CopyTo(path.AsSpan(start));
            path[--start] = (byte)'/';
            at = parent;
        }

        return path[start..];
    }

    /// <summary>The paths of a non-directory as its attributes tell them, one after the other.</summary>
    private byte[] PathsOf(in Inode inode, ReadOnlySpan<byte> separator, bool onlyFirst)
    {
        var paths = new ArrayBufferWriter<byte>();
        var values = XData.Rent();
        ReadNameNotes(in inode, values);
        foreach (var pair in values)
        {
            if (pair.Value.Length < 38 || pair.Value[36] != '/' || !Gfid.TryParse(pair.Value[..36], out var parent)
                || PathOfDirectory(parent) is not { } directory)
            {
                continue;
            }

            if (paths.WrittenCount > 0)
            {
                paths.Write(separator);
            }

            paths.Write(parent.IsRoot ? default : directory);
            paths.Write(pair.Value[36..]);
            if (onlyFirst)
            {
                break;
            }
        }

        values.Release();
        return paths.WrittenSpan.ToArray();
    }

    private static void ReadNameNotes(in Inode inode, XData values)
    {
        var rented = ArrayPool<byte>.Shared.Rent(XattrRules.ValueMax);
        var size = inode.ListXattr(rented.AsSpan(0, XattrRules.ValueMax));
        ReadOnlySpan<byte> names = rented.AsSpan(0, (int)Math.Max(0, size));
        while (!names.IsEmpty)
        {
            var end = names.IndexOf((byte)0);
            var name = end < 0 ? names : names[..end];
            names = end < 0 ? default : names[(end + 1)..];
            if (name.StartsWith(StorageKeys.Gfid2PathPrefix))
            {
                ReadXattr(in inode, name, values);
            }
        }

        ArrayPool<byte>.Shared.Return(rented);
    }
}
