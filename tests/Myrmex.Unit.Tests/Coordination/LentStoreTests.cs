using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Unit.Tests.Coordination.Remote;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination;

public sealed class LentStoreTests
{
    private static readonly CancellationToken Forever = CancellationToken.None;
    private static readonly byte[] Value = Encoding.UTF8.GetBytes("1");

    [Fact]
    public async Task TheOwnersStoreGoesOnAndTheLentOneIsClosed()
    {
        await using var owned = new MemoryStore(new ManualClock());
        var lent = new LentStore(owned);
        await lent.PutAsync("a", Value, Forever);
        var lease = await lent.GrantLeaseAsync(10, Forever);
        var watch = lent.WatchAsync(KeyRange.All, Revision.None, Forever).GetAsyncEnumerator();
        var next = watch.MoveNextAsync().AsTask();
        await lent.DisposeAsync();
        await lent.DisposeAsync();
        await Assert.ThrowsAsync<StateStoreException>(() => next);
        await Assert.ThrowsAsync<StateStoreException>(() => lent.PutAsync("b", Value, Forever));
        await Assert.ThrowsAsync<StateStoreException>(() => lent.GetAsync("a", Forever));
        await Assert.ThrowsAsync<StateStoreException>(() => lent.GrantLeaseAsync(10, Forever));
        await Assert.ThrowsAsync<StateStoreException>(() => lent.KeepLeaseAliveAsync(lease, Forever));
        await Assert.ThrowsAsync<StateStoreException>(() => lent.RevokeLeaseAsync(lease, Forever));
        await Assert.ThrowsAsync<StateStoreException>(
            () => lent.WatchAsync(KeyRange.All, Revision.None, Forever).GetAsyncEnumerator().MoveNextAsync().AsTask());
        Assert.Equal(["a"], (await owned.RangeAsync(KeyRange.All, Forever)).Select(e => e.Key));
        Assert.True(await owned.KeepLeaseAliveAsync(lease, Forever));
    }

    [Fact]
    public async Task ItIsClosedWhenWhatWasUnderWayHasEnded()
    {
        await using var owned = new MemoryStore(new ManualClock());
        var held = new HeldStore(owned);
        var lent = new LentStore(held);
        var put = lent.PutAsync("a", Value, Forever);
        var closed = lent.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<StateStoreException>(() => lent.PutAsync("b", Value, Forever));
        Assert.False(closed.IsCompleted);
        held.Open();
        await closed;
        await put;
        Assert.Equal(["a"], (await owned.RangeAsync(KeyRange.All, Forever)).Select(e => e.Key));
    }
}
