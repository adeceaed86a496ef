using System;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>Finding inodes, knowing their gfids and times.</summary>
public sealed partial class PosixTranslator
{
    private const uint BlockSize = 4096;

    /// <summary>
    /// The inode of a gfid, with stat and facts; the caller disposes it. ESTALE when there is none. <paramref
    /// name="path"/> is room for its handle path.
    /// </summary>
    private Errno Find(scoped in Gfid gfid, Span<byte> path, out Inode inode)
    {
        if (_directories.TryGet(gfid) is { } directory)
        {
            inode = Inode.OfDirectory(directory);
            return Learn(ref inode, gfid);
        }

        inode = Inode.OfPath(_handles.Fd, HandleTree.PathOf(gfid, path));
        var error = inode.Restat();
        if (error == Errno.ENOENT)
        {
            return FindUnlinked(gfid, path, out inode);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        if (inode.IsSymbolicLink && IsDirectoryLink(in inode))
        {
            var found = _directories.Acquire(gfid, out error);
            if (found is null)
            {
                inode = default;
                return error == Errno.ENOTDIR ? Errno.ESTALE : error;
            }

            inode = Inode.OfDirectory(found);
            return Learn(ref inode, gfid);
        }

        return LearnStated(ref inode, gfid);
    }

    private Errno FindUnlinked(scoped in Gfid gfid, Span<byte> path, out Inode inode)
    {
        inode = default;
        if (!_open.IsUnlinked(gfid))
        {
            return Errno.ESTALE;
        }

        inode = Inode.OfPath(_handles.Fd, HandleTree.UnlinkedPathOf(gfid, path));
        var error = inode.Restat();
        return error == Errno.ENOENT ? Errno.ESTALE
            : error != Errno.Ok ? error
            : LearnStated(ref inode, gfid);
    }

    /// <summary>
    /// Tells the handle of a directory from a symbolic link that is stored as data: the former has one name and no gfid
    /// of its own.
    /// </summary>
    private static bool IsDirectoryLink(in Inode inode)
    {
        Span<byte> value = stackalloc byte[Gfid.Size];
        return inode.Stat.Nlink == 1 && inode.GetXattr(StorageKeys.Gfid, value) < 0;
    }

    /// <summary>Fills stat and facts of a found inode; disposes it on an error.</summary>
    private Errno Learn(ref Inode inode, scoped in Gfid expected)
    {
        var error = inode.Restat();
        if (error == Errno.Ok)
        {
            error = LearnStated(ref inode, expected);
        }

        if (error != Errno.Ok)
        {
            inode.Dispose();
        }

        return error;
    }

    /// <summary>Fills the facts and checks that the inode is the one asked for.</summary>
    private Errno LearnStated(ref Inode inode, scoped in Gfid expected)
    {
        var error = LoadFacts(ref inode);
        if (error == Errno.Ok && inode.Facts.Gfid == expected)
        {
            return Errno.Ok;
        }

        if (error is Errno.Ok or Errno.ENODATA)
        {
            Log.Error(
                "posix", "a handle leads to an inode of another gfid", ("handle", expected), ("inode", inode.Stat.Ino),
                ("gfid", inode.Facts.Gfid));
            return Errno.EIO;
        }

        return error;
    }

    /// <summary>
    /// Fills the facts from memory or disk. ENODATA when the inode has no gfid, EIO when the stored one is malformed.
    /// </summary>
    private Errno LoadFacts(ref Inode inode)
    {
        if (_inodes.TryGet(inode.Key, out inode.Facts))
        {
            return Errno.Ok;
        }

        var error = ReadFacts(in inode, out inode.Facts);
        if (error == Errno.Ok)
        {
            _inodes.SetRead(in inode.Stat, in inode.Facts);
        }

        return error;
    }

    private static Errno ReadFacts(in Inode inode, out InodeFacts facts)
    {
        facts = default;
        Span<byte> value = stackalloc byte[64];
        var size = inode.GetXattr(StorageKeys.Gfid, value);
        if (size < 0)
        {
            return Sys.ErrorOf(size);
        }

        if (size != Gfid.Size)
        {
            Log.Error("posix", "malformed trusted.gfid", ("inode", inode.Stat.Ino), ("size", size));
            return Errno.EIO;
        }

        facts.Gfid = Gfid.FromBytes(value);
        size = inode.GetXattr(StorageKeys.Mdata, value);
        if (size >= 0)
        {
            facts.HasMdata = Mdata.TryRead(value[..(int)size], out facts.Mdata);
            if (!facts.HasMdata)
            {
                Log.Warning(
                    "posix", "malformed trusted.glusterfs.mdata is ignored", ("gfid", facts.Gfid), ("size", size));
            }

            return Errno.Ok;
        }

        var error = Sys.ErrorOf(size);
        switch (error)
        {
            case Errno.ENODATA:
                return Errno.Ok;
            case Errno.ERANGE:
                Log.Warning("posix", "malformed trusted.glusterfs.mdata is ignored", ("gfid", facts.Gfid));
                return Errno.Ok;
            default:
                return error;
        }
    }

    /// <summary>The iatt of an inode as clients see it.</summary>
    private void FillIatt(ref Iatt iatt, in Inode inode) => FillIatt(ref iatt, in inode.Stat, in inode.Facts);

    private void FillIatt(ref Iatt iatt, in FileStat stat, in InodeFacts facts)
    {
        var isDirectory = (stat.Mode & FileMode.TypeMask) == FileMode.Directory;
        iatt.Gfid = facts.Gfid;
        iatt.Flags = IattFlags.Brick;
        iatt.Ino = facts.Gfid.Ino;
        iatt.Dev = stat.Dev;
        iatt.Rdev = DeviceNumber.ToIatt(stat.Rdev);
        iatt.Size = stat.Size;
        iatt.Blocks = stat.Blocks;
        iatt.Nlink = !isDirectory && stat.Nlink > 0 ? stat.Nlink - 1 : stat.Nlink;
        iatt.Nlink -= iatt.Nlink > 0 && !isDirectory && _kept.Contains(in facts.Gfid) ? 1u : 0; // That link is no name.
        iatt.Uid = stat.Uid;
        iatt.Gid = stat.Gid;
        iatt.BlockSize = BlockSize;
        iatt.Mode = stat.Mode;
        if (facts.HasMdata && (Settings.KeepsTimes || !stat.HasChangeTimes))
        {
            (iatt.Atime, iatt.AtimeNsec) = (facts.Mdata.Atime, facts.Mdata.AtimeNsec);
            (iatt.Mtime, iatt.MtimeNsec) = (facts.Mdata.Mtime, facts.Mdata.MtimeNsec);
            (iatt.Ctime, iatt.CtimeNsec) = (facts.Mdata.Ctime, facts.Mdata.CtimeNsec);
        }
        else
        {
            (iatt.Atime, iatt.AtimeNsec) = (stat.Atime.Seconds, stat.Atime.Nanoseconds);
            (iatt.Mtime, iatt.MtimeNsec) = (stat.Mtime.Seconds, stat.Mtime.Nanoseconds);
            (iatt.Ctime, iatt.CtimeNsec) = (stat.Ctime.Seconds, stat.Ctime.Nanoseconds);
        }
    }

    /// <summary>
    /// Which stored times a fop must change now: none when the file has none and the client sends none.
    /// </summary>
    /// <param name="natural">The times that the fop changes by its nature.</param>
    private TimeFlags TimesToStamp(in InodeFacts facts, TimeFlags natural, Call call)
    {
        const TimeFlags own = TimeFlags.Ctime | TimeFlags.Mtime | TimeFlags.Atime;
        return !Settings.KeepsTimes ? TimeFlags.None
            : call.TimeFlags != TimeFlags.None ? call.TimeFlags & own
            : facts.HasMdata ? natural
            : TimeFlags.None;
    }

    /// <summary>The same for the directory in which a name has changed.</summary>
    private TimeFlags ParentTimesToStamp(in InodeFacts facts, Call call)
    {
        if (!Settings.KeepsTimes)
        {
            return TimeFlags.None;
        }

        if (call.TimeFlags == TimeFlags.None)
        {
            return facts.HasMdata ? TimeFlags.Ctime | TimeFlags.Mtime : TimeFlags.None;
        }

        return ((call.TimeFlags & TimeFlags.ParentCtime) != 0 ? TimeFlags.Ctime : TimeFlags.None)
            | ((call.TimeFlags & TimeFlags.ParentMtime) != 0 ? TimeFlags.Mtime : TimeFlags.None)
            | ((call.TimeFlags & TimeFlags.ParentAtime) != 0 ? TimeFlags.Atime : TimeFlags.None);
    }

    /// <summary>
    /// Stores changed times of an inode, whose stat must be fresh enough to be the start of times never stored before.
    /// </summary>
    private void Stamp(ref Inode inode, TimeFlags flags, Call call)
    {
        if (flags == TimeFlags.None)
        {
            return;
        }

        var (seconds, nsec) = StampOf(call);
        lock (_inodeLocks.Of(inode.Facts.Gfid))
        {
            var mdata = CurrentMdata(ref inode);
            if (mdata.Advance(flags | (call.TimeFlags & TimeFlags.ForwardOnly), seconds, nsec) || !inode.Facts.HasMdata)
            {
                StoreMdata(ref inode, in mdata);
            }
            else
            {
                inode.Facts.Mdata = mdata;
            }
        }
    }

    private (long Seconds, uint Nanoseconds) StampOf(Call call)
    {
        if (call.TimeFlags != TimeFlags.None)
        {
            return (call.CtimeSeconds, call.CtimeNanoseconds);
        }

        var now = Seams.Clock.WallNs;
        return (now / 1_000_000_000, (uint)(now % 1_000_000_000));
    }

    /// <summary>
    /// The stored times as they are now, or those of the file system. The caller holds the lock of the inode.
    /// </summary>
    private Mdata CurrentMdata(ref Inode inode)
    {
        if (!_inodes.TryGet(inode.Key, out var facts))
        {
            ReadFacts(in inode, out facts);
        }

        inode.Facts.HasMdata = facts.HasMdata;
        if (facts.HasMdata)
        {
            return facts.Mdata;
        }

        inode.NeedChangeTimes();
        return MdataOf(in inode.Stat);
    }

    private static Mdata MdataOf(in FileStat stat) => new()
    {
        Atime = stat.Atime.Seconds,
        AtimeNsec = stat.Atime.Nanoseconds,
        Mtime = stat.Mtime.Seconds,
        MtimeNsec = stat.Mtime.Nanoseconds,
        Ctime = stat.Ctime.Seconds,
        CtimeNsec = stat.Ctime.Nanoseconds,
    };

    /// <summary>
    /// Writes times to disk and to memory. The caller holds the lock of the inode. A failure (a full disk) loses a time
    /// and nothing else: it does not fail the fop.
    /// </summary>
    private void StoreMdata(ref Inode inode, in Mdata mdata)
    {
        Span<byte> value = stackalloc byte[Mdata.Size];
        mdata.Write(value);
        var error = inode.SetXattr(StorageKeys.Mdata, value);
        if (error != Errno.Ok)
        {
            Log.Debug("posix", "times are not stored", ("gfid", inode.Facts.Gfid), ("errno", error));
            return;
        }

        inode.Facts.HasMdata = true;
        inode.Facts.Mdata = mdata;
        _inodes.SetMdata(inode.Key, in mdata);
    }

    /// <summary>
    /// The directory of an entry fop, with stat and facts. ESTALE when it is gone, ENOTDIR when it is no directory.
    /// </summary>
    private Errno FindParent(scoped in Gfid gfid, out Inode parent)
    {
        var handle = _directories.Acquire(gfid, out var error);
        if (handle is null)
        {
            parent = default;
            return error;
        }

        parent = Inode.OfDirectory(handle);
        error = Learn(ref parent, gfid);
        if (error == Errno.Ok && (handle.IsRemoved || parent.Stat.Nlink == 0))
        {
            parent.Dispose();
            _directories.Drop(gfid);
            error = Errno.ESTALE;
        }

        return error;
    }
}
