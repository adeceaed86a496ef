using System;
using System.Buffers;
using System.Text;
using Myrmex.Base;
using Myrmex.Wire;

namespace Myrmex.Coordination.Remote;

/// <summary>Writes XDR of any length. Source: RFC 4506.</summary>
internal sealed class RecordWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public int Length => _bytes.WrittenCount;

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public void WriteBool(bool value) => WriteUInt(value ? 1u : 0u);

    public void WriteUInt(uint value)
    {
        var writer = new XdrWriter(_bytes.GetSpan(sizeof(uint)));
        writer.WriteUInt(value);
        _bytes.Advance(writer.Position);
    }

    public void WriteLong(long value)
    {
        var writer = new XdrWriter(_bytes.GetSpan(sizeof(long)));
        writer.WriteLong(value);
        _bytes.Advance(writer.Position);
    }

    public void WriteGfid(Gfid value)
    {
        var writer = new XdrWriter(_bytes.GetSpan(Gfid.Size));
        writer.WriteGfid(value);
        _bytes.Advance(writer.Position);
    }

    public void WriteOpaque(ReadOnlySpan<byte> value)
    {
        var writer = new XdrWriter(_bytes.GetSpan(sizeof(uint) + value.Length + 3));
        writer.WriteOpaque(value);
        _bytes.Advance(writer.Position);
    }

    /// <summary>Bytes as they are.</summary>
    public void WriteRaw(ReadOnlySpan<byte> value) => _bytes.Write(value);

    public void WriteText(string text) => WriteOpaque(Encoding.UTF8.GetBytes(text));
}
