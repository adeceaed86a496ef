using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>
/// Who the members are and how many decide. Kept in the state store; changes only there. While <see cref="Pending"/>
/// is set, every decision needs both the old and the new members.
/// </summary>
public sealed record ReplicaConfiguration
{
    private const byte FormatVersion = 1;

    /// <summary>
    /// Each member has its role. Only where one is a witness: all other sets stay readable as they were.
    /// </summary>
    private const byte FormatVersionRoles = 2;

    private readonly IReadOnlyList<ReplicaMember> _members = [];

    /// <summary>Grows with each change.</summary>
    public required ulong Epoch { get; init; }

    public required ReplicaMode Mode { get; init; }

    public required IReadOnlyList<ReplicaMember> Members
    {
        get => _members;
        init
        {
            _members = value;
            Set = SetOf(value);
            Witnesses = SetOf([.. value.Where(m => m.IsWitness)]);
        }
    }

    /// <summary>Members that must have an entry; in mode Quorum.</summary>
    public int WriteQuorum { get; init; }

    /// <summary>Members that must promise; in mode Quorum.</summary>
    public int ElectionQuorum { get; init; }

    /// <summary>Smallest in-sync set; in mode InSync.</summary>
    public int InSyncMin { get; init; } = 1;

    /// <summary>Entries may be acknowledged from memory.</summary>
    public bool AllowsMemory { get; init; }

    /// <summary>What it becomes, while it changes.</summary>
    public ReplicaConfiguration? Pending { get; init; }

    /// <summary>The members without those to come.</summary>
    public MemberSet Set { get; private init; }

    /// <summary>Those of <see cref="Set"/> that have no main store.</summary>
    public MemberSet Witnesses { get; private init; }

    /// <summary>Of the members and those to come.</summary>
    public MemberSet AllWitnesses => Pending is null ? Witnesses : Witnesses | Pending.Witnesses;

    /// <summary>The members and those to come.</summary>
    public MemberSet AllMembers => Pending is null ? Set : Set | Pending.Set;

    /// <summary>A configuration in mode Quorum with majorities.</summary>
    public static ReplicaConfiguration Majority(IReadOnlyList<ReplicaMember> members) => new()
    {
        Epoch = 1,
        Mode = ReplicaMode.Quorum,
        Members = members,
        WriteQuorum = (members.Count / 2) + 1,
        ElectionQuorum = members.Count - (members.Count / 2),
    };

    public ReplicaMember? Find(MemberId id)
    {
        foreach (var member in Members)
        {
            if (member.Id == id)
            {
                return member;
            }
        }

        return Pending?.Find(id);
    }

    /// <summary>Why it must not be used, or null.</summary>
    public string? Problem()
    {
        if (Members.Count is 0 or > Limits.MembersMax || Set.Count != Members.Count)
        {
            return $"members must be 1 to {Limits.MembersMax} with different numbers";
        }

        if (Members.Any(m => m.Id.Value > Limits.MemberIdMax || m.Address.Length > Limits.AddressLengthMax))
        {
            return "a member has a bad number or address";
        }

        var problem = Mode switch
        {
            ReplicaMode.Quorum when WriteQuorum < 1 || ElectionQuorum < 1 => "quorums must be at least 1",
            ReplicaMode.Quorum when WriteQuorum > Members.Count || ElectionQuorum > Members.Count =>
                "quorums must be at most the number of members",
            ReplicaMode.Quorum when WriteQuorum + ElectionQuorum <= Members.Count =>
                "write and election quorum together must be more than all members",
            ReplicaMode.Quorum when WriteQuorum <= Witnesses.Count =>
                "the write quorum must be more than all witnesses: what is answered has to be where a store is",
            ReplicaMode.InSync when !Witnesses.IsEmpty =>
                "there are no witnesses where an in-sync set decides: the state store is the third party there",
            ReplicaMode.InSync when InSyncMin < 1 || InSyncMin > Members.Count =>
                "the smallest in-sync set must be 1 to all members",
            ReplicaMode.Quorum or ReplicaMode.InSync => null,
            _ => "unknown mode",
        };
        return problem ?? PendingProblem();
    }

    /// <summary>These members commit an entry; in mode Quorum.</summary>
    public bool IsWriteQuorum(MemberSet members) =>
        (members & Set).Count >= WriteQuorum && (Pending is null || Pending.IsWriteQuorum(members));

    /// <summary>These members elect; in mode Quorum.</summary>
    public bool IsElectionQuorum(MemberSet members) =>
        (members & Set).Count >= ElectionQuorum && (Pending is null || Pending.IsElectionQuorum(members));

    /// <summary>No leader can be elected without one of these members; in mode Quorum.</summary>
    public bool IsReadQuorum(MemberSet members) =>
        (members & Set).Count >= Members.Count - ElectionQuorum + 1
            && (Pending is null || Pending.IsReadQuorum(members));

    /// <summary>
    /// The highest value that a write quorum has reached, where <paramref name="reached"/> is by member number.
    /// </summary>
    internal ulong WriteQuorumReached(ReadOnlySpan<ulong> reached)
    {
        var value = Reached(reached, WriteQuorum);
        return Pending is null ? value : Math.Min(value, Pending.WriteQuorumReached(reached));
    }

    /// <summary>The same for the members without which no election is possible.</summary>
    internal long ReadQuorumReached(ReadOnlySpan<ulong> reached)
    {
        var value = (long)Reached(reached, Members.Count - ElectionQuorum + 1);
        return Pending is null ? value : Math.Min(value, Pending.ReadQuorumReached(reached));
    }

    /// <summary>The same members with the same quorums, whatever the epochs; and neither of them changes.</summary>
    public bool IsSameAs(ReplicaConfiguration other) =>
        Pending is null && other.Pending is null
            && (this with { Epoch = 0 }).Encode().AsSpan().SequenceEqual((other with { Epoch = 0 }).Encode());

    public byte[] Encode()
    {
        var builder = new BinaryBuilder();
        var hasRoles = !AllWitnesses.IsEmpty;
        builder.Byte(hasRoles ? FormatVersionRoles : FormatVersion);
        EncodeBody(builder, hasRoles);
        builder.Bool(Pending is not null);
        Pending?.EncodeBody(builder, hasRoles);
        return builder.ToArray();
    }

    /// <summary>Null for bytes that are no valid configuration.</summary>
    public static ReplicaConfiguration? Decode(ReadOnlySpan<byte> bytes)
    {
        var parser = new BinaryParser(bytes);
        var version = parser.Byte();
        parser.Require(version is FormatVersion or FormatVersionRoles);
        var hasRoles = version == FormatVersionRoles;
        var current = DecodeBody(ref parser, hasRoles);
        var pending = parser.Bool() ? DecodeBody(ref parser, hasRoles) : null;
        var configuration = current with { Pending = pending };
        return parser.IsComplete && configuration.Problem() is null ? configuration : null;
    }

    private string? PendingProblem() => Pending switch
    {
        null => null,
        { Pending: not null } => "a change must not hold another change",
        _ when Pending.Epoch <= Epoch => "the epoch must grow",
        _ when Pending.Mode != Mode => "the mode cannot change",
        _ when Members.Any(m => Pending.Members.Any(n => n.Id == m.Id && n.Incarnation != m.Incarnation)) =>
            "a member with an empty disk needs a number of its own",
        _ when Members.Any(m => Pending.Members.Any(n => n.Id == m.Id && n.IsWitness != m.IsWitness)) =>
            "a member stays a witness, or none, for its whole life",
        _ => Pending.Problem(),
    };

    private static ulong Reached(MemberSet set, ReadOnlySpan<ulong> reached, int needed)
    {
        // The needed-th largest value; sets are small, so insertion into a sorted run is the fastest way.
        Span<ulong> top = stackalloc ulong[Limits.MembersMax];
        var count = 0;
        foreach (var member in set)
        {
            var value = reached[member.Value];
            var place = count++;
            while (place > 0 && top[place - 1] < value)
            {
                top[place] = top[place - 1];
                place--;
            }

            top[place] = value;
        }

        Invariant.Check(needed >= 1 && needed <= count);
        return top[needed - 1];
    }

    private ulong Reached(ReadOnlySpan<ulong> reached, int needed) => Reached(Set, reached, needed);

    private static MemberSet SetOf(IReadOnlyList<ReplicaMember> members)
    {
        var set = MemberSet.Empty;
        foreach (var member in members)
        {
            set = set.With(member.Id);
        }

        return set;
    }

    private void EncodeBody(BinaryBuilder builder, bool hasRoles)
    {
        builder.UInt64(Epoch);
        builder.Byte((byte)Mode);
        builder.Byte((byte)WriteQuorum);
        builder.Byte((byte)ElectionQuorum);
        builder.Byte((byte)InSyncMin);
        builder.Bool(AllowsMemory);
        builder.Byte((byte)Members.Count);
        foreach (var member in Members)
        {
            builder.Byte(member.Id.Value);
            builder.UInt64(member.Incarnation);
            builder.Text(member.Address);
            if (hasRoles)
            {
                builder.Bool(member.IsWitness);
            }
        }
    }

    private static ReplicaConfiguration DecodeBody(ref BinaryParser parser, bool hasRoles)
    {
        var epoch = parser.UInt64();
        var mode = (ReplicaMode)parser.Byte();
        int write = parser.Byte(), election = parser.Byte(), min = parser.Byte();
        var memory = parser.Bool();
        int count = parser.Byte();
        parser.Require(count <= Limits.MembersMax);
        var members = new List<ReplicaMember>();
        for (var i = 0; i < count && !parser.Failed; i++)
        {
            var id = parser.Byte();
            parser.Require(id <= Limits.MemberIdMax);
            members.Add(new ReplicaMember(new MemberId((byte)(id & 63)), parser.UInt64(),
                parser.Text(Limits.AddressLengthMax))
            {
                IsWitness = hasRoles && parser.Bool(),
            });
        }

        return new ReplicaConfiguration
        {
            Epoch = epoch,
            Mode = mode,
            Members = members,
            WriteQuorum = write,
            ElectionQuorum = election,
            InSyncMin = min,
            AllowsMemory = memory,
        };
    }
}
