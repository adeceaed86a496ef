using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>What a leader makes of a fop.</summary>
public sealed class Evaluation
{
    /// <summary>
    /// The fop fails without effect, and the client is told so at once; Ok with no operation: it succeeds without
    /// effect.
    /// </summary>
    public Errno Error { get; init; }

    /// <summary>What to log; null when nothing changes.</summary>
    public JournalOperation? Operation { get; init; }

    /// <summary>The answer of a fop that changes nothing.</summary>
    public RecordedOutcome Outcome { get; init; } = new();

    /// <summary>The data part; the evaluation owns a reference to it.</summary>
    public Payload Data { get; init; }

    /// <summary>CREATE of a name that exists: the file to open instead, by OPEN with the client's flags.</summary>
    public Gfid OpenInstead { get; init; }

    /// <summary>Pairs for the xdata of the reply, numbers.</summary>
    public List<(byte[] Key, long Value)> Answers { get; } = [];

    public static Evaluation Fail(Errno error) => new() { Error = error };

    public static Evaluation Of(JournalOperation operation) => new() { Operation = operation };
}
