using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Hashes by which both ends of a copy find what differs: of inodes, and of blocks of 1 MiB, 64 KiB and 4 KiB, so that
/// a page that differs costs two short lists of hashes and itself. Parts of SHA-256 with a salt that each copy has for
/// itself: nobody can prepare two blocks that are taken for one.
/// </summary>
internal sealed class CopyHasher(ulong salt) : IDisposable
{
    /// <summary>Content up to this size is a part of the digest of its inode.</summary>
    public const int SmallBytes = 64 << 10;

    /// <summary>Bytes hashed at once.</summary>
    public const int RangeMax = 1 << 20;

    public const int LevelFirst = 0;
    public const int LevelLast = 2;
    public const int DigestBytes = 16;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[RangeMax];

    public ulong Salt => salt;

    public static int BlockBytesOf(int level) => RangeMax >> (4 * level);

    /// <summary>Two levels that say "equal" say more than one: the lower ones need less.</summary>
    public static int HashBytesOf(int level) => level == LevelFirst ? 16 : 8;

    public static int CountOf(int length, int level) =>
        (length + BlockBytesOf(level) - 1) / BlockBytesOf(level);

    /// <summary>
    /// The hashes of the blocks of a range of a file; what is behind its end is zeros. ESTALE or ENOENT: there is no
    /// such file.
    /// </summary>
    public async ValueTask<(Errno Error, byte[] Hashes)> HashAsync(
        Translator store, Gfid gfid, long offset, int length, int level, Call call)
    {
        var error = await FillAsync(store, gfid, offset, length, call);
        if (error != Errno.Ok)
        {
            return (error, []);
        }

        var size = HashBytesOf(level);
        var hashes = new byte[CountOf(length, level) * size];
        for (int at = 0, i = 0; at < length; at += BlockBytesOf(level), i++)
        {
            Begin();
            _hash.AppendData(_buffer, at, Math.Min(BlockBytesOf(level), length - at));
            End(hashes.AsSpan(i * size, size));
        }

        return (Errno.Ok, hashes);
    }

    /// <summary>
    /// Of owner, mode, times, size, attributes, and small content. Not of the name, nor of what follows from the gfid.
    /// </summary>
    public async ValueTask<(Errno Error, byte[] Digest)> DigestAsync(Translator store, InodeView view, Call call)
    {
        var iatt = view.Iatt;
        var (error, xattrs) = await StoreLister.XattrsAsync(store, iatt.Gfid, call);
        var isRead = iatt.IsRegular && iatt.Size <= SmallBytes;
        if (error == Errno.Ok && isRead)
        {
            error = await FillAsync(store, iatt.Gfid, 0, (int)iatt.Size, call);
        }

        if (error != Errno.Ok)
        {
            return (error, []);
        }

        Begin();
        AddNumber(iatt.Mode);
        AddNumber(iatt.Uid);
        AddNumber(iatt.Gid);
        AddNumber(iatt.IsRegular ? iatt.Size : 0);
        _hash.AppendData((view.Times ?? InodeTimes.Of(iatt)).ToMdata());
        xattrs.Sort((a, b) => a.Name.Span.SequenceCompareTo(b.Name.Span));
        foreach (var (name, value) in xattrs)
        {
            AddNumber((ulong)name.Span.Length);
            _hash.AppendData(name.Span);
            AddNumber((ulong)value!.Length); // A listing has values.
            _hash.AppendData(value);
        }

        if (isRead)
        {
            _hash.AppendData(_buffer, 0, (int)iatt.Size);
        }

        var digest = new byte[DigestBytes];
        End(digest);
        return (Errno.Ok, digest);
    }

    public void Dispose() => _hash.Dispose();

    private void Begin() => AddNumber(salt);

    private void End(Span<byte> hash)
    {
        Span<byte> whole = stackalloc byte[SHA256.HashSizeInBytes];
        _ = _hash.GetHashAndReset(whole);
        whole[..hash.Length].CopyTo(hash);
    }

    private void AddNumber(ulong number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        _hash.AppendData(bytes);
    }

    private async ValueTask<Errno> FillAsync(Translator store, Gfid gfid, long offset, int length, Call call)
    {
        Array.Clear(_buffer, 0, length);
        var (sought, data) = length == 0 ? (Errno.ENXIO, 0)
            : await SeekAsync(store, gfid, offset, SeekKind.Data, call);
        if (sought == Errno.ENXIO || (sought == Errno.Ok && data >= offset + length))
        {
            return Errno.Ok; // A hole.
        }

        for (var done = 0; done < length;)
        {
            var reply = await store.Read(
                new ReadFop
                {
                    Gfid = gfid,
                    Fd = call.AnonymousFd(gfid),
                    Offset = offset + done,
                    Size = (uint)(length - done),
                },
                call);
            var error = reply.Error;
            var count = error == Errno.Ok ? reply.Data.Length : 0;
            if (count > 0)
            {
                reply.Data.Span.CopyTo(_buffer.AsSpan(done));
            }

            reply.Release();
            if (error != Errno.Ok || count == 0)
            {
                return error;
            }

            done += count;
        }

        return Errno.Ok;
    }

    public static async ValueTask<(Errno Error, long Offset)> SeekAsync(
        Translator store, Gfid gfid, long offset, SeekKind kind, Call call)
    {
        var reply = await store.Seek(
            new SeekFop { Gfid = gfid, Fd = call.AnonymousFd(gfid), Offset = offset, Kind = kind }, call);
        var result = (reply.Error, reply.Offset);
        reply.Release();
        return result;
    }
}
