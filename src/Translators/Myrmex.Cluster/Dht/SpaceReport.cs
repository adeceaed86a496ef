using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Size and free space of all subvolumes at one moment. A subvolume that never answered counts as not full.
/// </summary>
internal sealed class SpaceReport(int count)
{
    private const double Mebibyte = 1 << 20;

    private readonly StatFs[] _figures = new StatFs[count];

    public StatFs this[int subvolume] => _figures[subvolume];

    public void Set(int subvolume, StatFs figures) => _figures[subvolume] = figures;

    /// <summary>Size in MiB, rounded up: the weight in layout computations; 0 when not known.</summary>
    public ulong Weight(int subvolume)
    {
        var figures = _figures[subvolume];
        var unit = figures.FragmentSize != 0 ? figures.FragmentSize : figures.BlockSize;
        return unit == 0 ? 0 : (ulong)System.Math.Ceiling(figures.Blocks / (Mebibyte / unit));
    }

    public bool IsFull(int subvolume, DhtSettings settings)
    {
        var figures = _figures[subvolume];
        if (figures.Blocks == 0)
        {
            return false;
        }

        var unit = figures.FragmentSize != 0 ? figures.FragmentSize : figures.BlockSize;
        var isFull = settings.MinFreeDiskBytes > 0
            ? figures.BlocksAvailable * (double)unit < settings.MinFreeDiskBytes
            : FreePercent(subvolume) < settings.MinFreeDiskPercent;
        return isFull || FreeInodesPercent(subvolume) < settings.MinFreeInodesPercent;
    }

    public double FreePercent(int subvolume)
    {
        var figures = _figures[subvolume];
        return figures.Blocks == 0 ? 0 : figures.BlocksAvailable * 100.0 / figures.Blocks;
    }

    /// <summary>Bytes that may still be written.</summary>
    public double FreeBytes(int subvolume)
    {
        var figures = _figures[subvolume];
        return figures.BlocksAvailable * (double)(figures.FragmentSize != 0 ? figures.FragmentSize : figures.BlockSize);
    }

    // File systems without a fixed number of inodes say 0.
    private double FreeInodesPercent(int subvolume)
    {
        var figures = _figures[subvolume];
        return figures.Files == 0 ? 100 : figures.FilesFree * 100.0 / figures.Files;
    }
}
