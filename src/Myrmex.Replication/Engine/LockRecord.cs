using System;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>What an entry of kind Lock does. The numbers are on disk.</summary>
public enum LockAction : byte
{
    /// <summary>The owner holds the range with this type from here on, or holds nothing in it any more.</summary>
    Set = 1,

    /// <summary>The owner holds nothing in the file any more.</summary>
    DropOwner = 2,

    /// <summary>A session holds nothing any more: it was away for too long.</summary>
    Revoke = 3,

    /// <summary>Nobody holds anything in the range any more: an administrator wants it.</summary>
    Clear = 4,
}

/// <summary>A lock on bytes of a file. <c>End</c> is inclusive; <see cref="long.MaxValue"/> is the end of the
/// file.</summary>
/// <param name="Session">The session of the client. Together with the owner: who holds it.</param>
/// <param name="Owner">Tells the holders of one session apart.</param>
/// <param name="Type">Read, Write, or Unlock for nothing.</param>
/// <param name="Pid">For those who ask who is in the way.</param>
public readonly record struct RangeLock(
    UInt128 Session, LkOwner Owner, LockType Type, long Start, long End, uint Pid)
{
    public bool IsOfHolder(in RangeLock other) => Session == other.Session && Owner.Equals(other.Owner);

    public bool Overlaps(in RangeLock other) => Start <= other.End && other.Start <= End;

    /// <summary>They cannot be held at the same time.</summary>
    public bool Conflicts(in RangeLock other) =>
        Overlaps(in other) && !IsOfHolder(in other) && Type != LockType.Unlock && other.Type != LockType.Unlock
        && (Type == LockType.Write || other.Type == LockType.Write);
}

/// <summary>
/// The meta part of an entry of kind Lock. The session of Set and DropOwner is that of the entry in version 1; in
/// version 2 it is in the record, for the change is one of a proxy, and the lock that of a client behind it. In version
/// 3, of Set alone, there is a former holder too. The session of Revoke is in the record: nobody asks for it again.
/// </summary>
/// <remarks>
/// Layout, little-endian: u8 version, u8 action; Revoke: u128 session; the others: in version 2 u128 session, 16 bytes
/// gfid, then for Set and Clear u8 type, u64 start, u64 end, u32 pid, and for Set and DropOwner the owner with its
/// length (u32) before it; version 3: as version 2, then u128 session and the owner of the former holder. Another
/// version or action is refused, so no replica skips what it does not understand.
/// </remarks>
public readonly record struct LockRecord(LockAction Action, Gfid Gfid, RangeLock Lock)
{
    private const byte Version = 1;

    /// <summary>With the session; only where that is not the entry's. Set and DropOwner alone have it.</summary>
    private const byte VersionWithSession = 2;

    private const byte VersionWithFormer = 3;

    /// <summary>
    /// With Set: what this holder has in the range ends by the same entry, so nobody gets it in between. Session 0 for
    /// nobody.
    /// </summary>
    public (UInt128 Session, LkOwner Owner) Former { get; init; }

    /// <summary>The former holder's part of it: nothing in the range any more.</summary>
    public RangeLock FormerLock =>
        Lock with { Session = Former.Session, Owner = Former.Owner, Type = LockType.Unlock };

    public static LockRecord Revoke(UInt128 session) =>
        new(LockAction.Revoke, default, new RangeLock(session, default, LockType.Unlock, 0, 0, 0));

    /// <summary>Changes that are about one holder.</summary>
    public bool SharesHolder(in LockRecord other) =>
        Lock.IsOfHolder(other.Lock) || (Former.Session != 0 && FormerLock.IsOfHolder(other.Lock))
        || (other.Former.Session != 0 && other.FormerLock.IsOfHolder(Lock));

    /// <param name="session">That of the entry.</param>
    public byte[] Encode(UInt128 session)
    {
        var builder = new BinaryBuilder();
        var isOther = Action is LockAction.Set or LockAction.DropOwner && Lock.Session != session;
        var hasFormer = Action == LockAction.Set && Former.Session != 0;
        builder.Byte(hasFormer ? VersionWithFormer : isOther ? VersionWithSession : Version);
        builder.Byte((byte)Action);
        if (Action == LockAction.Revoke)
        {
            builder.UInt128(Lock.Session);
            return builder.ToArray();
        }

        if (isOther || hasFormer)
        {
            builder.UInt128(Lock.Session);
        }

        WriteGfid(builder, Gfid);
        if (Action is LockAction.Set or LockAction.Clear)
        {
            builder.Byte((byte)Lock.Type);
            builder.UInt64((ulong)Lock.Start);
            builder.UInt64((ulong)Lock.End);
            builder.UInt32(Lock.Pid);
        }

        if (Action != LockAction.Clear)
        {
            WriteOwner(builder, Lock.Owner);
        }

        if (hasFormer)
        {
            builder.UInt128(Former.Session);
            WriteOwner(builder, Former.Owner);
        }

        return builder.ToArray();
    }

    /// <summary>Null for bytes that are none.</summary>
    /// <param name="session">That of the entry.</param>
    public static LockRecord? Decode(ReadOnlySpan<byte> bytes, UInt128 session)
    {
        var parser = new BinaryParser(bytes);
        var version = parser.Byte();
        var action = (LockAction)parser.Byte();
        parser.Require(action is >= LockAction.Set and <= LockAction.Clear);
        parser.Require(version == Version
            || (version == VersionWithSession && action is LockAction.Set or LockAction.DropOwner)
            || (version == VersionWithFormer && action == LockAction.Set));
        if (action == LockAction.Revoke)
        {
            var revoked = Revoke(parser.UInt128());
            return parser.IsComplete ? revoked : null;
        }

        session = version != Version ? parser.UInt128() : session;
        parser.Require(version == Version || session != 0);
        var gfid = ReadGfid(ref parser);
        var held = new RangeLock(session, default, LockType.Unlock, 0, long.MaxValue, 0);
        if (action is LockAction.Set or LockAction.Clear)
        {
            held = held with
            {
                Type = (LockType)parser.Byte(),
                Start = (long)parser.UInt64(),
                End = (long)parser.UInt64(),
                Pid = parser.UInt32(),
            };
            parser.Require(held.Type <= LockType.Unlock && held.Start >= 0 && held.End >= held.Start);
        }

        held = action == LockAction.Clear ? held : held with { Owner = ReadOwner(ref parser) };
        var former = version == VersionWithFormer ? (parser.UInt128(), ReadOwner(ref parser)) : default;
        return parser.IsComplete ? new LockRecord(action, gfid, held) { Former = former } : null;
    }

    internal static void WriteGfid(BinaryBuilder builder, Gfid gfid)
    {
        builder.UInt64(gfid.High);
        builder.UInt64(gfid.Low);
    }

    internal static Gfid ReadGfid(ref BinaryParser parser)
    {
        var high = parser.UInt64();
        return new Gfid(high, parser.UInt64());
    }

    internal static void WriteOwner(BinaryBuilder builder, LkOwner owner)
    {
        Span<byte> bytes = stackalloc byte[LkOwner.LengthMax];
        owner.CopyTo(bytes);
        builder.Bytes(bytes[..owner.Length]);
    }

    internal static LkOwner ReadOwner(ref BinaryParser parser) => new(parser.Bytes(LkOwner.LengthMax));
}
