using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>LOOKUP: from a name or a gfid to attributes, healing what a crash or a take-over left without gfid.</summary>
public sealed partial class PosixTranslator
{
    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call)
    {
        var reply = LookupReply.Rent();
        var error = fop.Name.IsEmpty ? LookupGfid(in fop, reply) : LookupName(in fop, call, reply);
        if (error != Errno.Ok)
        {
            reply.Error = error;
            reply.OpRet = -1;
        }

        return new(reply);
    }

    private Errno LookupGfid(in LookupFop fop, LookupReply reply)
    {
        var error = Resolve(fop.Gfid, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = StatInode(inode, fop.Gfid, out reply.Iatt);
            if (error == Errno.Ok)
            {
                AnswerXData(inode, in reply.Iatt, fop.XData, reply);
            }
        }

        inode.Dispose();
        return error;
    }

    private Errno LookupName(in LookupFop fop, Call call, LookupReply reply)
    {
        if (fop.Name.Length > Base.Name.LengthMax)
        {
            return Errno.ENAMETOOLONG;
        }

        if (fop.Parent.IsRoot && fop.Name.Equals(".glusterfs"u8))
        {
            return Errno.EPERM;
        }

        if (fop.Name.IsDotOrDotDot || !fop.Name.IsValidEntry)
        {
            return Errno.EINVAL;
        }

        var error = _store.GetDirectory(fop.Parent, out var parent);
        if (error != Errno.Ok)
        {
            return error;
        }

        error = LookupIn(parent.Fd, in fop, call, reply);
        if (error is Errno.Ok or Errno.ENOENT)
        {
            StatInode(new InodeRef(parent), fop.Parent, out reply.PostParent);
        }

        parent.Drop();
        return error;
    }

    private Errno LookupIn(int parent, in LookupFop fop, Call call, LookupReply reply)
    {
        var path = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        path.AppendProc(parent);
        var at = path.Text.Length;
        path.Append(fop.Name.Span);
        var inode = new InodeRef(parent, path.Path, at);
        var error = Identify(inode, out var stat, out var gfid, out var hasNoMdata);
        if (error == Errno.ENODATA)
        {
            error = GiveGfid(inode, in fop, out stat, out gfid);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        reply.Iatt = ToIatt(stat, gfid);
        if (!hasNoMdata && TryReadMdata(inode, out var mdata))
        {
            mdata.ApplyTo(ref reply.Iatt);
        }

        if (stat.IsDirectory && _store.Directories.TryGet(gfid) is { } known)
        {
            known.Drop();
        }
        else if (stat.IsDirectory)
        {
            OpenFoundDirectory(inode, gfid, in fop);
        }

        if (fop.XData is not null)
        {
            AnswerXData(inode, in reply.Iatt, fop.XData, reply);
        }

        return Errno.Ok;
    }

    /// <summary>Keeps the directory open: fops in it come next. A moved directory gets its handle repaired by the way.</summary>
    private void OpenFoundDirectory(scoped in InodeRef inode, in Gfid gfid, in LookupFop fop)
    {
        var fd = Sys.OpenAt(inode.Directory, inode.AtPath, Sys.OpenDirectory | Sys.OpenNofollow);
        if (fd < 0)
        {
            return;
        }

        if (BrickStore.ReadGfid(fd) != gfid)
        {
            Sys.Close(fd); // Somebody was quicker; the next lookup sees it.
            return;
        }

        _store.AddDirectory(gfid, fd, fop.Parent, fop.Name.Span).Drop();
    }

    /// <summary>Attributes and gfid of a name; ENODATA when the inode has no gfid.</summary>
    private Errno Identify(scoped in InodeRef inode, out Statx stat, out Gfid gfid, out bool hasNoMdata)
    {
        var stamp = _store.Inodes.Stamp;
        var error = Sys.ErrorOf(inode.Stat(out stat));
        gfid = default;
        hasNoMdata = false;
        if (error != Errno.Ok)
        {
            return error;
        }

        var birth = BirthOf(stat);
        if (_store.Inodes.TryGet(stat.Ino, birth, out gfid, out hasNoMdata))
        {
            return Errno.Ok;
        }

        Span<byte> value = stackalloc byte[Gfid.Size];
        var size = inode.GetXattr("trusted.gfid\0"u8, value);
        if (size != Gfid.Size)
        {
            return size >= 0 || Sys.ErrorOf(size) is Errno.ENODATA or Errno.ERANGE ? Errno.ENODATA : Sys.ErrorOf(size);
        }

        gfid = Gfid.FromBytes(value);
        Span<byte> mdata = stackalloc byte[Mdata.Size];
        hasNoMdata = Sys.ErrorOf(inode.GetXattr(Mdata.Key, mdata)) == Errno.ENODATA;
        _store.Inodes.Put(stat.Ino, birth, gfid, hasNoMdata, stamp);
        return Errno.Ok;
    }

    /// <summary>
    /// An inode without gfid: being created right now (then it has one once we hold the name), or put on the brick by hand (then it gets the
    /// one the client proposes).
    /// </summary>
    private Errno GiveGfid(scoped in InodeRef inode, in LookupFop fop, out Statx stat, out Gfid gfid)
    {
        lock (StripeOf(fop.Parent, fop.Name.Span))
        {
            var error = Identify(inode, out stat, out gfid, out _);
            if (error != Errno.ENODATA)
            {
                return error;
            }

            if (fop.XData is null || !fop.XData.TryGetGfid("gfid-req"u8, out gfid) || gfid.IsNull)
            {
                return Errno.ENODATA;
            }

            error = Sys.ErrorOf(inode.SetXattr("trusted.gfid\0"u8, gfid.ToArray(), 1));
            if (error != Errno.Ok)
            {
                return error;
            }

            if (stat.IsDirectory)
            {
                return _store.SetDirectoryHandle(gfid, fop.Parent, fop.Name.Span);
            }

            error = _store.LinkHandle(inode.Directory, inode.AtPath, gfid);
            SetPathXattr(inode, fop.Parent, fop.Name.Span);
            return error != Errno.Ok ? error : Sys.ErrorOf(inode.Stat(out stat));
        }
    }

    /// <summary>Adds trusted.gfid2path for a name of a non-directory.</summary>
    private void SetPathXattr(scoped in InodeRef inode, in Gfid parent, ReadOnlySpan<byte> name)
    {
        if (_keepsPaths)
        {
            var key = new PathBuffer(stackalloc byte[64]);
            var value = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
            MakePathXattr(ref key, ref value, parent, name);
            inode.SetXattr(key.Path, value.Text, 0);
        }
    }

    private void RemovePathXattr(scoped in InodeRef inode, in Gfid parent, ReadOnlySpan<byte> name)
    {
        if (_keepsPaths)
        {
            var key = new PathBuffer(stackalloc byte[64]);
            var value = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
            MakePathXattr(ref key, ref value, parent, name);
            inode.RemoveXattr(key.Path);
        }
    }

    private static void MakePathXattr(ref PathBuffer key, ref PathBuffer value, in Gfid parent, ReadOnlySpan<byte> name)
    {
        value.Append(parent);
        value.Append("/"u8);
        value.Append(name);
        var hash = XxHash64.Hash(value.Text);
        Span<byte> hex = stackalloc byte[16];
        for (var i = 15; i >= 0; i--, hash >>= 4)
        {
            hex[i] = "0123456789abcdef"u8[(int)(hash & 15)];
        }

        key.Append("trusted.gfid2path."u8);
        key.Append(hex);
    }
}
