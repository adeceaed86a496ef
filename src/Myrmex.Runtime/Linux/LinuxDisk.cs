using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>Files of the machine. Files are made with mode 0600, directories with 0700.</summary>
public sealed class LinuxDisk : IDisk
{
    private const int ReadWrite = 2;
    private const int WriteOnly = 1;
    private const int Create = 0x40;
    private const int Exclusive = 0x80;
    private const int Truncate = 0x200;
    private const int Cloexec = 0x80000;

    // These two trade places between the architectures.
    private static readonly bool IsX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int Direct = IsX64 ? 0x4000 : 0x10000;
    private static readonly int Directory = IsX64 ? 0x10000 : 0x4000;

    public static LinuxDisk Shared { get; } = new();

    public Errno Open(string path, DiskOpen how, out IDiskFile? file)
    {
        file = null;
        var isDirect = (how & DiskOpen.Direct) != 0;
        var fd = Sys.DiskOpen(path, FlagsOf(how) | (isDirect ? Direct : 0), mode: 0x180);
        if (isDirect && Sys.ErrorOf(fd) == Errno.EINVAL)
        {
            // A file system without O_DIRECT; the page cache is correct too, only slower.
            isDirect = false;
            fd = Sys.DiskOpen(path, FlagsOf(how & ~DiskOpen.Exclusive), mode: 0x180);
        }

        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        file = new OpenFile(fd, isDirect);
        return Errno.Ok;
    }

    public Errno Rename(string from, string to) => Sys.ErrorOf(Sys.DiskRename(from, to));

    public Errno Unlink(string path) => Sys.ErrorOf(Sys.DiskUnlink(path));

    public Errno GetSpace(string path, out DiskSpace space)
    {
        var error = Sys.ErrorOf(Sys.PathSpace(path, out var found));
        space = new DiskSpace((long)found.TotalBytes, (long)found.FreeBytes);
        return error;
    }

    public Errno MakeDirectory(string path) => Sys.ErrorOf(Sys.DiskMakeDirectory(path, mode: 0x1C0));

    public Errno List(string path, List<string> names)
    {
        try
        {
            var found = System.IO.Directory.GetFileSystemEntries(path);
            for (var i = 0; i < found.Length; i++)
            {
                found[i] = Path.GetFileName(found[i]);
            }

            Array.Sort(found, StringComparer.Ordinal);
            names.AddRange(found);
            return Errno.Ok;
        }
        catch (DirectoryNotFoundException)
        {
            return Errno.ENOENT;
        }
        catch (UnauthorizedAccessException)
        {
            return Errno.EACCES;
        }
        catch (IOException)
        {
            return Errno.EIO;
        }
    }

    public Errno SyncDirectory(string path)
    {
        var fd = Sys.DiskOpen(path, Directory | Cloexec, mode: 0);
        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        var result = Sys.DiskFullSync(fd);
        Sys.Close(fd);
        return Sys.ErrorOf(result);
    }

    private static int FlagsOf(DiskOpen how)
    {
        var flags = Cloexec;
        if ((how & DiskOpen.Write) != 0)
        {
            flags |= (how & DiskOpen.Read) != 0 ? ReadWrite : WriteOnly;
        }

        flags |= (how & DiskOpen.Create) != 0 ? Create : 0;
        flags |= (how & DiskOpen.Exclusive) != 0 ? Exclusive : 0;
        flags |= (how & DiskOpen.Truncate) != 0 ? Truncate : 0;
        return flags;
    }

    private sealed unsafe class OpenFile(int fd, bool isDirect) : IDiskFile
    {
        private readonly int _descriptor = fd;
        private int _fd = fd; // -1 for all but ShareInto, once disposed of.
        private int _uses = 1; // The owner's, and those of ShareInto; 0 is closed.

        public bool IsDirect => isDirect;

        public Errno GetLength(out long length)
        {
            var result = Sys.DiskLength(_fd);
            length = Math.Max(0, result);
            return Sys.ErrorOf(result);
        }

        public Errno Read(long offset, Span<byte> target, out int count) =>
            Answer(Sys.DiskRead(_fd, target, offset), out count);

        public Errno Write(long offset, ReadOnlySpan<byte> source, out int count) =>
            Answer(Sys.DiskWrite(_fd, source, offset), out count);

        public Errno Write(long offset, ReadOnlySpan<Payload> pieces, out long count)
        {
            Invariant.Check(pieces.Length <= Limits.GatherCountMax);
            Span<IoVec> vectors = stackalloc IoVec[pieces.Length];
            for (var i = 0; i < pieces.Length; i++)
            {
                vectors[i] = new IoVec((byte*)pieces[i].Address, pieces[i].Length);
            }

            var result = Sys.DiskWrite(_fd, vectors, offset);
            count = Math.Max(0, result);
            return Sys.ErrorOf(result);
        }

        public Errno WriteDurably(long offset, ReadOnlySpan<Payload> pieces)
        {
            Invariant.Check(pieces.Length <= Limits.GatherCountMax);
            Span<IoVec> vectors = stackalloc IoVec[pieces.Length];
            long length = 0;
            for (var i = 0; i < pieces.Length; i++)
            {
                vectors[i] = new IoVec((byte*)pieces[i].Address, pieces[i].Length);
                length += pieces[i].Length;
            }

            // A long write is several requests to the disk, each of which it would have to make durable.
            var error = Errno.EOPNOTSUPP;
            if (isDirect && length <= Limits.DurableWriteBytesMax)
            {
                var written = Sys.DiskWriteDurably(_fd, vectors, offset);
                error = written < 0 ? Sys.ErrorOf(written) : written < length ? Errno.EINTR : Errno.Ok;
            }

            if (error is not (Errno.EOPNOTSUPP or Errno.EINVAL or Errno.ENOSYS or Errno.EINTR))
            {
                return error; // A disk that has failed is not asked twice.
            }

            error = this.WriteFully(offset, pieces);
            return error == Errno.Ok ? Sync() : error;
        }

        public Errno Preallocate(long length)
        {
            var error = Sys.ErrorOf(Sys.DiskAllocate(_fd, length));
            if (error is not (Errno.EOPNOTSUPP or Errno.ENOSYS))
            {
                return error;
            }

            error = GetLength(out var now);
            return error != Errno.Ok || now >= length ? error : Truncate(length);
        }

        public Errno ShareInto(int descriptor, long targetOffset, long offset, long length)
        {
            for (var uses = Volatile.Read(ref _uses); ;)
            {
                if (uses == 0)
                {
                    return Errno.EBADF;
                }

                var seen = Interlocked.CompareExchange(ref _uses, uses + 1, uses);
                if (seen == uses)
                {
                    break;
                }

                uses = seen;
            }

            var result = Sys.ShareRange(_descriptor, offset, length, descriptor, targetOffset);
            Release();
            return Sys.ErrorOf(result);
        }

        public Errno Truncate(long length) => Sys.ErrorOf(Sys.DiskTruncate(_fd, length));

        public Errno Sync() => Sys.ErrorOf(Sys.DiskDataSync(_fd));

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _fd, -1) >= 0)
            {
                Release();
            }
        }

        private void Release()
        {
            if (Interlocked.Decrement(ref _uses) == 0)
            {
                Sys.Close(_descriptor);
            }
        }

        private static Errno Answer(nint result, out int count)
        {
            count = (int)Math.Max(0, result);
            return Sys.ErrorOf(result);
        }
    }
}
