using System;
using System.Buffers.Text;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Builds a NUL-terminated path in memory lent by the caller, usually on its stack.</summary>
internal ref struct PathBuffer(Span<byte> memory)
{
    /// <summary>Room for every path that is built here: a /proc prefix and one name.</summary>
    public const int SizeMax = 512;

    private readonly Span<byte> _memory = memory;
    private int _length;

    /// <summary>The path with its NUL.</summary>
    public readonly ReadOnlySpan<byte> Path
    {
        get
        {
            _memory[_length] = 0;
            return _memory[..(_length + 1)];
        }
    }

    /// <summary>The path without NUL.</summary>
    public readonly ReadOnlySpan<byte> Text => _memory[.._length];

    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_memory[_length..]);
        _length += bytes.Length;
    }

    public void Append(int number)
    {
        Utf8Formatter.TryFormat(number, _memory[_length..], out var written);
        _length += written;
    }

    public void Append(in Gfid gfid)
    {
        gfid.Format(_memory.Slice(_length, 36));
        _length += 36;
    }

    /// <summary>"aa/bb/gfid", the handle below .glusterfs.</summary>
    public void AppendHandle(in Gfid gfid)
    {
        Span<byte> text = stackalloc byte[36];
        gfid.Format(text);
        Append(text[..2]);
        Append("/"u8);
        Append(text.Slice(2, 2));
        Append("/"u8);
        Append(text);
    }

    /// <summary>"/proc/self/fd/N/", for calls that take only a path.</summary>
    public void AppendProc(int directory)
    {
        Append("/proc/self/fd/"u8);
        Append(directory);
        Append("/"u8);
    }
}
