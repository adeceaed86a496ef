using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Features;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>Inode and entry locks: rules by example, and invariants after every step of random histories.</summary>
public sealed class DomainLockTableTests
{
    private static readonly Gfid File = new(1, 2);
    private static readonly LockDomain Data = LockDomain.Parse("vol-replicate-0");
    private static readonly ClientIdentity[] Clients = [new("client-a", "a"), new("client-b", "b")];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void AfterEveryStepNoTwoHoldersExcludeEachOtherAndWhatWaitsMustWait(int seed)
    {
        var random = new Random(seed);
        var table = new DomainLockTable<RangeScope>();
        for (var i = 0; i < 20_000; i++)
        {
            var start = random.Next(6);
            var type = random.Next(3) == 0 ? LockType.Read : LockType.Write;
            RandomStep(table, random, new RangeScope(type, start, start + random.Next(3)));
            Check(table);
        }

        DropAll(table);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void EntryLocksKeepTheSameInvariants(int seed)
    {
        var random = new Random(seed);
        var table = new DomainLockTable<NameScope>();
        for (var i = 0; i < 20_000; i++)
        {
            RandomStep(table, random, new NameScope(new[] { "a", "b", "c", string.Empty }[random.Next(4)]));
            Check(table);
        }

        DropAll(table);
    }

    [Fact]
    public void AnUnlockMustNameTheExactRange()
    {
        var table = new DomainLockTable<RangeScope>();
        Assert.Equal(LockVerdict.Granted, Lock(table, 0, Write(0, 99)));
        Assert.Equal(LockVerdict.NotHeld, Unlock(table, 0, Write(0, 49)));
        Assert.Equal(LockVerdict.NotHeld, Unlock(table, 1, Write(0, 99)));
        Assert.Equal(LockVerdict.Granted, Unlock(table, 0, new RangeScope(LockType.Unlock, 0, 99)));
        Assert.Equal(0, table.FileCount);
    }

    [Fact]
    public void AHolderMayHoldALockTwiceAndMustGiveItUpTwice()
    {
        var table = new DomainLockTable<RangeScope>();
        Assert.Equal(LockVerdict.Granted, Lock(table, 0, Write(0, 99)));
        Assert.Equal(LockVerdict.Granted, Lock(table, 0, Write(0, 99)));
        Unlock(table, 0, Write(0, 99));
        Assert.Equal(LockVerdict.Conflict, Lock(table, 1, Write(5, 5)));
        Unlock(table, 0, Write(0, 99));
        Assert.Equal(LockVerdict.Granted, Lock(table, 1, Write(5, 5)));
    }

    [Fact]
    public void LocksOfDifferentDomainsNeverMeet()
    {
        var table = new DomainLockTable<RangeScope>();
        var metadata = LockDomain.OfRange("vol-replicate-0", long.MaxValue - 1, 0);
        Assert.Equal("vol-replicate-0:metadata", metadata.ToString());
        Assert.Equal(metadata, LockDomain.Parse("vol-replicate-0:metadata"));
        Assert.Equal(LockVerdict.Granted, Lock(table, 0, Write(0, long.MaxValue)));
        var wanted = new DomainLock<RangeScope>(Holder(1), Write(long.MaxValue - 1, long.MaxValue), 1);
        Assert.Equal(LockVerdict.Granted, table.Lock(File, metadata, wanted, 0, -1, new LockEffects()));
        Assert.Equal(LockVerdict.Granted, table.Lock(File, LockDomain.Parse("dht.layout.heal"), wanted, 0, -1, new LockEffects()));
        Assert.Equal(1, table.Count(File, "vol-replicate-0"u8));
        Assert.Equal(1, table.Count(File, "vol-replicate-0:metadata"u8));
        Assert.Equal(0, table.Count(File, "other"u8));
        Assert.Equal(3, table.Count(File));
    }

    [Fact]
    public void AGrantableRequestQueuesBehindAnEarlierWaitingOne()
    {
        var table = new DomainLockTable<RangeScope>();
        Lock(table, 0, Read(0, 9));
        var writer = new TestTicket();
        Assert.Equal(LockVerdict.Waiting, Lock(table, 1, Write(0, 9), writer));
        var reader = new TestTicket();
        Assert.Equal(LockVerdict.Waiting, Lock(table, 2, Read(0, 9), reader));
        Assert.Equal(LockVerdict.Conflict, Lock(table, 3, Read(0, 9)));
        Assert.Equal(LockVerdict.Granted, Lock(table, 0, Read(0, 9)));
        Unlock(table, 0, Read(0, 9));
        Assert.Null(writer.Error);
        Unlock(table, 0, Read(0, 9));
        Assert.Equal(Errno.Ok, writer.Error);
        Assert.Null(reader.Error);
        Unlock(table, 1, Write(0, 9));
        Assert.Equal(Errno.Ok, reader.Error);
    }

    [Fact]
    public void TheEmptyNameExcludesEveryName()
    {
        var table = new DomainLockTable<NameScope>();
        Assert.Equal(LockVerdict.Granted, Lock(table, 0, new NameScope("a")));
        Assert.Equal(LockVerdict.Granted, Lock(table, 1, new NameScope("b")));
        Assert.Equal(LockVerdict.Conflict, Lock(table, 2, new NameScope(default)));
        Unlock(table, 0, new NameScope("a"));
        Unlock(table, 1, new NameScope("b"));
        Assert.Equal(LockVerdict.Granted, Lock(table, 2, new NameScope(default)));
        Assert.Equal(LockVerdict.Conflict, Lock(table, 0, new NameScope("a")));
        Assert.True(table.IsHeld(File, new NameScope(default)));
        Assert.False(table.IsHeld(File, new NameScope("a")));
    }

    [Fact]
    public void ANameIsKeptAfterTheRequestThatLentItIsGone()
    {
        var table = new DomainLockTable<NameScope>();
        var memory = "name"u8.ToArray();
        Lock(table, 0, new NameScope(new Name(memory)));
        memory.AsSpan().Fill((byte)'x');
        Assert.True(table.IsHeld(File, new NameScope("name")));
    }

    [Fact]
    public void AHolderInTheWayIsToldAtMostOncePerDelay()
    {
        var table = new DomainLockTable<RangeScope>();
        Lock(table, 0, Write(0, 9));
        var effects = new LockEffects();
        var contended = effects.ContendedRanges;
        var wanted = new DomainLock<RangeScope>(Holder(1), Write(5, 5), 1);
        table.Lock(File, Data, wanted, nowMs: 1000, tellEveryMs: 5000, effects);
        table.Lock(File, Data, wanted, nowMs: 5999, tellEveryMs: 5000, effects);
        Assert.Single(contended);
        table.Lock(File, Data, wanted, nowMs: 6000, tellEveryMs: 5000, effects);
        Assert.Equal(2, contended.Count);
        Assert.Equal(Holder(0), contended[0].Lock.Holder);
        table.Lock(File, Data, wanted, nowMs: 99_000, tellEveryMs: -1, effects);
        Assert.Equal(2, contended.Count);
    }

    [Fact]
    public void AnAdministratorClearsByRangeOrName()
    {
        var effects = new LockEffects();
        var ranges = new DomainLockTable<RangeScope>();
        Lock(ranges, 0, Write(0, 9));
        var waiting = new TestTicket();
        Lock(ranges, 1, Write(0, 9), waiting);
        Assert.Equal((0, 0), ranges.Clear(File, new LockClearing(true, true, (0, 5), default), effects));
        Assert.Equal((1, 1), ranges.Clear(File, new LockClearing(true, true, (0, 9), default), effects));
        Deliver(effects);
        Assert.Equal(Errno.EAGAIN, waiting.Error);
        Assert.Equal(0, ranges.FileCount);
        var names = new DomainLockTable<NameScope>();
        Lock(names, 0, new NameScope("a"));
        Lock(names, 0, new NameScope("b"));
        Assert.Equal((1, 0), names.Clear(File, new LockClearing(true, false, null, "a"), effects));
        Assert.Equal((1, 0), names.Clear(File, new LockClearing(true, false, null, default), effects));
    }

    [Fact]
    public void TheEndOfTheGraphEndsAllWaits()
    {
        var effects = new LockEffects();
        var table = new DomainLockTable<RangeScope>();
        Lock(table, 0, Write(0, 9));
        var waiting = new TestTicket();
        Lock(table, 1, Write(0, 9), waiting);
        table.GiveUp(Errno.ENOTCONN, dropsHeld: false, effects);
        Deliver(effects);
        Assert.Equal(Errno.ENOTCONN, waiting.Error);
    }

    private static RangeScope Write(long start, long end) => new(LockType.Write, start, end);

    private static RangeScope Read(long start, long end) => new(LockType.Read, start, end);

    private static LockHolder Holder(int owner) => new(Clients[owner % 2], LkOwner.From((ulong)owner));

    private static LockVerdict Lock<TScope>(
        DomainLockTable<TScope> table, int owner, TScope scope, LockTicket? ticket = null)
        where TScope : struct, ILockScope<TScope>
    {
        var effects = new LockEffects();
        var wanted = new DomainLock<TScope>(Holder(owner), scope, owner) { Ticket = ticket };
        var verdict = table.Lock(File, Data, wanted, 0, -1, effects);
        Deliver(effects);
        return verdict;
    }

    private static LockVerdict Unlock<TScope>(DomainLockTable<TScope> table, int owner, TScope scope)
        where TScope : struct, ILockScope<TScope>
    {
        var effects = new LockEffects();
        var verdict = table.Unlock(File, Data, Holder(owner), scope, by: default, leftMs: null, effects);
        Deliver(effects);
        return verdict;
    }

    private static void RandomStep<TScope>(DomainLockTable<TScope> table, Random random, TScope scope)
        where TScope : struct, ILockScope<TScope>
    {
        var owner = random.Next(5);
        switch (random.Next(20))
        {
            case 0:
                var effects = new LockEffects();
                table.DropClient(Clients[random.Next(2)], nowMs: 0, effects);
                Deliver(effects);
                break;
            case < 10:
                Unlock(table, owner, scope);
                break;
            default:
                Lock(table, owner, scope, random.Next(2) == 0 ? new TestTicket() : null);
                break;
        }
    }

    private static void Check<TScope>(DomainLockTable<TScope> table)
        where TScope : struct, ILockScope<TScope>
    {
        var locks = new List<(LockDomain Domain, DomainLock<TScope> Lock)>();
        table.List(File, locks);
        var held = locks.Where(l => l.Lock.Ticket is null).Select(l => l.Lock).ToArray();
        var waiting = locks.Where(l => l.Lock.Ticket is not null).Select(l => l.Lock).ToArray();
        foreach (var one in held)
        {
            Assert.DoesNotContain(held, other => other.Holder != one.Holder && other.Scope.Excludes(one.Scope));
        }

        for (var i = 0; i < waiting.Length; i++)
        {
            var one = waiting[i];
            Assert.Null(((TestTicket)one.Ticket!).Error);
            Assert.True(
                held.Any(h => h.Holder != one.Holder && h.Scope.Excludes(one.Scope))
                || (held.All(h => h.Holder != one.Holder)
                    && waiting[..i].Any(w => w.Holder != one.Holder && w.Scope.Excludes(one.Scope))));
        }

        Assert.Equal(held.Length == 0 ? 0 : 1, table.FileCount);
    }

    private static void DropAll<TScope>(DomainLockTable<TScope> table)
        where TScope : struct, ILockScope<TScope>
    {
        var effects = new LockEffects();
        table.DropClient(Clients[0], nowMs: 0, effects);
        table.DropClient(Clients[1], nowMs: 0, effects);
        Deliver(effects);
        Assert.Equal(0, table.FileCount);
    }

    private static void Deliver(LockEffects effects)
    {
        foreach (var (ticket, error) in effects.Completed)
        {
            ticket.Complete(error);
        }

        effects.Completed.Clear();
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
}
