using System;
using System.Buffers.Binary;
using Myrmex.Base;
using Myrmex.Unit.Tests.Kit;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Wire;

/// <summary>
/// The codecs of all fops: what goes in comes out, nothing is left over, the announced size suffices, and no cut or changed record
/// throws or loses memory.
/// </summary>
public sealed class CodecTests
{
    public static TheoryData<FopCode> Codes => FopSamples.Codes;

    [Theory]
    [MemberData(nameof(Codes))]
    public void FopsAndRepliesComeOutAsTheyWentIn(FopCode code) => FopSamples.Visit(code, new RoundTrip());

    [Theory]
    [MemberData(nameof(Codes))]
    public void NoCutOrChangedBodyThrowsOrKeepsMemory(FopCode code) => FopSamples.Visit(code, new Mutilation());

    [Fact]
    public void ADictionaryLongerThanItsRecordIsMalformed()
    {
        foreach (var size in new[] { int.MaxValue, int.MinValue, -1, 1 << 30, 13 })
        {
            var bytes = new byte[24];
            BinaryPrimitives.WriteInt32BigEndian(bytes, size);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), 1);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8), 1);
            AssertFails(bytes, (ref reader) => reader.ReadXData());
        }
    }

    [Theory]
    [InlineData(0xFFFFFFFFu)]
    [InlineData(0xFFFFFFFDu)]
    [InlineData(0x80000000u)]
    [InlineData(0x7FFFFFFFu)]
    [InlineData(9u)]
    public void AnOpaqueLongerThanItsRecordIsMalformed(uint length)
    {
        var bytes = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, length);
        AssertFails(bytes, (ref reader) => reader.ReadOpaque());
        AssertFails(bytes, (ref reader) => reader.ReadName());
        AssertFails([.. new byte[28], .. bytes], (ref reader) => reader.ReadFlock());
    }

    [Fact]
    public void AStringWithBytesBehindItsNulIsMalformed()
    {
        byte[] good = [0, 0, 0, 4, (byte)'a', (byte)'b', (byte)'c', 0];
        byte[] bad = [0, 0, 0, 4, (byte)'a', 0, (byte)'c', 0];
        var record = Payload.CopyOf(good);
        var reader = new XdrReader(record);
        Assert.Equal("abc", reader.ReadName().ToString());
        record.Release();
        AssertFails(bad, (ref reader) => reader.ReadName());
    }

    [Fact]
    public void AListWithoutEndIsMalformedAndNotKept()
    {
        var bytes = new byte[4 << 20];
        for (var i = 0; i < bytes.Length; i += 4)
        {
            bytes[i + 3] = 1; // Entries of one byte's name, or locks, without end.
        }

        AssertFails(bytes, (ref reader) => reader.ReadLocks());
        var entries = new DirEntries();
        AssertFails(bytes, (ref reader) => reader.ReadDirList(entries));
        entries.Clear();
    }

    [Fact]
    public void AnEntryWhoseNameCannotBeOneIsMalformed()
    {
        foreach (var name in new[] { "", "a/b", new string('x', 256) })
        {
            var source = new DirEntries();
            source.Add(System.Text.Encoding.ASCII.GetBytes(name));
            var bytes = new byte[XdrWriter.SizeOf(source, plus: false)];
            var writer = new XdrWriter(bytes);
            writer.WriteDirList(source);
            var entries = new DirEntries();
            AssertFails(writer.Written.ToArray(), (ref reader) => reader.ReadDirList(entries));
        }
    }

    [Theory]
    [InlineData("", Errno.EINVAL, Errno.Ok)]
    [InlineData(".", Errno.EINVAL, Errno.Ok)]
    [InlineData("..", Errno.EINVAL, Errno.Ok)]
    [InlineData("...", Errno.Ok, Errno.Ok)]
    [InlineData("a/b", Errno.EINVAL, Errno.EINVAL)]
    [InlineData("/", Errno.EINVAL, Errno.EINVAL)]
    [InlineData("name", Errno.Ok, Errno.Ok)]
    public void EntryNamesAreChecked(string name, Errno forChange, Errno forLookup)
    {
        Assert.Equal(forChange, EntryNames.Check(name));
        Assert.Equal(forLookup, EntryNames.CheckLookup(name));
        var fop = new RenameFop { OldName = "fine", NewName = name };
        Assert.Equal(forChange, RenameCodec.CheckNames(in fop));
    }

    [Fact]
    public void LongEntryNamesAreChecked()
    {
        Assert.Equal(Errno.Ok, EntryNames.Check(new string('x', 255)));
        Assert.Equal(Errno.ENAMETOOLONG, EntryNames.Check(new string('x', 256)));
        Assert.Equal(Errno.ENAMETOOLONG, EntryNames.CheckLookup(new string('x', 256)));
    }

    private delegate void Reading(ref XdrReader reader);

    private static void AssertFails(byte[] bytes, Reading read)
    {
        var record = Payload.CopyOf(bytes);
        var reader = new XdrReader(record);
        read(ref reader);
        Assert.True(reader.Failed);
        record.Release();
    }

    /// <summary>Numbers of open files as the test gives them out.</summary>
    private sealed class Files(Fd first, Fd second) : IFdSource
    {
        public Fd? Resolve(long number, in Gfid gfid, int index) => number == 11 ? first : number == 12 ? second : null;

        public Fd New(in Gfid gfid, uint flags, bool isDirectory) => first;
    }

    private sealed class RoundTrip : IFopVisitor
    {
        public void Visit<TFop, TReply, TCodec>()
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            var random = new Random((int)TFop.Code);
            for (var round = 0; round < 50; round++)
            {
                RoundTripFop<TFop, TReply, TCodec>(random);
                RoundTripReply<TFop, TReply, TCodec>(random);
            }
        }

        private static void RoundTripFop<TFop, TReply, TCodec>(Random random)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            var first = new Fd(new Gfid(1, 1), 0, isDirectory: false, slotCount: 0);
            var second = new Fd(new Gfid(2, 2), 0, isDirectory: false, slotCount: 0);
            var fop = FopSamples.NewFop<TFop>(random, first, second);
            var record = Encode<TFop, TReply, TCodec>(in fop);
            var reader = new XdrReader(record);
            Assert.True(TCodec.TryDecodeRequest(ref reader, new Files(first, second), out var back));
            Assert.Equal(TCodec.RequestPayload(in fop).Length, reader.Remaining);
            FopSamples.AssertSameFop(fop, back, Assert.Same);
            TCodec.ReleaseRequest(in back);
            record.Release();
            FopSamples.ReleaseFop(fop);
        }

        private static void RoundTripReply<TFop, TReply, TCodec>(Random random)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            var reply = TReply.Rent();
            FopSamples.FillReply(random, reply);
            var record = EncodeReply<TFop, TReply, TCodec>(reply);
            var reader = new XdrReader(record);
            var back = TReply.Rent();
            Assert.True(TCodec.TryDecodeReply(ref reader, back));
            Assert.Equal(TCodec.ReplyPayload(reply).Length, reader.Remaining);
            FopSamples.AssertSameReply(reply, back);
            back.Release();
            reply.Release();
            Assert.Equal(1, record.Buffer!.References);
            record.Release();
        }
    }

    private sealed class Mutilation : IFopVisitor
    {
        public void Visit<TFop, TReply, TCodec>()
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            var random = new Random((int)TFop.Code);
            var fd = new Fd(new Gfid(1, 1), 0, isDirectory: false, slotCount: 0);
            var fop = FopSamples.NewFop<TFop>(random, fd, fd);
            var request = Encode<TFop, TReply, TCodec>(in fop);
            var reply = TReply.Rent();
            FopSamples.FillReply(random, reply);
            var answer = EncodeReply<TFop, TReply, TCodec>(reply);
            for (var round = 0; round < 400; round++)
            {
                var bytes = (round % 2 == 0 ? request : answer).Span.ToArray();
                Mutilate(random, ref bytes);
                var record = Payload.CopyOf(bytes);
                var reader = new XdrReader(record);
                if (round % 2 == 0)
                {
                    TCodec.TryDecodeRequest(ref reader, new Files(fd, fd), out var back);
                    TCodec.ReleaseRequest(in back);
                }
                else
                {
                    var back = TReply.Rent();
                    TCodec.TryDecodeReply(ref reader, back);
                    back.Release();
                }

                Assert.Equal(1, record.Buffer!.References);
                record.Release();
            }

            request.Release();
            answer.Release();
            reply.Release();
            FopSamples.ReleaseFop(fop);
        }

        private static void Mutilate(Random random, ref byte[] bytes)
        {
            switch (random.Next(3))
            {
                case 0:
                    bytes = bytes[..random.Next(bytes.Length)];
                    break;
                case 1:
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                default:
                    var word = random.Next(bytes.Length / 4) * 4;
                    uint[] values = [0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0, 1, 65536, 0xFFFFFFFC];
                    BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(word), values[random.Next(values.Length)]);
                    break;
            }
        }
    }

    private static Payload Encode<TFop, TReply, TCodec>(in TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var writer = new XdrWriter(new byte[TCodec.RequestSizeMax(in fop)]);
        TCodec.EncodeRequest(ref writer, in fop, 11, 12);
        return Payload.CopyOf([.. writer.Written, .. TCodec.RequestPayload(in fop).Span]);
    }

    private static Payload EncodeReply<TFop, TReply, TCodec>(TReply reply)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var writer = new XdrWriter(new byte[TCodec.ReplySizeMax(reply)]);
        TCodec.EncodeReply(ref writer, reply);
        return Payload.CopyOf([.. writer.Written, .. TCodec.ReplyPayload(reply).Span]);
    }
}
