using System.Collections.Generic;
using Myrmex.Cluster.Sending;
using Myrmex.Graph;

namespace Myrmex.Cluster.Aha;

/// <summary>The options of cluster/aha.</summary>
internal static class AhaOptions
{
    public const string Wait = "wait";
    public const string Local = "local";
    public const string Near = "near";
    public const string Readers = "readers";
    public const string ReadSize = "read-size";

    public static IReadOnlyList<OptionDeclaration> Table { get; } =
    [
        new(Wait, OptionKind.Time, "120",
            "Seconds that a fop waits for a proxy, from its first trouble on, before it answers ETIMEDOUT, or EIO if "
            + "it may have changed something; 0: as long as it takes.")
        { Live = true, Minimum = 0, Maximum = 86_400 },
        new(Local, OptionKind.Text, "",
            "Names of the subvolumes on the client's own machine, separated by commas: they are tried first."),
        new(Near, OptionKind.Text, "",
            "Names of the subvolumes that are tried after those, before all others: what they do crosses the network "
            + "once less. Heeded with the next choice.")
        { Live = true },
        new(Readers, OptionKind.Text, "",
            "Names of the subvolumes that are asked for large reads, each for a part of a file, separated by commas: "
            + "those that have the data on their own machine. Without effect where there is a local one."),
        new(ReadSize, OptionKind.Size, "32KB", "Bytes from which on a read is large; 0: none is.") { Live = true },
    ];

    public static long WaitMs(OptionValues options) =>
        options.Time(Wait) is > 0 and var seconds ? seconds * 1000 : SendingRules.NeverMs;
}
