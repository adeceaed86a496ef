using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// The <c>.glusterfs</c> directory of a brick, where every inode can be found by its gfid. Invariants on disk:
/// <list type="bullet">
/// <item><c>aa/bb/GFID</c> (aa, bb: the first two bytes) is a hard link to anything that is no directory; hence a link
/// count one higher than users see.</item>
/// <item>for a directory it is a symbolic link with the text <c>../../pp/qq/PARENT-GFID/NAME</c>; for the root
/// <c>../../..</c>.</item>
/// <item><c>unlink/GFID</c> holds what has no name any more but is open; it is emptied at start.</item>
/// <item><c>kept/GFID</c>, there while there is one, is a hard link more to a file that lives on without a name.</item>
/// <item>a crash may leave a name without handle or a directory handle with an old text: both are put right at the next
/// lookup by name.</item>
/// </list>
/// All paths are relative to the open <c>.glusterfs</c> directory. Safe for all threads; callers hold the locks.
/// </summary>
internal sealed class HandleTree(int fd)
{
    /// <summary>Bytes of <c>aa/bb/GFID</c>.</summary>
    public const int HandleSize = 42;

    /// <summary>Bytes of <c>unlink/GFID</c>, and so room for both.</summary>
    public const int PathSize = 43;

    private const int KeptSize = 41;

    /// <summary>Bytes of <c>../../pp/qq/GFID/</c>.</summary>
    private const int LinkPrefixSize = 6 + 6 + 36 + 1;

    private readonly int[] _parents = new int[65536 / 32]; // A bit for each aa/bb that was seen to be there.

    public static ReadOnlySpan<byte> KeptDirectory => "kept"u8;

    public int Fd => fd;

    /// <summary>Writes the path of a handle and answers it.</summary>
    public static ReadOnlySpan<byte> PathOf(scoped in Gfid gfid, Span<byte> path)
    {
        gfid.Format(path[6..]);
        path[6..8].CopyTo(path);
        path[2] = (byte)'/';
        path[8..10].CopyTo(path[3..]);
        path[5] = (byte)'/';
        return path[..HandleSize];
    }

    /// <summary>Writes the path of an inode that has no name any more and answers it.</summary>
    public static ReadOnlySpan<byte> UnlinkedPathOf(scoped in Gfid gfid, Span<byte> path)
    {
        "unlink/"u8.CopyTo(path);
        gfid.Format(path[7..]);
        return path[..PathSize];
    }

    /// <summary>Writes the path of the link that keeps a file and answers it.</summary>
    public static ReadOnlySpan<byte> KeptPathOf(scoped in Gfid gfid, Span<byte> path)
    {
        "kept/"u8.CopyTo(path);
        gfid.Format(path[5..]);
        return path[..KeptSize];
    }

    /// <summary>Splits the text of a directory's handle; false for any other text.</summary>
    public static bool TryParseLink(ReadOnlySpan<byte> text, out Gfid parent, out ReadOnlySpan<byte> name)
    {
        parent = default;
        name = default;
        if (text.Length <= LinkPrefixSize || !text.StartsWith("../../"u8) || text[LinkPrefixSize - 1] != '/'
            || !Gfid.TryParse(text.Slice(12, 36), out parent))
        {
            return false;
        }

        name = text[LinkPrefixSize..];
        return name.Length <= Name.LengthMax && !name.Contains((byte)'/');
    }

    public int Stat(in Gfid gfid, out FileStat stat)
    {
        Span<byte> path = stackalloc byte[PathSize];
        return Sys.StatAt(fd, PathOf(gfid, path), out stat);
    }

    /// <summary>
    /// Parent and name of a directory. The name is put into <paramref name="buffer"/> of at least 512 bytes.
    /// </summary>
    public Errno ReadDirectory(in Gfid gfid, Span<byte> buffer, out Gfid parent, out ReadOnlySpan<byte> name)
    {
        Span<byte> path = stackalloc byte[PathSize];
        parent = default;
        name = default;
        var length = Sys.ReadLinkAt(fd, PathOf(gfid, path), buffer);
        if (length < 0)
        {
            // EINVAL: the handle is no symbolic link, so the inode is no directory.
            var error = Sys.ErrorOf(length);
            return error switch
            {
                Errno.ENOENT => Errno.ESTALE,
                Errno.EINVAL => Errno.ENOTDIR,
                _ => error,
            };
        }

        return TryParseLink(buffer[..length], out parent, out name) ? Errno.Ok : Errno.ENOTDIR;
    }

    /// <summary>
    /// Makes the handle of a non-directory from one of its names. EEXIST when there is a handle already.
    /// </summary>
    public Errno Link(int directory, ReadOnlySpan<byte> name, in Gfid gfid)
    {
        Span<byte> path = stackalloc byte[PathSize];
        PathOf(gfid, path);
        ExpectParent(gfid, path);
        var error = Sys.ErrorOf(Sys.LinkAt(directory, name, fd, path[..HandleSize]));
        if (error == Errno.ENOENT && MakeParent(path))
        {
            error = Sys.ErrorOf(Sys.LinkAt(directory, name, fd, path[..HandleSize]));
        }

        return error;
    }

    /// <summary>Makes the handle of a directory. EEXIST when there is a handle already.</summary>
    public Errno LinkDirectory(in Gfid gfid, in Gfid parent, ReadOnlySpan<byte> name)
    {
        Span<byte> text = stackalloc byte[LinkPrefixSize + name.Length];
        Span<byte> path = stackalloc byte[PathSize];
        FormatLink(parent, name, text);
        PathOf(gfid, path);
        ExpectParent(gfid, path);
        var error = Sys.ErrorOf(Sys.SymlinkAt(text, fd, path[..HandleSize]));
        if (error == Errno.ENOENT && MakeParent(path))
        {
            error = Sys.ErrorOf(Sys.SymlinkAt(text, fd, path[..HandleSize]));
        }

        return error;
    }

    /// <summary>Makes or replaces the handle of a directory in one step.</summary>
    public Errno RelinkDirectory(in Gfid gfid, in Gfid parent, ReadOnlySpan<byte> name)
    {
        Span<byte> text = stackalloc byte[LinkPrefixSize + name.Length];
        Span<byte> path = stackalloc byte[PathSize];
        Span<byte> temporary = stackalloc byte[PathSize];
        FormatLink(parent, name, text);
        PathOf(gfid, path);
        UnlinkedPathOf(gfid, temporary);
        Sys.UnlinkAt(fd, temporary);
        var error = Sys.ErrorOf(Sys.SymlinkAt(text, fd, temporary));
        if (error != Errno.Ok)
        {
            return error;
        }

        error = Sys.ErrorOf(Sys.RenameAt(fd, temporary, fd, path[..HandleSize]));
        if (error == Errno.ENOENT && MakeParent(path))
        {
            error = Sys.ErrorOf(Sys.RenameAt(fd, temporary, fd, path[..HandleSize]));
        }

        if (error != Errno.Ok)
        {
            Sys.UnlinkAt(fd, temporary);
        }

        return error;
    }

    public Errno Remove(in Gfid gfid)
    {
        Span<byte> path = stackalloc byte[PathSize];
        return Sys.ErrorOf(Sys.UnlinkAt(fd, PathOf(gfid, path)));
    }

    /// <summary>Moves the handle of an open file that has lost its last name.</summary>
    public Errno MoveToUnlinked(in Gfid gfid)
    {
        Span<byte> path = stackalloc byte[PathSize];
        Span<byte> unlinked = stackalloc byte[PathSize];
        return Sys.ErrorOf(Sys.RenameAt(fd, PathOf(gfid, path), fd, UnlinkedPathOf(gfid, unlinked)));
    }

    public Errno RemoveUnlinked(in Gfid gfid)
    {
        Span<byte> path = stackalloc byte[PathSize];
        return Sys.ErrorOf(Sys.UnlinkAt(fd, UnlinkedPathOf(gfid, path)));
    }

    /// <summary>
    /// Makes the link that keeps a file. EEXIST when there is one already, ENOENT when there is no handle.
    /// </summary>
    public Errno Keep(in Gfid gfid)
    {
        Span<byte> path = stackalloc byte[PathSize];
        Span<byte> kept = stackalloc byte[PathSize];
        PathOf(gfid, path);
        KeptPathOf(gfid, kept);
        var error = Sys.ErrorOf(Sys.LinkAt(fd, path[..HandleSize], fd, kept[..KeptSize]));
        if (error != Errno.ENOENT)
        {
            return error;
        }

        error = Sys.ErrorOf(Sys.MakeDirectoryAt(fd, KeptDirectory, 0x1C0));
        return error is Errno.Ok or Errno.EEXIST
            ? Sys.ErrorOf(Sys.LinkAt(fd, path[..HandleSize], fd, kept[..KeptSize]))
            : error;
    }

    /// <summary>The link that keeps a file.</summary>
    public int StatKept(in Gfid gfid, out FileStat stat)
    {
        Span<byte> kept = stackalloc byte[PathSize];
        return Sys.StatAt(fd, KeptPathOf(gfid, kept), out stat);
    }

    public Errno LetGo(in Gfid gfid)
    {
        Span<byte> kept = stackalloc byte[PathSize];
        return Sys.ErrorOf(Sys.UnlinkAt(fd, KeptPathOf(gfid, kept)));
    }

    /// <summary>Removes the directory of kept files if there are none.</summary>
    public void EndKept() => Sys.UnlinkAt(fd, KeptDirectory, Sys.AtRemoveDirectory);

    private static void FormatLink(in Gfid parent, ReadOnlySpan<byte> name, Span<byte> text)
    {
        "../../"u8.CopyTo(text);
        PathOf(parent, text[6..]);
        text[LinkPrefixSize - 1] = (byte)'/';
        name.CopyTo(text[LinkPrefixSize..]);
    }

    /// <summary>
    /// Makes the second-level directory of a path if it was never seen: a new brick asks for most of them once, and a
    /// link that fails first costs more than a directory that is there already.
    /// </summary>
    private void ExpectParent(in Gfid gfid, ReadOnlySpan<byte> path)
    {
        var number = (int)(gfid.High >> 48);
        ref var word = ref _parents[number >> 5];
        var bit = 1 << (number & 31);
        if ((Volatile.Read(ref word) & bit) == 0 && MakeParent(path))
        {
            Interlocked.Or(ref word, bit);
        }
    }

    /// <summary>Makes the second-level directory of a path.</summary>
    private bool MakeParent(ReadOnlySpan<byte> path)
    {
        var error = Sys.ErrorOf(Sys.MakeDirectoryAt(fd, path[..5], 0x1C0));
        if (error == Errno.ENOENT)
        {
            Sys.MakeDirectoryAt(fd, path[..2], 0x1C0);
            error = Sys.ErrorOf(Sys.MakeDirectoryAt(fd, path[..5], 0x1C0));
        }

        return error is Errno.Ok or Errno.EEXIST;
    }
}
