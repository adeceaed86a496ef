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

/// <summary>What is promised where several servers take turns, of which the one below says in which term it serves.</summary>
public sealed class CacheTermTests
{
    private static readonly Gfid File = new(1, 2);
    private static readonly Gfid Folder = new(3, 4);
    private readonly ManualTime _time = new();
    private readonly Script _script;
    private readonly Terms _terms;
    private readonly CacheLeases _leases;
    private readonly ClientIdentity _a = new("a", "a");
    private readonly ClientIdentity _b = new("b", "b");
    private readonly List<(Gfid Gfid, ulong Number)> _told = []; // To a.

    public CacheTermTests()
    {
        var below = ScriptedTranslator.Create(_time, out _script);
        _terms = new Terms(TestPlace.For(_time, subvolume: below, slot: 1));
        _leases = (CacheLeases)CacheLeases.Registration.Create(TestPlace.For(
            _time, CacheLeases.Registration, _terms, slot: 2, options: ("cache-leases", "on")));
        _script.Answers[FopCode.Lookup] = () =>
        {
            var reply = LookupReply.Rent();
            (reply.Iatt.Gfid, reply.Error) = (File, _terms.Lookups);
            _terms.LookedUp?.Invoke();
            reply.NeedXData().SetInt("hint"u8, 7);
            return reply;
        };
        Serve(term: 5, forMs: 800);
    }

    [Fact]
    public void ItIsSaidBelowWhetherPromisesAreWanted()
    {
        Assert.True(_terms.IsWanted);
        Switch(isOn: false);
        Assert.False(_terms.IsWanted);
    }

    [Fact]
    public void NothingIsPromisedBeyondTheTimeForWhichNobodyElseCanBegin()
    {
        Assert.Equal(new CacheGrant(1, 700), Renew(_a)); // An eighth is left for clocks.
        _time.Advance(400);
        Assert.Equal(new CacheGrant(1, 350), Renew(_a));
        _time.Advance(390);
        Assert.Equal(new CacheGrant(1, 0), Renew(_a)); // No more time, but what was promised holds.
        Assert.Equal(default, Renew(_b)); // To one that has nothing there is nothing to say.
    }

    /// <summary>A leader that is to hand over, or that has not heard the others for a moment, says 0.</summary>
    [Fact]
    public void WhatWasPromisedHoldsWhileNothingMoreIs()
    {
        Renew(_a);
        _time.Advance(200);
        _terms.UntilNs = 0;
        Assert.Equal(new CacheGrant(1, 0), Renew(_a));
        Serve(term: 5, forMs: 800);
        Assert.Equal(new CacheGrant(1, 700), Renew(_a));
    }

    /// <summary>From when it was told, in all: it is there, and may have confirmed what it was told before.</summary>
    [Fact]
    public async Task OneThatRenewsAndDoesNotConfirmIsWaitedForNotMuchLonger()
    {
        var other = new Gfid(5, 6);
        Renew(_a);
        await StatAsync(_a);
        (await _leases.Stat(new StatFop { Gfid = other }, CallOf(_a))).Release();
        var writing = WriteAsync(_b, other);
        _time.Advance(20);
        var waiting = WriteAsync(_b);
        _time.Advance(20);
        Serve(term: 5, forMs: 800);
        Assert.Equal(700u, Renew(_a).Milliseconds); // What it was told a moment ago is on its way.
        _leases.Handled(_a, _told[0].Number);
        await writing;
        for (var i = 0; i < 8; i++)
        {
            Assert.False(waiting.IsCompleted);
            _time.Advance(100);
            Serve(term: 5, forMs: 800);
            Renew(_a);
        }

        await waiting;
    }

    /// <summary>Else two of them would give out the same numbers, and one be answered with what the other has said.</summary>
    [Fact]
    public async Task WhatWasPromisedInAnotherTermEndsBeforeTheNextPromise()
    {
        Renew(_a);
        await StatAsync(_a);
        var former = (LeaseHolder)_a.Grant!; // It was given one.
        Serve(term: 6, forMs: 800);
        Renew(_a);
        Assert.False(former.IsHeld());
        Assert.Equal(0UL, former.Tell(File));
        await WriteAsync(_b);
        Assert.Empty(_told);
    }

    [Fact]
    public void WhoDoesNotServeOrIsNotSurePromisesNothing()
    {
        Serve(term: 0, forMs: 800);
        Assert.Equal(default, Renew(_a));
        Serve(term: 5, forMs: -1);
        Assert.Equal(default, Renew(_a));
    }

    [Fact]
    public async Task AChangeWaitsWithinThatTimeForOneThatIsSilent()
    {
        Renew(_a);
        await StatAsync(_a);
        var writing = WriteAsync(_b);
        _time.Advance(770);
        Assert.False(writing.IsCompleted);
        _time.Advance(30);
        await writing;
    }

    [Fact]
    public async Task AnotherTermIsAnotherPromise()
    {
        Assert.Equal(1u, Renew(_a).Generation);
        Serve(term: 6, forMs: 800);
        Assert.Equal(2u, Renew(_a).Generation); // With it the client drops what it has.
        await StatAsync(_a);
        Assert.False(WriteAsync(_b).IsCompleted);
    }

    /// <summary>What one graph has noted another one does not know.</summary>
    [Fact]
    public void AnotherGraphProlongsNothing()
    {
        Renew(_a);
        var other = (CacheLeases)CacheLeases.Registration.Create(TestPlace.For(
            _time, CacheLeases.Registration, _terms, slot: 3, options: ("cache-leases", "on")));
        Assert.Equal(default, other.Renew(_a, 0, (_, _) => { })); // Until what this one waits for is over.
        _time.Advance(790);
        Serve(term: 5, forMs: 800);
        Assert.Equal(700u, other.Renew(_a, 0, (_, _) => { }).Milliseconds);
    }

    /// <summary>A new process waits for nobody: its first term begins when all that was promised is over.</summary>
    [Fact]
    public async Task AProcessThatHasJustBegunWaitsForNothing()
    {
        _leases.Start();
        await WriteAsync(_b);
    }

    /// <summary>Else one would take the inode away that somebody keeps who was not told.</summary>
    [Fact]
    public async Task ANameIsNotTakenAwayInAnotherTermThanTheOneInWhichItWasLookedUp()
    {
        Renew(_a);
        await StatAsync(_a);
        var unlinking = UnlinkAsync();
        Assert.False(unlinking.IsCompleted);
        Serve(term: 7, forMs: 800);
        _leases.Handled(_a, Assert.Single(_told).Number);
        Assert.Equal((Errno.EAGAIN, 0), await unlinking);
        Assert.Equal(0, Calls(FopCode.Unlink));
        _terms.Term = 0;
        Assert.Equal((Errno.EAGAIN, 0), await UnlinkAsync());
        _terms.Term = 7;
        Assert.Equal((Errno.Ok, 0), await UnlinkAsync());
        Assert.Equal(7UL, _terms.InvokedIn); // The one below looks at it once more.
    }

    /// <summary>What hangs here keeps its turn, and the others are to hear at once that another server serves.</summary>
    [Fact]
    public async Task WhoDoesNotServeLetsNoChangeOfANameWaitForItsTurn()
    {
        Renew(_a);
        await StatAsync(_a);
        var hanging = UnlinkAsync();
        Assert.False(hanging.IsCompleted);
        Serve(term: 0, forMs: 0);
        _terms.Lookups = Errno.EREMOTE;
        var unlinking = UnlinkAsync();
        Assert.True(unlinking.IsCompleted);
        Assert.Equal((Errno.EREMOTE, 7), await unlinking);
        Assert.Equal(0, Calls(FopCode.Unlink));
    }

    /// <summary>A member that is about to lead lets a look wait.</summary>
    [Fact]
    public async Task AChangeOfANameThatWaitsForTheLeadIsDoneInTheTermThatFollows()
    {
        Serve(term: 0, forMs: 0);
        _terms.LookedUp = () => Serve(term: 8, forMs: 800);
        Assert.Equal((Errno.Ok, 0), await UnlinkAsync());
        Assert.Equal(8UL, _terms.InvokedIn);
    }

    [Theory]
    [InlineData(Errno.EREMOTE)]
    [InlineData(Errno.ENOTCONN)]
    [InlineData(Errno.EAGAIN)]
    public async Task WhereNobodyKnowsWhatANameStandsForItIsNotTakenAway(Errno error)
    {
        _terms.Lookups = error;
        Assert.Equal((error, 7), await UnlinkAsync()); // With what was said to that.
        Assert.Equal(0, Calls(FopCode.Unlink));
        _terms.Lookups = Errno.ENOENT;
        Assert.Equal((Errno.Ok, 0), await UnlinkAsync());
    }

    private void Serve(ulong term, long forMs)
    {
        _terms.Term = term;
        _terms.UntilNs = _time.MonotonicNs + (forMs * 1_000_000);
    }

    private void Switch(bool isOn) => Assert.True(_leases.Reconfigure(new OptionValues(
        CacheLeases.Registration.Options, new Dictionary<string, string> { ["cache-leases"] = isOn ? "on" : "off" })));

    private CacheGrant Renew(ClientIdentity client, ulong handled = 0) => _leases.Renew(
        client, handled, (gfid, number) => _told.Add((gfid, number)));

    private int Calls(FopCode code) => _script.Seen.Count(c => c.Code == code);

    private async Task StatAsync(ClientIdentity client) =>
        (await _leases.Stat(new StatFop { Gfid = File }, CallOf(client))).Release();

    private Task WriteAsync(ClientIdentity client) => WriteAsync(client, File);

    private async Task WriteAsync(ClientIdentity client, Gfid file)
    {
        var call = CallOf(client);
        (await _leases.Write(new WriteFop { Gfid = file, Fd = call.AnonymousFd(file) }, call)).Release();
    }

    /// <summary>The error, and what was said with it.</summary>
    private async Task<(Errno Error, int Hint)> UnlinkAsync()
    {
        var reply = await _leases.Unlink(new UnlinkFop { Parent = Folder, Name = "name" }, CallOf(_b));
        var hint = 0L;
        reply.XData?.TryGetInt("hint"u8, out hint);
        var error = reply.Error;
        reply.Release();
        return (error, (int)hint);
    }

    private static Call CallOf(ClientIdentity client) => new() { Client = client };

    private sealed class Terms(TranslatorPlace place) : Translator(place), ICacheTerm
    {
        public ulong Term { get; set; }

        public long UntilNs { get; set; }

        public bool IsWanted { get; private set; }

        public Errno Lookups { get; set; }

        public (ulong Term, long UntilNs) CacheTerm => (Term, UntilNs);

        public Action? LookedUp { get; set; }

        public ulong InvokedIn { get; private set; }

        public void WantCacheTerm(bool isWanted) => IsWanted = isWanted;

        public ValueTask<TReply> InvokeIn<TFop, TReply>(ulong term, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
        {
            InvokedIn = term;
            return TFop.Invoke(this, in fop, call);
        }
    }
}
