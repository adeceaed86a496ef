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
/// Leases of files: who gets one, who has to wait for it, how it is wanted back, and how it ends. Time is the test's; two clients, and
/// the store below answers everything.
/// </summary>
public sealed class LeasesTests
{
    private const long TimeoutMs = 60_000;

    private static readonly Gfid File = new(1, 2);
    private static readonly Gfid Folder = new(3, 4);
    private static readonly Gfid IdA = new(0xA, 0xA);
    private static readonly Gfid IdB = new(0xB, 0xB);
    private readonly ManualTime _time = new();
    private readonly List<GraphEvent> _events = [];
    private readonly Script _script;
    private readonly Leases _leases;
    private readonly ClientIdentity _a = new("a", "a");
    private readonly ClientIdentity _b = new("b", "b");

    public LeasesTests()
    {
        var below = ScriptedTranslator.Create(_time, out _script);
        _leases = (Leases)Leases.Registration.Create(TestPlace.For(
            _time, Leases.Registration, below, slot: 1, listener: _events.Add, options: ("leases", "on")));
        _script.Answers[FopCode.Lookup] = () =>
        {
            var reply = LookupReply.Rent();
            reply.Iatt.Gfid = File;
            return reply;
        };
    }

    [Fact]
    public async Task ReadersShareAndAReadWriteLeaseIsAlone()
    {
        await OpenAsync(_a, IdA, OpenFlags.ReadOnly);
        await OpenAsync(_b, IdB, OpenFlags.ReadOnly);
        Assert.Equal((Errno.Ok, LeaseType.None), await LeaseAsync(_a, LeaseCommand.Get, LeaseType.Read, IdA));
        Assert.Equal(Errno.EPERM, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.ReadWrite, IdA)).Error); // Another has it open.
        Assert.Equal((Errno.Ok, LeaseType.Read), await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA));
        Assert.Equal(Errno.Ok, (await LeaseAsync(_b, LeaseCommand.Set, LeaseType.Read, IdB)).Error);
        Assert.Equal(Errno.EPERM, (await LeaseAsync(_b, LeaseCommand.Set, LeaseType.ReadWrite, IdB)).Error);
        Assert.Equal((Errno.Ok, LeaseType.Read), await LeaseAsync(_b, LeaseCommand.Get, LeaseType.ReadWrite, IdB));
        Assert.DoesNotContain(FopCode.Lease, _script.Seen.Select(s => s.Code));
    }

    [Fact]
    public async Task AFileThatAnotherHasOpenForWritingHasNoReadLease()
    {
        var fd = await OpenAsync(_b, IdB, OpenFlags.WriteOnly);
        await OpenAsync(_a, IdA, OpenFlags.ReadOnly);
        Assert.Equal(Errno.EPERM, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA)).Error);
        await ReleaseAsync(_b, fd);
        Assert.Equal(Errno.Ok, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.ReadWrite, IdA)).Error);
    }

    [Fact]
    public async Task TheSameIdOfAnotherClientIsAnother()
    {
        await OpenAsync(_a, IdA, OpenFlags.ReadOnly);
        await OpenAsync(_b, IdA, OpenFlags.ReadWrite);
        Assert.Equal(Errno.EPERM, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA)).Error);
    }

    [Theory]
    [InlineData(0u, LeaseCommand.Set, LeaseType.Read)]
    [InlineData(1u, LeaseCommand.Set, LeaseType.None)]
    [InlineData(1u, LeaseCommand.Set, 3u)]
    [InlineData(1u, 9u, LeaseType.Read)]
    public async Task WhatIsNoLeaseIsRefused(uint id, uint command, uint type) =>
        Assert.Equal(Errno.EINVAL, (await LeaseAsync(_a, command, type, new Gfid(0, id))).Error);

    [Fact]
    public async Task AWriterWaitsUntilTheLeaseIsGivenBack()
    {
        await GrantAsync(LeaseType.Read);
        var opening = OpenAsync(_b, IdB, OpenFlags.ReadWrite);
        Assert.False(opening.IsCompleted);
        var recall = Assert.Single(_events);
        Assert.Equal((GraphEventKind.RecallLease, File, IdA, LeaseType.None), (recall.Kind, recall.Gfid, recall.LeaseId, recall.Flags));
        Assert.Same(_a, recall.Only);
        Assert.Equal(Errno.EPERM, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA)).Error); // It is being recalled.
        Assert.Equal(Errno.Ok, (await LeaseAsync(_a, LeaseCommand.Unlock, LeaseType.Read, IdA)).Error);
        await opening;
        Assert.Single(_events);
        Assert.Equal(Errno.EPERM, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA)).Error); // A writer has it open.
    }

    [Fact]
    public async Task WhatIsNotGivenBackInTimeIsTakenAway()
    {
        await GrantAsync(LeaseType.ReadWrite);
        var reading = ReadAsync(_b, IdB);
        _time.Advance(TimeoutMs - 1);
        Assert.False(reading.IsCompleted);
        _time.Advance(2);
        Assert.Equal(Errno.Ok, await reading);
        Assert.Equal((Errno.Ok, LeaseType.None), await LeaseAsync(_a, LeaseCommand.Get, LeaseType.Read, IdA));
        Assert.Equal((Errno.Ok, LeaseType.ReadWrite), await LeaseAsync(_a, LeaseCommand.Unlock, LeaseType.ReadWrite, IdA)); // Late: no harm.
    }

    [Fact]
    public async Task WhoMustNotWaitHearsSoAndTheHolderIsToldAllTheSame()
    {
        await GrantAsync(LeaseType.Read);
        Assert.Equal(Errno.EAGAIN, await TryOpenAsync(_b, IdB, OpenFlags.ReadWrite | OpenFlags.NonBlock));
        Assert.Same(_a, Assert.Single(_events).Only);
        Assert.Equal(Errno.Ok, (await LeaseAsync(_a, LeaseCommand.Unlock, LeaseType.Read, IdA)).Error);
        Assert.Equal(Errno.Ok, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.ReadWrite, IdA)).Error); // What failed is not open.
    }

    [Fact]
    public async Task AReaderIsNotInTheWayOfAReadLease()
    {
        await GrantAsync(LeaseType.Read);
        await OpenAsync(_b, IdB, OpenFlags.ReadOnly);
        Assert.Equal(Errno.Ok, await ReadAsync(_b, IdB));
        Assert.Equal(Errno.Ok, await ReadAsync(_b, Gfid.Null));
        Assert.Empty(_events);
    }

    [Fact]
    public async Task ItsOwnIdIsNeverInTheWay()
    {
        await GrantAsync(LeaseType.ReadWrite);
        Assert.Equal(Errno.Ok, await WriteAsync(_a, IdA));
        Assert.Equal(Errno.Ok, await WriteAsync(_b, IdA)); // Whoever has the id may do it.
        Assert.Empty(_events);
    }

    /// <summary>Without an id it is nobody's own.</summary>
    [Fact]
    public async Task AFopWithoutAnIdOfTheHoldersClientWaits()
    {
        await GrantAsync(LeaseType.ReadWrite);
        var writing = WriteAsync(_a, Gfid.Null);
        Assert.False(writing.IsCompleted);
        Assert.Single(_events);
        await LeaseAsync(_a, LeaseCommand.Unlock, LeaseType.ReadWrite, IdA);
        Assert.Equal(Errno.Ok, await writing);
    }

    /// <summary>write-behind of GlusterFS' clients writes without the id.</summary>
    [Fact]
    public async Task WhatComesByAnOpenFileHasTheIdThatItWasOpenedWith()
    {
        var fd = await OpenAsync(_a, IdA, OpenFlags.ReadWrite);
        Assert.Equal(Errno.Ok, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.ReadWrite, IdA)).Error);
        Assert.Equal(Errno.Ok, await EndAsync(_leases.Write(new WriteFop { Gfid = File, Fd = fd }, new Call { Client = _a })));
        Assert.Empty(_events);
        Assert.Equal(Errno.EAGAIN, await EndAsync(_leases.Write(
            new WriteFop { Gfid = File, Fd = Fd.Anonymous(File, OpenFlags.ReadWrite | OpenFlags.NonBlock) }, new Call { Client = _a })));
        Assert.Single(_events);
    }

    public static TheoryData<FopCode> Changes { get; } =
        [FopCode.Truncate, FopCode.Setattr, FopCode.Link, FopCode.Unlink, FopCode.Rename, FopCode.Write, FopCode.Create, FopCode.Put];

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task EveryChangeByOthersRecallsAReadLease(FopCode code)
    {
        await GrantAsync(LeaseType.Read);
        var changing = ChangeAsync(code);
        Assert.False(changing.IsCompleted);
        Assert.Same(_a, Assert.Single(_events).Only);
        Assert.DoesNotContain(code, _script.Seen.Select(s => s.Code));
        await LeaseAsync(_a, LeaseCommand.Unlock, LeaseType.Read, IdA);
        Assert.Equal(Errno.Ok, await changing);
        Assert.Contains(code, _script.Seen.Select(s => s.Code));
    }

    /// <summary>A change that has passed must not be done below a lease that came after it.</summary>
    [Fact]
    public async Task NoLeaseIsGrantedWhileAChangeOfAnotherIsUnderWay()
    {
        await OpenAsync(_a, IdA, OpenFlags.ReadOnly);
        _script.Hold = true;
        var changing = ChangeAsync(FopCode.Truncate);
        Assert.Equal(Errno.EPERM, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA)).Error);
        _script.Hold = false;
        _script.Held.Single()();
        await changing;
        Assert.Equal(Errno.Ok, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA)).Error);
    }

    [Fact]
    public async Task LeasesGoWithTheConnection()
    {
        await GrantAsync(LeaseType.ReadWrite);
        var writing = WriteAsync(_b, IdB);
        Assert.False(writing.IsCompleted);
        Leave(_a);
        Assert.Equal(Errno.Ok, await writing);
    }

    [Fact]
    public async Task WhoHasLeftDoesNotWait()
    {
        await GrantAsync(LeaseType.ReadWrite);
        var writing = WriteAsync(_b, IdB);
        Leave(_b);
        Assert.Equal(Errno.ENOTCONN, await writing);
        Assert.DoesNotContain(FopCode.Write, _script.Seen.Select(s => s.Code));
    }

    [Fact]
    public async Task WithTheLastOpenFileOfAnIdItsLeaseEnds()
    {
        var first = await OpenAsync(_a, IdA, OpenFlags.ReadOnly);
        var second = await OpenAsync(_a, IdA, OpenFlags.ReadOnly);
        Assert.Equal(Errno.Ok, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA)).Error);
        await ReleaseAsync(_a, first);
        Assert.Equal(LeaseType.Read, (await LeaseAsync(_a, LeaseCommand.Get, LeaseType.Read, IdA)).Type);
        await ReleaseAsync(_a, second);
        Assert.Equal(LeaseType.None, (await LeaseAsync(_a, LeaseCommand.Get, LeaseType.Read, IdA)).Type);
    }

    /// <summary>Source: glfs.h, "every lease request should have a corresponding unlk_lease".</summary>
    [Fact]
    public async Task WhatWasSetTwiceIsGivenBackTwice()
    {
        await GrantAsync(LeaseType.Read);
        await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA);
        await LeaseAsync(_a, LeaseCommand.Unlock, LeaseType.Read, IdA);
        Assert.Equal(LeaseType.Read, (await LeaseAsync(_a, LeaseCommand.Get, LeaseType.Read, IdA)).Type);
        await LeaseAsync(_a, LeaseCommand.Unlock, LeaseType.Read, IdA);
        Assert.Equal(LeaseType.None, (await LeaseAsync(_a, LeaseCommand.Get, LeaseType.Read, IdA)).Type);
    }

    [Fact]
    public async Task SwitchedOffAllLeasesEndAndAllWhoWaitGoOn()
    {
        await GrantAsync(LeaseType.ReadWrite);
        var writing = WriteAsync(_b, IdB);
        Assert.True(_leases.Reconfigure(new OptionValues(Leases.Registration.Options, [])));
        Assert.Equal(Errno.Ok, await writing);
        Assert.All(_events, e => Assert.Same(_a, e.Only));
        Assert.Equal(Errno.EOPNOTSUPP, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, IdA)).Error);
        Assert.Equal(Errno.Ok, await WriteAsync(_b, IdB));
    }

    /// <summary>Who gives a lease back has room left on its connection.</summary>
    [Fact]
    public async Task WhatWaitsIsBounded()
    {
        await GrantAsync(LeaseType.ReadWrite);
        var waiting = Enumerable.Range(0, 32).Select(_ => WriteAsync(_b, IdB)).ToList();
        Assert.DoesNotContain(waiting, w => w.IsCompleted);
        Assert.Equal(Errno.EAGAIN, await WriteAsync(_b, IdB));
        await LeaseAsync(_a, LeaseCommand.Unlock, LeaseType.ReadWrite, IdA);
        Assert.All(await Task.WhenAll(waiting), error => Assert.Equal(Errno.Ok, error));
    }

    [Fact]
    public async Task LeasesOfAFileAreBounded()
    {
        for (var i = 0; i < 64; i++)
        {
            Assert.Equal(Errno.Ok, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, new Gfid(7, (ulong)i))).Error);
        }

        Assert.Equal(Errno.EPERM, (await LeaseAsync(_a, LeaseCommand.Set, LeaseType.Read, new Gfid(7, 64))).Error);
    }

    /// <summary>Random clients: never are two leases held that exclude each other, and nothing is left when all are gone.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task NeverAreTwoHoldersInEachOthersWay(int seed)
    {
        var random = new Random(seed);
        var users = Enumerable.Range(0, 5).Select(i => (Client: new ClientIdentity($"{i}", "x"), Id: new Gfid(5, (ulong)i + 1))).ToArray();
        var held = new Dictionary<Gfid, uint>();
        _script.Answers[FopCode.Write] = () => WriteReply.Rent();
        var writing = new List<Task<Errno>>();
        var granted = 0;
        for (var step = 0; step < 2_000; step++)
        {
            var (client, id) = users[random.Next(users.Length)];
            var type = random.Next(3) == 0 ? LeaseType.ReadWrite : LeaseType.Read;
            switch (random.Next(6))
            {
                case 0 or 1 or 2 when !held.ContainsKey(id)
                    && (await LeaseAsync(client, LeaseCommand.Set, type, id)).Error == Errno.Ok:
                    held[id] = type;
                    granted++;
                    break;
                case 3 when held.Remove(id, out var former):
                    await LeaseAsync(client, LeaseCommand.Unlock, former, id);
                    break;
                case 4:
                    writing.Add(WriteAsync(client, id));
                    break;
                case 5:
                    _time.Advance(random.Next((int)TimeoutMs));
                    break;
            }

            _events.ForEach(recall => held.Remove(recall.LeaseId)); // Who hears it does not count on it any more, and never gives it back.
            _events.Clear();
            Assert.True(!held.ContainsValue(LeaseType.ReadWrite) || held.Count == 1, $"seed {seed}, step {step}");
        }

        Assert.NotEqual(0, granted); // How many it are depends on when the writers go on.
        foreach (var (client, _) in users)
        {
            Leave(client);
        }

        await Task.WhenAll(writing);
        var dump = new StateDump();
        _leases.DumpState(dump);
        Assert.Contains("leases=0", dump.ToString(), StringComparison.Ordinal);
    }

    private async Task GrantAsync(uint type)
    {
        await OpenAsync(_a, IdA, OpenFlags.ReadOnly);
        Assert.Equal((Errno.Ok, type), await LeaseAsync(_a, LeaseCommand.Set, type, IdA));
    }

    private async Task<(Errno Error, uint Type)> LeaseAsync(ClientIdentity client, uint command, uint type, Gfid id)
    {
        var reply = await _leases.Lease(
            new LeaseFop { Gfid = File, Lease = new Lease(command, type, id, 0) }, new Call { Client = client });
        var answer = (reply.Error, reply.Lease.Type);
        reply.Release();
        return answer;
    }

    private async Task<Fd> OpenAsync(ClientIdentity client, Gfid id, uint flags)
    {
        var fd = new Fd(File, flags, isDirectory: false, 4) { Client = client };
        Assert.Equal(Errno.Ok, await EndAsync(_leases.Open(
            new OpenFop { Gfid = File, Flags = flags, Fd = fd, XData = With(id) }, new Call { Client = client })));
        return fd;
    }

    private async Task<Errno> TryOpenAsync(ClientIdentity client, Gfid id, uint flags) => await EndAsync(_leases.Open(
        new OpenFop { Gfid = File, Flags = flags, Fd = new Fd(File, flags, isDirectory: false, 4), XData = With(id) },
        new Call { Client = client }));

    private async Task ReleaseAsync(ClientIdentity client, Fd fd) =>
        await EndAsync(_leases.Release(new ReleaseFop { Gfid = File, Fd = fd }, new Call { Client = client }));

    private Task<Errno> WriteAsync(ClientIdentity client, Gfid id) => EndAsync(_leases.Write(
        new WriteFop { Gfid = File, Fd = Fd.Anonymous(File), XData = With(id) }, new Call { Client = client }));

    private Task<Errno> ReadAsync(ClientIdentity client, Gfid id) => EndAsync(_leases.Read(
        new ReadFop { Gfid = File, Fd = Fd.Anonymous(File), XData = With(id) }, new Call { Client = client }));

    private Task<Errno> ChangeAsync(FopCode code)
    {
        var call = new Call { Client = _b };
        var fd = new Fd(File, OpenFlags.ReadWrite, isDirectory: false, 4);
        return code switch
        {
            FopCode.Truncate => EndAsync(_leases.Truncate(new TruncateFop { Gfid = File }, call)),
            FopCode.Setattr => EndAsync(_leases.Setattr(new SetattrFop { Gfid = File }, call)),
            FopCode.Link => EndAsync(_leases.Link(new LinkFop { Gfid = File, NewParent = Folder, NewName = "other" }, call)),
            FopCode.Unlink => EndAsync(_leases.Unlink(new UnlinkFop { Parent = Folder, Name = "name" }, call)),
            FopCode.Rename => EndAsync(_leases.Rename(
                new RenameFop { OldParent = Folder, OldName = "name", NewParent = Folder, NewName = "other" }, call)),
            FopCode.Write => WriteAsync(_b, IdB),
            FopCode.Create => EndAsync(_leases.Create(
                new CreateFop { Parent = Folder, Name = "name", Flags = OpenFlags.ReadWrite | OpenFlags.Create, Fd = fd }, call)),
            FopCode.Put => EndAsync(_leases.Put(new PutFop { Parent = Folder, Name = "name" }, call)),
            _ => throw new ArgumentOutOfRangeException(nameof(code)),
        };
    }

    private void Leave(ClientIdentity client)
    {
        client.IsGone = true;
        _leases.ClientGone(client);
    }

    private static async Task<Errno> EndAsync<TReply>(ValueTask<TReply> task)
        where TReply : Reply
    {
        var reply = await task;
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private static XData? With(Gfid id)
    {
        if (id.IsNull)
        {
            return null;
        }

        var xdata = XData.Rent();
        xdata.SetBytes("lease-id"u8, id.ToArray());
        return xdata;
    }
}
