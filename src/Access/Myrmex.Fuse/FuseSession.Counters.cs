using System.Collections.Generic;
using System.Threading;
using Myrmex.Fuse.Protocol;
using Myrmex.Graph;

namespace Myrmex.Fuse;

public sealed partial class FuseSession
{
    private readonly long[] _counts = new long[64];
    private long _localGetattrs;

    /// <summary>GETATTR requests that needed no fop.</summary>
    public long LocalGetattrs => Volatile.Read(ref _localGetattrs);

    /// <summary>Requests by opcode, those that came.</summary>
    public List<(string Opcode, long Count)> RequestCounts()
    {
        var counts = new List<(string Opcode, long Count)>();
        for (var i = 0; i < _counts.Length; i++)
        {
            if (Volatile.Read(ref _counts[i]) is > 0 and var count)
            {
                counts.Add((((FuseOpcode)i).ToString(), count));
            }
        }

        return counts;
    }

    /// <summary>Counts a request; loops may lose a count to each other, which is good enough for people.</summary>
    internal void CountOpcode(FuseOpcode opcode)
    {
        var index = (uint)opcode;
        if (index < (uint)_counts.Length)
        {
            _counts[index]++;
        }
    }

    /// <summary>Counts a GETATTR that needed no fop.</summary>
    internal void CountLocalGetattr() => _localGetattrs++;

    private void DumpCounters(StateDump dump)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            var count = Volatile.Read(ref _counts[i]);
            if (count > 0)
            {
                dump.Put("requests." + (FuseOpcode)i, count);
            }
        }

        dump.Put("getattr-answered-here", Volatile.Read(ref _localGetattrs));
    }
}
