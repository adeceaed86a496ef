using System;
using System.Buffers.Binary;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// The value of <c>trusted.glusterfs.dht</c> on a directory: which hashes the brick that carries it is responsible for.
/// </summary>
/// <remarks>
/// 16 bytes, big-endian: 0 commit hash, 4 type, 8 start, 12 stop (inclusive). Start and stop both zero mean "no range".
/// Written by the distribute translator after mkdir and by layout heals; read at every lookup of the directory.
/// </remarks>
internal readonly record struct LayoutXattr(uint CommitHash, uint Type, uint Start, uint Stop)
{
    public const int Size = 16;

    /// <summary>The ordinary type of layout.</summary>
    public const uint TypeHashed = 0;

    /// <summary>Same hash; set by an administrator and not to be recomputed.</summary>
    public const uint TypeFixed = 1;

    /// <summary>The commit hash of a layout that had to be recomputed: entries may lie anywhere.</summary>
    public const uint CommitHashInvalid = 1;

    public bool HasRange => (Start | Stop) != 0;

    public static LayoutXattr Full(uint commitHash) => new(commitHash, TypeHashed, 0, uint.MaxValue);

    /// <summary>Reads a value; false when the length, the type or the order of the bounds is not known.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out LayoutXattr value)
    {
        value = default;
        if (bytes.Length != Size)
        {
            return false;
        }

        value = new LayoutXattr(
            BinaryPrimitives.ReadUInt32BigEndian(bytes),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]));
        return value.Type is TypeHashed or TypeFixed && value.Start <= value.Stop;
    }

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, CommitHash);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], Type);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], Start);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], Stop);
    }
}
