using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>STATFS and the reserve.</summary>
public sealed partial class PosixTranslator
{
    private long _spaceCheckedNs = long.MinValue / 2;
    private bool _isFull;

    /// <summary>
    /// Figures of the file system, divided by the number of bricks of the volume that share it; the reserve is not
    /// available.
    /// </summary>
    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call)
    {
        var reply = StatfsReply.Rent();
        var error = Sys.ErrorOf(Sys.StatFileSystem(_rootFd, out var stat));
        if (error == Errno.Ok)
        {
            var settings = Settings;
            var reserve = ReservedBlocks(in stat, settings);
            var share = (ulong)settings.SharedBrickCount;
            reply.StatFs = new StatFs
            {
                BlockSize = stat.BlockSize,
                FragmentSize = stat.FragmentSize,
                Blocks = stat.Blocks / share,
                BlocksFree = stat.BlocksFree / share,
                BlocksAvailable = (stat.BlocksAvailable > reserve ? stat.BlocksAvailable - reserve : 0) / share,
                Files = stat.Files / share,
                FilesFree = stat.FilesFree / share,
                FilesAvailable = stat.FilesAvailable / share,
                FileSystemId = stat.FileSystemId,
                MountFlags = stat.MountFlags,
                NameMax = Math.Min(stat.NameMax, Base.Name.LengthMax),
            };
        }

        return new(Finish(reply, error));
    }

    private static ulong ReservedBlocks(in FileSystemStat stat, PosixOptions settings) =>
        settings.ReserveBytes > 0
            ? (ulong)settings.ReserveBytes / Math.Max(1, stat.FragmentSize)
            : (ulong)(stat.Blocks * settings.ReservePercent / 100);

    /// <summary>
    /// ENOSPC for what needs space while less than the reserve is free. The cluster's own processes may use the
    /// reserve.
    /// </summary>
    private Errno CheckSpace(Call call, XData? xdata) =>
        IsFull() && call.Pid >= 0 && (xdata is null || !xdata.Contains(StorageKeys.InternalFop))
            ? Errno.ENOSPC
            : Errno.Ok;

    /// <summary>
    /// Looks at the file system once a second at most; between two looks clients may use some of the reserve.
    /// </summary>
    private bool IsFull()
    {
        var now = Seams.Clock.MonotonicNs;
        var last = Volatile.Read(ref _spaceCheckedNs);
        if (now - last > PosixLimits.SpaceCheckNs && Interlocked.CompareExchange(ref _spaceCheckedNs, now, last) == last
            && Sys.StatFileSystem(_rootFd, out var stat) >= 0)
        {
            var reserve = ReservedBlocks(in stat, Settings);
            Volatile.Write(ref _isFull, reserve > 0 && stat.BlocksAvailable < reserve);
        }

        return Volatile.Read(ref _isFull);
    }
}
