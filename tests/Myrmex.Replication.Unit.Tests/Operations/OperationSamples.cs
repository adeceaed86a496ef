using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Cluster.Journal;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>Operations of every mutating fop with random fields.</summary>
internal static class OperationSamples
{
    public static IEnumerable<FopCode> MutatingFops => Enumerable.Range(0, 64).Select(n => (FopCode)n)
        .Where(code => code.Has(FopTraits.Mutates));

    public static JournalOperation Of(FopCode fop, Random random)
    {
        bool Maybe() => random.Next(2) == 0;
        return new JournalOperation
        {
            Fop = fop,
            Gfid = Maybe() ? NewGfid(random) : default,
            Parent = Maybe() ? NewGfid(random) : default,
            Name = Maybe() ? NewName(random, 255) : default,
            NewParent = Maybe() ? NewGfid(random) : default,
            NewName = Maybe() ? NewName(random, 255) : default,
            Displaced = Maybe() ? NewGfid(random) : default,
            Ancestors = [.. Enumerable.Range(0, random.Next(4)).Select(_ => NewGfid(random))],
            Mode = Maybe() ? (uint)random.Next() : 0,
            Uid = Maybe() ? (uint)random.NextInt64(uint.MaxValue) : 0,
            GroupId = Maybe() ? uint.MaxValue : 0,
            Device = Maybe() ? (ulong)random.NextInt64() : 0,
            Target = Maybe() ? NewName(random, 4095) : default,
            Valid = Maybe() ? SetattrValid.Mode | SetattrValid.Mtime : SetattrValid.None,
            Flags = Maybe() ? (uint)random.Next() : 0,
            Offset = Maybe() ? random.NextInt64(long.MaxValue / 2) : 0,
            Length = Maybe() ? random.NextInt64(long.MaxValue / 2) : 0,
            Size = Maybe() ? random.NextInt64() : JournalOperation.SameSize,
            Touches = Maybe() ? TimeFlags.Ctime | TimeFlags.ParentMtime : TimeFlags.None,
            StampSeconds = Maybe() ? random.NextInt64(-10, long.MaxValue) : 0,
            StampNanoseconds = Maybe() ? 999_999_999u : 0,
            Times = Maybe() ? NewTimes(random) : null,
            ParentTimes = Maybe() ? NewTimes(random) : null,
            NewParentTimes = Maybe() ? NewTimes(random) : null,
            Xattrs = NewXattrs(random),
            Outcome = new RecordedOutcome
            {
                Error = Maybe() ? Errno.EEXIST : Errno.Ok,
                OpRet = Maybe() ? random.Next(-1, int.MaxValue) : 0,
                Iatts = [.. Enumerable.Range(0, random.Next(RecordedOutcome.IattsMax + 1)).Select(_ => NewIatt(random))],
                Values = NewXattrs(random),
            },
        };
    }

    private static Gfid NewGfid(Random random) => new((ulong)random.NextInt64(), (ulong)random.NextInt64(1, long.MaxValue));

    private static Name NewName(Random random, int max)
    {
        var bytes = new byte[random.Next(1, max + 1)];
        random.NextBytes(bytes);
        return new Name(bytes);
    }

    private static InodeTimes NewTimes(Random random) => new(
        random.NextInt64(), (uint)random.Next(1_000_000_000), -random.NextInt64(), 0, random.NextInt64(), 1);

    private static List<XattrValue> NewXattrs(Random random)
    {
        var xattrs = new List<XattrValue>();
        for (var i = random.Next(3); i > 0; i--)
        {
            var value = new byte[random.Next(3) == 0 ? 65536 : random.Next(20)];
            Fill(value, random);
            xattrs.Add(new XattrValue(NewName(random, 255), random.Next(4) == 0 ? null : value));
        }

        return xattrs;
    }

    /// <summary>A seeded Random takes half a millisecond for 64 KiB.</summary>
    private static void Fill(Span<byte> bytes, Random random)
    {
        for (var state = random.NextInt64(); bytes.Length >= sizeof(long); bytes = bytes[sizeof(long)..])
        {
            state = (state * 6364136223846793005) + 1442695040888963407;
            BinaryPrimitives.WriteInt64LittleEndian(bytes, state ^ (state >>> 33));
        }

        random.NextBytes(bytes);
    }

    private static Iatt NewIatt(Random random)
    {
        var iatt = new Iatt
        {
            Gfid = NewGfid(random),
            Flags = IattFlags.Brick,
            Dev = (ulong)random.NextInt64(),
            Rdev = (ulong)random.NextInt64(),
            Size = ulong.MaxValue,
            Blocks = (ulong)random.NextInt64(),
            Attributes = 3,
            AttributesMask = 4,
            Btime = -random.NextInt64(),
            BtimeNsec = 5,
            Nlink = (uint)random.Next(),
            Uid = uint.MaxValue,
            Gid = (uint)random.Next(),
            BlockSize = 4096,
            Mode = (uint)random.Next(),
        };
        NewTimes(random).CopyTo(ref iatt);
        iatt.Ino = random.Next(2) == 0 ? iatt.Gfid.Ino : 77;
        return iatt;
    }
}
