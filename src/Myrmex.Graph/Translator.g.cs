// Generated from src/fops.txt by tools/FopGen. Do not edit.
#nullable enable
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Graph;

public abstract partial class Translator
{
    public override ValueTask<StatReply> Stat(in StatFop fop, Call call) => Next.Stat(in fop, call);

    public override ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call) => Next.Readlink(in fop, call);

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call) => Next.Mknod(in fop, call);

    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call) => Next.Mkdir(in fop, call);

    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call) => Next.Unlink(in fop, call);

    public override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call) => Next.Rmdir(in fop, call);

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call) => Next.Symlink(in fop, call);

    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call) => Next.Rename(in fop, call);

    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call) => Next.Link(in fop, call);

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call) => Next.Truncate(in fop, call);

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) => Next.Open(in fop, call);

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call) => Next.Read(in fop, call);

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) => Next.Write(in fop, call);

    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call) => Next.Statfs(in fop, call);

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) => Next.Flush(in fop, call);

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call) => Next.Fsync(in fop, call);

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call) => Next.Setxattr(in fop, call);

    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call) => Next.Getxattr(in fop, call);

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call) => Next.Removexattr(in fop, call);

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call) => Next.Opendir(in fop, call);

    public override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call) => Next.Fsyncdir(in fop, call);

    public override ValueTask<AccessReply> Access(in AccessFop fop, Call call) => Next.Access(in fop, call);

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call) => Next.Create(in fop, call);

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call) => Next.Ftruncate(in fop, call);

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call) => Next.Fstat(in fop, call);

    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) => Next.Lk(in fop, call);

    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call) => Next.Lookup(in fop, call);

    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call) => Next.Readdir(in fop, call);

    public override ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call) => Next.Inodelk(in fop, call);

    public override ValueTask<FinodelkReply> Finodelk(in FinodelkFop fop, Call call) => Next.Finodelk(in fop, call);

    public override ValueTask<EntrylkReply> Entrylk(in EntrylkFop fop, Call call) => Next.Entrylk(in fop, call);

    public override ValueTask<FentrylkReply> Fentrylk(in FentrylkFop fop, Call call) => Next.Fentrylk(in fop, call);

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call) => Next.Xattrop(in fop, call);

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call) => Next.Fxattrop(in fop, call);

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call) => Next.Fgetxattr(in fop, call);

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call) => Next.Fsetxattr(in fop, call);

    public override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call) => Next.Rchecksum(in fop, call);

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call) => Next.Setattr(in fop, call);

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call) => Next.Fsetattr(in fop, call);

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call) => Next.Readdirp(in fop, call);

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call) => Next.Release(in fop, call);

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call) => Next.Releasedir(in fop, call);

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call) => Next.Fremovexattr(in fop, call);

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call) => Next.Fallocate(in fop, call);

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call) => Next.Discard(in fop, call);

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call) => Next.Zerofill(in fop, call);

    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) => Next.Ipc(in fop, call);

    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call) => Next.Seek(in fop, call);

    public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call) => Next.Lease(in fop, call);

    public override ValueTask<GetactivelkReply> Getactivelk(in GetactivelkFop fop, Call call) => Next.Getactivelk(in fop, call);

    public override ValueTask<SetactivelkReply> Setactivelk(in SetactivelkFop fop, Call call) => Next.Setactivelk(in fop, call);

    public override ValueTask<IcreateReply> Icreate(in IcreateFop fop, Call call) => Next.Icreate(in fop, call);

    public override ValueTask<NamelinkReply> Namelink(in NamelinkFop fop, Call call) => Next.Namelink(in fop, call);

    public override ValueTask<PutReply> Put(in PutFop fop, Call call) => Next.Put(in fop, call);

    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call) => Next.CopyFileRange(in fop, call);
}
