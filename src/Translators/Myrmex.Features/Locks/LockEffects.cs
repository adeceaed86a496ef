using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>
/// What has to be done after a step of a lock table, outside its lock: requests to answer and holders to be told. Pooled.
/// </summary>
public sealed class LockEffects
{
    public List<(LockTicket Ticket, Errno Error)> Completed { get; } = [];

    public List<Contention<RangeScope>> ContendedRanges { get; } = [];

    public List<Contention<NameScope>> ContendedNames { get; } = [];

    public List<Contention<TScope>> Contended<TScope>()
        where TScope : struct, ILockScope<TScope> =>
        typeof(TScope) == typeof(RangeScope)
            ? (List<Contention<TScope>>)(object)ContendedRanges
            : (List<Contention<TScope>>)(object)ContendedNames;

    public static LockEffects Rent() => Pool<LockEffects>.Rent();

    public void Complete(LockTicket ticket, Errno error) => Completed.Add((ticket, error));

    public void Release()
    {
        Completed.Clear();
        ContendedRanges.Clear();
        ContendedNames.Clear();
        Pool<LockEffects>.Return(this);
    }
}
