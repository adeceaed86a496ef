using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>What every state store promises, run against each of them. Method: small histories, exact answers.</summary>
public abstract class StateStoreContract : IAsyncLifetime
{
    protected const int HistoryRevisionsMax = 100;

    private protected ManualClock Clock { get; } = new();

    protected IStateStore Store { get; private set; } = null!; // Set by InitializeAsync before any test.

    protected static CancellationToken Forever => CancellationToken.None;

    public async Task InitializeAsync() => Store = await OpenAsync();

    public virtual async Task DisposeAsync() => await Store.DisposeAsync();

    [Fact]
    public async Task AMissingKeyIsNull() => Assert.Null(await Store.GetAsync("volume/none", Forever));

    [Fact]
    public async Task APutIsReadBackWithItsRevisions()
    {
        var first = await Store.PutAsync("a", Bytes("1"), Forever);
        var second = await Store.PutAsync("a", Bytes("2"), Forever);
        var entry = await Store.GetAsync("a", Forever);
        Assert.NotNull(entry);
        Assert.Equal("2", Text(entry));
        Assert.Equal((first, second, 2L), (entry.Created, entry.Modified, entry.Version));
        Assert.True(second > first);
    }

    [Fact]
    public async Task AKeyMadeAgainStartsItsVersionsAnew()
    {
        await Store.PutAsync("a", Bytes("1"), Forever);
        Assert.True(await Store.DeleteAsync("a", Forever));
        Assert.False(await Store.DeleteAsync("a", Forever));
        var again = await Store.PutAsync("a", Bytes("2"), Forever);
        var entry = await Store.GetAsync("a", Forever);
        Assert.Equal((again, 1L), (entry!.Created, entry.Version));
    }

    [Fact]
    public async Task ThePutterMayReuseItsBytes()
    {
        var bytes = new byte[] { 1 };
        await Store.PutAsync("a", bytes, Forever);
        bytes[0] = 2;
        Assert.Equal(1, (await Store.GetAsync("a", Forever))!.Value.Span[0]);
    }

    [Fact]
    public async Task ARangeIsInByteOrderAndEndsBeforeItsEnd()
    {
        foreach (var key in new[] { "b/2", "a", "b/10", "b/1", "c", "b0", "b.", "B/1" })
        {
            await Store.PutAsync(key, Bytes(key), Forever);
        }

        Assert.Equal(["b/1", "b/10", "b/2"], await KeysAsync(KeyRange.Prefix("b/")));
        Assert.Equal(["a", "b."], await KeysAsync(KeyRange.Between("a", "b/")));
        Assert.Equal(["B/1", "a", "b.", "b/1", "b/10", "b/2", "b0", "c"], await KeysAsync(KeyRange.All));
    }

    [Fact]
    public async Task ALimitedGetSaysWhetherThereIsMore()
    {
        await Store.PutAsync("a/1", Bytes(""), Forever);
        await Store.PutAsync("a/2", Bytes(""), Forever);
        var result = await Store.CommitAsync(
            StateTransaction.Always(
                new Operation.Get(KeyRange.Prefix("a/"), 1), new Operation.Get(KeyRange.Prefix("a/"), 2)),
            Forever);
        Assert.Equal(("a/1", true), (result.Results[0].Entries.Single().Key, result.Results[0].More));
        Assert.Equal((2, false), (result.Results[1].Entries.Count, result.Results[1].More));
    }

    [Fact]
    public async Task OnlyOneOfTwoCompareAndPutsWins()
    {
        Assert.True(await Store.CompareAndPutAsync("lock", Revision.None, Bytes("me"), Forever));
        Assert.False(await Store.CompareAndPutAsync("lock", Revision.None, Bytes("you"), Forever));
        var entry = await Store.GetAsync("lock", Forever);
        Assert.True(await Store.CompareAndPutAsync("lock", entry!.Modified, Bytes("next"), Forever));
        Assert.False(await Store.CompareAndPutAsync("lock", entry.Modified, Bytes("late"), Forever));
        Assert.Equal("next", Text((await Store.GetAsync("lock", Forever))!));
    }

    [Theory]
    [InlineData(ConditionOperator.Equal, false, true, false)]
    [InlineData(ConditionOperator.NotEqual, true, false, true)]
    [InlineData(ConditionOperator.Less, false, false, true)]
    [InlineData(ConditionOperator.Greater, true, false, false)]
    public async Task ConditionsCompareAgainstTheKey(ConditionOperator comparison, bool one, bool two, bool three)
    {
        await Store.PutAsync("a", Bytes("x"), Forever);
        await Store.PutAsync("a", Bytes("y"), Forever);
        for (var number = 1; number <= 3; number++)
        {
            var expected = number == 1 ? one : number == 2 ? two : three;
            var byVersion = new Condition("a", ConditionTarget.Version, comparison) { Number = number };
            var byValue = new Condition("a", ConditionTarget.Value, comparison) { Value = Bytes("wxyz"[number].ToString()) };
            Assert.Equal(expected, await HoldsAsync(byVersion));
            Assert.Equal(expected, await HoldsAsync(byValue));
        }
    }

    [Fact]
    public async Task AllConditionsMustHoldForTheThenBranch()
    {
        await Store.PutAsync("a", Bytes("1"), Forever);
        var result = await Store.CommitAsync(
            new StateTransaction(
                [Condition.Exists("a"), Condition.Exists("b")],
                [Operation.PutValue("then", Bytes(""))],
                [Operation.PutValue("else", Bytes("")), Operation.DeleteKey("a")]),
            Forever);
        Assert.False(result.Succeeded);
        Assert.Equal(["else"], await KeysAsync(KeyRange.All));
        Assert.Equal(1, result.Results[1].Deleted);
    }

    [Fact]
    public async Task ATransactionHasOneRevisionAndSeesItsOwnChanges()
    {
        await Store.PutAsync("a/1", Bytes("old"), Forever);
        await Store.PutAsync("a/9", Bytes("gone"), Forever);
        var result = await Store.CommitAsync(
            StateTransaction.Always(
                Operation.PutValue("a/1", Bytes("new")),
                Operation.DeleteKey("a/9"),
                Operation.PutValue("a/0", Bytes("first")),
                new Operation.Get(KeyRange.Prefix("a/"), Limit: 0)),
            Forever);
        Assert.Equal(["first", "new"], result.Results[3].Entries.Select(Text));
        var entries = await Store.RangeAsync(KeyRange.All, Forever);
        Assert.All(entries, e => Assert.Equal(result.Revision, e.Modified));
    }

    [Fact]
    public async Task ATransactionThatChangesNothingKeepsTheRevision()
    {
        var revision = await Store.PutAsync("a", Bytes(""), Forever);
        var result = await Store.CommitAsync(StateTransaction.Always(Operation.DeleteKey("b")), Forever);
        Assert.Equal(revision, result.Revision);
    }

    [Fact]
    public async Task AKeyCannotBeChangedTwiceInOneTransaction()
    {
        var transaction = StateTransaction.Always(
            Operation.PutValue("a", Bytes("1")), new Operation.Delete(KeyRange.Prefix("a")));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.CommitAsync(transaction, Forever));
        Assert.Empty(await KeysAsync(KeyRange.All));
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("ümlaut")]
    [InlineData("new\nline")]
    public async Task TextThatIsNoKeyIsRefused(string key) =>
        await Assert.ThrowsAsync<ArgumentException>(() => Store.PutAsync(key, Bytes(""), Forever));

    [Fact]
    public async Task AWatchDeliversEveryChangeFromItsRevisionInOrder()
    {
        await Store.PutAsync("w/1", Bytes("a"), Forever);
        var from = await Store.PutAsync("w/2", Bytes("b"), Forever);
        await Store.PutAsync("other", Bytes("x"), Forever);
        await Store.CommitAsync(
            StateTransaction.Always(Operation.DeleteKey("w/1"), Operation.PutValue("w/3", Bytes("c"))), Forever);
        Assert.Equal(["put w/2=b", "delete w/1", "put w/3=c"], await WatchAsync("w/", from, changes: 3));
    }

    [Fact]
    public async Task AWatchWithoutARevisionStartsWithTheNextChange()
    {
        await Store.PutAsync("w/1", Bytes("a"), Forever);
        var watch = WatchAsync("w/", Revision.None, changes: 1);
        await Store.PutAsync("w/2", Bytes("b"), Forever);
        Assert.Equal(["put w/2=b"], await watch);
    }

    [Fact]
    public async Task AWatchCanBeAheadOfTheStore()
    {
        var revision = await Store.PutAsync("w/1", Bytes("a"), Forever);
        var watch = WatchAsync("w/", revision.Next.Next, changes: 1);
        await Store.PutAsync("w/2", Bytes("b"), Forever);
        await Store.PutAsync("w/3", Bytes("c"), Forever);
        Assert.Equal(["put w/3=c"], await watch);
    }

    [Fact]
    public async Task AWatchFromACompactedRevisionSaysSo()
    {
        for (var i = 0; i <= HistoryRevisionsMax; i++)
        {
            await Store.PutAsync("w/1", Bytes(""), Forever);
        }

        var e = await Assert.ThrowsAsync<RevisionCompactedException>(() => WatchAsync("w/", new Revision(1), changes: 1));
        Assert.True(e.Oldest > new Revision(1));
        Assert.Single(await WatchAsync("w/", e.Oldest, changes: 1));
    }

    [Fact]
    public async Task AWatchEndsWhenItIsCancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var watch = WatchAsync("w/", Revision.None, changes: 1, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watch);
    }

    [Fact]
    public async Task KeysGoWithTheirLeaseAndWatchersHearIt()
    {
        var lease = await Store.GrantLeaseAsync(10, Forever);
        await PutLeasedAsync("l/1", lease);
        var kept = await PutLeasedAsync("l/2", lease);
        await Store.PutAsync("l/3", Bytes("stays"), Forever);
        Clock.AdvanceMs(9_999);
        Assert.Equal(3, (await KeysAsync(KeyRange.Prefix("l/"))).Count);
        Clock.AdvanceMs(1);
        Assert.Equal(["l/3"], await KeysAsync(KeyRange.Prefix("l/")));
        Assert.Equal(["put l/3=stays", "delete l/1", "delete l/2"], await WatchAsync("l/", kept.Next, changes: 3));
    }

    [Fact]
    public async Task ALeaseKeptAliveHoldsItsKeys()
    {
        var lease = await Store.GrantLeaseAsync(10, Forever);
        await PutLeasedAsync("l", lease);
        for (var i = 0; i < 5; i++)
        {
            Clock.AdvanceMs(8_000);
            Assert.True(await Store.KeepLeaseAliveAsync(lease, Forever));
        }

        Assert.NotNull(await Store.GetAsync("l", Forever));
        Clock.AdvanceMs(10_000);
        Assert.False(await Store.KeepLeaseAliveAsync(lease, Forever));
    }

    [Fact]
    public async Task APutWithoutTheLeaseFreesTheKeyFromIt()
    {
        var lease = await Store.GrantLeaseAsync(10, Forever);
        await PutLeasedAsync("l", lease);
        await Store.PutAsync("l", Bytes("free"), Forever);
        await Store.RevokeLeaseAsync(lease, Forever);
        Assert.Equal("free", Text((await Store.GetAsync("l", Forever))!));
    }

    [Fact]
    public async Task ARevokedLeaseDeletesItsKeysInOneRevision()
    {
        var lease = await Store.GrantLeaseAsync(10, Forever);
        await PutLeasedAsync("l/1", lease);
        var last = await PutLeasedAsync("l/2", lease);
        await Store.RevokeLeaseAsync(lease, Forever);
        await Store.RevokeLeaseAsync(lease, Forever);
        var next = await Store.PutAsync("x", Bytes(""), Forever);
        Assert.Equal(last.Next.Next, next);
        Assert.Equal(["x"], await KeysAsync(KeyRange.All));
    }

    [Fact]
    public async Task APutWithALostLeaseIsRefused()
    {
        var lease = await Store.GrantLeaseAsync(1, Forever);
        Clock.AdvanceMs(1_000);
        await Assert.ThrowsAsync<LeaseNotFoundException>(() => PutLeasedAsync("l", lease));
        Assert.Null(await Store.GetAsync("l", Forever));
    }

    [Fact]
    public async Task LeaseIdsAreNotUsedTwice()
    {
        var first = await Store.GrantLeaseAsync(10, Forever);
        await Store.RevokeLeaseAsync(first, Forever);
        Assert.NotEqual(first, await Store.GrantLeaseAsync(10, Forever));
    }

    [Fact]
    public async Task ConcurrentIncrementsAreAllCounted()
    {
        async Task IncrementAsync()
        {
            for (var done = 0; done < 20;)
            {
                var entry = await Store.GetAsync("n", Forever);
                var next = entry is null ? 1 : int.Parse(Text(entry)) + 1;
                var expected = entry?.Modified ?? Revision.None;
                done += await Store.CompareAndPutAsync("n", expected, Bytes($"{next}"), Forever) ? 1 : 0;
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(IncrementAsync)));
        Assert.Equal("80", Text((await Store.GetAsync("n", Forever))!));
    }

    protected abstract Task<IStateStore> OpenAsync();

    protected static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static string Text(StateEntry entry) => Encoding.UTF8.GetString(entry.Value.Span);

    protected async Task<IReadOnlyList<string>> KeysAsync(KeyRange range) =>
        [.. (await Store.RangeAsync(range, Forever)).Select(e => e.Key)];

    /// <summary>The first changes of a watch as text.</summary>
    protected async Task<IReadOnlyList<string>> WatchAsync(
        string prefix, Revision from, int changes, CancellationToken cancellation = default)
    {
        var seen = new List<string>();
        await foreach (var batch in Store.WatchAsync(KeyRange.Prefix(prefix), from, cancellation))
        {
            Assert.All(batch.Changes, c => Assert.Equal(batch.Revision, c.Entry.Modified));
            seen.AddRange(batch.Changes.Select(c => c.Kind == ChangeKind.Put
                ? $"put {c.Entry.Key}={Text(c.Entry)}" : $"delete {c.Entry.Key}"));
            if (seen.Count >= changes)
            {
                break;
            }
        }

        return seen;
    }

    protected async Task<Revision> PutLeasedAsync(string key, LeaseId lease)
    {
        var put = new Operation.Put(key, Bytes("leased"), lease);
        return (await Store.CommitAsync(StateTransaction.Always(put), Forever)).Revision;
    }

    private async Task<bool> HoldsAsync(Condition condition) =>
        (await Store.CommitAsync(new StateTransaction([condition], [], []), Forever)).Succeeded;

    protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = await OpenAsync();
    }
}
