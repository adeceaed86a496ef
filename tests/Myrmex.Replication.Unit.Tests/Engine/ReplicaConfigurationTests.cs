using System;
using System.Linq;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

public sealed class ReplicaConfigurationTests
{
    [Theory]
    [InlineData(3, 2, 1, false)]
    [InlineData(4, 2, 2, false)]
    [InlineData(3, 2, 2, true)]
    [InlineData(3, 3, 1, true)]
    [InlineData(2, 2, 1, true)]
    [InlineData(5, 4, 2, true)]
    [InlineData(3, 0, 3, false)]
    [InlineData(3, 4, 1, false)]
    public void QuorumsThatDoNotMeetAreRefused(int members, int write, int election, bool isGood)
    {
        var configuration = Make(members) with { WriteQuorum = write, ElectionQuorum = election };
        Assert.Equal(isGood, configuration.Problem() is null);
        Assert.Equal(isGood, ReplicaConfiguration.Decode(configuration.Encode()) is not null);
    }

    [Fact]
    public void AConfigurationWithAChangeComesBackFromItsBytes()
    {
        var configuration = Make(3) with { Pending = Make(4) with { Epoch = 2 } };
        var bytes = configuration.Encode();
        var back = ReplicaConfiguration.Decode(bytes)!;
        Assert.Equal(bytes, back.Encode());
        Assert.Equal("host3", back.Find(new MemberId(3))!.Address);
        Assert.Equal(new MemberSet(0b1111), back.AllMembers);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Null(ReplicaConfiguration.Decode(bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void WhileMembersChangeBothQuorumsDecide()
    {
        // Members 0, 1, 2 become 2, 3, 4.
        var next = ReplicaConfiguration.Majority([.. Make(5).Members.Skip(2)]) with { Epoch = 2 };
        var configuration = Make(3) with { Pending = next };
        Assert.Null(configuration.Problem());
        Assert.False(configuration.IsWriteQuorum(new MemberSet(0b00011)));
        Assert.False(configuration.IsElectionQuorum(new MemberSet(0b11100)));
        Assert.True(configuration.IsWriteQuorum(new MemberSet(0b01110)));
        ulong[] reached = new ulong[64];
        new ulong[] { 9, 8, 7, 6, 1 }.CopyTo(reached, 0);
        Assert.Equal(6UL, configuration.WriteQuorumReached(reached)); // 8 by the old members, 6 by the new ones.
    }

    [Fact]
    public void AMemberWithAnEmptyDiskNeedsANumberOfItsOwn()
    {
        var members = Make(3).Members.ToList();
        members[1] = members[1] with { Incarnation = 77 };
        Assert.NotNull((Make(3) with { Pending = ReplicaConfiguration.Majority(members) with { Epoch = 2 } }).Problem());
    }

    /// <summary>
    /// Sets without a witness keep the bytes that they had; with one, nobody reads it who does not know what it is.
    /// </summary>
    [Fact]
    public void TheRoleOfAMemberComesBackFromItsBytes()
    {
        var plain = Make(3);
        Assert.Equal(1, plain.Encode()[0]);
        var configuration = WithWitness(3) with { Pending = WithWitness(4, 2) with { Epoch = 2 } };
        Assert.Null(configuration.Problem());
        var bytes = configuration.Encode();
        Assert.Equal(2, bytes[0]);
        var back = ReplicaConfiguration.Decode(bytes)!;
        Assert.Equal(bytes, back.Encode());
        Assert.Equal((0b100ul, 0b100ul), (back.Witnesses.Bits, back.Pending!.Witnesses.Bits));
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Null(ReplicaConfiguration.Decode(bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void WhatIsAnsweredIsWhereAStoreIs()
    {
        Assert.Null(WithWitness(3).Problem());
        Assert.NotNull(WithWitness(3, 1, 2).Problem()); // Two witnesses are a write quorum.
        Assert.Null((WithWitness(3, 1, 2) with { WriteQuorum = 3, ElectionQuorum = 1 }).Problem());
        Assert.NotNull((WithWitness(3, 0, 1, 2) with { WriteQuorum = 3, ElectionQuorum = 1 }).Problem());
        Assert.NotNull((WithWitness(3) with { Mode = ReplicaMode.InSync }).Problem());
    }

    [Fact]
    public void AMemberStaysWhatItIs() =>
        Assert.NotNull((Make(3) with { Pending = WithWitness(3) with { Epoch = 2 } }).Problem());

    private static ReplicaConfiguration WithWitness(int members, params int[] witnesses) =>
        ReplicaConfiguration.Majority([.. Make(members).Members.Select(m => m with
        {
            IsWitness = witnesses.Length == 0 ? m.Id.Value == members - 1 : witnesses.Contains(m.Id.Value),
        })]);

    private static ReplicaConfiguration Make(int members) => ReplicaConfiguration.Majority(
        [.. Enumerable.Range(0, members).Select(i => new ReplicaMember(new MemberId((byte)i), (ulong)i + 50, $"host{i}"))]);
}
