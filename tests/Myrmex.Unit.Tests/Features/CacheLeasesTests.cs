using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features.CacheLeases;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>
/// Who is promised to be told is told before a change, and the change waits for it; nobody waits for others.
/// </summary>
public sealed class CacheLeasesTests
{
    private static readonly Gfid File = new(1, 2);
    private static readonly Gfid Folder = new(3, 4);
    private readonly ManualTime _time = new();
    private readonly Script _script;
    private readonly CacheLeases _leases;
    private readonly ClientIdentity _a = new("a", "a");
    private readonly ClientIdentity _b = new("b", "b");
    private readonly List<(Gfid Gfid, ulong Number)> _told = []; // To a.

    public CacheLeasesTests()
    {
        var below = ScriptedTranslator.Create(_time, out _script);
        _leases = (CacheLeases)CacheLeases.Registration.Create(TestPlace.For(
            _time, CacheLeases.Registration, below, slot: 1, options: ("cache-leases", "on")));
        _script.Answers[FopCode.Lookup] = () =>
        {
            var reply = LookupReply.Rent();
            reply.Iatt.Gfid = File;
            return reply;
        };
        Assert.True(Renew(_a) is { Generation: > 0, Milliseconds: > 0 });
    }

    [Fact]
    public async Task AChangeWaitsForWhoHasLooked()
    {
        await StatAsync(_a);
        var writing = WriteAsync(_b);
        Assert.False(writing.IsCompleted);
        Assert.Equal(0, Calls(FopCode.Write));
        var (gfid, number) = Assert.Single(_told);
        Assert.Equal(File, gfid);
        _leases.Handled(_a, number);
        await writing;
        await WriteAsync(_b); // It keeps nothing any more.
        Assert.Single(_told);
    }

    [Fact]
    public async Task AnotherChangeWaitsToo()
    {
        await StatAsync(_a);
        var (one, other) = (WriteAsync(_b), WriteAsync(_b));
        Assert.False(one.IsCompleted || other.IsCompleted);
        _leases.Handled(_a, Assert.Single(_told).Number);
        await one;
        await other;
    }

    [Fact]
    public async Task AChangeWaitsNoLongerThanThePromiseLasts()
    {
        await StatAsync(_a);
        var writing = WriteAsync(_b);
        _time.Advance(2_200);
        Assert.False(writing.IsCompleted);
        _time.Advance(100);
        await writing;
        var next = Renew(_a);
        Assert.Equal(2u, next.Generation); // What it kept is void.
        _leases.Handled(_a, _told[^1].Number); // Late, and of no use to anybody.
        await StatAsync(_a);
        Assert.False(WriteAsync(_b).IsCompleted);
    }

    /// <summary>It goes on saying that it is there, and does not do what it has promised.</summary>
    [Fact]
    public async Task WhoDoesNotHandleWhatItIsToldIsNotWaitedForForEver()
    {
        await StatAsync(_a);
        var writing = WriteAsync(_b);
        for (var i = 0; i < 12; i++)
        {
            _time.Advance(500);
            Renew(_a, handled: 0);
        }

        await writing;
        Assert.Equal(2u, Renew(_a).Generation);
    }

    [Fact]
    public async Task AConnectionThatHasGoneIsWaitedForAsWell()
    {
        await StatAsync(_a);
        _a.IsGone = true; // Its other end may not know yet.
        var writing = WriteAsync(_b);
        Assert.False(writing.IsCompleted);
        Assert.Equal(default, Renew(_a));
        _time.Advance(2_300);
        await writing;
    }

    [Fact]
    public async Task WhoChangesWhatItNamesIsToldAndNotWaitedFor()
    {
        await StatAsync(_a);
        await WriteAsync(_a);
        Assert.Equal((File, 0UL), Assert.Single(_told));
    }

    /// <summary>It has not dropped what it does not know to be changing.</summary>
    [Fact]
    public async Task WhoTakesANameIsWaitedForWithTheInodeOfTheName()
    {
        await StatAsync(_a);
        var unlinking = _leases.Unlink(new UnlinkFop { Parent = Folder, Name = "name" }, CallOf(_a)).AsTask();
        Assert.False(unlinking.IsCompleted);
        var (gfid, number) = Assert.Single(_told);
        Assert.Equal(File, gfid);
        _leases.Handled(_a, number);
        (await unlinking).Release();
    }

    /// <summary>What it answers may be the state before or after: it is not to be kept.</summary>
    [Fact]
    public async Task ALookThatOverlapsWithAChangeIsNotGranted()
    {
        _script.Hold = true;
        var looking = StatAsync(_a);
        _script.Hold = false;
        await WriteAsync(_b);
        Assert.Empty(_told);
        _script.Held.Single()();
        Assert.Equal((File, 0UL), Assert.Single(_told));
        await looking;
    }

    [Fact]
    public async Task ALookWithinAChangeIsNotGranted()
    {
        _script.Hold = true;
        var writing = WriteAsync(_b);
        _script.Hold = false;
        await StatAsync(_a);
        Assert.Equal((File, 0UL), Assert.Single(_told));
        _script.Held.Single()();
        await writing;
    }

    /// <summary>Else one would take the inode away that the other has looked up.</summary>
    [Fact]
    public async Task ChangesOfOneNameGoOneAfterTheOther()
    {
        await StatAsync(_a);
        var unlinking = _leases.Unlink(new UnlinkFop { Parent = Folder, Name = "name" }, CallOf(_b)).AsTask();
        var making = _leases.Mknod(new MknodFop { Parent = Folder, Name = "name" }, CallOf(_b)).AsTask();
        var another = _leases.Mknod(new MknodFop { Parent = Folder, Name = "another" }, CallOf(_b)).AsTask();
        Assert.True(another.IsCompleted);
        Assert.Equal(1, Calls(FopCode.Mknod));
        _leases.Handled(_a, Assert.Single(_told).Number);
        (await unlinking).Release();
        (await making).Release();
        (await another).Release();
        Assert.Equal(2, Calls(FopCode.Mknod));
    }

    /// <summary>Who is forgotten is told, and until it has heard that nothing changes.</summary>
    [Fact]
    public async Task WhoIsForgottenForWantOfRoomIsWaitedForWithAnyInode()
    {
        var table = new LeaseTable();
        var holder = new LeaseHolder(
            new LeaseState(TestPlace.Seams(_time), terms: null), 1, LeaseSpan.Alone(_time.MonotonicNs),
            (gfid, number) => _told.Add((gfid, number)), told: 0);
        for (var i = 0UL; i < CacheLeaseLimits.InodesMax * 2; i++)
        {
            table.Seen(new Gfid(i << 7, i * 0x9E37), holder, since: 0, nowNs: 0);
        }

        Assert.InRange(table.Count, 1, CacheLeaseLimits.InodesMax);
        var last = holder.Forgotten();
        Assert.Equal(_told[^1].Number, last);
        holder.Handled(last - 1);
        Assert.Equal(last, holder.Forgotten());
        holder.Handled(last);
        Assert.Equal(0UL, holder.Forgotten());
        await holder.HandledAsync(last);
    }

    [Fact]
    public async Task AProcessThatHasJustBegunWaitsForWhatTheOneBeforeItHasPromised()
    {
        _leases.Start();
        var writing = WriteAsync(_b);
        _time.Advance(2_200);
        Assert.False(writing.IsCompleted);
        _time.Advance(100);
        await writing;
    }

    [Fact]
    public async Task WhatWasPromisedIsKeptWhenItIsSwitchedOff()
    {
        await StatAsync(_a);
        Assert.True(_leases.Reconfigure(new OptionValues(
            CacheLeases.Registration.Options, new Dictionary<string, string> { ["cache-leases"] = "off" })));
        Assert.Equal(default, Renew(_a));
        var writing = WriteAsync(_b);
        Assert.False(writing.IsCompleted);
        _time.Advance(2_300);
        await writing;
        _time.Advance(5_000);
        await StatAsync(_a);
        await WriteAsync(_b);
        Assert.Single(_told);
    }

    private CacheGrant Renew(ClientIdentity client, ulong handled = 0) => _leases.Renew(
        client, handled, (gfid, number) => _told.Add((gfid, number)));

    private int Calls(FopCode code) => _script.Seen.Count(c => c.Code == code);

    private async Task StatAsync(ClientIdentity client) =>
        (await _leases.Stat(new StatFop { Gfid = File }, CallOf(client))).Release();

    private async Task WriteAsync(ClientIdentity client)
    {
        var call = CallOf(client);
        (await _leases.Write(new WriteFop { Gfid = File, Fd = call.AnonymousFd(File) }, call)).Release();
    }

    private static Call CallOf(ClientIdentity client) => new() { Client = client };
}
