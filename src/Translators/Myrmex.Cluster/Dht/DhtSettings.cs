using System;
using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Cluster.Dht;

/// <summary>When a name that its hashed subvolume does not have is looked up on all others.</summary>
internal enum UnhashedLookup
{
    Never,
    Always,
    WhenLayoutIsBroken,
}

/// <summary>The options as values; replaced as a whole when they change.</summary>
internal sealed class DhtSettings
{
    public DhtSettings(OptionValues options)
    {
        LookupOptimize = options.Boolean(DhtOptions.LookupOptimize);
        LookupUnhashed = options.Text(DhtOptions.LookupUnhashed).ToLowerInvariant() switch
        {
            "auto" => UnhashedLookup.WhenLayoutIsBroken,
            "off" or "no" or "0" or "false" or "disable" => UnhashedLookup.Never,
            _ => UnhashedLookup.Always,
        };
        (MinFreeDiskPercent, MinFreeDiskBytes) = MinFreeDisk(options.Text(DhtOptions.MinFreeDisk));
        MinFreeInodesPercent = options.Percent(DhtOptions.MinFreeInodes);
        WeightedRebalance = options.Boolean(DhtOptions.WeightedRebalance);
        RandomizeByGfid = options.Boolean(DhtOptions.RandomizeByGfid);
        ReaddirOptimize = options.Boolean(DhtOptions.ReaddirOptimize);
        PartialListings = options.Boolean(DhtOptions.PartialListings);
        Spread = (int)Math.Max(
            options.Integer(DhtOptions.SubvolumesPerDirectory), options.Integer(DhtOptions.DirectoryLayoutSpread));
        CommitHash = options.Has(DhtOptions.CommitHash) ? (uint)options.Integer(DhtOptions.CommitHash) : null;
        Decommissioned = new HashSet<string>(
            options.Text(DhtOptions.DecommissionedBricks)
                .Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            StringComparer.Ordinal);
    }

    public bool LookupOptimize { get; }

    public UnhashedLookup LookupUnhashed { get; }

    /// <summary>Percent of the subvolume's size; 0 when the limit is given in bytes.</summary>
    public double MinFreeDiskPercent { get; }

    /// <summary>Bytes; 0 when the limit is given in percent.</summary>
    public long MinFreeDiskBytes { get; }

    public double MinFreeInodesPercent { get; }

    public bool WeightedRebalance { get; }

    public bool RandomizeByGfid { get; }

    public bool ReaddirOptimize { get; }

    public bool PartialListings { get; }

    /// <summary>Most subvolumes with a range per directory; 0 for all.</summary>
    public int Spread { get; }

    /// <summary>What a layout fix writes; null when the process was not given one.</summary>
    public uint? CommitHash { get; }

    public HashSet<string> Decommissioned { get; }

    private static (double Percent, long Bytes) MinFreeDisk(string text)
    {
        // A bare number up to 100 is a percentage, as in GlusterFS.
        if (OptionText.TryPercent(text, out var percent) && percent <= 100)
        {
            return (percent, 0);
        }

        return OptionText.TrySize(text, out var bytes)
            ? (0, bytes)
            : throw new GraphException($"option {DhtOptions.MinFreeDisk}: '{text}' is neither a percentage nor a size");
    }
}
