using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

/// <summary>Native buffers are counted exactly and given back with their last holder.</summary>
public sealed class PayloadTests
{
    [Theory]
    [InlineData(0, 4096)]
    [InlineData(1, 4096)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 16 << 10)]
    [InlineData(64 << 10, 64 << 10)]
    [InlineData(128 << 10, 160 << 10)]
    [InlineData(1 << 20, (1 << 20) + (64 << 10))]
    [InlineData(5_000_001, 5_001_216)]
    public void ABufferHasTheSizeOfItsClassAndIsCounted(int size, int capacity)
    {
        var pool = new PayloadPool(1 << 20);
        var buffer = pool.Rent(size);
        Assert.Equal(capacity, buffer.Capacity);
        Assert.Equal(0, buffer.Address % PayloadPool.Alignment);
        Assert.Equal(capacity, pool.OutstandingBytes);
        Assert.Equal(capacity > 1 << 20, pool.IsOverLimit);
        buffer.GetSpan().Fill(7);
        buffer.Retain();
        buffer.Release();
        Assert.Equal(capacity, pool.OutstandingBytes);
        buffer.Release();
        Assert.Equal(0, pool.OutstandingBytes);
        Assert.Throws<InvariantException>(buffer.Release);
        Assert.Throws<InvariantException>(() => pool.Rent(-1));
        Assert.Throws<InvariantException>(() => pool.Rent(PayloadPool.CapacityMax + 1));
    }

    [Fact]
    public void TrimmingFreesWhatNobodyUsedSinceTheLastTime()
    {
        const int size = 64 << 10;
        var pool = new PayloadPool(1L << 30);
        var burst = new PayloadBuffer[10];
        for (var i = 0; i < burst.Length; i++)
        {
            burst[i] = pool.Rent(size);
        }

        foreach (var buffer in burst)
        {
            buffer.Release();
        }

        Assert.Equal(0, pool.Trim()); // All were in use since the start.
        for (var i = 0; i < 5; i++)
        {
            pool.Rent(size).Release();
        }

        Assert.Equal(9 * size, pool.Trim());
        Assert.Equal(size, pool.Trim());
        Assert.Equal(0, pool.Trim());
        Assert.Equal(size, pool.Rent(size).Capacity);
    }

    [Fact]
    public void AReturnedBufferIsUsedAgain()
    {
        var pool = new PayloadPool(1 << 20);
        var first = pool.Rent(100);
        first.Release();
        var second = pool.Rent(4000);
        Assert.Same(first, second);
        Assert.Equal(1, second.References);
        second.Release();
    }

    [Fact]
    public void SlicesThatOverflowAreRefused()
    {
        var payload = Payload.CopyOf([1, 2, 3, 4]);
        Assert.Equal(new byte[] { 2, 3 }, payload.Slice(1, 2).Span.ToArray());
        Assert.Throws<InvariantException>(() => payload.Slice(1, int.MaxValue));
        Assert.Throws<InvariantException>(() => payload.Slice(int.MaxValue, int.MaxValue));
        Assert.Throws<InvariantException>(() => payload.Slice(-1, 1));
        Assert.Throws<InvariantException>(() => payload.Slice(2, 3));
        Assert.Throws<InvariantException>(() => new Payload(payload.Buffer!, int.MaxValue, int.MaxValue));
        payload.Release();
        default(Payload).Retain();
        default(Payload).Release();
        Assert.True(default(Payload).Span.IsEmpty && default(Payload).Memory.IsEmpty);
    }
}
