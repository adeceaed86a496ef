using System;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>The kinds of lock an administrator clears.</summary>
public enum ClearLocksType
{
    Inode,
    Entry,
    Posix,
}

/// <summary>
/// The getxattr name by which locks are cleared: <c>glusterfs.clrlk.tTYPE.kKIND[.ARGUMENT]</c> with TYPE inode, entry
/// or posix, KIND blocked, granted or all, and as argument a range <c>WHENCE,START-LENGTH</c> or an entry name.
/// Source: volume clear-locks.
/// </summary>
public static class ClearLocksName
{
    private static ReadOnlySpan<byte> Prefix => "glusterfs.clrlk.t"u8;

    public static bool IsOne(Name name) => name.Span.StartsWith(Prefix);

    public static bool TryParse(Name name, out ClearLocksType type, out LockClearing clearing)
    {
        type = default;
        clearing = default;
        var rest = name.Span[Prefix.Length..];
        var dot = rest.IndexOf(".k"u8);
        if (dot < 0 || !TryParseType(rest[..dot], out type))
        {
            return false;
        }

        rest = rest[(dot + 2)..];
        dot = rest.IndexOf((byte)'.');
        var kind = dot < 0 ? rest : rest[..dot];
        var argument = dot < 0 ? default : rest[(dot + 1)..];
        var isAll = kind.SequenceEqual("all"u8);
        clearing = new LockClearing(
            isAll || kind.SequenceEqual("granted"u8), isAll || kind.SequenceEqual("blocked"u8), null, default);
        if (!clearing.Held && !clearing.Waiting)
        {
            return false;
        }

        if (argument.IsEmpty)
        {
            return true;
        }

        if (type == ClearLocksType.Entry)
        {
            clearing = clearing with { EntryName = Name.From(argument) };
            return true;
        }

        var isRange = TryParseRange(argument, out var range);
        clearing = clearing with { Range = range };
        return isRange;
    }

    /// <summary>What has been cleared, as people are told.</summary>
    public static GetxattrReply Answer(Name name, string translator, ClearLocksType type, int held, int waiting)
    {
        var text = held + waiting == 0
            ? "No locks cleared."
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{translator}: {type.ToString().ToLowerInvariant()} blocked locks={waiting} granted locks={held}");
        var reply = GetxattrReply.Rent();
        reply.Values = XData.Rent();
        reply.Values.SetString(name.Span, text);
        reply.OpRet = Encoding.UTF8.GetByteCount(text) + 1;
        return reply;
    }

    private static bool TryParseType(ReadOnlySpan<byte> text, out ClearLocksType type)
    {
        type = text.SequenceEqual("inode"u8) ? ClearLocksType.Inode
            : text.SequenceEqual("entry"u8) ? ClearLocksType.Entry
            : ClearLocksType.Posix;
        return type != ClearLocksType.Posix || text.SequenceEqual("posix"u8);
    }

    private static bool TryParseRange(ReadOnlySpan<byte> text, out (long Start, long End) range)
    {
        range = default;
        var comma = text.IndexOf((byte)',');
        var dash = text.IndexOf((byte)'-');
        if (comma < 0 || dash < comma
            || !Utf8Parser.TryParse(text[(comma + 1)..dash], out long start, out var used) || used != dash - comma - 1
            || !Utf8Parser.TryParse(text[(dash + 1)..], out long length, out used) || used != text.Length - dash - 1
            || start < 0 || length < 0 || length - 1 > long.MaxValue - start)
        {
            return false;
        }

        range = (start, length == 0 ? long.MaxValue : start + length - 1);
        return true;
    }
}
