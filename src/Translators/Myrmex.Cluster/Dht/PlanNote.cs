using System;
using System.Buffers.Binary;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// What a plan with several steps has decided before the first of them. It goes with every step, so that another run
/// that finds one of them knows what to finish or to take back. 53 bytes, little-endian:
/// <code>
/// offset size
///      0    1  1
///      1    4  key of the subvolume with the data, 0 for none
///      5    4  the same where the old name hashes to
///      9    4  the same where the new name, or the only one, hashes to
///     13    4  the same of the subvolume with the data of a replaced file
///     17   16  gfid of the file or directory
///     33   16  gfid of what is replaced
///     49    4  kind of plan
/// </code>
/// </summary>
internal readonly record struct PlanNote(PlanKind Kind, Gfid Gfid, Gfid Replaced)
{
    private const int Size = 53;
    private const byte Version = 1;

    public Subvolume? Data { get; init; }

    public Subvolume? OldHashed { get; init; }

    public Subvolume? Hashed { get; init; }

    public Subvolume? ReplacedAt { get; init; }

    public byte[] Encode()
    {
        var bytes = new byte[Size];
        bytes[0] = Version;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1), KeyOf(Data));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(5), KeyOf(OldHashed));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(9), KeyOf(Hashed));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(13), KeyOf(ReplacedAt));
        Gfid.CopyTo(bytes.AsSpan(17));
        Replaced.CopyTo(bytes.AsSpan(33));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(49), (uint)Kind);
        return bytes;
    }

    /// <summary>False for bytes that are none, or name a subvolume that is not there.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, Subvolume[] subvolumes, out PlanNote note)
    {
        note = default;
        if (bytes.Length != Size || bytes[0] != Version)
        {
            return false;
        }

        var areKnown = TryFind(subvolumes, bytes[1..], out var data);
        areKnown &= TryFind(subvolumes, bytes[5..], out var oldHashed);
        areKnown &= TryFind(subvolumes, bytes[9..], out var hashed);
        areKnown &= TryFind(subvolumes, bytes[13..], out var replacedAt);
        note = new PlanNote(
            (PlanKind)BinaryPrimitives.ReadUInt32LittleEndian(bytes[49..]), Gfid.FromBytes(bytes[17..33]),
            Gfid.FromBytes(bytes[33..49]))
        {
            Data = data,
            OldHashed = oldHashed,
            Hashed = hashed,
            ReplacedAt = replacedAt,
        };
        return areKnown;
    }

    private static uint KeyOf(Subvolume? subvolume) => subvolume is null ? 0 : subvolume.Key;

    private static bool TryFind(Subvolume[] subvolumes, ReadOnlySpan<byte> bytes, out Subvolume? found)
    {
        var key = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        found = Array.Find(subvolumes, s => KeyOf(s) == key);
        return key == 0 || found is not null;
    }
}

/// <summary>The plans that leave something to be finished or taken back. The numbers are on the wire.</summary>
internal enum PlanKind : uint
{
    Make = 1,
    MakeDirectory = 2,
    Link = 3,
    Unlink = 4,
    RemoveDirectory = 5,
    RenameInPlace = 6,
    RenameOverOwn = 7,
    RenameLinked = 8,
    RenameDirectory = 9,
}

/// <summary>
/// Steps of plans besides the client's own fop: the low byte of a label. Of a plan, each happens at most once at one
/// subvolume. The numbers are on the wire.
/// </summary>
internal enum StepKind : uint
{
    /// <summary>The client's own fop, at each subvolume that it goes to.</summary>
    Own = 0,
    MakeLink = 1,
    RemoveStaleLink = 2,
    RemakeLink = 3,
    OwnLink = 4,
    LinkData = 5,
    RelinkData = 6,
    MoveLink = 7,
    RemoveOldLink = 8,
    RemoveOldData = 9,
    RemoveReplaced = 10,
    RemoveLink = 11,
    UndoLink = 12,
    UndoData = 13,
    Back = 14,
    CountUp = 15,
    CountDown = 16,
}
