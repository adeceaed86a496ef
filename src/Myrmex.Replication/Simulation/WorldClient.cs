using System;
using System.Collections.Generic;

namespace Myrmex.Replication.Simulation;

/// <summary>A client with one operation at a time, which it repeats at any member until it knows the outcome.</summary>
internal sealed class WorldClient(int number)
{
    public int Number => number;

    public UInt128 Session { get; set; }

    public ulong Sequence { get; set; }

    public bool HasSession { get; set; }

    /// <summary>The number of the operation under way; answers to others are late.</summary>
    public ulong Operation { get; set; }

    public bool IsBusy { get; set; }

    public bool IsOpening { get; set; }

    /// <summary>The operation is about a lock: taking, releasing, or clearing it, which is a Write of nobody.</summary>
    public bool IsLock { get; set; }

    /// <summary>Locks that the session holds, as far as it knows.</summary>
    public HashSet<uint> Held { get; } = [];

    public HistoryKind Kind { get; set; }

    public uint Key { get; set; }

    public ulong Value { get; set; }

    public long InvokedUs { get; set; }

    public int Attempts { get; set; }

    /// <summary>Attempts that may still be under way or were lost: the outcome is open.</summary>
    public int Unanswered { get; set; }

    public bool WasDuplicated { get; set; }

    public int Target { get; set; }
}
