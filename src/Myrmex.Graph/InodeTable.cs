using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// The inodes that a kernel or an application refers to: node number &lt;-&gt; gfid, with lookup counts and the cached
/// attributes
/// of each. Inodes are structs in slabs, so a million of them are a few hundred arrays to the garbage collector.
/// An entry lives from its first <see cref="Link"/> until <see cref="Forget"/> has given back every count; only the
/// root stays.
/// Invariants:
/// - a node number is never given to two gfids: it holds the slot and the slot's generation. The root is number 1;
/// - cached attributes are answered only while younger than their timeout and not older than the last known change of
/// the
///   inode (<c>Changed</c>) or of names that might be links to it (<see cref="NamesChanged"/>);
/// - what a fop observed is stored only if the inode has not changed since the fop began: the fop takes <see
/// cref="Token"/>
///   before it goes down and brings it back with its result.
/// Safe for all threads; sixteen shards with a leaf lock each.
/// </summary>
public sealed partial class InodeTable
{
    /// <summary>The node number of the root directory.</summary>
    public const ulong RootNode = 1;

    private const int ShardBits = 4;
    private const int ShardCount = 1 << ShardBits;
    private const int RootShard = 1;

    private readonly Shard[] _shards = new Shard[ShardCount];
    private readonly long _attributeTimeoutNs;

    // One clock of changes for the whole table, so that a fop needs one read to know what it may have missed.
    private ulong _sequence = 1;
    private ulong _fileNamesChanged;
    private ulong _directoryNamesChanged;

    /// <param name="attributeTimeoutNs">How long attributes may be answered without asking; 0 for never.</param>
    public InodeTable(long attributeTimeoutNs)
    {
        _attributeTimeoutNs = attributeTimeoutNs;
        for (var i = 0; i < ShardCount; i++)
        {
            _shards[i] = new Shard(i);
        }

        _shards[RootShard].AddRoot();
    }

    /// <summary>Inodes known, the root included.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            foreach (var shard in _shards)
            {
                count += shard.Count;
            }

            return count;
        }
    }

    /// <summary>Sum of all lookup counts that <see cref="Forget"/> has not given back yet.</summary>
    public ulong LookupsOutstanding
    {
        get
        {
            var lookups = 0UL;
            foreach (var shard in _shards)
            {
                lookups += shard.Lookups;
            }

            return lookups;
        }
    }

    /// <summary>The state of changes now; a fop takes it before it goes down.</summary>
    public ulong Token => Volatile.Read(ref _sequence);

    /// <summary>
    /// Finds or adds the inode of <paramref name="gfid"/>, counts one lookup and caches the attributes if they are
    /// given and
    /// not outdated. Answers the node number and the generation.
    /// </summary>
    public ulong Link(in Gfid gfid, in Iatt iatt, ulong token, long nowNs, out uint generation)
    {
        Invariant.Check(!gfid.IsNull);
        var shard = ShardOf(gfid);
        lock (shard.Lock)
        {
            ref var inode = ref shard.FindOrAdd(gfid, out var node);
            inode.Lookups++;
            shard.Lookups++;
            Store(ref inode, in iatt, token, nowNs);
            generation = inode.Generation;
            return node;
        }
    }

    /// <summary>
    /// As <see cref="Link"/> for an entry of a listing that was asked for at <paramref name="token"/>: false, and
    /// nothing
    /// counted, when the inode may have changed since, so that its listed attributes are worth nothing.
    /// </summary>
    public bool TryLinkListed(
        in Gfid gfid, in Iatt iatt, ulong token, long nowNs, out ulong node, out uint generation)
    {
        var shard = ShardOf(gfid);
        lock (shard.Lock)
        {
            ref var inode = ref shard.FindOrAdd(gfid, out node);
            ref var last = ref iatt.IsDirectory ? ref _directoryNamesChanged : ref _fileNamesChanged;
            var names = Volatile.Read(ref last);
            generation = inode.Generation;
            if (inode.ChangedAt > token || names > token)
            {
                if (inode.Lookups == 0 && node != RootNode)
                {
                    shard.Remove(node, ref inode);
                }

                node = 0;
                return false;
            }

            inode.Lookups++;
            shard.Lookups++;
            Store(ref inode, in iatt, token, nowNs);
            return true;
        }
    }

    /// <summary>
    /// Gives back <paramref name="lookups"/> counts. Unknown numbers and counts too many are ignored: false.
    /// </summary>
    public bool Forget(ulong node, ulong lookups)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            ref var inode = ref shard.Find(node, out var found);
            if (!found || inode.Lookups < lookups)
            {
                return false;
            }

            inode.Lookups -= lookups;
            shard.Lookups -= lookups;
            if (inode.Lookups == 0 && node != RootNode)
            {
                shard.Remove(node, ref inode);
            }

            return true;
        }
    }

    /// <summary>The gfid of a node number; false when the number is not (or no longer) known.</summary>
    public bool TryGetGfid(ulong node, out Gfid gfid)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            ref var inode = ref shard.Find(node, out var found);
            gfid = found ? inode.Gfid : default;
            return found;
        }
    }

    /// <summary>The node number of a gfid; 0 when it is not known.</summary>
    public ulong NodeOf(in Gfid gfid)
    {
        var shard = ShardOf(gfid);
        lock (shard.Lock)
        {
            return shard.NodeOf(gfid);
        }
    }

    /// <summary>
    /// Attributes that may be answered now; <paramref name="validNs"/> is how much longer they may be cached.
    /// </summary>
    public bool TryGetAttributes(ulong node, long nowNs, out Iatt iatt, out long validNs)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            ref var inode = ref shard.Find(node, out var found);
            if (!found || inode.AttributesUntilNs <= nowNs || inode.AttributesSequence < NamesChangedFor(ref inode))
            {
                iatt = default;
                validNs = 0;
                return false;
            }

            iatt = inode.Attributes.ToIatt(inode.Gfid);
            validNs = inode.AttributesUntilNs - nowNs;
            return true;
        }
    }

    /// <summary>Caches attributes that a fop which changes nothing has brought.</summary>
    public void Observed(ulong node, in Iatt iatt, ulong token, long nowNs)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            ref var inode = ref shard.Find(node, out var found);
            if (found)
            {
                Store(ref inode, in iatt, token, nowNs);
            }
        }
    }

    /// <summary>
    /// A fop that changed the inode has ended; <paramref name="post"/> are the attributes after it, or none. They are
    /// cached
    /// unless another change ended since the fop began, for then nobody knows which came last.
    /// </summary>
    public void Changed(ulong node, in Iatt post, ulong token, long nowNs)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            var sequence = Interlocked.Increment(ref _sequence);
            ref var inode = ref shard.Find(node, out var found);
            if (!found)
            {
                return;
            }

            var alone = inode.ChangedAt <= token;
            inode.AttributesUntilNs = 0;
            inode.ChangedAt = sequence;
            if (alone)
            {
                Store(ref inode, in post, sequence, nowNs);
            }
        }
    }

    /// <summary>
    /// As <c>Changed</c> for an inode known by its gfid; nothing happens when the table does not know it.
    /// </summary>
    public void Changed(in Gfid gfid, in Iatt post, ulong token, long nowNs)
    {
        var node = gfid.IsNull ? 0 : NodeOf(gfid);
        if (node != 0)
        {
            Changed(node, in post, token, nowNs);
        }
    }

    /// <summary>
    /// A name was removed or replaced, and the link count of an inode nobody can tell has changed with it. From here on
    /// no attributes of files (or of directories) that were learned before are answered.
    /// </summary>
    public void NamesChanged(bool directory)
    {
        var sequence = Interlocked.Increment(ref _sequence);
        ref var last = ref directory ? ref _directoryNamesChanged : ref _fileNamesChanged;
        Atomic.Raise(ref last, sequence);
    }

    /// <summary>
    /// Drops cached attributes because somebody else changed the inode. Answers the node number, 0 when unknown.
    /// </summary>
    public ulong Invalidate(in Gfid gfid)
    {
        var shard = ShardOf(gfid);
        lock (shard.Lock)
        {
            var node = shard.NodeOf(gfid);
            if (node != 0)
            {
                ref var inode = ref shard.Find(node, out _);
                inode.AttributesUntilNs = 0;
                inode.NoCapabilityUntilNs = 0;
                inode.ChangedAt = Interlocked.Increment(ref _sequence);
            }

            return node;
        }
    }

    /// <summary>True while the inode is known to have no security.capability.</summary>
    public bool HasNoCapability(ulong node, long nowNs)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            ref var inode = ref shard.Find(node, out var found);
            return found && inode.NoCapabilityUntilNs > nowNs;
        }
    }

    /// <summary>Remembers for a while that the inode has no security.capability; 0 forgets it.</summary>
    public void SetNoCapability(ulong node, long untilNs)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            ref var inode = ref shard.Find(node, out var found);
            if (found)
            {
                inode.NoCapabilityUntilNs = untilNs;
            }
        }
    }

    /// <summary>True when the inode has changed since <paramref name="token"/> was taken, or is not known.</summary>
    public bool HasChangedSince(ulong node, ulong token)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            ref var inode = ref shard.Find(node, out var found);
            return !found || inode.ChangedAt > token;
        }
    }

    public bool TestFlag(ulong node, InodeFlags flag)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            ref var inode = ref shard.Find(node, out var found);
            return found && (inode.Flags & flag) != 0;
        }
    }

    public void SetFlag(ulong node, InodeFlags flag)
    {
        var shard = _shards[ShardIndex(node)];
        lock (shard.Lock)
        {
            ref var inode = ref shard.Find(node, out var found);
            if (found)
            {
                inode.Flags |= flag;
            }
        }
    }

    public void DumpState(StateDump dump)
    {
        dump.Put("inodes", Count);
        dump.Put("lookups-outstanding", LookupsOutstanding);
        dump.Put("changes", Token);
    }

    private static int ShardIndex(ulong node) => (int)(node & (ShardCount - 1));

    private static int ShardIndex(in Gfid gfid) => gfid.IsRoot ? RootShard : gfid.GetHashCode() & (ShardCount - 1);

    private Shard ShardOf(in Gfid gfid) => _shards[ShardIndex(gfid)];

    private ulong NamesChangedFor(ref Inode inode) => inode.Attributes.IsDirectory
        ? Volatile.Read(ref _directoryNamesChanged)
        : Volatile.Read(ref _fileNamesChanged);

    private void Store(ref Inode inode, in Iatt iatt, ulong token, long nowNs)
    {
        if (iatt.IsNull || _attributeTimeoutNs == 0 || inode.ChangedAt > token || inode.AttributesSequence > token)
        {
            return;
        }

        inode.Attributes.Set(in iatt);
        inode.AttributesSequence = token;
        inode.AttributesUntilNs = nowNs + _attributeTimeoutNs;
    }
}

/// <summary>What is remembered about an inode besides its attributes.</summary>
[Flags]
public enum InodeFlags
{
    None = 0,

    /// <summary>It has no name any more: address it by an open fd.</summary>
    Unlinked = 1,
}
