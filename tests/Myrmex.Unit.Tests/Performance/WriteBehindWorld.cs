using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Performance;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>
/// One file behind write-behind, the model of what it must contain, a server that works when it likes, and a driver that lets it.
/// Every fop checks its answer against the model.
/// </summary>
internal sealed class WriteBehindWorld
{
    public static readonly Gfid File = new(1, 2);

    private readonly ManualTime _time = new();
    private readonly long _outstandingAtStart = PayloadPool.Shared.OutstandingBytes;
    private readonly int _spanBytes;
    private byte _stamp;

    public WriteBehindWorld(int seed, int spanBytes = 60_000, params (string Key, string Value)[] options)
    {
        // Everything runs on the thread of the test, continuations too.
        SynchronizationContext.SetSynchronizationContext(null);
        _spanBytes = spanBytes;
        Random = new Random(seed);
        Store = new LateStore(_time);
        Store.Files[File] = new LateFile();
        Store.Names["file"] = File;
        var defaults = new[]
        {
            ("pass-through", "off"), ("cache-size", "65536"), ("aggregate-size", "8KB"), ("hold-time", "0"),
        };
        WriteBehind = (WriteBehind)WriteBehind.Registration.Create(TestPlace.For(
            _time, WriteBehind.Registration, Store, slot: 1, options: options.Length > 0 ? options : defaults));
    }

    public Random Random { get; }

    public LateStore Store { get; }

    public WriteBehind WriteBehind { get; }

    public Call Call { get; } = Call.Rent();

    public List<byte> Model { get; } = [];

    public static Fd NewFd(uint flags = OpenFlags.ReadWrite) => new(File, flags, false, 2);

    /// <summary>Lets time pass, in milliseconds.</summary>
    public void Advance(long ms) => _time.Advance(ms);

    public int RandomOffset() => Random.Next(3) == 0 ? Model.Count : Random.Next(_spanBytes);

    /// <summary>Lets the server work at random until the applications are through; some writes may be left under way.</summary>
    public void Run(Task applications)
    {
        for (var i = 0; !applications.IsCompleted; i++)
        {
            Assert.False(Store.IsIdle, "the applications wait for ever");
            Assert.True(i < 1_000_000);
            Store.Step(Random);
        }

        if (applications.Exception is { } exception)
        {
            throw exception;
        }
    }

    public async Task WriteAsync(Fd fd, int offset, int count)
    {
        var stamp = NextStamp();
        Overlay(offset, count, stamp);
        Assert.Equal(Errno.Ok, await SendAsync(fd, offset, count, stamp));
    }

    public Task<Errno> TryWriteAsync(Fd fd, int offset, int count) => SendAsync(fd, offset, count, NextStamp());

    /// <summary>A run of small adjacent writes, as a program makes that writes line by line.</summary>
    public async Task WriteRunAsync(Fd fd)
    {
        var offset = RandomOffset();
        for (var i = Random.Next(2, 40); i > 0; i--)
        {
            var count = Random.Next(1, 400);
            await WriteAsync(fd, offset, count);
            offset += count;
        }
    }

    public async Task ReadAsync(Fd fd, int offset, int count)
    {
        var expected = Model.Skip(offset).Take(count).ToArray();
        var fop = new ReadFop { Gfid = File, Fd = fd, Offset = offset, Size = (uint)count };
        var reply = await WriteBehind.Read(fop, Call);
        Assert.True(reply.IsOk);

        // Others may extend the file meanwhile, with zeros in this part; nothing may be missing.
        var actual = reply.Data.Span.ToArray();
        Assert.True(actual.Length >= expected.Length);
        Assert.Equal(expected, actual[..expected.Length]);
        reply.Release();
    }

    public async Task StatAsync()
    {
        var size = (ulong)Model.Count;
        var reply = await WriteBehind.Stat(new StatFop { Gfid = File }, Call);
        Assert.Equal(size, reply.Iatt.Size);
        reply.Release();
    }

    public async Task<Errno> StatOutcomeAsync()
    {
        var reply = await WriteBehind.Stat(new StatFop { Gfid = File }, Call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    public async Task TruncateAsync(Fd fd, int length)
    {
        Overlay(length, 0, 0);
        Model.RemoveRange(length, Model.Count - length);
        var fop = new FtruncateFop { Gfid = File, Fd = fd, Offset = length };
        (await WriteBehind.Ftruncate(fop, Call)).Release();
    }

    public async Task LookAsync()
    {
        var size = (ulong)Model.Count;
        if (Random.Next(2) == 0)
        {
            var lookup = await WriteBehind.Lookup(new LookupFop { Parent = Gfid.Root, Name = "file" }, Call);
            Assert.Equal(size, lookup.Iatt.Size);
            lookup.Release();
            return;
        }

        var directory = new Fd(Gfid.Root, 0, true, 2);
        var listing = await WriteBehind.Readdirp(new ReaddirpFop { Gfid = Gfid.Root, Fd = directory }, Call);
        Assert.True(listing.Entries[0].Iatt.IsNull || listing.Entries[0].Iatt.Size == size);
        listing.Release();
    }

    public async Task<Errno> FlushAsync(Fd fd)
    {
        var reply = await WriteBehind.Flush(new FlushFop { Gfid = fd.Gfid, Fd = fd }, Call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    public async Task<Errno> FsyncAsync(Fd fd)
    {
        var reply = await WriteBehind.Fsync(new FsyncFop { Gfid = fd.Gfid, Fd = fd }, Call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    public async Task ReleaseAsync(Fd fd) =>
        (await WriteBehind.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, Call)).Release();

    public void CheckContent()
    {
        while (!Store.IsIdle)
        {
            Store.Step(Random);
        }

        Assert.Equal(Model, Store.Files[File].Bytes);
    }

    public void CheckNothingIsLeft()
    {
        Assert.True(Store.IsIdle);
        Assert.Equal(_outstandingAtStart, PayloadPool.Shared.OutstandingBytes);
        var dump = new StateDump();
        WriteBehind.DumpState(dump);
        Assert.Contains("answered-bytes=0", dump.ToString());
        Assert.DoesNotContain("file.", dump.ToString());
    }

    private byte NextStamp() => ++_stamp == 0 ? ++_stamp : _stamp;

    private void Overlay(int offset, int count, byte stamp)
    {
        while (Model.Count < offset + count)
        {
            Model.Add(0);
        }

        for (var i = 0; i < count; i++)
        {
            Model[offset + i] = stamp;
        }
    }

    private async Task<Errno> SendAsync(Fd fd, int offset, int count, byte stamp)
    {
        var data = Payload.CopyOf(Enumerable.Repeat(stamp, count).ToArray());
        var fop = new WriteFop { Gfid = File, Fd = fd, Offset = offset, Data = data };
        var reply = await WriteBehind.Write(fop, Call);
        var (error, written) = (reply.Error, reply.OpRet);
        reply.Release();

        // A buffer that is ours alone again is written over, as its next user would.
        if (data.Buffer!.References == 1)
        {
            data.Span.Fill(0xEE);
        }

        data.Release();
        Assert.True(error != Errno.Ok || written == count);
        return error;
    }
}
