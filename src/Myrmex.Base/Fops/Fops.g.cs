// Generated from src/fops.txt by tools/FopGen. Do not edit.
#nullable enable
using System.Threading.Tasks;

namespace Myrmex.Base;

/// <summary>The STAT fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct StatFop : IFop<StatFop, StatReply>
{
    public static FopCode Code => FopCode.Stat;

    public Gfid Gfid { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<StatReply> Invoke(FopHandler handler, in StatFop fop, Call call) =>
        handler.Stat(in fop, call);

    public static XData? XDataOf(in StatFop fop) => fop.XData;

    public static StatFop WithXData(in StatFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in StatFop fop) => null;

    public static Fd? SecondFdOf(in StatFop fop) => null;
}

/// <summary>The answer to STAT.</summary>
public sealed class StatReply : Reply, IReply<StatReply>
{
    public Iatt Iatt;

    public static StatReply Rent() => Take<StatReply>();

    public static StatReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        Pool<StatReply>.Return(this);
    }

    public void CopyFrom(StatReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
    }
}

/// <summary>The READLINK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct ReadlinkFop : IFop<ReadlinkFop, ReadlinkReply>
{
    public static FopCode Code => FopCode.Readlink;

    public Gfid Gfid { get; init; }

    public uint Size { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<ReadlinkReply> Invoke(FopHandler handler, in ReadlinkFop fop, Call call) =>
        handler.Readlink(in fop, call);

    public static XData? XDataOf(in ReadlinkFop fop) => fop.XData;

    public static ReadlinkFop WithXData(in ReadlinkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in ReadlinkFop fop) => null;

    public static Fd? SecondFdOf(in ReadlinkFop fop) => null;
}

/// <summary>The answer to READLINK.</summary>
public sealed class ReadlinkReply : Reply, IReply<ReadlinkReply>
{
    public Iatt Iatt;

    public Name Target;

    public static ReadlinkReply Rent() => Take<ReadlinkReply>();

    public static ReadlinkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        Target = default;
        Pool<ReadlinkReply>.Return(this);
    }

    public void CopyFrom(ReadlinkReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        Target = other.Target.ToOwned();
    }
}

/// <summary>The MKNOD fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct MknodFop : IFop<MknodFop, MknodReply>
{
    public static FopCode Code => FopCode.Mknod;

    public Gfid Parent { get; init; }

    public ulong Device { get; init; }

    public uint Mode { get; init; }

    public uint Umask { get; init; }

    public Name Name { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<MknodReply> Invoke(FopHandler handler, in MknodFop fop, Call call) =>
        handler.Mknod(in fop, call);

    public static XData? XDataOf(in MknodFop fop) => fop.XData;

    public static MknodFop WithXData(in MknodFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in MknodFop fop) => null;

    public static Fd? SecondFdOf(in MknodFop fop) => null;
}

/// <summary>The answer to MKNOD.</summary>
public sealed class MknodReply : Reply, IReply<MknodReply>
{
    public Iatt Iatt;

    public Iatt PreParent;

    public Iatt PostParent;

    public static MknodReply Rent() => Take<MknodReply>();

    public static MknodReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        PreParent = default;
        PostParent = default;
        Pool<MknodReply>.Return(this);
    }

    public void CopyFrom(MknodReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        PreParent = other.PreParent;
        PostParent = other.PostParent;
    }
}

/// <summary>The MKDIR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct MkdirFop : IFop<MkdirFop, MkdirReply>
{
    public static FopCode Code => FopCode.Mkdir;

    public Gfid Parent { get; init; }

    public uint Mode { get; init; }

    public uint Umask { get; init; }

    public Name Name { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<MkdirReply> Invoke(FopHandler handler, in MkdirFop fop, Call call) =>
        handler.Mkdir(in fop, call);

    public static XData? XDataOf(in MkdirFop fop) => fop.XData;

    public static MkdirFop WithXData(in MkdirFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in MkdirFop fop) => null;

    public static Fd? SecondFdOf(in MkdirFop fop) => null;
}

/// <summary>The answer to MKDIR.</summary>
public sealed class MkdirReply : Reply, IReply<MkdirReply>
{
    public Iatt Iatt;

    public Iatt PreParent;

    public Iatt PostParent;

    public static MkdirReply Rent() => Take<MkdirReply>();

    public static MkdirReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        PreParent = default;
        PostParent = default;
        Pool<MkdirReply>.Return(this);
    }

    public void CopyFrom(MkdirReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        PreParent = other.PreParent;
        PostParent = other.PostParent;
    }
}

/// <summary>The UNLINK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct UnlinkFop : IFop<UnlinkFop, UnlinkReply>
{
    public static FopCode Code => FopCode.Unlink;

    public Gfid Parent { get; init; }

    public Name Name { get; init; }

    public uint Flags { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<UnlinkReply> Invoke(FopHandler handler, in UnlinkFop fop, Call call) =>
        handler.Unlink(in fop, call);

    public static XData? XDataOf(in UnlinkFop fop) => fop.XData;

    public static UnlinkFop WithXData(in UnlinkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in UnlinkFop fop) => null;

    public static Fd? SecondFdOf(in UnlinkFop fop) => null;
}

/// <summary>The answer to UNLINK.</summary>
public sealed class UnlinkReply : Reply, IReply<UnlinkReply>
{
    public Iatt PreParent;

    public Iatt PostParent;

    public static UnlinkReply Rent() => Take<UnlinkReply>();

    public static UnlinkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        PreParent = default;
        PostParent = default;
        Pool<UnlinkReply>.Return(this);
    }

    public void CopyFrom(UnlinkReply other)
    {
        CopyBase(other);
        PreParent = other.PreParent;
        PostParent = other.PostParent;
    }
}

/// <summary>The RMDIR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct RmdirFop : IFop<RmdirFop, RmdirReply>
{
    public static FopCode Code => FopCode.Rmdir;

    public Gfid Parent { get; init; }

    public int Flags { get; init; }

    public Name Name { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<RmdirReply> Invoke(FopHandler handler, in RmdirFop fop, Call call) =>
        handler.Rmdir(in fop, call);

    public static XData? XDataOf(in RmdirFop fop) => fop.XData;

    public static RmdirFop WithXData(in RmdirFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in RmdirFop fop) => null;

    public static Fd? SecondFdOf(in RmdirFop fop) => null;
}

/// <summary>The answer to RMDIR.</summary>
public sealed class RmdirReply : Reply, IReply<RmdirReply>
{
    public Iatt PreParent;

    public Iatt PostParent;

    public static RmdirReply Rent() => Take<RmdirReply>();

    public static RmdirReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        PreParent = default;
        PostParent = default;
        Pool<RmdirReply>.Return(this);
    }

    public void CopyFrom(RmdirReply other)
    {
        CopyBase(other);
        PreParent = other.PreParent;
        PostParent = other.PostParent;
    }
}

/// <summary>The SYMLINK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct SymlinkFop : IFop<SymlinkFop, SymlinkReply>
{
    public static FopCode Code => FopCode.Symlink;

    public Gfid Parent { get; init; }

    public Name Name { get; init; }

    public uint Umask { get; init; }

    public Name Target { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<SymlinkReply> Invoke(FopHandler handler, in SymlinkFop fop, Call call) =>
        handler.Symlink(in fop, call);

    public static XData? XDataOf(in SymlinkFop fop) => fop.XData;

    public static SymlinkFop WithXData(in SymlinkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in SymlinkFop fop) => null;

    public static Fd? SecondFdOf(in SymlinkFop fop) => null;
}

/// <summary>The answer to SYMLINK.</summary>
public sealed class SymlinkReply : Reply, IReply<SymlinkReply>
{
    public Iatt Iatt;

    public Iatt PreParent;

    public Iatt PostParent;

    public static SymlinkReply Rent() => Take<SymlinkReply>();

    public static SymlinkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        PreParent = default;
        PostParent = default;
        Pool<SymlinkReply>.Return(this);
    }

    public void CopyFrom(SymlinkReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        PreParent = other.PreParent;
        PostParent = other.PostParent;
    }
}

/// <summary>The RENAME fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct RenameFop : IFop<RenameFop, RenameReply>
{
    public static FopCode Code => FopCode.Rename;

    public Gfid OldParent { get; init; }

    public Gfid NewParent { get; init; }

    public Name OldName { get; init; }

    public Name NewName { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<RenameReply> Invoke(FopHandler handler, in RenameFop fop, Call call) =>
        handler.Rename(in fop, call);

    public static XData? XDataOf(in RenameFop fop) => fop.XData;

    public static RenameFop WithXData(in RenameFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in RenameFop fop) => null;

    public static Fd? SecondFdOf(in RenameFop fop) => null;
}

/// <summary>The answer to RENAME.</summary>
public sealed class RenameReply : Reply, IReply<RenameReply>
{
    public Iatt Iatt;

    public Iatt PreOldParent;

    public Iatt PostOldParent;

    public Iatt PreNewParent;

    public Iatt PostNewParent;

    public static RenameReply Rent() => Take<RenameReply>();

    public static RenameReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        PreOldParent = default;
        PostOldParent = default;
        PreNewParent = default;
        PostNewParent = default;
        Pool<RenameReply>.Return(this);
    }

    public void CopyFrom(RenameReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        PreOldParent = other.PreOldParent;
        PostOldParent = other.PostOldParent;
        PreNewParent = other.PreNewParent;
        PostNewParent = other.PostNewParent;
    }
}

/// <summary>The LINK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct LinkFop : IFop<LinkFop, LinkReply>
{
    public static FopCode Code => FopCode.Link;

    public Gfid Gfid { get; init; }

    public Gfid NewParent { get; init; }

    public Name NewName { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<LinkReply> Invoke(FopHandler handler, in LinkFop fop, Call call) =>
        handler.Link(in fop, call);

    public static XData? XDataOf(in LinkFop fop) => fop.XData;

    public static LinkFop WithXData(in LinkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in LinkFop fop) => null;

    public static Fd? SecondFdOf(in LinkFop fop) => null;
}

/// <summary>The answer to LINK.</summary>
public sealed class LinkReply : Reply, IReply<LinkReply>
{
    public Iatt Iatt;

    public Iatt PreParent;

    public Iatt PostParent;

    public static LinkReply Rent() => Take<LinkReply>();

    public static LinkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        PreParent = default;
        PostParent = default;
        Pool<LinkReply>.Return(this);
    }

    public void CopyFrom(LinkReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        PreParent = other.PreParent;
        PostParent = other.PostParent;
    }
}

/// <summary>The TRUNCATE fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct TruncateFop : IFop<TruncateFop, TruncateReply>
{
    public static FopCode Code => FopCode.Truncate;

    public Gfid Gfid { get; init; }

    public long Offset { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<TruncateReply> Invoke(FopHandler handler, in TruncateFop fop, Call call) =>
        handler.Truncate(in fop, call);

    public static XData? XDataOf(in TruncateFop fop) => fop.XData;

    public static TruncateFop WithXData(in TruncateFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in TruncateFop fop) => null;

    public static Fd? SecondFdOf(in TruncateFop fop) => null;
}

/// <summary>The answer to TRUNCATE.</summary>
public sealed class TruncateReply : Reply, IReply<TruncateReply>
{
    public Iatt Pre;

    public Iatt Post;

    public static TruncateReply Rent() => Take<TruncateReply>();

    public static TruncateReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pre = default;
        Post = default;
        Pool<TruncateReply>.Return(this);
    }

    public void CopyFrom(TruncateReply other)
    {
        CopyBase(other);
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The OPEN fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct OpenFop : IFop<OpenFop, OpenReply>
{
    public static FopCode Code => FopCode.Open;

    public Gfid Gfid { get; init; }

    public uint Flags { get; init; }

    public required Fd Fd { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<OpenReply> Invoke(FopHandler handler, in OpenFop fop, Call call) =>
        handler.Open(in fop, call);

    public static XData? XDataOf(in OpenFop fop) => fop.XData;

    public static OpenFop WithXData(in OpenFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in OpenFop fop) => null;

    public static Fd? SecondFdOf(in OpenFop fop) => null;
}

/// <summary>The answer to OPEN.</summary>
public sealed class OpenReply : Reply, IReply<OpenReply>
{
    public long FdNumber;

    public static OpenReply Rent() => Take<OpenReply>();

    public static OpenReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        FdNumber = default;
        Pool<OpenReply>.Return(this);
    }

    public void CopyFrom(OpenReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The READ fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct ReadFop : IFop<ReadFop, ReadReply>
{
    public static FopCode Code => FopCode.Read;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public long Offset { get; init; }

    public uint Size { get; init; }

    public uint Flags { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<ReadReply> Invoke(FopHandler handler, in ReadFop fop, Call call) =>
        handler.Read(in fop, call);

    public static XData? XDataOf(in ReadFop fop) => fop.XData;

    public static ReadFop WithXData(in ReadFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in ReadFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in ReadFop fop) => null;
}

/// <summary>The answer to READ.</summary>
public sealed class ReadReply : Reply, IReply<ReadReply>
{
    public Iatt Iatt;

    public Payload Data;

    public static ReadReply Rent() => Take<ReadReply>();

    public static ReadReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        Data.Release();
        Data = default;
        Pool<ReadReply>.Return(this);
    }

    public void CopyFrom(ReadReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
    }
}

/// <summary>The WRITE fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct WriteFop : IFop<WriteFop, WriteReply>
{
    public static FopCode Code => FopCode.Write;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public long Offset { get; init; }

    public uint Flags { get; init; }

    public XData? XData { get; init; }

    public Payload Data { get; init; }

    public static ValueTask<WriteReply> Invoke(FopHandler handler, in WriteFop fop, Call call) =>
        handler.Write(in fop, call);

    public static XData? XDataOf(in WriteFop fop) => fop.XData;

    public static WriteFop WithXData(in WriteFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in WriteFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in WriteFop fop) => null;
}

/// <summary>The answer to WRITE.</summary>
public sealed class WriteReply : Reply, IReply<WriteReply>
{
    public Iatt Pre;

    public Iatt Post;

    public static WriteReply Rent() => Take<WriteReply>();

    public static WriteReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pre = default;
        Post = default;
        Pool<WriteReply>.Return(this);
    }

    public void CopyFrom(WriteReply other)
    {
        CopyBase(other);
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The STATFS fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct StatfsFop : IFop<StatfsFop, StatfsReply>
{
    public static FopCode Code => FopCode.Statfs;

    public Gfid Gfid { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<StatfsReply> Invoke(FopHandler handler, in StatfsFop fop, Call call) =>
        handler.Statfs(in fop, call);

    public static XData? XDataOf(in StatfsFop fop) => fop.XData;

    public static StatfsFop WithXData(in StatfsFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in StatfsFop fop) => null;

    public static Fd? SecondFdOf(in StatfsFop fop) => null;
}

/// <summary>The answer to STATFS.</summary>
public sealed class StatfsReply : Reply, IReply<StatfsReply>
{
    public StatFs StatFs;

    public static StatfsReply Rent() => Take<StatfsReply>();

    public static StatfsReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        StatFs = default;
        Pool<StatfsReply>.Return(this);
    }

    public void CopyFrom(StatfsReply other)
    {
        CopyBase(other);
        StatFs = other.StatFs;
    }
}

/// <summary>The FLUSH fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FlushFop : IFop<FlushFop, FlushReply>
{
    public static FopCode Code => FopCode.Flush;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FlushReply> Invoke(FopHandler handler, in FlushFop fop, Call call) =>
        handler.Flush(in fop, call);

    public static XData? XDataOf(in FlushFop fop) => fop.XData;

    public static FlushFop WithXData(in FlushFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FlushFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FlushFop fop) => null;
}

/// <summary>The answer to FLUSH.</summary>
public sealed class FlushReply : Reply, IReply<FlushReply>
{
    public static FlushReply Rent() => Take<FlushReply>();

    public static FlushReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<FlushReply>.Return(this);
    }

    public void CopyFrom(FlushReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The FSYNC fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FsyncFop : IFop<FsyncFop, FsyncReply>
{
    public static FopCode Code => FopCode.Fsync;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public uint DataOnly { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FsyncReply> Invoke(FopHandler handler, in FsyncFop fop, Call call) =>
        handler.Fsync(in fop, call);

    public static XData? XDataOf(in FsyncFop fop) => fop.XData;

    public static FsyncFop WithXData(in FsyncFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FsyncFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FsyncFop fop) => null;
}

/// <summary>The answer to FSYNC.</summary>
public sealed class FsyncReply : Reply, IReply<FsyncReply>
{
    public Iatt Pre;

    public Iatt Post;

    public static FsyncReply Rent() => Take<FsyncReply>();

    public static FsyncReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pre = default;
        Post = default;
        Pool<FsyncReply>.Return(this);
    }

    public void CopyFrom(FsyncReply other)
    {
        CopyBase(other);
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The SETXATTR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct SetxattrFop : IFop<SetxattrFop, SetxattrReply>
{
    public static FopCode Code => FopCode.Setxattr;

    public Gfid Gfid { get; init; }

    public uint Flags { get; init; }

    public XData? Values { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<SetxattrReply> Invoke(FopHandler handler, in SetxattrFop fop, Call call) =>
        handler.Setxattr(in fop, call);

    public static XData? XDataOf(in SetxattrFop fop) => fop.XData;

    public static SetxattrFop WithXData(in SetxattrFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in SetxattrFop fop) => null;

    public static Fd? SecondFdOf(in SetxattrFop fop) => null;
}

/// <summary>The answer to SETXATTR.</summary>
public sealed class SetxattrReply : Reply, IReply<SetxattrReply>
{
    public static SetxattrReply Rent() => Take<SetxattrReply>();

    public static SetxattrReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<SetxattrReply>.Return(this);
    }

    public void CopyFrom(SetxattrReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The GETXATTR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct GetxattrFop : IFop<GetxattrFop, GetxattrReply>
{
    public static FopCode Code => FopCode.Getxattr;

    public Gfid Gfid { get; init; }

    public uint NameLength { get; init; }

    public Name Name { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<GetxattrReply> Invoke(FopHandler handler, in GetxattrFop fop, Call call) =>
        handler.Getxattr(in fop, call);

    public static XData? XDataOf(in GetxattrFop fop) => fop.XData;

    public static GetxattrFop WithXData(in GetxattrFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in GetxattrFop fop) => null;

    public static Fd? SecondFdOf(in GetxattrFop fop) => null;
}

/// <summary>The answer to GETXATTR.</summary>
public sealed class GetxattrReply : Reply, IReply<GetxattrReply>
{
    public XData? Values;

    public Iatt Pre;

    public Iatt Post;

    public static GetxattrReply Rent() => Take<GetxattrReply>();

    public static GetxattrReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Values?.Release();
        Values = null;
        Pre = default;
        Post = default;
        Pool<GetxattrReply>.Return(this);
    }

    public void CopyFrom(GetxattrReply other)
    {
        CopyBase(other);
        Values?.Release();
        Values = other.Values?.Clone();
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The REMOVEXATTR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct RemovexattrFop : IFop<RemovexattrFop, RemovexattrReply>
{
    public static FopCode Code => FopCode.Removexattr;

    public Gfid Gfid { get; init; }

    public Name Name { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<RemovexattrReply> Invoke(FopHandler handler, in RemovexattrFop fop, Call call) =>
        handler.Removexattr(in fop, call);

    public static XData? XDataOf(in RemovexattrFop fop) => fop.XData;

    public static RemovexattrFop WithXData(in RemovexattrFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in RemovexattrFop fop) => null;

    public static Fd? SecondFdOf(in RemovexattrFop fop) => null;
}

/// <summary>The answer to REMOVEXATTR.</summary>
public sealed class RemovexattrReply : Reply, IReply<RemovexattrReply>
{
    public static RemovexattrReply Rent() => Take<RemovexattrReply>();

    public static RemovexattrReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<RemovexattrReply>.Return(this);
    }

    public void CopyFrom(RemovexattrReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The OPENDIR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct OpendirFop : IFop<OpendirFop, OpendirReply>
{
    public static FopCode Code => FopCode.Opendir;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<OpendirReply> Invoke(FopHandler handler, in OpendirFop fop, Call call) =>
        handler.Opendir(in fop, call);

    public static XData? XDataOf(in OpendirFop fop) => fop.XData;

    public static OpendirFop WithXData(in OpendirFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in OpendirFop fop) => null;

    public static Fd? SecondFdOf(in OpendirFop fop) => null;
}

/// <summary>The answer to OPENDIR.</summary>
public sealed class OpendirReply : Reply, IReply<OpendirReply>
{
    public long FdNumber;

    public static OpendirReply Rent() => Take<OpendirReply>();

    public static OpendirReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        FdNumber = default;
        Pool<OpendirReply>.Return(this);
    }

    public void CopyFrom(OpendirReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The FSYNCDIR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FsyncdirFop : IFop<FsyncdirFop, FsyncdirReply>
{
    public static FopCode Code => FopCode.Fsyncdir;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public int DataOnly { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FsyncdirReply> Invoke(FopHandler handler, in FsyncdirFop fop, Call call) =>
        handler.Fsyncdir(in fop, call);

    public static XData? XDataOf(in FsyncdirFop fop) => fop.XData;

    public static FsyncdirFop WithXData(in FsyncdirFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FsyncdirFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FsyncdirFop fop) => null;
}

/// <summary>The answer to FSYNCDIR.</summary>
public sealed class FsyncdirReply : Reply, IReply<FsyncdirReply>
{
    public static FsyncdirReply Rent() => Take<FsyncdirReply>();

    public static FsyncdirReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<FsyncdirReply>.Return(this);
    }

    public void CopyFrom(FsyncdirReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The ACCESS fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct AccessFop : IFop<AccessFop, AccessReply>
{
    public static FopCode Code => FopCode.Access;

    public Gfid Gfid { get; init; }

    public uint Mask { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<AccessReply> Invoke(FopHandler handler, in AccessFop fop, Call call) =>
        handler.Access(in fop, call);

    public static XData? XDataOf(in AccessFop fop) => fop.XData;

    public static AccessFop WithXData(in AccessFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in AccessFop fop) => null;

    public static Fd? SecondFdOf(in AccessFop fop) => null;
}

/// <summary>The answer to ACCESS.</summary>
public sealed class AccessReply : Reply, IReply<AccessReply>
{
    public static AccessReply Rent() => Take<AccessReply>();

    public static AccessReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<AccessReply>.Return(this);
    }

    public void CopyFrom(AccessReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The CREATE fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct CreateFop : IFop<CreateFop, CreateReply>
{
    public static FopCode Code => FopCode.Create;

    public Gfid Parent { get; init; }

    public uint Flags { get; init; }

    public uint Mode { get; init; }

    public uint Umask { get; init; }

    public Name Name { get; init; }

    public required Fd Fd { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<CreateReply> Invoke(FopHandler handler, in CreateFop fop, Call call) =>
        handler.Create(in fop, call);

    public static XData? XDataOf(in CreateFop fop) => fop.XData;

    public static CreateFop WithXData(in CreateFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in CreateFop fop) => null;

    public static Fd? SecondFdOf(in CreateFop fop) => null;
}

/// <summary>The answer to CREATE.</summary>
public sealed class CreateReply : Reply, IReply<CreateReply>
{
    public Iatt Iatt;

    public long FdNumber;

    public Iatt PreParent;

    public Iatt PostParent;

    public static CreateReply Rent() => Take<CreateReply>();

    public static CreateReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        FdNumber = default;
        PreParent = default;
        PostParent = default;
        Pool<CreateReply>.Return(this);
    }

    public void CopyFrom(CreateReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        PreParent = other.PreParent;
        PostParent = other.PostParent;
    }
}

/// <summary>The FTRUNCATE fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FtruncateFop : IFop<FtruncateFop, FtruncateReply>
{
    public static FopCode Code => FopCode.Ftruncate;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public long Offset { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FtruncateReply> Invoke(FopHandler handler, in FtruncateFop fop, Call call) =>
        handler.Ftruncate(in fop, call);

    public static XData? XDataOf(in FtruncateFop fop) => fop.XData;

    public static FtruncateFop WithXData(in FtruncateFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FtruncateFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FtruncateFop fop) => null;
}

/// <summary>The answer to FTRUNCATE.</summary>
public sealed class FtruncateReply : Reply, IReply<FtruncateReply>
{
    public Iatt Pre;

    public Iatt Post;

    public static FtruncateReply Rent() => Take<FtruncateReply>();

    public static FtruncateReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pre = default;
        Post = default;
        Pool<FtruncateReply>.Return(this);
    }

    public void CopyFrom(FtruncateReply other)
    {
        CopyBase(other);
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The FSTAT fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FstatFop : IFop<FstatFop, FstatReply>
{
    public static FopCode Code => FopCode.Fstat;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FstatReply> Invoke(FopHandler handler, in FstatFop fop, Call call) =>
        handler.Fstat(in fop, call);

    public static XData? XDataOf(in FstatFop fop) => fop.XData;

    public static FstatFop WithXData(in FstatFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FstatFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FstatFop fop) => null;
}

/// <summary>The answer to FSTAT.</summary>
public sealed class FstatReply : Reply, IReply<FstatReply>
{
    public Iatt Iatt;

    public static FstatReply Rent() => Take<FstatReply>();

    public static FstatReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        Pool<FstatReply>.Return(this);
    }

    public void CopyFrom(FstatReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
    }
}

/// <summary>The LK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct LkFop : IFop<LkFop, LkReply>
{
    public static FopCode Code => FopCode.Lk;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public LockCommand Command { get; init; }

    public LockType Type { get; init; }

    public Flock Flock { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<LkReply> Invoke(FopHandler handler, in LkFop fop, Call call) =>
        handler.Lk(in fop, call);

    public static XData? XDataOf(in LkFop fop) => fop.XData;

    public static LkFop WithXData(in LkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in LkFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in LkFop fop) => null;
}

/// <summary>The answer to LK.</summary>
public sealed class LkReply : Reply, IReply<LkReply>
{
    public Flock Flock;

    public static LkReply Rent() => Take<LkReply>();

    public static LkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Flock = default;
        Pool<LkReply>.Return(this);
    }

    public void CopyFrom(LkReply other)
    {
        CopyBase(other);
        Flock = other.Flock;
    }
}

/// <summary>The LOOKUP fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct LookupFop : IFop<LookupFop, LookupReply>
{
    public static FopCode Code => FopCode.Lookup;

    public Gfid Gfid { get; init; }

    public Gfid Parent { get; init; }

    public uint Flags { get; init; }

    public Name Name { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<LookupReply> Invoke(FopHandler handler, in LookupFop fop, Call call) =>
        handler.Lookup(in fop, call);

    public static XData? XDataOf(in LookupFop fop) => fop.XData;

    public static LookupFop WithXData(in LookupFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in LookupFop fop) => null;

    public static Fd? SecondFdOf(in LookupFop fop) => null;
}

/// <summary>The answer to LOOKUP.</summary>
public sealed class LookupReply : Reply, IReply<LookupReply>
{
    public Iatt Iatt;

    public Iatt PostParent;

    public static LookupReply Rent() => Take<LookupReply>();

    public static LookupReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        PostParent = default;
        Pool<LookupReply>.Return(this);
    }

    public void CopyFrom(LookupReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        PostParent = other.PostParent;
    }
}

/// <summary>The READDIR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct ReaddirFop : IFop<ReaddirFop, ReaddirReply>
{
    public static FopCode Code => FopCode.Readdir;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public long Offset { get; init; }

    public uint Size { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<ReaddirReply> Invoke(FopHandler handler, in ReaddirFop fop, Call call) =>
        handler.Readdir(in fop, call);

    public static XData? XDataOf(in ReaddirFop fop) => fop.XData;

    public static ReaddirFop WithXData(in ReaddirFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in ReaddirFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in ReaddirFop fop) => null;
}

/// <summary>The answer to READDIR.</summary>
public sealed class ReaddirReply : Reply, IReply<ReaddirReply>
{
    public DirEntries Entries = new();

    public static ReaddirReply Rent() => Take<ReaddirReply>();

    public static ReaddirReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Entries.Clear();
        Pool<ReaddirReply>.Return(this);
    }

    public void CopyFrom(ReaddirReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The INODELK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct InodelkFop : IFop<InodelkFop, InodelkReply>
{
    public static FopCode Code => FopCode.Inodelk;

    public Gfid Gfid { get; init; }

    public LockCommand Command { get; init; }

    public LockType Type { get; init; }

    public Flock Flock { get; init; }

    public Name Domain { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<InodelkReply> Invoke(FopHandler handler, in InodelkFop fop, Call call) =>
        handler.Inodelk(in fop, call);

    public static XData? XDataOf(in InodelkFop fop) => fop.XData;

    public static InodelkFop WithXData(in InodelkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in InodelkFop fop) => null;

    public static Fd? SecondFdOf(in InodelkFop fop) => null;
}

/// <summary>The answer to INODELK.</summary>
public sealed class InodelkReply : Reply, IReply<InodelkReply>
{
    public static InodelkReply Rent() => Take<InodelkReply>();

    public static InodelkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<InodelkReply>.Return(this);
    }

    public void CopyFrom(InodelkReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The FINODELK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FinodelkFop : IFop<FinodelkFop, FinodelkReply>
{
    public static FopCode Code => FopCode.Finodelk;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public LockCommand Command { get; init; }

    public LockType Type { get; init; }

    public Flock Flock { get; init; }

    public Name Domain { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FinodelkReply> Invoke(FopHandler handler, in FinodelkFop fop, Call call) =>
        handler.Finodelk(in fop, call);

    public static XData? XDataOf(in FinodelkFop fop) => fop.XData;

    public static FinodelkFop WithXData(in FinodelkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FinodelkFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FinodelkFop fop) => null;
}

/// <summary>The answer to FINODELK.</summary>
public sealed class FinodelkReply : Reply, IReply<FinodelkReply>
{
    public static FinodelkReply Rent() => Take<FinodelkReply>();

    public static FinodelkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<FinodelkReply>.Return(this);
    }

    public void CopyFrom(FinodelkReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The ENTRYLK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct EntrylkFop : IFop<EntrylkFop, EntrylkReply>
{
    public static FopCode Code => FopCode.Entrylk;

    public Gfid Gfid { get; init; }

    public EntryLockCommand Command { get; init; }

    public LockType Type { get; init; }

    public ulong NameLength { get; init; }

    public Name Name { get; init; }

    public Name Domain { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<EntrylkReply> Invoke(FopHandler handler, in EntrylkFop fop, Call call) =>
        handler.Entrylk(in fop, call);

    public static XData? XDataOf(in EntrylkFop fop) => fop.XData;

    public static EntrylkFop WithXData(in EntrylkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in EntrylkFop fop) => null;

    public static Fd? SecondFdOf(in EntrylkFop fop) => null;
}

/// <summary>The answer to ENTRYLK.</summary>
public sealed class EntrylkReply : Reply, IReply<EntrylkReply>
{
    public static EntrylkReply Rent() => Take<EntrylkReply>();

    public static EntrylkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<EntrylkReply>.Return(this);
    }

    public void CopyFrom(EntrylkReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The FENTRYLK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FentrylkFop : IFop<FentrylkFop, FentrylkReply>
{
    public static FopCode Code => FopCode.Fentrylk;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public EntryLockCommand Command { get; init; }

    public LockType Type { get; init; }

    public ulong NameLength { get; init; }

    public Name Name { get; init; }

    public Name Domain { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FentrylkReply> Invoke(FopHandler handler, in FentrylkFop fop, Call call) =>
        handler.Fentrylk(in fop, call);

    public static XData? XDataOf(in FentrylkFop fop) => fop.XData;

    public static FentrylkFop WithXData(in FentrylkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FentrylkFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FentrylkFop fop) => null;
}

/// <summary>The answer to FENTRYLK.</summary>
public sealed class FentrylkReply : Reply, IReply<FentrylkReply>
{
    public static FentrylkReply Rent() => Take<FentrylkReply>();

    public static FentrylkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<FentrylkReply>.Return(this);
    }

    public void CopyFrom(FentrylkReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The XATTROP fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct XattropFop : IFop<XattropFop, XattropReply>
{
    public static FopCode Code => FopCode.Xattrop;

    public Gfid Gfid { get; init; }

    public XattropKind Kind { get; init; }

    public XData? Values { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<XattropReply> Invoke(FopHandler handler, in XattropFop fop, Call call) =>
        handler.Xattrop(in fop, call);

    public static XData? XDataOf(in XattropFop fop) => fop.XData;

    public static XattropFop WithXData(in XattropFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in XattropFop fop) => null;

    public static Fd? SecondFdOf(in XattropFop fop) => null;
}

/// <summary>The answer to XATTROP.</summary>
public sealed class XattropReply : Reply, IReply<XattropReply>
{
    public XData? Values;

    public Iatt Pre;

    public Iatt Post;

    public static XattropReply Rent() => Take<XattropReply>();

    public static XattropReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Values?.Release();
        Values = null;
        Pre = default;
        Post = default;
        Pool<XattropReply>.Return(this);
    }

    public void CopyFrom(XattropReply other)
    {
        CopyBase(other);
        Values?.Release();
        Values = other.Values?.Clone();
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The FXATTROP fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FxattropFop : IFop<FxattropFop, FxattropReply>
{
    public static FopCode Code => FopCode.Fxattrop;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public XattropKind Kind { get; init; }

    public XData? Values { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FxattropReply> Invoke(FopHandler handler, in FxattropFop fop, Call call) =>
        handler.Fxattrop(in fop, call);

    public static XData? XDataOf(in FxattropFop fop) => fop.XData;

    public static FxattropFop WithXData(in FxattropFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FxattropFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FxattropFop fop) => null;
}

/// <summary>The answer to FXATTROP.</summary>
public sealed class FxattropReply : Reply, IReply<FxattropReply>
{
    public XData? Values;

    public Iatt Pre;

    public Iatt Post;

    public static FxattropReply Rent() => Take<FxattropReply>();

    public static FxattropReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Values?.Release();
        Values = null;
        Pre = default;
        Post = default;
        Pool<FxattropReply>.Return(this);
    }

    public void CopyFrom(FxattropReply other)
    {
        CopyBase(other);
        Values?.Release();
        Values = other.Values?.Clone();
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The FGETXATTR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FgetxattrFop : IFop<FgetxattrFop, FgetxattrReply>
{
    public static FopCode Code => FopCode.Fgetxattr;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public uint NameLength { get; init; }

    public Name Name { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FgetxattrReply> Invoke(FopHandler handler, in FgetxattrFop fop, Call call) =>
        handler.Fgetxattr(in fop, call);

    public static XData? XDataOf(in FgetxattrFop fop) => fop.XData;

    public static FgetxattrFop WithXData(in FgetxattrFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FgetxattrFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FgetxattrFop fop) => null;
}

/// <summary>The answer to FGETXATTR.</summary>
public sealed class FgetxattrReply : Reply, IReply<FgetxattrReply>
{
    public XData? Values;

    public Iatt Pre;

    public Iatt Post;

    public static FgetxattrReply Rent() => Take<FgetxattrReply>();

    public static FgetxattrReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Values?.Release();
        Values = null;
        Pre = default;
        Post = default;
        Pool<FgetxattrReply>.Return(this);
    }

    public void CopyFrom(FgetxattrReply other)
    {
        CopyBase(other);
        Values?.Release();
        Values = other.Values?.Clone();
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The FSETXATTR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FsetxattrFop : IFop<FsetxattrFop, FsetxattrReply>
{
    public static FopCode Code => FopCode.Fsetxattr;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public uint Flags { get; init; }

    public XData? Values { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FsetxattrReply> Invoke(FopHandler handler, in FsetxattrFop fop, Call call) =>
        handler.Fsetxattr(in fop, call);

    public static XData? XDataOf(in FsetxattrFop fop) => fop.XData;

    public static FsetxattrFop WithXData(in FsetxattrFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FsetxattrFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FsetxattrFop fop) => null;
}

/// <summary>The answer to FSETXATTR.</summary>
public sealed class FsetxattrReply : Reply, IReply<FsetxattrReply>
{
    public static FsetxattrReply Rent() => Take<FsetxattrReply>();

    public static FsetxattrReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<FsetxattrReply>.Return(this);
    }

    public void CopyFrom(FsetxattrReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The RCHECKSUM fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct RchecksumFop : IFop<RchecksumFop, RchecksumReply>
{
    public static FopCode Code => FopCode.Rchecksum;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public long Offset { get; init; }

    public uint Length { get; init; }

    public uint Flags { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<RchecksumReply> Invoke(FopHandler handler, in RchecksumFop fop, Call call) =>
        handler.Rchecksum(in fop, call);

    public static XData? XDataOf(in RchecksumFop fop) => fop.XData;

    public static RchecksumFop WithXData(in RchecksumFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in RchecksumFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in RchecksumFop fop) => null;
}

/// <summary>The answer to RCHECKSUM.</summary>
public sealed class RchecksumReply : Reply, IReply<RchecksumReply>
{
    public uint Flags;

    public uint Weak;

    public Name Strong;

    public static RchecksumReply Rent() => Take<RchecksumReply>();

    public static RchecksumReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Flags = default;
        Weak = default;
        Strong = default;
        Pool<RchecksumReply>.Return(this);
    }

    public void CopyFrom(RchecksumReply other)
    {
        CopyBase(other);
        Flags = other.Flags;
        Weak = other.Weak;
        Strong = other.Strong.ToOwned();
    }
}

/// <summary>The SETATTR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct SetattrFop : IFop<SetattrFop, SetattrReply>
{
    public static FopCode Code => FopCode.Setattr;

    public Gfid Gfid { get; init; }

    public Iatt Iatt { get; init; }

    public SetattrValid Valid { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<SetattrReply> Invoke(FopHandler handler, in SetattrFop fop, Call call) =>
        handler.Setattr(in fop, call);

    public static XData? XDataOf(in SetattrFop fop) => fop.XData;

    public static SetattrFop WithXData(in SetattrFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in SetattrFop fop) => null;

    public static Fd? SecondFdOf(in SetattrFop fop) => null;
}

/// <summary>The answer to SETATTR.</summary>
public sealed class SetattrReply : Reply, IReply<SetattrReply>
{
    public Iatt Pre;

    public Iatt Post;

    public static SetattrReply Rent() => Take<SetattrReply>();

    public static SetattrReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pre = default;
        Post = default;
        Pool<SetattrReply>.Return(this);
    }

    public void CopyFrom(SetattrReply other)
    {
        CopyBase(other);
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The FSETATTR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FsetattrFop : IFop<FsetattrFop, FsetattrReply>
{
    public static FopCode Code => FopCode.Fsetattr;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public Iatt Iatt { get; init; }

    public SetattrValid Valid { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FsetattrReply> Invoke(FopHandler handler, in FsetattrFop fop, Call call) =>
        handler.Fsetattr(in fop, call);

    public static XData? XDataOf(in FsetattrFop fop) => fop.XData;

    public static FsetattrFop WithXData(in FsetattrFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FsetattrFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FsetattrFop fop) => null;
}

/// <summary>The answer to FSETATTR.</summary>
public sealed class FsetattrReply : Reply, IReply<FsetattrReply>
{
    public Iatt Pre;

    public Iatt Post;

    public static FsetattrReply Rent() => Take<FsetattrReply>();

    public static FsetattrReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pre = default;
        Post = default;
        Pool<FsetattrReply>.Return(this);
    }

    public void CopyFrom(FsetattrReply other)
    {
        CopyBase(other);
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The READDIRP fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct ReaddirpFop : IFop<ReaddirpFop, ReaddirpReply>
{
    public static FopCode Code => FopCode.Readdirp;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public long Offset { get; init; }

    public uint Size { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<ReaddirpReply> Invoke(FopHandler handler, in ReaddirpFop fop, Call call) =>
        handler.Readdirp(in fop, call);

    public static XData? XDataOf(in ReaddirpFop fop) => fop.XData;

    public static ReaddirpFop WithXData(in ReaddirpFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in ReaddirpFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in ReaddirpFop fop) => null;
}

/// <summary>The answer to READDIRP.</summary>
public sealed class ReaddirpReply : Reply, IReply<ReaddirpReply>
{
    public DirEntries Entries = new();

    public static ReaddirpReply Rent() => Take<ReaddirpReply>();

    public static ReaddirpReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Entries.Clear();
        Pool<ReaddirpReply>.Return(this);
    }

    public void CopyFrom(ReaddirpReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The RELEASE fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct ReleaseFop : IFop<ReleaseFop, ReleaseReply>
{
    public static FopCode Code => FopCode.Release;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<ReleaseReply> Invoke(FopHandler handler, in ReleaseFop fop, Call call) =>
        handler.Release(in fop, call);

    public static XData? XDataOf(in ReleaseFop fop) => fop.XData;

    public static ReleaseFop WithXData(in ReleaseFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in ReleaseFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in ReleaseFop fop) => null;
}

/// <summary>The answer to RELEASE.</summary>
public sealed class ReleaseReply : Reply, IReply<ReleaseReply>
{
    public static ReleaseReply Rent() => Take<ReleaseReply>();

    public static ReleaseReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<ReleaseReply>.Return(this);
    }

    public void CopyFrom(ReleaseReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The RELEASEDIR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct ReleasedirFop : IFop<ReleasedirFop, ReleasedirReply>
{
    public static FopCode Code => FopCode.Releasedir;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<ReleasedirReply> Invoke(FopHandler handler, in ReleasedirFop fop, Call call) =>
        handler.Releasedir(in fop, call);

    public static XData? XDataOf(in ReleasedirFop fop) => fop.XData;

    public static ReleasedirFop WithXData(in ReleasedirFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in ReleasedirFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in ReleasedirFop fop) => null;
}

/// <summary>The answer to RELEASEDIR.</summary>
public sealed class ReleasedirReply : Reply, IReply<ReleasedirReply>
{
    public static ReleasedirReply Rent() => Take<ReleasedirReply>();

    public static ReleasedirReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<ReleasedirReply>.Return(this);
    }

    public void CopyFrom(ReleasedirReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The FREMOVEXATTR fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FremovexattrFop : IFop<FremovexattrFop, FremovexattrReply>
{
    public static FopCode Code => FopCode.Fremovexattr;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public Name Name { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FremovexattrReply> Invoke(FopHandler handler, in FremovexattrFop fop, Call call) =>
        handler.Fremovexattr(in fop, call);

    public static XData? XDataOf(in FremovexattrFop fop) => fop.XData;

    public static FremovexattrFop WithXData(in FremovexattrFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FremovexattrFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FremovexattrFop fop) => null;
}

/// <summary>The answer to FREMOVEXATTR.</summary>
public sealed class FremovexattrReply : Reply, IReply<FremovexattrReply>
{
    public static FremovexattrReply Rent() => Take<FremovexattrReply>();

    public static FremovexattrReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<FremovexattrReply>.Return(this);
    }

    public void CopyFrom(FremovexattrReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The FALLOCATE fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct FallocateFop : IFop<FallocateFop, FallocateReply>
{
    public static FopCode Code => FopCode.Fallocate;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public uint Flags { get; init; }

    public long Offset { get; init; }

    public long Length { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<FallocateReply> Invoke(FopHandler handler, in FallocateFop fop, Call call) =>
        handler.Fallocate(in fop, call);

    public static XData? XDataOf(in FallocateFop fop) => fop.XData;

    public static FallocateFop WithXData(in FallocateFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in FallocateFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in FallocateFop fop) => null;
}

/// <summary>The answer to FALLOCATE.</summary>
public sealed class FallocateReply : Reply, IReply<FallocateReply>
{
    public Iatt Pre;

    public Iatt Post;

    public static FallocateReply Rent() => Take<FallocateReply>();

    public static FallocateReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pre = default;
        Post = default;
        Pool<FallocateReply>.Return(this);
    }

    public void CopyFrom(FallocateReply other)
    {
        CopyBase(other);
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The DISCARD fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct DiscardFop : IFop<DiscardFop, DiscardReply>
{
    public static FopCode Code => FopCode.Discard;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public long Offset { get; init; }

    public long Length { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<DiscardReply> Invoke(FopHandler handler, in DiscardFop fop, Call call) =>
        handler.Discard(in fop, call);

    public static XData? XDataOf(in DiscardFop fop) => fop.XData;

    public static DiscardFop WithXData(in DiscardFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in DiscardFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in DiscardFop fop) => null;
}

/// <summary>The answer to DISCARD.</summary>
public sealed class DiscardReply : Reply, IReply<DiscardReply>
{
    public Iatt Pre;

    public Iatt Post;

    public static DiscardReply Rent() => Take<DiscardReply>();

    public static DiscardReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pre = default;
        Post = default;
        Pool<DiscardReply>.Return(this);
    }

    public void CopyFrom(DiscardReply other)
    {
        CopyBase(other);
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The ZEROFILL fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct ZerofillFop : IFop<ZerofillFop, ZerofillReply>
{
    public static FopCode Code => FopCode.Zerofill;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public long Offset { get; init; }

    public long Length { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<ZerofillReply> Invoke(FopHandler handler, in ZerofillFop fop, Call call) =>
        handler.Zerofill(in fop, call);

    public static XData? XDataOf(in ZerofillFop fop) => fop.XData;

    public static ZerofillFop WithXData(in ZerofillFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in ZerofillFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in ZerofillFop fop) => null;
}

/// <summary>The answer to ZEROFILL.</summary>
public sealed class ZerofillReply : Reply, IReply<ZerofillReply>
{
    public Iatt Pre;

    public Iatt Post;

    public static ZerofillReply Rent() => Take<ZerofillReply>();

    public static ZerofillReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pre = default;
        Post = default;
        Pool<ZerofillReply>.Return(this);
    }

    public void CopyFrom(ZerofillReply other)
    {
        CopyBase(other);
        Pre = other.Pre;
        Post = other.Post;
    }
}

/// <summary>The IPC fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct IpcFop : IFop<IpcFop, IpcReply>
{
    public static FopCode Code => FopCode.Ipc;

    public int Operation { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<IpcReply> Invoke(FopHandler handler, in IpcFop fop, Call call) =>
        handler.Ipc(in fop, call);

    public static XData? XDataOf(in IpcFop fop) => fop.XData;

    public static IpcFop WithXData(in IpcFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in IpcFop fop) => null;

    public static Fd? SecondFdOf(in IpcFop fop) => null;
}

/// <summary>The answer to IPC.</summary>
public sealed class IpcReply : Reply, IReply<IpcReply>
{
    public static IpcReply Rent() => Take<IpcReply>();

    public static IpcReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<IpcReply>.Return(this);
    }

    public void CopyFrom(IpcReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The SEEK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct SeekFop : IFop<SeekFop, SeekReply>
{
    public static FopCode Code => FopCode.Seek;

    public Gfid Gfid { get; init; }

    public required Fd Fd { get; init; }

    public long Offset { get; init; }

    public SeekKind Kind { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<SeekReply> Invoke(FopHandler handler, in SeekFop fop, Call call) =>
        handler.Seek(in fop, call);

    public static XData? XDataOf(in SeekFop fop) => fop.XData;

    public static SeekFop WithXData(in SeekFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in SeekFop fop) => fop.Fd;

    public static Fd? SecondFdOf(in SeekFop fop) => null;
}

/// <summary>The answer to SEEK.</summary>
public sealed class SeekReply : Reply, IReply<SeekReply>
{
    public long Offset;

    public static SeekReply Rent() => Take<SeekReply>();

    public static SeekReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Offset = default;
        Pool<SeekReply>.Return(this);
    }

    public void CopyFrom(SeekReply other)
    {
        CopyBase(other);
        Offset = other.Offset;
    }
}

/// <summary>The LEASE fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct LeaseFop : IFop<LeaseFop, LeaseReply>
{
    public static FopCode Code => FopCode.Lease;

    public Gfid Gfid { get; init; }

    public Lease Lease { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<LeaseReply> Invoke(FopHandler handler, in LeaseFop fop, Call call) =>
        handler.Lease(in fop, call);

    public static XData? XDataOf(in LeaseFop fop) => fop.XData;

    public static LeaseFop WithXData(in LeaseFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in LeaseFop fop) => null;

    public static Fd? SecondFdOf(in LeaseFop fop) => null;
}

/// <summary>The answer to LEASE.</summary>
public sealed class LeaseReply : Reply, IReply<LeaseReply>
{
    public Lease Lease;

    public static LeaseReply Rent() => Take<LeaseReply>();

    public static LeaseReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Lease = default;
        Pool<LeaseReply>.Return(this);
    }

    public void CopyFrom(LeaseReply other)
    {
        CopyBase(other);
        Lease = other.Lease;
    }
}

/// <summary>The GETACTIVELK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct GetactivelkFop : IFop<GetactivelkFop, GetactivelkReply>
{
    public static FopCode Code => FopCode.Getactivelk;

    public Gfid Gfid { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<GetactivelkReply> Invoke(FopHandler handler, in GetactivelkFop fop, Call call) =>
        handler.Getactivelk(in fop, call);

    public static XData? XDataOf(in GetactivelkFop fop) => fop.XData;

    public static GetactivelkFop WithXData(in GetactivelkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in GetactivelkFop fop) => null;

    public static Fd? SecondFdOf(in GetactivelkFop fop) => null;
}

/// <summary>The answer to GETACTIVELK.</summary>
public sealed class GetactivelkReply : Reply, IReply<GetactivelkReply>
{
    public LockItem[] Locks = [];

    public static GetactivelkReply Rent() => Take<GetactivelkReply>();

    public static GetactivelkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Locks = [];
        Pool<GetactivelkReply>.Return(this);
    }

    public void CopyFrom(GetactivelkReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The SETACTIVELK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct SetactivelkFop : IFop<SetactivelkFop, SetactivelkReply>
{
    public static FopCode Code => FopCode.Setactivelk;

    public Gfid Gfid { get; init; }

    public required LockItem[] Locks { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<SetactivelkReply> Invoke(FopHandler handler, in SetactivelkFop fop, Call call) =>
        handler.Setactivelk(in fop, call);

    public static XData? XDataOf(in SetactivelkFop fop) => fop.XData;

    public static SetactivelkFop WithXData(in SetactivelkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in SetactivelkFop fop) => null;

    public static Fd? SecondFdOf(in SetactivelkFop fop) => null;
}

/// <summary>The answer to SETACTIVELK.</summary>
public sealed class SetactivelkReply : Reply, IReply<SetactivelkReply>
{
    public static SetactivelkReply Rent() => Take<SetactivelkReply>();

    public static SetactivelkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Pool<SetactivelkReply>.Return(this);
    }

    public void CopyFrom(SetactivelkReply other)
    {
        CopyBase(other);
    }
}

/// <summary>The ICREATE fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct IcreateFop : IFop<IcreateFop, IcreateReply>
{
    public static FopCode Code => FopCode.Icreate;

    public Gfid Gfid { get; init; }

    public uint Mode { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<IcreateReply> Invoke(FopHandler handler, in IcreateFop fop, Call call) =>
        handler.Icreate(in fop, call);

    public static XData? XDataOf(in IcreateFop fop) => fop.XData;

    public static IcreateFop WithXData(in IcreateFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in IcreateFop fop) => null;

    public static Fd? SecondFdOf(in IcreateFop fop) => null;
}

/// <summary>The answer to ICREATE.</summary>
public sealed class IcreateReply : Reply, IReply<IcreateReply>
{
    public Iatt Iatt;

    public static IcreateReply Rent() => Take<IcreateReply>();

    public static IcreateReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        Pool<IcreateReply>.Return(this);
    }

    public void CopyFrom(IcreateReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
    }
}

/// <summary>The NAMELINK fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct NamelinkFop : IFop<NamelinkFop, NamelinkReply>
{
    public static FopCode Code => FopCode.Namelink;

    public Gfid Parent { get; init; }

    public Name Name { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<NamelinkReply> Invoke(FopHandler handler, in NamelinkFop fop, Call call) =>
        handler.Namelink(in fop, call);

    public static XData? XDataOf(in NamelinkFop fop) => fop.XData;

    public static NamelinkFop WithXData(in NamelinkFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in NamelinkFop fop) => null;

    public static Fd? SecondFdOf(in NamelinkFop fop) => null;
}

/// <summary>The answer to NAMELINK.</summary>
public sealed class NamelinkReply : Reply, IReply<NamelinkReply>
{
    public Iatt PreParent;

    public Iatt PostParent;

    public static NamelinkReply Rent() => Take<NamelinkReply>();

    public static NamelinkReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        PreParent = default;
        PostParent = default;
        Pool<NamelinkReply>.Return(this);
    }

    public void CopyFrom(NamelinkReply other)
    {
        CopyBase(other);
        PreParent = other.PreParent;
        PostParent = other.PostParent;
    }
}

/// <summary>The PUT fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct PutFop : IFop<PutFop, PutReply>
{
    public static FopCode Code => FopCode.Put;

    public Gfid Parent { get; init; }

    public Name Name { get; init; }

    public uint Mode { get; init; }

    public uint Umask { get; init; }

    public uint Flags { get; init; }

    public long Offset { get; init; }

    public XData? Xattrs { get; init; }

    public XData? XData { get; init; }

    public Payload Data { get; init; }

    public static ValueTask<PutReply> Invoke(FopHandler handler, in PutFop fop, Call call) =>
        handler.Put(in fop, call);

    public static XData? XDataOf(in PutFop fop) => fop.XData;

    public static PutFop WithXData(in PutFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in PutFop fop) => null;

    public static Fd? SecondFdOf(in PutFop fop) => null;
}

/// <summary>The answer to PUT.</summary>
public sealed class PutReply : Reply, IReply<PutReply>
{
    public Iatt Iatt;

    public Iatt PreParent;

    public Iatt PostParent;

    public static PutReply Rent() => Take<PutReply>();

    public static PutReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        PreParent = default;
        PostParent = default;
        Pool<PutReply>.Return(this);
    }

    public void CopyFrom(PutReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        PreParent = other.PreParent;
        PostParent = other.PostParent;
    }
}

/// <summary>The COPYFILERANGE fop as a value; names, dictionaries and payload are borrowed.</summary>
public readonly record struct CopyFileRangeFop : IFop<CopyFileRangeFop, CopyFileRangeReply>
{
    public static FopCode Code => FopCode.CopyFileRange;

    public Gfid Source { get; init; }

    public Gfid Target { get; init; }

    public required Fd SourceFd { get; init; }

    public required Fd TargetFd { get; init; }

    public long SourceOffset { get; init; }

    public long TargetOffset { get; init; }

    public uint Length { get; init; }

    public uint Flags { get; init; }

    public XData? XData { get; init; }

    public static ValueTask<CopyFileRangeReply> Invoke(FopHandler handler, in CopyFileRangeFop fop, Call call) =>
        handler.CopyFileRange(in fop, call);

    public static XData? XDataOf(in CopyFileRangeFop fop) => fop.XData;

    public static CopyFileRangeFop WithXData(in CopyFileRangeFop fop, XData? xdata) => fop with { XData = xdata };

    public static Fd? FdOf(in CopyFileRangeFop fop) => fop.SourceFd;

    public static Fd? SecondFdOf(in CopyFileRangeFop fop) => fop.TargetFd;
}

/// <summary>The answer to COPYFILERANGE.</summary>
public sealed class CopyFileRangeReply : Reply, IReply<CopyFileRangeReply>
{
    public Iatt Iatt;

    public Iatt Pre;

    public Iatt Post;

    public static CopyFileRangeReply Rent() => Take<CopyFileRangeReply>();

    public static CopyFileRangeReply Fail(Errno error)
    {
        var reply = Rent();
        reply.Error = error;
        reply.OpRet = -1;
        return reply;
    }

    public override void Release()
    {
        ResetBase();
        Iatt = default;
        Pre = default;
        Post = default;
        Pool<CopyFileRangeReply>.Return(this);
    }

    public void CopyFrom(CopyFileRangeReply other)
    {
        CopyBase(other);
        Iatt = other.Iatt;
        Pre = other.Pre;
        Post = other.Post;
    }
}
