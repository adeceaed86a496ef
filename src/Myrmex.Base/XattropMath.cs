using System;
using System.Buffers.Binary;

namespace Myrmex.Base;

/// <summary>The arithmetic of XATTROP on big-endian words.</summary>
public static class XattropMath
{
    /// <summary>
    /// Combines the stored value with the operand into <paramref name="result"/>, which is as long as the operand. A
    /// missing or shorter stored value counts as zeros. EINVAL for an unknown kind or an operand that is no whole
    /// number of words.
    /// </summary>
    public static Errno Apply(
        XattropKind kind, ReadOnlySpan<byte> stored, ReadOnlySpan<byte> operand, Span<byte> result)
    {
        result = result[..operand.Length];
        result.Clear();
        stored[..Math.Min(stored.Length, result.Length)].CopyTo(result);
        switch (kind)
        {
            case XattropKind.AddArray32 or XattropKind.AddArray32WithDefault when operand.Length % 4 == 0:
                Add32(operand, result);
                return Errno.Ok;
            case XattropKind.AddArray64 or XattropKind.AddArray64WithDefault when operand.Length % 8 == 0:
                Add64(operand, result);
                return Errno.Ok;
            case XattropKind.Or:
                for (var i = 0; i < operand.Length; i++)
                {
                    result[i] |= operand[i];
                }

                return Errno.Ok;
            case XattropKind.And:
                for (var i = 0; i < operand.Length; i++)
                {
                    result[i] &= operand[i];
                }

                return Errno.Ok;
            case XattropKind.GetAndSet:
                operand.CopyTo(result);
                return Errno.Ok;
            default:
                return Errno.EINVAL;
        }
    }

    /// <summary>True for an addition that adds nothing: it only asks for the value and makes no attribute.</summary>
    public static bool IsQuestion(XattropKind kind, ReadOnlySpan<byte> operand) =>
        kind is XattropKind.AddArray32 or XattropKind.AddArray64 && operand.IndexOfAnyExcept((byte)0) < 0;

    private static void Add32(ReadOnlySpan<byte> operand, Span<byte> result)
    {
        for (var i = 0; i < operand.Length; i += 4)
        {
            var sum = unchecked(BinaryPrimitives.ReadInt32BigEndian(result[i..])
                + BinaryPrimitives.ReadInt32BigEndian(operand[i..]));
            BinaryPrimitives.WriteInt32BigEndian(result[i..], sum);
        }
    }

    private static void Add64(ReadOnlySpan<byte> operand, Span<byte> result)
    {
        for (var i = 0; i < operand.Length; i += 8)
        {
            var sum = unchecked(BinaryPrimitives.ReadInt64BigEndian(result[i..])
                + BinaryPrimitives.ReadInt64BigEndian(operand[i..]));
            BinaryPrimitives.WriteInt64BigEndian(result[i..], sum);
        }
    }
}
