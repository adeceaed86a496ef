using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features.CacheLeases;
using Myrmex.Features.Leases;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>Leases that a log keeps: what another server finds there, holders that are away, and fops that come again.</summary>
public sealed class LoggedLeasesTests
{
    private const long TimeoutMs = 60_000;

    private static readonly Gfid File = new(1, 2);
    private static readonly Gfid IdA = new(0xA, 0xA);
    private static readonly ClientIdentity Door = new("door", "a");
    private readonly ManualTime _time = new();
    private readonly List<GraphEvent> _events = [];
    private readonly Leases _leases;
    private readonly StandInLog _log;

    public LoggedLeasesTests()
    {
        var below = ScriptedTranslator.Create(_time, out _);
        var registration = new TranslatorRegistration("test/log", static place => new StandInLog(place), [], Maturity.Experimental);
        _log = new StandInLog(TestPlace.For(_time, registration, below, slot: 2));
        var between = CacheLeases.Registration.Create(TestPlace.For(_time, CacheLeases.Registration, _log, slot: 3));
        _leases = (Leases)Leases.Registration.Create(TestPlace.For(
            _time, Leases.Registration, between, slot: 1, listener: _events.Add, options: ("leases", "on")));
    }

    [Fact]
    public async Task WhatIsGrantedAndGivenBackIsLogged()
    {
        Assert.Equal(Errno.Ok, await LeaseAsync(LeaseCommand.Set, LeaseType.Read));
        Assert.Equal([new LoggedLease(IdA, 7, LeaseType.Read)], _log.Held);
        Assert.Equal(Errno.Ok, await LeaseAsync(LeaseCommand.Set, LeaseType.ReadWrite));
        Assert.Equal([new LoggedLease(IdA, 7, LeaseType.ReadWrite)], _log.Held);
        Assert.Equal(Errno.Ok, await LeaseAsync(LeaseCommand.Unlock, LeaseType.ReadWrite));
        Assert.Equal([new LoggedLease(IdA, 7, LeaseType.Read)], _log.Held); // That one is left.
        Assert.Equal(Errno.Ok, await LeaseAsync(LeaseCommand.Unlock, LeaseType.Read));
        Assert.Empty(_log.Held);
    }

    [Fact]
    public async Task WhatTheLogRefusesIsNotHeld()
    {
        _log.Error = Errno.ENOLCK;
        Assert.Equal(Errno.ENOLCK, await LeaseAsync(LeaseCommand.Set, LeaseType.ReadWrite));
        Assert.Equal((Errno.Ok, 0L), await WriteAsync());
    }

    /// <summary>What it was not told itself it finds in the log; its holder is told once it is there.</summary>
    [Fact]
    public async Task AnotherServerKnowsTheLeasesAndTellsAHolderThatComesBack()
    {
        _log.Held.Add(new LoggedLease(IdA, 7, LeaseType.ReadWrite));
        _log.IsAway = true;
        var writing = WriteAsync();
        Assert.False(writing.IsCompleted);
        _time.Advance(900);
        Assert.Empty(_events);
        _log.IsAway = false;
        _time.Advance(500);
        Assert.Equal((Errno.EAGAIN, (long)LeaseKeys.ComeAgain), await writing); // Its client asks again.
        var recall = Assert.Single(_events);
        Assert.Equal((GraphEventKind.RecallLease, IdA, Door), (recall.Kind, recall.LeaseId, recall.Only));
        _time.Advance(TimeoutMs - 2_000);
        Assert.Single(_log.Held);
        _time.Advance(2_500);
        Assert.Empty(_log.Held); // Not given back in time: ended in the log.
        Assert.Equal((Errno.Ok, 0L), await WriteAsync());
    }

    [Fact]
    public async Task WhatIsRevokedInTheLogIsInNobodysWay()
    {
        _log.Held.Add(new LoggedLease(IdA, 7, LeaseType.ReadWrite));
        _log.IsAway = true;
        var writing = WriteAsync();
        _log.Held.Clear(); // The session was away for too long.
        _time.Advance(500);
        Assert.Equal((Errno.Ok, 0L), await writing);
    }

    /// <summary>In another term holders are told again: what the former leader has said may not have arrived.</summary>
    [Fact]
    public async Task InAnotherTermAHolderIsToldAgain()
    {
        Assert.Equal(Errno.Ok, await LeaseAsync(LeaseCommand.Set, LeaseType.Read));
        _ = WriteAsync();
        Assert.Single(_events);
        _log.LeaseTerm = 2;
        _ = WriteAsync();
        Assert.Equal(2, _events.Count);
    }

    [Fact]
    public async Task ALeaderThatIsYoungGrantsNoneThatIsNew()
    {
        _log.MayGrantLeases = false;
        Assert.Equal(Errno.EPERM, await LeaseAsync(LeaseCommand.Set, LeaseType.Read));
        _log.Held.Add(new LoggedLease(IdA, 7, LeaseType.Read));
        Assert.Equal(Errno.Ok, await LeaseAsync(LeaseCommand.Set, LeaseType.Read)); // It has it.
        _log.LeaseTerm = 0;
        Assert.Equal((Errno.Ok, 0L), await WriteAsync()); // A server that does not decide lets everything pass.
    }

    /// <summary>It has lost its proxy; the log is asked first, so that it knows where the holder is told.</summary>
    [Fact]
    public async Task WhoComesForItsLeaseHasItAndHearsAgainThatItIsWanted()
    {
        Assert.Equal(Errno.Ok, await LeaseAsync(LeaseCommand.Set, LeaseType.ReadWrite));
        _ = WriteAsync();
        Assert.Single(_events);
        Assert.Equal(Errno.Ok, await LeaseAsync(LeaseCommand.Set, LeaseType.ReadWrite, held: true));
        Assert.Equal(2, _events.Count);
        _log.Error = Errno.ENOLCK;
        Assert.Equal(Errno.ENOLCK, await LeaseAsync(LeaseCommand.Set, LeaseType.ReadWrite, held: true));
        Assert.Equal(2, _events.Count);
    }

    /// <summary>Nobody has used the file at this server yet.</summary>
    [Fact]
    public async Task WhatOnlyTheLogKnowsIsHeld()
    {
        _log.Held.Add(new LoggedLease(IdA, 7, LeaseType.ReadWrite));
        Assert.Equal(Errno.Ok, await LeaseAsync(LeaseCommand.Set, LeaseType.ReadWrite, held: true));
    }

    [Fact]
    public void AnAdministratorSeesWhatTheLogHas()
    {
        _log.Held.Add(new LoggedLease(IdA, 7, LeaseType.ReadWrite));
        var report = Assert.Single(_leases.ReportLeases(10));
        Assert.Equal((File, IdA, LeaseType.ReadWrite, (UInt128)7, -1L), (report.Gfid, report.Id, report.Type, report.Holder, report.HeldMs));
        Assert.Same(Door, Assert.Single(report.Clients));
        _log.IsAway = true;
        Assert.Empty(Assert.Single(_leases.ReportLeases(10)).Clients);
        _log.LeaseTerm = 0;
        Assert.Empty(_leases.ReportLeases(10)); // The member that leads says it.
    }

    private async Task<Errno> LeaseAsync(uint command, uint type, bool held = false)
    {
        var xdata = XData.Rent();
        xdata.SetInt("session"u8, 7);
        if (held)
        {
            xdata.SetInt(LockSession.HeldKey, 1);
        }

        var reply = await _leases.Lease(
            new LeaseFop { Gfid = File, Lease = new Lease(command, type, IdA, 0), XData = xdata }, new Call { Client = Door });
        var error = reply.Error;
        reply.Release();
        xdata.Release();
        return error;
    }

    private async Task<(Errno Error, long Wait)> WriteAsync()
    {
        var reply = await _leases.Write(
            new WriteFop { Gfid = File, Fd = Fd.Anonymous(File) }, new Call { Client = new ClientIdentity("other", "b") });
        var wait = 0L;
        reply.XData?.TryGetInt(LeaseKeys.Wait, out wait);
        var error = reply.Error;
        reply.Release();
        return (error, wait);
    }

    /// <summary>A log of one file's leases that does at once what it is asked for.</summary>
    private sealed class StandInLog(TranslatorPlace place) : Translator(place), ILeaseLog
    {
        public List<LoggedLease> Held { get; } = [];

        public Errno Error { get; set; }

        public bool IsAway { get; set; }

        public ulong LeaseTerm { get; set; } = 1;

        public bool MayGrantLeases { get; set; } = true;

        public UInt128 SessionOf(XData? xdata) =>
            xdata is not null && xdata.TryGetInt("session"u8, out var session) ? (UInt128)session : 0;

        public void ListLeases(Gfid gfid, List<LoggedLease> leases)
        {
            if (gfid == File)
            {
                leases.AddRange(Held);
            }
        }

        public void ListLeasedFiles(List<Gfid> files) => files.Add(File);

        public void ListClients(UInt128 session, List<ClientIdentity?> clients)
        {
            if (!IsAway)
            {
                clients.Add(Door);
            }
        }

        public ValueTask<Errno> EndLeaseAsync(Gfid gfid, LoggedLease lease)
        {
            Held.RemoveAll(one => one.Id == lease.Id && one.Session == lease.Session);
            return new ValueTask<Errno>(Errno.Ok);
        }

        public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call)
        {
            var lease = fop.Lease;
            if (Error == Errno.Ok)
            {
                Held.RemoveAll(one => one.Id == lease.Id);
                if (lease.Command == LeaseCommand.Set)
                {
                    Held.Add(new LoggedLease(lease.Id, SessionOf(fop.XData), lease.Type));
                }
            }

            return new ValueTask<LeaseReply>(Error == Errno.Ok ? LeaseReply.Rent() : LeaseReply.Fail(Error));
        }
    }
}
