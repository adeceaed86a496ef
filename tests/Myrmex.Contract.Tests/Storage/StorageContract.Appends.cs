using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>Writes on fds opened with O_APPEND: the store, not the client, knows where the end is.</summary>
public abstract partial class StorageContract
{
    private const uint AppendingFd = OpenFlags.ReadWrite | OpenFlags.Append;

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(1000)]
    public void AnAppendGoesToTheEndWhateverItsOffset(long offset)
    {
        var gfid = Rig.File(Gfid.Root, "f", "0123456789");
        var fd = Rig.Open(gfid, AppendingFd);
        var reply = Write(fd, offset, "ab", OpenFlags.Append);
        Assert.Equal((2, 10ul, 12ul), (reply.OpRet, reply.Pre.Size, reply.Post.Size));
        reply.Release();
        Assert.Equal("0123456789ab", Rig.Text(gfid));
        Rig.Release(fd);
    }

    [Fact]
    public void AFileCreatedForAppendingAppends()
    {
        var fd = Rig.Create(Gfid.Root, "f", flags: AppendingFd);
        Rig.Write(fd, 0, "one");
        Rig.Write(fd, 0, "two");
        Assert.Equal("onetwo", Rig.Text(fd.Gfid));
        Rig.Release(fd);
    }

    [Fact]
    public void TheFlagOfAWriteAloneDoesNotAppend()
    {
        var gfid = Rig.File(Gfid.Root, "f", "0123456789");
        var fd = Rig.Open(gfid);
        Rig.Write(fd, 2, "ab", OpenFlags.Append);
        Rig.Write(Fd.Anonymous(gfid), 4, "cd", OpenFlags.Append);
        Assert.Equal("01abcd6789", Rig.Text(gfid));
        Rig.Release(fd);
    }

    [Fact]
    public void InternalWritesHonourTheOffsetOfAnAppendingFd()
    {
        var gfid = Rig.File(Gfid.Root, "f", "0123456789");
        var fd = Rig.Open(gfid, AppendingFd);
        Rig.Caller.Pid = -6;
        Rig.Write(fd, 2, "ab", OpenFlags.Append);
        Rig.Caller.Pid = 0;
        Assert.Equal("01ab456789", Rig.Text(gfid));
        Rig.Release(fd);
    }

    [Fact]
    public void AnAppendIsToldToBeOne()
    {
        var gfid = Rig.File(Gfid.Root, "f", "0123456789");
        var appending = Rig.Open(gfid, AppendingFd);
        var plain = Rig.Open(gfid);
        Assert.Equal(1u, IsAppend(appending, 2));
        Assert.Equal(0u, IsAppend(plain, 2));
        Assert.Equal(1u, IsAppend(plain, 11));
        Rig.Release(appending);
        Rig.Release(plain);

        uint IsAppend(Fd fd, long offset)
        {
            var xdata = XData.Rent();
            xdata.SetUInt("glusterfs.write-is-append"u8, 1);
            var reply = Write(fd, offset, "x", xdata: xdata);
            xdata.Release();
            Assert.True(reply.XData!.TryGetInt("glusterfs.write-is-append"u8, out var answer));
            reply.Release();
            return (uint)answer;
        }
    }

    [Theory]
    [InlineData(100_000, 0u)]
    [InlineData(5000, OpenFlags.DataSync)]
    [InlineData(5000, OpenFlags.Sync)]
    [InlineData(8192, OpenFlags.Direct)]
    public void LargeSynchronousAndDirectAppendsArriveWhole(int size, uint flags)
    {
        var content = new byte[size];
        new Random(size).NextBytes(content);
        var gfid = Rig.File(Gfid.Root, "f", "abc");
        var fd = Rig.Open(gfid, AppendingFd | flags);
        Rig.Write(fd, 0, content, flags);
        Rig.Write(fd, 0, content, flags);
        Assert.Equal([.. "abc"u8, .. content, .. content], Rig.Read(Fd.Anonymous(gfid), 0, 1 << 20));
        Rig.Release(fd);
    }

    [Fact]
    public async Task AppendsOfManyWritersNeverOverlap()
    {
        const int Writers = 4;
        const int Records = 300;
        var gfid = Rig.File(Gfid.Root, "f");
        var places = await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(() => AppendRecords(gfid, w, Records))));
        var content = Rig.Read(Fd.Anonymous(gfid), 0, 64 << 20);
        Assert.Equal(places.SelectMany(p => p).Sum(p => p.Record.Length), content.Length);
        foreach (var (offset, record) in places.SelectMany(p => p))
        {
            Assert.Equal(record, Encoding.ASCII.GetString(content, (int)offset, record.Length));
        }
    }

    /// <summary>Appends records of one writer, now and then one that goes to a worker; where the answers say they are.</summary>
    private List<(long Offset, string Record)> AppendRecords(Gfid gfid, int writer, int count)
    {
        var places = new List<(long, string)>();
        var fd = Rig.Open(gfid, OpenFlags.WriteOnly | OpenFlags.Append);
        for (var i = 0; i < count; i++)
        {
            var record = $"<{writer}:{i}>".PadRight(i % 50 == 0 ? 70_000 : 40, (char)('a' + writer));
            var reply = Write(fd, 0, record, OpenFlags.Append);
            Assert.Equal(record.Length, reply.OpRet);
            Assert.Equal(reply.Pre.Size + (ulong)record.Length, reply.Post.Size);
            places.Add(((long)reply.Pre.Size, record));
            reply.Release();
        }

        Rig.Release(fd);
        return places;
    }

    private WriteReply Write(Fd fd, long offset, string content, uint flags = 0, XData? xdata = null)
    {
        var data = Payload.CopyOf(Encoding.UTF8.GetBytes(content));
        var fop = new WriteFop { Gfid = fd.Gfid, Fd = fd, Offset = offset, Data = data, Flags = flags, XData = xdata };
        var reply = StorageRig.Wait(Rig.Store.Write(fop, Rig.Caller));
        data.Release();
        Assert.Equal(Errno.Ok, reply.Error);
        return reply;
    }
}
