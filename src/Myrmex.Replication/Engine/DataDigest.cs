using System;

namespace Myrmex.Replication.Engine;

/// <summary>The digest of data, from the digests of its blocks in their order.</summary>
internal struct DataDigest
{
    private ulong _low;
    private ulong _high;

    public DataDigest(int length)
    {
        (_low, _high) = EntryChain.BeginDigest(length);
    }

    public void Add(UInt128 block) => EntryChain.Mix(ref _low, ref _high, block);

    public readonly UInt128 Finish() => EntryChain.Finish(_low, _high);
}
