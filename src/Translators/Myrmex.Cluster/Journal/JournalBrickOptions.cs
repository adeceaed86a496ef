using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>Options of cluster/journal.</summary>
public sealed class JournalBrickOptions
{
    public const string ReplicaSetKey = "replica-set";
    public const string StorePrefixKey = "store-prefix";
    public const string MemberKey = "member";
    public const string IncarnationKey = "incarnation";
    public const string PeersKey = "peers";
    public const string DirectoryKey = "journal-directory";
    public const string ReadModeKey = "read-mode";
    public const string LockGraceKey = "lock-grace";

    /// <summary>Throws <see cref="GraphException"/> for what cannot be used.</summary>
    public JournalBrickOptions(TranslatorPlace place)
    {
        Id = Gfid.TryParse(Encoding.ASCII.GetBytes(Required(place, ReplicaSetKey)), out var set)
            ? set : throw Bad(place, ReplicaSetKey, "is no uuid");
        StorePrefix = Required(place, StorePrefixKey);
        if (!StorePrefix.EndsWith('/'))
        {
            throw Bad(place, StorePrefixKey, "must end with a slash");
        }

        Member = MemberOf(place, MemberKey, Required(place, MemberKey));
        Incarnation = IncarnationOf(place);
        Directory = Required(place, DirectoryKey);
        LockGraceMs = place.Options.Time(LockGraceKey) * 1000;
        ReadsByLease = place.Options.Text(ReadModeKey) == "lease";
        Links = LinksOf(place);
    }

    public static IReadOnlyList<OptionDeclaration> Table { get; } =
    [
        new(ReplicaSetKey, OptionKind.Text, null, "The uuid of the replica set; messages of others are refused."),
        new(StorePrefixKey, OptionKind.Text, null, "Where the set's keys are in the state store of the cluster."),
        new(MemberKey, OptionKind.Integer, null, "The number of this brick in its set.")
            { Minimum = 0, Maximum = Limits.MemberIdMax },
        new(IncarnationKey, OptionKind.Text, null,
            "The number that the brick's journal was formatted with. A brick with another journal does not start."),
        new(PeersKey, OptionKind.Text, string.Empty,
            "The numbers of the members that the subvolumes after the first one lead to, with commas between."),
        new(DirectoryKey, OptionKind.Text, null, "Where the journal is."),
        new(ReadModeKey, OptionKind.Choice, "lease",
            "How a leader knows that it still leads when it answers a read: lease (by what the others have promised for"
            + " the next moment; good while the clocks of the machines run equally fast) or confirm (it asks them).")
            { Choices = ["lease", "confirm"] },
        new(LockGraceKey, OptionKind.Time, "60",
            "Seconds for which the record locks of a client are kept that is not heard of; then they are revoked.")
            { Minimum = 1, Maximum = 3600 },
    ];

    /// <summary>Identity of the replica set.</summary>
    public Gfid Id { get; }

    public UInt128 ReplicaSet => new(Id.High, Id.Low);

    public string StorePrefix { get; }

    public MemberId Member { get; }

    /// <summary>Of the journal; null when it is not said.</summary>
    public ulong? Incarnation { get; }

    public string Directory { get; }

    public bool ReadsByLease { get; }

    /// <summary>How long a client that is away keeps its locks.</summary>
    public long LockGraceMs { get; }

    /// <summary>The ways to the other members.</summary>
    public IReadOnlyDictionary<MemberId, IPeerLink> Links { get; }

    private static Dictionary<MemberId, IPeerLink> LinksOf(TranslatorPlace place)
    {
        var numbers = place.Options.Text(PeersKey).Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (numbers.Length != place.Subvolumes.Count - 1)
        {
            throw Bad(place, PeersKey, $"names {numbers.Length} members for {place.Subvolumes.Count - 1} subvolumes");
        }

        var links = new Dictionary<MemberId, IPeerLink>();
        for (var i = 0; i < numbers.Length; i++)
        {
            var link = place.Subvolumes[i + 1] as IPeerLink
                ?? throw Bad(place, PeersKey, $"{place.Subvolumes[i + 1].Name} leads to no other member");
            if (!links.TryAdd(MemberOf(place, PeersKey, numbers[i]), link))
            {
                throw Bad(place, PeersKey, "names a member twice");
            }
        }

        return links;
    }

    private static MemberId MemberOf(TranslatorPlace place, string key, string text) =>
        byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number <= Limits.MemberIdMax
            ? new MemberId(number) : throw Bad(place, key, $"'{text}' is no number of a member");

    private static ulong? IncarnationOf(TranslatorPlace place) =>
        !place.Options.Given.TryGetValue(IncarnationKey, out var text) ? null
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw Bad(place, IncarnationKey, $"'{text}' is no number");

    private static string Required(TranslatorPlace place, string key) =>
        place.Options.Given.TryGetValue(key, out var value) && value.Length > 0
            ? value : throw Bad(place, key, "is missing");

    private static GraphException Bad(TranslatorPlace place, string key, string problem) =>
        new($"volume {place.Name}: option {key} {problem}");
}
