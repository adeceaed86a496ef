using System;
using System.Buffers.Binary;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>READDIR and READDIRP. The cookie of an entry is the file system's own.</summary>
public sealed partial class PosixTranslator
{
    private const int DentsSize = 32 << 10;
    private const int EntriesMax = 1500;

    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call)
    {
        var reply = ReaddirReply.Rent();
        var error = List(fop.Gfid, fop.Fd, fop.Offset, fop.Size, reply.Entries, plus: false, null, out var atEnd);
        reply.OpRet = reply.Entries.Count;
        reply.Hint = atEnd ? Errno.ENOENT : Errno.Ok;
        return new(Finish(reply, error));
    }

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call)
    {
        var reply = ReaddirpReply.Rent();
        var error = List(fop.Gfid, fop.Fd, fop.Offset, fop.Size, reply.Entries, plus: true, fop.XData, out var atEnd);
        reply.OpRet = reply.Entries.Count;
        reply.Hint = atEnd ? Errno.ENOENT : Errno.Ok;
        return new(Finish(reply, error));
    }

    private Errno List(
        in Gfid gfid, Fd fd, long offset, uint size, DirEntries entries, bool plus, XData? asked, out bool atEnd)
    {
        atEnd = false;
        if (ContextOf(fd, Slot) is not { } open || !open.File.TryHold())
        {
            return Errno.EBADF;
        }

        Errno error;
        lock (open.File)
        {
            error = Fill(open.File, gfid, offset, size, entries, plus, out atEnd);
        }

        if (error == Errno.Ok && plus)
        {
            Describe(open.File.Fd, gfid, entries, asked);
        }

        open.File.Drop();
        return error;
    }

    /// <summary>Copies names until the size is used up. The caller holds the lock of the descriptor's position.</summary>
    private static Errno Fill(FdReference file, in Gfid gfid, long offset, uint size, DirEntries entries, bool plus, out bool atEnd)
    {
        atEnd = false;
        if (file.Position != offset)
        {
            var moved = Sys.Seek(file.Fd, offset, 0);
            if (moved < 0)
            {
                return Sys.ErrorOf(moved);
            }
        }

        Span<byte> dents = stackalloc byte[DentsSize];
        long room = size;
        while (true)
        {
            var length = Sys.GetDents(file.Fd, dents);
            if (length <= 0)
            {
                atEnd = length == 0;
                file.Position = entries.Count > 0 ? (long)entries[entries.Count - 1].Offset : offset;
                file.Position = length == 0 ? -1 : file.Position;
                return Sys.ErrorOf(length);
            }

            if (!AddDents(dents[..length], gfid.IsRoot, entries, plus, ref room))
            {
                // The kernel is ahead of what was taken: the next listing seeks.
                file.Position = -1;
                return Errno.Ok;
            }
        }
    }

    /// <summary>linux_dirent64: u64 ino, i64 off, u16 reclen, u8 type, name with NUL. False when the size is used up.</summary>
    private static bool AddDents(ReadOnlySpan<byte> dents, bool isRoot, DirEntries entries, bool plus, ref long room)
    {
        while (!dents.IsEmpty)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(dents[16..]);
            var name = dents[19..length];
            name = name[..name.IndexOf((byte)0)];
            var offset = BinaryPrimitives.ReadUInt64LittleEndian(dents[8..]);
            var type = dents[18];
            var ino = BinaryPrimitives.ReadUInt64LittleEndian(dents);
            dents = dents[length..];
            if (isRoot && name.SequenceEqual(".glusterfs"u8))
            {
                continue;
            }

            room -= 24 + name.Length + (plus ? Iatt.WireSize : 0);
            if ((room < 0 && entries.Count > 0) || entries.Count == EntriesMax)
            {
                return false;
            }

            ref var entry = ref entries.Add(name);
            entry.Offset = offset;
            entry.Type = type;
            entry.Ino = ino;
        }

        return true;
    }

    /// <summary>Adds attributes and gfids; an entry that vanished meanwhile keeps none and is looked up by the client.</summary>
    private void Describe(int directory, in Gfid gfid, DirEntries entries, XData? asked)
    {
        Span<byte> memory = stackalloc byte[PathBuffer.SizeMax];
        for (var i = 0; i < entries.Count; i++)
        {
            ref var entry = ref entries[i];
            var name = entries.NameOf(i);
            if (name.IsDotOrDotDot)
            {
                entry.Ino = name.Length == 1 ? gfid.Ino : 1;
                continue;
            }

            var path = new PathBuffer(memory);
            path.AppendProc(directory);
            var at = path.Text.Length;
            path.Append(name.Span);
            var inode = new InodeRef(directory, path.Path, at);
            if (Identify(inode, out var stat, out var found, out var hasNoMdata) != Errno.Ok)
            {
                continue;
            }

            entry.Iatt = ToIatt(stat, found);
            entry.Ino = found.Ino;
            if (!hasNoMdata && TryReadMdata(inode, out var mdata))
            {
                mdata.ApplyTo(ref entry.Iatt);
            }

            if (asked is not null)
            {
                entry.XData = ReadAsked(inode, asked, entry.XData);
            }
        }
    }
}
