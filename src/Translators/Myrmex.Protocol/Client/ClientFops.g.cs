// Generated from src/fops.txt by tools/FopGen. Do not edit.
#nullable enable
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Wire;

namespace Myrmex.Protocol;

public sealed partial class ClientTranslator
{
    public override ValueTask<StatReply> Stat(in StatFop fop, Call call) =>
        Send<StatFop, StatReply, StatCodec>(in fop, call);

    public override ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call) =>
        Send<ReadlinkFop, ReadlinkReply, ReadlinkCodec>(in fop, call);

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call) =>
        Send<MknodFop, MknodReply, MknodCodec>(in fop, call);

    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call) =>
        Send<MkdirFop, MkdirReply, MkdirCodec>(in fop, call);

    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call) =>
        Send<UnlinkFop, UnlinkReply, UnlinkCodec>(in fop, call);

    public override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call) =>
        Send<RmdirFop, RmdirReply, RmdirCodec>(in fop, call);

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call) =>
        Send<SymlinkFop, SymlinkReply, SymlinkCodec>(in fop, call);

    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call) =>
        Send<RenameFop, RenameReply, RenameCodec>(in fop, call);

    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call) =>
        Send<LinkFop, LinkReply, LinkCodec>(in fop, call);

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call) =>
        Send<TruncateFop, TruncateReply, TruncateCodec>(in fop, call);

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call) =>
        Send<ReadFop, ReadReply, ReadCodec>(in fop, call);

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) =>
        Send<WriteFop, WriteReply, WriteCodec>(in fop, call);

    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call) =>
        Send<StatfsFop, StatfsReply, StatfsCodec>(in fop, call);

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call) =>
        Send<FsyncFop, FsyncReply, FsyncCodec>(in fop, call);

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call) =>
        Send<SetxattrFop, SetxattrReply, SetxattrCodec>(in fop, call);

    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call) =>
        Send<GetxattrFop, GetxattrReply, GetxattrCodec>(in fop, call);

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call) =>
        Send<RemovexattrFop, RemovexattrReply, RemovexattrCodec>(in fop, call);

    public override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call) =>
        Send<FsyncdirFop, FsyncdirReply, FsyncdirCodec>(in fop, call);

    public override ValueTask<AccessReply> Access(in AccessFop fop, Call call) =>
        Send<AccessFop, AccessReply, AccessCodec>(in fop, call);

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call) =>
        Send<FtruncateFop, FtruncateReply, FtruncateCodec>(in fop, call);

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call) =>
        Send<FstatFop, FstatReply, FstatCodec>(in fop, call);

    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call) =>
        Send<LookupFop, LookupReply, LookupCodec>(in fop, call);

    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call) =>
        Send<ReaddirFop, ReaddirReply, ReaddirCodec>(in fop, call);

    public override ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call) =>
        Send<InodelkFop, InodelkReply, InodelkCodec>(in fop, call);

    public override ValueTask<FinodelkReply> Finodelk(in FinodelkFop fop, Call call) =>
        Send<FinodelkFop, FinodelkReply, FinodelkCodec>(in fop, call);

    public override ValueTask<EntrylkReply> Entrylk(in EntrylkFop fop, Call call) =>
        Send<EntrylkFop, EntrylkReply, EntrylkCodec>(in fop, call);

    public override ValueTask<FentrylkReply> Fentrylk(in FentrylkFop fop, Call call) =>
        Send<FentrylkFop, FentrylkReply, FentrylkCodec>(in fop, call);

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call) =>
        Send<XattropFop, XattropReply, XattropCodec>(in fop, call);

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call) =>
        Send<FxattropFop, FxattropReply, FxattropCodec>(in fop, call);

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call) =>
        Send<FgetxattrFop, FgetxattrReply, FgetxattrCodec>(in fop, call);

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call) =>
        Send<FsetxattrFop, FsetxattrReply, FsetxattrCodec>(in fop, call);

    public override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call) =>
        Send<RchecksumFop, RchecksumReply, RchecksumCodec>(in fop, call);

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call) =>
        Send<SetattrFop, SetattrReply, SetattrCodec>(in fop, call);

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call) =>
        Send<FsetattrFop, FsetattrReply, FsetattrCodec>(in fop, call);

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call) =>
        Send<FremovexattrFop, FremovexattrReply, FremovexattrCodec>(in fop, call);

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call) =>
        Send<FallocateFop, FallocateReply, FallocateCodec>(in fop, call);

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call) =>
        Send<DiscardFop, DiscardReply, DiscardCodec>(in fop, call);

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call) =>
        Send<ZerofillFop, ZerofillReply, ZerofillCodec>(in fop, call);

    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) =>
        Send<IpcFop, IpcReply, IpcCodec>(in fop, call);

    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call) =>
        Send<SeekFop, SeekReply, SeekCodec>(in fop, call);

    public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call) =>
        Send<LeaseFop, LeaseReply, LeaseCodec>(in fop, call);

    public override ValueTask<GetactivelkReply> Getactivelk(in GetactivelkFop fop, Call call) =>
        Send<GetactivelkFop, GetactivelkReply, GetactivelkCodec>(in fop, call);

    public override ValueTask<SetactivelkReply> Setactivelk(in SetactivelkFop fop, Call call) =>
        Send<SetactivelkFop, SetactivelkReply, SetactivelkCodec>(in fop, call);

    public override ValueTask<IcreateReply> Icreate(in IcreateFop fop, Call call) =>
        Send<IcreateFop, IcreateReply, IcreateCodec>(in fop, call);

    public override ValueTask<NamelinkReply> Namelink(in NamelinkFop fop, Call call) =>
        Send<NamelinkFop, NamelinkReply, NamelinkCodec>(in fop, call);

    public override ValueTask<PutReply> Put(in PutFop fop, Call call) =>
        Send<PutFop, PutReply, PutCodec>(in fop, call);

    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call) =>
        Send<CopyFileRangeFop, CopyFileRangeReply, CopyFileRangeCodec>(in fop, call);
}
