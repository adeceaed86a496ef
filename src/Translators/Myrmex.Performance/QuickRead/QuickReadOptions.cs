using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Performance;

/// <summary>Options of performance/quick-read. Source: GlusterFS option names of the volume file.</summary>
internal static class QuickReadOptions
{
    public const string PassThrough = "pass-through";
    public const string CacheSize = "cache-size";
    public const string CacheTimeout = "cache-timeout";
    public const string FileSizeMax = "max-file-size";

    public static IReadOnlyList<OptionDeclaration> All { get; } =
    [
        new(PassThrough, OptionKind.Boolean, "off", "Let every read go to the subvolume.") { Live = true },
        new(CacheSize, OptionKind.Size, "128MB", "Memory for the content of small files.")
        {
            Minimum = 0,
            Maximum = 32L << 30,
            Live = true,
        },
        new(CacheTimeout, OptionKind.Time, "1", "Seconds that content is taken from memory without asking.")
        {
            Minimum = 1,
            Maximum = 600,
            Live = true,
        },
        new(FileSizeMax, OptionKind.Size, "64KB", "Largest file whose content comes with its lookup.")
        {
            Minimum = 0,
            Maximum = 1000 << 10,
            Live = true,
        },
    ];
}

/// <summary>What the options say at one moment.</summary>
internal sealed record QuickReadSettings(bool IsOn, long CacheBytes, long TimeoutNs, int FileBytesMax)
{
    public static QuickReadSettings From(OptionValues options)
    {
        var cacheBytes = options.Size(QuickReadOptions.CacheSize);
        var fileBytes = options.Size(QuickReadOptions.FileSizeMax);
        return new QuickReadSettings(
            !options.Boolean(QuickReadOptions.PassThrough) && cacheBytes > 0 && fileBytes > 0,
            cacheBytes,
            options.Time(QuickReadOptions.CacheTimeout) * 1_000_000_000,
            (int)fileBytes);
    }
}

/// <summary>Bounds of quick-read.</summary>
internal static class QuickReadLimits
{
    /// <summary>
    /// Files that changed while lookups were under way, remembered one by one; beyond it none of those lookups
    /// counts.
    /// </summary>
    public const int ChangedFilesMax = 4096;

    /// <summary>Names of which it is remembered what they stood for.</summary>
    public const int NamesMax = 32768;

    /// <summary>Files of which the directory they were found in is remembered.</summary>
    public const int ParentsMax = 16384;

    /// <summary>Directories with a history.</summary>
    public const int DirectoriesMax = 4096;

    /// <summary>
    /// Contents fetched for files of one directory that nobody opens, before no more are fetched there.
    /// </summary>
    public const int UnopenedPerDirectoryMax = 4;

    /// <summary>Contents fetched that nobody opens, before new directories start without.</summary>
    public const int UnopenedMax = 32;

    /// <summary>
    /// Small files of which it is remembered that a listing has shown them, and nobody has read them since.
    /// </summary>
    public const int ListedMax = 16384;

    /// <summary>Most bytes that listings may bring before any of them is used.</summary>
    public const int AllowanceMax = 4 << 20;

    /// <summary>Most bytes of contents that one listing asks for.</summary>
    public const int ListedBytesMax = 1 << 20;

    /// <summary>With less than this a listing asks for nothing.</summary>
    public const int ListedBytesMin = 8 << 10;

    /// <summary>What a file that is listed and then read allows to bring, times its size.</summary>
    public const int AllowancePerUse = 4;

    /// <summary>What a file costs besides its bytes, in bytes.</summary>
    public const int ListedFileBytes = 512;

    /// <summary>When nothing listed was read for so long, listings bring nothing.</summary>
    public const long AllowanceNs = 10_000_000_000;

    /// <summary>
    /// A file whose times are younger than this when its content is read may change again within the grain of its
    /// times: such content
    /// is not believed again after its timeout, whatever the times say.
    /// </summary>
    public const long SettledNs = 2_000_000_000;
}
