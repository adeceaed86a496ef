using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Unit.Tests.Management;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>Moving a cluster to another store: everything or a store that nobody takes for a cluster.</summary>
public sealed class StateCopyTests
{
    private static readonly CancellationToken Forever = CancellationToken.None;
    private readonly ManualClock _clock = new();

    [Fact]
    public async Task EverythingIsCopiedAndTheDifferenceOfRevisionsIsTold()
    {
        await using var source = await SourceAsync();
        await using var target = new MemoryStore(_clock);
        var report = await StateCopy.CopyAsync(source, target, "move-1", _ => true, Forever);
        var from = await source.RangeAsync(KeyRange.All, Forever);
        var to = await target.RangeAsync(KeyRange.All, Forever);
        Assert.Equal(
            from.Where(e => e.Lease == LeaseId.None).Select(e => (e.Key, Text(e))), to.Select(e => (e.Key, Text(e))));
        Assert.Equal(to.Count, report.Entries);
        Assert.Equal(["leased"], report.Leased);
        Assert.Equal(new Revision(203), report.SourceRevision);
        Assert.Equal((await target.PutAsync("x", Bytes("y"), Forever)).Value, report.TargetRevision.Value + 1);
    }

    [Fact]
    public async Task OnlyWhatIsWantedIsCopied()
    {
        await using var source = await SourceAsync();
        await using var target = new MemoryStore(_clock);
        await StateCopy.CopyAsync(source, target, "m", k => k.StartsWith("volume/1", StringComparison.Ordinal), Forever);
        Assert.All(
            await target.RangeAsync(KeyRange.All, Forever), e => Assert.StartsWith("volume/1", e.Key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ATargetThatHoldsAClusterIsRefusedAndUntouched()
    {
        await using var source = await SourceAsync();
        await using var target = new MemoryStore(_clock);
        await target.PutAsync("volume/mine", Bytes("1"), Forever);
        var e = await Assert.ThrowsAsync<StateStoreException>(
            () => StateCopy.CopyAsync(source, target, "m", _ => true, Forever));
        Assert.Contains("holds a cluster already (1 keys, the first is volume/mine)", e.Message);
        Assert.Single(await target.RangeAsync(KeyRange.All, Forever));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ACopyThatIsCutShortAnywhereIsNoClusterAndCanBeDoneAgain(bool after)
    {
        await using var source = await SourceAsync();
        for (var changes = 1; ; changes++)
        {
            await using var target = new MemoryStore(_clock);
            var crashing = new CrashingStore(target, changes, after);
            var cut = await Record.ExceptionAsync(() => StateCopy.CopyAsync(source, crashing, "m", _ => true, Forever));
            if (!crashing.HasCrashed)
            {
                Assert.True(changes > 4);
                return;
            }

            Assert.IsType<StateStoreException>(cut);
            var entries = await target.RangeAsync(KeyRange.All, Forever);
            var isUsable = await Record.ExceptionAsync(() => StateCopy.CheckUsableAsync(target, Forever)) is null;
            Assert.True(!isUsable || entries.Count is 0 or 201, $"{entries.Count} keys look like a cluster");
            if (!isUsable)
            {
                await Assert.ThrowsAsync<StateStoreException>(
                    () => StateCopy.CopyAsync(source, target, "another", _ => true, Forever));
                await StateCopy.CopyAsync(source, target, "m", _ => true, Forever);
                Assert.Equal(201, (await target.RangeAsync(KeyRange.All, Forever)).Count);
            }
        }
    }

    [Fact]
    public async Task ASourceThatChangesMeanwhileIsNoticed()
    {
        await using var source = await SourceAsync();
        await using var target = new MemoryStore(_clock);
        var nosy = new NosyStore(target, () => source.PutAsync("volume/late", Bytes("x"), Forever));
        var e = await Assert.ThrowsAsync<StateStoreException>(
            () => StateCopy.CopyAsync(source, nosy, "m", _ => true, Forever));
        Assert.Contains("the source was changed", e.Message);
        await Assert.ThrowsAsync<StateStoreException>(() => StateCopy.CheckUsableAsync(target, Forever));
    }

    [Fact]
    public async Task AFileIsCopiedToAFile()
    {
        var directory = Directory.CreateTempSubdirectory("myrmex-copy-").FullName;
        try
        {
            await using var source = await SourceAsync();
            await using (var target = SqliteStore.Open(Path.Combine(directory, "a.db"), _clock))
            {
                await StateCopy.CopyAsync(source, target, "m", _ => true, Forever);
            }

            await using var again = SqliteStore.Open(Path.Combine(directory, "a.db"), _clock);
            Assert.Equal(201, (await again.RangeAsync(KeyRange.All, Forever)).Count);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(StateEntry entry) => Encoding.UTF8.GetString(entry.Value.Span);

    private async Task<MemoryStore> SourceAsync()
    {
        var source = new MemoryStore(_clock);
        for (var i = 0; i < 200; i++)
        {
            await source.PutAsync($"volume/{i}", Bytes(new string('x', i * 20)), Forever);
        }

        await source.PutAsync("large", new byte[1 << 20], Forever);
        await source.PutAsync("large", new byte[1 << 20], Forever);
        var lease = await source.GrantLeaseAsync(60, Forever);
        await source.CommitAsync(StateTransaction.Always(new Operation.Put("leased", Bytes("x"), lease)), Forever);
        return source;
    }

    /// <summary>Does something when the first change arrives.</summary>
    private sealed class NosyStore(IStateStore inner, Func<Task> once) : ForwardingStore(inner)
    {
        private bool _done;

        public override async Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation)
        {
            if (!_done && transaction.Then is [Operation.Put, ..])
            {
                _done = true;
                await once();
            }

            return await Inner.CommitAsync(transaction, cancellation);
        }
    }
}
