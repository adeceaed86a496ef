using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Myrmex.Tests.Wire;
using Xunit;

namespace Myrmex.Fuzz.Tests;

/// <summary>Goal: a dictionary in wire form behaves like a dictionary, and damaged wire form never becomes one that fails later.</summary>
[Trait("Tier", "fuzz")]
public sealed class XDataFuzzTests
{
    [Fact]
    public void AnyChangesLeaveWhatTheModelHas() => FuzzRun.Run(
        nameof(AnyChangesLeaveWhatTheModelHas),
        smokeSeconds: 2,
        random =>
        {
            var model = new Dictionary<string, byte[]>();
            var data = XData.Rent();
            for (var i = 0; i < 60; i++)
            {
                Change(random, data, model);
                Assert.Equal(model.Count, data.Count);
            }

            AssertSame(model, data);
            var loaded = XData.Rent();
            Assert.True(loaded.TryLoad(data.Encoded, data.Count));
            AssertSame(model, loaded);
            var clone = loaded.Clone();
            loaded.Release();
            AssertSame(model, clone);
            clone.Release();
            data.Release();
        });

    [Fact]
    public void WhatIsLoadedFromAnyBytesCanBeUsed() => FuzzRun.Run(
        nameof(WhatIsLoadedFromAnyBytesCanBeUsed),
        smokeSeconds: 3,
        random =>
        {
            using var source = new Rented(RandomValues.MakeXData(random) ?? XData.Rent());
            var bytes = Mutator.Mutate(random, source.Data.Encoded.ToArray(), source.Data.Encoded.ToArray());
            var count = source.Data.Count + (int)random.Between(-1, 1);
            using var target = new Rented(XData.Rent());
            if (!target.Data.TryLoad(bytes, count))
            {
                Assert.Equal(0, target.Data.Count);
                Assert.Equal(0, target.Data.Encoded.Length);
                return;
            }

            Use(target.Data, count);
        });

    private static void Use(XData data, int count)
    {
        var seen = 0;
        var keys = new List<byte[]>();
        foreach (var pair in data)
        {
            seen++;
            keys.Add(pair.Key.ToArray());
            _ = pair.Text.Length + pair.Value.Length;
        }

        Assert.Equal(count, seen);
        foreach (var key in keys)
        {
            Assert.True(data.TryFind(key, out _, out _));
            data.TryGetInt(key, out _);
            data.TryGetBytes(key, out _);
            data.TryGetGfid(key, out _);
            data.TryGetIatt(key, out _);
        }

        Assert.NotNull(data.ToString());
        data.SetInt("a-new-key"u8, 1);
        foreach (var key in keys)
        {
            data.Remove(key);
        }

        Assert.True(data.TryGetInt("a-new-key"u8, out var one));
        Assert.Equal(1, one);
        Assert.Equal(1, data.Count);
    }

    private static void Change(SimRandom random, XData data, Dictionary<string, byte[]> model)
    {
        var name = "key-" + new string('x', random.Below(5)) + random.Below(12);
        var key = Encoding.UTF8.GetBytes(name);
        switch (random.Below(4))
        {
            case 0:
                Assert.Equal(model.Remove(name), data.Remove(key));
                break;
            case 1:
                var text = Encoding.ASCII.GetBytes("text " + random.Below(100_000));
                data.SetString(key, text);
                model[name] = [.. text, 0];
                break;
            default:
                var value = RandomValues.MakeBytes(random, 0, random.Chance(0.02) ? 3000 : 30);
                data.SetBytes(key, value);
                model[name] = value;
                break;
        }
    }

    private static void AssertSame(Dictionary<string, byte[]> model, XData data)
    {
        var seen = new Dictionary<string, byte[]>();
        foreach (var pair in data)
        {
            seen.Add(Encoding.UTF8.GetString(pair.Key), pair.Value.ToArray());
        }

        Assert.Equal(model.OrderBy(pair => pair.Key), seen.OrderBy(pair => pair.Key));
    }

    private sealed class Rented(XData data) : IDisposable
    {
        public XData Data => data;

        public void Dispose() => data.Release();
    }
}
