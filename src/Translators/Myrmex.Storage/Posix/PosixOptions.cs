using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Storage;

/// <summary>Options of storage/posix; names and meanings are GlusterFS'.</summary>
public static class PosixOptions
{
    public static IReadOnlyList<OptionDeclaration> Table { get; } =
    [
        new("directory", OptionKind.Text, null, "The brick: a directory on XFS, ext4 or Btrfs."),
        new("volume-id", OptionKind.Text, null, "Id of the volume; the brick's own must be the same."),
        new("glusterd-uuid", OptionKind.Text, null, "Id of the node, answered as node-uuid."),
        new("reserve", OptionKind.Percent, "1", "Share of the file system below which writes fail with ENOSPC.") { Minimum = 0, Maximum = 100, Live = true },
        new("health-check-interval", OptionKind.Time, "30", "Seconds between checks that the disk answers; 0 = never.") { Minimum = 0, Maximum = 86400 },
        new("gfid2path", OptionKind.Boolean, "on", "Keep trusted.gfid2path names, so that a file's path can be found from its gfid."),
        new("max-hardlinks", OptionKind.Integer, "0", "Most names of a file; 0 = what the file system allows.") { Minimum = 0, Maximum = 65535 },
        new("shared-brick-count", OptionKind.Integer, "1", "Bricks on the same file system: its size is shared among them.") { Minimum = 1, Maximum = 1024 },
        new("owner-uid", OptionKind.Integer, "-1", "Owner the brick's root gets at start; -1 = leave it.") { Minimum = -1, Maximum = uint.MaxValue },
        new("owner-gid", OptionKind.Integer, "-1", "Group the brick's root gets at start; -1 = leave it.") { Minimum = -1, Maximum = uint.MaxValue },
        new("update-link-count-parent", OptionKind.Boolean, "off", "Accepted for volume files of stock bricks; has no effect."),
        new("fips-mode-rchecksum", OptionKind.Boolean, "on", "SHA-256 as strong checksum of RCHECKSUM."),
    ];
}
