using System;
using System.Buffers.Binary;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>Extended attributes: stored ones, virtual ones, and what fops ask for through their dictionaries.</summary>
public sealed partial class PosixTranslator
{
    private const int XattrSizeMax = 64 << 10;
    private const int ContentMax = 1 << 20;

    private readonly object _xattropLock = new(); // Held while an xattrop reads and writes back: they are atomic to each other.

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call)
    {
        var reply = SetxattrReply.Rent();
        var error = Resolve(fop.Gfid, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = SetXattrs(inode, fop.Gfid, fop.Values, (int)fop.Flags, call, reply);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call)
    {
        var reply = FsetxattrReply.Rent();
        var error = Resolve(fop.Gfid, fop.Fd, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = SetXattrs(inode, fop.Gfid, fop.Values, (int)fop.Flags, call, reply);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call)
    {
        var reply = GetxattrReply.Rent();
        var error = Resolve(fop.Gfid, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = GetXattrs(inode, fop.Gfid, fop.Name, out reply.Values);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call)
    {
        var reply = FgetxattrReply.Rent();
        var error = Resolve(fop.Gfid, fop.Fd, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = GetXattrs(inode, fop.Gfid, fop.Name, out reply.Values);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call)
    {
        var reply = RemovexattrReply.Rent();
        var error = Resolve(fop.Gfid, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = RemoveXattr(inode, fop.Gfid, fop.Name, call);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call)
    {
        var reply = FremovexattrReply.Rent();
        var error = Resolve(fop.Gfid, fop.Fd, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = RemoveXattr(inode, fop.Gfid, fop.Name, call);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call)
    {
        var reply = XattropReply.Rent();
        var error = Resolve(fop.Gfid, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = Operate(inode, fop.Gfid, fop.Kind, fop.Values, out reply.Values);
            StatInode(inode, fop.Gfid, out reply.Post);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call)
    {
        var reply = FxattropReply.Rent();
        var error = Resolve(fop.Gfid, fop.Fd, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = Operate(inode, fop.Gfid, fop.Kind, fop.Values, out reply.Values);
            StatInode(inode, fop.Gfid, out reply.Post);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    /// <summary>Names of our own bookkeeping: never listed, never set or removed by a client.</summary>
    private static bool IsInternal(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("trusted.gfid"u8)
        || name.SequenceEqual("trusted.glusterfs.volume-id"u8)
        || name.StartsWith("trusted.gfid2path."u8)
        || name.StartsWith("trusted.pgfid."u8);

    private static bool IsUnlisted(ReadOnlySpan<byte> name) =>
        IsInternal(name) || name.SequenceEqual("trusted.glusterfs.mdata"u8) || name.StartsWith("trusted.glusterfs.dht"u8)
        || name.StartsWith("trusted.afr."u8);

    private Errno SetXattrs(scoped in InodeRef inode, in Gfid gfid, XData? values, int flags, Call call, Reply reply)
    {
        if (values is null)
        {
            return Errno.EINVAL;
        }

        StatInode(inode, gfid, out var pre);
        foreach (var pair in values)
        {
            var error = SetXattr(inode, pair, flags, call);
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        if (StatInode(inode, gfid, out var post) == Errno.Ok)
        {
            UpdateMdata(inode, call, TimeFlags.Ctime, IsWithoutMdata(inode, gfid), ref post);
            var answer = reply.NeedXData();
            answer.SetIatt("virt-gf-prestat"u8, in pre);
            answer.SetIatt("virt-gf-poststat"u8, in post);
            answer.SetIatt("dht-get-iatt-in-xattr"u8, in post);
        }

        return Errno.Ok;
    }

    private Errno SetXattr(scoped in InodeRef inode, XData.Pair pair, int flags, Call call)
    {
        if (pair.Key.Length > 255 || pair.Value.Length > XattrSizeMax)
        {
            return pair.Key.Length > 255 ? Errno.ERANGE : Errno.E2BIG;
        }

        if (pair.Key.SequenceEqual("set-ctime-mdata"u8))
        {
            return SetMdata(inode, pair);
        }

        if (IsInternal(pair.Key) || (pair.Key.StartsWith("trusted.afr."u8) && call.Pid >= 0))
        {
            return Errno.EPERM;
        }

        if (pair.Key.SequenceEqual("trusted.glusterfs.mdata"u8) && !Mdata.TryRead(pair.Value, out _))
        {
            return Errno.EINVAL;
        }

        if (pair.Key.StartsWith("glusterfs."u8))
        {
            return Errno.EOPNOTSUPP;
        }

        var key = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        key.Append(pair.Key);
        var error = Sys.ErrorOf(inode.SetXattr(key.Path, pair.Value, flags));
        if (error == Errno.Ok && pair.Key.SequenceEqual("trusted.glusterfs.mdata"u8) && inode.Stat(out var stat) >= 0)
        {
            _store.Inodes.Forget(stat.Ino);
        }

        return error;
    }

    /// <summary>features/utime proposes times for an inode that has none.</summary>
    private Errno SetMdata(scoped in InodeRef inode, XData.Pair pair)
    {
        if (pair.Type != XDataType.Mdata || !Mdata.TryReadWire(pair.Value, out var mdata))
        {
            return Errno.EINVAL;
        }

        if (!TryReadMdata(inode, out _))
        {
            WriteMdata(inode, mdata);
        }

        return Errno.Ok;
    }

    private Errno RemoveXattr(scoped in InodeRef inode, in Gfid gfid, Name name, Call call)
    {
        if (name.Length is 0 or > 255 || IsInternal(name.Span))
        {
            return name.Length is 0 or > 255 ? Errno.EINVAL : Errno.EPERM;
        }

        var key = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        key.Append(name.Span);
        var error = Sys.ErrorOf(inode.RemoveXattr(key.Path));
        if (error == Errno.Ok && StatInode(inode, gfid, out var post) == Errno.Ok)
        {
            UpdateMdata(inode, call, TimeFlags.Ctime, IsWithoutMdata(inode, gfid), ref post);
        }

        return error;
    }

    private Errno GetXattrs(scoped in InodeRef inode, in Gfid gfid, Name name, out XData? values)
    {
        values = null;
        if (name.Length > 255)
        {
            return Errno.ERANGE;
        }

        if (name.IsEmpty)
        {
            values = XData.Rent();
            return AddAll(inode, values);
        }

        if (TryVirtual(gfid, name.Span, out var text))
        {
            values = XData.Rent();
            values.SetString(name.Span, text);
            return Errno.Ok;
        }

        values = XData.Rent();
        var error = AddStored(inode, name.Span, values);
        if (error != Errno.Ok)
        {
            values.Release();
            values = null;
        }

        return error;
    }

    /// <summary>All xattrs that clients may see, with their values.</summary>
    private static Errno AddAll(scoped in InodeRef inode, XData values)
    {
        var names = new byte[XattrSizeMax];
        var length = inode.ListXattr(names);
        if (length < 0)
        {
            return Sys.ErrorOf(length) == Errno.EOPNOTSUPP ? Errno.Ok : Sys.ErrorOf(length);
        }

        var rest = names.AsSpan(0, length);
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf((byte)0);
            if (!IsUnlisted(rest[..end]))
            {
                AddStored(inode, rest[..end], values);
            }

            rest = rest[(end + 1)..];
        }

        return Errno.Ok;
    }

    private static Errno AddStored(scoped in InodeRef inode, ReadOnlySpan<byte> name, XData values)
    {
        var key = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        key.Append(name);
        Span<byte> small = stackalloc byte[1024];
        var size = inode.GetXattr(key.Path, small);
        if (size >= 0)
        {
            values.SetBytes(name, small[..size]);
            return Errno.Ok;
        }

        if (Sys.ErrorOf(size) != Errno.ERANGE)
        {
            return Sys.ErrorOf(size);
        }

        var large = new byte[XattrSizeMax];
        size = inode.GetXattr(key.Path, large);
        if (size >= 0)
        {
            values.SetBytes(name, large.AsSpan(0, size));
        }

        return Sys.ErrorOf(size);
    }

    private bool TryVirtual(in Gfid gfid, ReadOnlySpan<byte> name, out string text)
    {
        text = string.Empty;
        if (name.SequenceEqual("glusterfs.pathinfo"u8) || name.SequenceEqual("trusted.glusterfs.pathinfo"u8))
        {
            text = $"<POSIX({_store.Path}):{Environment.MachineName}:{_store.Path}{_store.PathOf(gfid)}>";
        }
        else if (name.SequenceEqual("glusterfs.gfid.string"u8))
        {
            text = gfid.ToString();
        }
        else if (name.SequenceEqual("trusted.glusterfs.node-uuid"u8))
        {
            text = Options.Text("glusterd-uuid");
        }
        else if (name.SequenceEqual("glusterfs.ancestry.path"u8) || name.SequenceEqual("glusterfs.gfid2path"u8))
        {
            text = _store.PathOf(gfid);
        }

        return text.Length > 0;
    }

    /// <summary>Answers what a LOOKUP or STAT asks for in its dictionary.</summary>
    private void AnswerXData(scoped in InodeRef inode, in Iatt iatt, XData? asked, Reply reply)
    {
        if (asked is null)
        {
            return;
        }

        var answer = ReadAsked(inode, asked, reply.XData);
        if (asked.Contains("glusterfs.open-fd-count"u8))
        {
            answer ??= XData.Rent();
            answer.SetUInt("glusterfs.open-fd-count"u8, (ulong)_store.OpenFiles.CountOf(iatt.Gfid));
        }

        if (iatt.IsRegular && asked.TryGetInt("glusterfs.content"u8, out var limit) && iatt.Size > 0 && iatt.Size <= (ulong)limit
            && iatt.Size <= ContentMax)
        {
            answer ??= XData.Rent();
            AddContent(iatt, answer);
        }

        reply.XData = answer;
    }

    private void AddContent(in Iatt iatt, XData answer)
    {
        if (_store.OpenAnonymous(iatt.Gfid, out var file) != Errno.Ok)
        {
            return;
        }

        var buffer = PayloadPool.Shared.Rent((int)iatt.Size);
        var count = Sys.ReadFile(file.Fd, buffer.Address, (int)iatt.Size, 0);
        if (count == (long)iatt.Size)
        {
            answer.SetBytes("glusterfs.content"u8, buffer.GetSpan()[..(int)count]);
        }

        buffer.Release();
        file.Drop();
    }

    /// <summary>Stored xattrs whose names (or patterns) are keys of the request; null when none is there.</summary>
    private static XData? ReadAsked(scoped in InodeRef inode, XData asked, XData? answer)
    {
        Span<byte> names = stackalloc byte[2048];
        var length = inode.ListXattr(names);
        if (length < 0)
        {
            return answer; // More names than any client asks for, or no xattrs at all.
        }

        var all = asked.Contains("list-xattr"u8);
        var rest = names[..length];
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf((byte)0);
            var name = rest[..end];
            if ((all && !IsUnlisted(name)) || IsAsked(asked, name))
            {
                answer ??= XData.Rent();
                AddStored(inode, name, answer);
            }

            rest = rest[(end + 1)..];
        }

        return answer;
    }

    private static bool IsAsked(XData asked, ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("trusted.gfid"u8))
        {
            return false;
        }

        foreach (var pair in asked)
        {
            if (pair.Key.SequenceEqual(name) || (!pair.Key.IsEmpty && pair.Key[^1] == (byte)'*' && name.StartsWith(pair.Key[..^1])))
            {
                return true;
            }
        }

        return false;
    }

    private Errno Operate(scoped in InodeRef inode, in Gfid gfid, XattropKind kind, XData? values, out XData? answer)
    {
        answer = null;
        if (values is null)
        {
            return Errno.EINVAL;
        }

        answer = XData.Rent();
        lock (_xattropLock)
        {
            foreach (var pair in values)
            {
                var error = OperateOne(inode, kind, pair, answer);
                if (error != Errno.Ok)
                {
                    return error;
                }
            }
        }

        return Errno.Ok;
    }

    private static Errno OperateOne(scoped in InodeRef inode, XattropKind kind, XData.Pair pair, XData answer)
    {
        if (pair.Key.Length > 255 || pair.Value.Length > 1024 || IsInternal(pair.Key))
        {
            return Errno.EINVAL;
        }

        var key = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        key.Append(pair.Key);
        Span<byte> value = stackalloc byte[1024];
        value.Clear();
        var size = inode.GetXattr(key.Path, value);
        if (size < 0 && Sys.ErrorOf(size) != Errno.ENODATA)
        {
            return Sys.ErrorOf(size);
        }

        var result = value[..pair.Value.Length];
        Combine(kind, result, pair.Value);
        answer.SetBytes(pair.Key, result);

        // An all-zero value is not created: a read by adding zero leaves no trace.
        return size < 0 && result.IndexOfAnyExcept((byte)0) < 0 ? Errno.Ok : Sys.ErrorOf(inode.SetXattr(key.Path, result, 0));
    }

    private static void Combine(XattropKind kind, Span<byte> value, ReadOnlySpan<byte> operand)
    {
        switch (kind)
        {
            case XattropKind.AddArray64 or XattropKind.AddArray64WithDefault:
                for (var i = 0; i + 8 <= value.Length; i += 8)
                {
                    BinaryPrimitives.WriteInt64BigEndian(
                        value[i..], BinaryPrimitives.ReadInt64BigEndian(value[i..]) + BinaryPrimitives.ReadInt64BigEndian(operand[i..]));
                }

                break;
            case XattropKind.Or or XattropKind.And:
                for (var i = 0; i < value.Length; i++)
                {
                    value[i] = kind == XattropKind.Or ? (byte)(value[i] | operand[i]) : (byte)(value[i] & operand[i]);
                }

                break;
            case XattropKind.GetAndSet:
                operand.CopyTo(value);
                break;
            default:
                for (var i = 0; i + 4 <= value.Length; i += 4)
                {
                    BinaryPrimitives.WriteInt32BigEndian(
                        value[i..], BinaryPrimitives.ReadInt32BigEndian(value[i..]) + BinaryPrimitives.ReadInt32BigEndian(operand[i..]));
                }

                break;
        }
    }
}
