using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.JournalClient;
using Myrmex.Cluster.Sending;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>Tests that count bytes run alone: pools are shared by the process.</summary>
[CollectionDefinition("allocation", DisableParallelization = true)]
public sealed class AllocationCollection;

/// <summary>While a leader is known and answers, the frequent fops leave no garbage.</summary>
[Collection("allocation")]
public sealed class AllocationTests
{
    private const int Rounds = 2000;

    private readonly ManualTime _time = new();
    private readonly Answering _member;
    private readonly JournalClient _client;
    private readonly Call _call = new();
    private readonly Fd _fd = new(new Gfid(5, 6), OpenFlags.ReadWrite, isDirectory: false, slotCount: 2);
    private readonly Payload _data = Payload.CopyOf(new byte[4096]);
    private readonly XData _xdata = XData.Rent();

    public AllocationTests()
    {
        _member = new Answering(TestPlace.For(_time));
        _client = new JournalClient(TestPlace.For(_time, JournalClient.Registration, _member, slot: 1));
        _xdata.SetInt("some-key"u8, 1);
        _client.Start();
        _member.Up();
        _time.Advance(10);
        Run<OpenFop, OpenReply>(new OpenFop { Gfid = _fd.Gfid, Fd = _fd });
        Assert.IsType<OpenFd>(_fd.Get(1));
    }

    public static TheoryData<string, bool> Cases => new()
    {
        { "lookup", false }, { "lookup", true }, { "stat", false }, { "stat", true },
        { "read", false }, { "read", true }, { "write", false }, { "write", true },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void AFrequentFopLeavesNoGarbage(string fop, bool later)
    {
        _member.Later = later;
        Action one = fop switch
        {
            "lookup" => () => Run<LookupFop, LookupReply>(new LookupFop { Parent = _fd.Gfid, XData = _xdata }),
            "stat" => () => Run<StatFop, StatReply>(new StatFop { Gfid = _fd.Gfid }),
            "read" => () => Run<ReadFop, ReadReply>(new ReadFop { Fd = _fd, Size = 4096 }),
            _ => () => Run<WriteFop, WriteReply>(new WriteFop { Fd = _fd, Data = _data, XData = _xdata }),
        };
        Repeat(one);
        var allocated = long.MaxValue;
        for (var attempt = 0; attempt < 4 && allocated > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Repeat(one);
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, allocated);
        Assert.Equal(fop == "write", _member.HasSeenSession);
    }

    private static void Repeat(Action one)
    {
        for (var i = 0; i < Rounds; i++)
        {
            one();
        }
    }

    private void Run<TFop, TReply>(in TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var task = TFop.Invoke(_client, in fop, _call);
        for (var i = 0; i < 10 && !task.IsCompleted; i++)
        {
            _time.RunPosted();
            _member.CompleteHeld();
        }

        var reply = task.Result;
        Invariant.Check(reply.IsOk); // Assert.Equal would leave garbage of its own.
        reply.Release();
    }

    /// <summary>Leads, and answers at once or when told.</summary>
    private sealed class Answering(TranslatorPlace place) : LeafTranslator(place)
    {
        private PendingReply<LookupReply>? _lookup;
        private PendingReply<StatReply>? _stat;
        private PendingReply<ReadReply>? _read;
        private PendingReply<WriteReply>? _write;

        public bool Later { get; set; }

        public bool HasSeenSession { get; private set; }

        public void Up() => NotifyParents(new GraphEvent(GraphEventKind.ChildUp));

        public void CompleteHeld()
        {
            var (lookup, stat, read, write) = (_lookup, _stat, _read, _write);
            (_lookup, _stat, _read, _write) = (null, null, null, null);
            lookup?.Complete(LookupReply.Rent());
            stat?.Complete(StatReply.Rent());
            read?.Complete(ReadReply.Rent());
            write?.Complete(WriteReply.Rent());
        }

        public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call) =>
            Later ? (_lookup = PendingReply<LookupReply>.Rent()).Task : new ValueTask<LookupReply>(LookupReply.Rent());

        public override ValueTask<StatReply> Stat(in StatFop fop, Call call) =>
            Later ? (_stat = PendingReply<StatReply>.Rent()).Task : new ValueTask<StatReply>(StatReply.Rent());

        public override ValueTask<ReadReply> Read(in ReadFop fop, Call call) =>
            Later ? (_read = PendingReply<ReadReply>.Rent()).Task : new ValueTask<ReadReply>(ReadReply.Rent());

        public override ValueTask<WriteReply> Write(in WriteFop fop, Call call)
        {
            var xdata = fop.XData!;
            HasSeenSession = xdata.Contains(ChangeRecord.Key) && xdata.Contains("some-key"u8);
            return Later
                ? (_write = PendingReply<WriteReply>.Rent()).Task
                : new ValueTask<WriteReply>(WriteReply.Rent());
        }

        public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) => new(OpenReply.Rent());

        public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) => new(IpcReply.Rent());
    }
}
