namespace Myrmex.Fuse;

/// <summary>When files bypass the page cache.</summary>
public enum DirectIOMode
{
    /// <summary>Files opened with O_DIRECT or O_APPEND.</summary>
    Auto,

    /// <summary>All files.</summary>
    Enable,

    /// <summary>No file; O_DIRECT writes are serialised per file by the kernel.</summary>
    Disable,
}

/// <summary>How a volume is mounted. Times are nanoseconds.</summary>
public sealed record FuseOptions
{
    /// <summary>What /proc/mounts shows as the device.</summary>
    public string Source { get; init; } = "myrmex";

    public string MountPoint { get; init; } = string.Empty;

    /// <summary>The kernel may answer attributes this long without asking. Default as GlusterFS: one second.</summary>
    public long AttributeTimeoutNs { get; init; } = 1_000_000_000;

    /// <summary>The kernel may trust a name this long.</summary>
    public long EntryTimeoutNs { get; init; } = 1_000_000_000;

    /// <summary>The kernel may trust this long that a name is not there; 0 for never.</summary>
    public long NegativeTimeoutNs { get; init; }

    public long GroupTimeoutNs { get; init; } = 5_000_000_000;

    /// <summary>Sends the caller's supplementary groups with fops.</summary>
    public bool ResolveGroups { get; init; } = true;

    public DirectIOMode DirectIO { get; init; } = DirectIOMode.Auto;

    /// <summary>POSIX access control lists: the kernel checks them, the bricks store them.</summary>
    public bool Acl { get; init; }

    public bool ReadOnly { get; init; }

    /// <summary>Requests the kernel may have in the background (read-ahead, asynchronous writes).</summary>
    public int MaxBackground { get; init; } = 64;

    /// <summary>Loops that read requests, each with its own descriptor of the device.</summary>
    public int Loops { get; init; } = 1;

    /// <summary>
    /// Read-ahead of the mount in KiB; the kernel's own limit of 128 costs eight round trips per MiB.
    /// </summary>
    public int ReadAheadKb { get; init; } = 1024;

    /// <summary>Flags of mount(2), besides read-only.</summary>
    public uint MountFlags { get; init; }

    /// <summary>Further options for the mount call (or fusermount3), comma-separated; empty for none.</summary>
    public string ExtraMountOptions { get; init; } = string.Empty;
}
