// Generated from src/fops.txt by tools/FopGen. Do not edit.
#nullable enable
using Myrmex.Base;

namespace Myrmex.Wire;

/// <summary>XDR of STAT.</summary>
public readonly struct StatCodec : IFopCodec<StatFop, StatReply>
{
    public static int RequestSizeMax(in StatFop fop) =>
        16 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(StatReply reply) =>
        8 + 148 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in StatFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out StatFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _xData = reader.ReadXData();
        fop = new StatFop
        {
            Gfid = _gfid,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, StatReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
    }

    public static bool TryDecodeReply(ref XdrReader reader, StatReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in StatFop fop) => default;

    public static Payload ReplyPayload(StatReply reply) => default;

    public static void ReleaseRequest(in StatFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in StatFop fop) => Errno.Ok;

    public static long FdNumberOf(StatReply reply) => -1;
}

/// <summary>XDR of READLINK.</summary>
public readonly struct ReadlinkCodec : IFopCodec<ReadlinkFop, ReadlinkReply>
{
    public static int RequestSizeMax(in ReadlinkFop fop) =>
        20 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(ReadlinkReply reply) =>
        8 + 148 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Target);

    public static void EncodeRequest(ref XdrWriter writer, in ReadlinkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteUInt(fop.Size);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out ReadlinkFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _size = reader.ReadUInt();
        var _xData = reader.ReadXData();
        fop = new ReadlinkFop
        {
            Gfid = _gfid,
            Size = _size,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, ReadlinkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteName(reply.Target);
    }

    public static bool TryDecodeReply(ref XdrReader reader, ReadlinkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.Target = reader.ReadName().ToOwned();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in ReadlinkFop fop) => default;

    public static Payload ReplyPayload(ReadlinkReply reply) => default;

    public static void ReleaseRequest(in ReadlinkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in ReadlinkFop fop) => Errno.Ok;

    public static long FdNumberOf(ReadlinkReply reply) => -1;
}

/// <summary>XDR of MKNOD.</summary>
public readonly struct MknodCodec : IFopCodec<MknodFop, MknodReply>
{
    public static int RequestSizeMax(in MknodFop fop) =>
        32 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(MknodReply reply) =>
        8 + 444 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in MknodFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Parent);
        writer.WriteULong(fop.Device);
        writer.WriteUInt(fop.Mode);
        writer.WriteUInt(fop.Umask);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out MknodFop fop)
    {
        var _parent = reader.ReadGfid();
        var _device = reader.ReadULong();
        var _mode = reader.ReadUInt();
        var _umask = reader.ReadUInt();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new MknodFop
        {
            Parent = _parent,
            Device = _device,
            Mode = _mode,
            Umask = _umask,
            Name = _name,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, MknodReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteIatt(in reply.PreParent);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, MknodReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.PreParent = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in MknodFop fop) => default;

    public static Payload ReplyPayload(MknodReply reply) => default;

    public static void ReleaseRequest(in MknodFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in MknodFop fop) => EntryNames.Check(fop.Name);

    public static long FdNumberOf(MknodReply reply) => -1;
}

/// <summary>XDR of MKDIR.</summary>
public readonly struct MkdirCodec : IFopCodec<MkdirFop, MkdirReply>
{
    public static int RequestSizeMax(in MkdirFop fop) =>
        24 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(MkdirReply reply) =>
        8 + 444 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in MkdirFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Parent);
        writer.WriteUInt(fop.Mode);
        writer.WriteUInt(fop.Umask);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out MkdirFop fop)
    {
        var _parent = reader.ReadGfid();
        var _mode = reader.ReadUInt();
        var _umask = reader.ReadUInt();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new MkdirFop
        {
            Parent = _parent,
            Mode = _mode,
            Umask = _umask,
            Name = _name,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, MkdirReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteIatt(in reply.PreParent);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, MkdirReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.PreParent = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in MkdirFop fop) => default;

    public static Payload ReplyPayload(MkdirReply reply) => default;

    public static void ReleaseRequest(in MkdirFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in MkdirFop fop) => EntryNames.Check(fop.Name);

    public static long FdNumberOf(MkdirReply reply) => -1;
}

/// <summary>XDR of UNLINK.</summary>
public readonly struct UnlinkCodec : IFopCodec<UnlinkFop, UnlinkReply>
{
    public static int RequestSizeMax(in UnlinkFop fop) =>
        20 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(UnlinkReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in UnlinkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Parent);
        writer.WriteName(fop.Name);
        writer.WriteUInt(fop.Flags);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out UnlinkFop fop)
    {
        var _parent = reader.ReadGfid();
        var _name = reader.ReadName();
        var _flags = reader.ReadUInt();
        var _xData = reader.ReadXData();
        fop = new UnlinkFop
        {
            Parent = _parent,
            Name = _name,
            Flags = _flags,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, UnlinkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.PreParent);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, UnlinkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.PreParent = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in UnlinkFop fop) => default;

    public static Payload ReplyPayload(UnlinkReply reply) => default;

    public static void ReleaseRequest(in UnlinkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in UnlinkFop fop) => EntryNames.Check(fop.Name);

    public static long FdNumberOf(UnlinkReply reply) => -1;
}

/// <summary>XDR of RMDIR.</summary>
public readonly struct RmdirCodec : IFopCodec<RmdirFop, RmdirReply>
{
    public static int RequestSizeMax(in RmdirFop fop) =>
        20 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(RmdirReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in RmdirFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Parent);
        writer.WriteInt(fop.Flags);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out RmdirFop fop)
    {
        var _parent = reader.ReadGfid();
        var _flags = reader.ReadInt();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new RmdirFop
        {
            Parent = _parent,
            Flags = _flags,
            Name = _name,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, RmdirReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.PreParent);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, RmdirReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.PreParent = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in RmdirFop fop) => default;

    public static Payload ReplyPayload(RmdirReply reply) => default;

    public static void ReleaseRequest(in RmdirFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in RmdirFop fop) => EntryNames.Check(fop.Name);

    public static long FdNumberOf(RmdirReply reply) => -1;
}

/// <summary>XDR of SYMLINK.</summary>
public readonly struct SymlinkCodec : IFopCodec<SymlinkFop, SymlinkReply>
{
    public static int RequestSizeMax(in SymlinkFop fop) =>
        20 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.Target) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(SymlinkReply reply) =>
        8 + 444 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in SymlinkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Parent);
        writer.WriteName(fop.Name);
        writer.WriteUInt(fop.Umask);
        writer.WriteName(fop.Target);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out SymlinkFop fop)
    {
        var _parent = reader.ReadGfid();
        var _name = reader.ReadName();
        var _umask = reader.ReadUInt();
        var _target = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new SymlinkFop
        {
            Parent = _parent,
            Name = _name,
            Umask = _umask,
            Target = _target,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, SymlinkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteIatt(in reply.PreParent);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, SymlinkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.PreParent = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in SymlinkFop fop) => default;

    public static Payload ReplyPayload(SymlinkReply reply) => default;

    public static void ReleaseRequest(in SymlinkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in SymlinkFop fop) => EntryNames.Check(fop.Name);

    public static long FdNumberOf(SymlinkReply reply) => -1;
}

/// <summary>XDR of RENAME.</summary>
public readonly struct RenameCodec : IFopCodec<RenameFop, RenameReply>
{
    public static int RequestSizeMax(in RenameFop fop) =>
        32 + XdrWriter.SizeOf(fop.OldName) + XdrWriter.SizeOf(fop.NewName) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(RenameReply reply) =>
        8 + 740 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in RenameFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.OldParent);
        writer.WriteGfid(fop.NewParent);
        writer.WriteName(fop.OldName);
        writer.WriteName(fop.NewName);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out RenameFop fop)
    {
        var _oldParent = reader.ReadGfid();
        var _newParent = reader.ReadGfid();
        var _oldName = reader.ReadName();
        var _newName = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new RenameFop
        {
            OldParent = _oldParent,
            NewParent = _newParent,
            OldName = _oldName,
            NewName = _newName,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, RenameReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteIatt(in reply.PreOldParent);
        writer.WriteIatt(in reply.PostOldParent);
        writer.WriteIatt(in reply.PreNewParent);
        writer.WriteIatt(in reply.PostNewParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, RenameReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.PreOldParent = reader.ReadIatt();
        reply.PostOldParent = reader.ReadIatt();
        reply.PreNewParent = reader.ReadIatt();
        reply.PostNewParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in RenameFop fop) => default;

    public static Payload ReplyPayload(RenameReply reply) => default;

    public static void ReleaseRequest(in RenameFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in RenameFop fop) => EntryNames.Check(fop.OldName) is not Errno.Ok and var bad ? bad : EntryNames.Check(fop.NewName);

    public static long FdNumberOf(RenameReply reply) => -1;
}

/// <summary>XDR of LINK.</summary>
public readonly struct LinkCodec : IFopCodec<LinkFop, LinkReply>
{
    public static int RequestSizeMax(in LinkFop fop) =>
        32 + XdrWriter.SizeOf(fop.NewName) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(LinkReply reply) =>
        8 + 444 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in LinkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteGfid(fop.NewParent);
        writer.WriteName(fop.NewName);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out LinkFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _newParent = reader.ReadGfid();
        var _newName = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new LinkFop
        {
            Gfid = _gfid,
            NewParent = _newParent,
            NewName = _newName,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, LinkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteIatt(in reply.PreParent);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, LinkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.PreParent = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in LinkFop fop) => default;

    public static Payload ReplyPayload(LinkReply reply) => default;

    public static void ReleaseRequest(in LinkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in LinkFop fop) => EntryNames.Check(fop.NewName);

    public static long FdNumberOf(LinkReply reply) => -1;
}

/// <summary>XDR of TRUNCATE.</summary>
public readonly struct TruncateCodec : IFopCodec<TruncateFop, TruncateReply>
{
    public static int RequestSizeMax(in TruncateFop fop) =>
        24 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(TruncateReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in TruncateFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fop.Offset);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out TruncateFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _offset = reader.ReadLong();
        var _xData = reader.ReadXData();
        fop = new TruncateFop
        {
            Gfid = _gfid,
            Offset = _offset,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, TruncateReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, TruncateReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in TruncateFop fop) => default;

    public static Payload ReplyPayload(TruncateReply reply) => default;

    public static void ReleaseRequest(in TruncateFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in TruncateFop fop) => Errno.Ok;

    public static long FdNumberOf(TruncateReply reply) => -1;
}

/// <summary>XDR of OPEN.</summary>
public readonly struct OpenCodec : IFopCodec<OpenFop, OpenReply>
{
    public static int RequestSizeMax(in OpenFop fop) =>
        20 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(OpenReply reply) =>
        8 + 8 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in OpenFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteUInt(fop.Flags);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out OpenFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _flags = reader.ReadUInt();
        var _xData = reader.ReadXData();
        var _fd = reader.Failed ? null! : fds.New(_gfid, _flags, false);
        fop = new OpenFop
        {
            Gfid = _gfid,
            Flags = _flags,
            Fd = _fd,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, OpenReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteLong(reply.FdNumber);
    }

    public static bool TryDecodeReply(ref XdrReader reader, OpenReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.FdNumber = reader.ReadLong();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in OpenFop fop) => default;

    public static Payload ReplyPayload(OpenReply reply) => default;

    public static void ReleaseRequest(in OpenFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in OpenFop fop) => Errno.Ok;

    public static long FdNumberOf(OpenReply reply) => reply.FdNumber;
}

/// <summary>XDR of READ.</summary>
public readonly struct ReadCodec : IFopCodec<ReadFop, ReadReply>
{
    public static int RequestSizeMax(in ReadFop fop) =>
        40 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(ReadReply reply) =>
        8 + 152 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in ReadFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteLong(fop.Offset);
        writer.WriteUInt(fop.Size);
        writer.WriteUInt(fop.Flags);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out ReadFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _offset = reader.ReadLong();
        var _size = reader.ReadUInt();
        var _flags = reader.ReadUInt();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new ReadFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Offset = _offset,
            Size = _size,
            Flags = _flags,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, ReadReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteUInt((uint)reply.Data.Length);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, ReadReply reply)
    {
        reader.ReadResult(reply);
        reply.Iatt = reader.ReadIatt();
        var _size = reader.ReadUInt();
        reply.XData = reader.ReadXData();
        reply.Data = reader.ReadReplyPayload(reply, _size);
        return !reader.Failed;
    }

    public static Payload RequestPayload(in ReadFop fop) => default;

    public static Payload ReplyPayload(ReadReply reply) => reply.Data;

    public static void ReleaseRequest(in ReadFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in ReadFop fop) => Errno.Ok;

    public static long FdNumberOf(ReadReply reply) => -1;
}

/// <summary>XDR of WRITE.</summary>
public readonly struct WriteCodec : IFopCodec<WriteFop, WriteReply>
{
    public static int RequestSizeMax(in WriteFop fop) =>
        40 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(WriteReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in WriteFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteLong(fop.Offset);
        writer.WriteUInt((uint)fop.Data.Length);
        writer.WriteUInt(fop.Flags);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out WriteFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _offset = reader.ReadLong();
        var _size = reader.ReadUInt();
        var _flags = reader.ReadUInt();
        var _xData = reader.ReadXData();
        var _data = reader.ReadRest(_size);
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new WriteFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Offset = _offset,
            Flags = _flags,
            XData = _xData,
            Data = _data,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, WriteReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, WriteReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in WriteFop fop) => fop.Data;

    public static Payload ReplyPayload(WriteReply reply) => default;

    public static void ReleaseRequest(in WriteFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in WriteFop fop) => Errno.Ok;

    public static long FdNumberOf(WriteReply reply) => -1;
}

/// <summary>XDR of STATFS.</summary>
public readonly struct StatfsCodec : IFopCodec<StatfsFop, StatfsReply>
{
    public static int RequestSizeMax(in StatfsFop fop) =>
        16 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(StatfsReply reply) =>
        8 + 88 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in StatfsFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out StatfsFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _xData = reader.ReadXData();
        fop = new StatfsFop
        {
            Gfid = _gfid,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, StatfsReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteStatFs(reply.StatFs);
    }

    public static bool TryDecodeReply(ref XdrReader reader, StatfsReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.StatFs = reader.ReadStatFs();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in StatfsFop fop) => default;

    public static Payload ReplyPayload(StatfsReply reply) => default;

    public static void ReleaseRequest(in StatfsFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in StatfsFop fop) => Errno.Ok;

    public static long FdNumberOf(StatfsReply reply) => -1;
}

/// <summary>XDR of FLUSH.</summary>
public readonly struct FlushCodec : IFopCodec<FlushFop, FlushReply>
{
    public static int RequestSizeMax(in FlushFop fop) =>
        24 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FlushReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FlushFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FlushFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FlushFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FlushReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FlushReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FlushFop fop) => default;

    public static Payload ReplyPayload(FlushReply reply) => default;

    public static void ReleaseRequest(in FlushFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FlushFop fop) => Errno.Ok;

    public static long FdNumberOf(FlushReply reply) => -1;
}

/// <summary>XDR of FSYNC.</summary>
public readonly struct FsyncCodec : IFopCodec<FsyncFop, FsyncReply>
{
    public static int RequestSizeMax(in FsyncFop fop) =>
        28 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FsyncReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FsyncFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteUInt(fop.DataOnly);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FsyncFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _dataOnly = reader.ReadUInt();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FsyncFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            DataOnly = _dataOnly,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FsyncReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FsyncReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FsyncFop fop) => default;

    public static Payload ReplyPayload(FsyncReply reply) => default;

    public static void ReleaseRequest(in FsyncFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FsyncFop fop) => Errno.Ok;

    public static long FdNumberOf(FsyncReply reply) => -1;
}

/// <summary>XDR of SETXATTR.</summary>
public readonly struct SetxattrCodec : IFopCodec<SetxattrFop, SetxattrReply>
{
    public static int RequestSizeMax(in SetxattrFop fop) =>
        20 + XdrWriter.SizeOf(fop.Values) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(SetxattrReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in SetxattrFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteUInt(fop.Flags);
        writer.WriteXData(fop.Values);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out SetxattrFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _flags = reader.ReadUInt();
        var _values = reader.ReadXData();
        var _xData = reader.ReadXData();
        fop = new SetxattrFop
        {
            Gfid = _gfid,
            Flags = _flags,
            Values = _values,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, SetxattrReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, SetxattrReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in SetxattrFop fop) => default;

    public static Payload ReplyPayload(SetxattrReply reply) => default;

    public static void ReleaseRequest(in SetxattrFop fop)
    {
        fop.Values?.Release();
        fop.XData?.Release();
    }

    public static Errno CheckNames(in SetxattrFop fop) => Errno.Ok;

    public static long FdNumberOf(SetxattrReply reply) => -1;
}

/// <summary>XDR of GETXATTR.</summary>
public readonly struct GetxattrCodec : IFopCodec<GetxattrFop, GetxattrReply>
{
    public static int RequestSizeMax(in GetxattrFop fop) =>
        20 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(GetxattrReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Values);

    public static void EncodeRequest(ref XdrWriter writer, in GetxattrFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteUInt(fop.NameLength);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out GetxattrFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _nameLength = reader.ReadUInt();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new GetxattrFop
        {
            Gfid = _gfid,
            NameLength = _nameLength,
            Name = _name,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, GetxattrReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteXData(reply.Values);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, GetxattrReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Values = reader.ReadXData(keepEmpty: true);
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in GetxattrFop fop) => default;

    public static Payload ReplyPayload(GetxattrReply reply) => default;

    public static void ReleaseRequest(in GetxattrFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in GetxattrFop fop) => Errno.Ok;

    public static long FdNumberOf(GetxattrReply reply) => -1;
}

/// <summary>XDR of REMOVEXATTR.</summary>
public readonly struct RemovexattrCodec : IFopCodec<RemovexattrFop, RemovexattrReply>
{
    public static int RequestSizeMax(in RemovexattrFop fop) =>
        16 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(RemovexattrReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in RemovexattrFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out RemovexattrFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new RemovexattrFop
        {
            Gfid = _gfid,
            Name = _name,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, RemovexattrReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, RemovexattrReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in RemovexattrFop fop) => default;

    public static Payload ReplyPayload(RemovexattrReply reply) => default;

    public static void ReleaseRequest(in RemovexattrFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in RemovexattrFop fop) => Errno.Ok;

    public static long FdNumberOf(RemovexattrReply reply) => -1;
}

/// <summary>XDR of OPENDIR.</summary>
public readonly struct OpendirCodec : IFopCodec<OpendirFop, OpendirReply>
{
    public static int RequestSizeMax(in OpendirFop fop) =>
        16 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(OpendirReply reply) =>
        8 + 8 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in OpendirFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out OpendirFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _xData = reader.ReadXData();
        var _fd = reader.Failed ? null! : fds.New(_gfid, OpenFlags.Directory, true);
        fop = new OpendirFop
        {
            Gfid = _gfid,
            Fd = _fd,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, OpendirReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteLong(reply.FdNumber);
    }

    public static bool TryDecodeReply(ref XdrReader reader, OpendirReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.FdNumber = reader.ReadLong();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in OpendirFop fop) => default;

    public static Payload ReplyPayload(OpendirReply reply) => default;

    public static void ReleaseRequest(in OpendirFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in OpendirFop fop) => Errno.Ok;

    public static long FdNumberOf(OpendirReply reply) => reply.FdNumber;
}

/// <summary>XDR of FSYNCDIR.</summary>
public readonly struct FsyncdirCodec : IFopCodec<FsyncdirFop, FsyncdirReply>
{
    public static int RequestSizeMax(in FsyncdirFop fop) =>
        28 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FsyncdirReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FsyncdirFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteInt(fop.DataOnly);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FsyncdirFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _dataOnly = reader.ReadInt();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FsyncdirFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            DataOnly = _dataOnly,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FsyncdirReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FsyncdirReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FsyncdirFop fop) => default;

    public static Payload ReplyPayload(FsyncdirReply reply) => default;

    public static void ReleaseRequest(in FsyncdirFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FsyncdirFop fop) => Errno.Ok;

    public static long FdNumberOf(FsyncdirReply reply) => -1;
}

/// <summary>XDR of ACCESS.</summary>
public readonly struct AccessCodec : IFopCodec<AccessFop, AccessReply>
{
    public static int RequestSizeMax(in AccessFop fop) =>
        20 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(AccessReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in AccessFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteUInt(fop.Mask);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out AccessFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _mask = reader.ReadUInt();
        var _xData = reader.ReadXData();
        fop = new AccessFop
        {
            Gfid = _gfid,
            Mask = _mask,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, AccessReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, AccessReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in AccessFop fop) => default;

    public static Payload ReplyPayload(AccessReply reply) => default;

    public static void ReleaseRequest(in AccessFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in AccessFop fop) => Errno.Ok;

    public static long FdNumberOf(AccessReply reply) => -1;
}

/// <summary>XDR of CREATE.</summary>
public readonly struct CreateCodec : IFopCodec<CreateFop, CreateReply>
{
    public static int RequestSizeMax(in CreateFop fop) =>
        28 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(CreateReply reply) =>
        8 + 452 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in CreateFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Parent);
        writer.WriteUInt(fop.Flags);
        writer.WriteUInt(fop.Mode);
        writer.WriteUInt(fop.Umask);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out CreateFop fop)
    {
        var _parent = reader.ReadGfid();
        var _flags = reader.ReadUInt();
        var _mode = reader.ReadUInt();
        var _umask = reader.ReadUInt();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        var _fd = reader.Failed ? null! : fds.New(Gfid.Null, _flags, false);
        fop = new CreateFop
        {
            Parent = _parent,
            Flags = _flags,
            Mode = _mode,
            Umask = _umask,
            Name = _name,
            Fd = _fd,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, CreateReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteLong(reply.FdNumber);
        writer.WriteIatt(in reply.PreParent);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, CreateReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.FdNumber = reader.ReadLong();
        reply.PreParent = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in CreateFop fop) => default;

    public static Payload ReplyPayload(CreateReply reply) => default;

    public static void ReleaseRequest(in CreateFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in CreateFop fop) => EntryNames.Check(fop.Name);

    public static long FdNumberOf(CreateReply reply) => reply.FdNumber;
}

/// <summary>XDR of FTRUNCATE.</summary>
public readonly struct FtruncateCodec : IFopCodec<FtruncateFop, FtruncateReply>
{
    public static int RequestSizeMax(in FtruncateFop fop) =>
        32 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FtruncateReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FtruncateFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteLong(fop.Offset);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FtruncateFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _offset = reader.ReadLong();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FtruncateFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Offset = _offset,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FtruncateReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FtruncateReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FtruncateFop fop) => default;

    public static Payload ReplyPayload(FtruncateReply reply) => default;

    public static void ReleaseRequest(in FtruncateFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FtruncateFop fop) => Errno.Ok;

    public static long FdNumberOf(FtruncateReply reply) => -1;
}

/// <summary>XDR of FSTAT.</summary>
public readonly struct FstatCodec : IFopCodec<FstatFop, FstatReply>
{
    public static int RequestSizeMax(in FstatFop fop) =>
        24 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FstatReply reply) =>
        8 + 148 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FstatFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FstatFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FstatFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FstatReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FstatReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FstatFop fop) => default;

    public static Payload ReplyPayload(FstatReply reply) => default;

    public static void ReleaseRequest(in FstatFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FstatFop fop) => Errno.Ok;

    public static long FdNumberOf(FstatReply reply) => -1;
}

/// <summary>XDR of LK.</summary>
public readonly struct LkCodec : IFopCodec<LkFop, LkReply>
{
    public static int RequestSizeMax(in LkFop fop) =>
        32 + XdrWriter.SizeOf(fop.Flock) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(LkReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Flock);

    public static void EncodeRequest(ref XdrWriter writer, in LkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteUInt((uint)fop.Command);
        writer.WriteUInt((uint)fop.Type);
        writer.WriteFlock(fop.Flock);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out LkFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _command = (LockCommand)reader.ReadUInt();
        var _type = (LockType)reader.ReadUInt();
        var _flock = reader.ReadFlock();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new LkFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Command = _command,
            Type = _type,
            Flock = _flock,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, LkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteFlock(reply.Flock);
    }

    public static bool TryDecodeReply(ref XdrReader reader, LkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Flock = reader.ReadFlock();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in LkFop fop) => default;

    public static Payload ReplyPayload(LkReply reply) => default;

    public static void ReleaseRequest(in LkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in LkFop fop) => Errno.Ok;

    public static long FdNumberOf(LkReply reply) => -1;
}

/// <summary>XDR of LOOKUP.</summary>
public readonly struct LookupCodec : IFopCodec<LookupFop, LookupReply>
{
    public static int RequestSizeMax(in LookupFop fop) =>
        36 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(LookupReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in LookupFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteGfid(fop.Parent);
        writer.WriteUInt(fop.Flags);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out LookupFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _parent = reader.ReadGfid();
        var _flags = reader.ReadUInt();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new LookupFop
        {
            Gfid = _gfid,
            Parent = _parent,
            Flags = _flags,
            Name = _name,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, LookupReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, LookupReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in LookupFop fop) => default;

    public static Payload ReplyPayload(LookupReply reply) => default;

    public static void ReleaseRequest(in LookupFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in LookupFop fop) => EntryNames.CheckLookup(fop.Name);

    public static long FdNumberOf(LookupReply reply) => -1;
}

/// <summary>XDR of READDIR.</summary>
public readonly struct ReaddirCodec : IFopCodec<ReaddirFop, ReaddirReply>
{
    public static int RequestSizeMax(in ReaddirFop fop) =>
        36 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(ReaddirReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Entries, plus: false);

    public static void EncodeRequest(ref XdrWriter writer, in ReaddirFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteLong(fop.Offset);
        writer.WriteUInt(fop.Size);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out ReaddirFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _offset = reader.ReadLong();
        var _size = reader.ReadUInt();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new ReaddirFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Offset = _offset,
            Size = _size,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, ReaddirReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteDirList(reply.Entries);
    }

    public static bool TryDecodeReply(ref XdrReader reader, ReaddirReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reader.ReadDirList(reply.Entries);
        return !reader.Failed;
    }

    public static Payload RequestPayload(in ReaddirFop fop) => default;

    public static Payload ReplyPayload(ReaddirReply reply) => default;

    public static void ReleaseRequest(in ReaddirFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in ReaddirFop fop) => Errno.Ok;

    public static long FdNumberOf(ReaddirReply reply) => -1;
}

/// <summary>XDR of INODELK.</summary>
public readonly struct InodelkCodec : IFopCodec<InodelkFop, InodelkReply>
{
    public static int RequestSizeMax(in InodelkFop fop) =>
        24 + XdrWriter.SizeOf(fop.Flock) + XdrWriter.SizeOf(fop.Domain) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(InodelkReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in InodelkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteUInt((uint)fop.Command);
        writer.WriteUInt((uint)fop.Type);
        writer.WriteFlock(fop.Flock);
        writer.WriteName(fop.Domain);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out InodelkFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _command = (LockCommand)reader.ReadUInt();
        var _type = (LockType)reader.ReadUInt();
        var _flock = reader.ReadFlock();
        var _domain = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new InodelkFop
        {
            Gfid = _gfid,
            Command = _command,
            Type = _type,
            Flock = _flock,
            Domain = _domain,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, InodelkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, InodelkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in InodelkFop fop) => default;

    public static Payload ReplyPayload(InodelkReply reply) => default;

    public static void ReleaseRequest(in InodelkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in InodelkFop fop) => Errno.Ok;

    public static long FdNumberOf(InodelkReply reply) => -1;
}

/// <summary>XDR of FINODELK.</summary>
public readonly struct FinodelkCodec : IFopCodec<FinodelkFop, FinodelkReply>
{
    public static int RequestSizeMax(in FinodelkFop fop) =>
        32 + XdrWriter.SizeOf(fop.Flock) + XdrWriter.SizeOf(fop.Domain) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FinodelkReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FinodelkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteUInt((uint)fop.Command);
        writer.WriteUInt((uint)fop.Type);
        writer.WriteFlock(fop.Flock);
        writer.WriteName(fop.Domain);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FinodelkFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _command = (LockCommand)reader.ReadUInt();
        var _type = (LockType)reader.ReadUInt();
        var _flock = reader.ReadFlock();
        var _domain = reader.ReadName();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FinodelkFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Command = _command,
            Type = _type,
            Flock = _flock,
            Domain = _domain,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FinodelkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FinodelkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FinodelkFop fop) => default;

    public static Payload ReplyPayload(FinodelkReply reply) => default;

    public static void ReleaseRequest(in FinodelkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FinodelkFop fop) => Errno.Ok;

    public static long FdNumberOf(FinodelkReply reply) => -1;
}

/// <summary>XDR of ENTRYLK.</summary>
public readonly struct EntrylkCodec : IFopCodec<EntrylkFop, EntrylkReply>
{
    public static int RequestSizeMax(in EntrylkFop fop) =>
        32 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.Domain) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(EntrylkReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in EntrylkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteUInt((uint)fop.Command);
        writer.WriteUInt((uint)fop.Type);
        writer.WriteULong(fop.NameLength);
        writer.WriteName(fop.Name);
        writer.WriteName(fop.Domain);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out EntrylkFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _command = (EntryLockCommand)reader.ReadUInt();
        var _type = (LockType)reader.ReadUInt();
        var _nameLength = reader.ReadULong();
        var _name = reader.ReadName();
        var _domain = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new EntrylkFop
        {
            Gfid = _gfid,
            Command = _command,
            Type = _type,
            NameLength = _nameLength,
            Name = _name,
            Domain = _domain,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, EntrylkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, EntrylkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in EntrylkFop fop) => default;

    public static Payload ReplyPayload(EntrylkReply reply) => default;

    public static void ReleaseRequest(in EntrylkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in EntrylkFop fop) => Errno.Ok;

    public static long FdNumberOf(EntrylkReply reply) => -1;
}

/// <summary>XDR of FENTRYLK.</summary>
public readonly struct FentrylkCodec : IFopCodec<FentrylkFop, FentrylkReply>
{
    public static int RequestSizeMax(in FentrylkFop fop) =>
        40 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.Domain) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FentrylkReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FentrylkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteUInt((uint)fop.Command);
        writer.WriteUInt((uint)fop.Type);
        writer.WriteULong(fop.NameLength);
        writer.WriteName(fop.Name);
        writer.WriteName(fop.Domain);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FentrylkFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _command = (EntryLockCommand)reader.ReadUInt();
        var _type = (LockType)reader.ReadUInt();
        var _nameLength = reader.ReadULong();
        var _name = reader.ReadName();
        var _domain = reader.ReadName();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FentrylkFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Command = _command,
            Type = _type,
            NameLength = _nameLength,
            Name = _name,
            Domain = _domain,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FentrylkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FentrylkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FentrylkFop fop) => default;

    public static Payload ReplyPayload(FentrylkReply reply) => default;

    public static void ReleaseRequest(in FentrylkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FentrylkFop fop) => Errno.Ok;

    public static long FdNumberOf(FentrylkReply reply) => -1;
}

/// <summary>XDR of XATTROP.</summary>
public readonly struct XattropCodec : IFopCodec<XattropFop, XattropReply>
{
    public static int RequestSizeMax(in XattropFop fop) =>
        20 + XdrWriter.SizeOf(fop.Values) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(XattropReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Values);

    public static void EncodeRequest(ref XdrWriter writer, in XattropFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteUInt((uint)fop.Kind);
        writer.WriteXData(fop.Values);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out XattropFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _kind = (XattropKind)reader.ReadUInt();
        var _values = reader.ReadXData();
        var _xData = reader.ReadXData();
        fop = new XattropFop
        {
            Gfid = _gfid,
            Kind = _kind,
            Values = _values,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, XattropReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteXData(reply.Values);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, XattropReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Values = reader.ReadXData(keepEmpty: true);
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in XattropFop fop) => default;

    public static Payload ReplyPayload(XattropReply reply) => default;

    public static void ReleaseRequest(in XattropFop fop)
    {
        fop.Values?.Release();
        fop.XData?.Release();
    }

    public static Errno CheckNames(in XattropFop fop) => Errno.Ok;

    public static long FdNumberOf(XattropReply reply) => -1;
}

/// <summary>XDR of FXATTROP.</summary>
public readonly struct FxattropCodec : IFopCodec<FxattropFop, FxattropReply>
{
    public static int RequestSizeMax(in FxattropFop fop) =>
        28 + XdrWriter.SizeOf(fop.Values) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FxattropReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Values);

    public static void EncodeRequest(ref XdrWriter writer, in FxattropFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteUInt((uint)fop.Kind);
        writer.WriteXData(fop.Values);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FxattropFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _kind = (XattropKind)reader.ReadUInt();
        var _values = reader.ReadXData();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FxattropFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Kind = _kind,
            Values = _values,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FxattropReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteXData(reply.Values);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FxattropReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Values = reader.ReadXData(keepEmpty: true);
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FxattropFop fop) => default;

    public static Payload ReplyPayload(FxattropReply reply) => default;

    public static void ReleaseRequest(in FxattropFop fop)
    {
        fop.Values?.Release();
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FxattropFop fop) => Errno.Ok;

    public static long FdNumberOf(FxattropReply reply) => -1;
}

/// <summary>XDR of FGETXATTR.</summary>
public readonly struct FgetxattrCodec : IFopCodec<FgetxattrFop, FgetxattrReply>
{
    public static int RequestSizeMax(in FgetxattrFop fop) =>
        28 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FgetxattrReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Values);

    public static void EncodeRequest(ref XdrWriter writer, in FgetxattrFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteUInt(fop.NameLength);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FgetxattrFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _nameLength = reader.ReadUInt();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FgetxattrFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            NameLength = _nameLength,
            Name = _name,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FgetxattrReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteXData(reply.Values);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FgetxattrReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Values = reader.ReadXData(keepEmpty: true);
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FgetxattrFop fop) => default;

    public static Payload ReplyPayload(FgetxattrReply reply) => default;

    public static void ReleaseRequest(in FgetxattrFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FgetxattrFop fop) => Errno.Ok;

    public static long FdNumberOf(FgetxattrReply reply) => -1;
}

/// <summary>XDR of FSETXATTR.</summary>
public readonly struct FsetxattrCodec : IFopCodec<FsetxattrFop, FsetxattrReply>
{
    public static int RequestSizeMax(in FsetxattrFop fop) =>
        28 + XdrWriter.SizeOf(fop.Values) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FsetxattrReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FsetxattrFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteUInt(fop.Flags);
        writer.WriteXData(fop.Values);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FsetxattrFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _flags = reader.ReadUInt();
        var _values = reader.ReadXData();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FsetxattrFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Flags = _flags,
            Values = _values,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FsetxattrReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FsetxattrReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FsetxattrFop fop) => default;

    public static Payload ReplyPayload(FsetxattrReply reply) => default;

    public static void ReleaseRequest(in FsetxattrFop fop)
    {
        fop.Values?.Release();
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FsetxattrFop fop) => Errno.Ok;

    public static long FdNumberOf(FsetxattrReply reply) => -1;
}

/// <summary>XDR of RCHECKSUM.</summary>
public readonly struct RchecksumCodec : IFopCodec<RchecksumFop, RchecksumReply>
{
    public static int RequestSizeMax(in RchecksumFop fop) =>
        40 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(RchecksumReply reply) =>
        8 + 8 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Strong);

    public static void EncodeRequest(ref XdrWriter writer, in RchecksumFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteLong(fop.Offset);
        writer.WriteUInt(fop.Length);
        writer.WriteUInt(fop.Flags);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out RchecksumFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _offset = reader.ReadLong();
        var _length = reader.ReadUInt();
        var _flags = reader.ReadUInt();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new RchecksumFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Offset = _offset,
            Length = _length,
            Flags = _flags,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, RchecksumReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteUInt(reply.Flags);
        writer.WriteUInt(reply.Weak);
        writer.WriteName(reply.Strong);
    }

    public static bool TryDecodeReply(ref XdrReader reader, RchecksumReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Flags = reader.ReadUInt();
        reply.Weak = reader.ReadUInt();
        reply.Strong = reader.ReadName().ToOwned();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in RchecksumFop fop) => default;

    public static Payload ReplyPayload(RchecksumReply reply) => default;

    public static void ReleaseRequest(in RchecksumFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in RchecksumFop fop) => Errno.Ok;

    public static long FdNumberOf(RchecksumReply reply) => -1;
}

/// <summary>XDR of SETATTR.</summary>
public readonly struct SetattrCodec : IFopCodec<SetattrFop, SetattrReply>
{
    public static int RequestSizeMax(in SetattrFop fop) =>
        168 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(SetattrReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in SetattrFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteIatt(fop.Iatt);
        writer.WriteInt((int)fop.Valid);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out SetattrFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _iatt = reader.ReadIatt();
        var _valid = (SetattrValid)reader.ReadInt();
        var _xData = reader.ReadXData();
        fop = new SetattrFop
        {
            Gfid = _gfid,
            Iatt = _iatt,
            Valid = _valid,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, SetattrReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, SetattrReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in SetattrFop fop) => default;

    public static Payload ReplyPayload(SetattrReply reply) => default;

    public static void ReleaseRequest(in SetattrFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in SetattrFop fop) => Errno.Ok;

    public static long FdNumberOf(SetattrReply reply) => -1;
}

/// <summary>XDR of FSETATTR.</summary>
public readonly struct FsetattrCodec : IFopCodec<FsetattrFop, FsetattrReply>
{
    public static int RequestSizeMax(in FsetattrFop fop) =>
        176 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FsetattrReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FsetattrFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteIatt(fop.Iatt);
        writer.WriteInt((int)fop.Valid);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FsetattrFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _iatt = reader.ReadIatt();
        var _valid = (SetattrValid)reader.ReadInt();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FsetattrFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Iatt = _iatt,
            Valid = _valid,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FsetattrReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FsetattrReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FsetattrFop fop) => default;

    public static Payload ReplyPayload(FsetattrReply reply) => default;

    public static void ReleaseRequest(in FsetattrFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FsetattrFop fop) => Errno.Ok;

    public static long FdNumberOf(FsetattrReply reply) => -1;
}

/// <summary>XDR of READDIRP.</summary>
public readonly struct ReaddirpCodec : IFopCodec<ReaddirpFop, ReaddirpReply>
{
    public static int RequestSizeMax(in ReaddirpFop fop) =>
        36 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(ReaddirpReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Entries, plus: true);

    public static void EncodeRequest(ref XdrWriter writer, in ReaddirpFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteLong(fop.Offset);
        writer.WriteUInt(fop.Size);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out ReaddirpFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _offset = reader.ReadLong();
        var _size = reader.ReadUInt();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new ReaddirpFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Offset = _offset,
            Size = _size,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, ReaddirpReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteDirPlusList(reply.Entries);
    }

    public static bool TryDecodeReply(ref XdrReader reader, ReaddirpReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reader.ReadDirPlusList(reply.Entries);
        return !reader.Failed;
    }

    public static Payload RequestPayload(in ReaddirpFop fop) => default;

    public static Payload ReplyPayload(ReaddirpReply reply) => default;

    public static void ReleaseRequest(in ReaddirpFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in ReaddirpFop fop) => Errno.Ok;

    public static long FdNumberOf(ReaddirpReply reply) => -1;
}

/// <summary>XDR of RELEASE.</summary>
public readonly struct ReleaseCodec : IFopCodec<ReleaseFop, ReleaseReply>
{
    public static int RequestSizeMax(in ReleaseFop fop) =>
        24 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(ReleaseReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in ReleaseFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out ReleaseFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new ReleaseFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, ReleaseReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, ReleaseReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in ReleaseFop fop) => default;

    public static Payload ReplyPayload(ReleaseReply reply) => default;

    public static void ReleaseRequest(in ReleaseFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in ReleaseFop fop) => Errno.Ok;

    public static long FdNumberOf(ReleaseReply reply) => -1;
}

/// <summary>XDR of RELEASEDIR.</summary>
public readonly struct ReleasedirCodec : IFopCodec<ReleasedirFop, ReleasedirReply>
{
    public static int RequestSizeMax(in ReleasedirFop fop) =>
        24 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(ReleasedirReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in ReleasedirFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out ReleasedirFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new ReleasedirFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, ReleasedirReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, ReleasedirReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in ReleasedirFop fop) => default;

    public static Payload ReplyPayload(ReleasedirReply reply) => default;

    public static void ReleaseRequest(in ReleasedirFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in ReleasedirFop fop) => Errno.Ok;

    public static long FdNumberOf(ReleasedirReply reply) => -1;
}

/// <summary>XDR of FREMOVEXATTR.</summary>
public readonly struct FremovexattrCodec : IFopCodec<FremovexattrFop, FremovexattrReply>
{
    public static int RequestSizeMax(in FremovexattrFop fop) =>
        24 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FremovexattrReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FremovexattrFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FremovexattrFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FremovexattrFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Name = _name,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FremovexattrReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FremovexattrReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FremovexattrFop fop) => default;

    public static Payload ReplyPayload(FremovexattrReply reply) => default;

    public static void ReleaseRequest(in FremovexattrFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FremovexattrFop fop) => Errno.Ok;

    public static long FdNumberOf(FremovexattrReply reply) => -1;
}

/// <summary>XDR of FALLOCATE.</summary>
public readonly struct FallocateCodec : IFopCodec<FallocateFop, FallocateReply>
{
    public static int RequestSizeMax(in FallocateFop fop) =>
        44 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(FallocateReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in FallocateFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteUInt(fop.Flags);
        writer.WriteLong(fop.Offset);
        writer.WriteLong(fop.Length);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out FallocateFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _flags = reader.ReadUInt();
        var _offset = reader.ReadLong();
        var _length = reader.ReadLong();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new FallocateFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Flags = _flags,
            Offset = _offset,
            Length = _length,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, FallocateReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, FallocateReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in FallocateFop fop) => default;

    public static Payload ReplyPayload(FallocateReply reply) => default;

    public static void ReleaseRequest(in FallocateFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in FallocateFop fop) => Errno.Ok;

    public static long FdNumberOf(FallocateReply reply) => -1;
}

/// <summary>XDR of DISCARD.</summary>
public readonly struct DiscardCodec : IFopCodec<DiscardFop, DiscardReply>
{
    public static int RequestSizeMax(in DiscardFop fop) =>
        40 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(DiscardReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in DiscardFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteLong(fop.Offset);
        writer.WriteLong(fop.Length);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out DiscardFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _offset = reader.ReadLong();
        var _length = reader.ReadLong();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new DiscardFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Offset = _offset,
            Length = _length,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, DiscardReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, DiscardReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in DiscardFop fop) => default;

    public static Payload ReplyPayload(DiscardReply reply) => default;

    public static void ReleaseRequest(in DiscardFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in DiscardFop fop) => Errno.Ok;

    public static long FdNumberOf(DiscardReply reply) => -1;
}

/// <summary>XDR of ZEROFILL.</summary>
public readonly struct ZerofillCodec : IFopCodec<ZerofillFop, ZerofillReply>
{
    public static int RequestSizeMax(in ZerofillFop fop) =>
        40 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(ZerofillReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in ZerofillFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteLong(fop.Offset);
        writer.WriteLong(fop.Length);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out ZerofillFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _offset = reader.ReadLong();
        var _length = reader.ReadLong();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new ZerofillFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Offset = _offset,
            Length = _length,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, ZerofillReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, ZerofillReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in ZerofillFop fop) => default;

    public static Payload ReplyPayload(ZerofillReply reply) => default;

    public static void ReleaseRequest(in ZerofillFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in ZerofillFop fop) => Errno.Ok;

    public static long FdNumberOf(ZerofillReply reply) => -1;
}

/// <summary>XDR of IPC.</summary>
public readonly struct IpcCodec : IFopCodec<IpcFop, IpcReply>
{
    public static int RequestSizeMax(in IpcFop fop) =>
        4 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(IpcReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in IpcFop fop, long fd, long secondFd)
    {
        writer.WriteInt(fop.Operation);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out IpcFop fop)
    {
        var _operation = reader.ReadInt();
        var _xData = reader.ReadXData();
        fop = new IpcFop
        {
            Operation = _operation,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, IpcReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, IpcReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in IpcFop fop) => default;

    public static Payload ReplyPayload(IpcReply reply) => default;

    public static void ReleaseRequest(in IpcFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in IpcFop fop) => Errno.Ok;

    public static long FdNumberOf(IpcReply reply) => -1;
}

/// <summary>XDR of SEEK.</summary>
public readonly struct SeekCodec : IFopCodec<SeekFop, SeekReply>
{
    public static int RequestSizeMax(in SeekFop fop) =>
        36 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(SeekReply reply) =>
        8 + 8 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in SeekFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLong(fd);
        writer.WriteLong(fop.Offset);
        writer.WriteInt((int)fop.Kind);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out SeekFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _fd = reader.ReadLong();
        var _offset = reader.ReadLong();
        var _kind = (SeekKind)reader.ReadInt();
        var _xData = reader.ReadXData();
        var _fdObject = reader.Failed ? null! : fds.Resolve(_fd, _gfid, 0)!;
        fop = new SeekFop
        {
            Gfid = _gfid,
            Fd = _fdObject,
            Offset = _offset,
            Kind = _kind,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, SeekReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteLong(reply.Offset);
    }

    public static bool TryDecodeReply(ref XdrReader reader, SeekReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Offset = reader.ReadLong();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in SeekFop fop) => default;

    public static Payload ReplyPayload(SeekReply reply) => default;

    public static void ReleaseRequest(in SeekFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in SeekFop fop) => Errno.Ok;

    public static long FdNumberOf(SeekReply reply) => -1;
}

/// <summary>XDR of LEASE.</summary>
public readonly struct LeaseCodec : IFopCodec<LeaseFop, LeaseReply>
{
    public static int RequestSizeMax(in LeaseFop fop) =>
        44 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(LeaseReply reply) =>
        8 + 28 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in LeaseFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLease(fop.Lease);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out LeaseFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _lease = reader.ReadLease();
        var _xData = reader.ReadXData();
        fop = new LeaseFop
        {
            Gfid = _gfid,
            Lease = _lease,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, LeaseReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteLease(reply.Lease);
    }

    public static bool TryDecodeReply(ref XdrReader reader, LeaseReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Lease = reader.ReadLease();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in LeaseFop fop) => default;

    public static Payload ReplyPayload(LeaseReply reply) => default;

    public static void ReleaseRequest(in LeaseFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in LeaseFop fop) => Errno.Ok;

    public static long FdNumberOf(LeaseReply reply) => -1;
}

/// <summary>XDR of GETACTIVELK.</summary>
public readonly struct GetactivelkCodec : IFopCodec<GetactivelkFop, GetactivelkReply>
{
    public static int RequestSizeMax(in GetactivelkFop fop) =>
        16 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(GetactivelkReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData) + XdrWriter.SizeOf(reply.Locks);

    public static void EncodeRequest(ref XdrWriter writer, in GetactivelkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out GetactivelkFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _xData = reader.ReadXData();
        fop = new GetactivelkFop
        {
            Gfid = _gfid,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, GetactivelkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteLocks(reply.Locks);
    }

    public static bool TryDecodeReply(ref XdrReader reader, GetactivelkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Locks = reader.ReadLocks();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in GetactivelkFop fop) => default;

    public static Payload ReplyPayload(GetactivelkReply reply) => default;

    public static void ReleaseRequest(in GetactivelkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in GetactivelkFop fop) => Errno.Ok;

    public static long FdNumberOf(GetactivelkReply reply) => -1;
}

/// <summary>XDR of SETACTIVELK.</summary>
public readonly struct SetactivelkCodec : IFopCodec<SetactivelkFop, SetactivelkReply>
{
    public static int RequestSizeMax(in SetactivelkFop fop) =>
        16 + XdrWriter.SizeOf(fop.Locks) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(SetactivelkReply reply) =>
        8 + 0 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in SetactivelkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteLocks(fop.Locks);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out SetactivelkFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _locks = reader.ReadLocks();
        var _xData = reader.ReadXData();
        fop = new SetactivelkFop
        {
            Gfid = _gfid,
            Locks = _locks,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, SetactivelkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
    }

    public static bool TryDecodeReply(ref XdrReader reader, SetactivelkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in SetactivelkFop fop) => default;

    public static Payload ReplyPayload(SetactivelkReply reply) => default;

    public static void ReleaseRequest(in SetactivelkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in SetactivelkFop fop) => Errno.Ok;

    public static long FdNumberOf(SetactivelkReply reply) => -1;
}

/// <summary>XDR of ICREATE.</summary>
public readonly struct IcreateCodec : IFopCodec<IcreateFop, IcreateReply>
{
    public static int RequestSizeMax(in IcreateFop fop) =>
        20 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(IcreateReply reply) =>
        8 + 148 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in IcreateFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Gfid);
        writer.WriteUInt(fop.Mode);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out IcreateFop fop)
    {
        var _gfid = reader.ReadGfid();
        var _mode = reader.ReadUInt();
        var _xData = reader.ReadXData();
        fop = new IcreateFop
        {
            Gfid = _gfid,
            Mode = _mode,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, IcreateReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
    }

    public static bool TryDecodeReply(ref XdrReader reader, IcreateReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in IcreateFop fop) => default;

    public static Payload ReplyPayload(IcreateReply reply) => default;

    public static void ReleaseRequest(in IcreateFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in IcreateFop fop) => Errno.Ok;

    public static long FdNumberOf(IcreateReply reply) => -1;
}

/// <summary>XDR of NAMELINK.</summary>
public readonly struct NamelinkCodec : IFopCodec<NamelinkFop, NamelinkReply>
{
    public static int RequestSizeMax(in NamelinkFop fop) =>
        16 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(NamelinkReply reply) =>
        8 + 296 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in NamelinkFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Parent);
        writer.WriteName(fop.Name);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out NamelinkFop fop)
    {
        var _parent = reader.ReadGfid();
        var _name = reader.ReadName();
        var _xData = reader.ReadXData();
        fop = new NamelinkFop
        {
            Parent = _parent,
            Name = _name,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, NamelinkReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.PreParent);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, NamelinkReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.PreParent = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in NamelinkFop fop) => default;

    public static Payload ReplyPayload(NamelinkReply reply) => default;

    public static void ReleaseRequest(in NamelinkFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in NamelinkFop fop) => EntryNames.Check(fop.Name);

    public static long FdNumberOf(NamelinkReply reply) => -1;
}

/// <summary>XDR of PUT.</summary>
public readonly struct PutCodec : IFopCodec<PutFop, PutReply>
{
    public static int RequestSizeMax(in PutFop fop) =>
        40 + XdrWriter.SizeOf(fop.Name) + XdrWriter.SizeOf(fop.Xattrs) + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(PutReply reply) =>
        8 + 444 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in PutFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Parent);
        writer.WriteName(fop.Name);
        writer.WriteUInt(fop.Mode);
        writer.WriteUInt(fop.Umask);
        writer.WriteUInt(fop.Flags);
        writer.WriteLong(fop.Offset);
        writer.WriteUInt((uint)fop.Data.Length);
        writer.WriteXData(fop.Xattrs);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out PutFop fop)
    {
        var _parent = reader.ReadGfid();
        var _name = reader.ReadName();
        var _mode = reader.ReadUInt();
        var _umask = reader.ReadUInt();
        var _flags = reader.ReadUInt();
        var _offset = reader.ReadLong();
        var _size = reader.ReadUInt();
        var _xattrs = reader.ReadXData();
        var _xData = reader.ReadXData();
        var _data = reader.ReadRest(_size);
        fop = new PutFop
        {
            Parent = _parent,
            Name = _name,
            Mode = _mode,
            Umask = _umask,
            Flags = _flags,
            Offset = _offset,
            Xattrs = _xattrs,
            XData = _xData,
            Data = _data,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, PutReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteIatt(in reply.PreParent);
        writer.WriteIatt(in reply.PostParent);
    }

    public static bool TryDecodeReply(ref XdrReader reader, PutReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.PreParent = reader.ReadIatt();
        reply.PostParent = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in PutFop fop) => fop.Data;

    public static Payload ReplyPayload(PutReply reply) => default;

    public static void ReleaseRequest(in PutFop fop)
    {
        fop.Xattrs?.Release();
        fop.XData?.Release();
    }

    public static Errno CheckNames(in PutFop fop) => EntryNames.Check(fop.Name);

    public static long FdNumberOf(PutReply reply) => -1;
}

/// <summary>XDR of COPYFILERANGE.</summary>
public readonly struct CopyFileRangeCodec : IFopCodec<CopyFileRangeFop, CopyFileRangeReply>
{
    public static int RequestSizeMax(in CopyFileRangeFop fop) =>
        72 + XdrWriter.SizeOf(fop.XData);

    public static int ReplySizeMax(CopyFileRangeReply reply) =>
        8 + 444 + XdrWriter.SizeOf(reply.XData);

    public static void EncodeRequest(ref XdrWriter writer, in CopyFileRangeFop fop, long fd, long secondFd)
    {
        writer.WriteGfid(fop.Source);
        writer.WriteGfid(fop.Target);
        writer.WriteLong(fd);
        writer.WriteLong(secondFd);
        writer.WriteLong(fop.SourceOffset);
        writer.WriteLong(fop.TargetOffset);
        writer.WriteUInt(fop.Length);
        writer.WriteUInt(fop.Flags);
        writer.WriteXData(fop.XData);
    }

    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out CopyFileRangeFop fop)
    {
        var _source = reader.ReadGfid();
        var _target = reader.ReadGfid();
        var _sourceFd = reader.ReadLong();
        var _targetFd = reader.ReadLong();
        var _sourceOffset = reader.ReadLong();
        var _targetOffset = reader.ReadLong();
        var _length = reader.ReadUInt();
        var _flags = reader.ReadUInt();
        var _xData = reader.ReadXData();
        var _sourceFdObject = reader.Failed ? null! : fds.Resolve(_sourceFd, _source, 0)!;
        var _targetFdObject = reader.Failed ? null! : fds.Resolve(_targetFd, _target, 1)!;
        fop = new CopyFileRangeFop
        {
            Source = _source,
            Target = _target,
            SourceFd = _sourceFdObject,
            TargetFd = _targetFdObject,
            SourceOffset = _sourceOffset,
            TargetOffset = _targetOffset,
            Length = _length,
            Flags = _flags,
            XData = _xData,
        };
        return !reader.Failed;
    }

    public static void EncodeReply(ref XdrWriter writer, CopyFileRangeReply reply)
    {
        writer.WriteResult(reply);
        writer.WriteXData(reply.XData);
        writer.WriteIatt(in reply.Iatt);
        writer.WriteIatt(in reply.Pre);
        writer.WriteIatt(in reply.Post);
    }

    public static bool TryDecodeReply(ref XdrReader reader, CopyFileRangeReply reply)
    {
        reader.ReadResult(reply);
        reply.XData = reader.ReadXData();
        reply.Iatt = reader.ReadIatt();
        reply.Pre = reader.ReadIatt();
        reply.Post = reader.ReadIatt();
        return !reader.Failed;
    }

    public static Payload RequestPayload(in CopyFileRangeFop fop) => default;

    public static Payload ReplyPayload(CopyFileRangeReply reply) => default;

    public static void ReleaseRequest(in CopyFileRangeFop fop)
    {
        fop.XData?.Release();
    }

    public static Errno CheckNames(in CopyFileRangeFop fop) => Errno.Ok;

    public static long FdNumberOf(CopyFileRangeReply reply) => -1;
}
