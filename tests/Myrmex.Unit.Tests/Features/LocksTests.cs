using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;
using LocksTranslator = Myrmex.Features.Locks;

namespace Myrmex.Unit.Tests.Features;

/// <summary>features/locks as a translator: fops in, replies, events and xdata out.</summary>
public sealed class LocksTests
{
    private static readonly Gfid File = new(1, 2);
    private static readonly Gfid Parent = new(3, 4);
    private readonly ManualTime _time = new();
    private readonly List<GraphEvent> _events = [];
    private readonly Script _script;
    private readonly LocksTranslator _locks;
    private readonly ClientIdentity _clientA = new("client-a", "a");
    private readonly ClientIdentity _clientB = new("client-b", "b");
    private readonly Fd _fd = new(File, OpenFlags.ReadWrite, false, 4);

    public LocksTests()
    {
        var below = ScriptedTranslator.Create(_time, out _script);
        _locks = (LocksTranslator)LocksTranslator.Registration.Create(
            TestPlace.For(_time, LocksTranslator.Registration, below, slot: 1, listener: _events.Add));
        _locks.Start();
    }

    [Fact]
    public async Task ASecondClientIsRefusedAndToldWhoHoldsTheLock()
    {
        Assert.Equal(Errno.Ok, (await Lk(_clientA, LockCommand.SetLock, LockType.Write, 10, 10)).Error);
        Assert.Equal(Errno.EAGAIN, (await Lk(_clientB, LockCommand.SetLock, LockType.Read, 15, 1)).Error);
        var held = await Lk(_clientB, LockCommand.GetLock, LockType.Read, 0, 0);
        Assert.Equal((LockType.Write, 10L, 10L, 7U), (held.Flock.Type, held.Flock.Start, held.Flock.Length, held.Flock.Pid));
        var free = await Lk(_clientB, LockCommand.GetLock, LockType.Write, 20, 0);
        Assert.Equal(LockType.Unlock, free.Flock.Type);
        Assert.Empty(_script.Seen);
    }

    [Theory]
    [InlineData(0L, -1L, Errno.EINVAL)]
    [InlineData(-5L, 3L, Errno.EINVAL)]
    [InlineData(long.MaxValue, 2L, Errno.EOVERFLOW)]
    [InlineData(long.MaxValue, 1L, Errno.Ok)]
    [InlineData(10L, -10L, Errno.Ok)]
    [InlineData(5L, long.MinValue, Errno.EINVAL)]
    public async Task ImpossibleRangesAreRefused(long start, long length, Errno expected) =>
        Assert.Equal(expected, (await Lk(_clientA, LockCommand.SetLock, LockType.Read, start, length)).Error);

    [Theory]
    [InlineData(LockCommand.ReserveLock, LockType.Read)]
    [InlineData(LockCommand.GetLockFd, LockType.Read)]
    [InlineData((LockCommand)77, LockType.Read)]
    [InlineData(LockCommand.SetLock, LockType.EndOfList)]
    [InlineData(LockCommand.SetLockWait, (LockType)9)]
    public async Task UnknownCommandsAndTypesAreRefused(LockCommand command, LockType type) =>
        Assert.Equal(Errno.EINVAL, (await Lk(_clientA, command, type, 0, 0)).Error);

    [Fact]
    public async Task AWaitingRequestIsAnsweredWhenTheHolderFlushes()
    {
        await Lk(_clientA, LockCommand.SetLock, LockType.Write, 0, 0);
        var waiting = Lk(_clientB, LockCommand.SetLockWait, LockType.Write, 0, 0);
        Assert.False(waiting.IsCompleted);
        (await _locks.Flush(new FlushFop { Gfid = File, Fd = _fd }, CallOf(_clientA))).Release();
        var granted = await waiting;
        Assert.Equal((Errno.Ok, LockType.Write), (granted.Error, granted.Flock.Type));
        Assert.Equal(FopCode.Flush, Assert.Single(_script.Seen).Code);
    }

    [Fact]
    public async Task AClientThatIsGoneGivesItsLocksToThoseWhoWait()
    {
        await Lk(_clientA, LockCommand.SetLock, LockType.Write, 0, 0);
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write);
        var posix = Lk(_clientB, LockCommand.SetLockWait, LockType.Write, 0, 0);
        var inode = Inodelk(_clientB, LockCommand.SetLockWait, LockType.Write);
        Assert.False(posix.IsCompleted || inode.IsCompleted);
        _locks.ClientGone(_clientA);
        Assert.Equal((Errno.Ok, Errno.Ok), ((await posix).Error, (await inode).Error));
    }

    [Fact]
    public async Task StopEndsEveryWait()
    {
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write);
        var waiting = Inodelk(_clientB, LockCommand.SetLockWait, LockType.Write);
        _locks.Stop();
        Assert.Equal(Errno.ENOTCONN, (await waiting).Error);
    }

    [Fact]
    public async Task AnUnlockThatMatchesNothingIsEinval() =>
        Assert.Equal(Errno.EINVAL, (await Inodelk(_clientA, LockCommand.SetLock, LockType.Unlock)).Error);

    [Fact]
    public async Task TheHolderHearsOfContentionOncePerDelay()
    {
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write);
        await Inodelk(_clientB, LockCommand.SetLock, LockType.Write);
        await Inodelk(_clientB, LockCommand.SetLock, LockType.Write);
        var told = Assert.Single(_events);
        Assert.Equal((GraphEventKind.LockContention, File), (told.Kind, told.Gfid));
        Assert.Same(_clientA, told.Contention!.Holder);
        Assert.Equal(("vol-replicate-0", 7), (told.Contention.Domain, told.Contention.Pid));
        Assert.Null(told.Contention.EntryName);
        _time.Advance(5000);
        await Inodelk(_clientB, LockCommand.SetLock, LockType.Write);
        Assert.Equal(2, _events.Count);
        await Entrylk(_clientA, EntryLockCommand.LockNonBlocking, "name");
        await Entrylk(_clientB, EntryLockCommand.LockNonBlocking, default);
        Assert.Equal("name", _events[2].Contention!.EntryName.ToString());
    }

    [Fact]
    public async Task CountersComeWithTheReplyWhenAsked()
    {
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write);
        var waiting = Inodelk(_clientB, LockCommand.SetLockWait, LockType.Write);
        await Lk(_clientA, LockCommand.SetLock, LockType.Read, 0, 1);
        await Entrylk(_clientA, EntryLockCommand.Lock, "name");
        _script.Answers[FopCode.Lookup] = () =>
        {
            var reply = LookupReply.Rent();
            reply.Iatt.Gfid = File;
            return reply;
        };
        var asked = XData.Rent();
        asked.SetUInt("glusterfs.inodelk-count"u8, 0);
        asked.SetUInt("glusterfs.entrylk-count"u8, 0);
        asked.SetUInt("glusterfs.parent-entrylk"u8, 0);
        asked.SetUInt("glusterfs.posixlk-count"u8, 0);
        asked.SetUInt("glusterfs.inodelk-dom-prefix:vol-replicate-0"u8, 0);
        var reply = await _locks.Lookup(new LookupFop { Parent = Parent, Name = "name", XData = asked }, CallOf(_clientA));
        Assert.Equal(2, Int(reply, "glusterfs.inodelk-count"));
        Assert.Equal(0, Int(reply, "glusterfs.entrylk-count"));
        Assert.Equal(1, Int(reply, "glusterfs.parent-entrylk"));
        Assert.Equal(1, Int(reply, "glusterfs.posixlk-count"));
        Assert.Equal(2, Int(reply, "glusterfs.inodelk-dom-prefix:vol-replicate-0"));
        _locks.ClientGone(_clientA);
        await waiting;
    }

    [Fact]
    public async Task AWriteThatNamesADomainGetsTheCountOfThatDomain()
    {
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write);
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write, "other");
        var asked = XData.Rent();
        asked.SetString("glusterfs.inodelk-dom-count"u8, "other");
        var write = new WriteFop { Gfid = File, Fd = _fd, XData = asked };
        Assert.Equal(1, Int(await _locks.Write(write, CallOf(_clientA)), "glusterfs.inodelk-count"));
        var plain = await _locks.Write(new WriteFop { Gfid = File, Fd = _fd }, CallOf(_clientA));
        Assert.Null(plain.XData);
    }

    [Fact]
    public async Task ClearLocksAnswersItsSummaryAndIsForRoot()
    {
        await Lk(_clientA, LockCommand.SetLock, LockType.Write, 0, 0);
        var waiting = Lk(_clientB, LockCommand.SetLockWait, LockType.Write, 0, 0);
        Name name = "glusterfs.clrlk.tposix.kall.0,0-0";
        var other = CallOf(_clientA);
        other.Uid = 1000;
        Assert.Equal(Errno.EPERM, (await _locks.Getxattr(new GetxattrFop { Gfid = File, Name = name }, other)).Error);
        var reply = await _locks.Getxattr(new GetxattrFop { Gfid = File, Name = name }, CallOf(_clientA));
        Assert.True(reply.Values!.TryGetBytes(name.Span, out var text));
        Assert.Equal("test-locks: posix blocked locks=1 granted locks=1", Encoding.UTF8.GetString(text));
        Assert.Equal(Errno.EINTR, (await waiting).Error);
        Name nothing = "glusterfs.clrlk.tinode.kgranted";
        reply = await _locks.Getxattr(new GetxattrFop { Gfid = File, Name = nothing }, CallOf(_clientA));
        Assert.True(reply.Values!.TryGetBytes(nothing.Span, out text));
        Assert.Equal("No locks cleared.", Encoding.UTF8.GetString(text));
    }

    [Theory]
    [InlineData("glusterfs.clrlk.t")]
    [InlineData("glusterfs.clrlk.tfoo.kall")]
    [InlineData("glusterfs.clrlk.tposix.ksome")]
    [InlineData("glusterfs.clrlk.tposix.kall.0,x-0")]
    [InlineData("glusterfs.clrlk.tinode.kall.0-5")]
    [InlineData("glusterfs.clrlk.tinode.kall.0,9223372036854775807-2")]
    public async Task MalformedClearLocksNamesAreEinval(string name)
    {
        var reply = await _locks.Getxattr(new GetxattrFop { Gfid = File, Name = name }, CallOf(_clientA));
        Assert.Equal(Errno.EINVAL, reply.Error);
    }

    [Fact]
    public async Task ANewConnectionTakesLocksOverByLockInfo()
    {
        await Lk(_clientA, LockCommand.SetLock, LockType.Write, 0, 0);
        Name name = "trusted.glusterfs.lockinfo";
        var info = await _locks.Fgetxattr(new FgetxattrFop { Gfid = File, Fd = _fd, Name = name }, CallOf(_clientA));
        var fd = new Fd(File, OpenFlags.ReadWrite, false, 4);
        var set = new FsetxattrFop { Gfid = File, Fd = fd, Values = info.Values };
        Assert.Equal(Errno.Ok, (await _locks.Fsetxattr(set, CallOf(_clientB))).Error);
        _locks.ClientGone(_clientA);
        Assert.Equal(Errno.EAGAIN, (await Lk(new("c", "c"), LockCommand.SetLock, LockType.Write, 0, 0)).Error);
        Assert.Equal(Errno.Ok, (await Lk(_clientB, LockCommand.SetLock, LockType.Read, 0, 0)).Error);
        _locks.ClientGone(_clientB);
        Assert.Equal(Errno.Ok, (await Lk(new("c", "c"), LockCommand.SetLock, LockType.Write, 0, 0)).Error);
    }

    /// <summary>Nobody who waits gets the lock in between, and the former holder can go.</summary>
    [Fact]
    public async Task ARequestTakesALockAlongFromAnotherConnection()
    {
        var fd = new Fd(File, OpenFlags.ReadWrite, false, 4);
        await Lk(_clientA, LockCommand.SetLock, LockType.Write, 0, 10);
        var other = new Fd(File, OpenFlags.ReadWrite, false, 4);
        var waiting = Move(new("c", "c"), other, LockCommand.SetLockWait, []);
        Name name = "trusted.glusterfs.lockinfo";
        var info = await _locks.Fgetxattr(new FgetxattrFop { Gfid = File, Fd = _fd, Name = name }, CallOf(_clientA));
        var right = BytesOf(info.Values!);
        var wrong = right.ToArray();
        wrong[^2] ^= 1;
        Assert.Equal(Errno.EAGAIN, (await Move(_clientB, fd, LockCommand.SetLock, wrong)).Error);
        Assert.Equal(Errno.Ok, (await Move(_clientB, fd, LockCommand.SetLock, right)).Error);
        Assert.Equal(Errno.EAGAIN, (await Lk(_clientA, LockCommand.SetLock, LockType.Read, 5, 1)).Error);
        (await _locks.Release(new ReleaseFop { Gfid = File, Fd = _fd }, CallOf(_clientA))).Release();
        _locks.ClientGone(_clientA);
        Assert.False(waiting.IsCompleted);
        _locks.ClientGone(_clientB);
        Assert.Equal(Errno.Ok, (await waiting).Error);
    }

    private static byte[] BytesOf(XData values)
    {
        Assert.True(values.TryGetBytes(LockMove.InfoName, out var value));
        return value.ToArray();
    }

    private async Task<LkReply> Move(ClientIdentity client, Fd fd, LockCommand command, byte[] info)
    {
        var xdata = XData.Rent();
        xdata.SetBytes(LockMove.Key, info);
        var reply = await _locks.Lk(
            new LkFop
            {
                Gfid = File,
                Fd = fd,
                Command = command,
                Type = LockType.Write,
                Flock = new Flock(LockType.Write, 0, 0, 10, 1, default),
                XData = xdata,
            },
            CallOf(client));
        xdata.Release();
        return reply;
    }

    [Fact]
    public async Task ForeignOrBrokenLockInfoIsEinval()
    {
        foreach (var length in Enumerable.Range(0, 40))
        {
            var values = XData.Rent();
            values.SetBytes("trusted.glusterfs.lockinfo"u8, Enumerable.Repeat((byte)0xFF, length).ToArray());
            var set = new FsetxattrFop { Gfid = File, Fd = _fd, Values = values };
            Assert.Equal(Errno.EINVAL, (await _locks.Fsetxattr(set, CallOf(_clientA))).Error);
            values.Release();
        }
    }

    [Fact]
    public async Task InstalledLocksBelongToTheirClientWhenItComes()
    {
        await Lk(_clientA, LockCommand.SetLock, LockType.Write, 0, 10);
        var list = await _locks.Getactivelk(new GetactivelkFop { Gfid = File }, CallOf(_clientB));
        Assert.Equal("client-a", list.Locks.Single().ClientUid.ToString());
        var locks = list.Locks.ToArray();
        _locks.ClientGone(_clientA);
        var set = new SetactivelkFop { Gfid = File, Locks = locks };
        Assert.Equal(Errno.EPERM, (await _locks.Setactivelk(set, CallOf(_clientB))).Error);
        Assert.Equal(Errno.Ok, (await _locks.Setactivelk(set, Call.Internal(-3))).Error);
        Assert.Equal(Errno.EAGAIN, (await Lk(_clientB, LockCommand.SetLock, LockType.Write, 0, 0)).Error);
        var again = new ClientIdentity("client-a", "elsewhere");
        Assert.Equal(Errno.Ok, (await Lk(again, LockCommand.SetLock, LockType.Unlock, 0, 0)).Error);
        Assert.Equal(Errno.Ok, (await Lk(_clientB, LockCommand.SetLock, LockType.Write, 0, 0)).Error);
    }

    [Fact]
    public async Task TheStateDumpListsLocksWithoutNames()
    {
        await Lk(_clientA, LockCommand.SetLock, LockType.Write, 0, 0);
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write);
        await Entrylk(_clientA, EntryLockCommand.Lock, "secret-name");
        var dump = new StateDump();
        _locks.DumpState(dump);
        var text = dump.ToString();
        Assert.Contains($"{File}.posixlk=active type=Write start=0 len=0", text, StringComparison.Ordinal);
        Assert.Contains($"{File}.inodelk=active domain=vol-replicate-0", text, StringComparison.Ordinal);
        Assert.Contains($"{Parent}.entrylk=active", text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-name", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATakeOverKeepsWhatTheFormerRunOfTheChangeHoldsForTheNextOne()
    {
        var next = new ClientIdentity("client-c", "c");
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write, change: (7, 0));
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write, "third", change: (7, 0));
        await Inodelk(_clientB, LockCommand.SetLock, LockType.Write, "fourth");
        var late = Inodelk(_clientA, LockCommand.SetLockWait, LockType.Write, "fourth", change: (7, 0));
        var rival = Inodelk(_clientB, LockCommand.SetLockWait, LockType.Write);
        var other = Inodelk(_clientB, LockCommand.SetLockWait, LockType.Write, "third");
        await AboutAsync(ChangeRecord.TakeOver, 7, 5);
        Assert.Equal(Errno.ECANCELED, (await late).Error);
        Assert.Equal(Errno.ECANCELED, (await Inodelk(_clientA, LockCommand.SetLock, LockType.Unlock, change: (7, 0))).Error);
        Assert.Equal(Errno.EAGAIN, (await Inodelk(_clientB, LockCommand.SetLock, LockType.Write, change: (8, 1))).Error);

        // Before the one that has waited for longer; and nobody else gets it when the former one is free.
        Assert.Equal(Errno.Ok, (await Inodelk(next, LockCommand.SetLock, LockType.Write, change: (7, 5))).Error);
        await AboutAsync(ChangeRecord.FreeLocks, 7, 5);
        Assert.Equal(Errno.Ok, (await other).Error);
        Assert.False(rival.IsCompleted);
        Assert.Equal(Errno.Ok, (await Inodelk(next, LockCommand.SetLock, LockType.Unlock, change: (7, 5))).Error);
        Assert.Equal(Errno.Ok, (await rival).Error);
    }

    [Fact]
    public async Task LocksOfAChangeOutliveTheirConnectionForAWhile()
    {
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write, change: (7, 0));
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write, "third");
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write, "fourth", change: (7, 0));
        _locks.ClientGone(_clientA);
        Assert.Equal(Errno.Ok, (await Inodelk(_clientB, LockCommand.SetLock, LockType.Write, "third")).Error);
        Assert.Equal(Errno.EAGAIN, (await Inodelk(_clientB, LockCommand.SetLock, LockType.Write)).Error);

        // The same run over its next connection may free it.
        var again = new ClientIdentity("client-a", "again");
        Assert.Equal(Errno.Ok, (await Inodelk(again, LockCommand.SetLock, LockType.Unlock, "fourth", change: (7, 0))).Error);
        Assert.Equal(Errno.Ok, (await Inodelk(_clientB, LockCommand.SetLock, LockType.Write, "fourth")).Error);
        _time.Advance(9_000);
        Assert.Equal(Errno.EAGAIN, (await Inodelk(_clientB, LockCommand.SetLock, LockType.Write)).Error);
        _time.Advance(2_000);
        Assert.Equal(Errno.Ok, (await Inodelk(_clientB, LockCommand.SetLock, LockType.Write)).Error);
    }

    [Fact]
    public async Task ALockThatIsLeftWaitsForTheNextRun()
    {
        await Inodelk(_clientA, LockCommand.SetLock, LockType.Write, change: (7, 0));
        var record = RecordOf(7, 0);
        record.SetInt("myrmex.left"u8, 1);
        Assert.Equal(Errno.Ok, (await Inodelk(_clientA, LockCommand.SetLock, LockType.Unlock, xdata: record)).Error);
        var rival = Inodelk(_clientB, LockCommand.SetLockWait, LockType.Write);
        Assert.False(rival.IsCompleted);
        await AboutAsync(ChangeRecord.TakeOver, 7, 5);
        Assert.False(rival.IsCompleted);
        _time.Advance(11_000);
        Assert.Equal(Errno.Ok, (await rival).Error);
    }

    private async Task AboutAsync(int operation, ulong number, uint run) =>
        (await _locks.Ipc(new IpcFop { Operation = operation, XData = RecordOf(number, run) }, CallOf(_clientB))).Release();

    private static XData RecordOf(ulong number, uint run)
    {
        var xdata = XData.Rent();
        ChangeRecord.Write(xdata, new Change(99, number, 0, MayBeKnown: false) { Run = run }, nowNs: 0);
        return xdata;
    }

    private static long Int(Reply reply, string key)
    {
        Assert.True(reply.XData!.TryGetInt(Encoding.UTF8.GetBytes(key), out var value), key);
        return value;
    }

    private static Call CallOf(ClientIdentity client)
    {
        var call = Call.Rent();
        call.Client = client;
        call.Pid = 7;
        call.LockOwner = LkOwner.From(99);
        return call;
    }

    private ValueTask<LkReply> Lk(ClientIdentity client, LockCommand command, LockType type, long start, long length) =>
        _locks.Lk(
            new LkFop
            {
                Gfid = File,
                Fd = _fd,
                Command = command,
                Type = type,
                Flock = new Flock(type, 0, start, length, 7, default),
            },
            CallOf(client));

    private ValueTask<InodelkReply> Inodelk(
        ClientIdentity client, LockCommand command, LockType type, string domain = "vol-replicate-0",
        (ulong Number, uint Run)? change = null, XData? xdata = null) =>
        _locks.Inodelk(
            new InodelkFop
            {
                Gfid = File,
                Command = command,
                Type = type,
                Flock = default,
                Domain = domain,
                XData = change is { } c ? RecordOf(c.Number, c.Run) : xdata,
            },
            CallOf(client));

    private ValueTask<EntrylkReply> Entrylk(ClientIdentity client, EntryLockCommand command, Name name) =>
        _locks.Entrylk(
            new EntrylkFop { Gfid = Parent, Command = command, Type = LockType.Write, Name = name, Domain = "vol-replicate-0" },
            CallOf(client));
}
