using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Graph;

public sealed partial class InodeTable
{
    private struct Inode
    {
        public Gfid Gfid;
        public ulong Lookups;

        // Change clock: end of the last change, and the state the cached attributes belong to.
        public ulong ChangedAt;
        public ulong AttributesSequence;
        public long AttributesUntilNs;
        public long NoCapabilityUntilNs;
        public CachedAttributes Attributes;
        public int NextInBucket;
        public uint Generation;
        public InodeFlags Flags;
    }

    /// <summary>The attributes worth keeping, without padding; the inode number follows from the gfid.</summary>
    private struct CachedAttributes
    {
        private ulong _size;
        private ulong _blocks;
        private ulong _rdev;
        private long _atime;
        private long _mtime;
        private long _ctime;
        private long _btime;
        private IattFlags _flags;
        private uint _atimeNsec;
        private uint _mtimeNsec;
        private uint _ctimeNsec;
        private uint _btimeNsec;
        private uint _mode;
        private uint _nlink;
        private uint _uid;
        private uint _gid;
        private uint _blockSize;

        public readonly bool IsDirectory => (_mode & FileMode.TypeMask) == FileMode.Directory;

        public void Set(in Iatt iatt)
        {
            _size = iatt.Size;
            _blocks = iatt.Blocks;
            _rdev = iatt.Rdev;
            _atime = iatt.Atime;
            _mtime = iatt.Mtime;
            _ctime = iatt.Ctime;
            _btime = iatt.Btime;
            _flags = iatt.Flags;
            _atimeNsec = iatt.AtimeNsec;
            _mtimeNsec = iatt.MtimeNsec;
            _ctimeNsec = iatt.CtimeNsec;
            _btimeNsec = iatt.BtimeNsec;
            _mode = iatt.Mode;
            _nlink = iatt.Nlink;
            _uid = iatt.Uid;
            _gid = iatt.Gid;
            _blockSize = iatt.BlockSize;
        }

        public readonly Iatt ToIatt(in Gfid gfid) => new()
        {
            Gfid = gfid,
            Flags = _flags,
            Ino = gfid.Ino,
            Rdev = _rdev,
            Size = _size,
            Blocks = _blocks,
            Atime = _atime,
            Mtime = _mtime,
            Ctime = _ctime,
            Btime = _btime,
            AtimeNsec = _atimeNsec,
            MtimeNsec = _mtimeNsec,
            CtimeNsec = _ctimeNsec,
            BtimeNsec = _btimeNsec,
            Mode = _mode,
            Nlink = _nlink,
            Uid = _uid,
            Gid = _gid,
            BlockSize = _blockSize,
        };
    }

    /// <summary>
    /// One sixteenth of the table: a slab of inodes in chunks that never move, a chained hash over it, and a free list.
    /// All members but <see cref="Lock"/> are guarded by it.
    /// </summary>
    private sealed class Shard
    {
        private const int ChunkBits = 10;
        private const int ChunkSize = 1 << ChunkBits;
        private const int SlotMax = 1 << (32 - ShardBits - 1);
        private const int None = -1;

        private readonly int _index;
        private Inode[][] _chunks = [];
        private int[] _buckets = new int[64];
        private int _free = None;
        private int _next;

        // No change may look older to an inode that comes back than it was when the inode went.
        private ulong _changedAtOfRemoved;

        public Shard(int index)
        {
            _index = index;
            Array.Fill(_buckets, None);

            // Number 0 means "no node", so shard 0 begins at slot 1; in the root's shard slot 0 is the root.
            _next = index == 0 ? 1 : 0;
            Grow();
        }

        public Lock Lock { get; } = new();

        public int Count { get; private set; }

        public ulong Lookups { get; set; }

        public void AddRoot()
        {
            FindOrAdd(Gfid.Root, out var node);
            Invariant.Check(node == RootNode);
        }

        public ref Inode Find(ulong node, out bool found)
        {
            var slot = (int)((uint)node >> ShardBits);
            if (slot < _next)
            {
                ref var inode = ref SlotAt(slot);
                found = inode.Generation == (uint)(node >> 32) && !inode.Gfid.IsNull;
                return ref inode;
            }

            found = false;
            return ref SlotAt(0);
        }

        public ulong NodeOf(in Gfid gfid)
        {
            var slot = SlotOf(gfid);
            return slot == None ? 0 : NodeAt(slot);
        }

        public ref Inode FindOrAdd(in Gfid gfid, out ulong node)
        {
            var slot = SlotOf(gfid);
            if (slot == None)
            {
                slot = Add(gfid);
            }

            node = NodeAt(slot);
            return ref SlotAt(slot);
        }

        public void Remove(ulong node, ref Inode inode)
        {
            var slot = (int)((uint)node >> ShardBits);
            ref var link = ref _buckets[BucketOf(inode.Gfid)];
            while (link != slot)
            {
                link = ref SlotAt(link).NextInBucket;
            }

            link = inode.NextInBucket;
            _changedAtOfRemoved = Math.Max(_changedAtOfRemoved, inode.ChangedAt);
            inode = new Inode { Generation = inode.Generation + 1, NextInBucket = _free };
            _free = slot;
            Count--;
        }

        private ref Inode SlotAt(int slot) => ref _chunks[slot >> ChunkBits][slot & (ChunkSize - 1)];

        private ulong NodeAt(int slot) =>
            ((ulong)SlotAt(slot).Generation << 32) | ((ulong)(uint)slot << ShardBits) | (uint)_index;

        private int BucketOf(in Gfid gfid) => (int)((uint)gfid.GetHashCode() >> ShardBits) & (_buckets.Length - 1);

        private int SlotOf(in Gfid gfid)
        {
            var slot = _buckets[BucketOf(gfid)];
            while (slot != None && SlotAt(slot).Gfid != gfid)
            {
                slot = SlotAt(slot).NextInBucket;
            }

            return slot;
        }

        private int Add(in Gfid gfid)
        {
            int slot;
            if (_free != None)
            {
                slot = _free;
                _free = SlotAt(slot).NextInBucket;
            }
            else
            {
                Invariant.Check(_next < SlotMax);
                if (_next == _chunks.Length << ChunkBits)
                {
                    Grow();
                }

                slot = _next++;
            }

            if (++Count > _buckets.Length)
            {
                Rehash();
            }

            ref var bucket = ref _buckets[BucketOf(gfid)];
            ref var inode = ref SlotAt(slot);
            inode = new Inode
            {
                Gfid = gfid,
                ChangedAt = _changedAtOfRemoved,
                Generation = inode.Generation,
                NextInBucket = bucket,
            };
            bucket = slot;
            return slot;
        }

        private void Grow()
        {
            Array.Resize(ref _chunks, _chunks.Length + 1);
            _chunks[^1] = new Inode[ChunkSize];
        }

        private void Rehash()
        {
            _buckets = new int[_buckets.Length * 2];
            Array.Fill(_buckets, None);
            for (var slot = 0; slot < _next; slot++)
            {
                ref var inode = ref SlotAt(slot);
                if (inode.Gfid.IsNull)
                {
                    continue;
                }

                ref var bucket = ref _buckets[BucketOf(inode.Gfid)];
                inode.NextInBucket = bucket;
                bucket = slot;
            }
        }
    }
}
