using System.Threading;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>
/// What is known of an inode of the brick's file system without asking for xattrs: its gfid and that it has no mdata. Keyed by inode
/// number and birth time; direct-mapped, so a collision only costs a re-read. An entry goes before its inode number can be used again:
/// whoever removes the last name calls <see cref="Forget"/>, and an insertion that began before a removal is refused by its stamp.
/// </summary>
internal sealed class InodeCache
{
    private const int Size = 1 << 16;
    private const int StripeCount = 64;

    private readonly Entry[] _entries = new Entry[Size];
    private readonly Lock[] _stripes = new Lock[StripeCount]; // Each guards every 64th entry; leaf locks.
    private long _removals;

    public InodeCache()
    {
        for (var i = 0; i < StripeCount; i++)
        {
            _stripes[i] = new Lock();
        }
    }

    /// <summary>Take it before the stat whose result is to be inserted.</summary>
    public long Stamp => Volatile.Read(ref _removals);

    public bool TryGet(ulong ino, long birthNs, out Gfid gfid, out bool hasNoMdata)
    {
        var at = IndexOf(ino);
        lock (_stripes[at % StripeCount])
        {
            ref var entry = ref _entries[at];
            if (entry.Ino == ino && entry.BirthNs == birthNs && birthNs != 0)
            {
                gfid = entry.Gfid;
                hasNoMdata = entry.HasNoMdata;
                return true;
            }
        }

        gfid = default;
        hasNoMdata = false;
        return false;
    }

    public void Put(ulong ino, long birthNs, in Gfid gfid, bool hasNoMdata, long stamp)
    {
        if (birthNs == 0)
        {
            return;
        }

        var at = IndexOf(ino);
        lock (_stripes[at % StripeCount])
        {
            if (Stamp == stamp)
            {
                _entries[at] = new Entry { Ino = ino, BirthNs = birthNs, Gfid = gfid, HasNoMdata = hasNoMdata };
            }
        }
    }

    public void Forget(ulong ino)
    {
        Interlocked.Increment(ref _removals);
        var at = IndexOf(ino);
        lock (_stripes[at % StripeCount])
        {
            if (_entries[at].Ino == ino)
            {
                _entries[at] = default;
            }
        }
    }

    private static int IndexOf(ulong ino) => (int)((ino * 0x9E3779B97F4A7C15UL) >> 48);

    private struct Entry
    {
        public ulong Ino;
        public long BirthNs;
        public Gfid Gfid;
        public bool HasNoMdata;
    }
}
