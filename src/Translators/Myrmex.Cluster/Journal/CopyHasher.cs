using System;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Hashes by which both ends of a copy find what differs: of inodes, and of blocks of 1 MiB, 64 KiB and 4 KiB, so that
/// a page that differs costs two short lists of hashes and itself. Parts of SHA-256, of 128 or 96 bits, with a salt
/// that each copy has for itself: nobody can prepare two blocks that are taken for one, and among 2^40 pages that
/// differ one is taken for equal with a probability of 2^-56, which is less than that of a disk that errs unnoticed.
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

    /// <summary>The first one is taken of everything, the others of what differs.</summary>
    public static int HashBytesOf(int level) => level == LevelFirst ? 16 : 12;

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
    /// Of type, mode, owner, device, times, size, attributes, and small content or the text of a link.
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

        var target = default(Name);
        if (error == Errno.Ok && iatt.IsSymbolicLink)
        {
            (error, target) = await LinkTextAsync(store, iatt.Gfid, call);
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
        AddNumber(IsDevice(iatt) ? iatt.Rdev : 0);
        AddNumber((ulong)target.Span.Length);
        _hash.AppendData(target.Span);
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

    public static bool IsDevice(in Iatt iatt) =>
        (iatt.Mode & FileMode.TypeMask) is FileMode.CharDevice or FileMode.BlockDevice;

    public static async ValueTask<(Errno Error, Name Text)> LinkTextAsync(Translator store, Gfid gfid, Call call)
    {
        var reply = await store.Readlink(new ReadlinkFop { Gfid = gfid }, call);
        var result = (reply.Error, reply.IsOk ? reply.Target.ToOwned() : default);
        reply.Release();
        return result;
    }

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
