using System.Threading;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Up to which entry a file may have been changed by what was applied here, at most; of many files one number, so it
/// may say more than there is. Any thread.
/// </summary>
/// <remarks>
/// Invariant: whoever has seen an effect of an entry in the store, and asks then, is told at least the number of that
/// entry. So a file is marked before the store is changed, by the number of the newest entry that is committed.
/// </remarks>
public sealed class TouchTable
{
    private const int Places = 4096; // A power of two.

    private readonly ulong[] _through = new ulong[Places];
    private ulong _committed;
    private ulong _all;

    /// <summary>Before anything of an entry is applied.</summary>
    public void Committed(JournalIndex index) => Atomic.Raise(ref _committed, index.Value);

    /// <summary>Everything may have been changed by entries up to this one.</summary>
    public void MarkAll(JournalIndex index) => Atomic.Raise(ref _all, index.Value);

    /// <summary>Before the operation, which is committed, changes the store.</summary>
    internal void Mark(JournalOperation operation)
    {
        var index = Volatile.Read(ref _committed);
        Atomic.Raise(ref PlaceOf(operation.Gfid), index);
        if (!operation.Displaced.IsNull)
        {
            Atomic.Raise(ref PlaceOf(operation.Displaced), index);
        }
    }

    /// <summary>See the class.</summary>
    public JournalIndex ThroughOf(in Gfid file)
    {
        var own = Volatile.Read(ref PlaceOf(file));
        var all = Volatile.Read(ref _all);
        return new JournalIndex(ulong.Max(own, all));
    }

    private ref ulong PlaceOf(in Gfid file) => ref _through[file.GetHashCode() & (Places - 1)];
}
