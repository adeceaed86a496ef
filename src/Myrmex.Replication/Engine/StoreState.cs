using System;
using System.Collections.Generic;
using Myrmex.Coordination;

namespace Myrmex.Replication.Engine;

/// <summary>Whose a term is.</summary>
/// <param name="Boot">The start count of the owner: after a restart it does not take up a term it had before.</param>
public readonly record struct TermOwner(Term Term, MemberId Member, ulong Incarnation, ulong Boot)
{
    internal byte[] Encode()
    {
        var builder = new BinaryBuilder();
        builder.UInt64(Term.Value);
        builder.Byte(Member.Value);
        builder.UInt64(Incarnation);
        builder.UInt64(Boot);
        return builder.ToArray();
    }

    internal static TermOwner Decode(ReadOnlySpan<byte> bytes)
    {
        var parser = new BinaryParser(bytes);
        var owner = new TermOwner(
            new Term(parser.UInt64()), new MemberId((byte)(parser.Byte() & Limits.MemberIdMax)), parser.UInt64(),
                parser.UInt64());
        return parser.IsComplete ? owner : default;
    }
}

/// <summary>
/// The keys of one replica set as of one revision of the state store. A key that cannot be read counts as absent,
/// except the configuration: without it no replica campaigns.
/// </summary>
public sealed record StoreState
{
    /// <summary>Names of the keys below the prefix of the set.</summary>
    public const string TermKey = "term";
    public const string LeadKey = "lead";
    public const string InSyncKey = "isr";
    public const string ConfigurationKey = "conf";
    public const string HistoryPrefix = "hist/";

    /// <summary>Written by an administrator's command: the configuration that is wanted.</summary>
    public const string WantedKey = "want";

    /// <summary>Written by an administrator's command: the member that should lead.</summary>
    public const string PreferredKey = "pref";

    public required Revision Revision { get; init; }

    /// <summary>The highest term given out, with its owner.</summary>
    public TermOwner Term { get; init; }

    public Revision TermModified { get; init; }

    /// <summary>Who leads by a lease that runs; null when nobody does.</summary>
    public TermOwner? Lead { get; init; }

    public MemberSet InSync { get; init; }

    public Revision InSyncModified { get; init; }

    public ReplicaConfiguration? Configuration { get; init; }

    public Revision ConfigurationModified { get; init; }

    /// <summary>
    /// The members and quorums that an administrator wants; its epoch means nothing. Whoever leads makes it true.
    /// </summary>
    public ReplicaConfiguration? Wanted { get; init; }

    /// <summary>The member that an administrator wants to lead; null for no wish.</summary>
    public MemberId? Preferred { get; init; }

    /// <summary>The state from the entries of a read of all keys below <paramref name="prefix"/>.</summary>
    public static StoreState From(Revision revision, string prefix, IReadOnlyList<StateEntry> entries)
    {
        var state = new StoreState { Revision = revision };
        foreach (var entry in entries)
        {
            var name = entry.Key.AsSpan(prefix.Length);
            state = name switch
            {
                TermKey => state with { Term = TermOwner.Decode(entry.Value.Span), TermModified = entry.Modified },
                LeadKey => state with { Lead = TermOwner.Decode(entry.Value.Span) },
                InSyncKey => state with { InSync = DecodeSet(entry.Value.Span), InSyncModified = entry.Modified },
                ConfigurationKey => state with
                {
                    Configuration = ReplicaConfiguration.Decode(entry.Value.Span),
                    ConfigurationModified = entry.Modified,
                },
                PreferredKey => state with { Preferred = DecodeMember(entry.Value.Span) },
                WantedKey => state with { Wanted = ReplicaConfiguration.Decode(entry.Value.Span) },
                _ => state,
            };
        }

        return state;
    }

    /// <summary>The value of <see cref="InSyncKey"/>.</summary>
    public static byte[] EncodeSet(MemberSet set)
    {
        var builder = new BinaryBuilder();
        builder.UInt64(set.Bits);
        return builder.ToArray();
    }

    /// <summary>The value of <see cref="PreferredKey"/>.</summary>
    public static byte[] EncodeMember(MemberId member)
    {
        var builder = new BinaryBuilder();
        builder.Byte(member.Value);
        return builder.ToArray();
    }

    private static MemberId? DecodeMember(ReadOnlySpan<byte> bytes)
    {
        var parser = new BinaryParser(bytes);
        var number = parser.Byte();
        return parser.IsComplete && number <= Limits.MemberIdMax ? new MemberId(number) : null;
    }

    private static MemberSet DecodeSet(ReadOnlySpan<byte> bytes)
    {
        var parser = new BinaryParser(bytes);
        var set = new MemberSet(parser.UInt64());
        return parser.IsComplete ? set : MemberSet.Empty;
    }
}
