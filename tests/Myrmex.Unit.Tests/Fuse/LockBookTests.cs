using System.Linq;
using Myrmex.Base;
using Myrmex.Fuse;
using Xunit;

namespace Myrmex.Unit.Tests.Fuse;

/// <summary>The book of locks keeps ranges as fcntl does, and answers by owner and by handle.</summary>
public sealed class LockBookTests
{
    private readonly LockBook _book = new();

    [Fact]
    public void AnUnlockInTheMiddleLeavesBothEnds()
    {
        Apply(handle: 1, owner: 10, LockType.Write, 0, 99);
        Apply(handle: 1, owner: 10, LockType.Unlock, 40, 59);
        Assert.Equal([(0UL, 39UL), (60UL, 99UL)], Ranges(owner: 10));
        Apply(handle: 1, owner: 10, LockType.Unlock, 0, HeldLock.EndOfFile);
        Assert.True(_book.IsEmpty);
    }

    [Fact]
    public void ANewLockReplacesWhatItCovers()
    {
        Apply(handle: 1, owner: 10, LockType.Read, 0, 99);
        Apply(handle: 2, owner: 10, LockType.Write, 50, 149);
        Assert.Equal([(0UL, 49UL), (50UL, 149UL)], Ranges(owner: 10));
        Assert.Equal(LockType.Write, _book.Overlapping(5, 10, 50, 50).Single().Type);
    }

    [Fact]
    public void OwnersDoNotTouchEachOther()
    {
        Apply(handle: 1, owner: 10, LockType.Read, 0, 99);
        Apply(handle: 1, owner: 11, LockType.Unlock, 0, 99);
        Assert.True(_book.Holds(5, 10));
        Assert.False(_book.Holds(5, 11));
        Assert.False(_book.Holds(6, 10));
    }

    [Fact]
    public void LocksOfAHandleAreFoundAndGoWithIt()
    {
        Apply(handle: 1, owner: 10, LockType.Read, 0, 9);
        Apply(handle: 2, owner: 11, LockType.Read, 0, 9);
        Assert.Equal(10UL, _book.OfHandle(5, 1).Single().Owner);
        _book.RemoveHandle(5, 1);
        Assert.Empty(_book.OfHandle(5, 1));
        _book.RemoveOwner(5, 11);
        Assert.True(_book.IsEmpty);
    }

    [Fact]
    public void ALockToTheEndHasLengthZeroOnTheWire()
    {
        Assert.Equal(0, new HeldLock(1, 2, 3, LockType.Write, 5, HeldLock.EndOfFile).ToFlock().Length);
        var flock = new HeldLock(1, 2, 3, LockType.Write, 5, 5).ToFlock();
        Assert.Equal((5L, 1L), (flock.Start, flock.Length));
        Assert.Equal(LkOwner.From(2), flock.Owner);
    }

    private (ulong Start, ulong End)[] Ranges(ulong owner) =>
        [.. _book.Overlapping(5, owner, 0, HeldLock.EndOfFile).Select(held => (held.Start, held.End)).Order()];

    private void Apply(ulong handle, ulong owner, LockType type, ulong start, ulong end) =>
        _book.Apply(5, new HeldLock(handle, owner, 1, type, start, end));
}
