using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Graph;
using Myrmex.Replication.Engine;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>
/// Goal: with many clients at once the leader's tree is that of its log applied one by one, and that of its log applied in any order the
/// keys allow.
/// </summary>
public sealed class JournalLeaderTests
{
    private const int Clients = 24;
    private const int FopsPerClient = 60;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task ManyClientsEndInTheTreeOfTheLog(int seed)
    {
        using var leader = MemoryRig.Started();
        using var serial = MemoryRig.Started();
        using var parallel = MemoryRig.Started();
        var log = new MemoryLog();
        var store = new YieldingTranslator(leader.Store);
        var evaluator = new Evaluator(store, TestPlace.Seams(new ManualTime(), seed));
        var redo = new Redo(store);
        var journal = new JournalLeader(redo, log);
        var shared = new SharedNames();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(
            n => Task.Run(() => RunClientAsync(new Random((seed * 1000) + n), evaluator, journal, shared))));

        Assert.False(journal.HasFailed);
        Assert.Equal(0, journal.Count);
        Assert.Equal(0, redo.Displaced);
        Assert.Equal(0, redo.Missing);
        Assert.InRange(log.Entries.Count, Clients * FopsPerClient / 10, Clients * FopsPerClient);
        var one = new Redo(serial.Store);
        foreach (var entry in log.Entries)
        {
            Assert.Equal(new RedoResult(Errno.Ok), (await entry.ApplyAsync(one)) with { Iatt = default });
        }

        await ApplyInAnyOrderAsync(new Random(seed), new Redo(parallel.Store), log.Entries);
        var expected = await StoreDigest.TakeAsync(serial.Store);
        Assert.True(expected.Lines.Count > 10);
        foreach (var rig in new[] { leader, parallel })
        {
            var actual = await StoreDigest.TakeAsync(rig.Store);
            Assert.True(expected.Hash.AsSpan().SequenceEqual(actual.Hash), expected.DifferencesTo(actual));
        }
    }

    [Fact]
    public async Task AppendsOfManyClientsFollowOneAnother()
    {
        using var leader = MemoryRig.Started();
        var gfid = leader.File(Gfid.Root, "log");
        var store = new YieldingTranslator(leader.Store);
        var evaluator = new Evaluator(store, TestPlace.Seams(new ManualTime()));
        var journal = new JournalLeader(new Redo(store), new MemoryLog());
        var fd = leader.NewFd(gfid, OpenFlags.WriteOnly | OpenFlags.Append);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(n => Task.Run(async () =>
        {
            var data = Payload.CopyOf([(byte)n, (byte)n, (byte)n]);
            var call = Call.Rent();
            var answer = await journal.RunAsync(
                default,
                Evaluator.KeysForRange(gfid, 0, 3, needsEnd: true),
                () => evaluator.WriteAsync(new WriteFop { Gfid = gfid, Fd = fd, Data = data }, call));
            Assert.Equal(Errno.Ok, answer.Error);
            Assert.Equal(3, answer.Outcome.OpRet);
            Assert.Equal(answer.Outcome.Iatts[0].Size + 3, answer.Outcome.Iatts[1].Size);
            call.Release();
            data.Release();
        })));
        var bytes = leader.Read(Fd.Anonymous(gfid));
        Assert.Equal(150, bytes.Length);
        Assert.Equal(50, bytes.Chunk(3).Select(c => (c[0] == c[1] && c[1] == c[2], c[0])).Where(c => c.Item1).Distinct().Count());
    }

    /// <summary>A stream that makes its file longer: no write waits for the one before it to be committed.</summary>
    [Fact]
    public async Task WritesBehindTheEndAreUnderWayTogether()
    {
        const int Writes = 8;
        using var leader = MemoryRig.Started();
        var log = new MemoryLog();
        var top = new JournalTranslator(TestPlace.For(new ManualTime(), subvolume: leader.Store), log);
        var gfid = leader.File(Gfid.Root, "stream");
        var data = Enumerable.Range(0, Writes).Select(i => Payload.CopyOf([(byte)i, (byte)i, (byte)i])).ToList();
        var calls = data.Select(_ => Call.Rent()).ToList();
        var first = new WriteFop { Gfid = gfid, Fd = Fd.Anonymous(gfid), Offset = 0, Data = data[0] };
        Assert.Equal(Errno.Ok, StoreBed.Outcome(await top.Write(first, calls[0]))); // Gives the file its times.
        log.CommitTogether(Writes);
        var tasks = data.Select((d, i) => top.Write(
            new WriteFop { Gfid = gfid, Fd = Fd.Anonymous(gfid), Offset = i * 3, Data = d }, calls[i]).AsTask()).ToList();
        foreach (var task in tasks)
        {
            Assert.Equal(Errno.Ok, StoreBed.Outcome(await task.WaitAsync(TimeSpan.FromSeconds(30))));
        }

        Assert.Equal(data.SelectMany(d => d.Span.ToArray()), leader.Read(Fd.Anonymous(gfid)));
        calls.ForEach(c => c.Release());
        data.ForEach(d => d.Release());
    }

    /// <summary>What one has moved the end to, another that was applied later does not move back.</summary>
    [Fact]
    public async Task WritesThatAreAppliedInTheOtherOrderLeaveTheSameFile()
    {
        using var rig = MemoryRig.Started();
        var gfid = rig.File(Gfid.Root, "f");
        var redo = new Redo(rig.Store);
        foreach (var i in new[] { 2, 0, 1 })
        {
            var write = new JournalOperation { Fop = FopCode.Write, Gfid = gfid, Offset = i * 2, Length = 2, Size = (i * 2) + 2 };
            Assert.Equal(Errno.Ok, (await redo.ApplyAsync(write, Payload.CopyOf([(byte)i, (byte)i]))).Error);
        }

        Assert.Equal([0, 0, 1, 1, 2, 2], rig.Read(Fd.Anonymous(gfid)));
        Assert.Equal(Errno.Ok, (await redo.ApplyAsync(
            new JournalOperation { Fop = FopCode.Truncate, Gfid = gfid, Size = 3 }, default)).Error);
        Assert.Equal([0, 0, 1], rig.Read(Fd.Anonymous(gfid)));
    }

    /// <summary>
    /// Who makes an inode says which, and who writes at a place needs no more than that: all keys are held from the
    /// beginning. Each evaluation looks at the name, or at the file, once.
    /// </summary>
    [Fact]
    public async Task CreationsAndFirstWritesAreEvaluatedOnce()
    {
        using var leader = MemoryRig.Started();
        var counts = new Dictionary<FopCode, int>();
        var counting = new CountingTranslator(leader.Store, counts);
        var top = new JournalTranslator(TestPlace.For(new ManualTime(), subvolume: counting), new MemoryLog());
        var gfid = StorageRig.NewGfid();
        var xdata = StorageRig.WithGfid(gfid);
        var call = Call.Rent();

        // A directory gets stored times with the first name in it, which nobody knows before: that takes two.
        var first = StorageRig.WithGfid(StorageRig.NewGfid());
        var firstOne = new MknodFop { Parent = Gfid.Root, Name = "first", Mode = 0x81A4, XData = first };
        Assert.Equal((Errno.Ok, 2), await CountAsync(FopCode.Lookup, async () => StoreBed.Outcome(await top.Mknod(firstOne, call))));
        first.Release();

        var mknod = new MknodFop { Parent = Gfid.Root, Name = "f", Mode = 0x81A4, XData = xdata };
        Assert.Equal((Errno.Ok, 1), await CountAsync(FopCode.Lookup, async () => StoreBed.Outcome(await top.Mknod(mknod, call))));
        var other = StorageRig.WithGfid(StorageRig.NewGfid());
        var mkdir = new MkdirFop { Parent = Gfid.Root, Name = "d", Mode = 0x1ED, XData = other };
        Assert.Equal((Errno.Ok, 1), await CountAsync(FopCode.Lookup, async () => StoreBed.Outcome(await top.Mkdir(mkdir, call))));
        var data = Payload.CopyOf([1, 2, 3]);
        for (var offset = 0; offset < 9; offset += 3)
        {
            var write = new WriteFop { Gfid = gfid, Fd = Fd.Anonymous(gfid), Offset = offset, Data = data };
            Assert.Equal((Errno.Ok, 1), await CountAsync(FopCode.Stat, async () => StoreBed.Outcome(await top.Write(write, call))));
        }

        data.Release();
        xdata.Release();
        other.Release();
        call.Release();

        async Task<(Errno Error, int Count)> CountAsync(FopCode code, Func<Task<Errno>> fop)
        {
            counts.Clear();
            return (await fop(), counts.GetValueOrDefault(code));
        }
    }

    [Fact]
    public async Task AFailureHasNoEffectAndIsNotLogged()
    {
        using var leader = MemoryRig.Started();
        leader.Mkdir(Gfid.Root, "d");
        var log = new MemoryLog();
        var evaluator = new Evaluator(leader.Store, TestPlace.Seams(new ManualTime()));
        var journal = new JournalLeader(new Redo(leader.Store), log);
        var call = Call.Rent();
        var xdata = StorageRig.WithGfid(StorageRig.NewGfid());
        var answer = await journal.RunAsync(
            default,
            Evaluator.KeysForEntry(Gfid.Root, "d"),
            () => evaluator.MkdirAsync(new MkdirFop { Parent = Gfid.Root, Name = "d", Mode = 0x1ED, XData = xdata }, call));
        Assert.Equal(Errno.EEXIST, answer.Error);
        Assert.Empty(log.Entries);
        call.Release();
    }

    [Fact]
    public async Task AStoreThatRefusesACommittedOperationStopsTheLeader()
    {
        using var leader = MemoryRig.Started();
        var gfid = leader.File(Gfid.Root, "f");
        var log = new MemoryLog();
        var point = new CrashPoint { Left = 0 };
        var evaluator = new Evaluator(leader.Store, TestPlace.Seams(new ManualTime()));
        var journal = new JournalLeader(new Redo(new CrashTranslator(leader.Store, point)), log);
        for (var i = 0; i < 2; i++)
        {
            var call = Call.Rent();
            var answer = await journal.RunAsync(
                default,
                Evaluator.KeysForTruncate(gfid),
                () => evaluator.TruncateAsync(new TruncateFop { Gfid = gfid, Offset = 10 }, call));
            Assert.Equal(Errno.ENOTCONN, answer.Error);
            call.Release();
        }

        Assert.True(journal.HasFailed);
        Assert.Single(log.Entries);
        Assert.Equal([(new JournalIndex(1), Errno.ENOTCONN)], log.Told);
    }

    /// <summary>Applies what is ready in a random order, several at once.</summary>
    private static async Task ApplyInAnyOrderAsync(Random random, Redo redo, List<LoggedOperation> log)
    {
        var pending = new PendingOperations();
        var ready = new List<ulong>();
        var byNumber = new Dictionary<ulong, LoggedOperation>();
        for (var next = 0; next < log.Count || ready.Count > 0;)
        {
            if (next < log.Count && (ready.Count == 0 || random.Next(3) > 0))
            {
                var number = pending.Enter(ConflictKeys.Of(log[next].Operation), out var isReady);
                byNumber.Add(number, log[next++]);
                if (isReady)
                {
                    ready.Add(number);
                }

                continue;
            }

            var chosen = ready[random.Next(ready.Count)];
            ready.Remove(chosen);
            var result = await byNumber[chosen].ApplyAsync(redo);
            Assert.Equal(Errno.Ok, result.Error);
            Assert.False(result.IsMissing);
            pending.Leave(chosen, ready);
        }

        Assert.Equal(0, pending.Count);
        Assert.Equal(0, redo.Displaced);
    }

    private static async Task RunClientAsync(Random random, Evaluator evaluator, JournalLeader journal, SharedNames shared)
    {
        for (var i = 0; i < FopsPerClient; i++)
        {
            var client = Call.Rent();
            client.Uid = (uint)random.Next(2) * 1000;
            var xdata = StorageRig.WithGfid(StorageRig.NewGfid());
            var data = Payload.CopyOf(new byte[random.Next(1, 3000)]);
            var (keys, evaluate) = Next(random, evaluator, shared, client, xdata, data);
            var answer = await journal.RunAsync(default, keys, evaluate);
            Assert.NotEqual(Errno.EAGAIN, answer.Error);
            Assert.NotEqual(Errno.ENOTCONN, answer.Error);
            if (answer.Error == Errno.Ok && answer.Evaluation.Operation is { IsCreation: true } made)
            {
                shared.Add(made.Gfid, made.IsDirectory);
            }

            data.Release();
            xdata.Release();
            client.Release();
        }
    }

    private static (List<ConflictKey> Keys, Func<ValueTask<Evaluation>> Evaluate) Next(
        Random random, Evaluator evaluator, SharedNames shared, Call client, XData xdata, Payload data)
    {
        Name name = "abcde"[random.Next(5)].ToString();
        Name other = "abcde"[random.Next(5)].ToString();
        var (parent, second, file) = (shared.Directory(random), shared.Directory(random), shared.File(random));
        var offset = (long)random.Next(10_000);
        switch (random.Next(12))
        {
            case 0 or 1:
                var create = new MknodFop { Parent = parent, Name = name, Mode = FileMode.Regular | 0xDB6u, XData = xdata };
                return (Evaluator.KeysForEntry(parent, name), () => evaluator.MknodAsync(create, client));
            case 2 or 3:
                var mkdir = new MkdirFop { Parent = parent, Name = name, Mode = 0x1ED, XData = xdata };
                return (Evaluator.KeysForEntry(parent, name), () => evaluator.MkdirAsync(mkdir, client));
            case 4:
                return (Evaluator.KeysForEntry(parent, name), () => evaluator.UnlinkAsync(new UnlinkFop { Parent = parent, Name = name }));
            case 5:
                return (Evaluator.KeysForEntry(parent, name), () => evaluator.RmdirAsync(new RmdirFop { Parent = parent, Name = name }));
            case 6 or 7:
                var rename = new RenameFop { OldParent = parent, OldName = name, NewParent = second, NewName = other };
                return (Evaluator.KeysForRename(parent, name, second, other), () => evaluator.RenameAsync(rename));
            case 8:
                var link = new LinkFop { Gfid = file, NewParent = parent, NewName = name };
                return (Evaluator.KeysForLink(file, parent, name), () => evaluator.LinkAsync(link));
            case 9:
                var valid = (SetattrValid)random.Next(0x40);
                var iatt = new Iatt { Mode = (uint)random.Next(0x1000), Mtime = 5, Uid = 7, Gid = 8 };
                return (Evaluator.KeysForSetattr(file), () => evaluator.SetattrAsync(FopCode.Setattr, file, iatt, valid));
            case 10:
                return (Evaluator.KeysForTruncate(file), () => evaluator.TruncateAsync(new TruncateFop { Gfid = file, Offset = offset }, client));
            default:
                data.Span.Fill((byte)random.Next(256));
                var write = new WriteFop { Gfid = file, Fd = Fd.Anonymous(file), Offset = offset, Data = data };
                return (Evaluator.KeysForRange(file, offset, data.Length, needsEnd: false), () => evaluator.WriteAsync(write, client));
        }
    }

    private sealed class SharedNames
    {
        private readonly Lock _lock = new();
        private readonly List<Gfid> _directories = [Gfid.Root];
        private readonly List<Gfid> _files = [new Gfid(5, 5)];

        public void Add(Gfid gfid, bool isDirectory)
        {
            lock (_lock)
            {
                (isDirectory ? _directories : _files).Add(gfid);
            }
        }

        public Gfid Directory(Random random) => Choose(random, _directories);

        public Gfid File(Random random) => Choose(random, _files);

        private Gfid Choose(Random random, List<Gfid> all)
        {
            lock (_lock)
            {
                return all[Math.Max(0, all.Count - 1 - random.Next(6))];
            }
        }
    }

    /// <summary>A journal with one member: what is proposed is committed, after a while.</summary>
    private sealed class MemoryLog : IReplicaLog
    {
        private readonly Lock _lock = new();

        public List<LoggedOperation> Entries { get; } = [];

        public Term ServingTerm => new(1);

        private TaskCompletionSource? _together;
        private int _togetherAt;

        /// <summary>Nothing more is committed before so many further ones were proposed.</summary>
        public void CommitTogether(int count)
        {
            _together = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _togetherAt = Entries.Count + count;
        }

        public List<(JournalIndex Index, Errno Error)> Told { get; } = [];

        public void Applied(JournalIndex index, Errno error)
        {
            lock (_lock)
            {
                Told.Add((index, error));
            }
        }

        public ValueTask<ProposeResult> FindAsync(Term term, SessionKey session) => new(new ProposeResult(Errno.Ok, default));

        public ValueTask<Errno> ConfirmAsync(Term term) => new(Errno.Ok);

        public LockTable Locks { get; } = new();

        public ValueTask<ProposeResult> ProposeLockAsync(Term term, SessionKey session, LockRecord record) =>
            throw new NotSupportedException();

        public async ValueTask<ProposeResult> ProposeAsync(
            Term term, SessionKey session, ReadOnlyMemory<byte> meta, Payload data)
        {
            int index;
            lock (_lock)
            {
                Entries.Add(new LoggedOperation(meta.ToArray(), data.Span.ToArray()));
                index = Entries.Count;
            }

            if (index == _togetherAt)
            {
                _together?.SetResult();
            }

            await (_together?.Task ?? Task.CompletedTask);
            await Task.Yield();
            return new ProposeResult(Errno.Ok, new JournalIndex((ulong)index));
        }
    }

    /// <summary>Counts what comes to the store.</summary>
    private sealed class CountingTranslator(Translator store, Dictionary<FopCode, int> counts)
        : Uniform<CountingTranslator.Policy_>(
            TestPlace.For(new ManualTime(), subvolume: store), new Policy_(counts))
    {
        internal readonly struct Policy_(Dictionary<FopCode, int> counts) : IFopPolicy
        {
            public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
                where TFop : struct, IFop<TFop, TReply>
                where TReply : Reply, IReply<TReply>
            {
                counts[TFop.Code] = counts.GetValueOrDefault(TFop.Code) + 1;
                return TFop.Invoke(next, in fop, call);
            }
        }
    }

    /// <summary>Lets others run before every fop.</summary>
    private sealed class YieldingTranslator(Translator store)
        : Uniform<YieldingTranslator.Policy_>(TestPlace.For(new ManualTime(), subvolume: store), default)
    {
        internal readonly struct Policy_ : IFopPolicy
        {
            public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
                where TFop : struct, IFop<TFop, TReply>
                where TReply : Reply, IReply<TReply> => LaterAsync<TFop, TReply>(next, fop, call);

            private static async ValueTask<TReply> LaterAsync<TFop, TReply>(Translator next, TFop fop, Call call)
                where TFop : struct, IFop<TFop, TReply>
                where TReply : Reply, IReply<TReply>
            {
                await Task.Yield();
                return await TFop.Invoke(next, in fop, call);
            }
        }
    }
}
