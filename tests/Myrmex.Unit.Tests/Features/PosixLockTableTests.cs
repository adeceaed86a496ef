using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Features;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>
/// POSIX record locks against a model that knows the lock of every owner on every byte. Source: fcntl(2), POSIX.1-2017.
/// </summary>
public sealed class PosixLockTableTests
{
    private static readonly Gfid File = new(1, 2);
    private static readonly ClientIdentity[] Clients = [new("client-a", "a"), new("client-b", "b")];

    [Fact]
    public void EverySequenceOfThreeRequestsOfTwoOwnersOnFourBytesMatchesTheModel()
    {
        var requests = AllRequests(byteCount: 4, ownerCount: 2);
        var table = new PosixLockTable();
        var model = new ByteModel(4, 2);
        var effects = new LockEffects();
        foreach (var first in requests)
        {
            foreach (var second in requests)
            {
                foreach (var third in requests)
                {
                    model.Clear();
                    foreach (var request in new[] { first, second, third })
                    {
                        Assert.Equal(model.Set(request), table.Set(request.ToRequest(null), effects));
                    }

                    model.Check(table);
                    table.DropClient(Clients[0], effects);
                    table.DropClient(Clients[1], effects);
                    Assert.Equal(0, table.FileCount);
                }
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void LongRandomHistoriesWithWaitingRequestsMatchTheModel(int seed)
    {
        var random = new Random(seed);
        var requests = AllRequests(byteCount: 8, ownerCount: 4);
        var table = new PosixLockTable();
        var model = new ByteModel(8, 4);
        var waiting = new List<(Step Step, TestTicket Ticket)>();
        for (var i = 0; i < 20_000; i++)
        {
            var step = requests[random.Next(requests.Count)];
            if (waiting.Any(w => w.Step.Owner == step.Owner))
            {
                step = step with { Type = LockType.Unlock, Start = 0, End = 7 };
            }

            var effects = new LockEffects();
            var ticket = step.Type != LockType.Unlock && random.Next(2) == 0 ? new TestTicket() : null;
            var verdict = table.Set(step.ToRequest(ticket), effects);
            Deliver(effects);
            var expected = model.Set(step);
            Assert.True(
                verdict == expected
                    || (expected == LockVerdict.Conflict && verdict is LockVerdict.Waiting or LockVerdict.Deadlock));
            if (verdict == LockVerdict.Waiting)
            {
                waiting.Add((step, ticket!));
            }

            // The model grants what waits in the order of arrival, again and again until nothing changes.
            for (var k = 0; k < waiting.Count; k++)
            {
                var cancelled = waiting[k].Ticket.Error == Errno.EINTR;
                if (cancelled || model.Set(waiting[k].Step) == LockVerdict.Granted)
                {
                    Assert.Equal(cancelled ? Errno.EINTR : Errno.Ok, waiting[k].Ticket.Error);
                    waiting.RemoveAt(k);
                    k = -1;
                }
            }

            Assert.All(waiting, w => Assert.Null(w.Ticket.Error));
            model.Check(table);
        }
    }

    [Fact]
    public void TheMiddleOfALockCanBeUnlocked()
    {
        var table = new PosixLockTable();
        Set(table, 0, LockType.Write, 0, long.MaxValue);
        Set(table, 0, LockType.Unlock, 10, 19);
        Assert.Equal([(0, 9), (20, long.MaxValue)], Held(table));
        Set(table, 0, LockType.Write, 5, 30);
        Assert.Equal([(0, long.MaxValue)], Held(table));
    }

    [Fact]
    public void AReadLockInTheMiddleOfAWriteLockMakesThreeLocks()
    {
        var table = new PosixLockTable();
        Set(table, 0, LockType.Write, 0, 99);
        Set(table, 0, LockType.Read, 10, 19);
        Assert.Equal([(0, 9), (10, 19), (20, 99)], Held(table));
        Assert.Equal(LockVerdict.Granted, Set(table, 1, LockType.Read, 12, 15));
        Assert.Equal(LockVerdict.Conflict, Set(table, 1, LockType.Read, 12, 20));
    }

    [Fact]
    public void ConflictQuestionAnswersTheLowestLockInTheWay()
    {
        var table = new PosixLockTable();
        Set(table, 0, LockType.Read, 50, 59);
        Set(table, 0, LockType.Write, 10, 19);
        var wanted = new Step(1, LockType.Write, 0, 100).ToRequest(null).Lock;
        Assert.True(table.TryFindConflict(File, in wanted, out var conflict));
        Assert.Equal((LockType.Write, 10, 10), (conflict.Type, conflict.ToFlock().Start, conflict.ToFlock().Length));
        wanted = wanted with { Type = LockType.Read, Start = 20, End = 100 };
        Assert.False(table.TryFindConflict(File, in wanted, out _));
    }

    [Fact]
    public void WaitingRequestsAreGrantedInTheOrderOfArrival()
    {
        var table = new PosixLockTable();
        Set(table, 0, LockType.Write, 0, 9);
        var second = Wait(table, 1, LockType.Write, 0, 9);
        var third = Wait(table, 2, LockType.Read, 0, 9);
        var fourth = Wait(table, 3, LockType.Read, 0, 9);
        Set(table, 0, LockType.Unlock, 0, 9);
        Assert.Equal(Errno.Ok, second.Error);
        Assert.Null(third.Error);
        Set(table, 1, LockType.Unlock, 0, 9);
        Assert.Equal((Errno.Ok, Errno.Ok), (third.Error, fourth.Error));
    }

    [Fact]
    public void UnlockOfExactlyTheWantedRangeEndsTheWaitWithEintr()
    {
        var table = new PosixLockTable();
        Set(table, 0, LockType.Write, 0, 9);
        var waiting = Wait(table, 1, LockType.Write, 0, 9);
        Set(table, 1, LockType.Unlock, 0, 8);
        Assert.Null(waiting.Error);
        Set(table, 1, LockType.Unlock, 0, 9);
        Assert.Equal(Errno.EINTR, waiting.Error);
        Set(table, 0, LockType.Unlock, 0, 9);
        Assert.Equal(0, table.FileCount);
    }

    [Fact]
    public void TwoOwnersWaitingForEachOtherIsADeadlockAndThreeToo()
    {
        var table = new PosixLockTable();
        for (var owner = 0; owner < 3; owner++)
        {
            Set(table, owner, LockType.Write, owner, owner);
        }

        Wait(table, 0, LockType.Write, 1, 1);
        Wait(table, 1, LockType.Read, 2, 2);
        var effects = new LockEffects();
        var closing = new Step(2, LockType.Write, 0, 0).ToRequest(new TestTicket());
        Assert.Equal(LockVerdict.Deadlock, table.Set(in closing, effects));
        var innocent = new Step(3, LockType.Write, 0, 0).ToRequest(new TestTicket());
        Assert.Equal(LockVerdict.Waiting, table.Set(in innocent, effects));
    }

    [Fact]
    public void DeadlockIsFoundAcrossFiles()
    {
        var table = new PosixLockTable();
        var effects = new LockEffects();
        var other = new Gfid(3, 4);
        Set(table, 0, LockType.Write, 0, 0);
        table.Set(new Step(1, LockType.Write, 0, 0).ToRequest(null) with { Gfid = other }, effects);
        table.Set(new Step(0, LockType.Write, 0, 0).ToRequest(new TestTicket()) with { Gfid = other }, effects);
        Assert.Equal(
            LockVerdict.Deadlock, table.Set(new Step(1, LockType.Write, 0, 0).ToRequest(new TestTicket()), effects));
    }

    [Fact]
    public void FlushOfAnOwnerDropsItsLocksAndItsWaitsOnThatFileOnly()
    {
        var table = new PosixLockTable();
        var effects = new LockEffects();
        var other = new Gfid(3, 4);
        Set(table, 0, LockType.Write, 0, 9);
        table.Set(new Step(0, LockType.Write, 0, 9).ToRequest(null) with { Gfid = other }, effects);
        Set(table, 1, LockType.Write, 20, 29);
        var own = Wait(table, 0, LockType.Write, 20, 29);
        var foreign = Wait(table, 3, LockType.Write, 0, 9);
        table.DropHolder(File, new Step(0, default, 0, 0).Holder, effects);
        Deliver(effects);
        Assert.Equal((Errno.EINTR, Errno.Ok), (own.Error, foreign.Error));
        Assert.Equal(1, table.Count(other));
        Assert.Equal(2, table.Count(File));
    }

    [Fact]
    public void ReleaseOfAnOpenFileDropsWhatWasTakenThroughIt()
    {
        var table = new PosixLockTable();
        var effects = new LockEffects();
        var (one, two) = (new Fd(File, 0, false, 0), new Fd(File, 0, false, 0));
        var request = new Step(0, LockType.Read, 0, 0).ToRequest(null);
        table.Set(request with { Lock = request.Lock with { Fd = one } }, effects);
        table.Set(request with { Lock = request.Lock with { Fd = two, Start = 5, End = 5 } }, effects);
        table.DropFd(File, one, effects);
        Assert.Equal([(5, 5)], Held(table));
    }

    [Fact]
    public void AClientThatIsGoneLosesEverythingAndOthersGoOn()
    {
        var table = new PosixLockTable();
        var effects = new LockEffects();
        Set(table, 0, LockType.Write, 0, 9); // Owners 0 and 2 are of client a, 1 and 3 of client b.
        var gone = Wait(table, 2, LockType.Write, 0, 9);
        var staying = Wait(table, 1, LockType.Write, 0, 9);
        table.DropClient(Clients[0], effects);
        Deliver(effects);
        Assert.Equal((Errno.ENOTCONN, Errno.Ok), (gone.Error, staying.Error));
        table.DropClient(Clients[1], effects);
        Assert.Equal(0, table.FileCount);
    }

    [Fact]
    public void AnAdministratorClearsHeldAndWaitingLocks()
    {
        var table = new PosixLockTable();
        var effects = new LockEffects();
        Set(table, 0, LockType.Write, 0, 9);
        Set(table, 0, LockType.Write, 20, 29);
        var waiting = Wait(table, 1, LockType.Write, 0, 9);
        Assert.Equal((0, 0), table.Clear(File, new LockClearing(true, true, (1, 2), default), effects));
        Assert.Equal((0, 1), table.Clear(File, new LockClearing(false, true, (0, 9), default), effects));
        Deliver(effects);
        Assert.Equal(Errno.EINTR, waiting.Error);
        Assert.Equal((2, 0), table.Clear(File, new LockClearing(true, true, null, default), effects));
        Assert.Equal(0, table.FileCount);
    }

    [Fact]
    public void TheEndOfTheGraphEndsAllWaits()
    {
        var table = new PosixLockTable();
        var effects = new LockEffects();
        Set(table, 0, LockType.Write, 0, 9);
        var waiting = Wait(table, 1, LockType.Write, 0, 9);
        table.GiveUp(Errno.ENOTCONN, dropsHeld: false, effects);
        Deliver(effects);
        Assert.Equal(Errno.ENOTCONN, waiting.Error);
    }

    private static List<Step> AllRequests(int byteCount, int ownerCount)
    {
        var requests = new List<Step>();
        for (var owner = 0; owner < ownerCount; owner++)
        {
            for (var start = 0; start < byteCount; start++)
            {
                for (var end = start; end < byteCount; end++)
                {
                    requests.Add(new Step(owner, LockType.Read, start, end));
                    requests.Add(new Step(owner, LockType.Write, start, end));
                    requests.Add(new Step(owner, LockType.Unlock, start, end));
                }
            }
        }

        return requests;
    }

    private static LockVerdict Set(PosixLockTable table, int owner, LockType type, long start, long end)
    {
        var effects = new LockEffects();
        var verdict = table.Set(new Step(owner, type, start, end).ToRequest(null), effects);
        Deliver(effects);
        return verdict;
    }

    [Fact]
    public void ASessionTakesItsLocksOverFromWhicheverConnectionHasThem()
    {
        var table = new PosixLockTable();
        Assert.Equal(LockVerdict.Granted, SetOf(table, session: 9, epoch: 1, client: 0, LockType.Write, 0, 9));
        Assert.Equal(LockVerdict.Conflict, SetOf(table, session: 8, epoch: 1, client: 1, LockType.Write, 5, 5));
        Assert.Equal(LockVerdict.Granted, SetOf(table, session: 9, epoch: 2, client: 1, LockType.Write, 0, 9));

        // What the former connection does now is late.
        var effects = new LockEffects();
        Assert.False(table.DropClient(Clients[0], effects, leftMs: 100));
        Assert.Equal(LockVerdict.Late, SetOf(table, session: 9, epoch: 1, client: 0, LockType.Unlock, 0, 9));
        Assert.Equal([(0, 9)], Held(table));
        Assert.Equal(LockVerdict.Granted, SetOf(table, session: 9, epoch: 2, client: 1, LockType.Unlock, 0, 9));
        Assert.Equal(0, table.FileCount);
    }

    [Fact]
    public void WhatASessionLeavesBehindIsKeptUntilItsTimeIsOver()
    {
        var table = new PosixLockTable();
        var effects = new LockEffects();
        SetOf(table, session: 9, epoch: 1, client: 0, LockType.Write, 0, 9);
        SetOf(table, session: 8, epoch: 1, client: 0, LockType.Write, 20, 29);
        Set(table, 0, LockType.Write, 40, 49); // Without a session: nobody could take it over.
        Assert.True(table.DropClient(Clients[0], effects, leftMs: 100));
        Assert.Equal([(0, 9), (20, 29)], Held(table));
        var waiting = Wait(table, 1, LockType.Write, 20, 29);
        SetOf(table, session: 9, epoch: 2, client: 1, LockType.Write, 0, 9);
        Assert.True(table.DropLeft(untilMs: 99, effects));
        Assert.False(table.DropLeft(untilMs: 100, effects));
        Deliver(effects);
        Assert.Equal(Errno.Ok, waiting.Error);
        Assert.Equal([(0, 9), (20, 29)], Held(table));
    }

    [Fact]
    public void TheFirstRequestFromAnotherProxyEndsWhatASessionWaitsForAtTheFormer()
    {
        var table = new PosixLockTable();
        Set(table, 1, LockType.Write, 0, 9);
        var former = WaitOf(table, session: 9, epoch: 1, client: 0, 0, 9);
        var other = WaitOf(table, session: 8, epoch: 1, client: 0, 0, 9);
        var next = WaitOf(table, session: 9, epoch: 2, client: 1, 0, 9);
        Assert.Equal((Errno.ECANCELED, null, null), (former.Error, other.Error, next.Error));
    }

    [Fact]
    public void OneOwnerOfTwoSessionsIsTwoOwners()
    {
        var table = new PosixLockTable();
        SetOf(table, session: 9, epoch: 1, client: 0, LockType.Write, 0, 9);
        Assert.Equal(LockVerdict.Conflict, SetOf(table, session: 8, epoch: 1, client: 0, LockType.Write, 0, 9));
        Assert.Equal(LockVerdict.Conflict, table.Set(new Step(0, LockType.Write, 0, 9).ToRequest(null), new LockEffects()));
    }

    private static PosixLockRequest RequestOf(
        ulong session, uint epoch, int client, LockType type, long start, long end, LockTicket? ticket)
    {
        var holder = new LockHolder(Clients[client], LkOwner.From((ulong)client))
        {
            Session = new LockSession(session, epoch, LkOwner.From(7)),
        };
        return new PosixLockRequest(File, new PosixLock(holder, type, start, end, 1, null), ticket);
    }

    private static LockVerdict SetOf(
        PosixLockTable table, ulong session, uint epoch, int client, LockType type, long start, long end)
    {
        var effects = new LockEffects();
        var request = RequestOf(session, epoch, client, type, start, end, null);
        var verdict = table.TryEnter(request.Lock.Holder.Session, effects) ? table.Set(request, effects) : LockVerdict.Late;
        Deliver(effects);
        return verdict;
    }

    private static TestTicket WaitOf(PosixLockTable table, ulong session, uint epoch, int client, long start, long end)
    {
        var effects = new LockEffects();
        var ticket = new TestTicket();
        var request = RequestOf(session, epoch, client, LockType.Write, start, end, ticket);
        Assert.True(table.TryEnter(request.Lock.Holder.Session, effects));
        Assert.Equal(LockVerdict.Waiting, table.Set(request, effects));
        Deliver(effects);
        return ticket;
    }

    private static TestTicket Wait(PosixLockTable table, int owner, LockType type, long start, long end)
    {
        var ticket = new TestTicket();
        var effects = new LockEffects();
        Assert.Equal(LockVerdict.Waiting, table.Set(new Step(owner, type, start, end).ToRequest(ticket), effects));
        return ticket;
    }

    private static (long Start, long End)[] Held(PosixLockTable table)
    {
        var held = new List<PosixLock>();
        table.List(File, held, []);
        return [.. held.Select(h => (h.Start, h.End)).Order()];
    }

    private static void Deliver(LockEffects effects)
    {
        foreach (var (ticket, error) in effects.Completed)
        {
            ticket.Complete(error);
        }

        effects.Completed.Clear();
    }

    private readonly record struct Step(int Owner, LockType Type, long Start, long End)
    {
        public LockHolder Holder => new(Clients[Owner % 2], LkOwner.From((ulong)Owner));

        public PosixLockRequest ToRequest(LockTicket? ticket) =>
            new(File, new PosixLock(Holder, Type, Start, End, (uint)Owner, null), ticket);
    }

    private sealed class TestTicket : LockTicket
    {
        public Errno? Error { get; private set; }

        public override void Complete(Errno error)
        {
            Assert.Null(Error);
            Error = error;
        }
    }

    /// <summary>The lock type of every owner on every byte; <see cref="LockType.Unlock"/> is none.</summary>
    private sealed class ByteModel(int byteCount, int ownerCount)
    {
        private readonly LockType[,] _locks = Fill(new LockType[byteCount, ownerCount]);

        public void Clear() => Fill(_locks);

        public LockVerdict Set(Step step)
        {
            for (var at = step.Start; at <= step.End && step.Type != LockType.Unlock; at++)
            {
                for (var owner = 0; owner < ownerCount; owner++)
                {
                    var other = _locks[at, owner];
                    if (owner != step.Owner && other != LockType.Unlock
                        && (other == LockType.Write || step.Type == LockType.Write))
                    {
                        return LockVerdict.Conflict;
                    }
                }
            }

            for (var at = step.Start; at <= step.End; at++)
            {
                _locks[at, step.Owner] = step.Type;
            }

            return LockVerdict.Granted;
        }

        /// <summary>The table has the same lock on every byte, and as few locks as possible.</summary>
        public void Check(PosixLockTable table)
        {
            var held = new List<PosixLock>();
            table.List(File, held, []);
            var expected = 0;
            for (var owner = 0; owner < ownerCount; owner++)
            {
                for (var at = 0; at < byteCount; at++)
                {
                    var type = _locks[at, owner];
                    var holder = new Step(owner, default, 0, 0).Holder;
                    var found = held.Where(h => h.Holder == holder && h.Start <= at && at <= h.End).ToArray();
                    Assert.Equal(type == LockType.Unlock ? 0 : 1, found.Length);
                    Assert.True(found.Length == 0 || found[0].Type == type);
                    expected += type != LockType.Unlock && (at == 0 || _locks[at - 1, owner] != type) ? 1 : 0;
                }
            }

            Assert.Equal(expected, held.Count);
        }

        private static LockType[,] Fill(LockType[,] locks)
        {
            for (var i = 0; i < locks.GetLength(0); i++)
            {
                for (var j = 0; j < locks.GetLength(1); j++)
                {
                    locks[i, j] = LockType.Unlock;
                }
            }

            return locks;
        }
    }
}
