using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace Myrmex.Base;

/// <summary>What a LK asks for that is not numbered in a session.</summary>
public enum LockAsk : byte
{
    /// <summary>GETLK: who is in the way of the holder. SETLKW: tell when nobody is, it comes then.</summary>
    Look = 0,

    /// <summary>SETLK: Ok when all of the lock is held, ENOLCK when it is not; nothing is changed.</summary>
    Check = 1,
}

/// <summary>
/// Whose lock a LK at a replica set is about, in its xdata, where it changes nothing: the session, which together with
/// the lock owner is the holder. What changes a lock is numbered in the session (<see cref="ChangeRecord"/>).
/// <code>
/// offset size
///      0   16  session id, big-endian; 0 for none
///     16    1  what is asked
///     17    8  age: milliseconds since it was asked first, little-endian
///     25    8  number of the wait in its session, little-endian
/// </code>
/// </summary>
public readonly record struct LockClaim(UInt128 Session, LockAsk Ask, long AgeMs, ulong Wait)
{
    /// <summary>
    /// IPC: the session is one of the client behind this connection, which holds locks. They are kept while the
    /// connection is there.
    /// </summary>
    public const int HoldSession = 0x4D5D;

    /// <summary>
    /// IPC: those of <see cref="Behind"/> are not behind this connection any more. Their locks are kept for the usual
    /// time, for they may come through another one.
    /// </summary>
    public const int LeaveSessions = 0x4D5E;

    /// <summary>Most sessions that one IPC names.</summary>
    public const int BehindMax = 256;

    private const int Bytes = 33;
    private const int BehindBytes = 20;

    public static ReadOnlySpan<byte> Key => "myrmex.lock"u8;

    /// <summary>With HoldSession: milliseconds for which the locks are kept when the connection has gone.</summary>
    public static ReadOnlySpan<byte> Grace => "myrmex.lock-grace"u8;

    /// <summary>
    /// With HoldSession and LeaveSessions: clients behind the proxy that the connection is of, which hold locks. For
    /// each one 16 bytes id, big-endian, and u32 epoch, little-endian (<see cref="LockSession"/>).
    /// </summary>
    public static ReadOnlySpan<byte> Behind => "myrmex.lock-behind"u8;

    public static void WriteBehind(XData xdata, ReadOnlySpan<LockSession> sessions)
    {
        var bytes = new byte[sessions.Length * BehindBytes];
        for (var i = 0; i < sessions.Length; i++)
        {
            var place = bytes.AsSpan(i * BehindBytes);
            BinaryPrimitives.WriteUInt128BigEndian(place, sessions[i].Id);
            BinaryPrimitives.WriteUInt32LittleEndian(place[16..], sessions[i].Epoch);
        }

        xdata.SetBytes(Behind, bytes);
    }

    /// <summary>
    /// The sessions that a request names, without owners; none when it names too many or nothing right.
    /// </summary>
    public static LockSession[] ReadBehind(XData? xdata)
    {
        if (xdata is not { Count: > 0 } || !xdata.TryGetBytes(Behind, out var bytes)
            || bytes.Length % BehindBytes != 0 || bytes.Length > BehindMax * BehindBytes)
        {
            return [];
        }

        var sessions = new List<LockSession>();
        for (; bytes.Length > 0; bytes = bytes[BehindBytes..])
        {
            var session = new LockSession(
                BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]),
                default);
            if (!session.IsNone)
            {
                sessions.Add(session);
            }
        }

        return [.. sessions];
    }

    /// <summary>Whether the locks of a LK belong to a session, so that no connection has them.</summary>
    public static bool IsIn(XData? xdata) =>
        xdata is { Count: > 0 } && (xdata.Contains(Key) || xdata.Contains(ChangeRecord.Key));

    public void Write(XData xdata)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Session);
        bytes[16] = (byte)Ask;
        BinaryPrimitives.WriteInt64LittleEndian(bytes[17..], AgeMs);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[25..], Wait);
        xdata.SetBytes(Key, bytes);
    }

    /// <summary>False when there is none, or none that can be understood.</summary>
    public static bool TryRead(XData? xdata, out LockClaim claim)
    {
        claim = default;
        if (xdata is not { Count: > 0 } || !xdata.TryGetBytes(Key, out var bytes) || bytes.Length != Bytes
            || bytes[16] > (byte)LockAsk.Check)
        {
            return false;
        }

        var ageMs = Math.Clamp(BinaryPrimitives.ReadInt64LittleEndian(bytes[17..]), 0, uint.MaxValue);
        claim = new LockClaim(
            BinaryPrimitives.ReadUInt128BigEndian(bytes), (LockAsk)bytes[16], ageMs,
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[25..]));
        return true;
    }
}
