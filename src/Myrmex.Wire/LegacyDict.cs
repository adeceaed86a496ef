using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace Myrmex.Wire;

/// <summary>
/// The untyped dictionary inside an opaque (SETVOLUME, GETSPEC, callbacks): i32 count, then per pair i32 key length without
/// NUL, i32 value length, key, NUL, value; no padding. Text values end with a NUL that is counted.
/// </summary>
public static class LegacyDict
{
    private const int PairsMax = 4096;

    /// <summary>Encodes text values.</summary>
    public static byte[] Encode(IReadOnlyDictionary<string, string> pairs)
    {
        var bytes = new List<byte>(256);
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, pairs.Count);
        bytes.AddRange(word);
        foreach (var (key, value) in pairs)
        {
            var keyBytes = Encoding.UTF8.GetBytes(key);
            var valueBytes = Encoding.UTF8.GetBytes(value);
            BinaryPrimitives.WriteInt32BigEndian(word, keyBytes.Length);
            bytes.AddRange(word);
            BinaryPrimitives.WriteInt32BigEndian(word, valueBytes.Length + 1);
            bytes.AddRange(word);
            bytes.AddRange(keyBytes);
            bytes.Add(0);
            bytes.AddRange(valueBytes);
            bytes.Add(0);
        }

        return [.. bytes];
    }

    /// <summary>Decodes; values lose their trailing NUL. False when malformed. An empty span is an empty dictionary.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out Dictionary<string, string> pairs)
    {
        pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        if (bytes.IsEmpty)
        {
            return true;
        }

        if (bytes.Length < 4)
        {
            return false;
        }

        var count = BinaryPrimitives.ReadInt32BigEndian(bytes);
        bytes = bytes[4..];
        if (count is < 0 or > PairsMax)
        {
            return false;
        }

        for (var i = 0; i < count; i++)
        {
            if (bytes.Length < 8)
            {
                return false;
            }

            var keyLength = BinaryPrimitives.ReadUInt32BigEndian(bytes);
            var valueLength = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
            bytes = bytes[8..];
            if (keyLength + 1L + valueLength > bytes.Length)
            {
                return false;
            }

            var value = bytes.Slice((int)keyLength + 1, (int)valueLength);
            if (!value.IsEmpty && value[^1] == 0)
            {
                value = value[..^1];
            }

            pairs[Encoding.UTF8.GetString(bytes[..(int)keyLength])] = Encoding.UTF8.GetString(value);
            bytes = bytes[((int)keyLength + 1 + (int)valueLength)..];
        }

        return true;
    }
}
