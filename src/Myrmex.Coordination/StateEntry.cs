using System;

namespace Myrmex.Coordination;

/// <summary>
/// The store's logical time: every committed transaction that changes something has the next one. 0 is "never".
/// </summary>
public readonly record struct Revision(long Value) : IComparable<Revision>
{
    public static Revision None => default;

    public Revision Next => new(Value + 1);

    public static bool operator <(Revision left, Revision right) => left.Value < right.Value;

    public static bool operator >(Revision left, Revision right) => left.Value > right.Value;

    public static bool operator <=(Revision left, Revision right) => left.Value <= right.Value;

    public static bool operator >=(Revision left, Revision right) => left.Value >= right.Value;

    public int CompareTo(Revision other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Identity of a lease; 0 is "no lease".</summary>
public readonly record struct LeaseId(long Value)
{
    public static LeaseId None => default;
}

/// <summary>A key with its value and its history in numbers.</summary>
/// <param name="Created">Revision that made the key (again, after a delete).</param>
/// <param name="Modified">Revision of the last put; for a delete event, the revision of the delete.</param>
/// <param name="Version">Puts since creation, from 1; 0 in a delete event.</param>
/// <param name="Lease">The key goes when this lease ends; <see cref="LeaseId.None"/> to stay.</param>
public sealed record StateEntry(
    string Key, ReadOnlyMemory<byte> Value, Revision Created, Revision Modified, long Version, LeaseId Lease);
