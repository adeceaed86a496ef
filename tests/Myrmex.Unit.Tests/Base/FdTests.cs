using System.Linq;
using System.Threading;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

public sealed class FdTests
{
    [Fact]
    public void TranslatorsThatSetTheirStateAtTheSameTimeDoNotLoseIt()
    {
        for (var round = 0; round < 200; round++)
        {
            var fd = new Fd(Gfid.Root, 0, isDirectory: false, slotCount: 0);
            using var barrier = new Barrier(4);
            var threads = Enumerable.Range(0, 4).Select(slot => new Thread(() =>
            {
                barrier.SignalAndWait();
                fd.Set(slot, slot);
            })).ToList();
            threads.ForEach(t => t.Start());
            threads.ForEach(t => t.Join());
            Assert.Equal(new object?[] { 0, 1, 2, 3 }, Enumerable.Range(0, 4).Select(fd.Get));
        }
    }

    [Fact]
    public void OnlyOneTakesAState()
    {
        var fd = new Fd(Gfid.Root, 0, isDirectory: false, slotCount: 2);
        fd.Set(1, "state");
        Assert.Equal("state", fd.Take(1));
        Assert.Null(fd.Take(1));
        Assert.Null(fd.Take(9));
    }

    [Fact]
    public void AnAnonymousFdKeepsNothing()
    {
        var fd = Fd.Anonymous(Gfid.Root);
        Assert.Throws<InvariantException>(() => fd.Set(0, "state"));
        Assert.Null(fd.Get(0));
    }
}
