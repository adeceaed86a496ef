using System;
using System.Buffers;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>SETXATTR, GETXATTR, REMOVEXATTR, XATTROP and their forms with an fd.</summary>
public sealed partial class PosixTranslator
{
    /// <summary>
    /// EPERM for what the brick keeps for itself, EINVAL for malformed stored times, ERANGE and E2BIG for too long
    /// names and values, EOPNOTSUPP for other name spaces. Attributes before a refused one stay set.
    /// </summary>
    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call)
    {
        var reply = SetxattrReply.Rent();
        return new(Finish(reply, SetXattrsOf(fd: null, fop.Gfid, fop.Values, fop.Flags, fop.XData, reply, call)));
    }

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call)
    {
        var reply = FsetxattrReply.Rent();
        return new(Finish(reply, SetXattrsOf(fop.Fd, fop.Gfid, fop.Values, fop.Flags, fop.XData, reply, call)));
    }

    /// <summary>
    /// One value, or all that clients may see when the name is empty. ENODATA when there is no such attribute.
    /// </summary>
    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call)
    {
        var reply = GetxattrReply.Rent();
        return new(Finish(reply, GetXattrsOf(fd: null, fop.Gfid, fop.Name, fop.XData, ref reply.Values, reply)));
    }

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call)
    {
        var reply = FgetxattrReply.Rent();
        return new(Finish(reply, GetXattrsOf(fop.Fd, fop.Gfid, fop.Name, fop.XData, ref reply.Values, reply)));
    }

    /// <summary>
    /// ENODATA when there is none; with an empty name all that the xdata names are removed, present or not.
    /// </summary>
    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call)
    {
        var reply = RemovexattrReply.Rent();
        return new(Finish(reply, RemoveXattrsOf(fd: null, fop.Gfid, fop.Name, fop.XData, reply, call)));
    }

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call)
    {
        var reply = FremovexattrReply.Rent();
        return new(Finish(reply, RemoveXattrsOf(fop.Fd, fop.Gfid, fop.Name, fop.XData, reply, call)));
    }

    /// <summary>
    /// Arithmetic on attributes, each pair for itself, all under the lock of the inode. The reply has the values
    /// afterwards, for get-and-set the ones before. Adding zeros makes no attribute.
    /// </summary>
    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call)
    {
        var reply = XattropReply.Rent();
        return new(Finish(
            reply,
            XattropOf(
                fd: null, fop.Gfid, fop.Kind, fop.Values, fop.XData,
                ref reply.Values, ref reply.Pre, ref reply.Post, reply)));
    }

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call)
    {
        var reply = FxattropReply.Rent();
        return new(Finish(
            reply,
            XattropOf(
                fop.Fd, fop.Gfid, fop.Kind, fop.Values, fop.XData,
                ref reply.Values, ref reply.Pre, ref reply.Post, reply)));
    }

    private Errno SetXattrsOf(
        Fd? fd, in Gfid gfid, XData? values, uint flags, XData? xdata, Reply reply, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var error = FindTarget(fd, gfid, path, out var inode, out var held);
        if (error == Errno.Ok)
        {
            error = SetXattrsFor(ref inode, values, flags, xdata, reply, call);
            inode.Dispose();
            held?.Release();
        }

        return error;
    }

    private Errno GetXattrsOf(Fd? fd, in Gfid gfid, Name name, XData? xdata, ref XData? values, Reply reply)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var error = FindTarget(fd, gfid, path, out var inode, out var held);
        if (error == Errno.Ok)
        {
            values = XData.Rent();
            error = GetXattrsFor(in inode, name, values);
            AnswerXData(xdata, in inode, reply);
            inode.Dispose();
            held?.Release();
        }

        return error;
    }

    private Errno RemoveXattrsOf(Fd? fd, in Gfid gfid, Name name, XData? xdata, Reply reply, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var error = FindTarget(fd, gfid, path, out var inode, out var held);
        if (error == Errno.Ok)
        {
            error = RemoveXattrsFor(ref inode, name, xdata, reply, call);
            inode.Dispose();
            held?.Release();
        }

        return error;
    }

    private Errno XattropOf(
        Fd? fd, in Gfid gfid, XattropKind kind, XData? operands, XData? xdata, ref XData? values, ref Iatt pre,
        ref Iatt post, Reply reply)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var error = FindTarget(fd, gfid, path, out var inode, out var held);
        if (error == Errno.Ok)
        {
            values = XData.Rent();
            FillIatt(ref pre, in inode);
            error = ApplyXattrop(ref inode, kind, operands, values);
            FillIatt(ref post, in inode);
            AnswerXData(xdata, in inode, reply);
            inode.Dispose();
            held?.Release();
        }

        return error;
    }

    /// <summary>
    /// The inode that a fop with a gfid, or with an fd, means. Dispose it, then release what is held.
    /// </summary>
    private Errno FindTarget(Fd? fd, scoped in Gfid gfid, Span<byte> path, out Inode inode, out OpenFile? held)
    {
        held = null;
        return fd is null ? Find(gfid, path, out inode) : FindOpen(fd, gfid, path, out inode, out held);
    }

    private static bool WantsIatts(XData? xdata) =>
        xdata is not null
        && (xdata.Contains(StorageKeys.IattInXattr)
            || xdata.Contains(StorageKeys.PreStat)
            || xdata.Contains(StorageKeys.PostStat));

    private Errno SetXattrsFor(ref Inode inode, XData? values, uint flags, XData? xdata, Reply reply, Call call)
    {
        var pre = default(Iatt);
        var wantsIatt = WantsIatts(xdata);
        if (wantsIatt)
        {
            FillIatt(ref pre, in inode);
        }

        var error = values is null ? Errno.EINVAL : CheckSpace(call, xdata);
        if (error == Errno.Ok)
        {
            error = SetSpecial(ref inode, values!, out var hasOthers); // Checked above.
            if (error == Errno.Ok && hasOthers)
            {
                error = SetXattrs(in inode, values, (int)flags);
                inode.Restat();
                Stamp(ref inode, TimesToStamp(in inode.Facts, TimeFlags.Ctime, call) & TimeFlags.Ctime, call);
            }
        }

        if (wantsIatt && error == Errno.Ok)
        {
            AnswerIatts(in inode, in pre, reply);
        }

        return error;
    }

    /// <summary>Three iatts under the names that distributing clients know.</summary>
    private void AnswerIatts(in Inode inode, in Iatt pre, Reply reply)
    {
        var post = default(Iatt);
        FillIatt(ref post, in inode);
        var answer = reply.NeedXData();
        answer.SetIatt(StorageKeys.PreStat, in pre);
        answer.SetIatt(StorageKeys.PostStat, in post);
        answer.SetIatt(StorageKeys.IattInXattr, in post);
    }

    /// <summary>Handles the names that are no plain attributes: stored times.</summary>
    private Errno SetSpecial(ref Inode inode, XData values, out bool hasOthers)
    {
        hasOthers = false;
        foreach (var pair in values)
        {
            if (pair.Key.SequenceEqual(StorageKeys.SetCtimeMdata))
            {
                if (!Mdata.TryReadWire(pair.Value, out var wire))
                {
                    return Errno.EINVAL;
                }

                FirstMdata(ref inode, in wire);
            }
            else if (pair.Key.SequenceEqual(StorageKeys.Mdata))
            {
                if (!Mdata.TryRead(pair.Value, out var mdata))
                {
                    return Errno.EINVAL;
                }

                lock (_inodeLocks.Of(inode.Facts.Gfid))
                {
                    StoreMdata(ref inode, in mdata);
                }
            }
            else
            {
                hasOthers = true;
            }
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Stores the times that a client has seen on a file that has none stored. Several clients may do so at once: later
    /// times win, as between copies.
    /// </summary>
    private void FirstMdata(ref Inode inode, in Mdata seen)
    {
        if (!Settings.KeepsTimes)
        {
            return;
        }

        lock (_inodeLocks.Of(inode.Facts.Gfid))
        {
            var mdata = CurrentMdata(ref inode);
            if (!inode.Facts.HasMdata)
            {
                StoreMdata(ref inode, in seen);
                return;
            }

            var isChanged = mdata.Advance(TimeFlags.Ctime, seen.Ctime, seen.CtimeNsec);
            isChanged |= mdata.Advance(TimeFlags.Mtime, seen.Mtime, seen.MtimeNsec);
            isChanged |= mdata.Advance(TimeFlags.Atime, seen.Atime, seen.AtimeNsec);
            if (isChanged)
            {
                StoreMdata(ref inode, in mdata);
            }
        }
    }

    /// <summary>Sets plain attributes, refusing the brick's own.</summary>
    private static Errno SetXattrs(in Inode inode, XData? values, int flags)
    {
        if (values is null)
        {
            return Errno.Ok;
        }

        foreach (var pair in values)
        {
            if (pair.Key.SequenceEqual(StorageKeys.SetCtimeMdata) || pair.Key.SequenceEqual(StorageKeys.Mdata))
            {
                continue;
            }

            var error = XattrRules.CheckSettable(pair.Key, pair.Type, pair.Value.Length);
            if (error == Errno.Ok)
            {
                error = inode.SetXattr(pair.Key, pair.Value, flags);
            }

            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return Errno.Ok;
    }

    private Errno RemoveXattrsFor(ref Inode inode, Name name, XData? xdata, Reply reply, Call call)
    {
        var pre = default(Iatt);
        var wantsIatt = WantsIatts(xdata);
        if (wantsIatt)
        {
            FillIatt(ref pre, in inode);
        }

        var error = name.IsEmpty ? RemoveListed(in inode, xdata) : RemoveXattr(in inode, name.Span);
        if (error == Errno.Ok)
        {
            inode.Restat();
            Stamp(ref inode, TimesToStamp(in inode.Facts, TimeFlags.Ctime, call) & TimeFlags.Ctime, call);
            if (wantsIatt)
            {
                AnswerIatts(in inode, in pre, reply);
            }
        }

        return error;
    }

    private static Errno RemoveListed(in Inode inode, XData? xdata)
    {
        if (xdata is null)
        {
            return Errno.EINVAL;
        }

        foreach (var pair in xdata)
        {
            if (!XattrRules.IsStorable(pair.Key))
            {
                continue;
            }

            var error = RemoveXattr(in inode, pair.Key);
            if (error is not (Errno.Ok or Errno.ENODATA))
            {
                return error;
            }
        }

        return Errno.Ok;
    }

    private static Errno RemoveXattr(in Inode inode, ReadOnlySpan<byte> name) =>
        XattrRules.IsUnlisted(name) ? Errno.EPERM
        : !XattrRules.IsStorable(name) ? Errno.ENODATA
        : inode.RemoveXattr(name);

    private Errno ApplyXattrop(ref Inode inode, XattropKind kind, XData? operands, XData answer)
    {
        if (operands is null)
        {
            return Errno.EINVAL;
        }

        var stored = ArrayPool<byte>.Shared.Rent(XattrRules.ValueMax);
        var result = ArrayPool<byte>.Shared.Rent(XattrRules.ValueMax);
        var error = Errno.Ok;
        lock (_inodeLocks.Of(inode.Facts.Gfid))
        {
            foreach (var pair in operands)
            {
                error = XattrRules.CheckSettable(pair.Key, pair.Type, pair.Value.Length);
                if (error == Errno.Ok)
                {
                    error = ApplyXattrop(in inode, kind, pair, stored, result, answer);
                }

                if (error != Errno.Ok)
                {
                    break;
                }
            }
        }

        ArrayPool<byte>.Shared.Return(stored);
        ArrayPool<byte>.Shared.Return(result);
        return error;
    }

    private static Errno ApplyXattrop(
        in Inode inode, XattropKind kind, XData.Pair pair, Span<byte> stored, Span<byte> result, XData answer)
    {
        var size = inode.GetXattr(pair.Key, stored[..XattrRules.ValueMax]);
        if (size < 0 && Sys.ErrorOf(size) != Errno.ENODATA)
        {
            return Sys.ErrorOf(size);
        }

        var old = stored[..(int)Math.Max(0, size)];
        var error = XattropMath.Apply(kind, old, pair.Value, result);
        if (error != Errno.Ok)
        {
            return error;
        }

        var now = result[..pair.Value.Length];
        if (!XattropMath.IsQuestion(kind, pair.Value) && !now.SequenceEqual(old))
        {
            error = inode.SetXattr(pair.Key, now);
        }

        answer.SetBytes(pair.Key, kind == XattropKind.GetAndSet ? old : now);
        return error;
    }

    private Errno GetXattrsFor(in Inode inode, Name name, XData values)
    {
        if (name.IsEmpty)
        {
            return ReadAllXattrs(in inode, values);
        }

        var key = name.Span;
        if (XattrRules.IsHidden(key))
        {
            return Errno.ENODATA;
        }

        if (TryGetVirtual(in inode, key, values, out var error))
        {
            return error;
        }

        return XattrRules.IsStorable(key) ? ReadXattr(in inode, key, values) : Errno.ENODATA;
    }

    /// <summary>Names that are answered and not stored.</summary>
    private bool TryGetVirtual(in Inode inode, ReadOnlySpan<byte> key, XData values, out Errno error)
    {
        error = Errno.Ok;
        if (key.IndexOf("glusterfs."u8) is not (0 or 8))
        {
            return false;
        }

        if (key.SequenceEqual(StorageKeys.PathInfo) || key.SequenceEqual(StorageKeys.PathInfoShort))
        {
            error = AnswerPathInfo(in inode, key, values);
        }
        else if (key.SequenceEqual(StorageKeys.NodeUuid))
        {
            values.SetString(key, Settings.NodeUuid.Length > 0 ? Settings.NodeUuid : default(Gfid).ToString());
        }
        else if (key.SequenceEqual(StorageKeys.GfidText))
        {
            Span<byte> text = stackalloc byte[36];
            inode.Facts.Gfid.Format(text);
            values.SetString(key, text);
        }
        else if (key.SequenceEqual(StorageKeys.GfidBytes))
        {
            Span<byte> bytes = stackalloc byte[Gfid.Size];
            inode.Facts.Gfid.CopyTo(bytes);
            values.SetBytes(key, bytes);
        }
        else if (key.SequenceEqual(StorageKeys.Gfid2Path) || key.SequenceEqual(StorageKeys.AncestryPath))
        {
            error = AnswerPaths(in inode, key, values);
        }
        else if (key.StartsWith(StorageKeys.RealFileNamePrefix))
        {
            error = AnswerRealName(in inode, key, values);
        }
        else
        {
            return false;
        }

        return true;
    }

    private Errno AnswerPathInfo(in Inode inode, ReadOnlySpan<byte> key, XData values)
    {
        if (PathOf(in inode) is not { } path)
        {
            return Errno.ENODATA;
        }

        var settings = Settings;
        var text = new ArrayBufferWriter<byte>();
        text.Write(
            Encoding.UTF8.GetBytes($"<POSIX({settings.Directory}):{Environment.MachineName}:{settings.Directory}"));
        text.Write(path);
        text.Write(">"u8);
        values.SetString(key, text.WrittenSpan);
        return Errno.Ok;
    }

    private Errno AnswerPaths(in Inode inode, ReadOnlySpan<byte> key, XData values)
    {
        var paths = inode.IsDirectory
            ? PathOfDirectory(inode.Facts.Gfid) ?? []
            : PathsOf(
                in inode, Encoding.UTF8.GetBytes(Settings.Gfid2PathSeparator),
                onlyFirst: key.SequenceEqual(StorageKeys.AncestryPath));
        if (paths.Length == 0)
        {
            return Errno.ENODATA;
        }

        values.SetString(key, paths);
        return Errno.Ok;
    }

    /// <summary>The name in a directory that is equal but for the case of letters; ENOENT when there is none.</summary>
    private static Errno AnswerRealName(in Inode inode, ReadOnlySpan<byte> key, XData values)
    {
        if (!inode.IsDirectory)
        {
            return Errno.ENOTDIR;
        }

        var wanted = Encoding.UTF8.GetString(key[StorageKeys.RealFileNamePrefix.Length..]);
        var fd = inode.Open(Sys.OReadOnly | Sys.ODirectory);
        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        var names = DirectoryScan.Names(fd);
        Sys.Close(fd);
        foreach (var name in names)
        {
            if (string.Equals(Encoding.UTF8.GetString(name), wanted, StringComparison.OrdinalIgnoreCase)
                && !StorageRules.IsInternal(inode.Facts.Gfid, name))
            {
                values.SetString(key, name);
                return Errno.Ok;
            }
        }

        return Errno.ENOENT;
    }
}
