using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Features.Outcomes;

/// <summary>One step of a change: under way until <see cref="Done"/> ends, then with its reply.</summary>
internal sealed class Outcome(uint label, byte[]? note)
{
    public uint Label { get; } = label;

    public byte[] Note { get; } = note ?? [];

    /// <summary>Ends when the step has ended, well or not; completed in place, never under a lock.</summary>
    public TaskCompletionSource Done { get; } = new();

    /// <summary>What it answered, not pooled; null while it is under way.</summary>
    public Reply? Reply { get; set; }

    /// <summary>Counted against the limit.</summary>
    public long Bytes { get; set; }
}

/// <summary>What is known of one number of a session.</summary>
internal sealed class ChangeState
{
    /// <summary>The run that has taken it over; 0 for the first one.</summary>
    public uint Run { get; set; }

    /// <summary>In the order in which they began; few.</summary>
    public List<Outcome> Outcomes { get; } = [];

    public bool IsIdle => Run == 0 && Outcomes.Count == 0;
}

/// <summary>A session of a client.</summary>
internal sealed class SessionState
{
    public Dictionary<ulong, ChangeState> Changes { get; } = [];

    /// <summary>The client has all outcomes up to here.</summary>
    public ulong AcknowledgedUpTo { get; set; }

    /// <summary>Up to here there may be changes whose outcome was not remembered for want of room.</summary>
    public ulong IncompleteUpTo { get; set; }

    public int OutcomeCount { get; set; }

    public long UsedNs { get; set; }

    public bool IsEnded { get; set; }
}
