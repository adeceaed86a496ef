using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Fuse;

/// <summary>What stands behind a file handle of the kernel: an open file or directory.</summary>
internal sealed class FuseFile(Gfid gfid, ulong node, uint flags, bool isDirectory)
{
    private readonly Lock _lock = new(); // Guards _fd, _kept and _move; a leaf lock.
    private OpenFd? _fd;
    private TaskCompletionSource<Errno>? _move;
    private DirectoryChunk? _kept;

    public Gfid Gfid { get; } = gfid;

    public ulong Node { get; } = node;

    /// <summary>Flags of the open in wire numbers, without CREAT, EXCL and TRUNC.</summary>
    public uint Flags { get; } = flags & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate);

    public bool IsDirectory { get; } = isDirectory;

    /// <summary>Bricks put what is written to the end of the file.</summary>
    public bool Appends { get; } = !isDirectory && (flags & OpenFlags.Append) != 0;

    /// <summary>Number the kernel knows it by; set by the table.</summary>
    public ulong Handle { get; set; }

    /// <summary>Written to since its last FLUSH.</summary>
    public bool IsDirty { get; set; }

    /// <summary>The graph it could not be opened on again; it stays on its old one.</summary>
    public IHostedGraph? Refused { get; set; }

    /// <summary>Ring of the open files of one inode; guarded by the table.</summary>
    public FuseFile? NextOfNode { get; set; }

    /// <summary>The fd with one more user, or null when the file has been closed.</summary>
    public OpenFd? Acquire()
    {
        lock (_lock)
        {
            _fd?.Retain();
            return _fd;
        }
    }

    /// <summary>Puts another fd (or none) in place; the caller drops the one that comes back.</summary>
    public OpenFd? Exchange(OpenFd? fd)
    {
        lock (_lock)
        {
            var old = _fd;
            _fd = fd;
            return old;
        }
    }

    /// <summary>Replaces exactly <paramref name="expected"/>; false when another thread was first.</summary>
    public bool TryReplace(OpenFd expected, OpenFd fd)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_fd, expected))
            {
                return false;
            }

            _fd = fd;
            return true;
        }
    }

    /// <summary>
    /// One at a time moves a file to another graph, or the locks that one of them takes there would end with the fd of
    /// the other. Null when the caller is the one, who must call <see cref="EndMove"/>; else the move to wait for.
    /// </summary>
    public Task<Errno>? BeginMove()
    {
        lock (_lock)
        {
            if (_move is { } underWay)
            {
                return underWay.Task;
            }

            _move = new TaskCompletionSource<Errno>();
            return null;
        }
    }

    /// <summary>Those who wait for the move go on, on this thread.</summary>
    public void EndMove(Errno error)
    {
        TaskCompletionSource<Errno>? move;
        lock (_lock)
        {
            move = _move;
            _move = null;
        }

        move?.SetResult(error);
    }

    /// <summary>Takes the rest of a directory chunk, if one is kept.</summary>
    public DirectoryChunk? TakeChunk()
    {
        lock (_lock)
        {
            var chunk = _kept;
            _kept = null;
            return chunk;
        }
    }

    /// <summary>Keeps the rest of a chunk for the next call; one that is there already is dropped.</summary>
    public void KeepChunk(DirectoryChunk? chunk)
    {
        DirectoryChunk? old;
        lock (_lock)
        {
            old = _kept;
            _kept = chunk;
        }

        old?.Release();
    }
}
