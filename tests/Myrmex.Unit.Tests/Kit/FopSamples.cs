using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using Myrmex.Base;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>Something done for every fop of the table.</summary>
internal interface IFopVisitor
{
    void Visit<TFop, TReply, TCodec>()
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>;
}

/// <summary>Random fops and replies with every field set, made and compared by reflection over the fop table.</summary>
internal static class FopSamples
{
    private static readonly (FopCode Code, Type[] Types)[] Table =
        [.. typeof(IFopCodec<,>).Assembly.GetTypes()
            .Where(t => t.IsValueType && t.Name.EndsWith("Codec", StringComparison.Ordinal))
            .Select(t => (Codec: t, Interface: t.GetInterfaces().FirstOrDefault(
                i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IFopCodec<,>))))
            .Where(t => t.Interface is not null)
            .Select(t => (
                (FopCode)t.Interface!.GenericTypeArguments[0].GetProperty("Code")!.GetValue(null)!,
                (Type[])[.. t.Interface.GenericTypeArguments, t.Codec]))
            .OrderBy(t => t.Item1)];

    public static TheoryData<FopCode> Codes => [.. Table.Select(t => t.Code)];

    public static IReadOnlyList<FopCode> AllCodes { get; } = [.. Table.Select(t => t.Code)];

    public static void Visit(FopCode code, IFopVisitor visitor)
    {
        var types = Table.First(t => t.Code == code).Types;
        try
        {
            typeof(IFopVisitor).GetMethod(nameof(IFopVisitor.Visit))!.MakeGenericMethod(types).Invoke(visitor, null);
        }
        catch (TargetInvocationException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException!);
        }
    }

    /// <summary>A fop with random fields; <paramref name="fd"/> stands for every open file in it.</summary>
    public static TFop NewFop<TFop>(Random random, Fd fd, Fd secondFd)
        where TFop : struct
    {
        object fop = default(TFop);
        var isFirst = true;
        foreach (var property in typeof(TFop).GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var value = property.PropertyType == typeof(Fd)
                ? (isFirst ? fd : secondFd)
                : NewValue(random, property.PropertyType, property.Name);
            isFirst &= property.PropertyType != typeof(Fd);
            property.SetValue(fop, value);
        }

        foreach (var (gfid, file) in new[] { ("Gfid", fd), ("Source", fd), ("Target", secondFd) })
        {
            // An fd is sent together with the gfid of its file.
            if (typeof(TFop).GetProperty(gfid) is { } property && property.PropertyType == typeof(Gfid)
                && typeof(TFop).GetProperties().Any(p => p.PropertyType == typeof(Fd)))
            {
                property.SetValue(fop, file.Gfid);
            }
        }

        return (TFop)fop;
    }

    public static void ReleaseFop<TFop>(TFop fop)
        where TFop : struct
    {
        foreach (var property in typeof(TFop).GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            (property.GetValue(fop) as XData)?.Release();
            (property.GetValue(fop) as Payload?)?.Release();
        }
    }

    public static void FillReply(Random random, Reply reply)
    {
        foreach (var field in FieldsOf(reply))
        {
            if (field.GetValue(reply) is DirEntries entries)
            {
                FillEntries(random, entries, plus: reply is ReaddirpReply);
            }
            else
            {
                field.SetValue(reply, NewValue(random, field.FieldType, field.Name));
            }
        }

        reply.XData = (XData?)NewValue(random, typeof(XData), "XData");
        reply.OpRet = reply switch
        {
            ReadReply read => read.Data.Length,
            WriteReply => 0,
            ReaddirReply list => list.Entries.Count,
            ReaddirpReply list => list.Entries.Count,
            _ => random.Next(100),
        };
        reply.Hint = random.Next(2) == 0 ? Errno.Ok : Errno.ENOENT;
    }

    /// <summary>Fds are compared by what <paramref name="sameFd"/> says.</summary>
    public static void AssertSameFop<TFop>(TFop expected, TFop actual, Action<Fd, Fd> sameFd)
        where TFop : struct
    {
        foreach (var property in typeof(TFop).GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.PropertyType == typeof(Fd))
            {
                sameFd((Fd)property.GetValue(expected)!, (Fd)property.GetValue(actual)!);
            }
            else
            {
                AssertSame(property.GetValue(expected), property.GetValue(actual), typeof(TFop).Name + "." + property.Name);
            }
        }
    }

    public static void AssertSameReply(Reply expected, Reply actual, bool withFdNumber = true)
    {
        Assert.Equal((expected.Error, expected.OpRet, expected.Hint), (actual.Error, actual.OpRet, actual.Hint));
        AssertSame(expected.XData, actual.XData, "XData");
        foreach (var field in FieldsOf(expected).Where(f => withFdNumber || f.Name != "FdNumber"))
        {
            AssertSame(field.GetValue(expected), field.GetValue(actual), expected.GetType().Name + "." + field.Name);
        }
    }

    private static FieldInfo[] FieldsOf(Reply reply) =>
        reply.GetType().GetFields(BindingFlags.Public | BindingFlags.Instance);

    private static object? NewValue(Random random, Type type, string name)
    {
        if (type.IsEnum)
        {
            return Enum.ToObject(type, random.Next(3));
        }

        return type.Name switch
        {
            nameof(Gfid) => NewGfid(random),
            "UInt32" when name == "Size" => (uint)random.Next(1, 64 << 10),
            "UInt32" => (uint)random.Next(1, 1 << 20),
            "Int32" => random.Next(),
            "Int64" => random.NextInt64(1L << 40),
            "UInt64" => (ulong)random.NextInt64(),
            nameof(Name) => NewName(random),
            nameof(XData) => NewXData(random),
            nameof(Iatt) => NewIatt(random),
            nameof(Flock) => NewFlock(random),
            nameof(Lease) => new Lease((uint)random.Next(4), (uint)random.Next(3), NewGfid(random), (uint)random.Next()),
            nameof(StatFs) => NewStatFs(random),
            nameof(Payload) => NewPayload(random),
            "LockItem[]" => Enumerable.Range(0, random.Next(1, 5))
                .Select(_ => new LockItem(NewFlock(random), NewName(random), (uint)random.Next())).ToArray(),
            _ => throw new NotSupportedException(type.Name),
        };
    }

    private static Gfid NewGfid(Random random) => new((ulong)random.NextInt64() | 1UL << 62, (ulong)random.NextInt64());

    private static Name NewName(Random random)
    {
        var bytes = new byte[random.Next(1, 60)];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)random.Next('0', 256);
        }

        return new Name(bytes);
    }

    private static XData? NewXData(Random random)
    {
        if (random.Next(6) == 0)
        {
            return null;
        }

        var data = XData.Rent();
        var count = random.Next(1, 6);
        for (var i = 0; i < count; i++)
        {
            var bytes = new byte[random.Next(100)];
            random.NextBytes(bytes);
            data.SetBytes(System.Text.Encoding.ASCII.GetBytes("key" + i), bytes);
        }

        data.SetInt("number"u8, random.NextInt64());
        return data;
    }

    private static Iatt NewIatt(Random random)
    {
        var bytes = new byte[Iatt.WireSize];
        random.NextBytes(bytes);
        return IattCodec.Read(bytes);
    }

    private static StatFs NewStatFs(Random random) => new()
    {
        BlockSize = (ulong)random.NextInt64(),
        FragmentSize = (ulong)random.NextInt64(),
        Blocks = (ulong)random.NextInt64(),
        BlocksFree = (ulong)random.NextInt64(),
        BlocksAvailable = (ulong)random.NextInt64(),
        Files = (ulong)random.NextInt64(),
        FilesFree = (ulong)random.NextInt64(),
        FilesAvailable = (ulong)random.NextInt64(),
        FileSystemId = (ulong)random.NextInt64(),
        MountFlags = (ulong)random.NextInt64(),
        NameMax = (ulong)random.NextInt64(),
    };

    private static Flock NewFlock(Random random)
    {
        var owner = new byte[random.Next(0, 40)];
        random.NextBytes(owner);
        return new Flock(
            (LockType)random.Next(3), (uint)random.Next(3), random.NextInt64(), random.NextInt64(), (uint)random.Next(),
            new LkOwner(owner));
    }

    private static Payload NewPayload(Random random)
    {
        var bytes = new byte[random.Next(1, 20_000)];
        random.NextBytes(bytes);
        return Payload.CopyOf(bytes);
    }

    private static void FillEntries(Random random, DirEntries entries, bool plus)
    {
        entries.Clear();
        var count = random.Next(1, 30);
        for (var i = 0; i < count; i++)
        {
            ref var entry = ref entries.Add(NewName(random).Span);
            entry.Ino = (ulong)random.NextInt64();
            entry.Offset = (ulong)random.NextInt64();
            entry.Type = (uint)random.Next(15);
            entry.Iatt = plus ? NewIatt(random) : default;
            entry.XData = plus ? NewXData(random) : null;
        }
    }

    private static void AssertSame(object? expected, object? actual, string what)
    {
        switch (expected)
        {
            case XData data:
                Assert.NotNull(actual);
                Assert.Equal(data.Count, ((XData)actual).Count);
                Assert.True(data.Encoded.SequenceEqual(((XData)actual).Encoded), what);
                break;
            case Payload payload:
                Assert.True(payload.Span.SequenceEqual(((Payload)actual!).Span), what);
                break;
            case DirEntries entries:
                AssertSameEntries(entries, (DirEntries)actual!);
                break;
            case LockItem[] items:
                Assert.Equal(items, (LockItem[])actual!);
                break;
            default:
                Assert.True(Equals(expected, actual), $"{what}: {expected} became {actual}");
                break;
        }
    }

    private static void AssertSameEntries(DirEntries expected, DirEntries actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected.NameOf(i), actual.NameOf(i));
            Assert.Equal(
                (expected[i].Ino, expected[i].Offset, expected[i].Type, expected[i].Iatt),
                (actual[i].Ino, actual[i].Offset, actual[i].Type, actual[i].Iatt));
            AssertSame(expected[i].XData, actual[i].XData, "entry");
        }
    }
}
