using System;
using System.Buffers.Binary;

namespace Myrmex.Base;

/// <summary>
/// A <see cref="Change"/> in the xdata of a fop, as the value of <see cref="Key"/>. Little-endian but for the id:
/// <code>
/// offset size
///      0   16  session id, big-endian
///     16    8  number; bit 63 (<see cref="MayBeKnown"/>): it was sent before; bit 62 (<see cref="FromMemory"/>)
///     24    8  acknowledged up to
///     32    4  label          from here on only when it is not a change of one step that is sent for the first time
///     36    4  run
///     40    4  age: milliseconds since the client has sent it first
///     44  0-96 note
/// </code>
/// </summary>
public static class ChangeRecord
{
    /// <summary>IPC: the session exists when it is answered Ok. Doing it twice does no harm.</summary>
    public const int BeginSession = 0x4D59;

    /// <summary>IPC: the session is no more.</summary>
    public const int EndSession = 0x4D5A;

    /// <summary>
    /// IPC: fops of other runs of the change are refused from now on; answers what is known of the change, see
    /// <see cref="Steps"/>.
    /// </summary>
    public const int TakeOver = 0x4D5B;

    /// <summary>IPC: the client has left through a proxy; nothing is asked again. Not sent by clients.</summary>
    public const int LeaveSession = 0x4D5C;

    /// <summary>
    /// IPC: the run has done with what earlier ones have left behind; inode and entry locks of theirs that it has not
    /// taken over are free. Not sent by clients.
    /// </summary>
    public const int FreeLocks = 0x4D5F;

    /// <summary>In the number: it was sent before, so servers may know it.</summary>
    public const ulong MayBeKnown = 1UL << 63;

    /// <summary>In the number: it may be answered before it is on a disk, because the client sends its syncs.</summary>
    public const ulong FromMemory = 1UL << 62;

    /// <summary>Bytes of a record without label, run and age.</summary>
    public const int ShortBytes = 32;

    /// <summary>Bytes of a record without note.</summary>
    public const int Bytes = 44;

    public const int NoteBytesMax = 96;

    /// <summary>
    /// How old a change that was sent before is taken to be when its client does not say: what it may wait by default.
    /// </summary>
    public const long UnknownAgeMs = 120_000;

    /// <summary>
    /// A server that does not know the session of a change this old says so; of a younger one it has never heard.
    /// Shorter than servers keep a session that nobody uses.
    /// </summary>
    public const long AgeMaxMs = 1_500_000;

    /// <summary>How long servers keep a session that nobody uses.</summary>
    public const long SessionIdleMs = 1_800_000;

    /// <summary>Type of the translator that remembers outcomes in a brick.</summary>
    public const string OutcomesType = "features/outcomes";

    /// <summary>Type of the translator of a replica set's member, whose journal remembers them.</summary>
    public const string JournalType = "cluster/journal";

    /// <summary>Told by a server at the handshake when the export remembers outcomes.</summary>
    public const string HandshakeKey = "myrmex.outcomes";

    public static ReadOnlySpan<byte> Key => "myrmex.session"u8;

    /// <summary>In the answer to <see cref="TakeOver"/>: the known steps. See <see cref="KnownSteps"/>.</summary>
    public static ReadOnlySpan<byte> Steps => "myrmex.steps"u8;

    /// <summary>In the same: the server may have forgotten some.</summary>
    public static ReadOnlySpan<byte> Uncertain => "myrmex.uncertain"u8;

    /// <summary>
    /// Reads what the xdata of a fop says. False when it says nothing; a change without session when it is malformed.
    /// </summary>
    /// <param name="nowNs">The monotonic clock.</param>
    public static bool TryRead(XData? xdata, long nowNs, out Change change)
    {
        change = default;
        if (xdata is null || xdata.Count == 0 || !xdata.TryGetBytes(Key, out var bytes))
        {
            return false;
        }

        change = Read(bytes, nowNs);
        return true;
    }

    /// <summary>The session that the xdata of an IPC names; 0 for none.</summary>
    public static UInt128 SessionOf(XData? xdata) =>
        xdata is not null && xdata.TryGetBytes(Key, out var bytes) && bytes.Length >= 16
            ? BinaryPrimitives.ReadUInt128BigEndian(bytes) : 0;

    /// <summary>Puts a change into the xdata of a fop without label, run, age and note.</summary>
    public static void WriteShort(XData xdata, in Change change)
    {
        Span<byte> bytes = stackalloc byte[ShortBytes];
        WriteHead(bytes, in change);
        xdata.SetBytes(Key, bytes);
    }

    /// <summary>Puts a change into the xdata of a fop.</summary>
    public static void Write(XData xdata, in Change change, long nowNs)
    {
        Span<byte> bytes = stackalloc byte[Bytes + NoteBytesMax];
        xdata.SetBytes(Key, bytes[..Write(bytes, in change, nowNs)]);
    }

    /// <summary>Writes a record; answers its length.</summary>
    /// <param name="target"><see cref="Bytes"/> and <see cref="NoteBytesMax"/> long.</param>
    public static int Write(Span<byte> target, in Change change, long nowNs)
    {
        WriteHead(target, in change);
        var note = change.Note ?? [];
        Invariant.Check(note.Length <= NoteBytesMax);
        BinaryPrimitives.WriteUInt32LittleEndian(target[32..], change.Label);
        BinaryPrimitives.WriteUInt32LittleEndian(target[36..], change.Run);
        var ageMs = Math.Clamp(AgeMs(in change, nowNs), 0, uint.MaxValue);
        BinaryPrimitives.WriteUInt32LittleEndian(target[40..], (uint)ageMs);
        note.CopyTo(target[Bytes..]);
        return Bytes + note.Length;
    }

    /// <summary>How long ago the client has sent it first.</summary>
    public static long AgeMs(in Change change, long nowNs) => (nowNs - change.SentNs) / 1_000_000;

    private static void WriteHead(Span<byte> target, in Change change)
    {
        BinaryPrimitives.WriteUInt128BigEndian(target, change.Session);
        var number = change.Number | (change.MayBeKnown ? MayBeKnown : 0) | (change.FromMemory ? FromMemory : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], number);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], change.AcknowledgedUpTo);
    }

    private static Change Read(ReadOnlySpan<byte> bytes, long nowNs)
    {
        if (bytes.Length != ShortBytes && bytes.Length is < Bytes or > Bytes + NoteBytesMax)
        {
            return default;
        }

        var number = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        var mayBeKnown = (number & MayBeKnown) != 0;
        var isShort = bytes.Length == ShortBytes;
        var ageMs = isShort ? mayBeKnown ? UnknownAgeMs : 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes[40..]);
        var change = new Change(
            BinaryPrimitives.ReadUInt128BigEndian(bytes), number & ~(MayBeKnown | FromMemory),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]), mayBeKnown)
        {
            Label = isShort ? Change.NoLabel : BinaryPrimitives.ReadUInt32LittleEndian(bytes[32..]),
            Run = isShort ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes[36..]),
            Note = bytes.Length > Bytes ? bytes[Bytes..].ToArray() : null,
            SentNs = nowNs - (ageMs * 1_000_000),
            FromMemory = (number & FromMemory) != 0,
        };
        return change.Number == 0 ? default : change;
    }
}
