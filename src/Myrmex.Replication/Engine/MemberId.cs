using System.Globalization;

namespace Myrmex.Replication.Engine;

/// <summary>The number of a member in its replica set, 0 to <see cref="Limits.MemberIdMax"/>.</summary>
public readonly record struct MemberId(byte Value)
{
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
