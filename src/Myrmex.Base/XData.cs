using System;
using System.Buffers.Binary;
using System.Text;

namespace Myrmex.Base;

/// <summary>Value types of a dictionary pair. Source: gfx_dict of program 1298437.</summary>
public enum XDataType
{
    StringOld = 1,
    Int = 2,
    UInt = 3,
    Double = 4,
    String = 5,
    Binary = 6,
    Gfid = 7,
    Iatt = 8,
    Mdata = 9,
}

/// <summary>
/// The dictionary that accompanies a fop or a reply, and the carrier of xattr names and values. It is kept as its own wire
/// encoding (pairs of key, type, value), so that forwarding it costs one copy and looking up a key one scan; no objects.
/// Keys are given without the trailing NUL. A <c>null</c> reference is the null dictionary.
/// Instances are pooled: <see cref="Rent"/> and <see cref="Release"/>. In a request the fop borrows it from its maker; in a
/// reply the reply owns it. Not safe for concurrent change.
/// </summary>
public sealed class XData
{
    /// <summary>Most pairs that a dictionary may have.</summary>
    public const int PairsMax = 4096;

    /// <summary>Most encoded bytes that are accepted from a peer: many times the values of a file's largest xattrs.</summary>
    public const int EncodedMax = 16 << 20;

    // The content of a small file as quick-read asks for it, and some attributes.
    private const int KeepMax = 132 * 1024;

    private byte[] _pairs = new byte[256];
    private int _length;
    private bool _isReleased;

    public int Count { get; private set; }

    /// <summary>The encoded pairs; their length is the xdr_size on the wire.</summary>
    public ReadOnlySpan<byte> Encoded => _pairs.AsSpan(0, _length);

    /// <summary>An empty dictionary from the pool; the caller owns it.</summary>
    public static XData Rent()
    {
        var data = Pool<XData>.Rent();
        data._isReleased = false;
        return data;
    }

    /// <summary>Gives the dictionary back, exactly once; every span taken from it is invalid from here on.</summary>
    public void Release()
    {
        Invariant.Check(!_isReleased);
        _isReleased = true;
        Clear();
        if (_pairs.Length <= KeepMax)
        {
            Pool<XData>.Return(this);
        }
    }

    public void Clear()
    {
        _length = 0;
        Count = 0;
    }

    /// <summary>
    /// Takes over <paramref name="count"/> pairs in wire encoding, checking their structure.
    /// False (and an empty dictionary) when they are malformed.
    /// </summary>
    public bool TryLoad(ReadOnlySpan<byte> encoded, int count)
    {
        Clear();
        if (count is < 0 or > PairsMax || encoded.Length > EncodedMax)
        {
            return false;
        }

        var at = 0;
        for (var i = 0; i < count; i++)
        {
            if (!TryMeasure(encoded[at..], out var size))
            {
                return false;
            }

            at += size;
        }

        if (at != encoded.Length)
        {
            return false;
        }

        Reserve(encoded.Length);
        encoded.CopyTo(_pairs);
        _length = encoded.Length;
        Count = count;
        return true;
    }

    /// <summary>Adds every pair of <paramref name="other"/>, replacing those with the same key.</summary>
    public void Merge(XData? other)
    {
        if (other is null || ReferenceEquals(other, this))
        {
            return;
        }

        foreach (var pair in other)
        {
            SetRaw(pair.Key, pair.Type, pair.Value);
        }
    }

    public XData Clone()
    {
        var copy = Rent();
        copy.Reserve(_length);
        Encoded.CopyTo(copy._pairs);
        copy._length = _length;
        copy.Count = Count;
        return copy;
    }

    public bool Contains(ReadOnlySpan<byte> key) => TryFind(key, out _, out _);

    /// <summary>Finds a pair. The value is the bytes of the wire encoding without length word and padding.</summary>
    public bool TryFind(ReadOnlySpan<byte> key, out XDataType type, out ReadOnlySpan<byte> value)
    {
        foreach (var pair in this)
        {
            if (pair.Key.SequenceEqual(key))
            {
                type = pair.Type;
                value = pair.Value;
                return true;
            }
        }

        type = default;
        value = default;
        return false;
    }

    /// <summary>Reads a number of any integer type.</summary>
    public bool TryGetInt(ReadOnlySpan<byte> key, out long number)
    {
        number = 0;
        if (!TryFind(key, out var type, out var value) || type is not (XDataType.Int or XDataType.UInt))
        {
            return false;
        }

        number = BinaryPrimitives.ReadInt64BigEndian(value);
        return true;
    }

    /// <summary>Reads a binary or string value; a string comes without its trailing NUL.</summary>
    public bool TryGetBytes(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!TryFind(key, out var type, out var value)
            || type is not (XDataType.Binary or XDataType.String or XDataType.StringOld))
        {
            return false;
        }

        bytes = type != XDataType.Binary && !value.IsEmpty && value[^1] == 0 ? value[..^1] : value;
        return true;
    }

    public bool TryGetGfid(ReadOnlySpan<byte> key, out Gfid gfid)
    {
        gfid = default;
        if (!TryFind(key, out var type, out var value) || value.Length != Gfid.Size
            || type is not (XDataType.Gfid or XDataType.Binary))
        {
            return false;
        }

        gfid = Gfid.FromBytes(value);
        return true;
    }

    public bool TryGetIatt(ReadOnlySpan<byte> key, out Iatt iatt)
    {
        iatt = default;
        if (!TryFind(key, out var type, out var value) || type != XDataType.Iatt)
        {
            return false;
        }

        iatt = IattCodec.Read(value);
        return true;
    }

    public void SetInt(ReadOnlySpan<byte> key, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        SetRaw(key, XDataType.Int, bytes);
    }

    public void SetUInt(ReadOnlySpan<byte> key, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        SetRaw(key, XDataType.UInt, bytes);
    }

    public void SetBytes(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => SetRaw(key, XDataType.Binary, value);

    /// <summary>Sets a string; the NUL that the wire wants is added here.</summary>
    public void SetString(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var terminated = value.Length <= 512 ? stackalloc byte[value.Length + 1] : new byte[value.Length + 1];
        value.CopyTo(terminated);
        terminated[^1] = 0;
        SetRaw(key, XDataType.String, terminated);
    }

    public void SetString(ReadOnlySpan<byte> key, string value) => SetString(key, Encoding.UTF8.GetBytes(value));

    public void SetGfid(ReadOnlySpan<byte> key, Gfid gfid)
    {
        Span<byte> bytes = stackalloc byte[Gfid.Size];
        gfid.CopyTo(bytes);
        SetRaw(key, XDataType.Gfid, bytes);
    }

    public void SetIatt(ReadOnlySpan<byte> key, in Iatt iatt)
    {
        Span<byte> bytes = stackalloc byte[Iatt.WireSize];
        IattCodec.Write(bytes, in iatt);
        SetRaw(key, XDataType.Iatt, bytes);
    }

    /// <summary>Sets a pair from the value bytes of its wire encoding (no length word, no padding).</summary>
    public void SetRaw(ReadOnlySpan<byte> key, XDataType type, ReadOnlySpan<byte> value)
    {
        var hasLength = HasLengthWord(type);
        Invariant.Check(hasLength || value.Length == FixedSize(type));
        if (value.Overlaps(_pairs) || key.Overlaps(_pairs))
        {
            // Lent by this dictionary: removing the old pair would move the bytes.
            key = key.ToArray();
            value = value.ToArray();
        }

        Remove(key);
        var size = 4 + Padded(key.Length + 1) + 4 + (hasLength ? 4 : 0) + Padded(value.Length);
        Reserve(_length + size);
        var target = _pairs.AsSpan(_length, size);
        target.Clear();
        BinaryPrimitives.WriteInt32BigEndian(target, key.Length + 1);
        key.CopyTo(target[4..]);
        var at = 4 + Padded(key.Length + 1);
        BinaryPrimitives.WriteInt32BigEndian(target[at..], (int)type);
        at += 4;
        if (hasLength)
        {
            BinaryPrimitives.WriteInt32BigEndian(target[at..], value.Length);
            at += 4;
        }

        value.CopyTo(target[at..]);
        _length += size;
        Count++;
    }

    /// <summary>Removes a pair; false when it is not there. A peer may send a key twice: all of them go.</summary>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        var removed = false;
        var at = 0;
        while (at < _length)
        {
            var size = Measure(_pairs.AsSpan(at, _length - at));
            if (!ReadKey(_pairs.AsSpan(at)).SequenceEqual(key))
            {
                at += size;
                continue;
            }

            _pairs.AsSpan(at + size, _length - at - size).CopyTo(_pairs.AsSpan(at));
            _length -= size;
            Count--;
            removed = true;
        }

        return removed;
    }

    public Enumerator GetEnumerator() => new(_pairs.AsSpan(0, _length));

    public override string ToString()
    {
        var text = new StringBuilder("{");
        foreach (var pair in this)
        {
            text.Append(text.Length == 1 ? string.Empty : ", ").Append(Encoding.UTF8.GetString(pair.Key))
                .Append(':').Append(pair.Type).Append('[').Append(pair.Value.Length).Append(']');
        }

        return text.Append('}').ToString();
    }

    private static bool HasLengthWord(XDataType type) =>
        type is XDataType.StringOld or XDataType.String or XDataType.Binary;

    private static int Padded(int length) => (length + 3) & ~3;

    private static ReadOnlySpan<byte> ReadKey(ReadOnlySpan<byte> pair)
    {
        var key = pair.Slice(4, BinaryPrimitives.ReadInt32BigEndian(pair));
        return !key.IsEmpty && key[^1] == 0 ? key[..^1] : key;
    }

    private static bool TryMeasure(ReadOnlySpan<byte> pair, out int size)
    {
        size = 0;
        if (pair.Length < 8)
        {
            return false;
        }

        var keyLength = BinaryPrimitives.ReadUInt32BigEndian(pair);
        if (keyLength > (uint)pair.Length - 8)
        {
            return false;
        }

        // To everybody below a key is a C string: bytes behind a NUL would hide the name that is really meant.
        var key = pair.Slice(4, (int)keyLength);
        var at = 4L + Padded((int)keyLength);
        if (at + 4 > pair.Length || key.IndexOf((byte)0) is >= 0 and var nul && nul != key.Length - 1)
        {
            return false;
        }

        var type = (XDataType)BinaryPrimitives.ReadInt32BigEndian(pair[(int)at..]);
        at += 4;
        if (!HasLengthWord(type))
        {
            at += FixedSize(type);
            size = (int)at;
            return FixedSize(type) > 0 && at <= pair.Length;
        }

        if (at + 4 > pair.Length)
        {
            return false;
        }

        at += 4 + ((BinaryPrimitives.ReadUInt32BigEndian(pair[(int)at..]) + 3L) & ~3L);
        size = (int)at;
        return at <= pair.Length;
    }

    /// <summary>Size of the first pair of checked ones.</summary>
    private static int Measure(ReadOnlySpan<byte> pair)
    {
        var at = 4 + Padded(BinaryPrimitives.ReadInt32BigEndian(pair));
        var type = (XDataType)BinaryPrimitives.ReadInt32BigEndian(pair[at..]);
        return HasLengthWord(type)
            ? at + 8 + Padded(BinaryPrimitives.ReadInt32BigEndian(pair[(at + 4)..]))
            : at + 4 + FixedSize(type);
    }

    /// <summary>Bytes of a value without length word; 0 for an unknown type.</summary>
    private static int FixedSize(XDataType type) => type switch
    {
        XDataType.Int or XDataType.UInt or XDataType.Double => 8,
        XDataType.Gfid => Gfid.Size,
        XDataType.Iatt => Iatt.WireSize,
        XDataType.Mdata => 36,
        _ => 0,
    };

    private void Reserve(int length)
    {
        if (length > _pairs.Length)
        {
            Array.Resize(ref _pairs, Math.Max(length, _pairs.Length * 2));
        }
    }

    /// <summary>One pair; its spans are lent by the dictionary.</summary>
    public readonly ref struct Pair
    {
        internal Pair(ReadOnlySpan<byte> key, XDataType type, ReadOnlySpan<byte> value)
        {
            Key = key;
            Type = type;
            Value = value;
        }

        public ReadOnlySpan<byte> Key { get; }

        public XDataType Type { get; }

        public ReadOnlySpan<byte> Value { get; }

        /// <summary>The value without the NUL that string types carry.</summary>
        public ReadOnlySpan<byte> Text =>
            Type is XDataType.String or XDataType.StringOld && !Value.IsEmpty && Value[^1] == 0 ? Value[..^1] : Value;
    }

    public ref struct Enumerator
    {
        private ReadOnlySpan<byte> _rest;
        private ReadOnlySpan<byte> _pair;

        internal Enumerator(ReadOnlySpan<byte> pairs)
        {
            _rest = pairs;
            _pair = default;
        }

        public readonly Pair Current
        {
            get
            {
                var at = 4 + Padded(BinaryPrimitives.ReadInt32BigEndian(_pair));
                var type = (XDataType)BinaryPrimitives.ReadInt32BigEndian(_pair[at..]);
                at += 4;
                var value = HasLengthWord(type)
                    ? _pair.Slice(at + 4, BinaryPrimitives.ReadInt32BigEndian(_pair[at..]))
                    : _pair[at..];
                return new Pair(ReadKey(_pair), type, value);
            }
        }

        public bool MoveNext()
        {
            if (_rest.IsEmpty)
            {
                return false;
            }

            var size = Measure(_rest);
            _pair = _rest[..size];
            _rest = _rest[size..];
            return true;
        }
    }
}
