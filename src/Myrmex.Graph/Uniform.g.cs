// Generated from src/fops.txt by tools/FopGen. Do not edit.
#nullable enable
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Graph;

public abstract partial class Uniform<TPolicy>
{
    public sealed override ValueTask<StatReply> Stat(in StatFop fop, Call call) =>
        Policy.Handle<StatFop, StatReply>(_below, in fop, call);

    public sealed override ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call) =>
        Policy.Handle<ReadlinkFop, ReadlinkReply>(_below, in fop, call);

    public sealed override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call) =>
        Policy.Handle<MknodFop, MknodReply>(_below, in fop, call);

    public sealed override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call) =>
        Policy.Handle<MkdirFop, MkdirReply>(_below, in fop, call);

    public sealed override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call) =>
        Policy.Handle<UnlinkFop, UnlinkReply>(_below, in fop, call);

    public sealed override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call) =>
        Policy.Handle<RmdirFop, RmdirReply>(_below, in fop, call);

    public sealed override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call) =>
        Policy.Handle<SymlinkFop, SymlinkReply>(_below, in fop, call);

    public sealed override ValueTask<RenameReply> Rename(in RenameFop fop, Call call) =>
        Policy.Handle<RenameFop, RenameReply>(_below, in fop, call);

    public sealed override ValueTask<LinkReply> Link(in LinkFop fop, Call call) =>
        Policy.Handle<LinkFop, LinkReply>(_below, in fop, call);

    public sealed override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call) =>
        Policy.Handle<TruncateFop, TruncateReply>(_below, in fop, call);

    public sealed override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
        Policy.Handle<OpenFop, OpenReply>(_below, in fop, call);

    public sealed override ValueTask<ReadReply> Read(in ReadFop fop, Call call) =>
        Policy.Handle<ReadFop, ReadReply>(_below, in fop, call);

    public sealed override ValueTask<WriteReply> Write(in WriteFop fop, Call call) =>
        Policy.Handle<WriteFop, WriteReply>(_below, in fop, call);

    public sealed override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call) =>
        Policy.Handle<StatfsFop, StatfsReply>(_below, in fop, call);

    public sealed override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) =>
        Policy.Handle<FlushFop, FlushReply>(_below, in fop, call);

    public sealed override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call) =>
        Policy.Handle<FsyncFop, FsyncReply>(_below, in fop, call);

    public sealed override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call) =>
        Policy.Handle<SetxattrFop, SetxattrReply>(_below, in fop, call);

    public sealed override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call) =>
        Policy.Handle<GetxattrFop, GetxattrReply>(_below, in fop, call);

    public sealed override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call) =>
        Policy.Handle<RemovexattrFop, RemovexattrReply>(_below, in fop, call);

    public sealed override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call) =>
        Policy.Handle<OpendirFop, OpendirReply>(_below, in fop, call);

    public sealed override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call) =>
        Policy.Handle<FsyncdirFop, FsyncdirReply>(_below, in fop, call);

    public sealed override ValueTask<AccessReply> Access(in AccessFop fop, Call call) =>
        Policy.Handle<AccessFop, AccessReply>(_below, in fop, call);

    public sealed override ValueTask<CreateReply> Create(in CreateFop fop, Call call) =>
        Policy.Handle<CreateFop, CreateReply>(_below, in fop, call);

    public sealed override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call) =>
        Policy.Handle<FtruncateFop, FtruncateReply>(_below, in fop, call);

    public sealed override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call) =>
        Policy.Handle<FstatFop, FstatReply>(_below, in fop, call);

    public sealed override ValueTask<LkReply> Lk(in LkFop fop, Call call) =>
        Policy.Handle<LkFop, LkReply>(_below, in fop, call);

    public sealed override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call) =>
        Policy.Handle<LookupFop, LookupReply>(_below, in fop, call);

    public sealed override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call) =>
        Policy.Handle<ReaddirFop, ReaddirReply>(_below, in fop, call);

    public sealed override ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call) =>
        Policy.Handle<InodelkFop, InodelkReply>(_below, in fop, call);

    public sealed override ValueTask<FinodelkReply> Finodelk(in FinodelkFop fop, Call call) =>
        Policy.Handle<FinodelkFop, FinodelkReply>(_below, in fop, call);

    public sealed override ValueTask<EntrylkReply> Entrylk(in EntrylkFop fop, Call call) =>
        Policy.Handle<EntrylkFop, EntrylkReply>(_below, in fop, call);

    public sealed override ValueTask<FentrylkReply> Fentrylk(in FentrylkFop fop, Call call) =>
        Policy.Handle<FentrylkFop, FentrylkReply>(_below, in fop, call);

    public sealed override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call) =>
        Policy.Handle<XattropFop, XattropReply>(_below, in fop, call);

    public sealed override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call) =>
        Policy.Handle<FxattropFop, FxattropReply>(_below, in fop, call);

    public sealed override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call) =>
        Policy.Handle<FgetxattrFop, FgetxattrReply>(_below, in fop, call);

    public sealed override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call) =>
        Policy.Handle<FsetxattrFop, FsetxattrReply>(_below, in fop, call);

    public sealed override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call) =>
        Policy.Handle<RchecksumFop, RchecksumReply>(_below, in fop, call);

    public sealed override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call) =>
        Policy.Handle<SetattrFop, SetattrReply>(_below, in fop, call);

    public sealed override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call) =>
        Policy.Handle<FsetattrFop, FsetattrReply>(_below, in fop, call);

    public sealed override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call) =>
        Policy.Handle<ReaddirpFop, ReaddirpReply>(_below, in fop, call);

    public sealed override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call) =>
        Policy.Handle<ReleaseFop, ReleaseReply>(_below, in fop, call);

    public sealed override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call) =>
        Policy.Handle<ReleasedirFop, ReleasedirReply>(_below, in fop, call);

    public sealed override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call) =>
        Policy.Handle<FremovexattrFop, FremovexattrReply>(_below, in fop, call);

    public sealed override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call) =>
        Policy.Handle<FallocateFop, FallocateReply>(_below, in fop, call);

    public sealed override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call) =>
        Policy.Handle<DiscardFop, DiscardReply>(_below, in fop, call);

    public sealed override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call) =>
        Policy.Handle<ZerofillFop, ZerofillReply>(_below, in fop, call);

    public sealed override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) =>
        Policy.Handle<IpcFop, IpcReply>(_below, in fop, call);

    public sealed override ValueTask<SeekReply> Seek(in SeekFop fop, Call call) =>
        Policy.Handle<SeekFop, SeekReply>(_below, in fop, call);

    public sealed override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call) =>
        Policy.Handle<LeaseFop, LeaseReply>(_below, in fop, call);

    public sealed override ValueTask<GetactivelkReply> Getactivelk(in GetactivelkFop fop, Call call) =>
        Policy.Handle<GetactivelkFop, GetactivelkReply>(_below, in fop, call);

    public sealed override ValueTask<SetactivelkReply> Setactivelk(in SetactivelkFop fop, Call call) =>
        Policy.Handle<SetactivelkFop, SetactivelkReply>(_below, in fop, call);

    public sealed override ValueTask<IcreateReply> Icreate(in IcreateFop fop, Call call) =>
        Policy.Handle<IcreateFop, IcreateReply>(_below, in fop, call);

    public sealed override ValueTask<NamelinkReply> Namelink(in NamelinkFop fop, Call call) =>
        Policy.Handle<NamelinkFop, NamelinkReply>(_below, in fop, call);

    public sealed override ValueTask<PutReply> Put(in PutFop fop, Call call) =>
        Policy.Handle<PutFop, PutReply>(_below, in fop, call);

    public sealed override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call) =>
        Policy.Handle<CopyFileRangeFop, CopyFileRangeReply>(_below, in fop, call);
}
