using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// The sizes of files that were changed lately, as they were evaluated: whether a write is going to move the end of its
/// file, so that it need not be evaluated twice. Only a hint: nothing that is decided depends on it. All threads.
/// </summary>
internal sealed class SizeHints
{
    private const int FilesMax = 1024;

    private readonly Lock _lock = new(); // Guards the files; a leaf lock.
    private readonly (Gfid Gfid, long Size)[] _files = new (Gfid, long)[FilesMax];

    public void Set(in Gfid gfid, long size)
    {
        lock (_lock)
        {
            _files[PlaceOf(in gfid)] = (gfid, size);
        }
    }

    /// <summary>False also when nothing is known.</summary>
    public bool EndsBefore(in Gfid gfid, long offset)
    {
        lock (_lock)
        {
            ref readonly var file = ref _files[PlaceOf(in gfid)];
            return file.Gfid == gfid && file.Size < offset;
        }
    }

    private static int PlaceOf(in Gfid gfid) => (gfid.GetHashCode() & int.MaxValue) % FilesMax;
}
