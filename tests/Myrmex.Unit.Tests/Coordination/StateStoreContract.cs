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
    protected IStateStore Store { get; private set; } = null!; // Set by InitializeAsync before any test.

    protected static CancellationToken Forever => CancellationToken.None;

    public async Task InitializeAsync() => Store = await OpenAsync();

    public virtual async Task DisposeAsync() => await Store.DisposeAsync();

    /// <summary>Seconds of the leases of these tests; as short as the store can keep exactly.</summary>
    protected abstract long LeaseSeconds { get; }

    [ContractFact]
    public async Task AMissingKeyIsNull() => Assert.Null(await Store.GetAsync("volume/none", Forever));

    [ContractFact]
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

    [ContractFact]
    public async Task AKeyMadeAgainStartsItsVersionsAnew()
    {
        await Store.PutAsync("a", Bytes("1"), Forever);
        Assert.True(await Store.DeleteAsync("a", Forever));
        Assert.False(await Store.DeleteAsync("a", Forever));
        var again = await Store.PutAsync("a", Bytes("2"), Forever);
        var entry = await Store.GetAsync("a", Forever);
        Assert.Equal((again, 1L), (entry!.Created, entry.Version));
    }

    [ContractFact]
    public async Task ThePutterMayReuseItsBytes()
    {
        var bytes = new byte[] { 1 };
        await Store.PutAsync("a", bytes, Forever);
        bytes[0] = 2;
        Assert.Equal(1, (await Store.GetAsync("a", Forever))!.Value.Span[0]);
    }

    [ContractFact]
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

    [ContractFact]
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

    [ContractFact]
    public async Task OnlyOneOfTwoCompareAndPutsWins()
    {
        Assert.True(await Store.CompareAndPutAsync("lock", Revision.None, Bytes("me"), Forever));
        Assert.False(await Store.CompareAndPutAsync("lock", Revision.None, Bytes("you"), Forever));
        var entry = await Store.GetAsync("lock", Forever);
        Assert.True(await Store.CompareAndPutAsync("lock", entry!.Modified, Bytes("next"), Forever));
        Assert.False(await Store.CompareAndPutAsync("lock", entry.Modified, Bytes("late"), Forever));
        Assert.Equal("next", Text((await Store.GetAsync("lock", Forever))!));
    }

    [ContractTheory]
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

    [ContractFact]
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

    [ContractFact]
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

    [ContractFact]
    public async Task ATransactionThatChangesNothingKeepsTheRevision()
    {
        var revision = await Store.PutAsync("a", Bytes(""), Forever);
        var result = await Store.CommitAsync(StateTransaction.Always(Operation.DeleteKey("b")), Forever);
        Assert.Equal(revision, result.Revision);
    }

    [ContractFact]
    public async Task AKeyCannotBeChangedTwiceInOneTransaction()
    {
        var transaction = StateTransaction.Always(
            Operation.PutValue("a", Bytes("1")), new Operation.Delete(KeyRange.Prefix("a")));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.CommitAsync(transaction, Forever));
        Assert.Empty(await KeysAsync(KeyRange.All));
    }

    [ContractTheory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("ümlaut")]
    [InlineData("new\nline")]
    public async Task TextThatIsNoKeyIsRefused(string key) =>
        await Assert.ThrowsAsync<ArgumentException>(() => Store.PutAsync(key, Bytes(""), Forever));

    [ContractFact]
    public async Task AWatchDeliversEveryChangeFromItsRevisionInOrder()
    {
        await Store.PutAsync("w/1", Bytes("a"), Forever);
        var from = await Store.PutAsync("w/2", Bytes("b"), Forever);
        await Store.PutAsync("other", Bytes("x"), Forever);
        await Store.CommitAsync(
            StateTransaction.Always(Operation.DeleteKey("w/1"), Operation.PutValue("w/3", Bytes("c"))), Forever);
        Assert.Equal(["put w/2=b", "delete w/1", "put w/3=c"], await WatchAsync("w/", from, changes: 3));
    }

    [ContractFact]
    public async Task AWatchWithoutARevisionStartsWithTheNextChange()
    {
        await Store.PutAsync("w/1", Bytes("a"), Forever);
        var watch = WatchAsync("w/", Revision.None, changes: 1);
        for (var puts = 0; !watch.IsCompleted && puts < 1_000; puts++)
        {
            await Store.PutAsync("w/2", Bytes("b"), Forever); // When the watch begins is its own affair.
            await Task.Delay(1);
        }

        Assert.Equal(["put w/2=b"], await watch);
    }

    [ContractFact]
    public async Task AWatchCanBeAheadOfTheStore()
    {
        var revision = await Store.PutAsync("w/1", Bytes("a"), Forever);
        var watch = WatchAsync("w/", revision.Next.Next, changes: 1);
        await Store.PutAsync("w/2", Bytes("b"), Forever);
        await Store.PutAsync("w/3", Bytes("c"), Forever);
        Assert.Equal(["put w/3=c"], await watch);
    }

    [ContractFact]
    public async Task AWatchFromACompactedRevisionSaysSo()
    {
        var first = await Store.PutAsync("w/1", Bytes("a"), Forever);
        await Store.PutAsync("w/1", Bytes("b"), Forever);
        await CompactAsync();
        var e = await Assert.ThrowsAsync<RevisionCompactedException>(() => WatchAsync("w/", first, changes: 1));
        Assert.True(e.Oldest > first);
        await Store.PutAsync("w/1", Bytes("c"), Forever);
        Assert.NotEmpty(await WatchAsync("w/", e.Oldest, changes: 1));
    }

    [ContractFact]
    public async Task AWatchEndsWhenItIsCancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var watch = WatchAsync("w/", Revision.None, changes: 1, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watch);
    }

    [ContractFact]
    public async Task KeysGoWithTheirLeaseAndWatchersHearIt()
    {
        var lease = await Store.GrantLeaseAsync(LeaseSeconds, Forever);
        await PutLeasedAsync("l/1", lease);
        var kept = await PutLeasedAsync("l/2", lease);
        await Store.PutAsync("l/3", Bytes("stays"), Forever);
        await PassAsync(LeaseSeconds * 700);
        Assert.Equal(3, (await KeysAsync(KeyRange.Prefix("l/"))).Count);
        await PassAsync(LeaseSeconds * 300);
        await EventuallyAsync(async () => (await KeysAsync(KeyRange.Prefix("l/"))).Count == 1);
        Assert.Equal(["l/3"], await KeysAsync(KeyRange.Prefix("l/")));
        Assert.Equal(["put l/3=stays", "delete l/1", "delete l/2"], await WatchAsync("l/", kept.Next, changes: 3));
    }

    [ContractFact]
    public async Task ALeaseKeptAliveHoldsItsKeys()
    {
        var lease = await Store.GrantLeaseAsync(LeaseSeconds, Forever);
        await PutLeasedAsync("l", lease);
        for (var i = 0; i < 5; i++)
        {
            await PassAsync(LeaseSeconds * 300);
            Assert.True(await Store.KeepLeaseAliveAsync(lease, Forever));
        }

        Assert.NotNull(await Store.GetAsync("l", Forever));
        await PassAsync(LeaseSeconds * 1_000);
        await EventuallyAsync(async () => await Store.GetAsync("l", Forever) is null);
        Assert.False(await Store.KeepLeaseAliveAsync(lease, Forever));
    }

    [ContractFact]
    public async Task APutWithoutTheLeaseFreesTheKeyFromIt()
    {
        var lease = await Store.GrantLeaseAsync(60, Forever);
        await PutLeasedAsync("l", lease);
        await Store.PutAsync("l", Bytes("free"), Forever);
        await Store.RevokeLeaseAsync(lease, Forever);
        Assert.Equal("free", Text((await Store.GetAsync("l", Forever))!));
    }

    [ContractFact]
    public async Task ARevokedLeaseDeletesItsKeysInOneRevision()
    {
        var lease = await Store.GrantLeaseAsync(60, Forever);
        await PutLeasedAsync("l/1", lease);
        var last = await PutLeasedAsync("l/2", lease);
        await Store.RevokeLeaseAsync(lease, Forever);
        await Store.RevokeLeaseAsync(lease, Forever);
        var next = await Store.PutAsync("x", Bytes(""), Forever);
        Assert.Equal(last.Next.Next, next);
        Assert.Equal(["x"], await KeysAsync(KeyRange.All));
    }

    [ContractFact]
    public async Task APutWithALostLeaseIsRefused()
    {
        var lease = await Store.GrantLeaseAsync(60, Forever);
        await Store.RevokeLeaseAsync(lease, Forever);
        await Assert.ThrowsAsync<LeaseNotFoundException>(() => PutLeasedAsync("l", lease));
        await Assert.ThrowsAsync<LeaseNotFoundException>(() => PutLeasedAsync("l", new LeaseId(77)));
        Assert.Null(await Store.GetAsync("l", Forever));
        Assert.False(await Store.KeepLeaseAliveAsync(new LeaseId(77), Forever));
    }

    [ContractFact]
    public async Task AConditionCanAskForTheLease()
    {
        var lease = await Store.GrantLeaseAsync(60, Forever);
        await PutLeasedAsync("l", lease);
        Condition Held(long number) => new("l", ConditionTarget.Lease, ConditionOperator.Equal) { Number = number };
        Assert.True(await HoldsAsync(Held(lease.Value)));
        Assert.False(await HoldsAsync(Held(lease.Value + 1)));
        Assert.True(await HoldsAsync(new Condition("none", ConditionTarget.Lease, ConditionOperator.Equal)));
        await Store.RevokeLeaseAsync(lease, Forever);
    }

    [ContractTheory]
    [InlineData(ConditionOperator.Equal)]
    [InlineData(ConditionOperator.NotEqual)]
    [InlineData(ConditionOperator.Less)]
    [InlineData(ConditionOperator.Greater)]
    public async Task NoConditionOnTheValueOfAMissingKeyHolds(ConditionOperator comparison)
    {
        Assert.False(await HoldsAsync(new Condition("none", ConditionTarget.Value, comparison) { Value = Bytes("") }));
        Assert.False(await HoldsAsync(new Condition("none", ConditionTarget.Value, comparison) { Value = Bytes("x") }));
    }

    [ContractFact]
    public async Task ALargeRangeComesWholeAndInOrder()
    {
        const int Count = 1_500;
        for (var i = 0; i < Count; i += 100)
        {
            await Store.CommitAsync(
                StateTransaction.Always([.. Enumerable.Range(i, 100).Select(n => Operation.PutValue($"many/{n:d5}", Bytes($"{n}")))]),
                Forever);
        }

        var large = new byte[200_000];
        for (var i = 0; i < 20; i++)
        {
            await Store.PutAsync($"many/1{i:d4}", large, Forever);
        }

        var revision = await Store.PutAsync("many/zz", Bytes("last"), Forever);
        var result = await Store.CommitAsync(
            StateTransaction.Always(new Operation.Get(KeyRange.Prefix("many/"), Limit: 0)), Forever);
        Assert.Equal(revision, result.Revision);
        var keys = result.Results[0].Entries.Select(e => e.Key).ToList();
        Assert.Equal(Count + 20 + 1, keys.Count);
        Assert.Equal(keys.Order(StringComparer.Ordinal), keys);
        Assert.Equal(Count + 20 + 1, keys.Distinct().Count());
        Assert.Equal(200_000, result.Results[0].Entries.Single(e => e.Key == "many/10007").Value.Length);
    }

    [ContractFact]
    public async Task TransactionsThatAreTooLargeAreRefused()
    {
        var puts = Enumerable.Range(0, 129).Select(n => Operation.PutValue($"k{n}", Bytes(""))).ToArray();
        await Assert.ThrowsAsync<ArgumentException>(() => Store.CommitAsync(StateTransaction.Always(puts), Forever));
        await Store.CommitAsync(StateTransaction.Always(puts[..128]), Forever);
        await Store.PutAsync("large", new byte[1 << 20], Forever);
        await Assert.ThrowsAsync<ArgumentException>(() => Store.PutAsync("large", new byte[(1 << 20) + 1], Forever));
        var two = StateTransaction.Always(
            Operation.PutValue("a", new byte[700_000]), Operation.PutValue("b", new byte[700_000]));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.CommitAsync(two, Forever));
        Assert.Equal(129, (await KeysAsync(KeyRange.All)).Count);
    }

    [ContractFact]
    public async Task AClosedStoreSaysSoAndItsWatchesEnd()
    {
        var watch = WatchAsync("w/", Revision.None, changes: 1);
        await Store.GetAsync("a", Forever);
        await Store.DisposeAsync();
        await Assert.ThrowsAsync<StateStoreException>(() => Store.GetAsync("a", Forever));
        await Assert.ThrowsAsync<StateStoreException>(() => watch);
    }

    [ContractFact]
    public async Task LeaseIdsAreNotUsedTwice()
    {
        var first = await Store.GrantLeaseAsync(60, Forever);
        await Store.RevokeLeaseAsync(first, Forever);
        Assert.NotEqual(first, await Store.GrantLeaseAsync(60, Forever));
    }

    [ContractFact]
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

    /// <summary>Lets time pass, for leases.</summary>
    protected abstract Task PassAsync(long milliseconds);

    /// <summary>Makes the store forget the changes of all revisions before the newest.</summary>
    protected abstract Task CompactAsync();

    /// <summary>"Soon after": a lease may end a little late.</summary>
    private async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        for (var i = 0; i < 30 && !await condition(); i++)
        {
            await PassAsync(200);
        }
    }

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
