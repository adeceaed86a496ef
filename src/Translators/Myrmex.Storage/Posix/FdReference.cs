using System.Threading;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// An open descriptor that is closed with its last holder, so that RELEASE or eviction may come while others still use it.
/// A new one has one holder.
/// </summary>
internal sealed class FdReference(int fd)
{
    private int _holders = 1;

    /// <summary>Valid while held.</summary>
    public int Fd { get; } = fd;

    /// <summary>For directories: the position the kernel's file offset is at; guarded by a lock on this object.</summary>
    public long Position { get; set; }

    /// <summary>The inode had no mdata when it was opened.</summary>
    public bool HasNoMdata { get; set; }

    /// <summary>False when it is already closed.</summary>
    public bool TryHold()
    {
        while (true)
        {
            var now = Volatile.Read(ref _holders);
            if (now == 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _holders, now + 1, now) == now)
            {
                return true;
            }
        }
    }

    public void Drop()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            Sys.Close(Fd);
        }
    }
}
