using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// An open directory. The cache has one reference and every fop that uses it another; the last one closes the
/// descriptor.
/// </summary>
internal sealed class DirectoryHandle(Gfid gfid, int fd)
{
    private int _references = 1;

    public Gfid Gfid { get; } = gfid;

    public int Fd { get; } = fd;

    /// <summary>Removed by us: whoever still holds it must answer ESTALE.</summary>
    public bool IsRemoved { get; set; }

    /// <summary>Used since the hand of the cache last came by; guarded by the shard.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Only while somebody else has a reference.</summary>
    public void Retain() => Interlocked.Increment(ref _references);

    public void Release()
    {
        var now = Interlocked.Decrement(ref _references);
        Invariant.Check(now >= 0);
        if (now == 0)
        {
            Sys.Close(Fd);
        }
    }
}
