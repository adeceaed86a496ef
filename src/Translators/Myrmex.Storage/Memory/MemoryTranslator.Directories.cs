using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Directory listings.</summary>
public sealed partial class MemoryTranslator
{
    // Bytes of an entry in a reply besides its name, without and with attributes. Source: gfx_dirlist, gfx_dirplist.
    private const int EntrySize = 4 + 8 + 8 + 4 + 4 + 4;
    private const int EntryPlusSize = EntrySize + Iatt.WireSize + 12;
    private const int ListingEntriesMax = 1800;

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call)
    {
        lock (_lock)
        {
            var node = Find(fop.Gfid);
            var error = node is null ? Errno.ESTALE : node.IsDirectory ? Errno.Ok : Errno.ENOTDIR;
            if (error == Errno.Ok)
            {
                node!.Opens++; // Checked above.
            }

            return new(Finish(OpendirReply.Rent(), error));
        }
    }

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call)
    {
        Close(fop.Fd);
        return new(ReleasedirReply.Rent());
    }

    public override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call) => new(FsyncdirReply.Rent());

    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = ReaddirReply.Rent();
            var error = List(
                fop.Fd, fop.Gfid, fop.Offset, fop.Size, reply.Entries, isPlus: false, null, out var isAtEnd);
            reply.OpRet = reply.Entries.Count;
            reply.Hint = isAtEnd ? Errno.ENOENT : Errno.Ok;
            return new(Finish(reply, error));
        }
    }

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = ReaddirpReply.Rent();
            var error = List(
                fop.Fd, fop.Gfid, fop.Offset, fop.Size, reply.Entries, isPlus: true, fop.XData, out var isAtEnd);
            reply.OpRet = reply.Entries.Count;
            reply.Hint = isAtEnd ? Errno.ENOENT : Errno.Ok;
            return new(Finish(reply, error));
        }
    }

    private Errno List(
        Fd fd, in Gfid gfid, long offset, long room, DirEntries entries, bool isPlus, XData? xdata, out bool isAtEnd)
    {
        isAtEnd = false;
        var directory = Find(fd, gfid);
        if (directory is null || !directory.IsDirectory || offset < 0)
        {
            return directory is null ? Errno.ESTALE : directory.IsDirectory ? Errno.EINVAL : Errno.ENOTDIR;
        }

        if (!ListedContents.TryRead(xdata, out var wish))
        {
            return Errno.EINVAL;
        }

        var contentRoom = wish.ReplyBytesMax;
        var omitsDirectories = xdata is not null && xdata.Contains(StorageKeys.FilterDirectories);
        var cookie = (ulong)offset;
        while (TryGetNext(directory, cookie, out var entry))
        {
            cookie = entry.Cookie;
            var node = entry.Node!; // Entries found have one.
            if (omitsDirectories && node.IsDirectory && entry.Cookie > MemoryDirectory.DotDotCookie)
            {
                continue;
            }

            room -= (isPlus ? EntryPlusSize : EntrySize) + ((entry.Name.Length + 4) & ~3);
            if ((room < 0 && entries.Count > 0) || entries.Count >= ListingEntriesMax)
            {
                return Errno.Ok;
            }

            ref var added = ref entries.Add(entry.Name.Span);
            added.Ino = node.Gfid.Ino;
            added.Offset = entry.Cookie;
            added.Type = node.Type >> 12;
            if (isPlus)
            {
                added.Iatt = node.ToIatt();
                added.XData = Answer(xdata, node, null);
                AddContent(ref added.XData, node, wish.FileBytesMax, ref contentRoom);
            }
        }

        isAtEnd = true;
        return Errno.Ok;
    }

    private static void AddContent(ref XData? xdata, MemoryNode node, int bytesMax, ref int room)
    {
        if (room > 0 && node.IsRegular && node.Content.Length <= int.Min(bytesMax, room))
        {
            AddContent(xdata ??= XData.Rent(), node);
            room -= (int)node.Content.Length; // Not above room.
        }
    }

    private static bool TryGetNext(MemoryNode directory, ulong cookie, out MemoryEntry entry)
    {
        entry = cookie < MemoryDirectory.DotCookie ? new MemoryEntry(MemoryDirectory.DotCookie, ".", directory)
            : cookie < MemoryDirectory.DotDotCookie
                ? new MemoryEntry(MemoryDirectory.DotDotCookie, "..", directory.Parent ?? directory)
            : default;
        return entry.Node is not null || directory.Directory!.TryGetAfter(cookie, out entry);
    }
}
