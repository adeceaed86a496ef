using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Debug;

/// <summary>
/// Figures of the files that were used last, at most <see cref="FilesMax"/>: a new file takes the place of the one
/// in its
/// shard that was not used for the longest time. A shard's memory comes with its first file. Safe for all threads.
/// </summary>
internal sealed class FileFiguresTable
{
    public const int FilesMax = ShardCount * Shard.SlotCount;

    private const int ShardCount = 16;

    private readonly Shard[] _shards = new Shard[ShardCount];

    public FileFiguresTable()
    {
        for (var i = 0; i < ShardCount; i++)
        {
            _shards[i] = new Shard();
        }
    }

    /// <summary>Counts one successful fop on a file.</summary>
    /// <param name="mbps">Speed of a read or write; 0 when it was not measured.</param>
    /// <param name="wallNs">When it ended; looked at only with a speed.</param>
    public void Count(in Gfid gfid, TopKind kind, double mbps, long wallNs)
    {
        if (!gfid.IsNull)
        {
            _shards[gfid.GetHashCode() & (ShardCount - 1)].Count(in gfid, kind, mbps, wallNs);
        }
    }

    public void Clear()
    {
        foreach (var shard in _shards)
        {
            shard.Clear();
        }
    }

    /// <summary>The first of the files by the figure of <paramref name="kind"/>, largest first.</summary>
    public List<FileFigures> Top(TopKind kind, int count)
    {
        var files = new List<FileFigures>();
        foreach (var shard in _shards)
        {
            shard.AddTo(files, kind);
        }

        files.Sort((a, b) =>
        {
            var order = b.Of(kind).CompareTo(a.Of(kind));
            return order != 0 ? order : a.Gfid.CompareTo(b.Gfid);
        });
        if (files.Count > count)
        {
            files.RemoveRange(count, files.Count - count);
        }

        return files;
    }

    private sealed class Shard
    {
        public const int SlotCount = 256;

        private readonly Lock _lock = new(); // Guards all fields; a leaf lock.
        private readonly Dictionary<Gfid, int> _slotOf = [];
        private FileFigures[] _files = [];
        private long[] _usedAt = [];
        private long _clock;

        public void Count(in Gfid gfid, TopKind kind, double mbps, long wallNs)
        {
            lock (_lock)
            {
                if (!_slotOf.TryGetValue(gfid, out var slot))
                {
                    slot = TakeSlot(in gfid);
                }

                _usedAt[slot] = ++_clock;
                Add(ref _files[slot], kind, mbps, wallNs);
            }
        }

        public void Clear()
        {
            lock (_lock)
            {
                _slotOf.Clear();
            }
        }

        public void AddTo(List<FileFigures> files, TopKind kind)
        {
            lock (_lock)
            {
                foreach (var slot in _slotOf.Values)
                {
                    if (_files[slot].Counts(kind))
                    {
                        files.Add(_files[slot]);
                    }
                }
            }
        }

        private static void Add(ref FileFigures file, TopKind kind, double mbps, long wallNs)
        {
            switch (kind)
            {
                case TopKind.Open:
                    file.Opens++;
                    break;
                case TopKind.Opendir:
                    file.Opendirs++;
                    break;
                case TopKind.Readdir:
                    file.Readdirs++;
                    break;
                case TopKind.Read:
                    file.Reads++;
                    if (mbps > file.ReadMBps)
                    {
                        (file.ReadMBps, file.ReadWallNs) = (mbps, wallNs);
                    }

                    break;
                case TopKind.Write:
                    file.Writes++;
                    if (mbps > file.WriteMBps)
                    {
                        (file.WriteMBps, file.WriteWallNs) = (mbps, wallNs);
                    }

                    break;
            }
        }

        private int TakeSlot(in Gfid gfid)
        {
            if (_files.Length == 0)
            {
                _files = new FileFigures[SlotCount];
                _usedAt = new long[SlotCount];
                _slotOf.EnsureCapacity(SlotCount);
            }

            var slot = _slotOf.Count;
            if (slot == SlotCount)
            {
                slot = 0;
                for (var i = 1; i < SlotCount; i++)
                {
                    slot = _usedAt[i] < _usedAt[slot] ? i : slot;
                }

                _slotOf.Remove(_files[slot].Gfid);
            }

            _files[slot] = new FileFigures { Gfid = gfid };
            _slotOf.Add(gfid, slot);
            return slot;
        }
    }
}
