using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Protocol;

/// <summary>protocol/client and protocol/server against each other: every fop, fds, attachments, loss of the connection.</summary>
public sealed class ClientServerTests
{
    private static readonly Gfid File = new(5, 6);

    public static TheoryData<FopCode> Codes => FopSamples.Codes;

    [Theory]
    [MemberData(nameof(Codes))]
    public void EveryFopTravelsWithAllItsFieldsAndBringsAllOfItsReplyBack(FopCode code)
    {
        var before = PayloadPool.Shared.OutstandingBytes;
        using var world = new ProtocolWorld();
        world.Network.PieceSize = () => 1000;
        FopSamples.Visit(code, new RoundTrip(world));
        Assert.True(PayloadPool.Shared.OutstandingBytes >= 0 && before >= 0);
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void EveryFopBringsItsErrorBack(FopCode code)
    {
        using var world = new ProtocolWorld();
        FopSamples.Visit(code, new Failure(world));
    }

    [Fact]
    public void AnFdIsOpenFromOpenToRelease()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        var fd = world.Open(client, File);
        var directory = new Fd(new Gfid(8, 8), 0, isDirectory: true, client.SlotCount);
        var opened = world.Ask<OpendirFop, OpendirReply>(client, new OpendirFop { Gfid = directory.Gfid, Fd = directory });
        Assert.Equal(1, opened.FdNumber);
        opened.Release();
        Assert.Equal(Errno.Ok, world.Read(client, fd));
        Assert.Equal(Errno.Ok, Release(world, client, fd));
        Assert.Equal(Errno.EBADFD, world.Read(client, fd));
        Assert.Equal(Errno.Ok, Release(world, client, fd));
        world.Loop.Advance(60); // Those of many files go together.
        Assert.Equal(1, world.CountOf("Release"));
        var again = world.Open(client, File);
        Assert.Equal(Errno.Ok, world.Read(client, again));
        client.Stop();
        world.Loop.Run();
        Assert.Equal((2, 1), (world.CountOf("Release"), world.CountOf("Releasedir")));
        Assert.StartsWith("gone CTX_ID:p", world.Brick.Events[^1]);
    }

    [Fact]
    public void ReconnectingOpensFilesAgainAndOldNumbersAreNeverUsed()
    {
        using var world = new ProtocolWorld();
        var numbers = new List<(FopCode Code, Gfid Gfid)>();
        world.Brick.OnFop = (code, fop, _) =>
        {
            if (fop is ReadFop read)
            {
                numbers.Add((code, read.Fd.Gfid));
            }
        };
        var client = world.Client();
        var files = Enumerable.Range(1, 200).Select(i => world.Open(
            client, new Gfid(9, (ulong)i), OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate)).ToList();
        world.Brick.OnFop += (code, fop, _) =>
        {
            if (fop is OpenFop open)
            {
                Assert.Equal(OpenFlags.ReadWrite, open.Flags);
            }
        };
        Assert.Equal(Errno.Ok, Release(world, client, files[3]));
        for (var round = 0; round < 3; round++)
        {
            world.Network.DropAll();
            world.Loop.Run();
            Assert.Equal(Errno.ENOTCONN, world.Read(client, files[0]));
            world.Loop.Advance(4000);
            numbers.Clear();
            foreach (var fd in files.Where(f => f != files[3]))
            {
                Assert.Equal(Errno.Ok, world.Read(client, fd));
                Assert.Equal(fd.Gfid, numbers[^1].Gfid);
            }

            Assert.Equal(Errno.EBADFD, world.Read(client, files[3]));
        }

        Assert.Equal(
            [GraphEventKind.ChildUp, GraphEventKind.ChildDown, GraphEventKind.LeasesUnsure, GraphEventKind.ChildUp],
            world.Events.Take(4).Select(e => e.Kind));
    }

    [Fact]
    public void AFileThatCannotBeOpenedAgainIsBadAndTheOthersAreNot()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        var gone = world.Open(client, File);
        var kept = world.Open(client, new Gfid(7, 7));
        world.Brick.Answer = (code, fop) => fop is OpenFop { Gfid: var g } && g == File ? OpenReply.Fail(Errno.ESTALE) : null;
        world.Network.DropAll();
        world.Loop.Advance(4000);
        Assert.Equal(Errno.EBADFD, world.Read(client, gone));
        Assert.Equal(Errno.Ok, world.Read(client, kept));
        Assert.Equal(Errno.Ok, Release(world, client, gone));
    }

    [Fact]
    public void AFileClosedWhileItIsOpenedAgainIsReleasedAtTheServer()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        var fd = world.Open(client, File);
        world.Brick.Holds = code => code == FopCode.Open;
        world.Network.DropAll();
        world.Loop.Advance(4000);
        var released = world.CountOf("Release");
        Assert.Equal(Errno.Ok, Release(world, client, fd));
        world.Brick.Holds = _ => false;
        world.Brick.Held.ForEach(a => a());
        world.Loop.Run();
        Assert.Equal(released + 1, world.CountOf("Release"));
        Assert.Equal(Errno.Ok, world.Stat(client));
    }

    [Fact]
    public void LosingTheConnectionWhileReopeningStartsAnew()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        var files = Enumerable.Range(1, 150).Select(i => world.Open(client, new Gfid(9, (ulong)i))).ToList();
        world.Brick.Holds = code => code == FopCode.Open && world.Brick.Held.Count < 100;
        world.Network.DropAll();
        world.Loop.Advance(4000);
        world.Network.DropAll();
        world.Loop.Run();
        world.Brick.Holds = _ => false;
        world.Brick.Held.ForEach(a => a());
        world.Loop.Advance(4000);
        Assert.All(files, fd => Assert.Equal(Errno.Ok, world.Read(client, fd)));
    }

    [Fact]
    public void FopsUnderWayEndWithENOTCONNAndTheServerCleansUpAfterThem()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        world.Open(client, File);
        world.Brick.Holds = code => code is FopCode.Lookup or FopCode.Lk;
        var call = Call.Internal();
        var lookup = client.Top.Lookup(new LookupFop { Parent = Gfid.Root, Name = "a" }, call);
        world.Loop.Run();
        Assert.Single(world.Brick.Held);
        world.Network.DropAll();
        world.Loop.Run();
        Assert.Equal(Errno.ENOTCONN, ProtocolWorld.Error(lookup.Result));

        // Waiting fops are told first; files are closed only when the last has answered; then the client is gone for good.
        Assert.Equal(1, world.Brick.Events.Count(e => e.StartsWith("gone")));
        Assert.Equal(0, world.CountOf("Release"));
        world.Brick.Held[0]();
        world.Loop.Run();
        Assert.Equal(["Release", "gone"], world.Brick.Events.TakeLast(2).Select(e => e.Split(' ')[0]));
        call.Release();
    }

    [Fact]
    public void TheLimitOfCallsStopsReadingAndNeverForGood()
    {
        using var world = new ProtocolWorld([
            ($"auth.addr.{ProtocolWorld.Export}.allow", "*"), ("rpc.outstanding-rpc-limit", "8")]);
        var client = world.Client();
        world.Brick.Holds = code => code == FopCode.Stat;
        var call = Call.Internal();
        var tasks = Enumerable.Range(0, 100).Select(_ => client.Top.Stat(new StatFop { Gfid = File }, call)).ToList();
        world.Loop.Run();
        Assert.InRange(world.Brick.Held.Count, 8, 10);
        var answered = 0;
        while (answered < world.Brick.Held.Count)
        {
            world.Brick.Held[answered++]();
            world.Loop.Run();
        }

        Assert.Equal(100, answered);
        Assert.All(tasks, t => Assert.Equal(Errno.Ok, ProtocolWorld.Error(t.Result)));
        call.Release();
    }

    [Fact]
    public void WaitingLocksDoNotKeepTheUnlockOut()
    {
        using var world = new ProtocolWorld([
            ($"auth.addr.{ProtocolWorld.Export}.allow", "*"), ("rpc.outstanding-rpc-limit", "8")]);
        var client = world.Client();
        var fd = world.Open(client, File);
        world.Brick.Holds = code => code == FopCode.Lk;
        var call = Call.Internal();
        var tasks = Enumerable.Range(0, 100)
            .Select(_ => client.Top.Lk(new LkFop { Gfid = File, Fd = fd, Command = LockCommand.SetLockWait }, call)).ToList();
        world.Loop.Run();
        Assert.Equal(100, world.Brick.Held.Count);
        Assert.Equal(Errno.Ok, world.Stat(client));
        world.Brick.Held.ForEach(a => a());
        world.Loop.Run();
        Assert.All(tasks, t => ProtocolWorld.Error(t.Result));
        call.Release();
    }

    [Fact]
    public void AClientThatTakesNoAnswersIsNotReadAndThenLeft()
    {
        using var world = new ProtocolWorld();
        var client = world.Client(options: ("ping-timeout", "0"));
        world.Brick.Answer = (code, _) =>
        {
            if (code != FopCode.Read)
            {
                return null;
            }

            var reply = ReadReply.Rent();
            reply.Data = new Payload(PayloadPool.Shared.Rent(1 << 20), 0, 1 << 20);
            reply.OpRet = 1 << 20;
            return reply;
        };
        world.Network.Clients[0].Other!.IsStuck = true;
        var call = Call.Internal();
        var tasks = Enumerable.Range(0, 100).Select(_ => client.Top.Read(
            new ReadFop { Gfid = File, Fd = call.AnonymousFd(File), Size = 1 << 20 }, call)).ToList();
        world.Loop.Run();
        Assert.InRange(world.CountOf("Read"), 8, 12);
        world.Loop.Advance(50_000);
        Assert.InRange(world.CountOf("Read"), 8, 12);
        Assert.Single(world.Network.Clients);
        var server = world.Network.Clients[0].Other!;
        world.Loop.Advance(30_000);
        Assert.True(server.IsClosed);
        world.Loop.Advance(5000);
        Assert.All(tasks, t => Assert.Equal(Errno.ENOTCONN, ProtocolWorld.Error(t.Result)));
        call.Release();
    }

    [Fact]
    public void ASlowTakerGetsEverythingInTheEnd()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        world.Brick.IsQuiet = true;
        var server = world.Network.Clients[0].Other!;
        server.IsStuck = true;
        var call = Call.Internal();
        var tasks = Enumerable.Range(0, 5000).Select(_ => client.Top.Read(
            new ReadFop { Gfid = File, Fd = call.AnonymousFd(File), Size = 4096 }, call)).ToList();
        world.Loop.Run();
        Assert.InRange(world.Brick.Count, 1500, 2200);
        server.IsStuck = false;
        server.Post();
        world.Loop.Advance(5000);
        Assert.All(tasks, t => Assert.Equal(Errno.Ok, ProtocolWorld.Error(t.Result)));
        call.Release();
    }

    [Fact]
    public void CallbacksComeToTheClientsGraph()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        Assert.Equal([GraphEventKind.ChildUp], world.Events.Select(e => e.Kind));
        world.Leaf.Raise(new GraphEvent(GraphEventKind.Invalidate, File, 0x5e));
        world.Leaf.Raise(new GraphEvent(GraphEventKind.ChildDown));
        world.Leaf.Raise(new GraphEvent(GraphEventKind.ChildUp));
        world.Loop.Run();
        Assert.Equal(
            [GraphEventKind.Invalidate, GraphEventKind.ChildDown, GraphEventKind.ChildUp],
            world.Events.Skip(1).Select(e => e.Kind));
        Assert.Equal((File, 0x5eu), (world.Events[1].Gfid, world.Events[1].Flags));
        client.Stop();
    }

    [Fact]
    public void WhoWaitsForABrickThatHangsIsCutOffAndNobodyElse()
    {
        using var world = new ProtocolWorld();
        var waits = world.Client();
        var idle = world.Client();
        Assert.Equal(Errno.Ok, world.Stat(idle));
        world.Brick.Holds = _ => true;
        var call = Call.Internal();
        var fop = waits.Top.Stat(new StatFop { Gfid = File }, call).AsTask();
        world.Loop.Run();
        Assert.False(fop.IsCompleted);
        var links = world.Network.Clients.ToList();
        world.Leaf.Raise(new GraphEvent(GraphEventKind.Hung));
        world.Loop.Run();
        Assert.Equal(Errno.ENOTCONN, fop.Result.Error);
        world.Brick.Holds = _ => false;
        Assert.Equal(Errno.Ok, world.Stat(idle));
        Assert.Equal(2, links.Count);
        Assert.Single(links, l => !l.IsOpen);
        call.Release();
    }

    [Fact]
    public void LockContentionReachesTheHolderOnly()
    {
        using var world = new ProtocolWorld();
        ClientIdentity? holder = null;
        world.Brick.OnFop = (_, _, call) => holder ??= call.Client;
        var client = world.Client();
        var other = world.Client();
        Assert.Equal(Errno.Ok, world.Stat(client));
        world.Events.Clear();
        var flock = new Flock(LockType.Write, 0, 5, 6, 7, new LkOwner([1, 2, 3, 4, 5, 6, 7, 8, 9]));
        world.Leaf.Raise(new GraphEvent(GraphEventKind.LockContention, File)
        {
            Contention = new LockContention(holder!, "domain", -6) { Flock = flock },
        });
        world.Leaf.Raise(new GraphEvent(GraphEventKind.LockContention, File)
        {
            Contention = new LockContention(holder!, "domain", -6) { EntryName = "name" },
        });
        world.Loop.Run();
        Assert.Equal(2, world.Events.Count);
        Assert.All(world.Events, e => Assert.Equal((File, "domain", -6), (e.Gfid, e.Contention!.Domain, e.Contention.Pid)));
        Assert.Equal(flock, world.Events[0].Contention!.Flock);
        Assert.Equal("name", world.Events[1].Contention!.EntryName.ToString());
        client.Stop();
        other.Stop();
    }

    [Fact]
    public void AReplyWithMoreBytesThanWereAskedForIsNotBelieved()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        world.Brick.Answer = (code, _) =>
        {
            var reply = ReadReply.Rent();
            reply.Data = Payload.CopyOf(new byte[100]);
            reply.OpRet = 100;
            return code == FopCode.Read ? reply : null;
        };
        Assert.Equal(Errno.ENOTCONN, world.Read(client, Fd.Anonymous(File)));
        world.Brick.Answer = null;
        world.Loop.Advance(4000);
        Assert.Equal(Errno.Ok, world.Stat(client));
    }

    [Fact]
    public void WhatNoBrickCouldAnswerIsRefusedAtTheDoor()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        var fd = world.Open(client, File);
        var directory = new Fd(new Gfid(8, 8), 0, isDirectory: true, client.SlotCount);
        ProtocolWorld.Error(world.Ask<OpendirFop, OpendirReply>(client, new OpendirFop { Gfid = directory.Gfid, Fd = directory }));
        world.Brick.Events.Clear();
        Assert.Equal(Errno.EINVAL, ProtocolWorld.Error(world.Ask<ReadFop, ReadReply>(
            client, new ReadFop { Gfid = File, Fd = fd, Size = uint.MaxValue })));
        Assert.Equal(Errno.EBADF, ProtocolWorld.Error(world.Ask<ReadFop, ReadReply>(
            client, new ReadFop { Gfid = new Gfid(99, 99), Fd = fd, Size = 1 })));
        Assert.Equal(Errno.EINVAL, ProtocolWorld.Error(world.Ask<UnlinkFop, UnlinkReply>(
            client, new UnlinkFop { Parent = Gfid.Root, Name = "../up" })));
        Assert.Equal(Errno.ENAMETOOLONG, ProtocolWorld.Error(world.Ask<MkdirFop, MkdirReply>(
            client, new MkdirFop { Parent = Gfid.Root, Name = new string('x', 256) })));
        Assert.Empty(world.Brick.Events);
        uint seen = 0;
        world.Brick.OnFop = (_, fop, _) => seen = fop is ReaddirpFop list ? list.Size : seen;
        Assert.Equal(Errno.Ok, ProtocolWorld.Error(world.Ask<ReaddirpFop, ReaddirpReply>(
            client, new ReaddirpFop { Gfid = directory.Gfid, Fd = directory, Size = uint.MaxValue })));
        Assert.Equal(1u << 20, seen);
    }

    [Fact]
    public void AFopThatThrowsAnswersEIOAndTheConnectionGoesOn()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        world.Brick.OnFop = (_, _, _) => throw new InvalidOperationException("a bug");
        Assert.Equal(Errno.EIO, world.Stat(client));
        world.Brick.OnFop = null;
        Assert.Equal(Errno.Ok, world.Stat(client));
    }

    [ReleaseFact]
    public void SteadyTrafficAllocatesNothing()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        var fd = world.Open(client, File);
        world.Brick.IsQuiet = true;
        var data = Payload.CopyOf(new byte[4096]);
        var call = Call.Internal();
        var xdata = XData.Rent();
        xdata.SetInt("key"u8, 1);
        Name name = "name";
        Action[] fops =
        [
            () => Done(world, client.Top.Lookup(new LookupFop { Parent = Gfid.Root, Name = name, XData = xdata }, call)),
            () => Done(world, client.Top.Read(new ReadFop { Gfid = File, Fd = fd, Size = 4096 }, call)),
            () => Done(world, client.Top.Write(new WriteFop { Gfid = File, Fd = fd, Data = data, XData = xdata }, call)),
            () => Done(world, client.Top.Stat(new StatFop { Gfid = File }, call)),
        ];
        Assert.Equal([0L, 0, 0, 0], fops.Select(AllocatedBy).ToArray());
        xdata.Release();
        call.Release();
        data.Release();
    }

    private static long AllocatedBy(Action action)
    {
        long before = 0;
        const int Rounds = 3000;
        for (var i = 0; i < Rounds; i++)
        {
            before = i == Rounds - 1000 ? GC.GetAllocatedBytesForCurrentThread() : before;
            action();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Done<TReply>(ProtocolWorld world, ValueTask<TReply> task)
        where TReply : Reply
    {
        world.Loop.Run();
        task.Result.Release();
    }

    private static Errno Release(ProtocolWorld world, TranslatorGraph client, Fd fd) =>
        ProtocolWorld.Error(world.Ask<ReleaseFop, ReleaseReply>(client, new ReleaseFop { Gfid = fd.Gfid, Fd = fd }));

    private sealed class RoundTrip(ProtocolWorld world) : IFopVisitor
    {
        public void Visit<TFop, TReply, TCodec>()
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            var random = new Random((int)TFop.Code);
            var client = world.Client();
            for (var round = 0; round < 20; round++)
            {
                Once<TFop, TReply, TCodec>(client, random);
            }
        }

        private void Once<TFop, TReply, TCodec>(TranslatorGraph client, Random random)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            var fds = NewFds<TFop>(client);
            var fop = FopSamples.NewFop<TFop>(random, fds.First, fds.Second);
            if (typeof(TFop) == typeof(ReleaseFop) && TFop.XDataOf(in fop) is not { Count: > 0 })
            {
                FopSamples.ReleaseFop(fop); // It goes with others: ReleaseManyTests.
                return;
            }

            var expected = TReply.Rent();
            FopSamples.FillReply(random, expected);
            if (expected is ReadReply read)
            {
                var size = (int)Math.Min(read.Data.Length, ((ReadFop)(object)fop).Size);
                read.Data = read.Data.Slice(0, size);
                read.OpRet = size;
            }

            var seen = 0;
            world.Brick.OnFop = (code, got, _) =>
            {
                seen++;
                FopSamples.AssertSameFop(fop, (TFop)got, SameFile);
            };
            world.Brick.Answer = (_, _) => Copy<TFop, TReply, TCodec>(expected);
            var call = Call.Internal(pid: 100);
            call.LockOwner = LkOwner.From(1); // Without an owner FLUSH is no message.
            var reply = world.Ask<TFop, TReply>(client, in fop, call);
            call.Release();
            world.Brick.OnFop = null;
            world.Brick.Answer = null;
            Assert.Equal(1, seen);
            FopSamples.AssertSameReply(expected, reply, withFdNumber: false);
            reply.Release();
            expected.Release();
            FopSamples.ReleaseFop(fop);
        }

        private (Fd First, Fd Second) NewFds<TFop>(TranslatorGraph client)
        {
            if (typeof(TFop).GetProperties().Count(p => p.PropertyType == typeof(Fd)) == 0)
            {
                return (Fd.Anonymous(File), Fd.Anonymous(File));
            }

            var isNew = typeof(TFop) == typeof(OpenFop) || typeof(TFop) == typeof(OpendirFop) || typeof(TFop) == typeof(CreateFop);
            if (isNew)
            {
                return (new Fd(File, 0, typeof(TFop) == typeof(OpendirFop), client.SlotCount), Fd.Anonymous(File));
            }

            if (typeof(TFop) == typeof(ReleasedirFop))
            {
                var fd = new Fd(File, 0, isDirectory: true, client.SlotCount);
                ProtocolWorld.Error(world.Ask<OpendirFop, OpendirReply>(client, new OpendirFop { Gfid = File, Fd = fd }));
                return (fd, fd);
            }

            return (world.Open(client, File), world.Open(client, new Gfid(7, 7)));
        }

        private static void SameFile(Fd expected, Fd actual)
        {
            // CREATE tells the server's fd its file only with the reply.
            if (!actual.Gfid.IsNull)
            {
                Assert.Equal(expected.Gfid, actual.Gfid);
            }

            Assert.Equal(expected.IsDirectory, actual.IsDirectory);
        }

        private static TReply Copy<TFop, TReply, TCodec>(TReply reply)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            var writer = new XdrWriter(new byte[TCodec.ReplySizeMax(reply)]);
            TCodec.EncodeReply(ref writer, reply);
            var record = Payload.CopyOf([.. writer.Written, .. TCodec.ReplyPayload(reply).Span]);
            var reader = new XdrReader(record);
            var copy = TReply.Rent();
            Assert.True(TCodec.TryDecodeReply(ref reader, copy));
            record.Release();
            return copy;
        }
    }

    private sealed class Failure(ProtocolWorld world) : IFopVisitor
    {
        public void Visit<TFop, TReply, TCodec>()
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            var client = world.Client();
            var fd = TFop.Code == FopCode.Releasedir ? new Fd(File, 0, isDirectory: true, client.SlotCount)
                : TFop.Code is FopCode.Open or FopCode.Opendir or FopCode.Create ? new Fd(File, 0, false, client.SlotCount)
                : world.Open(client, File);
            if (TFop.Code == FopCode.Releasedir)
            {
                ProtocolWorld.Error(world.Ask<OpendirFop, OpendirReply>(client, new OpendirFop { Gfid = File, Fd = fd }));
            }

            var fop = FopSamples.NewFop<TFop>(new Random(1), fd, fd);
            foreach (var error in new[] { Errno.ENOENT, Errno.EDQUOT, (Errno)1024 })
            {
                world.Brick.Answer = (_, _) =>
                {
                    var bad = TReply.Fail(error);
                    bad.NeedXData().SetInt("why"u8, 7);
                    return bad;
                };
                var reply = world.Ask<TFop, TReply>(client, in fop);
                if (TFop.Code is FopCode.Release or FopCode.Releasedir && error != Errno.ENOENT)
                {
                    Assert.Equal(Errno.Ok, reply.Error); // There is nothing left to release.
                }
                else
                {
                    Assert.Equal((error, -1), (reply.Error, reply.OpRet));
                    Assert.True(reply.XData!.TryGetInt("why"u8, out var why) && why == 7);
                }

                reply.Release();
            }

            FopSamples.ReleaseFop(fop);
        }
    }
}
