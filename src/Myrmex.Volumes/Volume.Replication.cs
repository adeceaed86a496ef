using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Myrmex.Base;

namespace Myrmex.Volumes;

/// <summary>
/// Replica sets of a volume with journals. Invariants kept by every change: there are as many sets as groups of
/// <see cref="ReplicaCount"/> bricks, in their order; numbers of sets rise and are below <see cref="NextReplicaSet"/>;
/// members of a set have different numbers below its <see cref="ReplicaSet.NextMember"/>, and an incarnation that is
/// not 0.
/// </summary>
public sealed partial record Volume
{
    /// <summary>Before the keys of all replica sets of all volumes in the store of the cluster.</summary>
    public const string ReplicaPrefix = "rs/";

    /// <summary>What keeps copies equal.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ReplicationKind Replication { get; init; }

    /// <summary>One a group of <see cref="ReplicaCount"/> bricks; empty for a volume without journals.</summary>
    public IReadOnlyList<ReplicaSet> ReplicaSets { get; init => field = value ?? []; } = [];

    /// <summary>The number the next replica set gets.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int NextReplicaSet { get; init; }

    [JsonIgnore]
    public bool HasJournals => Replication == ReplicationKind.Journal;

    /// <summary>The keys of all its replica sets in the store of the cluster begin with this.</summary>
    [JsonIgnore]
    public string StorePrefix => $"{ReplicaPrefix}{Id}/";

    /// <summary>The keys of one replica set begin with this.</summary>
    public string StorePrefixOf(ReplicaSet set) =>
        string.Create(CultureInfo.InvariantCulture, $"{StorePrefix}{set.Number}/");

    /// <summary>
    /// Identity of a replica set for its whole life: the first half of SHA-256 over the volume's id and the number of
    /// the set (4 bytes, big endian), with the bits of a UUID of version 8.
    /// </summary>
    public Gfid IdOf(ReplicaSet set)
    {
        const int VersionAt = 6;
        const int VariantAt = 8;
        Span<byte> source = stackalloc byte[Gfid.Size + sizeof(int)];
        Id.Value.ToArray().CopyTo(source);
        BinaryPrimitives.WriteInt32BigEndian(source[Gfid.Size..], set.Number);
        var hash = SHA256.HashData(source);
        hash[VersionAt] = (byte)((hash[VersionAt] & 0x0F) | 0x80);
        hash[VariantAt] = (byte)((hash[VariantAt] & 0x3F) | 0x80);
        return Gfid.FromBytes(hash.AsSpan(0, Gfid.Size));
    }

    /// <summary>
    /// The name that clients give a replica set, ours and GlusterFS' alike: link files on the bricks hold it.
    /// </summary>
    public string NameOf(ReplicaSet set) =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}-replicate-{set.Number}");

    /// <summary>The bricks of the set at a place in <see cref="ReplicaSets"/>.</summary>
    public IReadOnlyList<Brick> MembersAt(int place) => [.. Bricks.Skip(place * ReplicaCount).Take(ReplicaCount)];

    /// <summary>
    /// The brick of a set that should lead it where nobody has said otherwise: from set to set the one whose node is to
    /// lead fewest sets so far, and then the one whose node is in fewest of the sets that follow, so that the nodes
    /// share the work. Never an arbiter. The same for the same bricks.
    /// </summary>
    public Brick PreferredLeaderAt(int place)
    {
        var leads = new Dictionary<NodeId, int>();
        var chances = Bricks.Where((_, i) => !IsArbiterAt(i)).GroupBy(b => b.Node)
            .ToDictionary(g => g.Key, g => g.Count());
        for (var at = 0; ; at++)
        {
            var members = MembersAt(at).SkipLast(ArbiterCount).ToList();
            foreach (var member in members)
            {
                chances[member.Node]--;
            }

            var first = at % members.Count; // Among equals from set to set another one.
            var leader = Enumerable.Range(0, members.Count).Select(i => members[(first + i) % members.Count])
                .MinBy(b => (leads.GetValueOrDefault(b.Node), chances[b.Node]))!; // A set has members.
            if (at == place)
            {
                return leader;
            }

            leads[leader.Node] = leads.GetValueOrDefault(leader.Node) + 1;
        }
    }

    /// <summary>
    /// The node that should lead everything: of a volume with one replica set. Null for all others.
    /// </summary>
    public NodeId? LeadingNode => HasJournals && ReplicaSets.Count == 1 ? PreferredLeaderAt(0).Node : null;

    /// <summary>
    /// The nodes that have everything and may be asked for it: of a volume with one replica set. None for all others.
    /// </summary>
    public IEnumerable<NodeId> ReadingNodes =>
        LeadingNode is null ? [] : VolumeOptions.ReadersAt(this, 0).Select(b => b.Node).Distinct();

    /// <summary>The place in <see cref="ReplicaSets"/> of the set that a brick is in; only with journals.</summary>
    public int SetPlaceOf(Brick brick) => IndexOf(brick) / ReplicaCount;

    /// <summary>
    /// The volume with replica sets of the bricks behind those that are in one already. Every new member gets a number
    /// and an incarnation. Nothing changes where there are no journals.
    /// </summary>
    /// <param name="newIncarnation">Random numbers.</param>
    public Volume FormReplicaSets(Func<ulong> newIncarnation)
    {
        if (!HasJournals)
        {
            return this;
        }

        var bricks = Bricks.ToArray();
        var sets = ReplicaSets.ToList();
        var next = NextReplicaSet;
        for (var at = sets.Count * ReplicaCount; at < bricks.Length; at += ReplicaCount)
        {
            for (var member = 0; member < ReplicaCount; member++)
            {
                bricks[at + member] = AsMember(bricks[at + member], member, newIncarnation);
            }

            sets.Add(new ReplicaSet(next++, NextMember: ReplicaCount));
        }

        return this with { Bricks = bricks, ReplicaSets = sets, NextReplicaSet = next };
    }

    /// <summary>
    /// The volume with another brick in the place of one of its own: the next brick index and the next member number of
    /// the set are its own, and so is a new incarnation, because its disk has nothing of what the other one promised.
    /// The other bricks of the set keep what they are. Throws <see cref="ArgumentException"/> without journals, and
    /// when the set has given out <see cref="ReplicaSet.MemberMax"/>.
    /// </summary>
    /// <param name="index">Of the brick that goes.</param>
    /// <param name="replacement">Host, path and node of the one that comes.</param>
    /// <param name="newIncarnation">Random numbers.</param>
    public Volume ReplaceBrick(int index, Brick replacement, Func<ulong> newIncarnation)
    {
        var at = Bricks.ToList().FindIndex(b => b.Index == index);
        if (!HasJournals || at < 0)
        {
            throw new ArgumentException($"{Name}-client-{index} is not a member of a replica set", nameof(index));
        }

        var bricks = Bricks.ToArray();
        var sets = ReplicaSets.ToArray();
        var place = at / ReplicaCount;
        var member = sets[place].NextMember;
        if (member > ReplicaSet.MemberMax)
        {
            throw new ArgumentException("the set has used up its member numbers", nameof(index));
        }

        bricks[at] = AsMember(replacement, member, newIncarnation) with
        {
            Index = NextBrickIndex,
            Decommissioned = bricks[at].Decommissioned,
            IsReset = false,
        };
        sets[place] = sets[place] with { NextMember = member + 1 };
        return this with
        {
            Bricks = bricks,
            ReplicaSets = sets,
            NextBrickIndex = NextBrickIndex + 1,
            Version = Version + 1,
        };
    }

    private Brick AsMember(Brick brick, int member, Func<ulong> newIncarnation)
    {
        var incarnation = NonZero(newIncarnation);
        return brick with { Member = member, Incarnation = incarnation, Journal = OwnJournal(incarnation) };
    }

    /// <summary>A name of its own for each journal: several volumes, and one after the other, share a disk.</summary>
    private string? OwnJournal(ulong incarnation) =>
        VolumeOptions.Effective(this, VolumeOptions.JournalDirectory) is { Length: > 0 } directory
            ? string.Create(CultureInfo.InvariantCulture, $"{directory}/{Name}.{incarnation:x16}") : null;

    /// <summary>
    /// The volume with the bricks of these indices out of service, or (<paramref name="isReset"/> false) in service
    /// again.
    /// </summary>
    public Volume Reset(IReadOnlyCollection<int> indices, bool isReset) => this with
    {
        Bricks = [.. Bricks.Select(b => indices.Contains(b.Index) ? b with { IsReset = isReset } : b)],
        Version = Version + 1,
    };

    private static ulong NonZero(Func<ulong> random)
    {
        ulong number;
        do
        {
            number = random();
        }
        while (number == 0);

        return number;
    }
}
