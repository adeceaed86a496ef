using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Myrmex.Wire;

namespace Myrmex.Tests.Wire;

/// <summary>One fop's codec without its type arguments, so that tests can treat all of them alike.</summary>
internal abstract class CodecCase
{
    /// <summary>Every codec there is, in the order of the fop numbers.</summary>
    public static IReadOnlyList<CodecCase> All { get; } = FindAll();

    public abstract FopCode Code { get; }

    public abstract byte[] MakeRequest(SimRandom random);

    public abstract byte[] MakeReply(SimRandom random);

    /// <summary>Decodes and encodes again; null when the body is refused. Everything rented is given back.</summary>
    public abstract byte[]? RecodeRequest(Payload body);

    public abstract byte[]? RecodeReply(Payload body);

    /// <summary>Makes a random request, sends it through the codec and tells the first difference, or null.</summary>
    public abstract string? CompareRequest(SimRandom random);

    public abstract string? CompareReply(SimRandom random);

    public override string ToString() => Code.ToString();

    private static CodecCase[] FindAll() =>
    [
        .. typeof(StatCodec).Assembly.GetTypes()
            .SelectMany(type => type.GetInterfaces(), (type, face) => (type, face))
            .Where(pair => pair.type.IsValueType && pair.face.IsGenericType
                && pair.face.GetGenericTypeDefinition() == typeof(IFopCodec<,>))
            .Select(pair => (CodecCase)Activator.CreateInstance(typeof(CodecCase<,,>).MakeGenericType(
                [pair.type, .. pair.face.GetGenericArguments()]))!)
            .OrderBy(codec => codec.Code),
    ];
}

internal sealed class CodecCase<TCodec, TFop, TReply> : CodecCase
    where TCodec : struct, IFopCodec<TFop, TReply>
    where TFop : struct, IFop<TFop, TReply>
    where TReply : Reply, IReply<TReply>
{
    public override FopCode Code => TFop.Code;

    public override byte[] MakeRequest(SimRandom random)
    {
        var fds = new NumberedFds();
        var fop = RandomValues.MakeFop<TFop>(random, fds);
        var bytes = Encode(in fop, fds);
        RandomValues.ReleaseFop(fop);
        return bytes;
    }

    public override byte[] MakeReply(SimRandom random)
    {
        var reply = RandomValues.MakeReply<TReply>(random);
        var bytes = Encode(reply);
        reply.Release();
        return bytes;
    }

    public override byte[]? RecodeRequest(Payload body)
    {
        var fds = new NumberedFds();
        var reader = new XdrReader(body);
        var isGood = TCodec.TryDecodeRequest(ref reader, fds, out var fop);
        try
        {
            return isGood ? Encode(in fop, fds) : null;
        }
        finally
        {
            TCodec.ReleaseRequest(in fop);
        }
    }

    public override byte[]? RecodeReply(Payload body)
    {
        var reply = TReply.Rent();
        var reader = new XdrReader(body);
        try
        {
            return TCodec.TryDecodeReply(ref reader, reply) ? Encode(reply) : null;
        }
        finally
        {
            reply.Release();
        }
    }

    public override string? CompareRequest(SimRandom random)
    {
        var fds = new NumberedFds();
        var sent = RandomValues.MakeFop<TFop>(random, fds);
        var body = Payload.CopyOf(Encode(in sent, fds));
        var reader = new XdrReader(body);
        var difference = "refused";
        if (TCodec.TryDecodeRequest(ref reader, fds, out var received))
        {
            difference = reader.Remaining == TCodec.RequestPayload(in received).Length
                ? RandomValues.Difference(sent, received)
                : "bytes are left";
        }

        RandomValues.ReleaseFop(sent);
        TCodec.ReleaseRequest(in received);
        body.Release();
        return difference;
    }

    public override string? CompareReply(SimRandom random)
    {
        var sent = RandomValues.MakeReply<TReply>(random);
        var body = Payload.CopyOf(Encode(sent));
        var reader = new XdrReader(body);
        var received = TReply.Rent();
        var difference = "refused";
        if (TCodec.TryDecodeReply(ref reader, received))
        {
            difference = reader.Remaining == TCodec.ReplyPayload(received).Length
                ? RandomValues.Difference(sent, received)
                : "bytes are left";
        }

        sent.Release();
        received.Release();
        body.Release();
        return difference;
    }

    private static byte[] Encode(in TFop fop, NumberedFds fds)
    {
        // The size that is promised must be enough: a span of just that size throws when it is not.
        var payload = TCodec.RequestPayload(in fop);
        var bytes = new byte[TCodec.RequestSizeMax(in fop) + payload.Length];
        var writer = new XdrWriter(bytes.AsSpan(0, bytes.Length - payload.Length));
        TCodec.EncodeRequest(ref writer, in fop, fds.NumberOf(TFop.FdOf(in fop)), fds.NumberOf(TFop.SecondFdOf(in fop)));
        payload.Span.CopyTo(bytes.AsSpan(writer.Position));
        return bytes[..(writer.Position + payload.Length)];
    }

    private static byte[] Encode(TReply reply)
    {
        var payload = TCodec.ReplyPayload(reply);
        var bytes = new byte[TCodec.ReplySizeMax(reply) + payload.Length];
        var writer = new XdrWriter(bytes.AsSpan(0, bytes.Length - payload.Length));
        TCodec.EncodeReply(ref writer, reply);
        payload.Span.CopyTo(bytes.AsSpan(writer.Position));
        return bytes[..(writer.Position + payload.Length)];
    }
}

/// <summary>Fds by number: every number is open, and always the same object.</summary>
internal sealed class NumberedFds : IFdSource
{
    private readonly Dictionary<long, Fd> _open = [];

    public Fd Resolve(long number, in Gfid gfid, int index)
    {
        if (!_open.TryGetValue(number, out var fd))
        {
            fd = new Fd(gfid, OpenFlags.ReadWrite, isDirectory: false, slotCount: 0);
            _open.Add(number, fd);
        }

        return fd;
    }

    public Fd New(in Gfid gfid, uint flags, bool isDirectory) => new(gfid, flags, isDirectory, slotCount: 0);

    public long NumberOf(Fd? fd)
    {
        foreach (var (number, open) in _open)
        {
            if (ReferenceEquals(open, fd))
            {
                return number;
            }
        }

        return -1;
    }
}

/// <summary>Gfids and names that exist, or may.</summary>
internal sealed record KnownValues(IReadOnlyList<Gfid> Gfids, IReadOnlyList<Name> Names);

/// <summary>Random values of every type a fop or reply has, and their comparison by what they mean.</summary>
internal static class RandomValues
{
    /// <summary>What values are mostly taken from when it is set: a peer that makes sense gets further into a server.</summary>
    public static KnownValues? Known { get; set; }

    public static TFop MakeFop<TFop>(SimRandom random, NumberedFds fds)
        where TFop : struct
    {
        object fop = default(TFop);
        foreach (var property in Settable(typeof(TFop)))
        {
            property.SetValue(fop, Make(property.PropertyType, random, fds));
        }

        return (TFop)fop;
    }

    /// <summary>Gives back what <see cref="MakeFop"/> rented.</summary>
    public static void ReleaseFop<TFop>(TFop fop)
        where TFop : struct
    {
        foreach (var property in Settable(typeof(TFop)))
        {
            switch (property.GetValue(fop))
            {
                case XData data:
                    data.Release();
                    break;
                case Payload payload:
                    payload.Release();
                    break;
                default:
                    break;
            }
        }
    }

    public static TReply MakeReply<TReply>(SimRandom random)
        where TReply : Reply, IReply<TReply>
    {
        var reply = TReply.Rent();
        reply.XData = MakeXData(random);
        foreach (var field in Fields(typeof(TReply)))
        {
            field.SetValue(reply, Make(field.FieldType, random, new NumberedFds()));
        }

        if (random.Chance(0.2))
        {
            reply.Error = (Errno)random.Between(1, 130);
            reply.OpRet = -1;
        }
        else
        {
            reply.OpRet = random.Below(int.MaxValue);
            reply.Hint = (Errno)random.Below(3);
        }

        if (reply is ReadReply read)
        {
            // Here op_ret is the length of the payload.
            if (!reply.IsOk)
            {
                read.Data.Release();
                read.Data = default;
            }

            reply.OpRet = reply.IsOk ? read.Data.Length : -1;
        }

        return reply;
    }

    /// <summary>The name of the first member that differs, or null.</summary>
    public static string? Difference<T>(T first, T second)
    {
        foreach (var property in typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (!AreEqual(property.GetValue(first), property.GetValue(second)))
            {
                return property.Name;
            }
        }

        foreach (var field in Fields(typeof(T)))
        {
            if (!AreEqual(field.GetValue(first), field.GetValue(second)))
            {
                return field.Name;
            }
        }

        return null;
    }

    public static byte[] MakeBytes(SimRandom random, int lengthMin, int lengthMax)
    {
        var bytes = new byte[random.Between(lengthMin, lengthMax)];
        random.Fill(bytes);
        return bytes;
    }

    public static XData? MakeXData(SimRandom random)
    {
        if (random.Chance(0.3))
        {
            return null;
        }

        var data = XData.Rent();
        var count = 1 + random.Below(8);
        for (var i = 0; i < count; i++)
        {
            AddPair(data, MakeName(random, lengthMin: 1).Span, random);
        }

        return data;
    }

    private static IEnumerable<PropertyInfo> Settable(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite);

    private static IEnumerable<FieldInfo> Fields(Type type) =>
        type.IsValueType ? [] : type.GetFields(BindingFlags.Public | BindingFlags.Instance);

    private static object? Make(Type type, SimRandom random, NumberedFds fds)
    {
        if (type.IsEnum)
        {
            var number = Known is null ? random.Next() : (ulong)random.Below(8);
            return Enum.ToObject(type, type.GetEnumUnderlyingType() == typeof(int) ? (int)number : (uint)number);
        }

        return Type.GetTypeCode(type) switch
        {
            TypeCode.Int32 => (int)Number(random),
            TypeCode.UInt32 => (uint)Number(random),
            TypeCode.Int64 => (long)Number(random),
            TypeCode.UInt64 => Number(random),
            _ => MakeObject(type, random, fds),
        };
    }

    private static object? MakeObject(Type type, SimRandom random, NumberedFds fds) => type switch
    {
        _ when type == typeof(Gfid) => MakeGfid(random),
        _ when type == typeof(Name) => MakeName(random, lengthMin: 0),
        _ when type == typeof(Iatt) => MakeIatt(random),
        _ when type == typeof(StatFs) => MakeStatFs(random),
        _ when type == typeof(Flock) => MakeFlock(random),
        _ when type == typeof(Lease) => new Lease((uint)random.Next(), (uint)random.Next(), MakeGfid(random), 7),
        _ when type == typeof(XData) => MakeXData(random),
        _ when type == typeof(Fd) => fds.Resolve(
            Known is null ? (long)(random.Next() >> 8) : random.Below(8) - 2, MakeGfid(random), index: 0),
        _ when type == typeof(Payload) => Payload.CopyOf(MakeBytes(random, 0, random.Chance(0.1) ? 150_000 : 5000)),
        _ when type == typeof(LockItem[]) => MakeLocks(random),
        _ when type == typeof(DirEntries) => MakeEntries(random),
        _ => throw new NotSupportedException($"no random values of {type}"),
    };

    private static ulong Number(SimRandom random) => random.Below(Known is null ? 4 : 40) switch
    {
        0 => (ulong)random.Below(3),
        1 => ulong.MaxValue - (ulong)random.Below(3),
        2 => random.Next() >> random.Below(64),
        3 => random.Next(),
        _ => (ulong)random.Below(10_000),
    };

    private static Gfid MakeGfid(SimRandom random) =>
        Known is not null && random.Chance(0.9)
            ? Known.Gfids[random.Below(Known.Gfids.Count)]
            : new Gfid(random.Next(), random.Next());

    private static Name MakeName(SimRandom random, int lengthMin)
    {
        if (Known is not null && random.Chance(0.9))
        {
            return Known.Names[random.Below(Known.Names.Count)];
        }

        var bytes = MakeBytes(random, lengthMin, random.Chance(0.1) ? 1000 : 20);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = bytes[i] == 0 ? (byte)'x' : bytes[i];
        }

        return Name.From(bytes);
    }

    /// <summary>A name that may stand in a directory, or one of the two that every listing has.</summary>
    private static byte[] MakeEntryName(SimRandom random)
    {
        var bytes = MakeBytes(random, 1, random.Chance(0.1) ? Name.LengthMax : 20);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = bytes[i] is 0 or (byte)'/' ? (byte)'.' : bytes[i];
        }

        return bytes;
    }

    private static Iatt MakeIatt(SimRandom random)
    {
        Span<byte> bytes = stackalloc byte[Iatt.WireSize];
        if (random.Chance(0.8))
        {
            random.Fill(bytes);
        }
        else
        {
            bytes.Clear();
        }

        return IattCodec.Read(bytes);
    }

    private static object MakeStatFs(SimRandom random)
    {
        object value = default(StatFs);
        foreach (var field in typeof(StatFs).GetFields(BindingFlags.Public | BindingFlags.Instance))
        {
            field.SetValue(value, Number(random));
        }

        return value;
    }

    private static Flock MakeFlock(SimRandom random) => new(
        (LockType)random.Below(4),
        (uint)random.Next(),
        (long)Number(random),
        (long)Number(random),
        (uint)random.Next(),
        new LkOwner(MakeBytes(random, 0, random.Chance(0.5) ? 8 : LkOwner.LengthMax)));

    private static LockItem[] MakeLocks(SimRandom random)
    {
        var items = new LockItem[random.Below(5)];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = new LockItem(MakeFlock(random), MakeName(random, lengthMin: 0), (uint)random.Next());
        }

        return items;
    }

    private static DirEntries MakeEntries(SimRandom random)
    {
        var entries = new DirEntries();
        var count = random.Chance(0.1) ? 200 : random.Below(6);
        for (var i = 0; i < count; i++)
        {
            ref var entry = ref entries.Add(MakeEntryName(random));
            entry.Ino = random.Next();
            entry.Offset = random.Next();
            entry.Type = (uint)random.Next();
        }

        return entries;
    }

    private static void AddPair(XData data, ReadOnlySpan<byte> key, SimRandom random)
    {
        if (Known is not null && random.Chance(0.3))
        {
            data.SetGfid("gfid-req"u8, MakeGfid(random));
            return;
        }

        switch (random.Below(6))
        {
            case 0:
                data.SetInt(key, (long)Number(random));
                break;
            case 1:
                data.SetUInt(key, Number(random));
                break;
            case 2:
                data.SetString(key, MakeName(random, lengthMin: 0).Span);
                break;
            case 3:
                data.SetGfid(key, MakeGfid(random));
                break;
            case 4:
                data.SetIatt(key, MakeIatt(random));
                break;
            default:
                data.SetBytes(key, MakeBytes(random, 0, random.Chance(0.05) ? 70_000 : 100));
                break;
        }
    }

    private static bool AreEqual(object? first, object? second) => (first, second) switch
    {
        (XData a, XData b) => a.Count == b.Count && a.Encoded.SequenceEqual(b.Encoded),
        (Payload a, Payload b) => a.Span.SequenceEqual(b.Span),
        (LockItem[] a, LockItem[] b) => a.SequenceEqual(b),
        (DirEntries a, DirEntries b) => AreEntriesEqual(a, b),
        (Fd, Fd) => true, // Compared through their numbers by who encodes again.
        _ => Equals(first, second),
    };

    private static bool AreEntriesEqual(DirEntries a, DirEntries b)
    {
        if (a.Count != b.Count)
        {
            return false;
        }

        for (var i = 0; i < a.Count; i++)
        {
            if (a[i].Ino != b[i].Ino || a[i].Offset != b[i].Offset || a[i].Type != b[i].Type
                || a.NameOf(i) != b.NameOf(i) || a[i].Iatt != b[i].Iatt || !AreEqual(a[i].XData, b[i].XData))
            {
                return false;
            }
        }

        return true;
    }
}
