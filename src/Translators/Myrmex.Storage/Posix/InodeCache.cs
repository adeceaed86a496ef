using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>What a brick knows about an inode besides stat.</summary>
internal struct InodeFacts
{
    public Gfid Gfid;

    /// <summary>The inode has <c>trusted.glusterfs.mdata</c>, and these are its times.</summary>
    public bool HasMdata;

    public Mdata Mdata;
}

/// <summary>
/// Gfid and stored times by inode number and birth time, so that a stat is one system call. Why a used-again inode
/// number cannot give a wrong answer: an entry is made by the creator of the inode, who knows, or by a reader when the
/// inode is some seconds old (<see cref="PosixLimits.SettledSeconds"/>), so that no later inode can have the same birth
/// time; and an entry is dropped before the last name of its inode goes. Times are written to disk first and here
/// second, under the lock of the inode.
/// </summary>
internal sealed class InodeCache(IClock clock)
{
    private readonly GfidMap<InodeFacts> _map = new(PosixLimits.InodesMax);

    public int Count => _map.Count;

    public bool TryGet(InodeKey key, out InodeFacts facts)
    {
        if (key.IsUsable)
        {
            return _map.TryGet(key.ToMapKey(), out facts);
        }

        facts = default;
        return false;
    }

    /// <summary>Keeps what the maker of a new inode knows about it.</summary>
    public void SetNew(InodeKey key, in InodeFacts facts)
    {
        if (key.IsUsable)
        {
            _map.Set(key.ToMapKey(), facts);
        }
    }

    /// <summary>Keeps what was read from disk, when the inode is old enough.</summary>
    public void SetRead(in FileStat stat, in InodeFacts facts)
    {
        var key = InodeKey.Of(in stat);
        if (key.IsUsable && (clock.WallNs / 1_000_000_000) - stat.Btime.Seconds > PosixLimits.SettledSeconds)
        {
            _map.Set(key.ToMapKey(), facts);
        }
    }

    /// <summary>Changes the times of a kept inode.</summary>
    public void SetMdata(InodeKey key, in Mdata mdata)
    {
        if (key.IsUsable)
        {
            _map.TryUpdate(key.ToMapKey(), mdata, static (ref InodeFacts facts, Mdata value) =>
            {
                facts.HasMdata = true;
                facts.Mdata = value;
            });
        }
    }

    /// <summary>
    /// To be called before an inode is freed, and after its gfid or times were changed by another way.
    /// </summary>
    public void Drop(InodeKey key) => _map.Remove(key.ToMapKey());
}
