using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// storage/posix: a brick on a local file system, in the on-disk format of GlusterFS 10 and 11. Fops may block on the disk; those that
/// usually do not run on the caller's thread.
/// </summary>
public sealed partial class PosixTranslator : LeafTranslator
{
    private const int StripeCount = 1024;

    private readonly BrickStore _store;
    private readonly Lock[] _nameStripes = new Lock[StripeCount]; // Each serialises changes of the names that hash to it; taken in index order.
    private readonly int _linksMax;
    private readonly bool _keepsPaths;
    private readonly ulong _sharedBrickCount;
    private double _reservePercent;
    private IDisposable? _healthTimer;
    private volatile bool _isFull;
    private volatile bool _stopped;
    private volatile bool _wroteMdata;

    public PosixTranslator(TranslatorPlace place)
        : base(place)
    {
        var options = place.Options;
        if (!options.Text("directory").StartsWith('/'))
        {
            throw new GraphException($"volume {place.Name}: option directory must be an absolute path");
        }

        _store = new BrickStore(options.Text("directory").TrimEnd('/'));
        _linksMax = (int)options.Integer("max-hardlinks");
        _keepsPaths = options.Boolean("gfid2path");
        _sharedBrickCount = (ulong)options.Integer("shared-brick-count");
        _reservePercent = options.Percent("reserve");
        for (var i = 0; i < StripeCount; i++)
        {
            _nameStripes[i] = new Lock();
        }
    }

    public static TranslatorRegistration Registration { get; } =
        new("storage/posix", place => new PosixTranslator(place), PosixOptions.Table, Maturity.Preview)
        {
            SubvolumesMin = 0,
            SubvolumesMax = 0,
        };

    public override void Start()
    {
        Sys.Umask(0);
        Gfid volumeId = default;
        var idText = Options.Text("volume-id");
        if (idText.Length > 0 && !Gfid.TryParse(idText, out volumeId))
        {
            throw new GraphException($"volume {Name}: volume-id '{idText}' is not a UUID");
        }

        _store.Open(volumeId);
        SetOwner();
        CheckSpace();
        ScheduleHealthCheck();
        Notify(new GraphEvent(GraphEventKind.ChildUp), this);
    }

    public override void Stop()
    {
        _stopped = true;
        _healthTimer?.Dispose();
        _store.Dispose();
    }

    public override bool Reconfigure(OptionValues options)
    {
        string[] fixedKeys = ["directory", "volume-id", "gfid2path", "max-hardlinks", "shared-brick-count"];
        if (Array.Exists(fixedKeys, key => options.Text(key) != Options.Text(key)))
        {
            return false;
        }

        _reservePercent = options.Percent("reserve");
        CheckSpace();
        return true;
    }

    public override void DumpState(StateDump dump)
    {
        dump.Put("directory", _store.Path);
        dump.Put("directories_open", _store.Directories.Count);
        dump.Put("anonymous_fds", _store.AnonymousFds.Count);
        dump.Put("full", _isFull);
    }

    private static PosixFd? ContextOf(Fd fd, int slot) => fd.Get(slot) as PosixFd;

    private static ulong MakeDevice(uint major, uint minor) =>
        ((ulong)(major & 0xFFFFF000) << 32) | ((ulong)(major & 0xFFF) << 8) | ((ulong)(minor & 0xFFFFFF00) << 12) | (minor & 0xFF);

    private static long BirthOf(in Statx stat) =>
        (stat.Mask & 0x800) == 0 ? 0 : (stat.BtimeSeconds * 1_000_000_000) + stat.BtimeNanoseconds;

    /// <summary>Attributes as clients see them, times of the inode itself.</summary>
    private static Iatt ToIatt(in Statx stat, in Gfid gfid) => new()
    {
        Gfid = gfid,
        Flags = IattFlags.Brick | ((stat.Mask & 0x800) == 0 ? IattFlags.None : IattFlags.Btime),
        Ino = gfid.Ino,
        Dev = MakeDevice(stat.DevMajor, stat.DevMinor),
        Rdev = MakeDevice(stat.RdevMajor, stat.RdevMinor),
        Size = stat.Size,
        Blocks = stat.Blocks,
        Atime = stat.AtimeSeconds,
        Mtime = stat.MtimeSeconds,
        Ctime = stat.CtimeSeconds,
        Btime = stat.BtimeSeconds,
        AtimeNsec = stat.AtimeNanoseconds,
        MtimeNsec = stat.MtimeNanoseconds,
        CtimeNsec = stat.CtimeNanoseconds,
        BtimeNsec = stat.BtimeNanoseconds,
        Nlink = stat.IsDirectory || stat.Nlink == 0 ? stat.Nlink : stat.Nlink - 1,
        Uid = stat.Uid,
        Gid = stat.Gid,
        BlockSize = 4096,
        Mode = stat.Mode,
    };

    /// <summary>
    /// Finds an inode by fd or gfid. The memory is for its path and must live as long as the result, at least
    /// <see cref="PathBuffer.SizeMax"/> bytes.
    /// </summary>
    private Errno Resolve(in Gfid gfid, Fd? fd, Span<byte> memory, out InodeRef inode)
    {
        inode = default;
        if (fd is not null && ContextOf(fd, Slot) is { } open)
        {
            if (!open.File.TryHold())
            {
                return Errno.EBADF;
            }

            inode = new InodeRef(open.File);
            return Errno.Ok;
        }

        if (fd is { IsAnonymous: false })
        {
            return Errno.EBADF;
        }

        return Resolve(gfid, memory, out inode);
    }

    private Errno Resolve(in Gfid gfid, Span<byte> memory, out InodeRef inode)
    {
        if (_store.Directories.TryGet(gfid) is { } directory)
        {
            inode = new InodeRef(directory);
            return Errno.Ok;
        }

        inode = HandleRef(gfid, memory);
        var error = Sys.ErrorOf(inode.Stat(out var stat));
        if (error != Errno.Ok)
        {
            return error == Errno.ENOENT ? Errno.ESTALE : error;
        }

        // A symbolic link kept as data has a name besides its handle; with one link it is the handle of a directory.
        if ((stat.Mode & FileMode.TypeMask) == FileMode.SymbolicLink && stat.Nlink == 1)
        {
            error = _store.GetDirectory(gfid, out directory);
            if (error == Errno.Ok)
            {
                inode = new InodeRef(directory);
            }

            return error == Errno.ENOTDIR ? Errno.Ok : error;
        }

        return Errno.Ok;
    }

    private InodeRef HandleRef(in Gfid gfid, Span<byte> memory)
    {
        var unlinked = _store.OpenFiles.IsUnlinked(gfid);
        var directory = unlinked ? _store.UnlinkFd : _store.HandlesFd;
        var path = new PathBuffer(memory);
        path.AppendProc(directory);
        var at = path.Text.Length;
        if (unlinked)
        {
            path.Append(gfid);
        }
        else
        {
            path.AppendHandle(gfid);
        }

        return new InodeRef(directory, path.Path, at);
    }

    /// <summary>Attributes of an inode; <paramref name="hasNoMdata"/> saves the look at its mdata.</summary>
    private static Errno StatInode(scoped in InodeRef inode, in Gfid gfid, bool hasNoMdata, out Iatt iatt)
    {
        var error = Sys.ErrorOf(inode.Stat(out var stat));
        if (error != Errno.Ok)
        {
            iatt = default;
            return error == Errno.ENOENT ? Errno.ESTALE : error;
        }

        iatt = ToIatt(stat, gfid);
        if (!hasNoMdata && TryReadMdata(inode, out var mdata))
        {
            mdata.ApplyTo(ref iatt);
        }

        return Errno.Ok;
    }

    private static bool TryReadMdata(scoped in InodeRef inode, out Mdata mdata)
    {
        Span<byte> value = stackalloc byte[Mdata.Size];
        var size = inode.GetXattr(Mdata.Key, value);
        mdata = default;
        return size == Mdata.Size && Mdata.TryRead(value, out mdata);
    }

    /// <summary>The same with what the inode cache knows of mdata.</summary>
    private Errno StatInode(scoped in InodeRef inode, in Gfid gfid, out Iatt iatt)
    {
        iatt = default;
        var stamp = _store.Inodes.Stamp;
        var error = Sys.ErrorOf(inode.Stat(out var stat));
        if (error != Errno.Ok)
        {
            return error == Errno.ENOENT ? Errno.ESTALE : error;
        }

        iatt = ToIatt(stat, gfid);
        var birth = BirthOf(stat);
        if (_store.Inodes.TryGet(stat.Ino, birth, out var known, out var hasNoMdata) && known == gfid && hasNoMdata)
        {
            return Errno.Ok;
        }

        if (TryReadMdata(inode, out var mdata))
        {
            mdata.ApplyTo(ref iatt);
        }
        else
        {
            _store.Inodes.Put(stat.Ino, birth, gfid, hasNoMdata: true, stamp);
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Keeps mdata true after a change: with times from the client's utime when it sent them, else from our clock when the inode has
    /// mdata at all. The iatt, read after the change, gets the new times.
    /// </summary>
    private void UpdateMdata(scoped in InodeRef inode, Call call, TimeFlags changed, bool hasNoMdata, ref Iatt iatt)
    {
        var flags = call.TimeFlags & changed;
        if (hasNoMdata && flags == TimeFlags.None)
        {
            return;
        }

        var exists = TryReadMdata(inode, out var mdata);
        if (!exists && flags == TimeFlags.None)
        {
            return;
        }

        if (!exists)
        {
            mdata = FromIatt(in iatt);
        }

        var (seconds, nanoseconds) = (call.CtimeSeconds, (long)call.CtimeNanoseconds);
        if (call.TimeFlags == TimeFlags.None)
        {
            flags = changed;
            (seconds, nanoseconds) = Math.DivRem(Seams.Clock.WallNs, 1_000_000_000);
        }

        Apply(ref mdata, flags, seconds, nanoseconds);
        WriteMdata(inode, mdata);
        mdata.ApplyTo(ref iatt);
    }

    private void WriteMdata(scoped in InodeRef inode, Mdata mdata)
    {
        Span<byte> value = stackalloc byte[Mdata.Size];
        mdata.Write(value);
        if (inode.SetXattr(Mdata.Key, value, 0) >= 0)
        {
            _wroteMdata = true;
            if (inode.Stat(out var stat) >= 0)
            {
                _store.Inodes.Forget(stat.Ino);
            }
        }
    }

    /// <summary>The hint of a descriptor is good only as long as this brick has not written any mdata.</summary>
    private bool LacksMdata(FdReference file) => file.HasNoMdata && !_wroteMdata;

    private static Mdata FromIatt(in Iatt iatt) => new()
    {
        AtimeSeconds = iatt.Atime,
        AtimeNanoseconds = iatt.AtimeNsec,
        MtimeSeconds = iatt.Mtime,
        MtimeNanoseconds = iatt.MtimeNsec,
        CtimeSeconds = iatt.Ctime,
        CtimeNanoseconds = iatt.CtimeNsec,
    };

    /// <summary>Never sets a time back, except access and modify times that a client chose.</summary>
    private static void Apply(ref Mdata mdata, TimeFlags flags, long seconds, long nanoseconds)
    {
        if ((flags & (TimeFlags.Ctime | TimeFlags.ParentCtime)) != 0
            && (seconds, nanoseconds).CompareTo((mdata.CtimeSeconds, mdata.CtimeNanoseconds)) > 0)
        {
            (mdata.CtimeSeconds, mdata.CtimeNanoseconds) = (seconds, nanoseconds);
        }

        if ((flags & (TimeFlags.Mtime | TimeFlags.ParentMtime)) != 0
            && (seconds, nanoseconds).CompareTo((mdata.MtimeSeconds, mdata.MtimeNanoseconds)) > 0)
        {
            (mdata.MtimeSeconds, mdata.MtimeNanoseconds) = (seconds, nanoseconds);
        }

        if ((flags & (TimeFlags.Atime | TimeFlags.ParentAtime)) != 0
            && (seconds, nanoseconds).CompareTo((mdata.AtimeSeconds, mdata.AtimeNanoseconds)) > 0)
        {
            (mdata.AtimeSeconds, mdata.AtimeNanoseconds) = (seconds, nanoseconds);
        }
    }

    private Lock StripeOf(in Gfid parent, ReadOnlySpan<byte> name) => _nameStripes[StripeIndex(parent, name)];

    private static int StripeIndex(in Gfid parent, ReadOnlySpan<byte> name)
    {
        var hash = (uint)parent.GetHashCode();
        foreach (var b in name)
        {
            hash = (hash ^ b) * 16777619;
        }

        return (int)(hash >> 8) & (StripeCount - 1);
    }

    private void SetOwner()
    {
        var uid = Options.Integer("owner-uid");
        var gid = Options.Integer("owner-gid");
        if (uid >= 0 || gid >= 0)
        {
            Sys.ChownAt(_store.RootFd, "\0"u8, uid < 0 ? uint.MaxValue : (uint)uid, gid < 0 ? uint.MaxValue : (uint)gid, Sys.AtEmptyPath);
        }
    }
}
