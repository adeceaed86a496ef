// Generated from src/fops.txt by tools/FopGen. Do not edit.
#nullable enable
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Graph;

public abstract partial class LeafTranslator
{
    public override ValueTask<StatReply> Stat(in StatFop fop, Call call) =>
        new(StatReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call) =>
        new(ReadlinkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call) =>
        new(MknodReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call) =>
        new(MkdirReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call) =>
        new(UnlinkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call) =>
        new(RmdirReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call) =>
        new(SymlinkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call) =>
        new(RenameReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call) =>
        new(LinkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call) =>
        new(TruncateReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
        new(OpenReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call) =>
        new(ReadReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) =>
        new(WriteReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call) =>
        new(StatfsReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) =>
        new(FlushReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call) =>
        new(FsyncReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call) =>
        new(SetxattrReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call) =>
        new(GetxattrReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call) =>
        new(RemovexattrReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call) =>
        new(OpendirReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call) =>
        new(FsyncdirReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<AccessReply> Access(in AccessFop fop, Call call) =>
        new(AccessReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call) =>
        new(CreateReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call) =>
        new(FtruncateReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call) =>
        new(FstatReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) =>
        new(LkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call) =>
        new(LookupReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call) =>
        new(ReaddirReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call) =>
        new(InodelkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FinodelkReply> Finodelk(in FinodelkFop fop, Call call) =>
        new(FinodelkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<EntrylkReply> Entrylk(in EntrylkFop fop, Call call) =>
        new(EntrylkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FentrylkReply> Fentrylk(in FentrylkFop fop, Call call) =>
        new(FentrylkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call) =>
        new(XattropReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call) =>
        new(FxattropReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call) =>
        new(FgetxattrReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call) =>
        new(FsetxattrReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call) =>
        new(RchecksumReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call) =>
        new(SetattrReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call) =>
        new(FsetattrReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call) =>
        new(ReaddirpReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call) =>
        new(ReleaseReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call) =>
        new(ReleasedirReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call) =>
        new(FremovexattrReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call) =>
        new(FallocateReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call) =>
        new(DiscardReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call) =>
        new(ZerofillReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) =>
        new(IpcReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call) =>
        new(SeekReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call) =>
        new(LeaseReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<GetactivelkReply> Getactivelk(in GetactivelkFop fop, Call call) =>
        new(GetactivelkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<SetactivelkReply> Setactivelk(in SetactivelkFop fop, Call call) =>
        new(SetactivelkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<IcreateReply> Icreate(in IcreateFop fop, Call call) =>
        new(IcreateReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<NamelinkReply> Namelink(in NamelinkFop fop, Call call) =>
        new(NamelinkReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<PutReply> Put(in PutFop fop, Call call) =>
        new(PutReply.Fail(Errno.EOPNOTSUPP));

    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call) =>
        new(CopyFileRangeReply.Fail(Errno.EOPNOTSUPP));
}
