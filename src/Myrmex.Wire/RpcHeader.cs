using System;
using System.Buffers.Binary;
using Myrmex.Base;

namespace Myrmex.Wire;

/// <summary>accept_stat of a reply. Source: RFC 5531.</summary>
public enum AcceptStatus : uint
{
    Success = 0,
    ProgramUnavailable = 1,
    ProgramMismatch = 2,
    ProcedureUnavailable = 3,
    GarbageArguments = 4,
    SystemError = 5,
}

/// <summary>The head of a call, after the record mark.</summary>
public readonly record struct RpcCall(uint Xid, uint Program, uint Version, uint Procedure);

/// <summary>
/// Record marking, call and reply headers and the credentials of GlusterFS. Every record is one fragment: a word with the top
/// bit set and the length, then the message. Source: RFC 5531; AUTH_GLUSTERFS v2 and v3.
/// </summary>
public static class RpcHeader
{
    public const int MarkSize = 4;

    /// <summary>Bytes of a successful reply's head, without record mark.</summary>
    public const int ReplySize = 24;

    /// <summary>Most bytes of a call's head, without record mark: ten words, and a credential of at most 400 bytes.</summary>
    public const int CallSizeMax = 48 + CredentialSizeMax;

    public const int CredentialSizeMax = 400;

    /// <summary>Longest lock owner that fits a credential of either version without groups.</summary>
    public const int LockOwnerMax = CredentialSizeMax - CredentialFixedV3;

    // Words of a credential besides groups and owner bytes: pid, uid, gid, number of groups, length of the owner; version 3
    // has flags, nanoseconds and seconds too.
    private const int CredentialFixedV2 = 20;
    private const int CredentialFixedV3 = 36;

    private const uint AuthNone = 0;
    private const uint AuthGlusterV2 = 390039;
    private const uint AuthGlusterV3 = 390040;
    private const uint LastFragment = 0x8000_0000;
    private const uint RpcVersion = 2;

    /// <summary>Length of the fragment at the start of <paramref name="received"/> with its mark; 0 when more bytes are needed.</summary>
    public static long FrameLength(ReadOnlySpan<byte> received) =>
        received.Length < MarkSize ? 0 : MarkSize + (BinaryPrimitives.ReadUInt32BigEndian(received) & ~LastFragment);

    public static bool IsLastFragment(ReadOnlySpan<byte> frame) =>
        (BinaryPrimitives.ReadUInt32BigEndian(frame) & LastFragment) != 0;

    /// <summary>Writes the mark of a record of <paramref name="length"/> bytes.</summary>
    public static void WriteMark(Span<byte> target, int length) =>
        BinaryPrimitives.WriteUInt32BigEndian(target, (uint)length | LastFragment);

    /// <summary>
    /// Writes a call with a v3 credential (fops and SETVOLUME) or a v2 one (everything else). Groups that do not fit are left
    /// out; the lock owner may have <see cref="LockOwnerMax"/> bytes.
    /// </summary>
    public static void WriteCall(ref XdrWriter writer, RpcCall head, Call? call, bool version3, bool withGroups = true)
    {
        writer.WriteUInt(head.Xid);
        writer.WriteUInt(0);
        writer.WriteUInt(RpcVersion);
        writer.WriteUInt(head.Program);
        writer.WriteUInt(head.Version);
        writer.WriteUInt(head.Procedure);
        if (head.Program == Programs.Callback)
        {
            writer.WriteULong(AuthNone);
        }
        else
        {
            WriteCredential(ref writer, call, version3, withGroups);
        }

        writer.WriteULong(AuthNone);
    }

    public static void WriteReply(ref XdrWriter writer, uint xid, AcceptStatus status)
    {
        writer.WriteUInt(xid);
        writer.WriteUInt(1);
        writer.WriteUInt(0);
        writer.WriteULong(AuthNone);
        writer.WriteUInt((uint)status);
        if (status == AcceptStatus.ProgramMismatch)
        {
            writer.WriteUInt(Programs.FopVersion);
            writer.WriteUInt(Programs.FopVersion);
        }
    }

    /// <summary>True when the message is a reply, by its second word.</summary>
    public static bool IsReply(ReadOnlySpan<byte> message) =>
        message.Length >= 8 && BinaryPrimitives.ReadUInt32BigEndian(message[4..]) == 1;

    /// <summary>Reads a call's head; the credential goes into <paramref name="call"/>. False when it is malformed.</summary>
    public static bool TryReadCall(ref XdrReader reader, Call call, out RpcCall head)
    {
        var xid = reader.ReadUInt();
        var type = reader.ReadUInt();
        var version = reader.ReadUInt();
        head = new RpcCall(xid, reader.ReadUInt(), reader.ReadUInt(), reader.ReadUInt());
        if (reader.Failed || type != 0 || version != RpcVersion || !TryReadCredential(ref reader, call))
        {
            return false;
        }

        reader.ReadUInt();
        reader.ReadOpaque();
        return !reader.Failed;
    }

    /// <summary>Reads a reply's head. A denied reply reads as <see cref="AcceptStatus.SystemError"/>.</summary>
    public static bool TryReadReply(ref XdrReader reader, out uint xid, out AcceptStatus status)
    {
        xid = reader.ReadUInt();
        var type = reader.ReadUInt();
        var denied = reader.ReadUInt();
        status = AcceptStatus.SystemError;
        if (reader.Failed || type != 1)
        {
            return false;
        }

        if (denied != 0)
        {
            return true;
        }

        reader.ReadUInt();
        reader.ReadOpaque();
        status = (AcceptStatus)reader.ReadUInt();
        return !reader.Failed;
    }

    private static void WriteCredential(ref XdrWriter writer, Call? call, bool version3, bool withGroups)
    {
        var groups = call is null || !withGroups ? default : call.Groups;
        var owner = call?.LockOwner ?? default;
        Invariant.Check(owner.Length <= LockOwnerMax);
        var ownerLength = Math.Max(owner.Length, 4);
        var fixedSize = (version3 ? CredentialFixedV3 : CredentialFixedV2) + ((ownerLength + 3) & ~3);
        var groupCount = Math.Min(groups.Length, (CredentialSizeMax - fixedSize) / 4);
        writer.WriteUInt(version3 ? AuthGlusterV3 : AuthGlusterV2);
        writer.WriteInt(fixedSize + (groupCount * 4));
        writer.WriteInt(call?.Pid ?? 0);
        writer.WriteUInt(call?.Uid ?? 0);
        writer.WriteUInt(call?.Gid ?? 0);
        if (version3)
        {
            writer.WriteUInt((uint)(call?.TimeFlags ?? TimeFlags.None));
            writer.WriteUInt(call?.CtimeNanoseconds ?? 0);
            writer.WriteLong(call?.CtimeSeconds ?? 0);
        }

        writer.WriteInt(groupCount);
        for (var i = 0; i < groupCount; i++)
        {
            writer.WriteUInt(groups[i]);
        }

        Span<byte> bytes = stackalloc byte[ownerLength];
        bytes.Clear();
        owner.CopyTo(bytes);
        writer.WriteOpaque(bytes);
    }

    private static bool TryReadCredential(ref XdrReader reader, Call call)
    {
        var flavor = reader.ReadUInt();
        var length = reader.ReadUInt();
        var start = reader.Position;
        if (reader.Failed || length > CredentialSizeMax + 8 || length > (uint)reader.Remaining)
        {
            return false;
        }

        if (flavor is not (AuthGlusterV2 or AuthGlusterV3))
        {
            reader.ReadRaw((int)((length + 3) & ~3u));
            return !reader.Failed;
        }

        call.Pid = reader.ReadInt();
        call.Uid = reader.ReadUInt();
        call.Gid = reader.ReadUInt();
        if (flavor == AuthGlusterV3)
        {
            call.TimeFlags = (TimeFlags)reader.ReadUInt() & ~TimeFlags.ForwardOnly;
            call.CtimeNanoseconds = reader.ReadUInt();
            call.CtimeSeconds = reader.ReadLong();
        }

        var groupCount = reader.ReadUInt();
        if (groupCount > CredentialSizeMax / 4)
        {
            return false;
        }

        Span<uint> groups = stackalloc uint[(int)groupCount];
        for (var i = 0; i < groups.Length; i++)
        {
            groups[i] = reader.ReadUInt();
        }

        call.SetGroups(groups);
        var owner = reader.ReadOpaque();
        if (reader.Failed || reader.Position != start + (int)((length + 3) & ~3u))
        {
            return false;
        }

        call.LockOwner = new LkOwner(owner); // Copied only now, when it is known to be short.
        return true;
    }
}
