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

    /// <summary>Bricks take only TLS, with the three files.</summary>
    public const string ServerSsl = "server.ssl";
    public const string SslOwnCert = "ssl.own-cert";
    public const string SslPrivateKey = "ssl.private-key";
    public const string SslCaList = "ssl.ca-list";

    private const string ClientType = "protocol/client";
    private const string ServerType = "protocol/server";
    private const string DhtType = "cluster/distribute";
    private const string PosixType = "storage/posix";
    private const string LocksType = "features/locks";
    private const string JournalType = "cluster/journal";
    private const string IoStatsType = "debug/io-stats";
    private const string WriteBehindType = "performance/write-behind";
    private const string OpenBehindType = "performance/open-behind";
    private const string QuickReadType = "performance/quick-read";
    private const string MdCacheType = "performance/md-cache";

    private static string[] LogLevels => ["DEBUG", "WARNING", "ERROR", "INFO", "CRITICAL", "NONE", "TRACE"];

    private static VolumeOption[] Table() =>
    [
        // Written into every new volume; the first here is the newest.
        Brick(
            "storage.fips-mode-rchecksum", OptionKind.Boolean, "on", PosixType, "fips-mode-rchecksum",
            "Block checksums for comparing copies use SHA-256.") with { AtCreation = "on" },
        Choice(
            Client(
                "transport.address-family", OptionKind.Choice, "inet", ClientType, "transport.address-family",
                "How clients look up the bricks' hosts: inet for IPv4, inet6 for IPv6."),
            ["inet", "inet6"]) with { AtCreation = "inet" },
        Switch("nfs.disable", "on", "Bricks have no NFS server; export a mount with NFS-Ganesha instead.") with
        {
            AtCreation = "on",
            Effect = OptionEffect.Refused,
        },

        // Who may use the volume.
        Brick(
            AuthAllow, OptionKind.Text, "*", ServerType, "auth.addr.{brick}.allow",
            "Client addresses that may connect: a comma-separated list with * as wildcard, or "
            + "\"/(a|b),/dir(c)\" for sub-directories. Nodes of the pool may always."),
        Brick(
            "auth.reject", OptionKind.Text, null, ServerType, "auth.addr.{brick}.reject",
            "Client addresses that may not connect, whatever auth.allow says."),
        Brick(
            "server.root-squash", OptionKind.Boolean, "off", ServerType, "root-squash",
            "Requests of user 0 are done as server.anonuid and server.anongid."),
        Brick(
            "server.all-squash", OptionKind.Boolean, "off", ServerType, "all-squash",
            "Requests of every user are done as server.anonuid and server.anongid."),
        Range(
            Brick(
                "server.anonuid", OptionKind.Integer, "65534", ServerType, "anonuid",
                "User that squashed requests are done as."),
            0, uint.MaxValue),
        Range(
            Brick(
                "server.anongid", OptionKind.Integer, "65534", ServerType, "anongid",
                "Group that squashed requests are done as."),
            0, uint.MaxValue),
        Range(
            Brick(
                "server.outstanding-rpc-limit", OptionKind.Integer, "64", ServerType, "rpc.outstanding-rpc-limit",
                "Requests of one client that may be under way before the server stops reading from it; 0 for no "
                + "limit."),
            0, 65_536),

        // Encryption.
        Brick(
            ServerSsl, OptionKind.Boolean, "off", ServerType, "transport.socket.ssl-enabled",
            "Bricks take only clients that speak TLS and show a certificate."),
        Client(
            "client.ssl", OptionKind.Boolean, "off", ClientType, "transport.socket.ssl-enabled",
            "Clients speak TLS with bricks."),
        Brick(
            "auth.ssl-allow", OptionKind.Text, null, ServerType, "auth.login.{brick}.ssl-allow",
            "Common names of the certificates that may connect, comma-separated; * or nothing for every valid one."),
        Files(
            SslOwnCert, "/usr/lib/ssl/glusterfs.pem", "transport.socket.ssl-own-cert",
            "File with the own certificate, on servers and on clients."),
        Files(
            SslPrivateKey, "/usr/lib/ssl/glusterfs.key", "transport.socket.ssl-private-key",
            "File with the own key, on servers and on clients."),
        Files(
            SslCaList, "/usr/lib/ssl/glusterfs.ca", "transport.socket.ssl-ca-list",
            "File with the certificates that may sign those of others, on servers and on clients."),

        // Connections.
        Client(
            "client.strict-locks", OptionKind.Boolean, "off", ClientType, "strict-locks",
            "After a reconnect clients do not take their POSIX locks again: files with locks are bad until they are "
            + "closed."),
        Range(
            Client(
                "network.ping-timeout", OptionKind.Time, "42", ClientType, "ping-timeout",
                "Seconds without an answer after which a client takes a server for dead."),
            0, 1013),
        Range(
            Client(
                "network.frame-timeout", OptionKind.Time, "1800", ClientType, "frame-timeout",
                "Seconds after which a request without an answer fails."),
            0, 86_400),

        // Distribution of files.
        Client(
            "cluster.lookup-optimize", OptionKind.Boolean, "on", DhtType, "lookup-optimize",
            "Believe the hashed brick that a file does not exist, when the layout of its directory is "
            + "complete."),
        Choice(
            Client(
                "cluster.lookup-unhashed", OptionKind.Choice, "on", DhtType, "lookup-unhashed",
                "Ask all bricks for a file that its hashed brick does not have; auto only where the layout is "
                + "incomplete."),
            ["auto", "on", "off", "yes", "no", "true", "false", "enable", "disable", "1", "0"]),
        Client(
            "cluster.min-free-disk", OptionKind.Text, "10%", DhtType, "min-free-disk",
            "Free space (percent or size) below which a brick gets no new files.") with { IsPercentOrSize = true },
        Range(
            Client(
                "cluster.min-free-inodes", OptionKind.Percent, "5%", DhtType, "min-free-inodes",
                "Free inodes in percent below which a brick gets no new files."),
            0, 100),
        Client(
            "cluster.readdir-optimize", OptionKind.Boolean, "off", DhtType, "readdir-optimize",
            "Only the first brick lists directories; the others leave them out."),
        Client(
            "cluster.partial-listings", OptionKind.Boolean, "off", DhtType, "partial-listings",
            "Listings leave out what is on bricks that are away without an error, as GlusterFS does."),
        Client(
            "cluster.rsync-hash-regex", OptionKind.Text, null, DhtType, "rsync-hash-regex",
            "Names that match are hashed by their first group, so that a temporary name and the final one are "
            + "on one brick."),
        Client(
            "cluster.extra-hash-regex", OptionKind.Text, null, DhtType, "extra-hash-regex",
            "Like cluster.rsync-hash-regex, for another program."),

        // Performance of clients: switches, then details.
        Switch(WriteBehind, "on",
            "Answer writes at once and send them together; errors show at the next call on the file."),
        Range(
            Client(
                "performance.write-behind-window-size", OptionKind.Size, "1MB", WriteBehindType, "cache-size",
                "Unsent bytes of one file before writers wait. Our own clients take 4MB for replicated volumes and "
                + "behind proxies where this is not set: a write is on two links one after the other."),
            512 << 10, 1 << 30),
        Range(
            Client(
                "performance.aggregate-size", OptionKind.Size, "128KB", WriteBehindType, "aggregate-size",
                "Bytes that small writes are put together to."),
            2 << 10, 64 << 20),
        Client(
            "performance.flush-behind", OptionKind.Boolean, "on", WriteBehindType, "flush-behind",
            "Answer close at once. GlusterFS clients do by default, our own client where this is set to on: an error "
            + "of the last writes is told by the log and by the next operation on the file by the same client."),
        Client(
            "performance.write-behind-trickling-writes", OptionKind.Boolean, "on", WriteBehindType, "trickling-writes",
            "Send what there is whenever nothing is under way."),
        Client(
            "performance.strict-o-direct", OptionKind.Boolean, "off", WriteBehindType, "strict-O_DIRECT",
            "Do not hold back writes of files opened with O_DIRECT."),
        Client(
            "performance.strict-write-ordering", OptionKind.Boolean, "off", WriteBehindType, "strict-write-ordering",
            "Keep the order of writes even where they do not overlap."),
        Client(
            "performance.resync-failed-syncs-after-fsync", OptionKind.Boolean, "off", WriteBehindType,
            "resync-failed-syncs-after-fsync",
            "Keep and retry writes that could not be sent although fsync failed."),
        Switch(OpenBehind, "on",
            "Answer open at once and open on the brick when it is needed."),
        Client(
            "performance.lazy-open", OptionKind.Boolean, "yes", OpenBehindType, "lazy-open",
            "Open on the brick only when an operation needs it."),
        Client(
            "performance.read-after-open", OptionKind.Boolean, "yes", OpenBehindType, "read-after-open",
            "A read that does not come to the end of the file causes the real open."),
        Switch(QuickRead, "on",
            "Fetch small files whole with their first lookup."),
        Range(
            Client(
                "performance.quick-read-cache-size", OptionKind.Size, "128MB", QuickReadType, "cache-size",
                "Memory for small files."),
            0, 32L << 30),
        Range(
            Client(
                "performance.quick-read-cache-timeout", OptionKind.Time, "1", QuickReadType, "cache-timeout",
                "Seconds that a small file is taken from memory."),
            1, 600),
        Range(
            Client(
                "performance.quick-read-max-file-size", OptionKind.Size, "64KB", QuickReadType, "max-file-size",
                "Largest file that is fetched with its lookup."),
            0, 1000 << 10),
        Switch(MdCache, "on",
            "Keep attributes and extended attributes of files for performance.md-cache-timeout seconds."),
        Range(
            Client(
                "performance.md-cache-timeout", OptionKind.Time, "1", MdCacheType, "md-cache-timeout",
                "Seconds that attributes are taken from memory."),
            0, 600),
        Client(
            "performance.cache-invalidation", OptionKind.Boolean, "off", MdCacheType, "cache-invalidation",
            "Drop attributes when a brick says that they changed."),
        Client(
            "performance.cache-samba-metadata", OptionKind.Boolean, "off", MdCacheType, "cache-samba-metadata",
            "Keep the extended attributes that Samba asks for."),
        Client(
            "performance.cache-swift-metadata", OptionKind.Boolean, "off", MdCacheType, "cache-swift-metadata",
            "Keep the extended attributes that Swift asks for."),
        Client(
            "performance.cache-capability-xattrs", OptionKind.Boolean, "on", MdCacheType, "cache-capability-xattrs",
            "Keep security.capability."),
        Client(
            "performance.cache-ima-xattrs", OptionKind.Boolean, "on", MdCacheType, "cache-ima-xattrs",
            "Keep security.ima."),
        Client(
            "performance.xattr-cache-list", OptionKind.Text, null, MdCacheType, "xattr-cache-list",
            "More extended attributes to keep: a comma-separated list."),
        Client(
            "performance.md-cache-statfs", OptionKind.Boolean, "off", MdCacheType, "md-cache-statfs",
            "Keep the answer of statfs too."),

        // Bricks.
        Switch(Ctime, "off",
            "Times of files are given by clients and kept in extended attributes, equal on all bricks."),
        Range(
            Brick(
                "storage.reserve", OptionKind.Percent, "1", PosixType, "reserve",
                "Free space in percent below which a brick takes no more data."),
            0, 100),
        Range(
            Brick(
                "storage.health-check-interval", OptionKind.Integer, "30", PosixType, "health-check-interval",
                "Seconds between two checks that a brick's file system works; 0 for never."),
            0, 86_400),
        Range(
            Brick(
                "storage.owner-uid", OptionKind.Integer, "-1", PosixType, "brick-uid",
                "Owner that the root of the volume gets; -1 to leave it."),
            -1, uint.MaxValue),
        Range(
            Brick(
                "storage.owner-gid", OptionKind.Integer, "-1", PosixType, "brick-gid",
                "Group that the root of the volume gets; -1 to leave it."),
            -1, uint.MaxValue),
        Brick(
            "storage.gfid2path", OptionKind.Boolean, "on", PosixType, "gfid2path",
            "Keep the parents and names of a file in extended attributes."),
        Range(
            Brick(
                "storage.max-hardlinks", OptionKind.Integer, "0", PosixType, "max-hardlinks",
                "Names that one file may have; 0 for what the file system allows."),
            0, 65_535),
        Brick(
            "features.locks-notify-contention", OptionKind.Boolean, "on", LocksType, "notify-contention",
            "Tell the holder of a lock that another client waits for it."),
        Range(
            Brick(
                "features.locks-notify-contention-delay", OptionKind.Time, "5", LocksType, "notify-contention-delay",
                "Least seconds between two such messages about one lock."),
            0, 60),

        // Observation.
        Both(
            "diagnostics.latency-measurement", IoStatsType, "latency-measurement",
            "Measure how long operations take."),
        Both(
            "diagnostics.count-fop-hits", IoStatsType, "count-fop-hits",
            "Count operations."),
        Choice(
            Client(
                "diagnostics.client-log-level", OptionKind.Choice, "INFO", IoStatsType, "log-level",
                "Least severity that clients log."),
            LogLevels),
    ];

    private static VolumeOption Brick(
        string key, OptionKind kind, string? standard, string type, string target, string help) =>
        new(new OptionDeclaration(key, kind, standard, help), [new OptionTarget(GraphSide.Brick, type, target)]);

    private static VolumeOption Client(
        string key, OptionKind kind, string? standard, string type, string target, string help) =>
        new(new OptionDeclaration(key, kind, standard, help), [new OptionTarget(GraphSide.Client, type, target)]);

    private static VolumeOption Both(string key, string type, string target, string help) => new(
        new OptionDeclaration(key, OptionKind.Boolean, "off", help),
        [new OptionTarget(GraphSide.Brick, type, target), new OptionTarget(GraphSide.Client, type, target)]);

    private static VolumeOption Files(string key, string standard, string target, string help) => new(
        new OptionDeclaration(key, OptionKind.Text, standard, help),
        [
            new OptionTarget(GraphSide.Brick, ServerType, target),
            new OptionTarget(GraphSide.Client, ClientType, target),
        ]);

    private static VolumeOption Switch(string key, string standard, string help) =>
        new(new OptionDeclaration(key, OptionKind.Boolean, standard, help), []);

    private static VolumeOption Range(VolumeOption option, double minimum, double maximum) =>
        option with { Declaration = option.Declaration with { Minimum = minimum, Maximum = maximum } };

    private static VolumeOption Choice(VolumeOption option, IReadOnlyList<string> choices) =>
        option with { Declaration = option.Declaration with { Kind = OptionKind.Choice, Choices = choices } };
}
