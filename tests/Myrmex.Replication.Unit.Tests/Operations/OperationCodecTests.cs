using System;
using System.Linq;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>Goal: what is written is read again, field by field, and damage is an answer and never a crash.</summary>
public sealed class OperationCodecTests
{
    [Fact]
    public void EveryMutatingFopComesBackAsItWas()
    {
        var random = new Random(4711);
        var fops = OperationSamples.MutatingFops.ToList();
        Assert.True(fops.Count >= 25, string.Join(' ', fops));
        foreach (var fop in fops)
        {
            for (var i = 0; i < 50; i++)
            {
                var operation = OperationSamples.Of(fop, random);
                var bytes = OperationCodec.Encode(operation);
                Assert.True(OperationCodec.TryDecode(bytes, out var read));
                AssertEqual(operation, read);
                Assert.Equal(bytes, OperationCodec.Encode(read));
            }
        }
    }

    [Fact]
    public void AWriteWithItsOutcomeIsSmall()
    {
        var iatt = new Iatt { Gfid = new Gfid(1, 2), Ino = 2, Flags = IattFlags.Brick, Mode = 0x81A4, Size = 4096, Nlink = 1 };
        var operation = new JournalOperation
        {
            Fop = FopCode.Write,
            Gfid = new Gfid(1, 2),
            Offset = 8192,
            Length = 4096,
            Size = 12288,
            Touches = TimeFlags.Mtime | TimeFlags.Ctime,
            StampSeconds = 1_700_000_000,
            StampNanoseconds = 5,
            Outcome = new RecordedOutcome { OpRet = 4096, Iatts = [iatt, iatt] },
        };
        Assert.InRange(OperationCodec.Encode(operation).Length, 60, 200);
    }

    [Fact]
    public void TruncatedAndExtendedBytesAreRefused()
    {
        var random = new Random(7);
        foreach (var fop in OperationSamples.MutatingFops)
        {
            var bytes = OperationCodec.Encode(OperationSamples.Of(fop, random));
            for (var length = 0; length < bytes.Length; length += Math.Max(1, bytes.Length / 200))
            {
                Assert.False(OperationCodec.TryDecode(bytes.AsSpan(0, length), out _));
            }

            Assert.False(OperationCodec.TryDecode([.. bytes, 0], out _));
        }
    }

    [Fact]
    public void DamagedBytesNeverThrowAndAllocateNoMoreThanTheyAreLong()
    {
        var random = new Random(99);
        var fops = OperationSamples.MutatingFops.ToArray();
        var refused = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = OperationCodec.Encode(OperationSamples.Of(fops[i % fops.Length], random));
            bytes = bytes.Length > 2048 ? bytes[..2048] : bytes;
            for (var flips = random.Next(1, 4); flips > 0; flips--)
            {
                bytes[random.Next(Math.Min(bytes.Length, 400))] = (byte)random.Next(256);
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            refused += OperationCodec.TryDecode(bytes, out _) ? 0 : 1;
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16_384 + (bytes.Length * 40));
        }

        Assert.True(refused > 1000, $"only {refused} of the damaged operations were refused");
    }

    [Fact]
    public void ANoteIsKeptAndOperationsWithoutOneAreAsBefore()
    {
        var operation = new JournalOperation { Fop = FopCode.Mknod, Gfid = new Gfid(1, 2) };
        Assert.Equal(OperationCodec.Version, OperationCodec.Encode(operation)[0]);
        operation.Note = [1, 2, 3];
        var bytes = OperationCodec.Encode(operation);
        Assert.Equal(OperationCodec.VersionWithNote, bytes[0]);
        Assert.True(OperationCodec.TryDecode(bytes, out var decoded));
        Assert.Equal([1, 2, 3], decoded.Note);
        Assert.False(OperationCodec.TryDecode(bytes.AsSpan(0, bytes.Length - 1), out _));
    }

    [Fact]
    public void OtherVersionsAndUnknownFieldsAreRefused()
    {
        var bytes = OperationCodec.Encode(new JournalOperation { Fop = FopCode.Mkdir });
        Assert.True(OperationCodec.TryDecode(bytes, out _));
        Assert.False(OperationCodec.TryDecode([2, .. bytes[1..]], out _));
        Assert.False(OperationCodec.TryDecode([1, (byte)FopCode.Mkdir, 0x80, 0x80, 0x80, 0x02], out _));
        Assert.False(OperationCodec.TryDecode([1, (byte)FopCode.Stat, 0], out _));
        Assert.False(OperationCodec.TryDecode([], out _));
    }

    private static void AssertEqual(JournalOperation a, JournalOperation b)
    {
        Assert.Equal((a.Fop, a.Gfid, a.Parent, a.Name, a.NewParent, a.NewName), (b.Fop, b.Gfid, b.Parent, b.Name, b.NewParent, b.NewName));
        Assert.Equal((a.Displaced, a.Mode, a.Uid, a.GroupId, a.Device, a.Target), (b.Displaced, b.Mode, b.Uid, b.GroupId, b.Device, b.Target));
        Assert.Equal((a.Valid, a.Flags, a.Offset, a.Length, a.Size), (b.Valid, b.Flags, b.Offset, b.Length, b.Size));
        Assert.Equal((a.Touches, a.StampSeconds, a.StampNanoseconds), (b.Touches, b.StampSeconds, b.StampNanoseconds));
        Assert.Equal((a.Times, a.ParentTimes, a.NewParentTimes), (b.Times, b.ParentTimes, b.NewParentTimes));
        Assert.Equal(a.Ancestors, b.Ancestors);
        AssertEqual(a.Xattrs, b.Xattrs);
        Assert.Equal((a.Outcome.Error, a.Outcome.OpRet), (b.Outcome.Error, b.Outcome.OpRet));
        Assert.Equal(a.Outcome.Iatts, b.Outcome.Iatts);
        AssertEqual(a.Outcome.Values, b.Outcome.Values);
    }

    private static void AssertEqual(
        System.Collections.Generic.IReadOnlyList<XattrValue> a, System.Collections.Generic.IReadOnlyList<XattrValue> b)
    {
        Assert.Equal(a.Select(x => x.Name), b.Select(x => x.Name));
        foreach (var (left, right) in a.Zip(b))
        {
            Assert.Equal(left.Value, right.Value); // As arrays: values within a list are compared byte by byte.
        }
    }
}
