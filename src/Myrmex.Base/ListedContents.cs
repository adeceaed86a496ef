using System;
using System.Buffers.Binary;

namespace Myrmex.Base;

/// <summary>
/// What READDIRP may bring besides attributes: the content of small files, for who will read them next. Asked for by
/// the value of <see cref="Key"/> in its xdata, of servers that list <c>Myrmex</c> among their programs; the content is
/// then in the xdata of an entry as in a LOOKUP that asks for it. A file without content has to be read. Little-endian:
/// <code>
/// offset size
///      0    4  largest file, bytes
///      4    4  most bytes of contents in the reply
/// </code>
/// </summary>
public readonly record struct ListedContents(int FileBytesMax, int ReplyBytesMax)
{
    private const int Size = 8;

    public static ReadOnlySpan<byte> Key => "myrmex.contents"u8;

    /// <summary>The key of the content of an entry. Source: GlusterFS, GF_CONTENT_KEY.</summary>
    public static ReadOnlySpan<byte> ContentKey => "glusterfs.content"u8;

    /// <summary>Nothing is asked for.</summary>
    public bool IsNone => ReplyBytesMax == 0;

    /// <summary>
    /// Reads what a request asks for; nothing when it does not say. False when it says something that cannot be.
    /// </summary>
    public static bool TryRead(XData? xdata, out ListedContents wish)
    {
        wish = default;
        if (xdata is not { Count: > 0 } || !xdata.Contains(Key))
        {
            return true;
        }

        if (!xdata.TryGetBytes(Key, out var bytes) || bytes.Length != Size)
        {
            return false;
        }

        wish = new ListedContents(
            BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]));
        return wish.FileBytesMax >= 0 && wish.ReplyBytesMax >= 0;
    }

    public void WriteTo(XData xdata)
    {
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, FileBytesMax);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], ReplyBytesMax);
        xdata.SetBytes(Key, bytes);
    }

    /// <summary>Bytes of the contents that entries have with them.</summary>
    public static int BytesOf(DirEntries entries)
    {
        var sum = 0;
        for (var i = 0; i < entries.Count; i++)
        {
            sum += entries[i].XData is { } xdata && xdata.TryGetBytes(ContentKey, out var content) ? content.Length : 0;
        }

        return sum;
    }
}
