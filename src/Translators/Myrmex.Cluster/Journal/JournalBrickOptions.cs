using System;
using System.Collections.Generic;
using System.Linq;
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
    public const string WitnessKey = "witness";
    public const string DirectoryKey = "journal-directory";
    public const string StoreDirectoryKey = "store-directory";
    public const string ReadModeKey = "read-mode";
    public const string VolumeKey = "volume-name";
    public const string SetKey = "set-number";
    public const string BrickKey = "brick-name";
    public const string NodeKey = "node-id";
    public const string PreferredKey = "preferred-leader";
    public const string ReturnKey = "lead-return";
    public const string ReturnTimeKey = "lead-return-time";
    public const string SyncIntervalKey = "sync-interval";
    public const string SyncSizeKey = "sync-size";
    public const string LockGraceKey = "lock-grace";
    public const string CopyRateKey = "copy-rate";
    public const string RelaySizeKey = "relay-size";

    private const string MemberSuffix = ".member";

    private readonly Dictionary<MemberId, string> _peerNames = [];

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
        StoreDirectory = place.Options.Text(StoreDirectoryKey) is { Length: > 0 } store ? store : null;
        LockGraceMs = LockGraceMsOf(place.Options);
        ReadsByLease = place.Options.Text(ReadModeKey) == "lease";
        IsWitness = place.Options.Boolean(WitnessKey);
        Links = LinksOf(place, first: IsWitness ? 0 : 1);
        VolumeName = place.Options.Text(VolumeKey);
        SetNumber = place.Options.Text(SetKey);
        BrickName = place.Options.Text(BrickKey);
        NodeName = place.Options.Text(NodeKey);
        Preferred = PreferredOf(place.Options);
        ReturnMs = ReturnMsOf(place.Options);
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
            "The numbers of the members that the subvolumes after the first one lead to, with commas between; of a "
            + "witness all subvolumes do."),
        new(WitnessKey, OptionKind.Boolean, "off",
            "This member keeps the journal only and has no store: it decides with the others who leads and what is "
            + "committed, and never leads."),
        new(DirectoryKey, OptionKind.Text, null, "Where the journal is."),
        new(StoreDirectoryKey, OptionKind.Text, string.Empty,
            "A directory on the disk of the store, when the journal is on another one; empty when both are on one."),
        new(ReadModeKey, OptionKind.Choice, "lease",
            "How a leader knows that it still leads when it answers a read: lease (by what the others have promised for"
            + " the next moment; good while the clocks of the machines run equally fast) or confirm (it asks them).")
            { Choices = ["lease", "confirm"] },
        new(VolumeKey, OptionKind.Text, string.Empty, "Name of the volume, for events."),
        new(SetKey, OptionKind.Text, string.Empty, "Number of the replica set in the volume, for events."),
        new(BrickKey, OptionKind.Text, string.Empty, "Name of the brick, for events."),
        new(NodeKey, OptionKind.Text, string.Empty, "Id of its node, for events."),
        new(PreferredKey, OptionKind.Text, string.Empty,
            "The number of the member that should lead, others being equal and nobody having said otherwise; empty for "
            + "none.")
            { Live = true },
        new(ReturnKey, OptionKind.Boolean, "on", "The lead goes back to the member that should have it.")
            { Live = true },
        new(ReturnTimeKey, OptionKind.Time, "60", "Seconds that it must have been well before.")
            { Live = true, Minimum = 1, Maximum = 86_400 },
        new(SyncIntervalKey, OptionKind.Integer, "100",
            "Milliseconds after which the journal is synced where the set answers from memory.")
            { Live = true, Minimum = 1, Maximum = 10_000 },
        new(SyncSizeKey, OptionKind.Size, "16MB", "Bytes after which it is.")
            { Live = true, Minimum = 1 << 20, Maximum = 256 << 20 },
        new(LockGraceKey, OptionKind.Time, "60",
            "Seconds for which the record locks of a client are kept that is not heard of; then they are revoked.")
            { Live = true, Minimum = 1, Maximum = 3600 },
        new(CopyRateKey, OptionKind.Size, "0",
            "Bytes a second that a copy of the whole store to another member reads and sends at most; 0 for no limit.")
            { Live = true },
        new(RelaySizeKey, OptionKind.Size, "64KB",
            "Changes of together this many bytes leave the leader once for two other members, one of which sends them "
            + "on; 0 for never.")
            { Live = true },
    ];

    /// <summary>How far the journal may be behind on the disk, where the set answers from memory.</summary>
    public static (int Ms, long Bytes) SyncBounds(OptionValues options) =>
        ((int)options.Integer(SyncIntervalKey), options.Size(SyncSizeKey));

    /// <summary>All that differs can be changed in use.</summary>
    public static bool IsLiveChange(OptionValues before, OptionValues after) =>
        before.Given.Keys.Concat(after.Given.Keys).Distinct().All(
            k => Table.FirstOrDefault(o => o.Key == k) is { Live: true }
                || (before.Has(k) && after.Has(k) && before.Text(k) == after.Text(k)));

    public static long CopyRateOf(OptionValues options) => options.Size(CopyRateKey);

    public static long RelaySizeOf(OptionValues options) => options.Size(RelaySizeKey);

    public static long LockGraceMsOf(OptionValues options) => options.Time(LockGraceKey) * 1000;

    /// <summary>Identity of the replica set.</summary>
    public Gfid Id { get; }

    public UInt128 ReplicaSet => new(Id.High, Id.Low);

    public string StorePrefix { get; }

    public MemberId Member { get; }

    /// <summary>Of the journal; null when it is not said.</summary>
    public ulong? Incarnation { get; }

    public string Directory { get; }

    /// <summary>On the disk of the store; null where that is the journal's, too.</summary>
    public string? StoreDirectory { get; }

    /// <summary>It keeps the journal and has no store.</summary>
    public bool IsWitness { get; }

    public bool ReadsByLease { get; }

    /// <summary>The member that should lead where nobody has said otherwise.</summary>
    public MemberId? Preferred { get; }

    /// <summary>How long it must have been well before the lead goes back to it; null for never.</summary>
    public long? ReturnMs { get; }

    /// <summary>Of the volume, for events.</summary>
    public string VolumeName { get; }

    /// <summary>Of the replica set in the volume, for events.</summary>
    public string SetNumber { get; }

    /// <summary>Id of the brick's node, for events.</summary>
    public string NodeName { get; }

    /// <summary>HOST:PATH of the brick, for events.</summary>
    public string BrickName { get; }

    /// <summary>HOST:PATH of the other members as far as their subvolumes say it, for events.</summary>
    public IReadOnlyDictionary<MemberId, string> PeerNames => _peerNames;

    /// <summary>How long a client that is away keeps its locks.</summary>
    public long LockGraceMs { get; }

    /// <summary>The ways to the other members.</summary>
    public IReadOnlyDictionary<MemberId, IPeerLink> Links { get; }

    /// <summary>Null for none, and for what is no number of a member.</summary>
    public static MemberId? PreferredOf(OptionValues options) => NumberOf(options.Text(PreferredKey));

    public static long? ReturnMsOf(OptionValues options) =>
        options.Boolean(ReturnKey) ? options.Time(ReturnTimeKey) * 1_000 : null;

    /// <param name="first">The first subvolume that leads to another member.</param>
    private Dictionary<MemberId, IPeerLink> LinksOf(TranslatorPlace place, int first)
    {
        var numbers = place.Options.Words(PeersKey);
        if (numbers.Length != place.Subvolumes.Count - first)
        {
            throw Bad(
                place, PeersKey, $"names {numbers.Length} members for {place.Subvolumes.Count - first} subvolumes");
        }

        var links = new Dictionary<MemberId, IPeerLink>();
        for (var i = 0; i < numbers.Length; i++)
        {
            var link = place.Subvolumes[i + first] as IPeerLink
                ?? throw Bad(place, PeersKey, $"{place.Subvolumes[i + first].Name} leads to no other member");
            var member = MemberOf(place, PeersKey, numbers[i]);
            if (!links.TryAdd(member, link))
            {
                throw Bad(place, PeersKey, "names a member twice");
            }

            _peerNames[member] = NameOf(place.Subvolumes[i + first].Options);
        }

        return links;
    }

    /// <summary>Of a protocol/client: where it leads to.</summary>
    private static string NameOf(OptionValues options)
    {
        var export = options.Text("remote-subvolume");
        var path = export.EndsWith(MemberSuffix, StringComparison.Ordinal) ? export[..^MemberSuffix.Length] : export;
        return $"{options.Text("remote-host")}:{path}";
    }

    private static MemberId MemberOf(TranslatorPlace place, string key, string text) =>
        NumberOf(text) ?? throw Bad(place, key, $"'{text}' is no number of a member");

    private static MemberId? NumberOf(string text) =>
        byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number <= Limits.MemberIdMax ? new MemberId(number) : null;

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
