using System;

namespace Myrmex.Cluster.Dht;

/// <summary>Names on disk and on the wire; the spelling is GlusterFS'.</summary>
internal static class DhtKeys
{
    public static ReadOnlySpan<byte> Layout => "trusted.glusterfs.dht"u8;

    public static ReadOnlySpan<byte> LinkTo => "trusted.glusterfs.dht.linkto"u8;

    public static ReadOnlySpan<byte> Mds => "trusted.glusterfs.dht.mds"u8;

    public static ReadOnlySpan<byte> CommitHash => "trusted.glusterfs.dht.commithash"u8;

    public static ReadOnlySpan<byte> GfidRequest => "gfid-req"u8;

    public static ReadOnlySpan<byte> PreopParentKey => "glusterfs.preop.parent.key"u8;

    public static ReadOnlySpan<byte> PreopCheckFailed => "glusterfs.preop.check.failed"u8;

    public static ReadOnlySpan<byte> InternalFop => "glusterfs-internal-fop"u8;

    public static ReadOnlySpan<byte> ForceReplace => "force-replace"u8;

    public static ReadOnlySpan<byte> UnlinkOnlyLinkFile => "unlink-only-if-dht-linkto-file"u8;

    /// <summary>
    /// Of this project; other bricks do not look at it. The name is removed only if it is the file of this gfid, not a
    /// link file to it.
    /// </summary>
    public static ReadOnlySpan<byte> UnlinkOnlyGfid => "myrmex.unlink-only-if-gfid"u8;

    public static ReadOnlySpan<byte> DontUnlinkOpen => "dont-unlink-for-open-fd"u8;

    public static ReadOnlySpan<byte> GetLinkCount => "get-link-count"u8;

    public static ReadOnlySpan<byte> LayoutHealDomain => "dht.layout.heal"u8;

    public static ReadOnlySpan<byte> EntryDomain => "dht.entry.sync"u8;

    public static ReadOnlySpan<byte> MigrateDomain => "dht.file.migrate"u8;

    public static ReadOnlySpan<byte> FixLayout => "distribute.fix.layout"u8;

    /// <summary>The same, as a mount lets it through.</summary>
    public static ReadOnlySpan<byte> TrustedFixLayout => "trusted.distribute.fix.layout"u8;

    public static ReadOnlySpan<byte> MigrateData => "trusted.distribute.migrate-data"u8;

    public static ReadOnlySpan<byte> HashedSubvolume => "dht.file.hashed-subvol."u8;

    public static ReadOnlySpan<byte> SubvolumeStatus => "dht.subvol.status"u8;

    public static ReadOnlySpan<byte> PathInfo => "trusted.glusterfs.pathinfo"u8;

    public static ReadOnlySpan<byte> UserPathInfo => "glusterfs.pathinfo"u8;

    public static ReadOnlySpan<byte> NodeUuid => "trusted.glusterfs.node-uuid"u8;

    public static ReadOnlySpan<byte> ListNodeUuids => "trusted.glusterfs.list-node-uuids"u8;
}
