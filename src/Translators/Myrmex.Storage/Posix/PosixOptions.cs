using System;
using System.Collections.Generic;
using System.Globalization;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Storage;

/// <summary>The options of storage/posix, as names and as one immutable set of values.</summary>
internal sealed class PosixOptions
{
    public const string DirectoryKey = "directory";

    private const string VolumeIdKey = "volume-id";
    private const string NodeUuidKey = "glusterd-uuid";
    private const string LinkCountParentKey = "update-link-count-parent";
    private const string Gfid2PathKey = "gfid2path";
    private const string SeparatorKey = "gfid2path-separator";
    private const string ReserveKey = "reserve";
    private const string HealthIntervalKey = "health-check-interval";
    private const string HealthTimeoutKey = "health-check-timeout";
    private const string BrickUidKey = "brick-uid";
    private const string BrickGidKey = "brick-gid";
    private const string MaxHardlinksKey = "max-hardlinks";
    private const string CreateMaskKey = "create-mask";
    private const string CreateDirectoryMaskKey = "create-directory-mask";
    private const string ForceCreateModeKey = "force-create-mode";
    private const string ForceDirectoryModeKey = "force-directory-mode";
    private const string SharedBrickCountKey = "shared-brick-count";
    private const string FipsKey = "fips-mode-rchecksum";
    private const string CtimeKey = "ctime";

    public PosixOptions(OptionValues values, string translator)
    {
        Directory = values.Text(DirectoryKey);
        VolumeId = ParseUuid(values, VolumeIdKey, translator);
        NodeUuid = values.Text(NodeUuidKey);
        CountsLinksOfParents = values.Boolean(LinkCountParentKey);
        KeepsGfid2Path = values.Boolean(Gfid2PathKey);
        Gfid2PathSeparator = values.Text(SeparatorKey);
        (ReservePercent, ReserveBytes) = ParseReserve(values.Text(ReserveKey), translator);
        HealthIntervalSeconds = values.Time(HealthIntervalKey);
        HealthTimeoutSeconds = values.Time(HealthTimeoutKey);
        BrickUid = values.Integer(BrickUidKey);
        BrickGid = values.Integer(BrickGidKey);
        MaxHardlinks = values.Integer(MaxHardlinksKey);
        CreateMask = ParseMode(values, CreateMaskKey, translator);
        CreateDirectoryMask = ParseMode(values, CreateDirectoryMaskKey, translator);
        ForceCreateMode = ParseMode(values, ForceCreateModeKey, translator);
        ForceDirectoryMode = ParseMode(values, ForceDirectoryModeKey, translator);
        SharedBrickCount = Math.Max(1, values.Integer(SharedBrickCountKey));
        UsesSha256 = values.Boolean(FipsKey);
        KeepsTimes = values.Boolean(CtimeKey);
    }

    public static IReadOnlyList<OptionDeclaration> Table { get; } =
    [
        new(DirectoryKey, OptionKind.Text, Default: null, "Directory that holds the brick."),
        new(
            VolumeIdKey, OptionKind.Text, Default: null,
            "The volume the brick must belong to; not checked when not given."),
        new(NodeUuidKey, OptionKind.Text, "", "Identity of this node, for those who ask where a file lies.")
        {
            Live = true,
        },
        new(
            LinkCountParentKey, OptionKind.Boolean, "off",
            "Count the names of a file in each parent directory, in an attribute.")
        {
            Live = true,
        },
        new(Gfid2PathKey, OptionKind.Boolean, "on", "Keep the parents and names of a file in attributes.")
        {
            Live = true,
        },
        new(SeparatorKey, OptionKind.Text, ":", "What separates several paths of one file when they are asked for.")
        {
            Live = true,
        },
        new(
            ReserveKey, OptionKind.Text, "1",
            "Free space, percent or size, below which clients may not fill the brick; 0 for none.")
        {
            Live = true,
        },
        new(
            HealthIntervalKey, OptionKind.Time, "30",
            "Seconds between two checks that the file system works; 0 for never.")
        {
            Minimum = 0,
            Live = true,
        },
        new(HealthTimeoutKey, OptionKind.Time, "20", "Seconds after which a check has failed; 0 to wait for ever.")
        {
            Minimum = 0,
            Live = true,
        },
        new(BrickUidKey, OptionKind.Integer, "-1", "Owner that the root of the volume gets; -1 to leave it.")
        {
            Minimum = -1,
            Maximum = uint.MaxValue - 1,
        },
        new(BrickGidKey, OptionKind.Integer, "-1", "Group that the root of the volume gets; -1 to leave it.")
        {
            Minimum = -1,
            Maximum = uint.MaxValue - 1,
        },
        new(
            MaxHardlinksKey, OptionKind.Integer, "0",
            "Names that one file may have; 0 leaves the limit to the file system.")
        {
            Minimum = 0,
            Live = true,
        },
        new(CreateMaskKey, OptionKind.Text, "0777", "Permission bits (octal) that new files may have.") { Live = true },
        new(CreateDirectoryMaskKey, OptionKind.Text, "0777", "Permission bits (octal) that new directories may have.")
        {
            Live = true,
        },
        new(ForceCreateModeKey, OptionKind.Text, "0000", "Permission bits (octal) that all new files get.")
        {
            Live = true,
        },
        new(ForceDirectoryModeKey, OptionKind.Text, "0000", "Permission bits (octal) that all new directories get.")
        {
            Live = true,
        },
        new(
            SharedBrickCountKey, OptionKind.Integer, "1",
            "Bricks of the volume on this file system; they share its space.")
        {
            Minimum = 0,
            Live = true,
        },
        new(FipsKey, OptionKind.Boolean, "on", "Checksums are SHA-256; otherwise MD5.") { Live = true },
        new(CtimeKey, OptionKind.Boolean, "on", "Times of files are kept in an attribute, equal on all copies.")
        {
            Live = true,
        },
    ];

    public string Directory { get; }

    /// <summary>Null when no volume id is demanded.</summary>
    public Gfid VolumeId { get; }

    public string NodeUuid { get; }

    public bool CountsLinksOfParents { get; }

    public bool KeepsGfid2Path { get; }

    public string Gfid2PathSeparator { get; }

    public double ReservePercent { get; }

    /// <summary>Used instead of the percentage when not 0.</summary>
    public long ReserveBytes { get; }

    public long HealthIntervalSeconds { get; }

    public long HealthTimeoutSeconds { get; }

    public long BrickUid { get; }

    public long BrickGid { get; }

    public long MaxHardlinks { get; }

    public uint CreateMask { get; }

    public uint CreateDirectoryMask { get; }

    public uint ForceCreateMode { get; }

    public uint ForceDirectoryMode { get; }

    public long SharedBrickCount { get; }

    public bool UsesSha256 { get; }

    public bool KeepsTimes { get; }

    /// <summary>True when what cannot change while running is the same in both.</summary>
    public bool IsSameBrick(PosixOptions other) =>
        Directory == other.Directory && VolumeId == other.VolumeId
        && BrickUid == other.BrickUid && BrickGid == other.BrickGid;

    private static Gfid ParseUuid(OptionValues values, string key, string translator)
    {
        var text = values.Text(key);
        if (text.Length == 0)
        {
            return Gfid.Null;
        }

        return Gfid.TryParse(text, out var uuid) ? uuid
            : throw new GraphException($"volume {translator}: option {key}: '{text}' is no UUID");
    }

    private static (double Percent, long Bytes) ParseReserve(string text, string translator)
    {
        if (OptionText.TryPercent(text, out var percent) && percent is >= 0 and <= 100)
        {
            return (percent, 0);
        }

        return OptionText.TrySize(text, out var bytes) ? (0, bytes)
            : throw new GraphException(
                $"volume {translator}: option {ReserveKey}: '{text}' is neither a percentage nor a size");
    }

    private static uint ParseMode(OptionValues values, string key, string translator)
    {
        var text = values.Text(key);
        uint mode = 0;
        foreach (var c in text)
        {
            mode = c is >= '0' and <= '7' && mode <= 0x1FF ? (mode * 8) + (uint)(c - '0')
                : throw new GraphException(string.Create(
                    CultureInfo.InvariantCulture, $"volume {translator}: option {key}: '{text}' is no octal mode"));
        }

        return mode & FileMode.PermissionMask;
    }
}
