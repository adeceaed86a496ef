using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features;
using Myrmex.Features.Leases;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>
/// features/client-locks over features/leases of a brick to which all clients are one: the connection of a proxy. Clients without a name of
/// their own, and those that have one.
/// </summary>
public sealed class ClientLeasesTests
{
    private static readonly Gfid File = new(1, 2);
    private static readonly Gfid Id = new(0xA, 0xA);
    private readonly ManualTime _time = new();
    private readonly List<GraphEvent> _events = [];
    private readonly Leases _leases;
    private readonly OneConnection _connection;
    private readonly ClientLocks _top;
    private readonly ClientIdentity _one = new("one", "a");
    private readonly ClientIdentity _two = new("two", "b");

    public ClientLeasesTests()
    {
        var below = ScriptedTranslator.Create(_time, out _);
        _leases = (Leases)Leases.Registration.Create(TestPlace.For(
            _time, Leases.Registration, below, slot: 1, options: ("leases", "on")));
        _connection = new OneConnection(TestPlace.For(_time, null, _leases, slot: 2));
        _top = (ClientLocks)ClientLocks.Registration.Create(
            TestPlace.For(_time, ClientLocks.Registration, _connection, slot: 3, listener: _events.Add));
    }

    [Fact]
    public async Task TheSameIdOfTwoClientsIsTwoLeases()
    {
        await OpenAsync(_one, OpenFlags.ReadOnly);
        var fd = await OpenAsync(_two, OpenFlags.ReadWrite);
        Assert.Equal(Errno.EPERM, await LeaseAsync(_one, LeaseCommand.Set));
        await ReleaseAsync(_two, fd);
        Assert.Equal(Errno.Ok, await LeaseAsync(_one, LeaseCommand.Set));
        await LeaseAsync(_two, LeaseCommand.Unlock);
        Assert.Equal(1, Held());
        await LeaseAsync(_one, LeaseCommand.Unlock);
        Assert.Equal(0, Held());
    }

    [Fact]
    public async Task OnlyTheClientWhoseLeaseItIsIsRecalled()
    {
        await OpenAsync(_one, OpenFlags.ReadOnly);
        await OpenAsync(_two, OpenFlags.ReadOnly);
        Assert.Equal(Errno.Ok, await LeaseAsync(_one, LeaseCommand.Set, LeaseType.Read));
        var writing = WriteAsync(_two);
        var recall = Assert.Single(_events);
        Assert.Equal((GraphEventKind.RecallLease, File, Id, (UInt128)0), (recall.Kind, recall.Gfid, recall.LeaseId, recall.Holder));
        Assert.Same(_one, recall.Only);
        Assert.False(writing.IsCompleted);
        await LeaseAsync(_one, LeaseCommand.Unlock, LeaseType.Read);
        Assert.Equal(Errno.Ok, await writing);
    }

    /// <summary>A client of GlusterFS cannot come through another proxy; one of ours can.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatAClientLeavesIsFreeAtOnceUnlessItHasANameOfItsOwn(bool opens)
    {
        foreach (var own in (LockSession[])[default, new LockSession(77, 1, default)])
        {
            var client = new ClientIdentity("leaves", "c");
            var fd = opens ? await OpenAsync(client, OpenFlags.ReadWrite, own) : null;

            Assert.Equal(Errno.Ok, await LeaseAsync(client, LeaseCommand.Set, own: own));
            client.IsGone = true;
            if (fd is not null)
            {
                await ReleaseAsync(client, fd);
            }

            _top.ClientGone(client);
            Assert.Equal(own.IsNone ? 0 : 1, Held());
            _time.Advance(10_100);
            Assert.Equal(0, Held());
            Assert.Equal(Errno.ENOTCONN, await LeaseAsync(client, LeaseCommand.Set)); // It is too late.
        }
    }

    [Fact]
    public async Task WithTheLastOpenFileOfAnIdItsLeaseEnds()
    {
        var first = await OpenAsync(_one, OpenFlags.ReadOnly);
        var second = await OpenAsync(_one, OpenFlags.ReadOnly);
        Assert.Equal(Errno.Ok, await LeaseAsync(_one, LeaseCommand.Set));
        await ReleaseAsync(_one, first);
        Assert.Equal(1, Held());
        _connection.DropsReleases = true; // As when the graph was replaced: it is closed at another connection.
        await ReleaseAsync(_one, second);
        Assert.Equal(0, Held());
    }

    /// <summary>A way to a brick was away for a moment: the brick has the lease still.</summary>
    [Fact]
    public async Task AfterTheLossOfAConnectionToABrickALeaseIsAskedForAgain()
    {
        await OpenAsync(_one, OpenFlags.ReadWrite);
        Assert.Equal(Errno.Ok, await LeaseAsync(_one, LeaseCommand.Set));
        _connection.IsCut = true;
        _leases.ClientGone(_connection.Lose());
        _top.Notify(new GraphEvent(GraphEventKind.LeasesUnsure), _connection);
        _time.Advance(5_000);
        Assert.Empty(_events);
        _connection.IsCut = false;
        _time.Advance(60_000);
        Assert.Empty(_events);
        Assert.Equal(1, Held());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ALeaseThatIsLostWithItsBrickIsToldAsRecalled(bool comesBack)
    {
        await OpenAsync(_one, OpenFlags.ReadWrite);
        Assert.Equal(Errno.Ok, await LeaseAsync(_one, LeaseCommand.Set));
        _connection.IsCut = true;
        Assert.True(_leases.Reconfigure(new OptionValues(Leases.Registration.Options, [new("leases", "off")])));
        Assert.True(_leases.Reconfigure(new OptionValues(Leases.Registration.Options, [new("leases", "on")])));
        _events.Clear();
        _top.Notify(new GraphEvent(GraphEventKind.LeasesUnsure), _connection);
        _time.Advance(1_000);
        Assert.Empty(_events);
        _connection.IsCut = !comesBack;
        _time.Advance(8_500); // Before the brick's grace is over.
        Assert.Same(_one, Assert.Single(_events).Only);
    }

    /// <summary>Its name is of this process: with another process it would be another client.</summary>
    [Fact]
    public async Task AClientWithLeasesIsNotHandedOver()
    {
        await OpenAsync(_one, OpenFlags.ReadWrite);
        Assert.True(_leases.Reconfigure(new OptionValues(Leases.Registration.Options, [new("leases", "off")])));
        Assert.Equal(Errno.EOPNOTSUPP, await LeaseAsync(_one, LeaseCommand.Set));
        Assert.False(_top.HoldsOthers(_one)); // It only says ids.
        Assert.True(_leases.Reconfigure(new OptionValues(Leases.Registration.Options, [new("leases", "on")])));
        Assert.Equal(Errno.Ok, await LeaseAsync(_one, LeaseCommand.Set));
        Assert.True(_top.HoldsOthers(_one));
    }

    /// <summary>Who knows the name of a client is that client.</summary>
    [Fact]
    public async Task AStateDumpTellsClientsApartAndDoesNotSayTheirNames()
    {
        Assert.Equal(Errno.Ok, await LeaseAsync(_one, LeaseCommand.Set, own: new LockSession(77, 1, default)));
        var dump = new StateDump();
        _top.DumpState(dump);
        Assert.Contains(LockSession.Shown(77), dump.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("000000000000004d", dump.ToString(), StringComparison.Ordinal);
        Assert.NotEqual(LockSession.Shown(77), LockSession.Shown(78));
    }

    /// <summary>The brick knows the lease as one of the former graph's connection, which nobody listens to.</summary>
    [Fact]
    public async Task AfterTheGraphWasReplacedALeaseIsRecalledThroughTheNewOne()
    {
        await OpenAsync(_one, OpenFlags.ReadWrite);
        Assert.Equal(Errno.Ok, await LeaseAsync(_one, LeaseCommand.Set));
        _connection.Replace();
        _top.Notify(new GraphEvent(GraphEventKind.LeasesUnsure), _connection);
        Assert.Same(_one, _connection.LastAsked); // Books below are by client.
        var second = await OpenAsync(_one, OpenFlags.ReadOnly);
        await ReleaseAsync(_one, second);
        Assert.Equal(1, Held()); // The file is open by the former connection still.
        var writing = WriteAsync(_two);
        Assert.Same(_one, Assert.Single(_events).Only);
        await LeaseAsync(_one, LeaseCommand.Unlock);
        Assert.Equal(Errno.Ok, await writing);
    }

    /// <summary>A brick that does not answer is no reason not to ask the others, nor to believe in a lease for longer.</summary>
    [Fact]
    public async Task WhatIsNotAnsweredInTimeIsToldAsRecalled()
    {
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(Errno.Ok, await LeaseAsync(_one, LeaseCommand.Set, id: new Gfid(0xC, (ulong)i + 1), file: new Gfid(9, (ulong)i + 1)));
        }

        _connection.Hangs = true;
        _top.Notify(new GraphEvent(GraphEventKind.LeasesUnsure), _connection);
        Assert.Equal(64, _connection.HangCount);
        _time.Advance(7_900);
        Assert.Empty(_events);
        _time.Advance(200);
        Assert.Equal(100, _events.Count);
        Assert.All(_events, e => Assert.Same(_one, e.Only));
    }

    [Fact]
    public async Task WhatComesLateOverAFormerConnectionDoesNotTakeTheName()
    {
        await LeaseAsync(_one, LeaseCommand.Get, own: new LockSession(77, 1, default));
        await OpenAsync(_two, OpenFlags.ReadWrite, new LockSession(77, 2, default));
        Assert.Equal(Errno.Ok, await LeaseAsync(_two, LeaseCommand.Set, own: new LockSession(77, 2, default)));
        Assert.Equal(Errno.ENOTCONN, await LeaseAsync(_one, LeaseCommand.Set, own: new LockSession(77, 1, default)));
        _ = WriteAsync(_one);
        Assert.Same(_two, Assert.Single(_events).Only);
    }

    private static XData? With(LockSession own, bool hasId)
    {
        var xdata = own.RentXData() ?? XData.Rent();
        if (hasId)
        {
            xdata.SetBytes(LeaseKeys.Id, Id.ToArray());
        }

        return xdata;
    }

    private async Task<Fd> OpenAsync(ClientIdentity client, uint flags, LockSession own = default)
    {
        var fd = new Fd(File, flags, isDirectory: false, 4) { Client = client };
        Assert.Equal(Errno.Ok, await EndAsync(_top.Open(
            new OpenFop { Gfid = File, Flags = flags, Fd = fd, XData = With(own, hasId: true) }, new Call { Client = client })));
        return fd;
    }

    private async Task ReleaseAsync(ClientIdentity client, Fd fd) =>
        await EndAsync(_top.Release(new ReleaseFop { Gfid = File, Fd = fd }, new Call { Client = client }));

    private Task<Errno> LeaseAsync(
        ClientIdentity client, uint command, uint type = LeaseType.ReadWrite, LockSession own = default, Gfid? id = null,
        Gfid? file = null) => EndAsync(_top.Lease(
        new LeaseFop { Gfid = file ?? File, Lease = new Lease(command, type, id ?? Id, 0), XData = With(own, hasId: false) },
        new Call { Client = client }));

    private Task<Errno> WriteAsync(ClientIdentity client) => EndAsync(_top.Write(
        new WriteFop { Gfid = File, Fd = Fd.Anonymous(File) }, new Call { Client = client }));

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

    /// <summary>What is below sees one client, whoever asks, and after a loss another one.</summary>
    private sealed class OneConnection(TranslatorPlace place) : Translator(place)
    {
        private ClientIdentity _proxy = new("proxy", "p");

        public bool IsCut { get; set; }

        public bool DropsReleases { get; set; }

        public bool Hangs { get; set; }

        public int HangCount { get; private set; }

        public ClientIdentity? LastAsked { get; private set; }

        /// <summary>Another graph has a connection of its own; the former one is there still.</summary>
        public void Replace() => _proxy = new ClientIdentity("proxy", "p");

        public ClientIdentity Lose()
        {
            var former = _proxy;
            former.IsGone = true;
            _proxy = new ClientIdentity("proxy", "p");
            return former;
        }

        public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call)
        {
            LastAsked = call.Client;
            if (Hangs)
            {
                HangCount++;
                return new(new TaskCompletionSource<LeaseReply>().Task);
            }

            return IsCut ? new(LeaseReply.Fail(Errno.ENOTCONN)) : Next.Lease(in fop, Own(call));
        }

        public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) => Next.Open(in fop, Own(call));

        public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) => Next.Write(in fop, Own(call));

        public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call) =>
            DropsReleases ? new(ReleaseReply.Rent()) : Next.Release(in fop, Own(call));

        /// <summary>It comes over the wire, where there is nobody else at the other end.</summary>
        public override void Notify(in GraphEvent graphEvent, Translator source)
        {
            if (graphEvent.Only is null || ReferenceEquals(graphEvent.Only, _proxy))
            {
                NotifyParents(graphEvent with { Only = null });
            }
        }

        public override void ClientGone(ClientIdentity client)
        {
            // Nobody tells a brick over the wire.
        }

        private Call Own(Call call)
        {
            var own = Call.Rent();
            own.CopyIdentityFrom(call);
            own.Client = _proxy;
            return own;
        }
    }
}
