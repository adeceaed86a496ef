using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features.Upcall;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>Who has looked at an inode within the time hears of the next change by somebody else, before it is answered.</summary>
public sealed class UpcallTests
{
    private const int TimeoutSeconds = 60;

    private static readonly Gfid File = new(1, 2);
    private static readonly Gfid Folder = new(3, 4);
    private readonly ManualTime _time = new();
    private readonly List<GraphEvent> _events = [];
    private readonly Script _script;
    private readonly Upcall _upcall;
    private readonly ClientIdentity _a = new("a", "a");
    private readonly ClientIdentity _b = new("b", "b");

    public UpcallTests()
    {
        var below = ScriptedTranslator.Create(_time, out _script);
        _upcall = (Upcall)Upcall.Registration.Create(TestPlace.For(
            _time, Upcall.Registration, below, slot: 1, listener: _events.Add, options: ("cache-invalidation", "on")));
        _script.Answers[FopCode.Lookup] = () =>
        {
            var reply = LookupReply.Rent();
            reply.Iatt.Gfid = File;
            return reply;
        };
    }

    [Fact]
    public async Task WhoHasLookedIsToldOnceOfAChangeByAnother()
    {
        await StatAsync(_a);
        await WriteAsync(_b);
        var told = Assert.Single(_events);
        Assert.Equal((GraphEventKind.Invalidate, File, (uint)TimeoutSeconds), (told.Kind, told.Gfid, told.Seconds));
        Assert.Same(_a, told.Only);
        Assert.NotEqual(0u, told.Flags & 0x8); // Size.
        Assert.NotEqual(0u, told.Flags & 0x2000); // Drop what you have.
        await WriteAsync(_b);
        Assert.Single(_events);
        await StatAsync(_a);
        await WriteAsync(_b);
        Assert.Equal(2, _events.Count);
    }

    [Fact]
    public async Task NobodyIsToldOfItsOwnChange()
    {
        await StatAsync(_a);
        await WriteAsync(_a);
        Assert.Empty(_events);
        await WriteAsync(_b); // Writing has shown attributes to both.
        Assert.Same(_a, Assert.Single(_events).Only);
        await WriteAsync(_a);
        Assert.Same(_b, _events[^1].Only);
    }

    [Fact]
    public async Task WhatIsChangedIsToldBeforeItIsAnswered()
    {
        await StatAsync(_a);
        _script.Hold = true;
        var writing = WriteAsync(_b);
        Assert.Empty(_events);
        _script.Held.Single()();
        Assert.True(writing.IsCompleted);
        Assert.Single(_events);
        await writing;
    }

    /// <summary>Its look was done before the change, and is answered after it.</summary>
    [Fact]
    public async Task AChangeDuringALookIsTold()
    {
        _script.Hold = true;
        var looking = StatAsync(_a);
        _script.Hold = false;
        await WriteAsync(_b);
        Assert.Same(_a, Assert.Single(_events).Only);
        _script.Held.Single()();
        await looking;
        await WriteAsync(_b); // It may have seen the first change, so it is told of the second.
        Assert.Same(_a, _events[^1].Only);
        Assert.True(_events.Count >= 2);
    }

    /// <summary>Which inode a name stands for is known only when it has been found.</summary>
    [Fact]
    public async Task AChangeDuringALookUpByNameIsTold()
    {
        _script.Hold = true;
        var looking = LookupAsync(_a);
        _script.Hold = false;
        await WriteAsync(_b);
        Assert.Empty(_events);
        _script.Held.Single()();
        await looking;
        Assert.Equal((File, _a), (_events.Single().Gfid, _events.Single().Only));
    }

    [Fact]
    public async Task ANewNameIsToldToWhoHasLookedForIt()
    {
        _script.Answers[FopCode.Lookup] = () => LookupReply.Fail(Errno.ENOENT);
        await LookupAsync(_a);
        (await _upcall.Mkdir(new MkdirFop { Parent = Folder, Name = "name" }, CallOf(_b))).Release();
        var told = Assert.Single(_events);
        Assert.Equal((Folder, _a), (told.Gfid, told.Only));
        Assert.NotEqual(0u, told.Flags & 0x200);
    }

    [Fact]
    public async Task WhoLosesANameIsTold()
    {
        await StatAsync(_a);
        (await _upcall.Unlink(new UnlinkFop { Parent = Folder, Name = "name" }, CallOf(_b))).Release();
        Assert.Equal((File, _a), (_events.Single().Gfid, _events.Single().Only));
        Assert.NotEqual(0u, _events[0].Flags & 0x1); // Links.
    }

    [Fact]
    public async Task AListingShowsItsEntries()
    {
        _script.Answers[FopCode.Readdirp] = () =>
        {
            var reply = ReaddirpReply.Rent();
            reply.Entries.Add("name"u8).Iatt.Gfid = File;
            return reply;
        };
        var fd = new Fd(Folder, 0, isDirectory: true, 4);
        (await _upcall.Readdirp(new ReaddirpFop { Gfid = Folder, Fd = fd, Size = 4096 }, CallOf(_a))).Release();
        await WriteAsync(_b);
        Assert.Equal((File, _a), (_events.Single().Gfid, _events.Single().Only));
    }

    [Fact]
    public async Task WhoLookedLongAgoIsNotTold()
    {
        await StatAsync(_a);
        _time.Advance(TimeoutSeconds * 1000);
        await WriteAsync(_b);
        Assert.Single(_events); // To the end of its time.
        await StatAsync(_a);
        _time.Advance(TimeoutSeconds * 1250);
        await WriteAsync(_b);
        Assert.Single(_events);
    }

    [Fact]
    public async Task WhoHasLeftIsNotTold()
    {
        await StatAsync(_a);
        _a.IsGone = true;
        await WriteAsync(_b);
        Assert.Empty(_events);
    }

    /// <summary>Who is forgotten for want of room is told that it will not be told.</summary>
    [Fact]
    public void WhatIsRememberedIsBounded()
    {
        const int InodesMax = 1 << 18;
        var told = new HashSet<Gfid>();
        var table = new InterestTable((_, gfid, _) => told.Add(gfid)) { TimeoutNs = long.MaxValue / 4 };
        const int More = 1000;
        for (var i = 0; i < InodesMax + More; i++)
        {
            table.Look(new Gfid(9, (ulong)i + 1), _a, i);
        }

        Assert.InRange(table.Count, InodesMax - 16, InodesMax);
        Assert.Equal(InodesMax + More, table.Count + told.Count);
        Assert.DoesNotContain(new Gfid(9, InodesMax + More), told);
        Assert.Contains(new Gfid(9, 1), told);
    }

    [Fact]
    public void TheClientsOfAnInodeAreBounded()
    {
        var told = new List<ClientIdentity>();
        var table = new InterestTable((client, _, _) => told.Add(client)) { TimeoutNs = 1_000_000 };
        var clients = Enumerable.Range(0, 257).Select(i => new ClientIdentity($"{i}", "")).ToArray();
        for (var i = 0; i < clients.Length; i++)
        {
            table.Look(File, clients[i], i);
        }

        Assert.Equal([clients[0]], told);
        table.Changed(File, 1, by: clients[5], 300);
        Assert.Equal(256, told.Distinct().Count());
        Assert.DoesNotContain(clients[5], told);
    }

    /// <summary>At a proxy: what a brick tells it is for those of its clients that have looked.</summary>
    [Fact]
    public async Task WhatIsToldFromBelowIsForWhoHasLooked()
    {
        await StatAsync(_a);
        _upcall.Notify(new GraphEvent(GraphEventKind.Invalidate, File, 0x2018), _upcall);
        Assert.Equal((_a, 0x2018u), (_events.Single().Only, _events.Single().Flags));
        _upcall.Notify(new GraphEvent(GraphEventKind.Invalidate, File, 0x2018), _upcall);
        Assert.Single(_events);
        _upcall.Notify(new GraphEvent(GraphEventKind.ChildDown), _upcall);
        Assert.Equal(GraphEventKind.ChildDown, _events[^1].Kind);
    }

    [Fact]
    public async Task OffItCostsAndTellsNothing()
    {
        await StatAsync(_a);
        Assert.True(_upcall.Reconfigure(new OptionValues(Upcall.Registration.Options, [])));
        await WriteAsync(_b);
        Assert.Empty(_events);
        Assert.Equal([FopCode.Stat, FopCode.Write], _script.Seen.Select(s => s.Code));
    }

    /// <summary>md-cache of GlusterFS says at the beginning which extended attributes it keeps.</summary>
    [Fact]
    public async Task TheWishOfMdCacheIsGranted()
    {
        var reply = await _upcall.Ipc(new IpcFop { Operation = 2 }, CallOf(_a));
        Assert.Equal(Errno.Ok, reply.Error);
        reply.Release();
        Assert.Empty(_script.Seen);
    }

    private static Call CallOf(ClientIdentity client) => new() { Client = client };

    private async Task StatAsync(ClientIdentity client) =>
        (await _upcall.Stat(new StatFop { Gfid = File }, CallOf(client))).Release();

    private async Task LookupAsync(ClientIdentity client) =>
        (await _upcall.Lookup(new LookupFop { Parent = Folder, Name = "name" }, CallOf(client))).Release();

    private async Task WriteAsync(ClientIdentity client)
    {
        var fd = new Fd(File, OpenFlags.ReadWrite, isDirectory: false, 4);
        (await _upcall.Write(new WriteFop { Gfid = File, Fd = fd }, CallOf(client))).Release();
    }
}
