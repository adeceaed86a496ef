using System;
using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>Lock counters that a fop may ask for in its xdata. Source: brick xdata vocabulary.</summary>
[Flags]
internal enum LockCounts
{
    None = 0,
    Inodelk = 1,
    InodelkOfDomain = 2,
    Entrylk = 4,
    ParentEntrylk = 8,
    Posix = 16,
    InodelkOfDomains = 32,
}

/// <summary>Keys of the counters, as on the wire.</summary>
internal static class LockCountKeys
{
    public static ReadOnlySpan<byte> Inodelk => "glusterfs.inodelk-count"u8;

    /// <summary>The request's value is the domain; the answer comes under <see cref="Inodelk"/>.</summary>
    public static ReadOnlySpan<byte> InodelkOfDomain => "glusterfs.inodelk-dom-count"u8;

    /// <summary>Followed by the domain; the answer comes under the same key.</summary>
    public static ReadOnlySpan<byte> InodelkOfDomains => "glusterfs.inodelk-dom-prefix:"u8;

    public static ReadOnlySpan<byte> Entrylk => "glusterfs.entrylk-count"u8;

    /// <summary>1 when the looked-up name itself is locked in its directory.</summary>
    public static ReadOnlySpan<byte> ParentEntrylk => "glusterfs.parent-entrylk"u8;

    public static ReadOnlySpan<byte> Posix => "glusterfs.posixlk-count"u8;

    /// <summary>What a request asks for; nearly free when it has no xdata.</summary>
    public static LockCounts Asked(XData? xdata)
    {
        var asked = LockCounts.None;
        if (xdata is null)
        {
            return asked;
        }

        foreach (var pair in xdata)
        {
            asked |= Of(pair.Key);
        }

        return asked;
    }

    private static LockCounts Of(ReadOnlySpan<byte> key)
    {
        if (!key.StartsWith("glusterfs."u8))
        {
            return LockCounts.None;
        }

        return key.SequenceEqual(Inodelk) ? LockCounts.Inodelk
            : key.SequenceEqual(InodelkOfDomain) ? LockCounts.InodelkOfDomain
            : key.SequenceEqual(Entrylk) ? LockCounts.Entrylk
            : key.SequenceEqual(ParentEntrylk) ? LockCounts.ParentEntrylk
            : key.SequenceEqual(Posix) ? LockCounts.Posix
            : key.StartsWith(InodelkOfDomains) ? LockCounts.InodelkOfDomains
            : LockCounts.None;
    }
}
