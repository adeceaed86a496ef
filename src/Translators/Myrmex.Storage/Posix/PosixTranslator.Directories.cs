using System;
using System.Buffers;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>OPENDIR, READDIR, READDIRP, RELEASEDIR, FSYNCDIR.</summary>
public sealed partial class PosixTranslator
{
    // Bytes of an entry in a reply besides its name, without and with attributes. Source: gfx_dirlist, gfx_dirplist.
    private const int EntrySize = 4 + 8 + 8 + 4 + 4 + 4;
    private const int EntryPlusSize = EntrySize + Iatt.WireSize + 12;

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var reply = OpendirReply.Rent();
        var error = Find(fop.Gfid, path, out var inode);
        if (error != Errno.Ok)
        {
            return new(Finish(reply, error));
        }

        if (inode.IsDirectory)
        {
            // A description of its own, because it has a position.
            var fd = inode.Open(Sys.OReadOnly | Sys.ODirectory);
            error = Sys.ErrorOf(fd);
            if (error == Errno.Ok)
            {
                fop.Fd.Set(Slot, new DirectoryStream(new OpenFile(fop.Gfid, fd, OpenFlags.ReadOnly)));
                AnswerXData(fop.XData, in inode, reply);
            }
            else if (error == Errno.ENOENT)
            {
                error = Errno.ESTALE;
            }
        }
        else
        {
            error = Errno.ENOTDIR;
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call)
    {
        if (fop.Fd.Take(Slot) is DirectoryStream stream)
        {
            stream.File.Release();
        }

        return new(ReleasedirReply.Rent());
    }

    public override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call)
    {
        var reply = FsyncdirReply.Rent();
        var error = AcquireStream(fop.Fd, fop.Gfid, out var stream);
        if (error == Errno.Ok)
        {
            error = Sys.ErrorOf(fop.DataOnly != 0 ? Sys.Fdatasync(stream!.File.Fd) : Sys.Fsync(stream!.File.Fd));
            stream.File.Release();
        }

        return new(Finish(reply, error));
    }

    /// <summary>
    /// Entries from a cookie on, as many as fit the size but at least one. Cookies are those of the file
    /// system and stay valid when entries come and go. The hint ENOENT says that nothing follows.
    /// </summary>
    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call)
    {
        var reply = ReaddirReply.Rent();
        var listing = new Listing { Entries = reply.Entries, Room = fop.Size, EntrySize = EntrySize };
        var error = List(fop.Fd, fop.Gfid, fop.Offset, ref listing);
        reply.OpRet = reply.Entries.Count;
        reply.Hint = listing.IsAtEnd ? Errno.ENOENT : Errno.Ok;
        return new(Finish(reply, error));
    }

    /// <summary>
    /// The same with gfid and attributes of each entry, the xattrs that the xdata asks for, and the contents of small
    /// files, if it asks for them, as far as they are in memory.
    /// </summary>
    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call)
    {
        if (!ListedContents.TryRead(fop.XData, out var wish))
        {
            return new(ReaddirpReply.Fail(Errno.EINVAL));
        }

        var reply = ReaddirpReply.Rent();
        var listing = new Listing
        {
            Entries = reply.Entries,
            Room = fop.Size,
            EntrySize = EntryPlusSize,
            XData = fop.XData,
            ContentMax = Math.Min(wish.FileBytesMax, PosixLimits.LookupContentMax),
            ContentRoom = Math.Min(wish.ReplyBytesMax, PosixLimits.ListedContentsMax),
            OmitsDirectories = fop.XData is not null && fop.XData.Contains(StorageKeys.FilterDirectories),
        };
        var error = List(fop.Fd, fop.Gfid, fop.Offset, ref listing);
        reply.OpRet = reply.Entries.Count;
        reply.Hint = listing.IsAtEnd ? Errno.ENOENT : Errno.Ok;
        return new(Finish(reply, error));
    }

    /// <summary>The progress of one listing fop.</summary>
    private struct Listing
    {
        public required DirEntries Entries;
        public required long Room;

        /// <summary>Bytes an entry takes besides its name; tells the two fops apart.</summary>
        public required int EntrySize;
        public XData? XData;

        /// <summary>Largest file that comes with its content, and bytes of contents that there is room for.</summary>
        public long ContentMax;
        public long ContentRoom;
        public bool OmitsDirectories;
        public bool IsAtEnd;

        public readonly bool IsPlus => EntrySize == EntryPlusSize;
    }

    private Errno AcquireStream(Fd fd, in Gfid gfid, out DirectoryStream? stream)
    {
        stream = fd.Get(Slot) as DirectoryStream;
        if (stream is not null)
        {
            return stream.File.TryRetain() ? Errno.Ok : Errno.EBADF;
        }

        if (fd.Get(Slot) is OpenFile)
        {
            return Errno.ENOTDIR;
        }

        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var error = Find(fd.FileOf(gfid), path, out var inode);
        if (error != Errno.Ok)
        {
            return error;
        }

        error = Errno.ENOTDIR;
        if (inode.IsDirectory)
        {
            var opened = inode.Open(Sys.OReadOnly | Sys.ODirectory);
            error = Sys.ErrorOf(opened);
            if (error == Errno.Ok)
            {
                stream = new DirectoryStream(new OpenFile(inode.Facts.Gfid, opened, OpenFlags.ReadOnly));
            }
        }

        inode.Dispose();
        return error;
    }

    private Errno List(Fd fd, in Gfid gfid, long offset, ref Listing listing)
    {
        if (offset < 0)
        {
            return Errno.EINVAL;
        }

        var error = AcquireStream(fd, gfid, out var stream);
        if (error != Errno.Ok)
        {
            return error;
        }

        // Records are smaller than entries: what is read nearly fits and little of it is read again.
        var size = (int)Math.Clamp(listing.Room * 24 / listing.EntrySize, 1024, PosixLimits.ListingBufferMax);
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        lock (stream!.Guard) // There is one when there is no error.
        {
            error = ListFrom(stream, (ulong)offset, buffer.AsSpan(0, size), ref listing);
        }

        ArrayPool<byte>.Shared.Return(buffer);
        stream.File.Release();
        return error;
    }

    private Errno ListFrom(DirectoryStream stream, ulong offset, Span<byte> buffer, ref Listing listing)
    {
        if (stream.Position != offset)
        {
            var moved = Sys.Seek(stream.File.Fd, (long)offset, Sys.SeekSet);
            if (moved < 0)
            {
                return Sys.ErrorOf(moved);
            }

            stream.Position = offset;
        }

        while (true)
        {
            var size = Sys.ReadDirectory(stream.File.Fd, buffer);
            if (size < 0)
            {
                return Sys.ErrorOf(size);
            }

            if (size == 0)
            {
                listing.IsAtEnd = true;
                return Errno.Ok;
            }

            ReadOnlySpan<byte> rest = buffer[..size];
            while (DirectoryRecord.TryTake(ref rest, out var record))
            {
                if (!TryAdd(stream, in record, ref listing))
                {
                    // The descriptor stands behind what was read, not behind what was taken.
                    stream.Position = ulong.MaxValue;
                    return Errno.Ok;
                }

                stream.Position = record.Next;
            }
        }
    }

    /// <summary>Adds an entry, or passes over one that is not shown; false when there is no room.</summary>
    private bool TryAdd(DirectoryStream stream, in DirectoryRecord record, ref Listing listing)
    {
        var gfid = stream.File.Gfid;
        if (StorageRules.IsInternal(gfid, record.Name))
        {
            return true;
        }

        var size = listing.EntrySize + ((record.Name.Length + 4) & ~3);
        if ((size > listing.Room && listing.Entries.Count > 0)
            || listing.Entries.Count >= PosixLimits.ListingEntriesMax)
        {
            return false;
        }

        var entry = new DirEntry { Ino = record.Ino, Offset = record.Next, Type = record.Type };
        if (record.IsDotOrDotDot)
        {
            AddDots(gfid, record.Name, in entry, ref listing);
        }
        else if (!FillEntry(stream, record.Name, ref entry, ref listing))
        {
            // Removed since the record was read, or left out as asked.
            return true;
        }
        else
        {
            Append(record.Name, in entry, ref listing);
        }

        listing.Room -= size;
        return true;
    }

    private void AddDots(in Gfid gfid, ReadOnlySpan<byte> name, in DirEntry record, ref Listing listing)
    {
        var entry = record;
        entry.Type = FileMode.Directory >> 12;
        entry.Ino = gfid.Ino;
        if (name.Length == 2 && !gfid.IsRoot)
        {
            Span<byte> buffer = stackalloc byte[512];
            entry.Ino = _handles.ReadDirectory(gfid, buffer, out var parent, out _) == Errno.Ok
                ? parent.Ino
                : Gfid.Root.Ino;
        }
        else if (name.Length == 1 && listing.IsPlus && _directories.TryGet(gfid) is { } directory)
        {
            FillParent(ref entry.Iatt, directory);
            directory.Release();
        }

        Append(name, in entry, ref listing);
    }

    private static void Append(ReadOnlySpan<byte> name, in DirEntry entry, ref Listing listing)
    {
        ref var added = ref listing.Entries.Add(name);
        var (offset, length) = (added.NameOffset, added.NameLength);
        added = entry;
        (added.NameOffset, added.NameLength) = (offset, length);
    }

    /// <summary>
    /// The inode number that clients know, and for a listing with attributes those too. An entry without gfid keeps no
    /// attributes: the client looks it up. False when the entry shall not be shown.
    /// </summary>
    private bool FillEntry(DirectoryStream stream, ReadOnlySpan<byte> name, ref DirEntry entry, ref Listing listing)
    {
        var inode = Inode.OfPath(stream.File.Fd, name);
        if (inode.Restat() != Errno.Ok)
        {
            return false;
        }

        entry.Type = inode.Stat.Mode >> 12;
        if (!_inodes.TryGet(inode.Key, out inode.Facts))
        {
            var parent = _directories.Acquire(stream.File.Gfid, out _);
            if (parent is null)
            {
                return false;
            }

            var error = Identify(parent, name, out var identity);
            parent.Release();
            if (error == Errno.ENOENT)
            {
                return false;
            }

            if (error != Errno.Ok)
            {
                return !(listing.OmitsDirectories && inode.IsDirectory);
            }

            inode.Stat = identity.Stat;
            inode.Facts = identity.Facts;
        }

        entry.Ino = inode.Facts.Gfid.Ino;
        if (!listing.IsPlus)
        {
            return true;
        }

        if (listing.OmitsDirectories && inode.IsDirectory)
        {
            return false;
        }

        FillIatt(ref entry.Iatt, in inode);
        if (listing.XData is not null)
        {
            entry.XData = AnswerEntry(listing.XData, in inode, ref listing);
        }

        return true;
    }

    private XData? AnswerEntry(XData request, in Inode inode, ref Listing listing)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        if (Pin(in inode, path, out var pinned) != Errno.Ok)
        {
            return null;
        }

        // The answer collects in a reply of its own and is taken out of it.
        var reply = StatReply.Rent();
        AnswerXData(request, in pinned, reply);
        var size = (long)inode.Stat.Size;
        if (listing.ContentRoom > 0 && inode.IsRegular && size <= listing.ContentMax && size <= listing.ContentRoom
            && reply.XData?.Contains(StorageKeys.Content) != true)
        {
            ReadContent(in pinned, reply, Sys.RwNoWait);
            listing.ContentRoom -= size;
        }

        pinned.Dispose();
        var xdata = reply.XData;
        reply.XData = null;
        reply.Release();
        return xdata;
    }
}
