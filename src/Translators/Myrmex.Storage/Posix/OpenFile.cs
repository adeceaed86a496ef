using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// A file that a client, or the table of anonymous files, has open. Counted by references: the opener has one and every
/// fop under way another, so that RELEASE during a read is safe; the last one closes the descriptors.
/// </summary>
internal sealed class OpenFile(Gfid gfid, int fd, uint flags)
{
    private int _references = 1;
    private WriteLane? _lane; // Made by the first long write.
    private int _directFd = -1; // Opened by the first fop that asks for O_DIRECT; -2 when that cannot be.

    public Gfid Gfid { get; } = gfid;

    public int Fd { get; } = fd;

    /// <summary><see cref="OpenFlags"/> of the open.</summary>
    public uint Flags { get; } = flags;

    /// <summary>The last write found times stored on the file; a hint.</summary>
    public bool HasStoredTimes { get; set; }

    /// <summary>Alignment of memory, offset and length on the direct descriptor.</summary>
    public uint DirectAlignment { get; private set; } = 4096;

    /// <summary>The order of long writes through the page cache.</summary>
    public WriteLane Lane =>
        Volatile.Read(ref _lane) ?? Interlocked.CompareExchange(ref _lane, new WriteLane(), null) ?? _lane;

    /// <summary>Takes a reference; false when the file is closed already.</summary>
    public bool TryRetain()
    {
        var now = Volatile.Read(ref _references);
        while (now > 0)
        {
            var seen = Interlocked.CompareExchange(ref _references, now + 1, now);
            if (seen == now)
            {
                return true;
            }

            now = seen;
        }

        return false;
    }

    public void Release()
    {
        var now = Interlocked.Decrement(ref _references);
        Invariant.Check(now >= 0);
        if (now == 0)
        {
            Sys.Close(Fd);
            if (_directFd >= 0)
            {
                Sys.Close(_directFd);
            }
        }
    }

    /// <summary>
    /// A descriptor of the same file with O_DIRECT, or -1 when the file system has none. Needs /proc.
    /// </summary>
    public int DirectFd()
    {
        var direct = Volatile.Read(ref _directFd);
        if (direct != -1)
        {
            return direct < 0 ? -1 : direct;
        }

        var opened = OpenDirect();
        var seen = Interlocked.CompareExchange(ref _directFd, opened, -1);
        if (seen != -1)
        {
            if (opened >= 0)
            {
                Sys.Close(opened);
            }

            opened = seen;
        }

        return opened < 0 ? -1 : opened;
    }

    private int OpenDirect()
    {
        var path = System.Text.Encoding.ASCII.GetBytes($"/proc/self/fd/{Fd}");
        var opened = Sys.OpenAt(Sys.AtWorkingDirectory, path, (int)(Flags & OpenFlags.AccessMode) | Sys.ODirect);
        if (opened < 0)
        {
            return -2;
        }

        if (Sys.Stat(opened, out var stat) >= 0 && stat.DirectOffsetAlignment > 0)
        {
            DirectAlignment = uint.Max(stat.DirectOffsetAlignment, stat.DirectMemoryAlignment);
        }

        return opened;
    }
}
