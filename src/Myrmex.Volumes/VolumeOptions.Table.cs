using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Volumes;

public static partial class VolumeOptions
{
    public const string WriteBehind = "performance.write-behind";
    public const string OpenBehind = "performance.open-behind";
    public const string QuickRead = "performance.quick-read";
    public const string MdCache = "performance.stat-prefetch";
    public const string Ctime = "features.ctime";
    public const string AuthAllow = "auth.allow";

    private const string ClientType = "protocol/client";
    private const string ServerType = "protocol/server";
    private const string DhtType = "cluster/distribute";
    private const string PosixType = "storage/posix";
    private const string LocksType = "features/locks";
    private const string IoStatsType = "debug/io-stats";
    private const string WriteBehindType = "performance/write-behind";
    private const string OpenBehindType = "performance/open-behind";
    private const string QuickReadType = "performance/quick-read";
    private const string MdCacheType = "performance/md-cache";

    private static string[] LogLevels => ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NONE"];

    private static VolumeOption[] Table() =>
    [
        // Written into every new volume; the first here is the newest.
        Brick("storage.fips-mode-rchecksum", OptionKind.Boolean, "on", "Block checksums for comparing copies use SHA-256.", PosixType, "fips-mode-rchecksum") with { AtCreation = "on" },
        Choice(Client("transport.address-family", OptionKind.Choice, "inet", "How clients look up the bricks' hosts: inet for IPv4, inet6 for IPv6.", ClientType, "transport.address-family"), ["inet", "inet6"]) with { AtCreation = "inet" },
        Choice(Switch("nfs.disable", "on", "Accepted only as on: bricks have no NFS server; export a mount with NFS-Ganesha instead."), ["on"]) with { AtCreation = "on" },

        // Who may use the volume.
        Brick(AuthAllow, OptionKind.Text, "*", "Client addresses that may connect: a comma-separated list with * as wildcard, or \"/(a|b),/dir(c)\" for sub-directories. Nodes of the pool may always.", ServerType, "auth.addr.{brick}.allow"),
        Brick("auth.reject", OptionKind.Text, null, "Client addresses that may not connect, whatever auth.allow says.", ServerType, "auth.addr.{brick}.reject"),
        Brick("server.root-squash", OptionKind.Boolean, "off", "Requests of user 0 are done as server.anonuid and server.anongid.", ServerType, "root-squash"),
        Brick("server.all-squash", OptionKind.Boolean, "off", "Requests of every user are done as server.anonuid and server.anongid.", ServerType, "all-squash"),
        Range(Brick("server.anonuid", OptionKind.Integer, "65534", "User that squashed requests are done as.", ServerType, "anonuid"), 0, uint.MaxValue),
        Range(Brick("server.anongid", OptionKind.Integer, "65534", "Group that squashed requests are done as.", ServerType, "anongid"), 0, uint.MaxValue),
        Range(Brick("server.outstanding-rpc-limit", OptionKind.Integer, "64", "Requests of one client that may be under way before the server stops reading from it; 0 for no limit.", ServerType, "rpc.outstanding-rpc-limit"), 0, 65_536),

        // Connections.
        Range(Client("network.ping-timeout", OptionKind.Time, "42", "Seconds without an answer after which a client takes a server for dead.", ClientType, "ping-timeout"), 0, 1013),
        Range(Client("network.frame-timeout", OptionKind.Time, "1800", "Seconds after which a request without an answer fails.", ClientType, "frame-timeout"), 0, 86_400),

        // Distribution of files.
        Client("cluster.lookup-optimize", OptionKind.Boolean, "on", "Believe the hashed brick that a file does not exist, when the layout of its directory is complete.", DhtType, "lookup-optimize"),
        Choice(Client("cluster.lookup-unhashed", OptionKind.Choice, "on", "Ask all bricks for a file that its hashed brick does not have; auto only where the layout is incomplete.", DhtType, "lookup-unhashed"), ["auto", "on", "off", "yes", "no", "true", "false", "enable", "disable", "1", "0"]),
        Client("cluster.min-free-disk", OptionKind.Text, "10%", "Free space (percent or size) below which a brick gets no new files.", DhtType, "min-free-disk"),
        Range(Client("cluster.min-free-inodes", OptionKind.Percent, "5%", "Free inodes in percent below which a brick gets no new files.", DhtType, "min-free-inodes"), 0, 100),
        Client("cluster.readdir-optimize", OptionKind.Boolean, "off", "Only the first brick lists directories; the others leave them out.", DhtType, "readdir-optimize"),
        Client("cluster.rsync-hash-regex", OptionKind.Text, null, "Names that match are hashed by their first group, so that a temporary name and the final one are on one brick.", DhtType, "rsync-hash-regex"),
        Client("cluster.extra-hash-regex", OptionKind.Text, null, "Like cluster.rsync-hash-regex, for another program.", DhtType, "extra-hash-regex"),

        // Performance of clients: switches, then details.
        Switch(WriteBehind, "on", "Answer writes at once and send them together; errors show at the next call on the file."),
        Range(Client("performance.write-behind-window-size", OptionKind.Size, "1MB", "Unsent bytes of one file before writers wait.", WriteBehindType, "cache-size"), 512 << 10, 1 << 30),
        Range(Client("performance.aggregate-size", OptionKind.Size, "128KB", "Bytes that small writes are put together to.", WriteBehindType, "aggregate-size"), 2 << 10, 64 << 20),
        Client("performance.flush-behind", OptionKind.Boolean, "on", "Answer close at once.", WriteBehindType, "flush-behind"),
        Client("performance.write-behind-trickling-writes", OptionKind.Boolean, "on", "Send what there is whenever nothing is under way.", WriteBehindType, "trickling-writes"),
        Client("performance.strict-o-direct", OptionKind.Boolean, "off", "Do not hold back writes of files opened with O_DIRECT.", WriteBehindType, "strict-O_DIRECT"),
        Client("performance.strict-write-ordering", OptionKind.Boolean, "off", "Keep the order of writes even where they do not overlap.", WriteBehindType, "strict-write-ordering"),
        Client("performance.resync-failed-syncs-after-fsync", OptionKind.Boolean, "off", "Keep and retry writes that could not be sent although fsync failed.", WriteBehindType, "resync-failed-syncs-after-fsync"),
        Switch(OpenBehind, "on", "Answer open at once and open on the brick when it is needed."),
        Client("performance.lazy-open", OptionKind.Boolean, "yes", "Open on the brick only when an operation needs it.", OpenBehindType, "lazy-open"),
        Client("performance.read-after-open", OptionKind.Boolean, "yes", "Reads wait for the real open.", OpenBehindType, "read-after-open"),
        Switch(QuickRead, "on", "Fetch small files whole with their first lookup."),
        Range(Client("performance.quick-read-cache-size", OptionKind.Size, "128MB", "Memory for small files.", QuickReadType, "cache-size"), 0, 32L << 30),
        Range(Client("performance.quick-read-cache-timeout", OptionKind.Time, "1", "Seconds that a small file is taken from memory.", QuickReadType, "cache-timeout"), 1, 600),
        Switch(MdCache, "on", "Keep attributes and extended attributes of files for performance.md-cache-timeout seconds."),
        Range(Client("performance.md-cache-timeout", OptionKind.Time, "1", "Seconds that attributes are taken from memory.", MdCacheType, "md-cache-timeout"), 0, 600),
        Client("performance.cache-invalidation", OptionKind.Boolean, "off", "Drop attributes when a brick says that they changed.", MdCacheType, "cache-invalidation"),
        Client("performance.cache-samba-metadata", OptionKind.Boolean, "off", "Keep the extended attributes that Samba asks for.", MdCacheType, "cache-samba-metadata"),
        Client("performance.cache-swift-metadata", OptionKind.Boolean, "off", "Keep the extended attributes that Swift asks for.", MdCacheType, "cache-swift-metadata"),
        Client("performance.cache-capability-xattrs", OptionKind.Boolean, "on", "Keep security.capability.", MdCacheType, "cache-capability-xattrs"),
        Client("performance.cache-ima-xattrs", OptionKind.Boolean, "on", "Keep security.ima.", MdCacheType, "cache-ima-xattrs"),
        Client("performance.xattr-cache-list", OptionKind.Text, null, "More extended attributes to keep: a comma-separated list.", MdCacheType, "xattr-cache-list"),
        Client("performance.md-cache-statfs", OptionKind.Boolean, "off", "Keep the answer of statfs too.", MdCacheType, "md-cache-statfs"),

        // Bricks.
        Switch(Ctime, "off", "Times of files are given by clients and kept in extended attributes, equal on all bricks."),
        Range(Brick("storage.reserve", OptionKind.Percent, "1", "Free space in percent below which a brick takes no more data.", PosixType, "reserve"), 0, 100),
        Range(Brick("storage.health-check-interval", OptionKind.Integer, "30", "Seconds between two checks that a brick's file system works; 0 for never.", PosixType, "health-check-interval"), 0, 86_400),
        Range(Brick("storage.owner-uid", OptionKind.Integer, "-1", "Owner that the root of the volume gets; -1 to leave it.", PosixType, "owner-uid"), -1, uint.MaxValue),
        Range(Brick("storage.owner-gid", OptionKind.Integer, "-1", "Group that the root of the volume gets; -1 to leave it.", PosixType, "owner-gid"), -1, uint.MaxValue),
        Brick("storage.gfid2path", OptionKind.Boolean, "on", "Keep the parents and names of a file in extended attributes.", PosixType, "gfid2path"),
        Range(Brick("storage.max-hardlinks", OptionKind.Integer, "0", "Names that one file may have; 0 for what the file system allows.", PosixType, "max-hardlinks"), 0, 65_535),
        Brick("features.locks-notify-contention", OptionKind.Boolean, "on", "Tell the holder of a lock that another client waits for it.", LocksType, "notify-contention"),
        Range(Brick("features.locks-notify-contention-delay", OptionKind.Time, "5", "Least seconds between two such messages about one lock.", LocksType, "notify-contention-delay"), 0, 60),

        // Observation.
        new(new("diagnostics.latency-measurement", OptionKind.Boolean, "off", "Measure how long operations take."), [new(GraphSide.Brick, IoStatsType, "latency-measurement"), new(GraphSide.Client, IoStatsType, "latency-measurement")]),
        new(new("diagnostics.count-fop-hits", OptionKind.Boolean, "off", "Count operations."), [new(GraphSide.Brick, IoStatsType, "count-fop-hits"), new(GraphSide.Client, IoStatsType, "count-fop-hits")]),
        Choice(Brick("diagnostics.brick-log-level", OptionKind.Choice, "INFO", "Least severity that bricks log.", IoStatsType, "log-level"), LogLevels),
        Choice(Client("diagnostics.client-log-level", OptionKind.Choice, "INFO", "Least severity that clients log.", IoStatsType, "log-level"), LogLevels),
    ];

    private static VolumeOption Brick(string key, OptionKind kind, string? standard, string help, string type, string target) =>
        new(new OptionDeclaration(key, kind, standard, help), [new OptionTarget(GraphSide.Brick, type, target)]);

    private static VolumeOption Client(string key, OptionKind kind, string? standard, string help, string type, string target) =>
        new(new OptionDeclaration(key, kind, standard, help), [new OptionTarget(GraphSide.Client, type, target)]);

    private static VolumeOption Switch(string key, string standard, string help) =>
        new(new OptionDeclaration(key, OptionKind.Boolean, standard, help), []);

    private static VolumeOption Range(VolumeOption option, double minimum, double maximum) =>
        option with { Declaration = option.Declaration with { Minimum = minimum, Maximum = maximum } };

    private static VolumeOption Choice(VolumeOption option, IReadOnlyList<string> choices) =>
        option with { Declaration = option.Declaration with { Kind = OptionKind.Choice, Choices = choices } };
}
