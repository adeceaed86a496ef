using System;
using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>Which run of which client's change a lock is taken for; no session for none.</summary>
public readonly record struct LockedChange(UInt128 Session, ulong Number, uint Run)
{
    public static LockedChange Of(XData? xdata) =>
        ChangeRecord.TryRead(xdata, nowNs: 0, out var change)
            ? new(change.Session, change.Number, change.Run)
            : default;

    public bool IsNone => Session == 0;

    /// <summary>It is of the same change, of whichever run.</summary>
    public bool IsSame(in LockedChange other) => !IsNone && Session == other.Session && Number == other.Number;

    /// <summary>It is of the same change, and of another run than the one that has taken it over.</summary>
    public bool IsFormer(in LockedChange by) => IsSame(in by) && Run != by.Run;
}
