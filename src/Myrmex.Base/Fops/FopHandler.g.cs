// Generated from src/fops.txt by tools/FopGen. Do not edit.
#nullable enable
using System.Threading.Tasks;

namespace Myrmex.Base;

/// <summary>Something that answers every fop. The reply belongs to the caller; the call is lent.</summary>
public abstract class FopHandler
{
    /// <summary>STAT, procedure 1 of program 1298437.</summary>
    public abstract ValueTask<StatReply> Stat(in StatFop fop, Call call);

    /// <summary>READLINK, procedure 2 of program 1298437.</summary>
    public abstract ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call);

    /// <summary>MKNOD, procedure 3 of program 1298437.</summary>
    public abstract ValueTask<MknodReply> Mknod(in MknodFop fop, Call call);

    /// <summary>MKDIR, procedure 4 of program 1298437.</summary>
    public abstract ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call);

    /// <summary>UNLINK, procedure 5 of program 1298437.</summary>
    public abstract ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call);

    /// <summary>RMDIR, procedure 6 of program 1298437.</summary>
    public abstract ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call);

    /// <summary>SYMLINK, procedure 7 of program 1298437.</summary>
    public abstract ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call);

    /// <summary>RENAME, procedure 8 of program 1298437.</summary>
    public abstract ValueTask<RenameReply> Rename(in RenameFop fop, Call call);

    /// <summary>LINK, procedure 9 of program 1298437.</summary>
    public abstract ValueTask<LinkReply> Link(in LinkFop fop, Call call);

    /// <summary>TRUNCATE, procedure 10 of program 1298437.</summary>
    public abstract ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call);

    /// <summary>OPEN, procedure 11 of program 1298437.</summary>
    public abstract ValueTask<OpenReply> Open(in OpenFop fop, Call call);

    /// <summary>READ, procedure 12 of program 1298437.</summary>
    public abstract ValueTask<ReadReply> Read(in ReadFop fop, Call call);

    /// <summary>WRITE, procedure 13 of program 1298437.</summary>
    public abstract ValueTask<WriteReply> Write(in WriteFop fop, Call call);

    /// <summary>STATFS, procedure 14 of program 1298437.</summary>
    public abstract ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call);

    /// <summary>FLUSH, procedure 15 of program 1298437.</summary>
    public abstract ValueTask<FlushReply> Flush(in FlushFop fop, Call call);

    /// <summary>FSYNC, procedure 16 of program 1298437.</summary>
    public abstract ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call);

    /// <summary>SETXATTR, procedure 17 of program 1298437.</summary>
    public abstract ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call);

    /// <summary>GETXATTR, procedure 18 of program 1298437.</summary>
    public abstract ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call);

    /// <summary>REMOVEXATTR, procedure 19 of program 1298437.</summary>
    public abstract ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call);

    /// <summary>OPENDIR, procedure 20 of program 1298437.</summary>
    public abstract ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call);

    /// <summary>FSYNCDIR, procedure 21 of program 1298437.</summary>
    public abstract ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call);

    /// <summary>ACCESS, procedure 22 of program 1298437.</summary>
    public abstract ValueTask<AccessReply> Access(in AccessFop fop, Call call);

    /// <summary>CREATE, procedure 23 of program 1298437.</summary>
    public abstract ValueTask<CreateReply> Create(in CreateFop fop, Call call);

    /// <summary>FTRUNCATE, procedure 24 of program 1298437.</summary>
    public abstract ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call);

    /// <summary>FSTAT, procedure 25 of program 1298437.</summary>
    public abstract ValueTask<FstatReply> Fstat(in FstatFop fop, Call call);

    /// <summary>LK, procedure 26 of program 1298437.</summary>
    public abstract ValueTask<LkReply> Lk(in LkFop fop, Call call);

    /// <summary>LOOKUP, procedure 27 of program 1298437.</summary>
    public abstract ValueTask<LookupReply> Lookup(in LookupFop fop, Call call);

    /// <summary>READDIR, procedure 28 of program 1298437.</summary>
    public abstract ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call);

    /// <summary>INODELK, procedure 29 of program 1298437.</summary>
    public abstract ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call);

    /// <summary>FINODELK, procedure 30 of program 1298437.</summary>
    public abstract ValueTask<FinodelkReply> Finodelk(in FinodelkFop fop, Call call);

    /// <summary>ENTRYLK, procedure 31 of program 1298437.</summary>
    public abstract ValueTask<EntrylkReply> Entrylk(in EntrylkFop fop, Call call);

    /// <summary>FENTRYLK, procedure 32 of program 1298437.</summary>
    public abstract ValueTask<FentrylkReply> Fentrylk(in FentrylkFop fop, Call call);

    /// <summary>XATTROP, procedure 33 of program 1298437.</summary>
    public abstract ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call);

    /// <summary>FXATTROP, procedure 34 of program 1298437.</summary>
    public abstract ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call);

    /// <summary>FGETXATTR, procedure 35 of program 1298437.</summary>
    public abstract ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call);

    /// <summary>FSETXATTR, procedure 36 of program 1298437.</summary>
    public abstract ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call);

    /// <summary>RCHECKSUM, procedure 37 of program 1298437.</summary>
    public abstract ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call);

    /// <summary>SETATTR, procedure 38 of program 1298437.</summary>
    public abstract ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call);

    /// <summary>FSETATTR, procedure 39 of program 1298437.</summary>
    public abstract ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call);

    /// <summary>READDIRP, procedure 40 of program 1298437.</summary>
    public abstract ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call);

    /// <summary>RELEASE, procedure 41 of program 1298437.</summary>
    public abstract ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call);

    /// <summary>RELEASEDIR, procedure 42 of program 1298437.</summary>
    public abstract ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call);

    /// <summary>FREMOVEXATTR, procedure 43 of program 1298437.</summary>
    public abstract ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call);

    /// <summary>FALLOCATE, procedure 44 of program 1298437.</summary>
    public abstract ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call);

    /// <summary>DISCARD, procedure 45 of program 1298437.</summary>
    public abstract ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call);

    /// <summary>ZEROFILL, procedure 46 of program 1298437.</summary>
    public abstract ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call);

    /// <summary>IPC, procedure 47 of program 1298437.</summary>
    public abstract ValueTask<IpcReply> Ipc(in IpcFop fop, Call call);

    /// <summary>SEEK, procedure 48 of program 1298437.</summary>
    public abstract ValueTask<SeekReply> Seek(in SeekFop fop, Call call);

    /// <summary>LEASE, procedure 50 of program 1298437.</summary>
    public abstract ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call);

    /// <summary>GETACTIVELK, procedure 51 of program 1298437.</summary>
    public abstract ValueTask<GetactivelkReply> Getactivelk(in GetactivelkFop fop, Call call);

    /// <summary>SETACTIVELK, procedure 52 of program 1298437.</summary>
    public abstract ValueTask<SetactivelkReply> Setactivelk(in SetactivelkFop fop, Call call);

    /// <summary>ICREATE, procedure 53 of program 1298437.</summary>
    public abstract ValueTask<IcreateReply> Icreate(in IcreateFop fop, Call call);

    /// <summary>NAMELINK, procedure 54 of program 1298437.</summary>
    public abstract ValueTask<NamelinkReply> Namelink(in NamelinkFop fop, Call call);

    /// <summary>PUT, procedure 55 of program 1298437.</summary>
    public abstract ValueTask<PutReply> Put(in PutFop fop, Call call);

    /// <summary>COPYFILERANGE, procedure 56 of program 1298437.</summary>
    public abstract ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call);
}
