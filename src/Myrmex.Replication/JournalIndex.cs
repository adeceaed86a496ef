using System;

namespace Myrmex.Replication;

/// <summary>The place of an entry in the journal of a replica set, from 1; 0 is before the first entry.</summary>
public readonly record struct JournalIndex(ulong Value) : IComparable<JournalIndex>
{
    /// <summary>Before the first entry.</summary>
    public static JournalIndex None => default;

    public int CompareTo(JournalIndex other) => Value.CompareTo(other.Value);

    public static bool operator <(JournalIndex left, JournalIndex right) => left.Value < right.Value;

    public static bool operator >(JournalIndex left, JournalIndex right) => left.Value > right.Value;

    public static bool operator <=(JournalIndex left, JournalIndex right) => left.Value <= right.Value;

    public static bool operator >=(JournalIndex left, JournalIndex right) => left.Value >= right.Value;

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
