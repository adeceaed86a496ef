using System;

namespace Myrmex.Cluster.Journal;

/// <summary>Names of xdata pairs and attributes that operations are made from. Spelling of GlusterFS.</summary>
internal static class JournalKeys
{
    public static ReadOnlySpan<byte> GfidRequest => "gfid-req"u8;

    public static ReadOnlySpan<byte> Mdata => "trusted.glusterfs.mdata"u8;

    public static ReadOnlySpan<byte> SetCtimeMdata => "set-ctime-mdata"u8;

    public static ReadOnlySpan<byte> PreopParentKey => "glusterfs.preop.parent.key"u8;

    public static ReadOnlySpan<byte> PreopCheckFailed => "glusterfs.preop.check.failed"u8;

    public static ReadOnlySpan<byte> LinkTo => "trusted.glusterfs.dht.linkto"u8;

    public static ReadOnlySpan<byte> OnlyIfLinkTo => "unlink-only-if-dht-linkto-file"u8;

    public static ReadOnlySpan<byte> OnlyIfGfid => "myrmex.unlink-only-if-gfid"u8;

    public static ReadOnlySpan<byte> NotIfOpen => "dont-unlink-for-open-fd"u8;

    public static ReadOnlySpan<byte> OpenFdCount => "glusterfs.open-fd-count"u8;

    public static ReadOnlySpan<byte> AvoidOverwrite => "glusterfs.avoid.overwrite"u8;

    public static ReadOnlySpan<byte> WriteIsAppend => "glusterfs.write-is-append"u8;

    public static ReadOnlySpan<byte> LinkCount => "get-link-count"u8;

    public static ReadOnlySpan<byte> InternalFop => "glusterfs-internal-fop"u8;

    public static ReadOnlySpan<byte> PreStat => "virt-gf-prestat"u8;

    public static ReadOnlySpan<byte> PostStat => "virt-gf-poststat"u8;

    public static ReadOnlySpan<byte> IattInXattr => "dht-get-iatt-in-xattr"u8;
}
