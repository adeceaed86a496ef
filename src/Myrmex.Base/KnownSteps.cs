using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace Myrmex.Base;

/// <summary>A step of a change that a server has carried out.</summary>
/// <param name="Label">Its label.</param>
/// <param name="Note">What was sent with it for others that go on from it.</param>
public readonly record struct KnownStep(uint Label, byte[] Note);

/// <summary>
/// The steps of a change that a server knows, as bytes: for each u32 label, little-endian, u8 length of the note, note.
/// </summary>
public static class KnownSteps
{
    /// <summary>Most steps of one change at one server.</summary>
    public const int Max = 256;

    public static byte[] Encode(IReadOnlyCollection<KnownStep> steps)
    {
        var length = 0;
        foreach (var step in steps)
        {
            length += 5 + step.Note.Length;
        }

        var bytes = new byte[length];
        var at = bytes.AsSpan();
        foreach (var step in steps)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(at, step.Label);
            at[4] = (byte)step.Note.Length;
            step.Note.CopyTo(at[5..]);
            at = at[(5 + step.Note.Length)..];
        }

        return bytes;
    }

    /// <summary>False for bytes that are none.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, ICollection<KnownStep> steps)
    {
        while (bytes.Length > 0)
        {
            if (bytes.Length < 5 || bytes.Length < 5 + bytes[4] || steps.Count == Max)
            {
                return false;
            }

            var end = 5 + bytes[4];
            steps.Add(new KnownStep(BinaryPrimitives.ReadUInt32LittleEndian(bytes), bytes[5..end].ToArray()));
            bytes = bytes[end..];
        }

        return true;
    }
}
