using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Myrmex.Base;

/// <summary>
/// The 148-byte wire form of <see cref="Iatt"/>: gfid, eight u64 words, four i64 times, four u32 nanoseconds, five u32 words,
/// all big-endian, in the order of the fields of <see cref="Iatt"/>.
/// </summary>
public static class IattCodec
{
    public static void Write(Span<byte> target, in Iatt iatt)
    {
        ref var at = ref MemoryMarshal.GetReference(target[..Iatt.WireSize]);
        Put(ref at, 0, iatt.Gfid.High);
        Put(ref at, 8, iatt.Gfid.Low);
        Put(ref at, 16, (ulong)iatt.Flags);
        Put(ref at, 24, iatt.Ino);
        Put(ref at, 32, iatt.Dev);
        Put(ref at, 40, iatt.Rdev);
        Put(ref at, 48, iatt.Size);
        Put(ref at, 56, iatt.Blocks);
        Put(ref at, 64, iatt.Attributes);
        Put(ref at, 72, iatt.AttributesMask);
        Put(ref at, 80, (ulong)iatt.Atime);
        Put(ref at, 88, (ulong)iatt.Mtime);
        Put(ref at, 96, (ulong)iatt.Ctime);
        Put(ref at, 104, (ulong)iatt.Btime);
        Put(ref at, 112, iatt.AtimeNsec);
        Put(ref at, 116, iatt.MtimeNsec);
        Put(ref at, 120, iatt.CtimeNsec);
        Put(ref at, 124, iatt.BtimeNsec);
        Put(ref at, 128, iatt.Nlink);
        Put(ref at, 132, iatt.Uid);
        Put(ref at, 136, iatt.Gid);
        Put(ref at, 140, iatt.BlockSize);
        Put(ref at, 144, iatt.Mode);
    }

    public static Iatt Read(ReadOnlySpan<byte> source)
    {
        ref var at = ref MemoryMarshal.GetReference(source[..Iatt.WireSize]);
        return new Iatt
        {
            Gfid = new Gfid(Get64(ref at, 0), Get64(ref at, 8)),
            Flags = (IattFlags)Get64(ref at, 16),
            Ino = Get64(ref at, 24),
            Dev = Get64(ref at, 32),
            Rdev = Get64(ref at, 40),
            Size = Get64(ref at, 48),
            Blocks = Get64(ref at, 56),
            Attributes = Get64(ref at, 64),
            AttributesMask = Get64(ref at, 72),
            Atime = (long)Get64(ref at, 80),
            Mtime = (long)Get64(ref at, 88),
            Ctime = (long)Get64(ref at, 96),
            Btime = (long)Get64(ref at, 104),
            AtimeNsec = Get32(ref at, 112),
            MtimeNsec = Get32(ref at, 116),
            CtimeNsec = Get32(ref at, 120),
            BtimeNsec = Get32(ref at, 124),
            Nlink = Get32(ref at, 128),
            Uid = Get32(ref at, 132),
            Gid = Get32(ref at, 136),
            BlockSize = Get32(ref at, 140),
            Mode = Get32(ref at, 144),
        };
    }

    private static void Put(ref byte at, int offset, ulong value) =>
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref at, offset), BinaryPrimitives.ReverseEndianness(value));

    private static void Put(ref byte at, int offset, uint value) =>
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref at, offset), BinaryPrimitives.ReverseEndianness(value));

    private static ulong Get64(ref byte at, int offset) =>
        BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, offset)));

    private static uint Get32(ref byte at, int offset) =>
        BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref at, offset)));
}
