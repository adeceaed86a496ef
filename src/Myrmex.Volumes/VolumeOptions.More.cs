using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Volumes;

public static partial class VolumeOptions
{
    public const string ServerQuorumType = "cluster.server-quorum-type";

    /// <summary>
    /// Options of GlusterFS that are done otherwise here, or not yet. What only tunes is taken without effect, so that
    /// scripts and option groups work; what changes the meaning of a volume is refused.
    /// </summary>
    private static VolumeOption[] MoreTable() =>
    [
        .. ConnectionTable(),
        .. DistributionTable(),
        .. CopyTable(),
        .. JournalTable(),
        .. CacheTable(),
        .. FeatureTable(),
        .. ProxyTable(),
        .. StorageTable(),
    ];

    private static IEnumerable<VolumeOption> ConnectionTable() =>
    [
        Refused("server.manage-gids", "off", "Bricks look up the groups of callers themselves."),
        Idle("server.gid-timeout", OptionKind.Integer, "300", "Seconds that looked up groups are kept.", 0, 3600),
        Refused("server.allow-insecure", "on", "Bricks take clients from ports above 1023."),
        Idle("server.event-threads", OptionKind.Integer, "2", "Threads for connections of a brick.", 1, 1024),
        Idle("server.dynamic-auth", OptionKind.Boolean, "on", "Apply changes of auth.* to connected clients."),
        Idle("server.tcp-user-timeout", OptionKind.Integer, "42", "Seconds of unanswered data of bricks.", 0, 86_400),
        Idle("server.keepalive-time", OptionKind.Integer, "20", "Seconds of silence before bricks probe.", 0, 86_400),
        Idle("server.keepalive-interval", OptionKind.Integer, "2", "Seconds between probes of bricks.", 0, 86_400),
        Idle("server.keepalive-count", OptionKind.Integer, "9", "Probes of bricks before they give up.", 0, 1000),
        Gluster(
            "client.event-threads", OptionKind.Integer, "2", ClientType, "event-threads",
            "Threads for connections of a client.", 1, 32),
        Gluster(
            "client.tcp-user-timeout", OptionKind.Integer, "0", ClientType, "transport.tcp-user-timeout",
            "Seconds of unanswered data of clients; 0 for the system's.", 0, 1013),
        Gluster(
            "client.keepalive-time", OptionKind.Integer, "20", ClientType, "transport.socket.keepalive-time",
            "Seconds of silence before clients probe.", 0, 86_400),
        Gluster(
            "client.keepalive-interval", OptionKind.Integer, "2", ClientType, "transport.socket.keepalive-interval",
            "Seconds between probes of clients.", 0, 86_400),
        Gluster(
            "client.keepalive-count", OptionKind.Integer, "9", ClientType, "transport.socket.keepalive-count",
            "Probes of clients before they give up.", 0, 1000),
        Choice(
            Gluster(
                "network.remote-dio", OptionKind.Choice, "disable", ClientType, "filter-O_DIRECT",
                "Do not ask bricks for O_DIRECT."),
            BooleanWords),
        Idle("network.inode-lru-limit", OptionKind.Integer, "16384", "Unused inodes a brick keeps.", 0, 1_048_576),
        Idle("ssl.certificate-depth", OptionKind.Integer, "1", "Longest chain of certificates.", 0, 100),
        Refused("ssl.cipher-list", "none", "Ciphers that may be used.", OptionKind.Text),
        Refused("ssl.crl-path", "none", "Directory of revoked certificates.", OptionKind.Text),
    ];

    private static IEnumerable<VolumeOption> DistributionTable() =>
    [
        Idle("cluster.weighted-rebalance", OptionKind.Boolean, "on", "Larger bricks get a larger part of the files."),
        Choice(
            Idle("cluster.rebal-throttle", OptionKind.Choice, "normal", "How hard a rebalance works."),
            ["lazy", "normal", "aggressive"]),
        Refused("cluster.force-migration", "off", "Move files that are open for writing."),
        Refused("cluster.lock-migration", "off", "Move POSIX locks with files."),
        Idle("cluster.rebalance-stats", OptionKind.Boolean, "off", "Log how long each file takes."),
        Refused("cluster.randomize-hash-range-by-gfid", "off", "Spread directories by their identity."),
        Choice(
            new VolumeOption(
                new OptionDeclaration(
                    ServerQuorumType, OptionKind.Choice, "none",
                    "server: bricks serve only while their node hears of enough others "
                    + "(cluster.server-quorum-ratio)."),
                []),
            ["none", "server"]),
    ];

    private static IEnumerable<VolumeOption> CopyTable() =>
    [
        Choice(
            Idle("cluster.quorum-type", OptionKind.Choice, "none", "How many copies must be there."),
            ["none", "auto", "fixed"]),
        Idle("cluster.quorum-count", OptionKind.Integer, null, "Copies that must be there with fixed.", 1, 1024),
        Brick(
            "cluster.lead-return", OptionKind.Boolean, "on", JournalType, "lead-return",
            "After a fail-over the lead of a replica set goes back to the brick that should have it."),
        Range(
            Brick(
                "cluster.lead-return-time", OptionKind.Time, "60", JournalType, "lead-return-time",
                "Seconds that this brick must have been well before."),
            1, 86_400),
        Idle("cluster.quorum-reads", OptionKind.Boolean, "no", "Reads need the quorum too."),
        Idle("cluster.self-heal-daemon", OptionKind.Boolean, "on", "Repair copies in the background."),
        Idle("cluster.data-self-heal", OptionKind.Boolean, "off", "Clients repair content."),
        Idle("cluster.metadata-self-heal", OptionKind.Boolean, "off", "Clients repair attributes."),
        Idle("cluster.entry-self-heal", OptionKind.Boolean, "off", "Clients repair directories."),
        Idle("cluster.heal-timeout", OptionKind.Integer, "600", "Seconds between two looks for repairs.", 5, 86_400),
        Idle("cluster.shd-max-threads", OptionKind.Integer, "1", "Repairs at once.", 1, 64),
        Idle("cluster.shd-wait-qlength", OptionKind.Integer, "1024", "Repairs that wait.", 1, 655_536),
        Choice(
            Idle("cluster.data-self-heal-algorithm", OptionKind.Choice, null, "How content is repaired."),
            ["diff", "full"]),
        Idle("cluster.self-heal-window-size", OptionKind.Integer, "8", "Blocks repaired at once.", 1, 1024),
        Idle("cluster.granular-entry-heal", OptionKind.Boolean, "no", "Remember which names to repair."),
        Choice(
            Idle("cluster.favorite-child-policy", OptionKind.Choice, "none", "Which copy wins a split brain."),
            ["none", "size", "ctime", "mtime", "majority"]),
        Idle("cluster.choose-local", OptionKind.Boolean, "true", "Read from a copy on the same machine."),
        Idle("cluster.read-hash-mode", OptionKind.Integer, "1", "How the copy to read is chosen.", 0, 5),
        Idle("cluster.eager-lock", OptionKind.Boolean, "on", "Keep the lock of a write for the next one."),
        Idle("cluster.post-op-delay-secs", OptionKind.Integer, "1", "Seconds a lock is kept.", 0, 1_073_741_823),
        Idle("cluster.ensure-durability", OptionKind.Boolean, "on", "Make content durable before its accounting."),
        Idle("cluster.consistent-metadata", OptionKind.Boolean, "no", "Attributes from one copy only."),
        Choice(
            Idle("cluster.locking-scheme", OptionKind.Choice, "full", "What a repair locks."),
            ["full", "granular"]),
        Idle("disperse.eager-lock", OptionKind.Boolean, "on", "As cluster.eager-lock, for dispersed volumes."),
        Idle("disperse.eager-lock-timeout", OptionKind.Integer, "1", "Seconds such a lock is kept.", 1, 60),
        Choice(
            Idle("disperse.read-policy", OptionKind.Choice, "gfid-hash", "Which bricks are read."),
            ["round-robin", "gfid-hash"]),
        Idle("disperse.self-heal-window-size", OptionKind.Integer, "32", "Blocks repaired at once.", 1, 1024),
    ];

    private static IEnumerable<VolumeOption> CacheTable() =>
    [
        Idle("performance.read-ahead", OptionKind.Boolean, "off", "Clients read ahead of programs."),
        Idle("performance.readdir-ahead", OptionKind.Boolean, "off", "Clients list ahead of programs."),
        Idle("performance.parallel-readdir", OptionKind.Boolean, "off", "Clients list all bricks at once."),
        Idle("performance.io-cache", OptionKind.Boolean, "off", "Clients keep content."),
        Idle("performance.nl-cache", OptionKind.Boolean, "off", "Clients keep that names do not exist."),
        Idle("performance.nl-cache-timeout", OptionKind.Time, "60", "Seconds that is kept.", 0, 600),
        Idle("performance.client-io-threads", OptionKind.Boolean, "on", "Clients work in threads."),
        Idle("performance.io-thread-count", OptionKind.Integer, "16", "Threads of a brick.", 1, 64),
        Idle("performance.high-prio-threads", OptionKind.Integer, "16", "Threads for lookups.", 1, 64),
        Idle("performance.normal-prio-threads", OptionKind.Integer, "16", "Threads for opens.", 1, 64),
        Idle("performance.low-prio-threads", OptionKind.Integer, "16", "Threads for reads and writes.", 1, 64),
        Idle("performance.least-prio-threads", OptionKind.Integer, "1", "Threads for background work.", 1, 64),
        Idle("performance.cache-size", OptionKind.Size, "32MB", "Memory for content.", 0, 34_359_738_368),
        Brick(
            CacheInvalidation, OptionKind.Boolean, "off", BrickVolfile.UpcallType, "cache-invalidation",
            "Bricks tell clients what others changed, so that they may keep it longer."),
        Range(
            Brick(
                "features.cache-invalidation-timeout", OptionKind.Integer, "60", BrickVolfile.UpcallType,
                "cache-invalidation-timeout", "Seconds that they are told after they have looked."),
            0, int.MaxValue),
        Brick(
            Leases, OptionKind.Boolean, "off", BrickVolfile.LeasesType, "leases",
            "Give leases of files to programs with gfapi, such as NFS-Ganesha for its delegations."),
        Range(
            Brick(
                "features.lease-lock-recall-timeout", OptionKind.Integer, "60", BrickVolfile.LeasesType,
                "lease-lock-recall-timeout",
                "Seconds after which a lease is taken away that was recalled and is not given back."),
            1, 86_400),
    ];

    private static IEnumerable<VolumeOption> FeatureTable() =>
    [
        Refused("features.shard", "off", "Store large files in pieces."),
        Idle("features.shard-block-size", OptionKind.Size, "64MB", "Size of a piece.", 4 << 20, 4L << 40),
        Refused("features.quota", "off", "Limit the space of directories."),
        Refused("features.inode-quota", "off", "Limit the number of files of directories."),
        Idle("features.quota-deem-statfs", OptionKind.Boolean, "off", "Show limits as the size of directories."),
        Refused("features.read-only", "off", "Refuse all changes; mount with -o ro instead."),
        Refused("features.worm", "off", "Refuse changes of what was written."),
        Refused("features.worm-file-level", "off", "The same for single files."),
        Refused("features.trash", "off", "Keep what is removed."),
        Refused("features.uss", "off", "Show snapshots to users."),
        Refused("features.bitrot", "disable", "Sign files and look for damage."),
        Idle("features.scrub-freq", OptionKind.Text, "biweekly", "How often to look for damage."),
        Idle("features.scrub-throttle", OptionKind.Text, "lazy", "How hard to look."),
        Refused("features.selinux", "off", "Keep SELinux labels under a name of their own on bricks."),
        Refused("features.acl", "enable", "Bricks enforce POSIX access control lists."),
        Refused("changelog.changelog", "off", "Bricks write down what changes."),
        Refused("geo-replication.indexing", "off", "Mark what changed since a copy elsewhere."),
        Refused("locks.mandatory-locking", "off", "Locks stop reads and writes of others.", OptionKind.Text),
        Idle("ctime.noatime", OptionKind.Boolean, "on", "Do not keep times of access with features.ctime."),
    ];

    private static IEnumerable<VolumeOption> StorageTable() =>
    [
        Idle("storage.health-check-timeout", OptionKind.Integer, "20", "Seconds such a check may take.", 0, 86_400),
        Refused("storage.build-pgfid", "off", "Keep the parents of files in extended attributes."),
        Idle("storage.linux-aio", OptionKind.Boolean, "off", "Bricks use the kernel's asynchronous files."),
        Idle("storage.linux-io_uring", OptionKind.Boolean, "off", "Bricks use io_uring."),
        Choice(
            Idle("diagnostics.brick-log-level", OptionKind.Choice, "INFO", "Least severity that bricks log."),
            LogLevels),
    ];

    private static string[] BooleanWords =>
        ["on", "off", "yes", "no", "true", "false", "enable", "disable", "1", "0"];

    private static VolumeOption Idle(string key, OptionKind kind, string? standard, string help) =>
        new(new OptionDeclaration(key, kind, standard, help), []) { Effect = OptionEffect.None };

    private static VolumeOption Idle(
        string key, OptionKind kind, string? standard, string help, double minimum, double maximum) =>
        Range(Idle(key, kind, standard, help), minimum, maximum);

    private static VolumeOption Gluster(
        string key, OptionKind kind, string standard, string type, string target, string help) =>
        Client(key, kind, standard, type, target, help) with { Effect = OptionEffect.GlusterClients };

    private static VolumeOption Gluster(
        string key, OptionKind kind, string standard, string type, string target, string help, double minimum,
        double maximum) =>
        Range(Gluster(key, kind, standard, type, target, help), minimum, maximum);

    private static VolumeOption Refused(
        string key, string standard, string help, OptionKind kind = OptionKind.Boolean) =>
        new(new OptionDeclaration(key, kind, standard, help), []) { Effect = OptionEffect.Refused };
}
