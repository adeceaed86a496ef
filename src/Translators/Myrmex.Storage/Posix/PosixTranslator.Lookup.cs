using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>LOOKUP, STAT, FSTAT.</summary>
public sealed partial class PosixTranslator
{
    /// <summary>
    /// By parent and name, or by gfid when the name is empty. ENOENT: no such name; ESTALE: no such gfid or parent;
    /// EPERM: the brick's own directory. A name without gfid gets the one in <c>gfid-req</c>, else ENODATA. Puts
    /// missing handles right. Content that is asked for and not in memory is read on a worker.
    /// </summary>
    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call)
    {
        var reply = LookupReply.Rent();
        var error = fop.Parent.IsNull || fop.Name.IsEmpty ? LookupGfid(in fop, reply) : LookupName(in fop, reply);
        return error == Errno.Ok && LacksContent(fop.XData, reply)
            ? PosixWork<ContentJob, LookupReply>.Submit(this, new ContentJob(reply))
            : new(Finish(reply, error));
    }

    public override ValueTask<StatReply> Stat(in StatFop fop, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var reply = StatReply.Rent();
        var error = Find(fop.Gfid, path, out var inode);
        if (error == Errno.Ok)
        {
            FillIatt(ref reply.Iatt, in inode);
            AnswerXData(fop.XData, in inode, reply);
            inode.Dispose();
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var reply = FstatReply.Rent();
        var error = FindOpen(fop.Fd, fop.Gfid, path, out var inode, out var held);
        if (error == Errno.Ok)
        {
            FillIatt(ref reply.Iatt, in inode);
            AnswerXData(fop.XData, in inode, reply);
            inode.Dispose();
            held?.Release();
        }

        return new(Finish(reply, error));
    }

    private Errno LookupGfid(in LookupFop fop, LookupReply reply)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var gfid = fop.Gfid.IsNull ? fop.Parent : fop.Gfid;
        var error = Find(gfid, path, out var inode);
        if (error == Errno.Ok)
        {
            FillIatt(ref reply.Iatt, in inode);
            AnswerXData(fop.XData, in inode, reply);
            inode.Dispose();
        }

        return error;
    }

    private Errno LookupName(in LookupFop fop, LookupReply reply)
    {
        var name = fop.Name;
        if (name.IsDotOrDotDot)
        {
            return LookupDots(in fop, reply);
        }

        var error = StorageRules.CheckName(fop.Parent, name);
        if (error != Errno.Ok)
        {
            return error;
        }

        var parent = _directories.Acquire(fop.Parent, out error);
        if (parent is null)
        {
            return error;
        }

        var inode = Inode.OfPath(parent.Fd, name.Span);
        error = inode.Restat();
        if (error == Errno.Ok)
        {
            error = _inodes.TryGet(inode.Key, out inode.Facts)
                ? AnswerLookup(in fop, in inode, reply)
                : LookupUnknown(in fop, parent, reply);
        }
        else if (error == Errno.ENOENT && parent.IsRemoved)
        {
            error = Errno.ESTALE;
        }

        if (error == Errno.Ok)
        {
            FillParent(ref reply.PostParent, parent);
        }

        parent.Release();
        return error;
    }

    private Errno LookupDots(in LookupFop fop, LookupReply reply)
    {
        var gfid = fop.Parent;
        if (fop.Name.Length == 2 && !gfid.IsRoot)
        {
            Span<byte> buffer = stackalloc byte[512];
            var error = _handles.ReadDirectory(fop.Parent, buffer, out gfid, out _);
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return LookupGfid(fop with { Gfid = gfid, Parent = Gfid.Null }, reply);
    }

    private Errno AnswerLookup(in LookupFop fop, in Inode inode, LookupReply reply)
    {
        FillIatt(ref reply.Iatt, in inode);
        if (fop.XData is null)
        {
            return Errno.Ok;
        }

        // Attributes asked for are read by the handle, which cannot be renamed away as the name can.
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var error = Pin(in inode, path, out var pinned);
        if (error == Errno.Ok)
        {
            AnswerXData(fop.XData, in pinned, reply);
            pinned.Dispose();
        }

        return error;
    }

    /// <summary>The same inode, reached by its handle.</summary>
    private Errno Pin(in Inode inode, Span<byte> path, out Inode pinned)
    {
        var error = Errno.Ok;
        if (inode.IsDirectory)
        {
            var directory = _directories.Acquire(inode.Facts.Gfid, out error);
            pinned = directory is null ? default : Inode.OfDirectory(directory);
        }
        else
        {
            pinned = Inode.OfPath(_handles.Fd, HandleTree.PathOf(inode.Facts.Gfid, path));
        }

        pinned.Stat = inode.Stat;
        pinned.Facts = inode.Facts;
        return error;
    }

    /// <summary>
    /// A name whose inode is not in memory. It is opened first, so that stat and attributes are of one inode whatever
    /// happens to the name, and its handle is looked after.
    /// </summary>
    private Errno LookupUnknown(in LookupFop fop, DirectoryHandle parent, LookupReply reply)
    {
        var error = Identify(parent, fop.Name.Span, out var identity);
        if (error == Errno.ENODATA && fop.XData is { } xdata
            && xdata.TryGetGfid(StorageKeys.GfidRequest, out var wanted)
            && !wanted.IsNull)
        {
            error = Adopt(parent, fop.Name.Span, wanted);
            if (error == Errno.Ok)
            {
                error = Identify(parent, fop.Name.Span, out identity);
            }
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        var inode = Inode.OfPath(parent.Fd, fop.Name.Span);
        inode.Stat = identity.Stat;
        inode.Facts = identity.Facts;
        return AnswerLookup(in fop, in inode, reply);
    }

    private void FillParent(ref Iatt iatt, DirectoryHandle parent)
    {
        var inode = Inode.OfDirectory(parent);
        if (inode.Restat() == Errno.Ok && LoadFacts(ref inode) == Errno.Ok)
        {
            FillIatt(ref iatt, in inode);
        }
    }

    /// <summary>What a name stands for, read from disk and consistent in itself.</summary>
    private struct Identity
    {
        public FileStat Stat;
        public InodeFacts Facts;
    }

    /// <summary>
    /// Reads what a name stands for. ENODATA: it has no gfid. EIO: its gfid belongs to another inode as well. A
    /// directory is opened for the cache; a missing handle is made.
    /// </summary>
    private Errno Identify(DirectoryHandle parent, ReadOnlySpan<byte> name, out Identity identity)
    {
        identity = default;
        var fd = Sys.OpenAt(parent.Fd, name, Sys.OPath | Sys.ONoFollow);
        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        var inode = Inode.OfPathFd(fd);
        var error = inode.Restat();
        if (error == Errno.Ok && inode.Stat.Dev != _device)
        {
            Log.Warning("posix", "another file system is mounted inside the brick", ("parent", parent.Gfid));
            error = Errno.EXDEV;
        }

        if (error == Errno.Ok)
        {
            error = LoadFacts(ref inode);
        }

        if (error == Errno.Ok)
        {
            error = inode.IsDirectory
                ? CheckDirectoryHandle(parent, name, in inode)
                : CheckHandle(parent, name, in inode);
            identity.Stat = inode.Stat;
            identity.Facts = inode.Facts;
        }

        Sys.Close(fd);
        return error;
    }

    /// <summary>
    /// Makes the handle of a non-directory when it is missing; EIO when it belongs to another living inode.
    /// </summary>
    private Errno CheckHandle(DirectoryHandle parent, ReadOnlySpan<byte> name, in Inode inode)
    {
        var gfid = inode.Facts.Gfid;
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var error = Sys.ErrorOf(_handles.Stat(gfid, out var stat));
            if (error == Errno.Ok && stat.Ino == inode.Stat.Ino)
            {
                return Errno.Ok;
            }

            if (error == Errno.Ok && !IsOrphan(gfid, in stat))
            {
                error = AwaitName(parent, name, in inode);
                if (error != Errno.Ok)
                {
                    return error;
                }

                if (attempt == 0)
                {
                    continue; // One that was being made, or removed, is not any more.
                }

                Log.Error(
                    "posix", "two inodes have the same gfid", ("gfid", gfid), ("inode", inode.Stat.Ino),
                    ("other", stat.Ino));
                return Errno.EIO;
            }

            if (error is not (Errno.Ok or Errno.ENOENT))
            {
                return error;
            }

            // The name may change meanwhile: look at it again under its lock.
            lock (_names.Of(parent.Gfid, name))
            {
                if (CheckName(parent, name, in inode) != Errno.Ok)
                {
                    return Errno.Ok;
                }

                error = MakeHandle(in inode, inode.IsDirectory, parent, name, gfid);
            }

            if (error != Errno.EEXIST)
            {
                Log.Information("posix", "a missing handle is made", ("gfid", gfid), ("errno", error));
                return error;
            }
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Whoever makes a name and finds its gfid in use takes the name away again: waits for that. ENOENT or ESTALE when
    /// the name stands for nothing, or for another inode, then.
    /// </summary>
    private Errno AwaitName(DirectoryHandle parent, ReadOnlySpan<byte> name, in Inode inode)
    {
        lock (_names.Of(parent.Gfid, name))
        {
            return CheckName(parent, name, in inode);
        }
    }

    /// <summary>ENOENT or ESTALE when the name stands for nothing, or for another inode.</summary>
    private static Errno CheckName(DirectoryHandle parent, ReadOnlySpan<byte> name, in Inode inode)
    {
        var error = Sys.ErrorOf(Sys.StatAt(parent.Fd, name, out var now));
        return error != Errno.Ok || now.Ino == inode.Stat.Ino ? error : Errno.ESTALE;
    }

    /// <summary>
    /// A handle that nothing needs: of a non-directory whose names are all gone, or of a directory that is not there.
    /// </summary>
    private bool IsOrphan(in Gfid gfid, in FileStat stat)
    {
        if (stat.Nlink > 1)
        {
            return false;
        }

        var mayBeDirectory = (stat.Mode & FileMode.TypeMask) == FileMode.SymbolicLink;
        return !(mayBeDirectory && !_directories.IsGone(gfid)) && !_open.IsUnlinked(gfid);
    }

    /// <summary>Whether the handle is that of a directory with this name.</summary>
    private bool IsHandleOf(in Gfid directory, in Gfid parent, ReadOnlySpan<byte> name)
    {
        Span<byte> buffer = stackalloc byte[512];
        return _handles.ReadDirectory(directory, buffer, out var at, out var known) == Errno.Ok
            && at == parent && known.SequenceEqual(name);
    }

    private Errno CheckDirectoryHandle(DirectoryHandle parent, ReadOnlySpan<byte> name, in Inode inode)
    {
        var gfid = inode.Facts.Gfid;
        if (gfid.IsRoot)
        {
            Log.Error("posix", "a directory inside the brick has the gfid of the root", ("parent", parent.Gfid));
            return Errno.EIO;
        }

        if (IsHandleOf(gfid, parent.Gfid, name))
        {
            return Errno.Ok;
        }

        var error = AwaitName(parent, name, in inode);
        if (error != Errno.Ok || IsHandleOf(gfid, parent.Gfid, name))
        {
            return error;
        }

        Span<byte> buffer = stackalloc byte[512];
        error = _handles.ReadDirectory(gfid, buffer, out _, out _);
        if (error == Errno.ENOTDIR && _handles.Stat(gfid, out var file) >= 0 && !IsOrphan(gfid, in file))
        {
            error = AwaitName(parent, name, in inode);
            if (error != Errno.Ok)
            {
                return error;
            }

            Log.Error("posix", "a directory has the gfid of a file", ("gfid", gfid), ("parent", parent.Gfid));
            return Errno.EIO;
        }

        return error is Errno.Ok or Errno.ESTALE or Errno.ENOTDIR
            ? PutHandleRight(parent, name, in inode, leadsSomewhere: error == Errno.Ok) : error;
    }

    /// <param name="leadsSomewhere">The handle is a link to some directory.</param>
    private Errno PutHandleRight(
        DirectoryHandle parent, ReadOnlySpan<byte> name, in Inode inode, bool leadsSomewhere)
    {
        var gfid = inode.Facts.Gfid;
        Errno error;
        lock (_moves)
        {
            // The handle is wrong, or a rename was under way when we looked.
            if (_directories.TryGet(gfid) is { } known)
            {
                var isSame = Sys.Stat(known.Fd, out var stat) >= 0 && stat.Ino == inode.Stat.Ino;
                known.Release();
                if (!isSame && stat.Nlink > 0)
                {
                    Log.Error("posix", "two directories have the same gfid", ("gfid", gfid));
                    return Errno.EIO;
                }
            }
            else if (leadsSomewhere && _directories.Acquire(gfid, out _) is { } other)
            {
                // The old text still leads to a directory of that gfid.
                var isSame = Sys.Stat(other.Fd, out var stat) >= 0 && stat.Ino == inode.Stat.Ino;
                other.Release();
                if (!isSame)
                {
                    Log.Error("posix", "two directories have the same gfid", ("gfid", gfid));
                    return Errno.EIO;
                }
            }

            if (CheckName(parent, name, in inode) != Errno.Ok)
            {
                return Errno.Ok;
            }

            lock (_inodeLocks.Of(gfid))
            {
                error = _handles.RelinkDirectory(gfid, parent.Gfid, name);
            }
        }

        Log.Information("posix", "the handle of a directory is put right", ("gfid", gfid), ("errno", error));
        return error;
    }

    /// <summary>
    /// Gives a name that was put on the brick by other means the gfid that the client wants. EEXIST when that is in
    /// use. Ok also when the name has got one meanwhile.
    /// </summary>
    private Errno Adopt(DirectoryHandle parent, ReadOnlySpan<byte> name, in Gfid gfid)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        if (Find(gfid, path, out var taken) == Errno.Ok)
        {
            taken.Dispose();
            return Errno.EEXIST;
        }

        lock (_names.Of(parent.Gfid, name))
        {
            // Whoever makes a name gives it its gfid under this lock, so without one here it is nobody's.
            Span<byte> value = stackalloc byte[Gfid.Size];
            var inode = Inode.OfPath(parent.Fd, name);
            var error = inode.Restat();
            if (error != Errno.Ok || inode.GetXattr(StorageKeys.Gfid, value) >= 0)
            {
                return error;
            }

            gfid.CopyTo(value);
            error = inode.SetXattr(StorageKeys.Gfid, value, Sys.XattrCreate);
            if (error == Errno.Ok && !inode.IsDirectory)
            {
                AddGfid2Path(in inode, parent.Gfid, name);
            }

            Log.Information(
                "posix", "what was put on the brick gets a gfid", ("parent", parent.Gfid), ("gfid", gfid),
                ("errno", error));
            return error;
        }
    }

    /// <summary>Makes a reply that says how the fop ended.</summary>
    private static TReply Finish<TReply>(TReply reply, Errno error)
        where TReply : Reply, IReply<TReply>
    {
        if (error == Errno.Ok)
        {
            return reply;
        }

        // A failed reply keeps its xdata: some failures explain themselves there.
        var xdata = reply.XData;
        reply.XData = null;
        reply.Release();
        reply = TReply.Fail(error);
        reply.XData = xdata;
        return reply;
    }
}
