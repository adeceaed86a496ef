using System;

namespace Myrmex.Replication;

/// <summary>The number of a leadership. Each election gives a higher one; 0 is before the first.</summary>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    /// <summary>Before the first leader.</summary>
    public static Term None => default;

    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    public static bool operator <(Term left, Term right) => left.Value < right.Value;

    public static bool operator >(Term left, Term right) => left.Value > right.Value;

    public static bool operator <=(Term left, Term right) => left.Value <= right.Value;

    public static bool operator >=(Term left, Term right) => left.Value >= right.Value;

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
