using System.Collections.Generic;

namespace Myrmex.Management.Metrics;

/// <summary>All metrics. docs/reference/metrics.md has the same list; a test compares.</summary>
public static class MetricTable
{
    public static readonly MetricDeclaration BuildInfo =
        All("myrmex_build_info", "gauge", "Always 1; the label is the version.", "version");

    public static readonly MetricDeclaration ResidentBytes =
        All("myrmex_process_resident_bytes", "gauge", "Memory of the process that is in RAM.");

    public static readonly MetricDeclaration CpuSeconds =
        All("myrmex_process_cpu_seconds_total", "counter", "Processor time of all threads, user and system.");

    public static readonly MetricDeclaration UptimeSeconds =
        All("myrmex_process_uptime_seconds", "gauge", "Time since the process started.");

    public static readonly MetricDeclaration Threads =
        All("myrmex_process_threads", "gauge", "Threads of the process.");

    public static readonly MetricDeclaration HeapBytes =
        All("myrmex_heap_bytes", "gauge", "Managed objects, live or not yet collected.");

    public static readonly MetricDeclaration HeapCommittedBytes =
        All(
            "myrmex_heap_committed_bytes", "gauge",
            "Memory that the collector had from the system at its last run; 0 before.");

    public static readonly MetricDeclaration Collections =
        All("myrmex_gc_collections_total", "counter", "Garbage collections.", "generation");

    public static readonly MetricDeclaration GcPauseSeconds =
        All("myrmex_gc_pause_seconds_total", "counter", "Time that threads stood still for the garbage collector.");

    public static readonly MetricDeclaration PayloadBytes =
        All("myrmex_payload_bytes", "gauge", "Payload buffers that are rented now.");

    public static readonly MetricDeclaration PayloadLimitBytes =
        All("myrmex_payload_limit_bytes", "gauge", "Above this many rented bytes links stop reading.");

    public static readonly MetricDeclaration BrickClients =
        Brick("myrmex_brick_clients", "gauge", "Attached clients.");

    public static readonly MetricDeclaration BrickOpenFds =
        Brick("myrmex_brick_open_fds", "gauge", "Files and directories that clients have open.");

    public static readonly MetricDeclaration BrickActiveInodes =
        Brick("myrmex_brick_active_inodes", "gauge", "Different inodes among them.");

    public static readonly MetricDeclaration BrickCalls =
        Brick("myrmex_brick_calls", "gauge", "Calls that are under way.");

    public static readonly MetricDeclaration BrickOldestCallSeconds =
        Brick("myrmex_brick_oldest_call_seconds", "gauge", "Age of the oldest of them; waiting locks count.");

    public static readonly MetricDeclaration ReplicaRole = Brick(
        "myrmex_replica_role", "gauge",
        "Always 1; the label is the role of the member: follower, candidate, leader, failed.", "brick,role");

    public static readonly MetricDeclaration ReplicaTerm =
        Brick("myrmex_replica_term", "gauge", "The highest term that the member has promised.");

    public static readonly MetricDeclaration ReplicaCommit =
        Brick("myrmex_replica_commit_index", "gauge", "The last entry that the member knows to be committed.");

    public static readonly MetricDeclaration ReplicaApplied =
        Brick("myrmex_replica_applied_index", "gauge", "The last entry that the files of the brick have.");

    public static readonly MetricDeclaration ReplicaDurable =
        Brick("myrmex_replica_durable_index", "gauge", "The last entry on the disk of the member.");

    public static readonly MetricDeclaration ReplicaJournalStart =
        Brick("myrmex_replica_journal_start_index", "gauge", "The first entry that the journal still has.");

    public static readonly MetricDeclaration ReplicaServes =
        Brick("myrmex_replica_serves", "gauge", "1 while the member leads and takes operations.");

    public static readonly MetricDeclaration ReplicaBehind = Brick(
        "myrmex_replica_behind_entries", "gauge", "Committed entries that the files of the brick do not have yet.");

    public static readonly MetricDeclaration ReplicaRetainedBytes =
        Brick("myrmex_replica_retained_bytes", "gauge", "Bytes of the journal that are in use.");

    public static readonly MetricDeclaration ReplicaJournalBytes =
        Brick("myrmex_replica_journal_bytes", "gauge", "Bytes that the journal may have.");

    public static readonly MetricDeclaration JournalEntries = Brick(
        "myrmex_journal_entries_total", "counter",
        "Entries that the journal has brought to the disk since the brick was started.");

    public static readonly MetricDeclaration JournalBatches = Brick(
        "myrmex_journal_batches_total", "counter", "Writes in which they went there.");

    public static readonly MetricDeclaration JournalPayloadBytes = Brick(
        "myrmex_journal_payload_bytes_total", "counter", "Bytes of those entries: what was changed, and the data.");

    public static readonly MetricDeclaration JournalWrittenBytes = Brick(
        "myrmex_journal_written_bytes_total", "counter",
        "Bytes that the journal gave to the disk for them, with the zeroes of new segments.");

    public static readonly MetricDeclaration JournalSharedBytes = Brick(
        "myrmex_journal_shared_bytes_total", "counter",
        "Bytes of data whose blocks the files of the brick have taken over instead of writing them again.");

    public static readonly MetricDeclaration ReplicaReceivedBytes = Brick(
        "myrmex_replica_received_bytes_total", "counter",
        "Bytes of messages of the other members that came since the brick was started.");

    public static readonly MetricDeclaration ReplicaElidedEntries = Brick(
        "myrmex_replica_elided_entries_total", "counter",
        "Entries that the member has sent, as a leader, without data that later entries overwrite.");

    public static readonly MetricDeclaration ReplicaElidedBytes = Brick(
        "myrmex_replica_elided_bytes_total", "counter", "Bytes of that data.");

    public static readonly MetricDeclaration ReplicaInStep = Brick(
        "myrmex_replica_members_in_step", "gauge",
        "Members that count and keep up with the leader, itself too; of the leader.");

    public static readonly MetricDeclaration ReplicaPreferred =
        Brick("myrmex_replica_preferred", "gauge", "1 on the member that should lead, others being equal.");

    public static readonly MetricDeclaration ReplicaLag = Brick(
        "myrmex_replica_lag_entries", "gauge",
        "Entries that another member is not known to have on disk; of the leader.", "brick,member");

    public static readonly MetricDeclaration ReplicaNeedsCopy = Brick(
        "myrmex_replica_needs_copy", "gauge",
        "1 while the files of the member hold nothing that can be relied on, until it has a copy of another's.");

    public static readonly MetricDeclaration ReplicaCopiedBytes = Brick(
        "myrmex_replica_copied_bytes", "gauge",
        "Bytes of files that a copy has brought to the member; only while it is copied.");

    public static readonly MetricDeclaration ReplicaCopyBytes = Brick(
        "myrmex_replica_copy_bytes", "gauge",
        "About how many bytes of files there are to copy, 0 for unknown; only while it is copied.");

    public static readonly MetricDeclaration ProxyCacheHits = Brick(
        "myrmex_proxy_cache_hits_total", "counter", "Looks that a proxy has answered from memory (proxy.cache).");

    public static readonly MetricDeclaration ProxyCacheMisses = Brick(
        "myrmex_proxy_cache_misses_total", "counter", "Those that it could have, and had to ask bricks for.");

    public static readonly MetricDeclaration ProxyCacheInvalidations = Brick(
        "myrmex_proxy_cache_invalidations_total", "counter", "Inodes that it has dropped because they changed.");

    public static readonly MetricDeclaration ProxyCacheBytes = Brick(
        "myrmex_proxy_cache_bytes", "gauge", "Memory of what it keeps.");

    public static readonly MetricDeclaration OpenFiles = Stats(
        "myrmex_open_files", "gauge", "Open files below debug/io-stats.");

    public static readonly MetricDeclaration Counting = Stats(
        "myrmex_counting", "gauge", "1 while fops are counted (profile, count-fop-hits or latency-measurement).");

    public static readonly MetricDeclaration Fops = Stats(
        "myrmex_fops_total", "counter", "Fops that have ended; only while counting.", "graph,fop");

    public static readonly MetricDeclaration FopErrors = Stats(
        "myrmex_fop_errors_total", "counter", "Those that failed.", "graph,fop");

    public static readonly MetricDeclaration FopLatency = Stats(
        "myrmex_fop_latency_seconds", "summary", "Sum and count of measured latencies.", "graph,fop");

    public static readonly MetricDeclaration ReadBytes = Stats(
        "myrmex_read_bytes_total", "counter", "Bytes that reads have answered; only while counting.");

    public static readonly MetricDeclaration WrittenBytes = Stats(
        "myrmex_written_bytes_total", "counter", "Bytes of successful writes; only while counting.");

    public static readonly MetricDeclaration FuseRequests = new(
        "myrmex_fuse_requests_total", "counter", "Requests of the kernel.", "opcode", "mount");

    public static readonly MetricDeclaration FuseLocalGetattrs = new(
        "myrmex_fuse_local_getattrs_total", "counter", "GETATTRs that needed no fop.", string.Empty, "mount");

    public static readonly MetricDeclaration Volumes = new(
        "myrmex_volumes", "gauge", "Volumes by state.", "status", "daemon");

    public static readonly MetricDeclaration Bricks = new(
        "myrmex_bricks", "gauge", "Bricks that this node should serve, and those that are online.", "state", "daemon");

    public static readonly MetricDeclaration Proxies = new(
        "myrmex_proxy_volumes", "gauge", "Volumes that the proxy of this node should serve, and those that it serves.",
        "state", "daemon");

    public static readonly MetricDeclaration Nodes = new(
        "myrmex_nodes", "gauge", "Nodes of the cluster, this one included.", "state", "daemon");

    /// <summary>In the order in which they are written.</summary>
    public static IReadOnlyList<MetricDeclaration> Everything { get; } =
    [
        BuildInfo, ResidentBytes, CpuSeconds, UptimeSeconds, Threads, HeapBytes, HeapCommittedBytes, Collections,
        GcPauseSeconds, PayloadBytes, PayloadLimitBytes, BrickClients, BrickOpenFds, BrickActiveInodes, BrickCalls,
        BrickOldestCallSeconds, ReplicaRole, ReplicaTerm, ReplicaCommit, ReplicaApplied, ReplicaDurable,
        ReplicaJournalStart, ReplicaServes, ReplicaBehind, ReplicaRetainedBytes, ReplicaJournalBytes,
        JournalEntries, JournalBatches, JournalPayloadBytes, JournalWrittenBytes, JournalSharedBytes,
        ReplicaReceivedBytes, ReplicaElidedEntries, ReplicaElidedBytes, ReplicaInStep, ReplicaPreferred, ReplicaLag,
        ReplicaNeedsCopy, ReplicaCopiedBytes, ReplicaCopyBytes, ProxyCacheHits, ProxyCacheMisses,
        ProxyCacheInvalidations, ProxyCacheBytes, OpenFiles, Counting, Fops, FopErrors,
        FopLatency, ReadBytes, WrittenBytes, FuseRequests, FuseLocalGetattrs, Volumes, Bricks, Proxies, Nodes,
    ];

    private static MetricDeclaration All(string name, string type, string help, string labels = "") =>
        new(name, type, help, labels, "all");

    private static MetricDeclaration Brick(string name, string type, string help, string labels = "brick") =>
        new(name, type, help, labels, "brick");

    private static MetricDeclaration Stats(string name, string type, string help, string labels = "graph") =>
        new(name, type, help, labels, "brick,mount");
}
