using System.Linq;
using System.Text;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

public sealed class DirEntriesTests
{
    [Fact]
    public void EntriesKeepTheirNamesWhileTheListGrows()
    {
        var entries = new DirEntries();
        for (var i = 0; i < 5000; i++)
        {
            entries.Add(Encoding.ASCII.GetBytes("name-" + i)).Ino = (ulong)i;
        }

        Assert.Equal(5000, entries.Count);
        Assert.All(Enumerable.Range(0, 5000), i =>
        {
            Assert.Equal("name-" + i, entries.NameOf(i).ToString());
            Assert.Equal((ulong)i, entries[i].Ino);
        });
        entries.Truncate(10);
        Assert.Equal(10, entries.Count);
        Assert.Equal("name-9", entries.NameOf(9).ToString());
        entries.Add("next"u8);
        Assert.Equal("next", entries.NameOf(10).ToString());
        Assert.Equal("name-9", entries.NameOf(9).ToString());
        Assert.Throws<InvariantException>(() => entries[11].Ino = 1);
    }

    [Fact]
    public void ANewEntryIsCleanWhateverStoodThere()
    {
        var entries = new DirEntries();
        ref var first = ref entries.Add("a"u8);
        first.XData = XData.Rent();
        first.Iatt.Size = 5;
        first.Type = 4;
        entries.Clear();
        ref var second = ref entries.Add("b"u8);
        Assert.Null(second.XData);
        Assert.Equal(0u, second.Type);
        Assert.Equal(default, second.Iatt);
        Assert.Equal(1, entries.NamesLength);
    }
}
