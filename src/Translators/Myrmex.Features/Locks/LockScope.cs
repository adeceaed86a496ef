using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>What a lock of a domain covers: a byte range or a name.</summary>
public interface ILockScope<TSelf>
    where TSelf : struct, ILockScope<TSelf>
{
    /// <summary>True when two holders may not have both.</summary>
    bool Excludes(in TSelf other);

    /// <summary>True when an unlock of <paramref name="other"/> means this lock.</summary>
    bool Matches(in TSelf other);

    /// <summary>A copy that owns its memory.</summary>
    TSelf ToOwned();

    bool IsCoveredBy(in LockClearing clearing);
}

/// <summary>A byte range with the last byte included; INODELK.</summary>
public readonly record struct RangeScope(LockType Type, long Start, long End) : ILockScope<RangeScope>
{
    public bool Excludes(in RangeScope other) =>
        Start <= other.End && other.Start <= End && (Type == LockType.Write || other.Type == LockType.Write);

    /// <summary>An unlock names the exact range; its type does not matter.</summary>
    public bool Matches(in RangeScope other) => Start == other.Start && End == other.End;

    public RangeScope ToOwned() => this;

    public bool IsCoveredBy(in LockClearing clearing) => clearing.Covers(Start, End);
}

/// <summary>
/// A name in a directory, or with the empty name the whole directory; ENTRYLK. The type is not looked at: every entry lock
/// excludes others, as clients take write locks only.
/// </summary>
public readonly record struct NameScope(Name Name) : ILockScope<NameScope>
{
    public bool Excludes(in NameScope other) => Name.IsEmpty || other.Name.IsEmpty || Name == other.Name;

    public bool Matches(in NameScope other) => Name == other.Name;

    public NameScope ToOwned() => new(Name.ToOwned());

    public bool IsCoveredBy(in LockClearing clearing) =>
        clearing.EntryName.IsEmpty || Name == clearing.EntryName;
}
