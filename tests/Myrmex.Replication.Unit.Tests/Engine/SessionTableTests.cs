using System;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

public sealed class SessionTableTests
{
    private static readonly UInt128 Session = new(1, 2);

    private readonly SessionTable _table = new();

    [Fact]
    public void AnOperationIsNewThenLoggedThenCommittedWithItsOutcome()
    {
        Take(Begin(1));
        Assert.Equal(SessionFinding.New, Find(1, out _));
        var operation = Operation(2, sequence: 1, 42);
        _table.Logged(operation);
        Assert.Equal(SessionFinding.Logged, Find(1, out var index));
        Assert.Equal(2UL, index.Value);
        _table.Committed(operation);
        Assert.Equal(SessionFinding.Committed, _table.Find(Session, 1, 0, out _, out var outcome));
        Assert.Equal([42], outcome.ToArray());
    }

    [Fact]
    public void StepsOfOneOperationAreApart()
    {
        Take(Begin(1));
        Take(Operation(2, sequence: 1, 1, step: 7));
        Assert.Equal(SessionFinding.New, _table.Find(Session, 1, 8, out _, out _));
        Assert.Equal(SessionFinding.Committed, _table.Find(Session, 1, 7, out _, out _));
    }

    [Fact]
    public void WhatIsCutWasNeverThere()
    {
        Take(Begin(1));
        var operation = Operation(2, sequence: 1, 1);
        _table.Logged(operation);
        _table.Cut(operation);
        Assert.Equal(SessionFinding.New, Find(1, out _));
        var end = Entry(2, EntryKind.Session, 0, new SessionRecord(SessionAction.End, 0).Encode());
        _table.Logged(end);
        Assert.Equal(SessionFinding.NoSession, Find(1, out _));
        _table.Cut(end);
        Assert.Equal(SessionFinding.New, Find(1, out _));
    }

    [Fact]
    public void TheLastRunThatHasTakenOverCountsUntilItIsCutOrAcknowledged()
    {
        Take(Begin(1));
        Take(Claim(2, sequence: 5, run: 70));
        Assert.False(_table.IsSuperseded(Session, 5, 70));
        Assert.True(_table.IsSuperseded(Session, 5, 0));
        Assert.False(_table.IsSuperseded(Session, 6, 0));
        var second = Claim(3, sequence: 5, run: 71);
        _table.Logged(second);
        Assert.True(_table.IsSuperseded(Session, 5, 70));
        _table.Cut(second);
        Assert.Equal(70U, _table.RunOf(Session, 5));

        var copy = new SessionTable();
        Assert.True(copy.Import(_table.Export()));
        Assert.Equal(70U, copy.RunOf(Session, 5));
        Assert.Equal(_table.Export(), copy.Export());

        Take(Entry(4, EntryKind.Session, 0, new SessionRecord(SessionAction.Renew, 5).Encode()));
        Assert.Equal(0U, _table.RunOf(Session, 5));
        Assert.Null(_table.StepsOf(Session, 5));
        Assert.Equal(1, _table.Export()[0]); // As versions without take-overs read it.
    }

    [Fact]
    public void ABeginThatIsCutTakesTheSessionWithIt()
    {
        var begin = Begin(1);
        _table.Logged(begin);
        _table.Cut(begin);
        Assert.Equal(SessionFinding.NoSession, Find(1, out _));
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void RenewingDropsOutcomesOnlyWhenItIsCommitted()
    {
        Take(Begin(1));
        Take(Operation(2, sequence: 1, 1));
        Take(Operation(3, sequence: 2, 2));
        var renew = Entry(4, EntryKind.Session, 0, new SessionRecord(SessionAction.Renew, 1).Encode());
        _table.Logged(renew);
        Assert.Equal(SessionFinding.Committed, Find(1, out _));
        _table.Committed(renew);
        Assert.Equal(SessionFinding.Dropped, Find(1, out _));
        Assert.Equal(SessionFinding.Committed, Find(2, out _));
    }

    [Fact]
    public void AnEndedSessionRefusesLateRetries()
    {
        Take(Begin(1));
        Take(Operation(2, sequence: 1, 1));
        Take(Entry(3, EntryKind.Session, 0, new SessionRecord(SessionAction.End, 0).Encode()));
        Assert.Equal(SessionFinding.NoSession, Find(1, out _));
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void TheTableComesBackFromItsBytesAndEqualTablesGiveEqualBytes()
    {
        Take(Begin(1));
        Take(Operation(2, sequence: 2, 5));
        Take(Operation(3, sequence: 1, 6));
        _table.Logged(Operation(4, sequence: 3, 7)); // Not committed: not in the snapshot.
        var bytes = _table.Export();
        var other = new SessionTable();
        Assert.True(other.Import(bytes));
        Assert.Equal(bytes, other.Export());
        Assert.Equal(SessionFinding.Committed, other.Find(Session, 1, 0, out var index, out var outcome));
        Assert.Equal((3UL, (byte)6), (index.Value, outcome.Span[0]));
        Assert.Equal(SessionFinding.New, other.Find(Session, 3, 0, out _, out _));
    }

    [Fact]
    public void DamagedBytesGiveAnEmptyTable()
    {
        Take(Begin(1));
        Take(Operation(2, sequence: 1, 5));
        var bytes = _table.Export();
        for (var length = 0; length < bytes.Length; length++)
        {
            var other = new SessionTable();
            Assert.False(other.Import(bytes.AsSpan(0, length)));
            Assert.Equal(0, other.Count);
        }
    }

    private static JournalEntry Begin(ulong index) =>
        Entry(index, EntryKind.Session, 0, new SessionRecord(SessionAction.Begin, 0).Encode());

    private static JournalEntry Operation(ulong index, ulong sequence, byte outcome, uint step = 0) =>
        Entry(index, EntryKind.Operation, sequence, [outcome], step);

    private static JournalEntry Entry(ulong index, EntryKind kind, ulong sequence, byte[] meta, uint step = 0) => new(
        new EntryHeader(new Term(1), new JournalIndex(index), default, kind, Session, sequence, step), meta, default);

    private SessionFinding Find(ulong sequence, out JournalIndex index) => _table.Find(Session, sequence, 0, out index, out _);

    private void Take(JournalEntry entry)
    {
        _table.Logged(entry);
        _table.Committed(entry);
    }

    private static JournalEntry Claim(ulong index, ulong sequence, uint run) => new(
        new EntryHeader(
            new Term(1), new JournalIndex(index), default, EntryKind.Session, Session, sequence, run),
        new SessionRecord(SessionAction.TakeOver, 0).Encode(), default);
}
