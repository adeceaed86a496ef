using System.Numerics;

namespace Myrmex.Replication.Engine;

/// <summary>A set of members of one replica set.</summary>
/// <param name="Bits">Bit i is the member with number i.</param>
public readonly record struct MemberSet(ulong Bits)
{
    public static MemberSet Empty => default;

    public int Count => BitOperations.PopCount(Bits);

    public bool IsEmpty => Bits == 0;

    /// <summary>The member with the smallest number; not for an empty set.</summary>
    public MemberId First => new((byte)BitOperations.TrailingZeroCount(Bits));

    public static MemberSet operator |(MemberSet left, MemberSet right) => new(left.Bits | right.Bits);

    public static MemberSet operator &(MemberSet left, MemberSet right) => new(left.Bits & right.Bits);

    public static MemberSet Of(MemberId member) => new(1UL << member.Value);

    public bool Contains(MemberId member) => (Bits >> member.Value & 1) != 0;

    public bool ContainsAll(MemberSet other) => (other.Bits & ~Bits) == 0;

    public MemberSet With(MemberId member) => new(Bits | 1UL << member.Value);

    public MemberSet Without(MemberId member) => new(Bits & ~(1UL << member.Value));

    public MemberSet Except(MemberSet other) => new(Bits & ~other.Bits);

    /// <summary>Without an allocation: <c>foreach</c> over the members in order of their numbers.</summary>
    public Enumerator GetEnumerator() => new(Bits);

    public override string ToString()
    {
        var text = "{";
        foreach (var member in this)
        {
            text += (text.Length > 1 ? "," : "") + member;
        }

        return text + "}";
    }

    public struct Enumerator(ulong rest)
    {
        private ulong _rest = rest;

        public MemberId Current { get; private set; }

        public bool MoveNext()
        {
            if (_rest == 0)
            {
                return false;
            }

            Current = new MemberId((byte)BitOperations.TrailingZeroCount(_rest));
            _rest &= _rest - 1;
            return true;
        }
    }
}
