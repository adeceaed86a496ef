using System;
using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Cluster.JournalClient;

/// <summary>The options of cluster/journal-client.</summary>
internal static class ClientOptions
{
    /// <summary>Most members of a replica set.</summary>
    public const int MembersMax = 16;

    public const string Members = "members";
    public const string ElectionWait = "election-wait";
    public const string Acknowledge = "acknowledge";
    public const string LockGrace = "lock-grace";
    public const string Near = "near";
    public const string Readers = "readers";
    public const string ReadSize = "read-size";

    public static IReadOnlyList<OptionDeclaration> Table { get; } =
    [
        new(Members, OptionKind.Text, "",
            "Member numbers of the subvolumes in their order, separated by commas; 0, 1, 2 and so on when empty."),
        new(ElectionWait, OptionKind.Time, "30",
            "Seconds that a fop waits for a leader, from its first trouble on, before it answers ENOTCONN.")
        { Live = true, Minimum = 1, Maximum = 3600 },
        new(Acknowledge, OptionKind.Choice, "disk",
            "memory: changes may be answered before they are on a disk, where the members allow that, and FSYNC is "
            + "sent to the leader. disk: what is answered is on disks; a client's own FSYNC has nothing to add.")
        { Live = true, Choices = ["disk", "memory"] },
        new(Near, OptionKind.Text, "",
            "Member number of the one on the same machine: it is asked for large reads."),
        new(Readers, OptionKind.Text, "",
            "Member numbers, separated by commas, of those that are asked for large reads, each for a part of a file; "
            + "where none is near."),
        new(ReadSize, OptionKind.Size, "32KB",
            "Bytes from which on a read is large; 0: none is, the leader answers all.")
        { Live = true },
        new(LockGrace, OptionKind.Time, "60",
            "Seconds for which the members keep our record locks when the connection to the leader has gone; they may"
            + " keep them for less.")
        { Live = true, Minimum = 0, Maximum = 3600 },
    ];

    /// <summary>Changes may be answered from memory.</summary>
    public static bool FromMemory(OptionValues options) =>
        string.Equals(options.Text(Acknowledge), "memory", StringComparison.OrdinalIgnoreCase);

    public static long LockGraceMs(OptionValues options) => options.Time(LockGrace) * 1000;

    /// <summary>How long a fop may wait, in milliseconds.</summary>
    public static long WaitMs(OptionValues options) => options.Time(ElectionWait) * 1000;
}
