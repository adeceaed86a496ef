using System;
using System.Globalization;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>
/// A file of the journal: a head, batches one after the other, and the head again in the last block. Beside it is its
/// header index, with the headers of entries whose batch was synced before they were written there: a second copy,
/// and a witness that the batch was complete.
/// </summary>
internal sealed class Segment(IDisk disk, string directory, ulong number, IDiskFile file, long bytes) : IDisposable
{
    public const string Prefix = "s-";
    public const string IndexPrefix = "x-";
    public const string SparePrefix = "spare-";

    private IDiskFile? _index;
    private IDiskFile? _cached;
    private PayloadBuffer? _indexBlock;
    private long _indexLength; // Records added so far, in bytes.
    private bool _indexIsDirty;
    private bool _mayBeCloned;
    private long _sharedBytes;

    public ulong Number => number;

    public IDiskFile File => file;

    /// <summary>The same file through the page cache.</summary>
    public IDiskFile CachedFile
    {
        get
        {
            if (!file.IsDirect)
            {
                return file;
            }

            if (_cached is null && disk.Open(Path, DiskOpen.Read | DiskOpen.Write, out var opened) == Errno.Ok)
            {
                _cached = opened;
            }

            return _cached ?? file;
        }
    }

    public long Bytes => bytes;

    /// <summary>Null when both copies are damaged.</summary>
    public SegmentHead? Head { get; set; }

    public string Path => PathOf(directory, Prefix, number);

    public string IndexPath => PathOf(directory, IndexPrefix, number);

    /// <summary>The block where the next batch goes.</summary>
    public uint Next { get; set; } = 1;

    /// <summary>The block of the second head; batches end before it.</summary>
    public uint EndBlock => (uint)(bytes / JournalLimits.BlockBytes) - 1;

    /// <summary>No entry of the journal above this index is in this segment.</summary>
    public ulong LiveMax { get; set; }

    /// <summary>
    /// Files may share its blocks, as they may when it is found at start with data that they would: it is never used
    /// again.
    /// </summary>
    public bool MayBeCloned
    {
        get => Volatile.Read(ref _mayBeCloned);
        set => Volatile.Write(ref _mayBeCloned, value);
    }

    /// <summary>Most of what it has was large, and files share it.</summary>
    public bool IsBulk => Volatile.Read(ref _sharedBytes) > (long)Next * JournalLimits.BlockBytes / 2;

    public long RoomBytes => (long)(EndBlock - Next) * JournalLimits.BlockBytes;

    public long IndexLength => _indexLength;

    /// <summary>Any thread.</summary>
    public void AddShared(int length) => Interlocked.Add(ref _sharedBytes, length);

    public static string PathOf(string directory, string prefix, ulong number) =>
        string.Create(CultureInfo.InvariantCulture, $"{directory}/{prefix}{number:x16}");

    public static bool TryParse(string name, string prefix, out ulong number)
    {
        number = 0;
        return name.Length == prefix.Length + 16 && name.StartsWith(prefix, StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan(prefix.Length), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out number);
    }

    /// <summary>
    /// Adds a header to the index; it is written when its block is full or <see cref="FlushIndex"/> asks.
    /// </summary>
    /// <returns>Bytes written.</returns>
    public int AddToIndex(in EntryRecord record, uint seed)
    {
        _indexBlock ??= NewBlock();
        var at = (int)(_indexLength % JournalLimits.BlockBytes);
        JournalFormat.WriteEntry(_indexBlock.GetSpan()[at..], record, seed);
        _indexLength += JournalFormat.EntrySize;
        _indexIsDirty = true;
        if (_indexLength % JournalLimits.BlockBytes != 0)
        {
            return 0;
        }

        var written = FlushIndex();
        _indexBlock.GetSpan()[..JournalLimits.BlockBytes].Clear();
        return written;
    }

    /// <summary>Goes on behind the records that the index has, at the next full block.</summary>
    public void ContinueIndex(long length) => _indexLength = RoundUp(length);

    /// <summary>
    /// Writes what the index has in memory, without a sync. The index is a witness, not a promise: an error only
    /// leaves less of it.
    /// </summary>
    /// <returns>Bytes written.</returns>
    public int FlushIndex()
    {
        if (!_indexIsDirty || !OpenIndex())
        {
            return 0;
        }

        _indexIsDirty = false;
        var start = RoundUp(_indexLength) - JournalLimits.BlockBytes;
        // Both made before.
        return _index!.WriteFully(start, _indexBlock!.GetSpan()[..JournalLimits.BlockBytes]) == Errno.Ok
            ? JournalLimits.BlockBytes : 0;
    }

    /// <summary>Writes the index and syncs it, when the segment is closed.</summary>
    public int CloseIndex()
    {
        var written = FlushIndex();
        _ = _index?.Sync();
        ReleaseIndex();
        return written;
    }

    /// <summary>Nothing more is written to it through the page cache.</summary>
    public void ReleaseCached()
    {
        _cached?.Dispose();
        _cached = null;
    }

    public void Dispose()
    {
        ReleaseIndex();
        ReleaseCached();
        file.Dispose();
    }

    private static long RoundUp(long length) =>
        (length + JournalLimits.BlockBytes - 1) / JournalLimits.BlockBytes * JournalLimits.BlockBytes;

    private static PayloadBuffer NewBlock()
    {
        var block = PayloadPool.Shared.Rent(JournalLimits.BlockBytes);
        block.GetSpan().Clear();
        return block;
    }

    private bool OpenIndex() =>
        _index is not null || disk.Open(
            IndexPath, DiskOpen.Read | DiskOpen.Write | DiskOpen.Create | (file.IsDirect ? DiskOpen.Direct : 0),
                out _index) == Errno.Ok;

    private void ReleaseIndex()
    {
        _index?.Dispose();
        _index = null;
        _indexBlock?.Release();
        _indexBlock = null;
        _indexIsDirty = false;
    }
}
