using System;
using System.Buffers.Binary;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>
/// The two copies of what a replica remembers for ever. Layout of <c>super.a</c> and <c>super.b</c>, 4096 bytes,
/// little-endian: <code> offset size      0    8  magic "MYRMXSUP"      8    4  version     12    4  crc32c of bytes
/// 16..4096     16    8  sequence of the save     24   16  incarnation     40    8  promised term     48    1  status
///     49    1  1 after a close in good order     50    2  peers     52    1  1 while entries are acknowledged from
/// memory (version 2)     53    3  0     56    8  configuration epoch
/// 64    8  boot count     72    8  checkpoint     80    8  durable floor     88    8  batch of the durable floor
/// 96   24  cuts: count, last from, lowest from    120   24  per peer: member 16, durable index 8
/// 904   16  boot of the machine in which entries are acknowledged from memory     920    8  term up to which the
/// main store may be ahead of the journal
/// </code>
/// A save writes and syncs one copy, then the other. So a torn copy leaves the state before the save or after it, and
/// when a save has returned either copy alone has it: damage to one never takes back a promise.
/// </summary>
public sealed class Superblock
{
    private const ulong Magic = 0x5055_5358_4D52_594D; // "MYRMXSUP"
    private const uint Version = 2;

    /// <summary>A release that does not know of memory must not take a journal for whole that may not be.</summary>
    private const uint VersionWithoutMemory = 1;
    private const int Size = JournalLimits.BlockBytes;
    private const int BodyStart = 16;
    private const int PeersStart = 120;
    private const int PeerSize = 24;
    private const int MemoryAt = 52;
    private const int MachineBootAt = PeersStart + (JournalLimits.PeersMax * PeerSize) + 16;
    private const int StoreAheadAt = MachineBootAt + 16;
    private const DiskOpen Make = DiskOpen.Read | DiskOpen.Write | DiskOpen.Create;

    private readonly IDisk _disk;
    private readonly string _path;
    private ulong _sequence;

    private Superblock(IDisk disk, string path)
    {
        _disk = disk;
        _path = path;
        State = new SuperblockState();
    }

    private enum Copy
    {
        Good,
        Missing,
        Damaged,
        Foreign,
        Newer,
        Unreadable,
    }

    /// <summary>What is durable.</summary>
    public SuperblockState State { get; private set; }

    /// <summary>
    /// Set by a failed save: the disk has the old state or the new one, and nobody may depend on either.
    /// </summary>
    public Errno Failure { get; private set; }

    /// <summary>Bytes written so far.</summary>
    public long WrittenBytes { get; private set; }

    /// <summary>True when one copy was missing or damaged at start and has been written again.</summary>
    public bool IsRepaired { get; private set; }

    /// <summary>Makes both copies; the directory exists and has none.</summary>
    public static Errno Format(IDisk disk, string directory, SuperblockState state)
    {
        var made = new Superblock(disk, directory);
        var error = made.Save(state);
        return error != Errno.Ok ? error : disk.SyncDirectory(directory);
    }

    /// <summary>
    /// Reads the newest good copy. <paramref name="problem"/> says in words why not: ENOENT never formatted, EUCLEAN
    /// both copies damaged, EINVAL not ours or a newer format, or the errno of the disk.
    /// </summary>
    public static Errno Load(IDisk disk, string directory, out Superblock? superblock, out string problem)
    {
        superblock = null;
        Span<byte> a = new byte[Size];
        Span<byte> b = new byte[Size];
        var first = ReadCopy(disk, directory + "/super.a", a, out var errorA);
        var second = ReadCopy(disk, directory + "/super.b", b, out var errorB);
        problem = string.Empty;
        if (first == Copy.Newer || second == Copy.Newer)
        {
            var version = BinaryPrimitives.ReadUInt32LittleEndian((first == Copy.Newer ? a : b)[8..]);
            problem = $"the journal in {directory} has format {version}; this release reads up to {Version}";
            return Errno.EINVAL;
        }

        if (first != Copy.Good && second != Copy.Good)
        {
            return Explain(directory, first, second, errorA == Errno.Ok ? errorB : errorA, out problem);
        }

        var found = new Superblock(disk, directory);
        var sequenceA = first == Copy.Good ? BinaryPrimitives.ReadUInt64LittleEndian(a[BodyStart..]) : 0;
        var sequenceB = second == Copy.Good ? BinaryPrimitives.ReadUInt64LittleEndian(b[BodyStart..]) : 0;
        found._sequence = Math.Max(sequenceA, sequenceB);
        found.State = Decode(sequenceA >= sequenceB && first == Copy.Good ? a : b);
        found.IsRepaired = sequenceA != sequenceB;
        superblock = found;
        return Errno.Ok;
    }

    /// <summary>
    /// Makes <paramref name="state"/> durable in both copies before it returns. After an error (which stays, see <see
    /// cref="Failure"/>) the disk may have either state.
    /// </summary>
    public Errno Save(SuperblockState state)
    {
        Invariant.Check(state.Promised >= State.Promised);
        Invariant.Check(state.Checkpoint >= State.Checkpoint);
        Invariant.Check(state.Peers.Count <= JournalLimits.PeersMax);
        if (Failure != Errno.Ok)
        {
            return Failure;
        }

        var buffer = PayloadPool.Shared.Rent(Size);
        var bytes = buffer.GetSpan()[..Size];
        _sequence++;
        Encode(state, bytes);
        var error = WriteCopy(_path + "/super.a", bytes);
        if (error == Errno.Ok)
        {
            error = WriteCopy(_path + "/super.b", bytes);
        }

        buffer.Release();
        Failure = error;
        if (error == Errno.Ok)
        {
            State = state;
        }

        return error;
    }

    private static Errno Explain(string directory, Copy first, Copy second, Errno error, out string problem)
    {
        if (first == Copy.Missing && second == Copy.Missing)
        {
            problem = $"there is no journal in {directory}";
            return Errno.ENOENT;
        }

        if (first == Copy.Unreadable || second == Copy.Unreadable)
        {
            problem = $"the superblock of the journal in {directory} cannot be read: {error}";
            return error;
        }

        if (first == Copy.Foreign || second == Copy.Foreign)
        {
            problem = $"{directory} has files super.a and super.b that are not of a journal";
            return Errno.EINVAL;
        }

        problem = $"both copies of the superblock in {directory} are damaged: what this replica promised is lost, "
            + "it must be formatted anew and join as a new member";
        return Errno.EUCLEAN;
    }

    private static Copy ReadCopy(IDisk disk, string path, Span<byte> bytes, out Errno error)
    {
        error = disk.Open(path, DiskOpen.Read, out var file);
        if (error == Errno.ENOENT)
        {
            error = Errno.Ok;
            return Copy.Missing;
        }

        if (error != Errno.Ok)
        {
            return Copy.Unreadable;
        }

        int count;
        using (file)
        {
            error = file!.ReadFully(0, bytes, out count); // Opened above.
        }

        if (error != Errno.Ok)
        {
            return Copy.Unreadable;
        }

        if (count < Size)
        {
            return Copy.Damaged; // A format that the power cut.
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) != Crc32C.Of(bytes[BodyStart..]))
        {
            return bytes.ContainsAnyExcept((byte)0) && !HasMagic(bytes) ? Copy.Foreign : Copy.Damaged;
        }

        return !HasMagic(bytes) ? Copy.Foreign
            : BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) > Version ? Copy.Newer
            : BinaryPrimitives.ReadUInt16LittleEndian(bytes[50..]) > JournalLimits.PeersMax ? Copy.Damaged
            : Copy.Good;
    }

    private static bool HasMagic(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes) == Magic;

    private static SuperblockState Decode(ReadOnlySpan<byte> bytes)
    {
        var peers = new PeerDurable[BinaryPrimitives.ReadUInt16LittleEndian(bytes[50..])];
        for (var i = 0; i < peers.Length; i++)
        {
            var at = bytes[(PeersStart + (i * PeerSize))..];
            peers[i] = new PeerDurable(
                BinaryPrimitives.ReadUInt128LittleEndian(at),
                    new JournalIndex(BinaryPrimitives.ReadUInt64LittleEndian(at[16..])));
        }

        return new SuperblockState
        {
            Incarnation = BinaryPrimitives.ReadUInt128LittleEndian(bytes[24..]),
            Promised = new Term(BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..])),
            Status = (MemberStatus)bytes[48],
            IsClean = bytes[49] == 1,
            ConfigurationEpoch = BinaryPrimitives.ReadUInt64LittleEndian(bytes[56..]),
            BootCount = BinaryPrimitives.ReadUInt64LittleEndian(bytes[64..]),
            Checkpoint = new JournalIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes[72..])),
            DurableFloor = new JournalIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes[80..])),
            DurableBatch = BinaryPrimitives.ReadUInt64LittleEndian(bytes[88..]),
            FromMemory = bytes[MemoryAt] == 1,
            StoreAhead = new Term(BinaryPrimitives.ReadUInt64LittleEndian(bytes[StoreAheadAt..])),
            MachineBoot = BinaryPrimitives.ReadUInt128LittleEndian(bytes[MachineBootAt..]),
            Cuts = JournalFormat.ReadCuts(bytes[96..]),
            Peers = peers,
        };
    }

    private void Encode(SuperblockState state, Span<byte> bytes)
    {
        bytes.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], state.FromMemory ? Version : VersionWithoutMemory);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[BodyStart..], _sequence);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes[24..], state.Incarnation);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[40..], state.Promised.Value);
        bytes[48] = (byte)state.Status;
        bytes[49] = state.IsClean ? (byte)1 : (byte)0;
        bytes[MemoryAt] = state.FromMemory ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[StoreAheadAt..], state.StoreAhead.Value);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes[MachineBootAt..], state.MachineBoot);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[50..], (ushort)state.Peers.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[56..], state.ConfigurationEpoch);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[64..], state.BootCount);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[72..], state.Checkpoint.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[80..], state.DurableFloor.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[88..], state.DurableBatch);
        JournalFormat.WriteCuts(bytes[96..], state.Cuts);
        for (var i = 0; i < state.Peers.Count; i++)
        {
            var at = bytes[(PeersStart + (i * PeerSize))..];
            BinaryPrimitives.WriteUInt128LittleEndian(at, state.Peers[i].Member);
            BinaryPrimitives.WriteUInt64LittleEndian(at[16..], state.Peers[i].Durable.Value);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], Crc32C.Of(bytes[BodyStart..]));
    }

    private Errno WriteCopy(string path, ReadOnlySpan<byte> bytes)
    {
        var error = _disk.Open(path, Make, out var file);
        if (error != Errno.Ok)
        {
            return error;
        }

        using (file)
        {
            error = file!.WriteFully(0, bytes); // Opened above.
            WrittenBytes += bytes.Length;
            return error != Errno.Ok ? error : file!.Sync();
        }
    }
}
