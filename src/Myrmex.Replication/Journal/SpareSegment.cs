using System;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>
/// A file that is going to be a segment: all its blocks are allocated and, unless large batches are expected, have been
/// written once, so that later syncs change nothing but data. New ones are zeroes; those used before keep their bytes,
/// which name another segment.
/// </summary>
internal sealed class SpareSegment : IDisposable
{
    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly int _bytes;
    private IDiskFile? _file;

    private SpareSegment(IDisk disk, string directory, string path, IDiskFile file, int bytes)
    {
        _disk = disk;
        _directory = directory;
        Path = path;
        _file = file;
        _bytes = bytes;
    }

    public string Path { get; }

    public bool IsReady { get; private set; }

    public long ZeroedBytes { get; private set; }

    /// <param name="isZeroed">
    /// It will be zeroed, so that syncs of small batches change nothing but data. Where batches are large, zeroing
    /// costs more than it saves, and it is ready at once.
    /// </param>
    public static Errno Create(
        IDisk disk, JournalOptions options, ulong number, bool isZeroed, out SpareSegment? spare)
    {
        spare = null;
        var path = Segment.PathOf(options.Path, Segment.SparePrefix, number);
        var how = DiskOpen.Read | DiskOpen.Write | DiskOpen.Create | DiskOpen.Truncate | (options.IsDirect
            ? DiskOpen.Direct : 0);
        var error = disk.Open(path, how, out var file);
        if (error != Errno.Ok)
        {
            return error;
        }

        error = file!.Preallocate(options.SegmentBytes); // Opened above.
        if (error != Errno.Ok)
        {
            file.Dispose();
            _ = disk.Unlink(path);
            return error;
        }

        spare = new SpareSegment(disk, options.Path, path, file, options.SegmentBytes) { IsReady = !isZeroed };
        return Errno.Ok;
    }

    /// <summary>
    /// Takes a spare file that was there at the start, with its blocks; null when it is not as it should be. What is in
    /// it does not matter.
    /// </summary>
    public static SpareSegment? Adopt(IDisk disk, JournalOptions options, ulong number)
    {
        var path = Segment.PathOf(options.Path, Segment.SparePrefix, number);
        var how = DiskOpen.Read | DiskOpen.Write | (options.IsDirect ? DiskOpen.Direct : 0);
        if (disk.Open(path, how, out var file) != Errno.Ok)
        {
            return null;
        }

        // Opened above. What a crash has left of a file has its blocks only after this.
        if (file!.GetLength(out var length) == Errno.Ok && length == options.SegmentBytes
            && file.Preallocate(length) == Errno.Ok)
        {
            return new SpareSegment(disk, options.Path, path, file, options.SegmentBytes);
        }

        file.Dispose();
        return null;
    }

    /// <summary>Takes the file of a segment that nobody needs any more.</summary>
    public static Errno Recycle(
        IDisk disk, JournalOptions options, Segment segment, ulong number, out SpareSegment? spare)
    {
        spare = null;
        var path = Segment.PathOf(options.Path, Segment.SparePrefix, number);
        var error = disk.Rename(segment.Path, path);
        if (error == Errno.Ok)
        {
            spare = new SpareSegment(disk, options.Path, path, segment.File, options.SegmentBytes) { IsReady = true };
        }

        return error;
    }

    /// <summary>Zeroes some more, and syncs at the end.</summary>
    public Errno Step(int budgetBytes)
    {
        Invariant.Check(!IsReady);
        var chunk = Math.Min(JournalLimits.ChunkBytes, _bytes);
        var zeroes = PayloadPool.Shared.Rent(chunk);
        zeroes.GetSpan()[..chunk].Clear();
        var error = Errno.Ok;
        while (error == Errno.Ok && ZeroedBytes < _bytes && budgetBytes > 0)
        {
            var part = (int)Math.Min(chunk, _bytes - ZeroedBytes);
            error = _file!.WriteFully(ZeroedBytes, zeroes.GetSpan()[..part]); // Not taken yet.
            ZeroedBytes += part;
            budgetBytes -= part;
        }

        zeroes.Release();
        if (error == Errno.Ok && ZeroedBytes == _bytes)
        {
            error = _file!.Sync();
            IsReady = error == Errno.Ok;
        }

        return error;
    }

    /// <summary>Gets the name of a segment, then both heads; durable when it returns.</summary>
    public Errno Become(SegmentHead head, UInt128 incarnation)
    {
        Invariant.Check(IsReady);
        var error = _disk.Rename(Path, Segment.PathOf(_directory, Segment.Prefix, head.Number));
        if (error == Errno.Ok)
        {
            error = _disk.SyncDirectory(_directory);
        }

        var block = PayloadPool.Shared.Rent(JournalLimits.BlockBytes);
        var bytes = block.GetSpan()[..JournalLimits.BlockBytes];
        bytes.Clear();
        JournalFormat.WriteSegment(bytes, head, incarnation);
        if (error == Errno.Ok)
        {
            error = _file!.WriteFully(0, bytes); // Not taken yet.
        }

        if (error == Errno.Ok)
        {
            error = _file!.WriteFully(_bytes - JournalLimits.BlockBytes, bytes);
        }

        block.Release();
        return error != Errno.Ok ? error : _file!.Sync();
    }

    /// <summary>The file; the caller's from now on.</summary>
    public IDiskFile Take()
    {
        var file = _file;
        _file = null;
        Invariant.Check(file is not null);
        return file;
    }

    public void Dispose() => _file?.Dispose();
}
