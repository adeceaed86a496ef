using System;

namespace Myrmex.Base;

/// <summary>Which extended attributes clients may see and change. The same for every store.</summary>
public static class XattrRules
{
    /// <summary>Longest name, without the NUL. Source: XATTR_NAME_MAX.</summary>
    public const int NameMax = 255;

    /// <summary>Longest value in bytes. Source: XATTR_SIZE_MAX.</summary>
    public const int ValueMax = 65536;

    /// <summary>True for what the store keeps for itself: not listed, and absent when asked for by name.</summary>
    public static bool IsHidden(ReadOnlySpan<byte> name) =>
        name.StartsWith("trusted."u8)
        && (name.SequenceEqual("trusted.gfid"u8)
            || name.SequenceEqual("trusted.glusterfs.volume-id"u8)
            || name.StartsWith("trusted.gfid2path."u8)
            || name.StartsWith("trusted.pgfid."u8));

    /// <summary>
    /// True for what a listing leaves out: the hidden ones, and stored times, which may be asked for by name.
    /// </summary>
    public static bool IsUnlisted(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("trusted.glusterfs.mdata"u8) || IsHidden(name);

    /// <summary>True for a name of one of the four name spaces of Linux.</summary>
    public static bool IsStorable(ReadOnlySpan<byte> name) =>
        name.StartsWith("trusted."u8) || name.StartsWith("user."u8)
        || name.StartsWith("security."u8) || name.StartsWith("system."u8);

    /// <summary>True when a creating fop shall put this pair of its xdata on the new inode.</summary>
    public static bool IsSetAtCreation(ReadOnlySpan<byte> name) =>
        IsStorable(name) && !IsUnlisted(name);

    /// <summary>
    /// What a store answers to a wish to set an attribute: EPERM for what it keeps for itself, ERANGE and E2BIG for too
    /// long names and values, EOPNOTSUPP for other name spaces, EINVAL for a value that is no bytes.
    /// </summary>
    public static Errno CheckSettable(ReadOnlySpan<byte> name, XDataType type, int size) =>
        IsHidden(name) ? Errno.EPERM
        : name.Length > NameMax ? Errno.ERANGE
        : size > ValueMax ? Errno.E2BIG
        : !IsStorable(name) ? Errno.EOPNOTSUPP
        : type is XDataType.Binary or XDataType.String or XDataType.StringOld ? Errno.Ok
        : Errno.EINVAL;

    /// <summary>Shell pattern match with '*' only.</summary>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> name)
    {
        var star = pattern.IndexOf((byte)'*');
        if (star < 0)
        {
            return pattern.SequenceEqual(name);
        }

        if (!name.StartsWith(pattern[..star]))
        {
            return false;
        }

        pattern = pattern[(star + 1)..];
        name = name[star..];
        for (var i = 0; i <= name.Length; i++)
        {
            if (Matches(pattern, name[i..]))
            {
                return true;
            }
        }

        return false;
    }
}
