using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

/// <summary>The table of locks against a model that keeps each byte, and its way through checkpoints.</summary>
public sealed class LockTableTests
{
    private const int Bytes = 24; // The last one stands for all to the end of the file.

    private static readonly Gfid[] Files = [new(1, 1), new(1, 2), new(2, 1)];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ItHoldsWhatAModelOfSingleBytesHolds(int seed)
    {
        var random = new Random(seed);
        var table = new SessionTable();
        var model = new Dictionary<(Gfid File, UInt128 Session, LkOwner Owner, int Byte), LockType>();
        Begin(table, 1);
        Begin(table, 2);
        for (var i = 0; i < 4_000; i++)
        {
            Step(random, table, model, (ulong)i + 10);
            if (i % 100 == 0)
            {
                var copy = new SessionTable();
                Assert.True(copy.Import(table.Export()));
                Assert.Equal(table.Export(), copy.Export());
                table = copy;
            }

            AssertSame(random, table.Locks, model);
        }
    }

    [Fact]
    public void ATableWithoutLocksIsWrittenAsBefore()
    {
        var table = new SessionTable();
        Begin(table, 1);
        Assert.Equal(1, table.Export()[0]);
        Take(table, 2, 1, 1, new LockRecord(LockAction.Set, Files[0], LockOf(1, 1, LockType.Write, 0, 5)));
        Assert.Equal(3, table.Export()[0]);
        Take(table, 3, 1, 2, new LockRecord(LockAction.DropOwner, Files[0], LockOf(1, 1, LockType.Unlock, 0, long.MaxValue)));
        Assert.Equal(1, table.Export()[0]);
    }

    [Fact]
    public void OldBytesAreReadAndOthersAreRefused()
    {
        var table = new SessionTable();
        Begin(table, 1);
        var old = table.Export();
        Take(table, 2, 1, 1, new LockRecord(LockAction.Set, Files[0], LockOf(1, 1, LockType.Write, 0, 5)));
        var bytes = table.Export();
        Assert.True(new SessionTable().Import(old));
        for (var length = 0; length < bytes.Length; length++)
        {
            var copy = new SessionTable();
            Assert.False(copy.Import(bytes.AsSpan(0, length)));
            Assert.Equal((0, 0), (copy.Count, copy.Locks.Count));
        }

        bytes[0] = 4;
        Assert.False(new SessionTable().Import(bytes));
    }

    [Fact]
    public void AnUncommittedLockIsKnownAndNotHeld()
    {
        var table = new SessionTable();
        Begin(table, 1);
        var entry = Entry(2, 1, 1, new LockRecord(LockAction.Set, Files[0], LockOf(1, 1, LockType.Write, 0, 5)).Encode(1));
        table.Logged(entry);
        Assert.Equal(SessionFinding.Logged, table.Find(1, 1, 0, out _, out _));
        Assert.Equal(0, table.Locks.Count);
        table.Cut(entry);
        Assert.Equal(SessionFinding.New, table.Find(1, 1, 0, out _, out _));
        table.Logged(entry);
        table.Committed(entry);
        Assert.Equal(SessionFinding.Committed, table.Find(1, 1, 0, out _, out _));
        Assert.Equal(1, table.Locks.CountOf(1));
    }

    [Fact]
    public void ASessionWithLocksIsNotIdleAndItsEndDropsThem()
    {
        var table = new SessionTable();
        Begin(table, 1);
        Begin(table, 2);
        Take(table, 2, 1, 1, new LockRecord(LockAction.Set, Files[0], LockOf(1, 1, LockType.Write, 0, 5)));
        var idle = new List<UInt128>();
        table.FindIdle(long.MaxValue, 10, idle);
        Assert.Equal((UInt128)2, Assert.Single(idle));
        idle.Clear();
        Take(table, 3, 0, 0, LockRecord.Revoke(1));
        table.FindIdle(long.MaxValue, 10, idle);
        Assert.Equal(2, idle.Count);
        Take(table, 4, 1, 2, new LockRecord(LockAction.Set, Files[0], LockOf(1, 1, LockType.Write, 0, 5)));
        var end = Entry(5, 1, 0, new SessionRecord(SessionAction.End, 0).Encode(), EntryKind.Session);
        table.Logged(end);
        Assert.Equal(1, table.Locks.Count);
        table.Committed(end);
        Assert.Equal(0, table.Locks.Count);
    }

    [Fact]
    public void WhatASessionHoldsIsBounded()
    {
        var table = new LockTable();
        for (var i = 0; i < Limits.SessionLocksMax; i++)
        {
            var one = LockOf(1, 1, LockType.Write, 4L * i, (4L * i) + 2);
            Assert.True(table.HasRoom(Files[0], one, underWay: 0));
            table.Apply(new LockRecord(LockAction.Set, Files[0], one));
        }

        Assert.False(table.HasRoom(Files[0], LockOf(1, 1, LockType.Write, 1L << 40, 1L << 40), underWay: 0));
        Assert.False(table.HasRoom(Files[1], LockOf(1, 1, LockType.Write, 0, 0), underWay: 0));
        Assert.False(table.HasRoom(Files[0], LockOf(1, 1, LockType.Unlock, 1, 1), underWay: 0)); // Two of one.
        Assert.True(table.HasRoom(Files[0], LockOf(1, 1, LockType.Unlock, 0, 2), underWay: 0));
        Assert.True(table.HasRoom(Files[0], LockOf(1, 1, LockType.Write, 3, 3), underWay: 0)); // One of two.
        Assert.True(table.HasRoom(Files[0], LockOf(2, 1, LockType.Write, 1L << 40, 1L << 40), underWay: 0));
        Assert.True(table.HasRoom(Files[1], LockOf(2, 1, LockType.Write, 0, 0), underWay: 0));
    }

    [Fact]
    public void ARecordOfAClientBehindAProxyNamesItsSession()
    {
        LockRecord[] records =
        [
            new(LockAction.Set, Files[1], LockOf(7, 1, LockType.Read, 3, long.MaxValue) with { Pid = 9 }),
            new(LockAction.DropOwner, Files[1], LockOf(7, 1, LockType.Unlock, 0, long.MaxValue)),
        ];
        foreach (var record in records)
        {
            var bytes = record.Encode(session: 8);
            Assert.Equal(2, bytes[0]);
            Assert.Equal(record, LockRecord.Decode(bytes, 8));
            Assert.Equal(1, record.Encode(session: 7)[0]);
            for (var length = 0; length < bytes.Length; length++)
            {
                Assert.Null(LockRecord.Decode(bytes.AsSpan(0, length), 8));
            }

            bytes[1] = (byte)LockAction.Clear;
            Assert.Null(LockRecord.Decode(bytes, 8));
            (bytes[0], bytes[1]) = (3, (byte)record.Action);
            Assert.Null(LockRecord.Decode(bytes, 8));
        }
    }

    [Fact]
    public void ALockGoesToAnotherHolderByOneEntry()
    {
        var table = new SessionTable();
        Begin(table, 1);
        Begin(table, 2);
        Take(table, 2, 1, 1, new LockRecord(LockAction.Set, Files[0], LockOf(1, 1, LockType.Write, 0, 30)));
        var moved = new LockRecord(LockAction.Set, Files[0], LockOf(2, 5, LockType.Write, 0, 10))
        {
            Former = (1, LkOwner.From(1)),
        };
        Assert.False(table.Locks.TryFindConflict(Files[0], moved.Lock, moved.FormerLock, out _));
        Assert.True(table.Locks.TryFindConflict(Files[0], moved.Lock, out _));
        var bytes = moved.Encode(2);
        Assert.Equal(moved, LockRecord.Decode(bytes, 2));
        Assert.Equal(3, bytes[0]);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Null(LockRecord.Decode(bytes.AsSpan(0, length), 2));
        }

        Take(table, 3, 2, 1, moved);
        Assert.True(table.Locks.Holds(Files[0], LockOf(2, 5, LockType.Write, 0, 10)));
        Assert.False(table.Locks.HasSome(Files[0], LockOf(1, 1, LockType.Write, 0, 10)));
        Assert.True(table.Locks.Holds(Files[0], LockOf(1, 1, LockType.Write, 11, 30)));
        Assert.Equal((1, 1), (table.Locks.CountOf(1), table.Locks.CountOf(2)));
    }

    [Fact]
    public void TheEndOfAProxysSessionLeavesWhatItsClientsHold()
    {
        var table = new SessionTable();
        Begin(table, 1);
        var entry = Entry(
            2, 1, 1, new LockRecord(LockAction.Set, Files[0], LockOf(50, 1, LockType.Write, 0, 5)).Encode(session: 1));
        table.Logged(entry);
        table.Committed(entry);
        var end = Entry(3, 1, 0, new SessionRecord(SessionAction.End, 0).Encode(), EntryKind.Session);
        table.Logged(end);
        table.Committed(end);
        Assert.Equal((0, 1), (table.Count, table.Locks.CountOf(50)));
        var copy = new SessionTable();
        Assert.True(copy.Import(table.Export()));
        Assert.Equal((1, true), (copy.Locks.Count, copy.Locks.HasSession(50)));
    }

    [Fact]
    public void ARecordIsReadAsItWasWrittenAndNothingElseIs()
    {
        LockRecord[] records =
        [
            new(LockAction.Set, Files[1], LockOf(7, 1, LockType.Read, 3, long.MaxValue) with { Pid = 9 }),
            new(LockAction.Set, Files[1], LockOf(7, 1, LockType.Write, 0, 0) with { Owner = new LkOwner(new byte[1024]) }),
            new(LockAction.DropOwner, Files[1], LockOf(7, 1, LockType.Unlock, 0, long.MaxValue)),
            new(LockAction.Clear, Files[1], new RangeLock(7, default, LockType.Unlock, 5, 9, 0)),
        ];
        foreach (var record in records)
        {
            var bytes = record.Encode(session: 7);
            Assert.Equal(record, LockRecord.Decode(bytes, 7));
            Assert.Null(LockRecord.Decode([.. bytes, 0], 7));
            for (var length = 0; length < bytes.Length; length++)
            {
                Assert.Null(LockRecord.Decode(bytes.AsSpan(0, length), 7));
            }

            bytes[1] = 5;
            Assert.Null(LockRecord.Decode(bytes, 7));
            foreach (var version in new byte[] { 0, 3 })
            {
                (bytes[0], bytes[1]) = (version, (byte)record.Action);
                Assert.Null(LockRecord.Decode(bytes, 7));
            }
        }

        Assert.Equal(LockRecord.Revoke(8), LockRecord.Decode(LockRecord.Revoke(8).Encode(0), 0));
    }

    private static void Step(
        Random random, SessionTable table, Dictionary<(Gfid, UInt128, LkOwner, int), LockType> model, ulong index)
    {
        var file = Files[random.Next(Files.Length)];
        var start = random.Next(Bytes);
        var end = random.Next(start, Bytes);
        var wanted = LockOf((ulong)random.Next(1, 3), (ulong)random.Next(1, 3), (LockType)random.Next(3), start,
            end == Bytes - 1 ? long.MaxValue : end);
        switch (random.Next(40))
        {
            case 0:
                Take(table, index, 0, 0, LockRecord.Revoke(wanted.Session));
                Remove(model, k => k.Item2 == wanted.Session);
                break;
            case 1:
                Take(table, index, 0, 0, new LockRecord(LockAction.Clear, file, wanted));
                Remove(model, k => k.Item1 == file && k.Item4 >= start && k.Item4 <= end);
                break;
            case 2:
                wanted = wanted with { Type = LockType.Unlock, Start = 0, End = long.MaxValue };
                Take(table, index, wanted.Session, index, new LockRecord(LockAction.DropOwner, file, wanted));
                Remove(model, k => k.Item1 == file && k.Item2 == wanted.Session && k.Item3.Equals(wanted.Owner));
                break;
            default:
                Take(table, index, wanted.Session, index, new LockRecord(LockAction.Set, file, wanted));
                for (var at = start; at <= end; at++)
                {
                    model.Remove((file, wanted.Session, wanted.Owner, at));
                    if (wanted.Type != LockType.Unlock)
                    {
                        model.Add((file, wanted.Session, wanted.Owner, at), wanted.Type);
                    }
                }

                break;
        }
    }

    private static void Remove<TKey>(Dictionary<TKey, LockType> model, Func<TKey, bool> which)
        where TKey : notnull
    {
        foreach (var key in model.Keys.Where(which).ToList())
        {
            model.Remove(key);
        }
    }

    private static void AssertSame(
        Random random, LockTable table, Dictionary<(Gfid, UInt128, LkOwner, int), LockType> model)
    {
        var file = Files[random.Next(Files.Length)];
        var held = new List<RangeLock>();
        table.List(file, held);
        var bytes = held.SelectMany(h => Enumerable.Range(
                (int)h.Start, (h.End == long.MaxValue ? Bytes - 1 : (int)h.End) - (int)h.Start + 1)
            .Select(at => ((file, h.Session, h.Owner, at), h.Type))).ToDictionary(b => b.Item1, b => b.Type);
        Assert.Equal(model.Where(m => m.Key.Item1 == file).ToDictionary(m => m.Key, m => m.Value), bytes);
        foreach (var one in held)
        {
            Assert.DoesNotContain(held, h => h != one && h.IsOfHolder(one) && h.Type == one.Type
                && (h.Overlaps(one) || h.End + 1 == one.Start));
        }

        var at = random.Next(Bytes);
        var wanted = LockOf((ulong)random.Next(1, 3), (ulong)random.Next(1, 3), (LockType)random.Next(2), at,
            at == Bytes - 1 ? long.MaxValue : at);
        var others = model.Where(m => m.Key.Item1 == file && m.Key.Item4 == at
            && (m.Key.Item2 != wanted.Session || !m.Key.Item3.Equals(wanted.Owner))).Select(m => m.Value).ToList();
        Assert.Equal(others.Exists(t => t == LockType.Write || wanted.Type == LockType.Write),
            table.TryFindConflict(file, wanted, out _));
        var isHeld = model.TryGetValue((file, wanted.Session, wanted.Owner, at), out var type);
        Assert.Equal(isHeld && type == wanted.Type, table.IsSo(file, wanted));
        Assert.Equal(!isHeld, table.IsSo(file, wanted with { Type = LockType.Unlock }));
        var end = random.Next(at, Bytes);
        Assert.Equal(
            Enumerable.Range(at, end - at + 1).All(b =>
                model.TryGetValue((file, wanted.Session, wanted.Owner, b), out var has)
                && (has == LockType.Write || has == wanted.Type)),
            table.Holds(file, wanted with { End = end == Bytes - 1 ? long.MaxValue : end }));
        Assert.Equal(model.Keys.Any(k => k.Item2 == wanted.Session), table.HasSession(wanted.Session));
        Assert.Equal(table.Count, table.CountOf(1) + table.CountOf(2));
    }

    private static RangeLock LockOf(ulong session, ulong owner, LockType type, long start, long end) =>
        new(session, LkOwner.From(owner), type, start, end, 0);

    private static void Begin(SessionTable table, UInt128 session)
    {
        var entry = Entry(1, session, 0, new SessionRecord(SessionAction.Begin, 0).Encode(), EntryKind.Session);
        table.Logged(entry);
        table.Committed(entry);
    }

    private static void Take(SessionTable table, ulong index, UInt128 session, ulong sequence, LockRecord record)
    {
        var entry = Entry(index, session, sequence, record.Encode(session));
        table.Logged(entry);
        table.Committed(entry);
    }

    private static JournalEntry Entry(
        ulong index, UInt128 session, ulong sequence, byte[] meta, EntryKind kind = EntryKind.Lock) => new(
        new EntryHeader(new Term(1), new JournalIndex(index), default, kind, session, sequence, 0), meta, default);
}
