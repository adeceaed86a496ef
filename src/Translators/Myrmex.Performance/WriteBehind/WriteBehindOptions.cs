using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Performance;

/// <summary>Options of performance/write-behind. Source: GlusterFS option names of the volume file.</summary>
internal static class WriteBehindOptions
{
    public const string PassThrough = "pass-through";
    public const string WindowSize = "cache-size";
    public const string AggregateSize = "aggregate-size";
    public const string FlushBehind = "flush-behind";
    public const string HoldTime = "hold-time";

    public static IReadOnlyList<OptionDeclaration> All { get; } =
    [
        new(PassThrough, OptionKind.Boolean, "off", "Let every write go to the subvolume before it is answered.")
        {
            Live = true,
        },
        new(WindowSize, OptionKind.Size, "1MB", "Most bytes of a file that are answered and not yet written.")
        {
            Minimum = 64 << 10,
            Maximum = 1 << 30,
            Live = true,
        },
        new(AggregateSize, OptionKind.Size, "128KB", "Adjacent small writes are joined up to this size.")
        {
            Minimum = 4 << 10,
            Maximum = 1 << 20,
            Live = true,
        },
        new(
            FlushBehind, OptionKind.Boolean, "off",
            "Answer close at once: an error of the last writes is told by the next operation on the file.")
        {
            Live = true,
        },
        new(
            HoldTime, OptionKind.Integer, "5",
            "Milliseconds that the first write of a file waits for others, so that a small file is one write; 0: none.")
        {
            Minimum = 0,
            Maximum = 1000,
            Live = true,
        },
    ];
}

/// <summary>What the options say at one moment.</summary>
internal sealed record WriteBehindSettings(
    bool IsOn, int WindowBytes, int AggregateBytes, bool FlushesBehind, long HoldMs)
{
    public static WriteBehindSettings From(OptionValues options) => new(
        !options.Boolean(WriteBehindOptions.PassThrough),
        (int)options.Size(WriteBehindOptions.WindowSize),
        (int)options.Size(WriteBehindOptions.AggregateSize),
        options.Boolean(WriteBehindOptions.FlushBehind),
        options.Integer(WriteBehindOptions.HoldTime));
}
