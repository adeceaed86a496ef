using System;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>Content of files.</summary>
public abstract partial class StorageContract
{
    [Fact]
    public void ReadsAndWritesMeetAtAnyOffset()
    {
        var fd = Rig.Create(Gfid.Root, "f");
        Assert.Equal(5, Rig.Write(fd, 0, "hello"));
        Assert.Equal(5, Rig.Write(fd, 10, "world"));
        Assert.Equal("hello\0\0\0\0\0world", Encoding.UTF8.GetString(Rig.Read(fd)));
        Assert.Equal("wor", Encoding.UTF8.GetString(Rig.Read(fd, 10, 3)));
        Assert.Empty(Rig.Read(fd, 15));
        Assert.Empty(Rig.Read(fd, 1 << 20));
        Rig.Release(fd);
    }

    [Theory]
    [InlineData(1 << 20, 0u)]
    [InlineData(100_001, OpenFlags.DataSync)]
    [InlineData(4096, OpenFlags.Sync)]
    [InlineData(8192, OpenFlags.Direct)]
    [InlineData(5000, OpenFlags.Direct)]
    public void LargeSynchronousAndDirectWritesArriveWhole(int size, uint flags)
    {
        var content = new byte[size];
        new Random(size).NextBytes(content);
        var fd = Rig.Create(Gfid.Root, "f", flags: OpenFlags.ReadWrite | flags);
        Assert.Equal(size, Rig.Write(fd, 0, content, flags));
        Assert.Equal(content, Rig.Read(fd, 0, (uint)size + 100, flags));
        Assert.Equal(content[4096..], Rig.Read(fd, 4096, (uint)size, flags));
        Rig.Release(fd);
    }

    [Fact]
    public void AReadTellsTheEndOfTheFile()
    {
        var fd = Rig.Create(Gfid.Root, "f");
        Rig.Write(fd, 0, "0123456789");
        foreach (var (offset, size, isAtEnd) in new[] { (0, 5u, false), (5, 5u, true), (5, 6u, true), (10, 1u, true) })
        {
            var reply = StorageRig.Wait(Rig.Store.Read(
                new ReadFop { Gfid = fd.Gfid, Fd = fd, Offset = offset, Size = size }, Rig.Caller));
            Assert.Equal(isAtEnd ? Errno.ENOENT : Errno.Ok, reply.Hint);
            Assert.Equal(reply.Data.Length, reply.OpRet);
            Assert.Equal(10u, reply.Iatt.Size);
            reply.Release();
        }

        Rig.Release(fd);
    }

    [Fact]
    public void AnAccessModeHoldsForTheFd()
    {
        var gfid = Rig.File(Gfid.Root, "f", "x");
        var reader = Rig.Open(gfid, OpenFlags.ReadOnly);
        var writer = Rig.Open(gfid, OpenFlags.WriteOnly);
        var data = Payload.CopyOf("y"u8);
        Assert.Equal(
            Errno.EBADF, StorageRig.Outcome(Rig.Store.Write(new WriteFop { Gfid = gfid, Fd = reader, Data = data }, Rig.Caller)));
        data.Release();
        Assert.Equal(Errno.EBADF, StorageRig.Outcome(Rig.Store.Read(new ReadFop { Gfid = gfid, Fd = writer, Size = 1 }, Rig.Caller)));
        Rig.Release(reader);
        Rig.Release(writer);
    }

    [Fact]
    public void OnlyRegularFilesCanBeOpened()
    {
        var directory = Rig.Mkdir(Gfid.Root, "d");
        var link = Rig.Symlink(Gfid.Root, "l", "t");
        var fifo = Rig.Mknod(Gfid.Root, "p", FileMode.Fifo | 0x1A4);
        var file = Rig.File(Gfid.Root, "f");
        Assert.Equal(Errno.EISDIR, TryOpen(directory));
        Assert.Equal(Errno.ELOOP, TryOpen(link));
        Assert.Equal(Errno.ENXIO, TryOpen(fifo));
        Assert.Equal(Errno.ESTALE, TryOpen(StorageRig.NewGfid()));
        Assert.Equal(
            Errno.ENOTDIR,
            StorageRig.Outcome(Rig.Store.Opendir(
                new OpendirFop { Gfid = file, Fd = Rig.NewFd(file, OpenFlags.ReadOnly, isDirectory: true) }, Rig.Caller)));
    }

    [Fact]
    public void CreateOpensWhatExistsUnlessExclusive()
    {
        var gfid = Rig.File(Gfid.Root, "f", "content");
        var opened = Rig.Create(Gfid.Root, "f");
        Assert.Equal(gfid, opened.Gfid);
        Assert.Equal("content"u8.ToArray(), Rig.Read(opened));
        Rig.Release(opened);
        Assert.Equal(Errno.EEXIST, TryCreate("f", OpenFlags.ReadWrite | OpenFlags.Exclusive));
        var truncated = Rig.Create(Gfid.Root, "f", flags: OpenFlags.ReadWrite | OpenFlags.Truncate);
        Assert.Equal(0u, Rig.Stat(gfid).Size);
        Rig.Release(truncated);
        Rig.Mkdir(Gfid.Root, "d");
        Assert.Equal(Errno.EISDIR, TryCreate("d", OpenFlags.ReadWrite));
    }

    [Fact]
    public void TruncationCutsAndGrows()
    {
        var gfid = Rig.File(Gfid.Root, "f", "0123456789");
        var (pre, post) = StorageRig.Ok(
            Rig.Store.Truncate(new TruncateFop { Gfid = gfid, Offset = 4 }, Rig.Caller), r => (r.Pre, r.Post));
        Assert.Equal((10u, 4u), (pre.Size, post.Size));
        var fd = Rig.Open(gfid);
        StorageRig.Ok(Rig.Store.Ftruncate(new FtruncateFop { Gfid = gfid, Fd = fd, Offset = 6 }, Rig.Caller), r => r.Error);
        Assert.Equal("0123\0\0", Rig.Text(gfid));
        Rig.Release(fd);
        Assert.Equal(
            Errno.EISDIR, StorageRig.Outcome(Rig.Store.Truncate(new TruncateFop { Gfid = Gfid.Root, Offset = 0 }, Rig.Caller)));
        Assert.Equal(
            Errno.EINVAL, StorageRig.Outcome(Rig.Store.Truncate(new TruncateFop { Gfid = gfid, Offset = -1 }, Rig.Caller)));
    }

    [Fact]
    public void HolesReadAsZerosAndAreFound()
    {
        var fd = Rig.Create(Gfid.Root, "f");
        Rig.Write(fd, 1 << 20, new byte[4096].Select(_ => (byte)1).ToArray());
        Assert.Equal(0, Seek(fd, 0, SeekKind.Hole));
        Assert.Equal(1 << 20, Seek(fd, 0, SeekKind.Data));
        Assert.Equal((1 << 20) + 4096, Seek(fd, 1 << 20, SeekKind.Hole));
        Assert.Equal(-(long)Errno.ENXIO, Seek(fd, (1 << 20) + 4096, SeekKind.Data));
        StorageRig.Ok(
            Rig.Store.Discard(new DiscardFop { Gfid = fd.Gfid, Fd = fd, Offset = 1 << 20, Length = 4096 }, Rig.Caller), r => r.Error);
        Assert.All(Rig.Read(fd, 1 << 20, 4096), b => Assert.Equal(0, b));
        Assert.Equal((1u << 20) + 4096, StorageRig.Ok(
            Rig.Store.Zerofill(new ZerofillFop { Gfid = fd.Gfid, Fd = fd, Offset = 0, Length = 4096 }, Rig.Caller), r => r.Post.Size));
        Assert.Equal((2u << 20), StorageRig.Ok(
            Rig.Store.Fallocate(new FallocateFop { Gfid = fd.Gfid, Fd = fd, Offset = 0, Length = 2 << 20 }, Rig.Caller),
            r => r.Post.Size));
        Rig.Release(fd);
    }

    [Fact]
    public void ARangeIsCopiedBetweenFiles()
    {
        var source = Rig.Create(Gfid.Root, "s");
        Rig.Write(source, 0, "0123456789");
        var target = Rig.Create(Gfid.Root, "t");
        var fop = new CopyFileRangeFop
        {
            Source = source.Gfid,
            SourceFd = source,
            SourceOffset = 3,
            Target = target.Gfid,
            TargetFd = target,
            TargetOffset = 1,
            Length = 100,
        };
        Assert.Equal(7, StorageRig.Ok(Rig.Store.CopyFileRange(in fop, Rig.Caller), r => r.OpRet));
        Assert.Equal("\u00003456789", Rig.Text(target.Gfid));
        Rig.Release(source);
        Rig.Release(target);
    }

    [Fact]
    public void ChecksumsTellContentsApart()
    {
        var fd = Rig.Create(Gfid.Root, "f");
        Rig.Write(fd, 0, string.Concat(Enumerable.Repeat("hello world", 10)));
        var (weak, strong) = StorageRig.Ok(
            Rig.Store.Rchecksum(new RchecksumFop { Gfid = fd.Gfid, Fd = fd, Offset = 0, Length = 110 }, Rig.Caller),
            r => (r.Weak, r.Strong.Span.ToArray()));

        // Source: gf_rsync_weak_checksum of the stock library on the same bytes.
        Assert.Equal(0x726B2B98u, weak);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(Rig.Read(fd)), strong);
        Rig.Release(fd);
    }

    [Fact]
    public void PutMakesAFileWithContentAndAttributes()
    {
        var gfid = StorageRig.NewGfid();
        var data = Payload.CopyOf("object"u8);
        var attributes = XData.Rent();
        attributes.SetBytes("user.kind"u8, "test"u8);
        var fop = new PutFop
        {
            Parent = Gfid.Root,
            Name = "o",
            Mode = 0x1A4,
            Data = data,
            Xattrs = attributes,
            XData = StorageRig.WithGfid(gfid),
        };
        Assert.Equal(6u, StorageRig.Ok(Rig.Store.Put(in fop, Rig.Caller), r => r.Iatt.Size));
        data.Release();
        Assert.Equal("object", Rig.Text(gfid));
        Assert.Equal("test"u8.ToArray(), Rig.Getxattr(gfid, "user.kind"));
    }

    [Fact]
    public void FsyncAndFlushSucceed()
    {
        var fd = Rig.Create(Gfid.Root, "f");
        Rig.Write(fd, 0, "x");
        Assert.Equal(1u, StorageRig.Ok(Rig.Store.Fsync(new FsyncFop { Gfid = fd.Gfid, Fd = fd }, Rig.Caller), r => r.Post.Size));
        StorageRig.Ok(Rig.Store.Fsync(new FsyncFop { Gfid = fd.Gfid, Fd = fd, DataOnly = 1 }, Rig.Caller), r => r.Error);
        StorageRig.Ok(Rig.Store.Flush(new FlushFop { Gfid = fd.Gfid, Fd = fd }, Rig.Caller), r => r.Error);
        var directory = Rig.Opendir(Gfid.Root);
        StorageRig.Ok(Rig.Store.Fsyncdir(new FsyncdirFop { Gfid = Gfid.Root, Fd = directory }, Rig.Caller), r => r.Error);
        Rig.Release(directory);
        Rig.Release(fd);
    }

    private Errno TryOpen(Gfid gfid) =>
        StorageRig.Outcome(Rig.Store.Open(new OpenFop { Gfid = gfid, Flags = OpenFlags.ReadOnly, Fd = Rig.NewFd(gfid) }, Rig.Caller));

    private Errno TryCreate(Name name, uint flags, XData? xdata = null) => StorageRig.Outcome(Rig.Store.Create(
        new CreateFop
        {
            Parent = Gfid.Root,
            Name = name,
            Mode = 0x1A4,
            Flags = flags,
            Fd = Rig.NewFd(Gfid.Null, flags),
            XData = xdata ?? StorageRig.WithGfid(StorageRig.NewGfid()),
        },
        Rig.Caller));

    private long Seek(Fd fd, long offset, SeekKind kind)
    {
        var reply = StorageRig.Wait(Rig.Store.Seek(
            new SeekFop { Gfid = fd.Gfid, Fd = fd, Offset = offset, Kind = kind }, Rig.Caller));
        var result = reply.IsOk ? reply.Offset : -(long)reply.Error;
        reply.Release();
        return result;
    }
}
