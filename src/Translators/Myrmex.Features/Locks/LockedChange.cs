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

    /// <summary>It is of the same change, and of another run than the one that has taken it over.</summary>
    public bool IsFormer(in LockedChange by) =>
        Session != 0 && Session == by.Session && Number == by.Number && Run != by.Run;
}
