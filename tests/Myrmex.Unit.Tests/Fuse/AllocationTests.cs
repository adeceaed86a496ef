using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse;
using Myrmex.Fuse.Protocol;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Fuse;

/// <summary>Tests that count bytes run alone: pools are shared by the process.</summary>
[CollectionDefinition("allocation", DisableParallelization = true)]
public sealed class AllocationCollection;

/// <summary>The frequent requests leave no garbage, whether the graph answers at once or later.</summary>
[Collection("allocation")]
public sealed class AllocationTests : IDisposable
{
    private const int Rounds = 2000;

    private readonly ManualTime _time = new();
    private readonly Answering _top;
    private readonly TestKernel _kernel;
    private readonly ulong _node;
    private readonly ulong _handle;

    public AllocationTests()
    {
        _top = new Answering(TestPlace.For(_time));

        // No attribute is answered from the table: every GETATTR is a fop.
        _kernel = new TestKernel(new TestGraphs(_top), new FuseOptions { AttributeTimeoutNs = 0 }, _time);
        _node = _kernel.Lookup(InodeTable.RootNode, "a").Node;
        var (_, body) = _kernel.Call(FuseOpcode.Open, _node, TestKernel.Bytes(new FuseOpenIn { Flags = 2 }));
        _handle = System.Runtime.InteropServices.MemoryMarshal.Read<FuseOpenOut>(body).Handle;
    }

    public void Dispose()
    {
        _top.Later = false;
        _kernel.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LookupLeavesNoGarbage(bool later) =>
        Check(later, Message(FuseOpcode.Lookup, InodeTable.RootNode, TestKernel.Text("a")));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GetattrLeavesNoGarbage(bool later) =>
        Check(later, Message(FuseOpcode.Getattr, _node, TestKernel.Bytes(default(FuseGetattrIn))));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadLeavesNoGarbage(bool later) =>
        Check(later, Message(FuseOpcode.Read, _node, TestKernel.Bytes(new FuseReadIn { Handle = _handle, Size = 4096 })));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WriteLeavesNoGarbage(bool later) =>
        Check(later, Message(
            FuseOpcode.Write, _node, TestKernel.Bytes(new FuseWriteIn { Handle = _handle, Size = 4096 }), new byte[4096]));

    private static byte[] Message(FuseOpcode opcode, ulong node, params byte[][] parts)
    {
        var length = FuseInHeader.Size;
        foreach (var part in parts)
        {
            length += part.Length;
        }

        var message = new byte[length];
        var header = new FuseInHeader { Length = (uint)length, Opcode = opcode, Unique = 1000, Node = node, Pid = 5 };
        System.Runtime.InteropServices.MemoryMarshal.Write(message, in header);
        var at = FuseInHeader.Size;
        foreach (var part in parts)
        {
            part.CopyTo(message, at);
            at += part.Length;
        }

        return message;
    }

    private void Check(bool later, byte[] message)
    {
        _kernel.IsQuiet = true;
        _top.Later = later;
        for (var i = 0; i < Rounds; i++)
        {
            One(message);
        }

        // A collection in the middle counts the rest of the thread's allocation context as used: the least of some rounds is
        // what the path really costs.
        var allocated = long.MaxValue;
        for (var attempt = 0; attempt < 4 && allocated > 0; attempt++)
        {
            var replies = _kernel.ReplyCount;
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Rounds; i++)
            {
                One(message);
            }

            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(Rounds, _kernel.ReplyCount - replies);
        }

        Assert.Equal(0, _kernel.LastError);
        Assert.Equal(0, allocated);
    }

    private void One(byte[] message)
    {
        _kernel.Deliver(message);
        _top.CompleteHeld();
    }

    /// <summary>A graph that answers everything, at once or when told.</summary>
    private sealed class Answering(TranslatorPlace place) : LeafTranslator(place)
    {
        private static readonly Iatt File = new()
        {
            Gfid = new Gfid(5, 6),
            Mode = FileMode.Regular | 0x1A4,
            Nlink = 1,
            Size = 4096,
        };

        private PendingReply<LookupReply>? _lookup;
        private PendingReply<StatReply>? _stat;
        private PendingReply<ReadReply>? _read;
        private PendingReply<WriteReply>? _write;

        public bool Later { get; set; }

        public void CompleteHeld()
        {
            var (lookup, stat, read, write) = (_lookup, _stat, _read, _write);
            (_lookup, _stat, _read, _write) = (null, null, null, null);
            lookup?.Complete(MakeLookup());
            stat?.Complete(MakeStat());
            read?.Complete(MakeRead());
            write?.Complete(MakeWrite());
        }

        public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call) => Later
            ? (_lookup = PendingReply<LookupReply>.Rent()).Task
            : new ValueTask<LookupReply>(MakeLookup());

        public override ValueTask<StatReply> Stat(in StatFop fop, Call call) => Later
            ? (_stat = PendingReply<StatReply>.Rent()).Task
            : new ValueTask<StatReply>(MakeStat());

        public override ValueTask<ReadReply> Read(in ReadFop fop, Call call) => Later
            ? (_read = PendingReply<ReadReply>.Rent()).Task
            : new ValueTask<ReadReply>(MakeRead());

        public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) => Later
            ? (_write = PendingReply<WriteReply>.Rent()).Task
            : new ValueTask<WriteReply>(MakeWrite());

        public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) => new(OpenReply.Rent());

        public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call) => new(ReleaseReply.Rent());

        private static LookupReply MakeLookup()
        {
            var reply = LookupReply.Rent();
            reply.Iatt = File;
            return reply;
        }

        private static StatReply MakeStat()
        {
            var reply = StatReply.Rent();
            reply.Iatt = File;
            return reply;
        }

        private static ReadReply MakeRead()
        {
            var reply = ReadReply.Rent();
            reply.Data = new Payload(PayloadPool.Shared.Rent(4096), 0, 4096);
            reply.OpRet = 4096;
            return reply;
        }

        private static WriteReply MakeWrite()
        {
            var reply = WriteReply.Rent();
            reply.Post = File;
            reply.OpRet = 4096;
            return reply;
        }
    }
}
