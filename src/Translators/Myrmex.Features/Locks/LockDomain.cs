using System;
using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>
/// The name space of an internal lock. Locks of different domains never meet. Metadata locks of a client that also takes
/// whole-file data locks live in a domain of their own, written <c>NAME:metadata</c>.
/// </summary>
public readonly record struct LockDomain
{
    private LockDomain(Name name, bool isMetadata)
    {
        Name = name;
        IsMetadata = isMetadata;
    }

    private static ReadOnlySpan<byte> MetadataSuffix => ":metadata"u8;

    public Name Name { get; }

    public bool IsMetadata { get; }

    /// <summary>Reads a domain as written; borrows the name.</summary>
    public static LockDomain Parse(Name text) =>
        text.Span.EndsWith(MetadataSuffix)
            ? new LockDomain(new Name(text.Memory[..^MetadataSuffix.Length]), isMetadata: true)
            : new LockDomain(text, isMetadata: false);

    /// <summary>The domain of an INODELK: the range that starts one below the last offset moves to the metadata domain.</summary>
    public static LockDomain OfRange(Name text, long start, long length) =>
        start == long.MaxValue - 1 && length == 0 ? new LockDomain(Parse(text).Name, isMetadata: true) : Parse(text);

    /// <summary>True when <paramref name="text"/> is how this domain is written.</summary>
    public bool IsWritten(ReadOnlySpan<byte> text) =>
        IsMetadata
            ? text.EndsWith(MetadataSuffix) && Name.Equals(text[..^MetadataSuffix.Length])
            : Name.Equals(text);

    public LockDomain ToOwned() => new(Name.ToOwned(), IsMetadata);

    public override string ToString() => IsMetadata ? $"{Name}:metadata" : Name.ToString();
}
