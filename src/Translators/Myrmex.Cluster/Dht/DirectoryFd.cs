using System.Threading;

namespace Myrmex.Cluster.Dht;

/// <summary>Context of an open directory: on which subvolumes it is open, and positions that no cookie can carry.</summary>
internal sealed class DirectoryFd(int subvolumeCount)
{
    private readonly bool[] _open = new bool[subvolumeCount];

    public bool IsOpen(int subvolume) => Volatile.Read(ref _open[subvolume]);

    public void SetOpen(int subvolume) => Volatile.Write(ref _open[subvolume], true);
}
