using System;

namespace Myrmex.Storage;

/// <summary>
/// Names of extended attributes on a brick and of xdata pairs that a brick answers. Spelling of GlusterFS.
/// </summary>
internal static class StorageKeys
{
    // On disk.
    public static ReadOnlySpan<byte> Gfid => "trusted.gfid"u8;

    public static ReadOnlySpan<byte> VolumeId => "trusted.glusterfs.volume-id"u8;

    public static ReadOnlySpan<byte> Mdata => "trusted.glusterfs.mdata"u8;

    public static ReadOnlySpan<byte> Gfid2PathPrefix => "trusted.gfid2path."u8;

    public static ReadOnlySpan<byte> ParentCountPrefix => "trusted.pgfid."u8;

    public static ReadOnlySpan<byte> LinkTo => "trusted.glusterfs.dht.linkto"u8;

    // In requests.
    public static ReadOnlySpan<byte> GfidRequest => "gfid-req"u8;

    public static ReadOnlySpan<byte> InternalFop => "glusterfs-internal-fop"u8;

    public static ReadOnlySpan<byte> PreopParentKey => "glusterfs.preop.parent.key"u8;

    public static ReadOnlySpan<byte> PreopCheckFailed => "glusterfs.preop.check.failed"u8;

    public static ReadOnlySpan<byte> Content => "glusterfs.content"u8;

    public static ReadOnlySpan<byte> OpenFdCount => "glusterfs.open-fd-count"u8;

    public static ReadOnlySpan<byte> OpenActiveFdCount => "glusterfs.open-active-fd-count"u8;

    public static ReadOnlySpan<byte> WriteIsAppend => "glusterfs.write-is-append"u8;

    public static ReadOnlySpan<byte> WriteUpdateAtomic => "glusterfs.write-update-atomic"u8;

    public static ReadOnlySpan<byte> AvoidOverwrite => "glusterfs.avoid.overwrite"u8;

    public static ReadOnlySpan<byte> ListXattr => "list-xattr"u8;

    public static ReadOnlySpan<byte> LinkCount => "get-link-count"u8;

    public static ReadOnlySpan<byte> OnlyIfLinkTo => "unlink-only-if-dht-linkto-file"u8;

    /// <summary>Of this project: the name must be the file of this gfid, and no link file.</summary>
    public static ReadOnlySpan<byte> OnlyIfGfid => "myrmex.unlink-only-if-gfid"u8;

    public static ReadOnlySpan<byte> NotIfOpen => "dont-unlink-for-open-fd"u8;

    public static ReadOnlySpan<byte> PreStat => "virt-gf-prestat"u8;

    public static ReadOnlySpan<byte> PostStat => "virt-gf-poststat"u8;

    public static ReadOnlySpan<byte> IattInXattr => "dht-get-iatt-in-xattr"u8;

    public static ReadOnlySpan<byte> ModeInXattr => "dht-get-mode-in-xattr"u8;

    public static ReadOnlySpan<byte> SetCtimeMdata => "set-ctime-mdata"u8;

    public static ReadOnlySpan<byte> CheckZeroFilled => "check-zero-filled"u8;

    public static ReadOnlySpan<byte> HasZeroes => "buf-has-zeroes"u8;

    public static ReadOnlySpan<byte> FipsChecksum => "fips-mode-rchecksum"u8;

    public static ReadOnlySpan<byte> FilterDirectories => "readdir-filter-directories"u8;

    // Virtual attributes.
    public static ReadOnlySpan<byte> PathInfo => "trusted.glusterfs.pathinfo"u8;

    public static ReadOnlySpan<byte> PathInfoShort => "glusterfs.pathinfo"u8;

    public static ReadOnlySpan<byte> NodeUuid => "trusted.glusterfs.node-uuid"u8;

    public static ReadOnlySpan<byte> GfidText => "glusterfs.gfid.string"u8;

    public static ReadOnlySpan<byte> GfidBytes => "glusterfs.gfid"u8;

    public static ReadOnlySpan<byte> Gfid2Path => "glusterfs.gfid2path"u8;

    public static ReadOnlySpan<byte> AncestryPath => "glusterfs.ancestry.path"u8;

    public static ReadOnlySpan<byte> RealFileNamePrefix => "glusterfs.get_real_filename:"u8;
}
