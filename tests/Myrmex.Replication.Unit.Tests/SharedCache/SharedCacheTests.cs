using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>What a proxy keeps, and how a brick takes it away again before others see something else.</summary>
public sealed class SharedCacheTests : IDisposable
{
    private const int LeaseMs = 2_250;

    private readonly CacheBed _bed = new(1);

    public SharedCacheTests()
    {
        Make("file");
        _bed.WaitForLeases();
    }

    public void Dispose() => Array.ForEach(_bed.Proxies, p => p.Cache!.Store.Close()); // They have one.

    private CacheUser Proxy => _bed.Proxies[0];

    [Fact]
    public void ASecondLookIsAnsweredFromMemory()
    {
        Assert.Equal(CacheBed.GfidOf("file"), Lookup(Proxy, "file").Gfid);
        Assert.Equal(0, Proxy.Hits);
        Assert.Equal(0, _bed.Time(() => Assert.Equal(CacheBed.GfidOf("file"), Lookup(Proxy, "file").Gfid)));
        Stat(Proxy, "file");
        Stat(Proxy, "file");
        Assert.Equal(2, Proxy.Hits);
    }

    [Fact]
    public void ANameThatIsMissingIsKnownToBeUntilItIsMade()
    {
        Assert.True(Lookup(Proxy, "new").IsNull);
        Assert.True(Lookup(Proxy, "new").IsNull);
        Assert.Equal(1, Proxy.Hits);
        Make("new");
        Assert.Equal(CacheBed.GfidOf("new"), Lookup(Proxy, "new").Gfid);
    }

    [Fact]
    public void AChangeByAClientOfTheBrickIsSeenAtOnce()
    {
        for (var mode = 0x8180u; mode < 0x81A0; mode++)
        {
            SetMode(_bed.Direct, mode);
            Assert.Equal(mode, ModeOf(Proxy));
            Assert.Equal(mode, ModeOf(Proxy));
        }

        Assert.Equal(0x20, Proxy.Hits);
    }

    [Fact]
    public void AChangeThroughAnotherProxyIsSeenAtOnce()
    {
        for (var mode = 0x8180u; mode < 0x81A0; mode++)
        {
            SetMode(_bed.Proxies[mode % 2], mode);
            Assert.Equal((mode, mode), (ModeOf(_bed.Proxies[0]), ModeOf(_bed.Proxies[1])));
        }
    }

    [Fact]
    public void NothingIsKeptOfWhatIsLookedAtWhileItChanges()
    {
        for (var i = 0; i < 200; i++)
        {
            var mode = 0x8180u + (uint)(i % 2);
            var looking = Proxy.Begin((top, call) => top.Stat(new StatFop { Gfid = CacheBed.GfidOf("file") }, call));
            _bed.World.RunFor(_bed.World.Random.Below(4));
            SetMode(_bed.Proxies[i / 2 % 2], mode);
            Assert.Equal(mode, ModeOf(Proxy));
            _bed.End(looking).Release();
            Assert.Equal(mode, ModeOf(Proxy));
        }
    }

    [Fact]
    public void ContentIsReadFromMemoryInPages()
    {
        var bytes = new byte[200_000];
        new Random(1).NextBytes(bytes);
        Write(_bed.Direct, 0, bytes);
        Assert.Equal(bytes, Read(Proxy, 0, 300_000));
        Assert.Equal(0, Proxy.Hits);
        Assert.Equal(bytes[70_000..70_010], Read(Proxy, 70_000, 10));
        Assert.Equal(bytes[60_000..140_000], Read(Proxy, 60_000, 80_000));
        Assert.Equal(bytes[190_000..], Read(Proxy, 190_000, 80_000));
        Assert.Empty(Read(Proxy, 200_000, 10));
        Assert.Equal(3, Proxy.Hits);
        Write(_bed.Direct, 70_001, [1, 2, 3]);
        (bytes[70_001], bytes[70_002], bytes[70_003]) = (1, 2, 3);
        Assert.Equal(bytes[70_000..70_010], Read(Proxy, 70_000, 10));
        Assert.Equal(3, Proxy.Hits);
    }

    [Fact]
    public void AnAttributeIsKeptAndThatThereIsNone()
    {
        Assert.Null(Xattr(Proxy, "user.a"));
        Assert.Null(Xattr(Proxy, "user.a"));
        SetXattr(_bed.Direct, "user.a", [1]);
        Assert.Equal([1], Xattr(Proxy, "user.a"));
        Assert.Equal([1], Xattr(Proxy, "user.a"));
        Assert.Equal(2, Proxy.Hits);
    }

    /// <summary>The inode of a name is not named by who takes the name away.</summary>
    [Fact]
    public void WhoLosesANameIsNotKeptAnyMore()
    {
        Do(_bed.Direct, (top, call) => top.Link(
            new LinkFop { Gfid = CacheBed.GfidOf("file"), NewParent = Gfid.Root, NewName = "link" }, call));
        Assert.Equal(2u, Stat(Proxy, "file").Nlink);
        Do(_bed.Proxies[0], (top, call) => top.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = "link" }, call));
        Assert.Equal(1u, Stat(Proxy, "file").Nlink);
        Make("other");
        Do(_bed.Direct, (top, call) => top.Rename(
            new RenameFop { OldParent = Gfid.Root, OldName = "other", NewParent = Gfid.Root, NewName = "file" }, call));
        Assert.NotEqual(Errno.Ok, _bed.Do(
            Proxy, (top, call) => top.Stat(new StatFop { Gfid = CacheBed.GfidOf("file") }, call)).Error);
        Assert.Equal(CacheBed.GfidOf("other"), Lookup(Proxy, "file").Gfid);
        Assert.True(Lookup(Proxy, "other").IsNull);
    }

    [Fact]
    public void AChangeOfWhatNobodyKeepsWaitsForNothing()
    {
        _bed.Proxies[1].Node.Freeze(10_000);
        Assert.InRange(_bed.Time(() => SetMode(_bed.Direct, 0x8181)), 0, 10);
        ModeOf(Proxy);
        SetMode(Proxy, 0x8182); // What it keeps itself it has dropped.
        Assert.Equal(0, _bed.Brick.Figure("waits"));
    }

    [Fact]
    public void AProxyThatStandsStillHoldsAChangeUpUntilItsPromiseIsOver()
    {
        ModeOf(Proxy);
        Proxy.Node.Freeze(20_000);
        Assert.InRange(_bed.Time(() => SetMode(_bed.Direct, 0x8181)), LeaseMs - 600, LeaseMs + 20);
        Assert.InRange(_bed.Time(() => SetMode(_bed.Direct, 0x8182)), 0, 10);
        _bed.World.RunFor(20_000);
        Assert.Equal(0x8182u, ModeOf(Proxy));
        _bed.WaitForLeases();
        ModeOf(Proxy);
        ModeOf(Proxy);
        Assert.True(Proxy.Hits > 0);
    }

    /// <summary>Its connections stay up, and it does not know that it is cut off.</summary>
    [Fact]
    public void AProxyThatIsCutOffAnswersNothingFromMemoryWhenAChangeIsDone()
    {
        ModeOf(Proxy);
        _bed.World.Network.Cut(Proxy.Node, _bed.Brick.Node);
        SetMode(_bed.Direct, 0x8181);
        var looking = Proxy.Begin((top, call) => top.Stat(new StatFop { Gfid = CacheBed.GfidOf("file") }, call));
        _bed.World.RunFor(10);
        Assert.False(looking.IsCompleted && looking.Result.IsOk);
        _bed.World.Network.MendAll();
        _bed.End(looking).Release();
    }

    [Fact]
    public void WhatWasLearntThroughAConnectionGoesWithIt()
    {
        ModeOf(Proxy);
        _bed.World.Network.DropLinks(Proxy.Node, _bed.Brick.Node);
        _bed.World.RunFor(1);
        Assert.Equal(0, Proxy.Figure("items"));
        _bed.WaitForLeases();
        Assert.Equal(0, Proxy.Figure("items"));
    }

    [Fact]
    public void ANewBrickProcessWaitsForWhatTheLastOneHasPromised()
    {
        ModeOf(Proxy);
        _bed.World.Network.Cut(Proxy.Node, _bed.Brick.Node);
        _bed.Brick.Crash();
        _bed.Brick.Restart();
        Assert.True(_bed.World.RunUntil(() => !_bed.Direct.IsUp, 1_000));
        Assert.True(_bed.World.RunUntil(() => _bed.Direct.IsUp, 10_000));
        SetMode(_bed.Direct, 0x8181);
        Assert.False(Proxy.Cache!.Store.IsValid(Proxy.Node.Clock.MonotonicNs));
    }

    [Fact]
    public void WhatIsKeptIsBoundedAndGivenBack()
    {
        var bytes = new byte[1 << 20];
        Write(_bed.Direct, 0, bytes);
        Proxy.Cache!.Store.Resize(300_000);
        for (var i = 0; i < 16; i++)
        {
            Read(Proxy, i * 65536, 65536);
        }

        Assert.InRange(Proxy.Figure("bytes"), 200_000, 300_000);
        Assert.InRange(Proxy.Cache.Store.OutstandingBytes, 190_000, 300_000);
        Read(Proxy, 15 * 65536, 65536);
        Assert.Equal(1, Proxy.Hits);
        Proxy.Stop();
        Assert.Equal((0, 0L), (Proxy.Cache.Store.Figures.Items, Proxy.Cache.Store.OutstandingBytes));
    }

    /// <summary>A brick that does not promise anything, such as GlusterFS', is asked each time.</summary>
    [Fact]
    public void WithoutAPromiseNothingIsKept()
    {
        var user = _bed.Proxies[1];
        user.Cache!.Store.Close();
        ModeOf(user);
        ModeOf(user);
        Assert.Equal((0, 0), (user.Hits, user.Figure("items")));
    }

    private void Make(string name) => Do(_bed.Direct, (top, call) => top.Mknod(CacheBed.MknodOf(name), call));

    private void Do<TReply>(CacheUser user, Func<Graph.Translator, Call, ValueTask<TReply>> fop)
        where TReply : Reply
    {
        var reply = _bed.Do(user, fop);
        Assert.Equal(Errno.Ok, reply.Error);
        reply.Release();
    }

    /// <summary>Null attributes for a name that is missing.</summary>
    private Iatt Lookup(CacheUser user, string name)
    {
        var reply = _bed.Do(user, (top, call) => top.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, call));
        Assert.True(reply.Error is Errno.Ok or Errno.ENOENT);
        var iatt = reply.Iatt;
        reply.Release();
        return iatt;
    }

    private Iatt Stat(CacheUser user, string name)
    {
        var reply = _bed.Do(user, (top, call) => top.Stat(new StatFop { Gfid = CacheBed.GfidOf(name) }, call));
        Assert.Equal(Errno.Ok, reply.Error);
        var iatt = reply.Iatt;
        reply.Release();
        return iatt;
    }

    private uint ModeOf(CacheUser user) => Stat(user, "file").Mode;

    private void SetMode(CacheUser user, uint mode) => Do(user, (top, call) => top.Setattr(
        new SetattrFop { Gfid = CacheBed.GfidOf("file"), Valid = SetattrValid.Mode, Iatt = new Iatt { Mode = mode } },
        call));

    private byte[] Read(CacheUser user, long offset, uint size)
    {
        var reply = _bed.Do(user, (top, call) => top.Read(
            new ReadFop
            {
                Gfid = CacheBed.GfidOf("file"),
                Fd = call.AnonymousFd(CacheBed.GfidOf("file")),
                Offset = offset,
                Size = size,
            },
            call));
        Assert.Equal(Errno.Ok, reply.Error);
        Assert.Equal(200_000UL, reply.Iatt.Size is 200_000 or 1 << 20 ? 200_000UL : reply.Iatt.Size);
        var bytes = reply.Data.Span.ToArray();
        reply.Release();
        return bytes;
    }

    private void Write(CacheUser user, long offset, byte[] bytes)
    {
        var data = Payload.CopyOf(bytes);
        Do(user, (top, call) => top.Write(
            new WriteFop
            {
                Gfid = CacheBed.GfidOf("file"),
                Fd = call.AnonymousFd(CacheBed.GfidOf("file")),
                Offset = offset,
                Data = data,
            },
            call));
        data.Release();
    }

    private byte[]? Xattr(CacheUser user, string name)
    {
        var reply = _bed.Do(user, (top, call) => top.Getxattr(
            new GetxattrFop { Gfid = CacheBed.GfidOf("file"), Name = name }, call));
        Assert.True(reply.Error is Errno.Ok or Errno.ENODATA);
        var bytes = reply.IsOk && reply.Values!.TryGetBytes(System.Text.Encoding.UTF8.GetBytes(name), out var value)
            ? value.ToArray() : null;
        reply.Release();
        return bytes;
    }

    private void SetXattr(CacheUser user, string name, byte[] value)
    {
        var values = XData.Rent();
        values.SetBytes(System.Text.Encoding.UTF8.GetBytes(name), value);
        Do(user, (top, call) => top.Setxattr(
            new SetxattrFop { Gfid = CacheBed.GfidOf("file"), Values = values }, call));
        values.Release();
    }
}
