using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;
using LocksTranslator = Myrmex.Features.Locks;

namespace Myrmex.Unit.Tests.Features;

/// <summary>
/// features/client-locks over the lock service of a brick to which all clients are one: the connection of a proxy.
/// </summary>
public sealed class ClientLocksTests
{
    private static readonly Gfid File = new(1, 2);
    private static readonly Gfid Other = new(1, 3);
    private readonly ManualTime _time = new();
    private readonly LocksTranslator _locks;
    private readonly ClientLocks _top;
    private readonly ClientIdentity _one = new("one", "a");
    private readonly ClientIdentity _two = new("two", "b");
    private readonly Fd _fd = new(File, OpenFlags.ReadWrite, false, 4);
    private readonly Fd _second = new(File, OpenFlags.ReadWrite, false, 4);

    public ClientLocksTests()
    {
        var below = ScriptedTranslator.Create(_time, out _);
        _locks = (LocksTranslator)LocksTranslator.Registration.Create(
            TestPlace.For(_time, LocksTranslator.Registration, below, slot: 1));
        var connection = new OneConnection(TestPlace.For(_time, null, _locks, slot: 2));
        _top = (ClientLocks)ClientLocks.Registration.Create(
            TestPlace.For(_time, ClientLocks.Registration, connection, slot: 3));
    }

    [Fact]
    public async Task TheSameOwnerOfTwoClientsIsTwoOwners()
    {
        Assert.Equal(Errno.Ok, (await Lk(_one, _fd, LockCommand.SetLock, LockType.Write)).Error);
        Assert.Equal(Errno.Ok, (await Lk(_one, _fd, LockCommand.SetLock, LockType.Write)).Error);
        Assert.Equal(Errno.EAGAIN, (await Lk(_two, _second, LockCommand.SetLock, LockType.Write)).Error);
        Assert.Equal(Errno.Ok, (await Inodelk(_one, LockCommand.SetLock, LockType.Write)).Error);
        Assert.Equal(Errno.EAGAIN, (await Inodelk(_two, LockCommand.SetLock, LockType.Write)).Error);

        // A flush is of its own client alone.
        (await _top.Flush(new FlushFop { Gfid = File, Fd = _second }, CallOf(_two))).Release();
        Assert.Equal(Errno.EAGAIN, (await Lk(_two, _second, LockCommand.SetLock, LockType.Write)).Error);
        (await _top.Flush(new FlushFop { Gfid = File, Fd = _fd }, CallOf(_one))).Release();
        Assert.Equal(Errno.Ok, (await Lk(_two, _second, LockCommand.SetLock, LockType.Write)).Error);
    }

    [Fact]
    public async Task AClientThatLeavesStopsWaitingAndItsPlaceInTheQueueGoesOn()
    {
        var third = new ClientIdentity("three", "c");
        await Lk(_one, _fd, LockCommand.SetLock, LockType.Write);
        var waiting = Lk(_two, _second, LockCommand.SetLockWait, LockType.Write);
        var behind = Lk(third, new Fd(File, OpenFlags.ReadWrite, false, 4), LockCommand.SetLockWait, LockType.Write);
        Assert.False(waiting.IsCompleted);
        Leave(_two);
        Assert.Equal(Errno.EINTR, (await waiting).Error);
        Assert.False(behind.IsCompleted);
        await Lk(_one, _fd, LockCommand.SetLock, LockType.Unlock);
        Assert.Equal(Errno.Ok, (await behind).Error);
        Assert.Equal(Errno.EINTR, (await Lk(_two, _second, LockCommand.SetLockWait, LockType.Write)).Error);
    }

    /// <summary>What goes with a client to another process: what it holds, and what it has to ask for again.</summary>
    [Fact]
    public async Task TheLocksOfAClientAreKnownAndItsWaitsCanBeTakenBack()
    {
        Assert.Empty(_top.LocksOf(_one, _fd));
        await Lk(_one, _fd, LockCommand.SetLock, LockType.Write);
        var held = Assert.Single(_top.LocksOf(_one, _fd));
        Assert.Equal((LockType.Write, CallOf(_one).LockOwner), (held.Type, held.Owner));
        var waiting = Lk(_two, _second, LockCommand.SetLockWait, LockType.Write);
        Assert.Empty(_top.LocksOf(_two, _second));
        _top.TakeBackWaits(_two);
        Assert.Equal(Errno.EINTR, (await waiting).Error);
        Assert.Empty(_top.LocksOf(_two, _second));
        Assert.Single(_top.LocksOf(_one, _fd));
        Assert.False(_top.HoldsOthers(_one));
        await Inodelk(_one, LockCommand.SetLock, LockType.Write);
        Assert.True(_top.HoldsOthers(_one));
        await Lk(_one, _fd, LockCommand.SetLock, LockType.Unlock);
        Assert.Empty(_top.LocksOf(_one, _fd));
        await Lk(_one, _fd, LockCommand.SetLock, LockType.Read);
        (await _top.Release(new ReleaseFop { Gfid = File, Fd = _fd }, CallOf(_one))).Release();
        Assert.Empty(_top.LocksOf(_one, _fd));
    }

    [Fact]
    public async Task WhatGoesWithNoOpenFileIsGivenUpForAClientThatLeaves()
    {
        await Inodelk(_one, LockCommand.SetLock, LockType.Write);
        await Entrylk(_one, EntryLockCommand.LockNonBlocking);
        await Lk(_one, Fd.Anonymous(Other), LockCommand.SetLock, LockType.Write);
        Assert.Equal(Errno.EAGAIN, (await Inodelk(_two, LockCommand.SetLock, LockType.Write)).Error);
        Assert.Equal(Errno.EAGAIN, (await Entrylk(_two, EntryLockCommand.LockNonBlocking)).Error);
        Assert.Equal(Errno.EAGAIN, (await Lk(_two, Fd.Anonymous(Other), LockCommand.SetLock, LockType.Write)).Error);
        Leave(_one);
        Assert.Equal(Errno.Ok, (await Inodelk(_two, LockCommand.SetLock, LockType.Write)).Error);
        Assert.Equal(Errno.Ok, (await Entrylk(_two, EntryLockCommand.LockNonBlocking)).Error);
        Assert.Equal(Errno.Ok, (await Lk(_two, Fd.Anonymous(Other), LockCommand.SetLock, LockType.Write)).Error);
    }

    [Fact]
    public async Task AnInternalLockThatIsGrantedToAClientThatHasLeftIsGivenUpAtOnce()
    {
        await Inodelk(_one, LockCommand.SetLock, LockType.Write);
        var waiting = Inodelk(_two, LockCommand.SetLockWait, LockType.Write);
        Leave(_two);
        Assert.False(waiting.IsCompleted);
        await Inodelk(_one, LockCommand.SetLock, LockType.Unlock);
        Assert.Equal(Errno.EINTR, (await waiting).Error);
        Assert.Equal(Errno.Ok, (await Inodelk(_one, LockCommand.SetLock, LockType.Write)).Error);
    }

    [Fact]
    public async Task ALockThatWasGivenUpIsNotGivenUpAgainWhenItsClientLeaves()
    {
        await Inodelk(_one, LockCommand.SetLock, LockType.Write);
        await Inodelk(_one, LockCommand.SetLock, LockType.Unlock);
        await Inodelk(_two, LockCommand.SetLock, LockType.Write);
        Leave(_one);
        Assert.Equal(Errno.EAGAIN, (await Inodelk(new ClientIdentity("x", "d"), LockCommand.SetLock, LockType.Write)).Error);
    }

    [Fact]
    public async Task ACallOfTheProxyItselfIsLeftAlone()
    {
        var call = CallOf(_one);
        call.Client = null;
        Assert.Equal(Errno.Ok, (await _top.Inodelk(InodelkOf(LockCommand.SetLock, LockType.Write), call)).Error);
        Assert.Equal(Errno.EAGAIN, (await Inodelk(_one, LockCommand.SetLock, LockType.Write)).Error);
    }

    [Fact]
    public async Task WhatASessionHoldsIsKeptForAWhileWhenItsClientLeavesAndGoesOnAtAnotherProxy()
    {
        Assert.Equal(Errno.Ok, (await LkOf(_one, _fd, 5, 1, LockCommand.SetLock)).Error);
        _one.IsGone = true;
        (await _top.Release(new ReleaseFop { Gfid = File, Fd = _fd }, CallOf(_one))).Release();
        Assert.Equal(Errno.EAGAIN, (await LkOf(_two, _second, 6, 1, LockCommand.SetLock)).Error);
        Assert.Equal(Errno.Ok, (await LkOf(_two, _second, 5, 2, LockCommand.SetLock)).Error);
        _time.Advance(60_000);
        Assert.Equal(Errno.EAGAIN, (await LkOf(_one, _fd, 6, 1, LockCommand.SetLock)).Error);

        // A second time, and nobody comes.
        _two.IsGone = true;
        (await _top.Release(new ReleaseFop { Gfid = File, Fd = _second }, CallOf(_two))).Release();
        _time.Advance(9_000);
        Assert.Equal(Errno.EAGAIN, (await LkOf(_one, _fd, 6, 1, LockCommand.SetLock)).Error);
        _time.Advance(2_000);
        Assert.Equal(Errno.Ok, (await LkOf(_one, _fd, 6, 1, LockCommand.SetLock)).Error);
    }

    [Fact]
    public async Task ARequestOfASessionThatHasGoneOnIsToBeAskedAgain()
    {
        Assert.Equal(Errno.Ok, (await LkOf(_one, _fd, 5, 1, LockCommand.SetLock)).Error);
        var waiting = LkOf(_two, _second, 6, 1, LockCommand.SetLockWait);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(Errno.EAGAIN, (await LkOf(_two, _second, 6, 2, LockCommand.SetLock)).Error);
        Assert.Equal(Errno.ENOTCONN, (await waiting).Error);
        Assert.Equal(Errno.ENOTCONN, (await LkOf(_two, _second, 6, 1, LockCommand.SetLock)).Error);
    }

    /// <summary>It waits to write where it reads: it waits no more, and nobody else writes there before it is back.</summary>
    [Fact]
    public async Task WhatASessionHoldsIsKeptWhenItsClientLeavesWhileItWaitsForTheSameRange()
    {
        Assert.Equal(Errno.Ok, (await LkOf(_one, _fd, 5, 1, LockCommand.SetLock, LockType.Read)).Error);
        Assert.Equal(Errno.Ok, (await LkOf(_two, _second, 6, 1, LockCommand.SetLock, LockType.Read)).Error);
        var waiting = LkOf(_one, _fd, 5, 1, LockCommand.SetLockWait);
        Assert.False(waiting.IsCompleted);
        Leave(_one);
        Assert.Equal(Errno.EINTR, (await waiting).Error);
        Assert.Equal(Errno.EAGAIN, (await LkOf(_two, _second, 6, 1, LockCommand.SetLock)).Error);
    }

    private Task<LkReply> LkOf(
        ClientIdentity client, Fd fd, ulong session, uint epoch, LockCommand command,
        LockType type = LockType.Write) => _top.Lk(
        new LkFop
        {
            Gfid = fd.Gfid,
            Fd = fd,
            Command = command,
            Type = type,
            Flock = new Flock(type, 0, 0, 0, 9, default),
            XData = new LockSession(session, epoch, LkOwner.From(7)).RentXData(),
        },
        CallOf(client)).AsTask();

    private static Call CallOf(ClientIdentity client)
    {
        var call = Call.Rent();
        call.Client = client;
        call.LockOwner = LkOwner.From(7);
        return call;
    }

    private static InodelkFop InodelkOf(LockCommand command, LockType type) => new()
    {
        Gfid = File,
        Command = command,
        Type = type,
        Flock = new Flock(type, 0, 0, 0, 0, default),
        Domain = "domain",
    };

    private void Leave(ClientIdentity client)
    {
        client.IsGone = true;
        _top.ClientGone(client);
    }

    private Task<LkReply> Lk(ClientIdentity client, Fd fd, LockCommand command, LockType type) => _top.Lk(
        new LkFop { Gfid = fd.Gfid, Fd = fd, Command = command, Type = type, Flock = new Flock(type, 0, 0, 0, 9, default) },
        CallOf(client)).AsTask();

    private Task<InodelkReply> Inodelk(ClientIdentity client, LockCommand command, LockType type) =>
        _top.Inodelk(InodelkOf(command, type), CallOf(client)).AsTask();

    private Task<EntrylkReply> Entrylk(ClientIdentity client, EntryLockCommand command) => _top.Entrylk(
        new EntrylkFop { Gfid = File, Command = command, Type = LockType.Write, Name = "name", NameLength = 4, Domain = "domain" },
        CallOf(client)).AsTask();

    /// <summary>What is below sees one client, whoever asks.</summary>
    private sealed class OneConnection(TranslatorPlace place) : Translator(place)
    {
        private readonly ClientIdentity _proxy = new("proxy", "p");

        public override ValueTask<LkReply> Lk(in LkFop fop, Call call) => Next.Lk(in fop, Own(call));

        public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) => Next.Flush(in fop, Own(call));

        public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call) => Next.Release(in fop, Own(call));

        public override ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call) => Next.Inodelk(in fop, Own(call));

        public override ValueTask<EntrylkReply> Entrylk(in EntrylkFop fop, Call call) => Next.Entrylk(in fop, Own(call));

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
