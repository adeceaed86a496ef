using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.JournalClient;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>Many threads at once, in real time: nobody waits for ever, and every change takes effect once.</summary>
public sealed class ThreadsTests
{
    private const int Threads = 8;
    private const int FopsOfAThread = 3_000;
    private const int LanesOfAThread = 200;

    [Fact]
    public async Task ManyThreadsShareOneClient()
    {
        using var runtime = new LinuxRuntime(new LinuxRuntimeOptions { Reactors = 2, Workers = 4, Name = "client" });
        var shared = new Shared();
        var members = Enumerable.Range(0, 3)
            .Select(i => new ThreadedMember(PlaceOf($"m{i}", i, [], runtime.Seams), shared, i)).ToArray();
        var client = new JournalClient(PlaceOf("client", 3, members, runtime.Seams));
        client.Start();
        Array.ForEach(members, m => m.Up());
        using var isOver = new ManualResetEventSlim();
        var trouble = new Thread(() =>
        {
            for (var i = 0; !isOver.Wait(3); i++)
            {
                Volatile.Write(ref shared.Leader, i % 4 == 3 ? -1 : i % 4);
            }

            Volatile.Write(ref shared.Leader, 1);
        });
        trouble.Start();
        var counts = await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Run(() => UseAsync(client))));
        isOver.Set();
        trouble.Join();
        client.Stop();
        Assert.Equal(Threads * FopsOfAThread, counts.Sum());
        Assert.Equal(Threads * FopsOfAThread, shared.Set.Counter);
        Assert.True(shared.Set.Repeats > 0);
    }

    private static async Task<int> UseAsync(JournalClient client)
    {
        // Several under way in each thread, so that the window is full now and then.
        var fd = new Fd(new Gfid(1, 2), OpenFlags.ReadWrite, isDirectory: false, slotCount: 4);
        var done = 0;
        var call = new Call();
        var opened = await client.Open(new OpenFop { Gfid = fd.Gfid, Fd = fd }, call);
        Assert.Equal(Errno.Ok, opened.Error);
        opened.Release();
        await Task.WhenAll(Enumerable.Range(0, LanesOfAThread).Select(async lane =>
        {
            for (var i = lane; i < FopsOfAThread; i += LanesOfAThread)
            {
                var reply = await client.Fxattrop(new FxattropFop { Fd = fd }, call);
                Assert.Equal(Errno.Ok, reply.Error);
                reply.Release();
                Interlocked.Increment(ref done);
            }
        }));
        return done;
    }

    private static TranslatorPlace PlaceOf(
        string name, int slot, IReadOnlyList<Translator> subvolumes, Seams seams) => new()
        {
            Name = name,
            Type = "test",
            Slot = slot,
            Subvolumes = subvolumes,
            Options = ClientBed.OptionsOf(),
            Seams = seams,
            TopListener = _ => { },
        };

    private sealed class Shared
    {
        public int Leader;
        public int Fops;

        public ModelSet Set { get; } = new();
    }

    private sealed class ThreadedMember(TranslatorPlace place, Shared shared, int number) : LeafTranslator(place)
    {
        public void Up() => NotifyParents(new GraphEvent(GraphEventKind.ChildUp));

        public override ValueTask<StatReply> Stat(in StatFop fop, Call call) => new(Answer<StatReply>(() => Errno.Ok));

        public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) => new(Answer<OpenReply>(() => Errno.Ok));

        public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call)
        {
            fop.XData!.TryGetBytes(ChangeRecord.Key, out var id);
            var session = BinaryPrimitives.ReadUInt128BigEndian(id);
            return new ValueTask<IpcReply>(Answer<IpcReply>(() =>
            {
                shared.Set.Begin(session);
                return Errno.Ok;
            }));
        }

        public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call)
        {
            fop.XData!.TryGetBytes(ChangeRecord.Key, out var bytes);
            return ChangeAsync(bytes.ToArray());
        }

        private async ValueTask<FxattropReply> ChangeAsync(byte[] record)
        {
            await Task.Yield();
            return Answer<FxattropReply>(() =>
            {
                var outcome = shared.Set.Apply(record, () => new Outcome(Errno.Ok, ++shared.Set.Counter));
                return outcome.Error == Errno.Ok && ++shared.Fops % 37 == 0 ? Errno.ENOTCONN : outcome.Error;
            });
        }

        private TReply Answer<TReply>(Func<Errno> execute)
            where TReply : Reply, IReply<TReply>
        {
            Errno error;
            lock (shared)
            {
                error = Volatile.Read(ref shared.Leader) == number ? execute() : Errno.EREMOTE;
            }

            return error == Errno.Ok ? TReply.Rent() : TReply.Fail(error);
        }
    }
}
