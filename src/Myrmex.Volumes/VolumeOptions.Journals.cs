using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Myrmex.Graph;

namespace Myrmex.Volumes;

public static partial class VolumeOptions
{
    private const string QuorumType = "cluster.quorum-type";
    private const string QuorumCount = "cluster.quorum-count";
    private const string MaxHardlinks = "storage.max-hardlinks";

    /// <summary>Bricks tell clients what others have changed.</summary>
    internal const string CacheInvalidation = "features.cache-invalidation";

    /// <summary>Bricks give leases of files.</summary>
    internal const string Leases = "features.leases";

    /// <summary>Where a change is when it is answered.</summary>
    public const string Acknowledge = "journal.acknowledge";

    /// <summary>Where the journals of new bricks are.</summary>
    public const string JournalDirectory = "journal.directory";

    private const string CopyRate = "journal.copy-rate";
    private const long CopyRateMin = 4 << 20;
    private const string JournalPrefix = "journal.";
    private const string FromMemory = "memory";

    /// <summary>Of translators: how long record locks of a client are kept that is away.</summary>
    internal const string LockGrace = "lock-grace";

    /// <summary>Of translators: which reads are large.</summary>
    private const string ReadSize = "read-size";

    /// <summary>Changes of the volume are answered when they are in the memory of enough members.</summary>
    public static bool AcknowledgesMemory(Volume volume) =>
        string.Equals(Effective(volume, Acknowledge), FromMemory, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// The members of a replica set that may be asked for large reads; none where they would always send readers to the
    /// leader, and where the leader has to know who looks at what.
    /// </summary>
    public static IReadOnlyList<Brick> ReadersAt(Volume volume, int place) =>
        !AcknowledgesMemory(volume) && !IsOn(volume, CacheInvalidation) && !IsOn(volume, Leases)
            ? [.. volume.MembersAt(place).SkipLast(volume.ArbiterCount)] : [];

    private static IEnumerable<VolumeOption> JournalTable() =>
    [
        Choice(
            new VolumeOption(
                new OptionDeclaration(
                    Acknowledge, OptionKind.Choice, "disk",
                    "With copies kept by a journal, a change is answered when it is on the disks of enough members "
                    + "(disk), or when enough have it in memory that survives their processes (memory): then a loss of "
                    + "power at all of them takes away what was not followed by fsync, from some change on.")
                { Live = true },
                [
                    new OptionTarget(GraphSide.Client, ClientVolfile.JournalClientType, "acknowledge"),
                    new OptionTarget(GraphSide.Brick, ClientVolfile.JournalClientType, "acknowledge"),
                ]),
            ["disk", FromMemory]),
        new VolumeOption(
            new OptionDeclaration(
                "journal.sync-interval", OptionKind.Integer, "100",
                "Milliseconds after which what was answered from memory is brought to the disk, with "
                + "journal.acknowledge memory.") { Live = true, Minimum = 1, Maximum = 10_000 },
            [new OptionTarget(GraphSide.Brick, JournalType, "sync-interval")]),
        new VolumeOption(
            new OptionDeclaration(
                "journal.sync-size", OptionKind.Size, "16MB",
                "Bytes after which what was answered from memory is brought to the disk, with journal.acknowledge "
                + "memory; at most twice as many wait for it.") { Live = true, Minimum = 1 << 20, Maximum = 256 << 20 },
            [new OptionTarget(GraphSide.Brick, JournalType, "sync-size")]),
        new VolumeOption(
            new OptionDeclaration(
                "journal.lock-grace", OptionKind.Integer, "60",
                "Seconds for which record locks of a client are kept that is not heard of, and its open files that "
                + "have no name any more. A client that is back later finds its locks revoked (EBADFD). Less than a "
                + "change of the leader takes would cost locks at each.") { Live = true, Minimum = 10, Maximum = 3600 },
            [
                new OptionTarget(GraphSide.Brick, JournalType, LockGrace),
                new OptionTarget(GraphSide.Brick, ClientVolfile.JournalClientType, LockGrace),
                new OptionTarget(GraphSide.Client, ClientVolfile.JournalClientType, LockGrace),
            ]),
        new VolumeOption(
            new OptionDeclaration(
                JournalDirectory, OptionKind.Text, null,
                "A directory on every node, on a disk of its own, in which the journals of bricks are that are made "
                + "from now on; of those that are there nothing changes. Not set: in the brick, where large data is not "
                + "written twice.") { Live = true },
            []),
        new VolumeOption(
            new OptionDeclaration(
                CopyRate, OptionKind.Size, "0",
                "Bytes a second that a copy reads of the leader's disk and sends, at most, when a member lacks more "
                + "than the journal still has; 4MB at least, or 0 for no limit. What is committed meanwhile must find "
                + "room in the journal: a copy that is too slow for that is given up and begun again.")
            { Live = true },
            [new OptionTarget(GraphSide.Brick, JournalType, "copy-rate")]),
        new VolumeOption(
            new OptionDeclaration(
                "journal.relay-size", OptionKind.Size, "64KB",
                "Changes of together this many bytes leave the leader's machine once for two other members: one sends "
                + "them on to the other, so one stream can fill a link. 0: the leader sends everything to everybody.")
            { Live = true },
            [new OptionTarget(GraphSide.Brick, JournalType, "relay-size")]),
        new VolumeOption(
            new OptionDeclaration(
                "journal.follower-read-size", OptionKind.Size, "32KB",
                "Reads of this many bytes and more are answered by all members that have the data, or by the one on "
                + "the same machine; the leader says as of when they are good, so no reader sees less than was "
                + "answered before. 0: by the leader alone.")
            { Live = true },
            [
                new OptionTarget(GraphSide.Client, ClientVolfile.JournalClientType, ReadSize),
                new OptionTarget(GraphSide.Brick, ClientVolfile.JournalClientType, ReadSize),
                new OptionTarget(GraphSide.Client, ThinVolfile.AhaType, ReadSize),
            ]),
    ];

    /// <summary>
    /// Null when the volume can have the setting, else why not. Besides what <see cref="Problem(string, string)"/>
    /// says, a volume with journals refuses what it cannot honour.
    /// </summary>
    public static string? Problem(Volume volume, string key, string value) =>
        Problem(key, value) ?? CacheProblem(volume, key, value) ?? (volume.HasJournals ? JournalProblem(key, value)
            : key.StartsWith(JournalPrefix, StringComparison.Ordinal)
                ? $"'option {key} {value}' is for volumes whose copies are kept by a journal, and this one has none"
            : null);

    /// <summary>
    /// Bricks do not hear of what a proxy answers from memory, so they would not tell of it clients of GlusterFS that
    /// count on that.
    /// </summary>
    private static string? CacheProblem(Volume volume, string key, string value) => key switch
    {
        ProxyCache when IsOn(volume, CacheInvalidation) && OptionText.TryBoolean(value, out var on) && on =>
            $"'option {key} {value}' cannot be had together with {CacheInvalidation}: bricks tell those who have asked "
            + "them, and a proxy that answers from memory does not ask",
        CacheInvalidation when IsOn(volume, ProxyCache) && OptionText.TryBoolean(value, out var on) && on =>
            $"'option {key} {value}' cannot be had together with {ProxyCache}: bricks tell those who have asked them, "
            + "and a proxy that answers from memory does not ask",
        _ => null,
    };

    private static string? JournalProblem(string key, string value) => key switch
    {
        // Whoever fixes a number counts on it; whoever says auto or none gets what the journal does in any case.
        QuorumType when value == "fixed" => Unfit(
            key, value, "how many copies a change needs follows from their number; leave the option at auto"),
        CacheInvalidation when OptionText.TryBoolean(value, out var tells) && tells => Unfit(
            key, value, "what a client keeps would be old for a moment after a change is answered, and no read of such "
            + "a volume is"),
        JournalDirectory when value[0] != '/' || value.EndsWith('/') || Path.GetFullPath(value) != value =>
            $"'option {key} {value}' must be an absolute path without . and .. and without a slash at its end",
        QuorumCount => Unfit(
            key, value, "how many copies a change needs follows from their number; leave the option out"),
        MaxHardlinks when !long.TryParse(value, CultureInfo.InvariantCulture, out var names) || names != 0 => Unfit(
            key, value, "a brick would refuse what the others have done; leave the option at 0"),
        CopyRate when !OptionText.TrySize(value, out var rate) || rate is > 0 and < CopyRateMin => Unfit(
            key, value, "so slow a copy would be taken for one that hangs; say 4MB or more, or 0 for no limit"),
        _ => null,
    };

    private static string Unfit(string key, string value, string reason) =>
        $"'option {key} {value}' cannot be had on a volume whose copies are kept by a journal: {reason}";
}
