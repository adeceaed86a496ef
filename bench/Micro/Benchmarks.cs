using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Dht;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Storage;
using Myrmex.Wire;

namespace Myrmex.Bench;

/// <summary>What is measured: codecs, tables, and whole stacks over the memory brick.</summary>
internal static class Benchmarks
{
    private static readonly Gfid File = new(0x1234, 0x5678);

    public static IEnumerable<Benchmark> All()
    {
        yield return LookupRequest();
        yield return LookupReplyWithDictionary();
        yield return new Benchmark("xdata.find", FindKey);
        yield return new Benchmark("gfidmap.get", GetFromMap());
        yield return new Benchmark("payload.rent", RentPayload);
        yield return new Benchmark("pooled-task.suspend", n => Spin(n, Suspend));
        foreach (var benchmark in Stacks())
        {
            yield return benchmark;
        }
    }

    private static void Spin(int count, Action body)
    {
        for (var i = 0; i < count; i++)
        {
            body();
        }
    }

    private static Benchmark LookupRequest()
    {
        var buffer = new byte[1024];
        var fop = new LookupFop { Parent = Gfid.Root, Name = "readme.md" };
        var record = PayloadPool.Shared.Rent(1024);
        return new Benchmark("codec.lookup-request", count =>
        {
            for (var i = 0; i < count; i++)
            {
                var writer = new XdrWriter(buffer);
                LookupCodec.EncodeRequest(ref writer, in fop, -1, -1);
                writer.Written.CopyTo(record.GetSpan());
                var reader = new XdrReader(new Payload(record, 0, writer.Position));
                Invariant.Check(LookupCodec.TryDecodeRequest(ref reader, NoFds.Instance, out _));
            }
        });
    }

    private static Benchmark LookupReplyWithDictionary()
    {
        var buffer = new byte[4096];
        var record = PayloadPool.Shared.Rent(4096);
        var sent = LookupReply.Rent();
        sent.NeedXData().SetBytes("trusted.glusterfs.dht"u8, new byte[16]);
        sent.XData!.SetUInt("glusterfs.open-fd-count"u8, 3);
        return new Benchmark("codec.lookup-reply", count =>
        {
            for (var i = 0; i < count; i++)
            {
                var writer = new XdrWriter(buffer);
                LookupCodec.EncodeReply(ref writer, sent);
                writer.Written.CopyTo(record.GetSpan());
                var reader = new XdrReader(new Payload(record, 0, writer.Position));
                var received = LookupReply.Rent();
                Invariant.Check(LookupCodec.TryDecodeReply(ref reader, received));
                received.Release();
            }
        });
    }

    private static void FindKey(int count)
    {
        var data = XData.Rent();
        for (var i = 0; i < 5; i++)
        {
            data.SetInt(System.Text.Encoding.ASCII.GetBytes($"trusted.some.key-{i}"), i);
        }

        for (var i = 0; i < count; i++)
        {
            Invariant.Check(data.TryGetInt("trusted.some.key-4"u8, out _));
        }

        data.Release();
    }

    private static Action<int> GetFromMap()
    {
        var map = new GfidMap<int>(100_000);
        for (var i = 0; i < 100_000; i++)
        {
            map.Set(new Gfid(7, (ulong)i), i);
        }

        return count =>
        {
            for (var i = 0; i < count; i++)
            {
                map.TryGet(new Gfid(7, (ulong)(i % 1000)), out _);
            }
        };
    }

    private static void RentPayload(int count)
    {
        for (var i = 0; i < count; i++)
        {
            PayloadPool.Shared.Rent(100_000).Release();
        }
    }

    private static void Suspend()
    {
        var pending = PendingReply<StatReply>.Rent();
        var task = AwaitOnce(pending.Task);
        pending.Complete(StatReply.Rent());
        Take(task).Release();
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<StatReply> AwaitOnce(ValueTask<StatReply> task) => await task;

    private static TReply Take<TReply>(ValueTask<TReply> task)
        where TReply : Reply
    {
        Invariant.Check(task.IsCompletedSuccessfully);
#pragma warning disable VSTHRD002 // Complete.
        return task.Result;
#pragma warning restore VSTHRD002
    }

    private static IEnumerable<Benchmark> Stacks()
    {
        var world = new Stack(1);
        yield return new Benchmark("stack.lookup", n => Spin(n, world.Lookup));
        yield return new Benchmark("stack.stat", n => Spin(n, world.Stat));
        yield return new Benchmark("stack.write-4k", n => Spin(n, world.Write));
        yield return new Benchmark("stack.read-4k", n => Spin(n, world.Read));
        var three = new Stack(3);
        yield return new Benchmark("dht3.lookup", n => Spin(n, three.Lookup));
        yield return new Benchmark("dht3.stat", n => Spin(n, three.Stat));
        yield return new Benchmark("dht3.write-4k", n => Spin(n, three.Write));
        yield return new Benchmark("dht3.read-4k", n => Spin(n, three.Read));
    }

    private sealed class NoFds : IFdSource
    {
        public static readonly NoFds Instance = new();

        public Fd? Resolve(long number, in Gfid gfid, int index) => null;

        public Fd New(in Gfid gfid, uint flags, bool isDirectory) => new(gfid, flags, isDirectory, 0);
    }

    /// <summary>distribute over io-stats over memory bricks, all in this thread.</summary>
    private sealed class Stack
    {
        private readonly Translator _top;
        private readonly Call _call = Call.Internal();
        private readonly Fd _fd;
        private readonly Payload _data = Payload.CopyOf(new byte[4096]);

        public Stack(int bricks)
        {
            var seams = new Seams(LinuxClock.Shared, LinuxRandom.Shared, null!, null!, null!);
            var document = new VolfileDocument();
            for (var i = 0; i < bricks; i++)
            {
                document.Add($"brick-{i}", "storage/memory");
                document.Add($"stats-{i}", "debug/io-stats").Over($"brick-{i}");
            }

            var dht = document.Add("dht", "cluster/distribute");
            for (var i = 0; i < bricks; i++)
            {
                dht.Over($"stats-{i}");
            }

            var graph = TranslatorGraph.Build(
                document, [MemoryTranslator.Registration, Debug.IoStats.Registration, Distribute.Registration], seams, new GraphOrigin());
            graph.Start();
            _top = graph.Top;
            Take(_top.Lookup(new LookupFop { Gfid = Gfid.Root }, _call)).Release();
            _fd = new Fd(Gfid.Null, OpenFlags.ReadWrite, isDirectory: false, graph.SlotCount);
            var xdata = XData.Rent();
            xdata.SetGfid("gfid-req"u8, File);
            var created = Take(_top.Create(
                new CreateFop { Parent = Gfid.Root, Name = "file", Flags = OpenFlags.ReadWrite, Mode = 0x1A4, Fd = _fd, XData = xdata }, _call));
            Invariant.Check(created.IsOk);
            created.Release();
            _fd.Gfid = File;
        }

        public void Lookup() => Done(_top.Lookup(new LookupFop { Parent = Gfid.Root, Name = FileName, Gfid = File }, _call));

        public void Stat() => Done(_top.Stat(new StatFop { Gfid = File }, _call));

        public void Write() => Done(_top.Write(new WriteFop { Gfid = File, Fd = _fd, Data = _data }, _call));

        public void Read() => Done(_top.Read(new ReadFop { Gfid = File, Fd = _fd, Size = 4096 }, _call));

        private static readonly Name FileName = "file";

        private static void Done<TReply>(ValueTask<TReply> task)
            where TReply : Reply
        {
            var reply = Take(task);
            Invariant.Check(reply.IsOk);
            reply.Release();
        }
    }
}
