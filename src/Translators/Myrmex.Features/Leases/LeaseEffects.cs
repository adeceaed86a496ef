using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Features.Leases;

/// <summary>What is to be done outside of the lock of a shard.</summary>
internal struct LeaseEffects
{
    private List<(Gfid Gfid, HeldLease Held)>? _recalled;
    private List<(Gfid Gfid, HeldLease Held)>? _over;
    private List<(LeaseWait Wait, LeaseVerdict Verdict)>? _ended;

    /// <summary>Leases whose holders are to be told.</summary>
    public readonly List<(Gfid Gfid, HeldLease Held)> Recalled => _recalled ?? [];

    /// <summary>Leases that the log is to end.</summary>
    public readonly List<(Gfid Gfid, HeldLease Held)> Over => _over ?? [];

    public readonly List<(LeaseWait Wait, LeaseVerdict Verdict)> Ended => _ended ?? [];

    public readonly bool IsEmpty => _recalled is null && _over is null && _ended is null;

    public void Recall(Gfid gfid, HeldLease held) => (_recalled ??= []).Add((gfid, held));

    public void End(Gfid gfid, HeldLease held) => (_over ??= []).Add((gfid, held));

    public void End(LeaseWait wait, LeaseVerdict verdict) => (_ended ??= []).Add((wait, verdict));
}
