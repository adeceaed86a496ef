using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;

namespace Myrmex.Fuse;

/// <summary>OPENDIR, READDIR, READDIRPLUS, FSYNCDIR.</summary>
internal sealed partial class FuseRequest
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> OpendirAsync()
    {
        if (!TryTake(out FuseOpenIn argument))
        {
            return Errno.EIO;
        }

        if (!TryGetGfid(Node, out var gfid))
        {
            return Errno.ESTALE;
        }

        var flags = FuseConversion.OpenFlagsOf(argument.Flags);
        var fop = new OpendirFop { Gfid = gfid, Fd = NewFd(gfid, flags, isDirectory: true) };
        var reply = await Top.Opendir(in fop, BeginCall(withGroups: true));
        var error = reply.Error;
        reply.Release();
        if (error == Errno.Ok)
        {
            var file = new FuseFile(gfid, Node, flags, isDirectory: true);
            Register(file, fop.Fd);
            PutOpen(file, FuseOpenReplyFlags.None);
        }

        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> FsyncdirAsync()
    {
        if (!TryTake(out FuseFsyncIn argument))
        {
            return Errno.EIO;
        }

        if (!UseFile(argument.Handle, out var error))
        {
            return error;
        }

        var fop = new FsyncdirFop
        {
            Gfid = _file!.Gfid,
            Fd = _fd!.Fd,
            DataOnly = (int)(argument.Flags & FuseBits.FsyncDataOnly),
        };
        var reply = await _fd.Graph.Top.Fsyncdir(in fop, BeginCall(withGroups: false));
        error = reply.Error;
        reply.Release();
        return error;
    }

    /// <summary>
    /// READDIR and READDIRPLUS. The graph is asked for large chunks; what the kernel has no room for is kept with the
    /// handle
    /// and given to its next call, if that goes on where this one ends.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> ReaddirAsync()
    {
        if (!TryTake(out FuseReadIn argument) || argument.Offset > long.MaxValue)
        {
            return Errno.EIO;
        }

        if (!UseFile(argument.Handle, out var error))
        {
            return error;
        }

        var file = _file!;
        var isPlus = Opcode == FuseOpcode.Readdirplus;
        var chunk = file.TakeChunk();
        if (chunk is not null && !IsUsable(chunk, (long)argument.Offset, isPlus))
        {
            chunk.Release();
            chunk = null;
        }

        var isFresh = chunk is null;
        if (chunk is null)
        {
            (error, chunk) = await FetchChunkAsync((long)argument.Offset, isPlus);
            if (chunk is null)
            {
                return error;
            }
        }

        PutListing(chunk, (int)Math.Min(argument.Size, FuseLimits.IOBytesMax), isPlus, isFresh);
        if (chunk.Index < chunk.Entries.Count)
        {
            file.KeepChunk(chunk);
        }
        else
        {
            chunk.Release();
        }

        return Errno.Ok;
    }

    private bool IsUsable(DirectoryChunk chunk, long offset, bool isPlus) =>
        chunk.Offset == offset
        && (chunk.IsPlus || !isPlus)
        && _nowNs - chunk.FetchedNs < FuseLimits.DirectoryChunkNs;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, DirectoryChunk? Chunk)> FetchChunkAsync(long offset, bool isPlus)
    {
        var file = _file!;
        var top = _fd!.Graph.Top;
        BeginCall(withGroups: false);
        if (isPlus)
        {
            var plus = new ReaddirpFop
            {
                Gfid = file.Gfid,
                Fd = _fd.Fd,
                Offset = offset,
                Size = FuseLimits.DirectoryChunkBytes,
            };
            var reply = await top.Readdirp(in plus, Call);
            if (reply.IsOk)
            {
                return (Errno.Ok, DirectoryChunk.Of(reply, offset, _token, _nowNs));
            }

            var failure = reply.Error;
            reply.Release();
            return (failure, null);
        }

        var fop = new ReaddirFop
        {
            Gfid = file.Gfid,
            Fd = _fd.Fd,
            Offset = offset,
            Size = FuseLimits.DirectoryChunkBytes,
        };
        var plain = await top.Readdir(in fop, Call);
        if (plain.IsOk)
        {
            return (Errno.Ok, DirectoryChunk.Of(plain, offset, _token, _nowNs));
        }

        var error = plain.Error;
        plain.Release();
        return (error, null);
    }

    /// <summary>
    /// Packs as many whole entries as there is room for. Entries of a kept chunk lose their attributes when the
    /// directory
    /// has changed since: a name that is gone by now must not come back into the kernel's cache.
    /// </summary>
    private void PutListing(DirectoryChunk chunk, int capacity, bool isPlus, bool isFresh)
    {
        var buffer = PayloadPool.Shared.Rent(capacity);
        var room = buffer.GetSpan()[..capacity];
        var used = 0;
        var withAttributes = isPlus && (isFresh || !Inodes.HasChangedSince(_file!.Node, chunk.Token));
        while (chunk.Index < chunk.Entries.Count)
        {
            var size = isPlus
                ? PackPlus(room[used..], chunk, withAttributes)
                : Pack(room[used..], chunk.Entries, chunk.Index);
            if (size == 0)
            {
                break;
            }

            used += size;
            chunk.Advance();
        }

        _isListing = isPlus;
        _data = new Payload(buffer, 0, used);
    }

    private static int Pack(Span<byte> room, DirEntries entries, int index)
    {
        var name = entries.NameOf(index).Span;
        var size = (FuseDirent.Size + name.Length + 7) & ~7;
        if (size > room.Length)
        {
            return 0;
        }

        ref var entry = ref entries[index];
        SetDirent(ref MemoryMarshal.AsRef<FuseDirent>(room), in entry, name.Length);
        name.CopyTo(room[FuseDirent.Size..]);
        room[(FuseDirent.Size + name.Length)..size].Clear();
        return size;
    }

    private int PackPlus(Span<byte> room, DirectoryChunk chunk, bool withAttributes)
    {
        var name = chunk.Entries.NameOf(chunk.Index);
        var size = (FuseDirentPlus.Size + name.Length + 7) & ~7;
        if (size > room.Length)
        {
            return 0;
        }

        ref var entry = ref chunk.Entries[chunk.Index];
        ref var plus = ref MemoryMarshal.AsRef<FuseDirentPlus>(room);
        plus = default;
        SetDirent(ref plus.Dirent, in entry, name.Length);

        // The kernel counts no lookup for "." and "..", nor for node 0, which means: look it up when you need it.
        if (withAttributes && !entry.Iatt.IsNull && !entry.Iatt.Gfid.IsNull && !name.IsDotOrDotDot)
        {
            SetListedEntry(ref plus.Entry, in entry.Iatt, chunk);
        }

        name.Span.CopyTo(room[FuseDirentPlus.Size..]);
        room[(FuseDirentPlus.Size + name.Length)..size].Clear();
        return size;
    }

    private void SetListedEntry(ref FuseEntryOut entry, in Iatt iatt, DirectoryChunk chunk)
    {
        // Attributes older than a change we know of would set the kernel's file size back.
        if (!Inodes.TryLinkListed(iatt.Gfid, in iatt, chunk.Token, _nowNs, out var node, out var generation))
        {
            return;
        }

        entry.Node = node;
        entry.Generation = generation;
        var options = _session.Options;
        FuseConversion.SetTimeout(options.EntryTimeoutNs, out entry.EntryValid, out entry.EntryValidNsec);
        FuseConversion.SetTimeout(options.AttributeTimeoutNs, out entry.AttrValid, out entry.AttrValidNsec);
        FuseConversion.SetAttr(ref entry.Attr, in iatt);
    }

    private static void SetDirent(ref FuseDirent dirent, in DirEntry entry, int nameLength)
    {
        // An entry with inode number 0 would be hidden.
        dirent.Ino = !entry.Iatt.Gfid.IsNull ? entry.Iatt.Gfid.Ino : entry.Ino == 0 ? ulong.MaxValue : entry.Ino;
        dirent.Offset = entry.Offset;
        dirent.NameLength = (uint)nameLength;
        dirent.Type = entry.Type != 0 || entry.Iatt.IsNull ? entry.Type : entry.Iatt.DirType;
    }
}
