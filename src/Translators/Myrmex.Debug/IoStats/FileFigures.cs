using Myrmex.Base;

namespace Myrmex.Debug;

/// <summary>What <c>volume top</c> sorts files by.</summary>
public enum TopKind
{
    Open,
    Read,
    Write,
    Opendir,
    Readdir,

    /// <summary>Fastest single read.</summary>
    ReadPerf,

    /// <summary>Fastest single write.</summary>
    WritePerf,
}

/// <summary>What was done with one file since it is known to debug/io-stats.</summary>
public record struct FileFigures
{
    public Gfid Gfid;

    /// <summary>OPEN and CREATE.</summary>
    public long Opens;
    public long Reads;
    public long Writes;
    public long Opendirs;

    /// <summary>READDIR and READDIRP.</summary>
    public long Readdirs;

    /// <summary>Megabytes (10^6) a second of the fastest read; 0 when no latency was measured.</summary>
    public double ReadMBps;

    /// <summary>When that was, nanoseconds since 1970.</summary>
    public long ReadWallNs;
    public double WriteMBps;
    public long WriteWallNs;

    /// <summary>The figure that a list is sorted by.</summary>
    public readonly double Of(TopKind kind) => kind switch
    {
        TopKind.Open => Opens,
        TopKind.Read => Reads,
        TopKind.Write => Writes,
        TopKind.Opendir => Opendirs,
        TopKind.Readdir => Readdirs,
        TopKind.ReadPerf => ReadMBps,
        _ => WriteMBps,
    };

    /// <summary>Whether the file belongs in a list of this kind, be its figure ever so small.</summary>
    public readonly bool Counts(TopKind kind) => kind switch
    {
        TopKind.ReadPerf => ReadWallNs != 0,
        TopKind.WritePerf => WriteWallNs != 0,
        _ => Of(kind) > 0,
    };

    /// <summary>When the fastest read or write was; 0 for the other kinds.</summary>
    public readonly long WallNsOf(TopKind kind) =>
        kind == TopKind.ReadPerf ? ReadWallNs : kind == TopKind.WritePerf ? WriteWallNs : 0;
}
