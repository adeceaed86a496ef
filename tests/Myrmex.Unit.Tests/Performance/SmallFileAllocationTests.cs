using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Performance;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>The frequent fops through open-behind and quick-read leave no garbage, whether answers come at once or later.</summary>
[Collection("allocation")]
public sealed class SmallFileAllocationTests
{
    private const int Rounds = 2000;
    private static readonly Gfid File = new(5, 6);

    private readonly ManualTime _time = new();
    private readonly Call _call = Call.Rent();
    private readonly Answering _bottom;
    private readonly QuickRead _quickRead;
    private readonly OpenBehind _openBehind;
    private readonly Name _name = "a";

    public SmallFileAllocationTests()
    {
        _bottom = new Answering(TestPlace.For(_time), _time);
        _openBehind = (OpenBehind)OpenBehind.Registration.Create(
            TestPlace.For(_time, OpenBehind.Registration, _bottom, slot: 1, options: ("read-after-open", "no")));
        _quickRead = (QuickRead)QuickRead.Registration.Create(
            TestPlace.For(_time, QuickRead.Registration, _openBehind, slot: 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALookupThatBringsContent(bool later) => Check(later, () =>
    {
        // The times are new, so after a while the content is fetched again; the open says that this is of use.
        _time.Advance(2000);
        Finish(_quickRead.Lookup(new LookupFop { Parent = Gfid.Root, Name = _name }, _call));
        Finish(_quickRead.Open(new OpenFop { Gfid = File, Flags = OpenFlags.ReadWrite, Fd = _bottom.OpenFd }, _call));
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALookupThatProvesContent(bool later) =>
        Check(later, () => Finish(_quickRead.Lookup(new LookupFop { Parent = Gfid.Root, Name = _name }, _call)));

    [Fact]
    public void AReadFromMemory()
    {
        Finish(_quickRead.Lookup(new LookupFop { Parent = Gfid.Root, Name = _name }, _call));
        Check(later: false, () =>
            Finish(_quickRead.Read(new ReadFop { Gfid = File, Fd = _bottom.OpenFd, Size = 4096 }, _call)));
        Assert.Equal(0, _bottom.Reads);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AReadThatGoesOn(bool later) => Check(later, () =>
        Finish(_quickRead.Read(new ReadFop { Gfid = File, Fd = _bottom.OpenFd, Size = 4096 }, _call)));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AReadWithoutFd(bool later)
    {
        var fd = new Fd(File, OpenFlags.ReadOnly, false, 3);
        Finish(_openBehind.Open(new OpenFop { Gfid = File, Fd = fd }, _call));
        Check(later, () => Finish(_openBehind.Read(new ReadFop { Gfid = File, Fd = fd, Size = 4096 }, _call)));
        Assert.Equal(0, _bottom.Opens);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AWrite(bool later) =>
        Check(later, () => Finish(_quickRead.Write(new WriteFop { Gfid = File, Fd = _bottom.OpenFd }, _call)));

    private void Check(bool later, Action round)
    {
        _bottom.Later = later;
        for (var i = 0; i < Rounds; i++)
        {
            round();
        }

        var allocated = long.MaxValue;
        for (var attempt = 0; attempt < 4 && allocated > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Rounds; i++)
            {
                round();
            }

            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, allocated);
    }

    private void Finish<TReply>(ValueTask<TReply> task)
        where TReply : Reply
    {
        _bottom.CompleteHeld();
        task.Result.Release();
    }

    /// <summary>A subvolume that answers at once or when told.</summary>
    private sealed class Answering(TranslatorPlace place, ManualTime time) : LeafTranslator(place)
    {
        private readonly byte[] _content = new byte[60_000];
        private PendingReply<LookupReply>? _lookup;
        private PendingReply<ReadReply>? _read;
        private PendingReply<WriteReply>? _write;
        private LookupReply? _answer;

        public Fd OpenFd { get; } = new(File, OpenFlags.ReadWrite, false, 3);

        public bool Later { get; set; }

        public int Reads { get; private set; }

        public int Opens { get; private set; }

        public void CompleteHeld()
        {
            var (lookup, read, write, answer) = (_lookup, _read, _write, _answer);
            (_lookup, _read, _write, _answer) = (null, null, null, null);
            lookup?.Complete(answer!); // Made with it.
            read?.Complete(MakeRead());
            write?.Complete(WriteReply.Rent());
        }

        public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call)
        {
            var reply = LookupReply.Rent();
            reply.Iatt = new Iatt
            {
                Gfid = File,
                Mode = FileMode.Regular | 0x1A4,
                Size = (ulong)_content.Length,
                Mtime = time.WallNs / 1_000_000_000,
            };
            if (fop.XData is { } request && request.Contains("glusterfs.content"u8))
            {
                reply.NeedXData().SetBytes("glusterfs.content"u8, _content);
            }

            if (!Later)
            {
                return new ValueTask<LookupReply>(reply);
            }

            _answer = reply;
            return (_lookup = PendingReply<LookupReply>.Rent()).Task;
        }

        public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
        {
            Reads++;
            return Later ? (_read = PendingReply<ReadReply>.Rent()).Task : new ValueTask<ReadReply>(MakeRead());
        }

        public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) => Later
            ? (_write = PendingReply<WriteReply>.Rent()).Task
            : new ValueTask<WriteReply>(WriteReply.Rent());

        public override ValueTask<OpenReply> Open(in OpenFop fop, Call call)
        {
            Opens++;
            return new ValueTask<OpenReply>(OpenReply.Rent());
        }

        private static ReadReply MakeRead()
        {
            var reply = ReadReply.Rent();
            reply.Data = new Payload(PayloadPool.Shared.Rent(4096), 0, 4096);
            reply.OpRet = 4096;
            return reply;
        }
    }
}
