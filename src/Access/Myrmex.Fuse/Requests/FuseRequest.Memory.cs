using System;
using System.Runtime.CompilerServices;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;
using Myrmex.Graph;

namespace Myrmex.Fuse;

/// <summary>
/// The memory of a request. On the device transport one native buffer:
/// <code>
/// 0      reply header (16), reply body
/// 4016   request header (40), operation structure, names
/// 4096   data of a WRITE: header and structure are 80 bytes, so that the data is page-aligned and fit for O_DIRECT
/// </code>
/// Names and data are lent to the fop. Bytes of the request are never trusted: every structure and name is checked
/// against
/// the length that was read.
/// </summary>
internal sealed unsafe partial class FuseRequest
{
    /// <summary>Where the device transport reads a request to.</summary>
    public const int MessageOffset = 4096 - FuseInHeader.Size - 40;

    private const int BodyOffset = FuseOutHeader.Size;
    private const int BodyCapacity = MessageOffset - BodyOffset;

    private PayloadBuffer? _buffer;
    private byte* _body;
    private FuseInHeader* _header;
    private byte* _argument;
    private int _argumentLength;
    private int _tailOffset;
    private int _tailLength;
    private bool _tailFollowsArgument;

    public ulong Unique => _header->Unique;

    public byte* Body => _body;

    private FuseOpcode Opcode => _header->Opcode;

    private ulong Node => _header->Node;

    /// <summary>
    /// Takes a buffer with a whole request in the device's layout. The request owns the buffer from here on, also when
    /// the
    /// answer is false: the bytes are no request.
    /// </summary>
    public bool TryAttach(FuseSession session, FuseTransport transport, PayloadBuffer buffer, int length)
    {
        var memory = (byte*)buffer.Address;
        _session = session;
        _transport = transport;
        _buffer = buffer;
        _body = memory + BodyOffset;
        _header = (FuseInHeader*)(memory + MessageOffset);
        if (length < FuseInHeader.Size || _header->Length != length || length > buffer.Capacity - MessageOffset)
        {
            return false;
        }

        _argument = memory + MessageOffset + FuseInHeader.Size;
        _argumentLength = length - FuseInHeader.Size;
        _tailFollowsArgument = true;
        Rewind();
        return true;
    }

    /// <summary>Gives everything back without a reply, for a request that was never dispatched.</summary>
    public void Discard() => Recycle();

    private void Rewind()
    {
        if (_tailFollowsArgument)
        {
            _tailOffset = MessageOffset + FuseInHeader.Size;
            _tailLength = _argumentLength;
        }
    }

    private void FreeMemory()
    {
        _header = null;
        _body = null;
        _argument = null;
        _buffer?.Release();
        _buffer = null;
    }

    /// <summary>Copies the operation structure; false when the request is too short for it.</summary>
    private bool TryTake<T>(out T argument)
        where T : unmanaged => TryTake(sizeof(T), out argument);

    /// <summary>As above for a structure of which only the first <paramref name="size"/> bytes come.</summary>
    private bool TryTake<T>(int size, out T argument)
        where T : unmanaged
    {
        argument = default;
        if (_argumentLength < size)
        {
            return false;
        }

        fixed (T* target = &argument)
        {
            Buffer.MemoryCopy(_argument, target, sizeof(T), size);
        }

        if (_tailFollowsArgument)
        {
            _tailOffset += size;
            _tailLength -= size;
        }

        return true;
    }

    /// <summary>Takes a NUL-terminated name; false when there is no end to it.</summary>
    private bool TryTakeName(out Name name)
    {
        name = default;
        var length = TailSpan().IndexOf((byte)0);
        if (length < 0)
        {
            return false;
        }

        name = new Name(_buffer!.Memory.Slice(_tailOffset, length));
        _tailOffset += length + 1;
        _tailLength -= length + 1;
        return true;
    }

    /// <summary>What follows the structure and the names taken so far; lent.</summary>
    private ReadOnlySpan<byte> TailSpan() => new((byte*)_buffer!.Address + _tailOffset, _tailLength);

    private Payload TailPayload(int length) => new(_buffer!, _tailOffset, length);

    /// <summary>The reply body as a structure, zeroed.</summary>
    private ref T NewBody<T>()
        where T : unmanaged
    {
        Invariant.Check(sizeof(T) <= BodyCapacity);
        _bodyLength = sizeof(T);
        ref var body = ref Unsafe.AsRef<T>(_body);
        body = default;
        return ref body;
    }

    private void SetIdentity(Call call)
    {
        call.Uid = _header->Uid;
        call.Gid = _header->Gid;
        call.Pid = (int)_header->Pid;

        // A lock owner for fops that have none: the process. Source: lk-owner of FUSE fops on the wire.
        call.LockOwner = new LkOwner(new ReadOnlySpan<byte>(&_header->Pid, sizeof(uint)));
    }

    private uint CallerUid() => _header->Uid;

    /// <summary>Counts a lookup of the inode and fills <paramref name="entry"/>.</summary>
    private void SetEntry(ref FuseEntryOut entry, in Iatt iatt)
    {
        var options = _session.Options;
        var node = Inodes.Link(iatt.Gfid, in iatt, _token, _nowNs, out var generation);
        _linkedNode = node;
        entry.Node = node;
        entry.Generation = generation;
        FuseConversion.SetTimeout(options.EntryTimeoutNs, out entry.EntryValid, out entry.EntryValidNsec);
        FuseConversion.SetTimeout(options.AttributeTimeoutNs, out entry.AttrValid, out entry.AttrValidNsec);
        FuseConversion.SetAttr(ref entry.Attr, in iatt);
    }

    /// <summary>The reply of an operation that names an inode.</summary>
    private Errno PutEntry(in Iatt iatt)
    {
        if (iatt.Gfid.IsNull)
        {
            return Errno.EIO;
        }

        SetEntry(ref NewBody<FuseEntryOut>(), in iatt);
        return Errno.Ok;
    }

    private Errno PutAttr(in Iatt iatt, long validNs)
    {
        if (iatt.IsNull)
        {
            return Errno.EIO;
        }

        ref var body = ref NewBody<FuseAttrOut>();
        FuseConversion.SetTimeout(validNs, out body.AttrValid, out body.AttrValidNsec);
        FuseConversion.SetAttr(ref body.Attr, in iatt);
        return Errno.Ok;
    }

    private void PutStatx(in Iatt iatt)
    {
        ref var body = ref NewBody<FuseStatxOut>();
        FuseConversion.SetStatx(ref body, in iatt);
        FuseConversion.SetTimeout(_session.Options.AttributeTimeoutNs, out body.AttrValid, out body.AttrValidNsec);
    }

    private void PutOpen(FuseFile file, FuseOpenReplyFlags flags)
    {
        ref var body = ref NewBody<FuseOpenOut>();
        body.Handle = file.Handle;
        body.OpenFlags = flags;
    }

    private void PutCreate(in Iatt iatt, FuseOpenReplyFlags flags)
    {
        ref var body = ref NewBody<FuseCreateOut>();
        SetEntry(ref body.Entry, in iatt);
        body.Open.OpenFlags = flags;
    }

    /// <summary>The handle of <see cref="PutCreate"/>, known once the node is.</summary>
    private void SetCreateHandle(ulong handle) => ((FuseCreateOut*)_body)->Open.Handle = handle;

    private void PutWritten(int count) => NewBody<FuseWriteOut>().Size = (uint)count;

    private void PutCopied(bool wide, ulong count)
    {
        if (wide)
        {
            NewBody<FuseCopyFileRangeOut>().Copied = count;
        }
        else
        {
            NewBody<FuseWriteOut>().Size = (uint)count;
        }
    }

    /// <summary>Copies bytes into the reply: into its body when they fit, else into a buffer of their own.</summary>
    private void PutBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= BodyCapacity)
        {
            bytes.CopyTo(new Span<byte>(_body, BodyCapacity));
            _bodyLength = bytes.Length;
        }
        else
        {
            _data = Payload.CopyOf(bytes);
        }
    }

    private void PutXattrSize(int size) => NewBody<FuseGetxattrOut>().Size = (uint)size;

    private void PutStatfs(in StatFs statfs) =>
        FuseConversion.SetStatfs(ref NewBody<FuseStatfsOut>(), in statfs);

    private void PutOffset(ulong offset) => NewBody<FuseLseekOut>().Offset = offset;

    private void PutLock(in FuseFileLock found) => NewBody<FuseLkOut>().Lock = found;

    /// <summary>Forgets the nodes of a listing that the kernel has not taken.</summary>
    private static void ForgetListed(InodeTable inodes, ReadOnlySpan<byte> listing)
    {
        while (listing.Length >= FuseDirentPlus.Size)
        {
            var entry = System.Runtime.InteropServices.MemoryMarshal.Read<FuseDirentPlus>(listing);
            if (entry.Entry.Node != 0)
            {
                inodes.Forget(entry.Entry.Node, 1);
            }

            var size = (FuseDirentPlus.Size + (int)entry.Dirent.NameLength + 7) & ~7;
            listing = listing[Math.Min(size, listing.Length)..];
        }
    }
}
