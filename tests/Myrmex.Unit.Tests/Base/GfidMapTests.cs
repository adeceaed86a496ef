using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

/// <summary>The bounded table of files: it forgets what was not touched, and nothing else.</summary>
public sealed class GfidMapTests
{
    [Fact]
    public void RandomChangesMatchADictionaryWhileNothingIsEvicted()
    {
        var random = new Random(1);
        var map = new GfidMap<long>(100_000);
        var model = new Dictionary<Gfid, long>();
        for (var step = 0; step < 50_000; step++)
        {
            var gfid = Of(random.Next(1000));
            switch (random.Next(4))
            {
                case 0:
                    Assert.Equal(model.Remove(gfid), map.Remove(gfid));
                    break;
                case 1:
                    map.Update(gfid, 3L, (ref long value, long add) => value += add);
                    model[gfid] = model.GetValueOrDefault(gfid) + 3;
                    break;
                case 2:
                    map.Set(gfid, step);
                    model[gfid] = step;
                    break;
                default:
                    Assert.Equal(model.TryGetValue(gfid, out var expected), map.TryGet(gfid, out var found));
                    Assert.Equal(expected, found);
                    break;
            }
        }

        Assert.Equal(model.Count, map.Count);
        map.Clear();
        Assert.Equal(0, map.Count);
        Assert.False(map.TryGet(Of(1), out _));
    }

    [Fact]
    public void AFullMapForgetsTheUntouchedFirst()
    {
        var map = new GfidMap<int>(1600);
        var hot = Enumerable.Range(0, 300).Select(Of).ToArray();
        foreach (var gfid in hot)
        {
            map.Set(gfid, 1);
        }

        for (var i = 1000; i < 20_000; i++)
        {
            map.Set(Of(i), i);
            if (i % 20 == 0)
            {
                foreach (var gfid in hot)
                {
                    map.TryGet(gfid, out _);
                }
            }
        }

        Assert.Equal(1600, map.Count);
        Assert.All(hot, gfid => Assert.True(map.TryGet(gfid, out _)));
        Assert.True(map.TryGet(Of(19_999), out var last) && last == 19_999);
    }

    [Fact]
    public void AMapOfOneEntryAShardStillWorks()
    {
        var map = new GfidMap<int>(1);
        for (var i = 0; i < 1000; i++)
        {
            map.Set(Of(i), i);
            Assert.True(map.TryGet(Of(i), out var value) && value == i);
        }

        Assert.InRange(map.Count, 1, 16);
    }

    [Fact]
    public void ThreadsDoNotLoseUpdates()
    {
        var map = new GfidMap<long>(1000);
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                map.Update(Of(i % 50), 1L, (ref long value, long add) => value += add);
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        var sum = Enumerable.Range(0, 50).Sum(i => map.TryGet(Of(i), out var value) ? value : 0);
        Assert.Equal(80_000, sum);
    }

    private static Gfid Of(int number)
    {
        var random = new Random(number);
        return new Gfid((ulong)random.NextInt64(), (ulong)random.NextInt64());
    }
}
