// Generated from src/fops.txt by tools/FopGen. Do not edit.
#nullable enable
using Myrmex.Base;
using Myrmex.Wire;

namespace Myrmex.Protocol;

internal sealed partial class ServerRequest
{
    private void Dispatch(FopCode code)
    {
        switch (code)
        {
            case FopCode.Stat:
                Run<StatFop, StatReply, StatCodec>();
                break;
            case FopCode.Readlink:
                Run<ReadlinkFop, ReadlinkReply, ReadlinkCodec>();
                break;
            case FopCode.Mknod:
                Run<MknodFop, MknodReply, MknodCodec>();
                break;
            case FopCode.Mkdir:
                Run<MkdirFop, MkdirReply, MkdirCodec>();
                break;
            case FopCode.Unlink:
                Run<UnlinkFop, UnlinkReply, UnlinkCodec>();
                break;
            case FopCode.Rmdir:
                Run<RmdirFop, RmdirReply, RmdirCodec>();
                break;
            case FopCode.Symlink:
                Run<SymlinkFop, SymlinkReply, SymlinkCodec>();
                break;
            case FopCode.Rename:
                Run<RenameFop, RenameReply, RenameCodec>();
                break;
            case FopCode.Link:
                Run<LinkFop, LinkReply, LinkCodec>();
                break;
            case FopCode.Truncate:
                Run<TruncateFop, TruncateReply, TruncateCodec>();
                break;
            case FopCode.Open:
                Run<OpenFop, OpenReply, OpenCodec>();
                break;
            case FopCode.Read:
                Run<ReadFop, ReadReply, ReadCodec>();
                break;
            case FopCode.Write:
                Run<WriteFop, WriteReply, WriteCodec>();
                break;
            case FopCode.Statfs:
                Run<StatfsFop, StatfsReply, StatfsCodec>();
                break;
            case FopCode.Flush:
                Run<FlushFop, FlushReply, FlushCodec>();
                break;
            case FopCode.Fsync:
                Run<FsyncFop, FsyncReply, FsyncCodec>();
                break;
            case FopCode.Setxattr:
                Run<SetxattrFop, SetxattrReply, SetxattrCodec>();
                break;
            case FopCode.Getxattr:
                Run<GetxattrFop, GetxattrReply, GetxattrCodec>();
                break;
            case FopCode.Removexattr:
                Run<RemovexattrFop, RemovexattrReply, RemovexattrCodec>();
                break;
            case FopCode.Opendir:
                Run<OpendirFop, OpendirReply, OpendirCodec>();
                break;
            case FopCode.Fsyncdir:
                Run<FsyncdirFop, FsyncdirReply, FsyncdirCodec>();
                break;
            case FopCode.Access:
                Run<AccessFop, AccessReply, AccessCodec>();
                break;
            case FopCode.Create:
                Run<CreateFop, CreateReply, CreateCodec>();
                break;
            case FopCode.Ftruncate:
                Run<FtruncateFop, FtruncateReply, FtruncateCodec>();
                break;
            case FopCode.Fstat:
                Run<FstatFop, FstatReply, FstatCodec>();
                break;
            case FopCode.Lk:
                Run<LkFop, LkReply, LkCodec>();
                break;
            case FopCode.Lookup:
                Run<LookupFop, LookupReply, LookupCodec>();
                break;
            case FopCode.Readdir:
                Run<ReaddirFop, ReaddirReply, ReaddirCodec>();
                break;
            case FopCode.Inodelk:
                Run<InodelkFop, InodelkReply, InodelkCodec>();
                break;
            case FopCode.Finodelk:
                Run<FinodelkFop, FinodelkReply, FinodelkCodec>();
                break;
            case FopCode.Entrylk:
                Run<EntrylkFop, EntrylkReply, EntrylkCodec>();
                break;
            case FopCode.Fentrylk:
                Run<FentrylkFop, FentrylkReply, FentrylkCodec>();
                break;
            case FopCode.Xattrop:
                Run<XattropFop, XattropReply, XattropCodec>();
                break;
            case FopCode.Fxattrop:
                Run<FxattropFop, FxattropReply, FxattropCodec>();
                break;
            case FopCode.Fgetxattr:
                Run<FgetxattrFop, FgetxattrReply, FgetxattrCodec>();
                break;
            case FopCode.Fsetxattr:
                Run<FsetxattrFop, FsetxattrReply, FsetxattrCodec>();
                break;
            case FopCode.Rchecksum:
                Run<RchecksumFop, RchecksumReply, RchecksumCodec>();
                break;
            case FopCode.Setattr:
                Run<SetattrFop, SetattrReply, SetattrCodec>();
                break;
            case FopCode.Fsetattr:
                Run<FsetattrFop, FsetattrReply, FsetattrCodec>();
                break;
            case FopCode.Readdirp:
                Run<ReaddirpFop, ReaddirpReply, ReaddirpCodec>();
                break;
            case FopCode.Release:
                Run<ReleaseFop, ReleaseReply, ReleaseCodec>();
                break;
            case FopCode.Releasedir:
                Run<ReleasedirFop, ReleasedirReply, ReleasedirCodec>();
                break;
            case FopCode.Fremovexattr:
                Run<FremovexattrFop, FremovexattrReply, FremovexattrCodec>();
                break;
            case FopCode.Fallocate:
                Run<FallocateFop, FallocateReply, FallocateCodec>();
                break;
            case FopCode.Discard:
                Run<DiscardFop, DiscardReply, DiscardCodec>();
                break;
            case FopCode.Zerofill:
                Run<ZerofillFop, ZerofillReply, ZerofillCodec>();
                break;
            case FopCode.Ipc:
                Run<IpcFop, IpcReply, IpcCodec>();
                break;
            case FopCode.Seek:
                Run<SeekFop, SeekReply, SeekCodec>();
                break;
            case FopCode.Lease:
                Run<LeaseFop, LeaseReply, LeaseCodec>();
                break;
            case FopCode.Getactivelk:
                Run<GetactivelkFop, GetactivelkReply, GetactivelkCodec>();
                break;
            case FopCode.Setactivelk:
                Run<SetactivelkFop, SetactivelkReply, SetactivelkCodec>();
                break;
            case FopCode.Icreate:
                Run<IcreateFop, IcreateReply, IcreateCodec>();
                break;
            case FopCode.Namelink:
                Run<NamelinkFop, NamelinkReply, NamelinkCodec>();
                break;
            case FopCode.Put:
                Run<PutFop, PutReply, PutCodec>();
                break;
            case FopCode.CopyFileRange:
                Run<CopyFileRangeFop, CopyFileRangeReply, CopyFileRangeCodec>();
                break;
            default:
                RejectProcedure();
                break;
        }
    }
}
