using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features.Leases;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>
/// Leases at a plain brick of clients behind proxies: they are told apart though they come over one connection, and what they have lives
/// as long as they do. Time is the test's.
/// </summary>
public sealed class ProxiedLeasesTests
{
    private const long GraceMs = 10_000;

    private static readonly Gfid File = new(1, 2);
    private static readonly Gfid Id = new(0xA, 0xA);
    private static readonly Gfid Other = new(0xB, 0xB);
    private readonly ManualTime _time = new();
    private readonly List<GraphEvent> _events = [];
    private readonly Leases _leases;
    private readonly ClientIdentity _proxy = new("proxy", "p");
    private readonly ClientIdentity _next = new("next", "n");

    public ProxiedLeasesTests()
    {
        var below = ScriptedTranslator.Create(_time, out _);
        _leases = (Leases)Leases.Registration.Create(TestPlace.For(
            _time, Leases.Registration, below, slot: 1, listener: _events.Add, options: ("leases", "on")));
    }

    [Fact]
    public async Task TheSameIdOfTwoClientsBehindOneProxyIsTwo()
    {
        await OpenAsync(_proxy, Name(1, 1), OpenFlags.ReadOnly);
        var fd = await OpenAsync(_proxy, Name(2, 1), OpenFlags.ReadWrite);
        Assert.Equal(Errno.EPERM, await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Set));
        await ReleaseAsync(_proxy, fd);
        Assert.Equal(Errno.Ok, await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Set));
        Assert.Equal(Errno.Ok, await LeaseAsync(_proxy, Name(2, 1), LeaseCommand.Unlock)); // Its own, of which it has none.
        Assert.Equal(1, Held());
    }

    /// <summary>What is done on an open file is done by the client that has opened it, whatever id it says.</summary>
    [Fact]
    public async Task WhatAnotherClientDoesByTheSameIdWaits()
    {
        var mine = await GrantAsync(_proxy, Name(1, 1), LeaseType.Read);
        var fd = new Fd(File, OpenFlags.ReadOnly, isDirectory: false, 4) { Client = _proxy };
        Assert.Equal(Errno.Ok, await EndAsync(_leases.Open(
            new OpenFop { Gfid = File, Flags = OpenFlags.ReadOnly, Fd = fd, XData = With(Name(2, 1), Id) }, new Call { Client = _proxy })));
        Assert.Equal(Errno.Ok, await WriteAsync(_proxy, Id, mine));
        Assert.Empty(_events);
        var writing = WriteAsync(_proxy, Id, fd);
        Assert.False(writing.IsCompleted);
        Assert.Equal((UInt128)1, Assert.Single(_events).Holder);
        await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Unlock, type: LeaseType.Read);
        Assert.Equal(Errno.Ok, await writing);
    }

    /// <summary>The proxy has one connection, so it is told whose lease it is.</summary>
    [Fact]
    public async Task ARecallSaysWhoseItIs()
    {
        await GrantAsync(_proxy, Name(1, 1));
        var writing = WriteAsync(_proxy, Other);
        Assert.False(writing.IsCompleted);
        var recall = Assert.Single(_events);
        Assert.Equal((GraphEventKind.RecallLease, Id, (UInt128)1), (recall.Kind, recall.LeaseId, recall.Holder));
        Assert.Same(_proxy, recall.Only);
        await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Unlock);
        Assert.Equal(Errno.Ok, await writing);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TheLossOfTheProxyEndsALeaseWhenTheGraceIsOver(bool mayReturn)
    {
        await GrantAsync(_proxy, Name(1, mayReturn ? 1u : 0u));
        Lose(_proxy);
        var writing = WriteAsync(_next, Other);
        _time.Advance(GraceMs - 1_000);
        Assert.False(writing.IsCompleted);
        _time.Advance(1_100);
        Assert.Equal(Errno.Ok, await writing);
    }

    [Fact]
    public async Task AClientThatComesThroughTheNextProxyHasItStill()
    {
        var fd = await GrantAsync(_proxy, Name(1, 1));
        Lose(_proxy);
        await EndAsync(_leases.Release(new ReleaseFop { Gfid = File, Fd = fd }, new Call { Client = _proxy }));
        _time.Advance(GraceMs - 1_000);
        await OpenAsync(_next, Name(1, 2), OpenFlags.ReadWrite);
        Assert.Equal(Errno.Ok, await LeaseAsync(_next, Name(1, 2), LeaseCommand.Set, held: true));
        _time.Advance(10 * GraceMs);
        Assert.Equal(1, Held());
        var writing = WriteAsync(new ClientIdentity("third", "t"), Other);
        Assert.Same(_next, Assert.Single(_events).Only); // Where it is now.
        await LeaseAsync(_next, Name(1, 2), LeaseCommand.Unlock);
        Assert.Equal(Errno.Ok, await writing);
    }

    [Fact]
    public async Task WhatIsNotHeldAnyMoreIsNotGrantedAnew()
    {
        Assert.Equal(Errno.ENOLCK, await LeaseAsync(_next, Name(1, 2), LeaseCommand.Set, held: true));
        await GrantAsync(_proxy, Name(1, 1), LeaseType.Read);
        Assert.Equal(Errno.ENOLCK, await LeaseAsync(_next, Name(1, 2), LeaseCommand.Set, held: true)); // A stronger one.
        Assert.Equal(Errno.ENOLCK, await LeaseAsync(_next, Name(2, 2), LeaseCommand.Set, held: true));
        Lose(_proxy);
        _time.Advance(GraceMs + 100);
        Assert.Equal(0, Held());
    }

    /// <summary>Recalled at the proxy that is lost: its client hears it from the next one, and its time does not begin anew.</summary>
    [Fact]
    public async Task ARecallIsSentAgainThroughTheNextProxy()
    {
        await GrantAsync(_proxy, Name(1, 1));
        var writing = WriteAsync(_next, Other);
        Assert.Single(_events);
        Lose(_proxy);
        _time.Advance(5_000);
        await OpenAsync(_next, Name(1, 2), OpenFlags.ReadWrite, nonBlock: false);
        Assert.Equal(Errno.Ok, await LeaseAsync(_next, Name(1, 2), LeaseCommand.Set, held: true));
        Assert.Equal(2, _events.Count);
        Assert.Same(_next, _events[1].Only);
        _time.Advance(54_000);
        Assert.False(writing.IsCompleted);
        _time.Advance(1_100); // 60 s after it was told first.
        Assert.Equal(Errno.Ok, await writing);
    }

    [Fact]
    public async Task WhatComesLateFromAFormerProxyIsRefused()
    {
        await GrantAsync(_proxy, Name(1, 1));
        Assert.Equal(Errno.Ok, await LeaseAsync(_next, Name(1, 2), LeaseCommand.Set, held: true));
        Assert.Equal(Errno.ECANCELED, await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Set));
        Assert.Equal(Errno.ECANCELED, await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Set, held: true));
        Assert.Equal(Errno.Ok, await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Unlock));
        Assert.Equal(1, Held());
    }

    /// <summary>Also when the former proxy, which hangs, closes its files only now.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatIsClosedAtAFormerProxyEndsNothing(bool isGone)
    {
        var fd = await GrantAsync(_proxy, Name(1, 1));
        await OpenAsync(_next, Name(1, 2), OpenFlags.ReadWrite);
        Assert.Equal(Errno.Ok, await LeaseAsync(_next, Name(1, 2), LeaseCommand.Set, held: true));
        _proxy.IsGone = isGone;
        await ReleaseAsync(_proxy, fd);
        Lose(_proxy);
        _time.Advance(2 * GraceMs);
        Assert.Equal(1, Held());
    }

    [Fact]
    public async Task AFileThatIsClosedInAnOrderlyWayEndsItsLeaseAtOnce()
    {
        var fd = await GrantAsync(_proxy, Name(1, 1));
        await ReleaseAsync(_proxy, fd);
        Assert.Equal(0, Held());
    }

    /// <summary>The proxy is there, and says that the client has gone without a word.</summary>
    [Theory]
    [InlineData(1u, 1)]
    [InlineData(0u, 0)]
    public async Task AClientThatVanishesKeepsItsLeaseForAWhileWhenItMayReturn(uint epoch, int held)
    {
        var fd = await GrantAsync(_proxy, Name(1, epoch));
        var xdata = XData.Rent();
        xdata.SetInt(LockSession.LeftKey, 1);
        await EndAsync(_leases.Release(new ReleaseFop { Gfid = File, Fd = fd, XData = xdata }, new Call { Client = _proxy }));
        Assert.Equal(held, Held());
        _time.Advance(GraceMs + 100);
        Assert.Equal(0, Held());
    }

    /// <summary>A lease without an open file by its id goes with no RELEASE.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(LockSession.LeftForGood, 0)]
    public async Task AProxyGivesUpWhatAClientHasLeft(int how, int held)
    {
        Assert.Equal(Errno.Ok, await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Set));
        Assert.Equal(Errno.Ok, await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Set)); // However often it was set.
        Assert.Equal(Errno.Ok, await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Unlock, left: how));
        Assert.Equal(held, Held());
        _time.Advance(GraceMs + 100);
        Assert.Equal(0, Held());
    }

    /// <summary>Its client has a proxy again, and does not want the lease any more: it was told that it is lost.</summary>
    [Fact]
    public async Task WhatIsGivenUpThroughTheNextProxyEnds()
    {
        await GrantAsync(_proxy, Name(1, 1));
        Assert.Equal(Errno.Ok, await LeaseAsync(_next, Name(1, 2), LeaseCommand.Unlock, left: LockSession.LeftForGood));
        Assert.Equal(0, Held());
        await LeaseAsync(_next, Name(1, 2), LeaseCommand.Set);
        await LeaseAsync(_proxy, Name(1, 1), LeaseCommand.Unlock, left: LockSession.LeftForGood);
        Assert.Equal(1, Held()); // That is late.
    }

    [Fact]
    public async Task AnAdministratorSeesWhoHasWhat()
    {
        await GrantAsync(_proxy, Name(1, 1));
        _time.Advance(5_000);
        var report = Assert.Single(_leases.ReportLeases(10));
        Assert.Equal((File, Id, LeaseType.ReadWrite, (UInt128)1, 5_000L), (report.Gfid, report.Id, report.Type, report.Holder, report.HeldMs));
        Assert.Equal((_proxy, false, 0), (Assert.Single(report.Clients), report.IsRecalled, report.Waiting));
        _ = WriteAsync(_next, Other);
        Lose(_proxy);
        report = Assert.Single(_leases.ReportLeases(10));
        Assert.Empty(report.Clients); // It is away.
        Assert.Equal((true, 1), (report.IsRecalled, report.Waiting));
        Assert.Empty(_leases.ReportLeases(0));
    }

    private static LockSession Name(ulong id, uint epoch) => new(id, epoch, default);

    private static XData With(LockSession name, Gfid id)
    {
        var xdata = XData.Rent();
        name.WriteTo(xdata);
        xdata.SetBytes(LeaseKeys.Id, id.ToArray());
        return xdata;
    }

    private async Task<Fd> GrantAsync(ClientIdentity client, LockSession name, uint type = LeaseType.ReadWrite)
    {
        var fd = await OpenAsync(client, name, OpenFlags.ReadWrite);
        Assert.Equal(Errno.Ok, await LeaseAsync(client, name, LeaseCommand.Set, type: type));
        return fd;
    }

    private async Task<Fd> OpenAsync(ClientIdentity client, LockSession name, uint flags, bool nonBlock = true)
    {
        flags |= nonBlock ? OpenFlags.NonBlock : 0;
        var fd = new Fd(File, flags, isDirectory: false, 4) { Client = client };
        Assert.Equal(Errno.Ok, await EndAsync(_leases.Open(
            new OpenFop { Gfid = File, Flags = flags, Fd = fd, XData = With(name, Id) }, new Call { Client = client })));
        return fd;
    }

    private async Task ReleaseAsync(ClientIdentity client, Fd fd) =>
        await EndAsync(_leases.Release(new ReleaseFop { Gfid = File, Fd = fd }, new Call { Client = client }));

    private Task<Errno> LeaseAsync(
        ClientIdentity client, LockSession name, uint command, bool held = false, int left = 0, uint type = LeaseType.ReadWrite)
    {
        var xdata = XData.Rent();
        name.WriteTo(xdata);
        if (held)
        {
            xdata.SetInt(LockSession.HeldKey, 1);
        }

        if (left > 0)
        {
            xdata.SetInt(LockSession.LeftKey, left);
        }

        return EndAsync(_leases.Lease(
            new LeaseFop { Gfid = File, Lease = new Lease(command, type, Id, 0), XData = xdata }, new Call { Client = client }));
    }

    private Task<Errno> WriteAsync(ClientIdentity client, Gfid id, Fd? fd = null)
    {
        var xdata = XData.Rent();
        xdata.SetBytes(LeaseKeys.Id, id.ToArray());
        return EndAsync(_leases.Write(new WriteFop { Gfid = File, Fd = fd ?? Fd.Anonymous(File), XData = xdata }, new Call { Client = client }));
    }

    private void Lose(ClientIdentity client)
    {
        client.IsGone = true;
        _leases.ClientGone(client);
    }

    private int Held()
    {
        var dump = new StateDump();
        _leases.DumpState(dump);
        var line = dump.ToString().Split('\n').Single(l => l.StartsWith("leases=", StringComparison.Ordinal));
        return int.Parse(line["leases=".Length..], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<Errno> EndAsync<TReply>(ValueTask<TReply> task)
        where TReply : Reply
    {
        var reply = await task;
        var error = reply.Error;
        reply.Release();
        return error;
    }
}
