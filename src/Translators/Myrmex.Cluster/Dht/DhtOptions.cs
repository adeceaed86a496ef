using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Cluster.Dht;

/// <summary>The options of cluster/distribute. Keys and defaults equal GlusterFS 10.</summary>
internal static class DhtOptions
{
    public const string LookupOptimize = "lookup-optimize";
    public const string LookupUnhashed = "lookup-unhashed";
    public const string MinFreeDisk = "min-free-disk";
    public const string MinFreeInodes = "min-free-inodes";
    public const string RsyncHashRegex = "rsync-hash-regex";
    public const string ExtraHashRegex = "extra-hash-regex";
    public const string WeightedRebalance = "weighted-rebalance";
    public const string SubvolumesPerDirectory = "subvols-per-directory";
    public const string DirectoryLayoutSpread = "directory-layout-spread";
    public const string RandomizeByGfid = "randomize-hash-range-by-gfid";
    public const string DecommissionedBricks = "decommissioned-bricks";
    public const string ReaddirOptimize = "readdir-optimize";
    public const string PartialListings = "partial-listings";
    public const string CommitHash = "commit-hash";

    public static IReadOnlyList<OptionDeclaration> Table { get; } =
    [
        new(LookupOptimize, OptionKind.Boolean, "on",
            "Trust the hashed subvolume's ENOENT when the directory's commit hash is the volume's.") { Live = true },
        new(LookupUnhashed, OptionKind.Choice, "on",
            "Look a missing name up on all subvolumes: on, off, or auto (only when the layout is not whole). "
            + "Not asked when lookup-optimize decides.")
        {
            Live = true,
            Choices = ["auto", "yes", "no", "enable", "disable", "1", "0", "on", "off", "true", "false"],
        },
        new(MinFreeDisk, OptionKind.Text, "10%",
            "Below this much free space (percent, or a size such as 10GB) a subvolume gets no new files.")
        { Live = true },
        new(MinFreeInodes, OptionKind.Percent, "5%",
            "Below this share of free inodes a subvolume gets no new files.")
        { Live = true, Minimum = 0, Maximum = 100 },
        new(RsyncHashRegex, OptionKind.Text, null,
            "Expression whose first group is hashed instead of a temporary name; none switches the built-in rule off."),
        new(ExtraHashRegex, OptionKind.Text, null,
            "A further expression, asked before rsync-hash-regex."),
        new(WeightedRebalance, OptionKind.Boolean, "on",
            "Ranges in proportion to the size of the subvolumes.") { Live = true },
        new(SubvolumesPerDirectory, OptionKind.Integer, null,
            "Most subvolumes over which the files of one directory are spread; unset means all.")
        { Live = true, Minimum = 0, Maximum = DhtLimits.SubvolumesMax },
        new(DirectoryLayoutSpread, OptionKind.Integer, null,
            "Older name of subvols-per-directory.") { Live = true, Minimum = 0, Maximum = DhtLimits.SubvolumesMax },
        new(RandomizeByGfid, OptionKind.Boolean, "off",
            "Choose where a directory's ranges start by its gfid instead of its path.") { Live = true },
        new(DecommissionedBricks, OptionKind.Text, null,
            "Names of subvolumes that are being emptied, separated by commas.") { Live = true },
        new(ReaddirOptimize, OptionKind.Boolean, "off",
            "List directories from the first subvolume only and tell the others to leave them out.") { Live = true },
        new(PartialListings, OptionKind.Boolean, "off",
            "Listings leave out what is on subvolumes that are away without an error, as GlusterFS does.")
        { Live = true },
        new(CommitHash, OptionKind.Integer, null,
            "Commit hash that a layout fix writes; given by the rebalance process."),
        new("lock-migration", OptionKind.Boolean, "off", "For the rebalance process: move POSIX locks with a file."),
        new("force-migration", OptionKind.Boolean, "off",
            "For the rebalance process: move files that are being written."),
        new("rebal-throttle", OptionKind.Text, "normal",
            "For the rebalance process: lazy, normal, aggressive or a number."),
        new("rebalance-stats", OptionKind.Boolean, "off", "For the rebalance process."),
        new("rebalance-cmd", OptionKind.Integer, null, "For the rebalance process."),
        new("node-uuid", OptionKind.Text, null, "For the rebalance process."),
        new("use-readdirp", OptionKind.Boolean, "on", "Accepted; listings always ask for attributes."),
        new("assert-no-child-down", OptionKind.Boolean, "off", "For the rebalance process."),
        new("unhashed-sticky-bit", OptionKind.Boolean, "off", "Accepted without effect."),
        new("directory-layout-type", OptionKind.Text, null, "Accepted without effect."),
        new("xattr-name", OptionKind.Text, "trusted.glusterfs.dht", "Accepted; only the default name is used."),
    ];
}
