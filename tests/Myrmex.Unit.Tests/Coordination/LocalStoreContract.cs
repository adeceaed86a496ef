using System.Threading.Tasks;
using Myrmex.Coordination;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>The contract on stores inside this process, whose time the test owns: leases are exact.</summary>
public abstract class LocalStoreContract : StateStoreContract
{
    protected const int HistoryRevisionsMax = 100;

    private protected ManualClock Clock { get; } = new();

    protected override long LeaseSeconds => 10;

    [Fact]
    public async Task ALeaseEndsAtItsTimeAndNotBefore()
    {
        var lease = await Store.GrantLeaseAsync(10, Forever);
        await PutLeasedAsync("l", lease);
        Clock.AdvanceMs(9_999);
        Assert.NotNull(await Store.GetAsync("l", Forever));
        Clock.AdvanceMs(1);
        Assert.Null(await Store.GetAsync("l", Forever));
        await Assert.ThrowsAsync<LeaseNotFoundException>(() => PutLeasedAsync("l", lease));
    }

    [Fact]
    public async Task AWatchWithoutARevisionStartsAtOnce()
    {
        await Store.PutAsync("w/1", Bytes("a"), Forever);
        var watch = WatchAsync("w/", Revision.None, changes: 1);
        await Store.PutAsync("w/2", Bytes("b"), Forever);
        Assert.Equal(["put w/2=b"], await watch);
    }

    protected override Task PassAsync(long milliseconds)
    {
        Clock.AdvanceMs(milliseconds);
        return Task.CompletedTask;
    }

    protected override async Task CompactAsync()
    {
        for (var i = 0; i <= HistoryRevisionsMax; i++)
        {
            await Store.PutAsync("compact", Bytes(""), Forever);
        }
    }
}
