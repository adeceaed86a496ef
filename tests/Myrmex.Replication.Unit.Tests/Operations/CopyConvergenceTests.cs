using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Contract.Tests.Storage;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>
/// Goal: whatever a store holds, a copy of another store that changes meanwhile, and the entries of that time, make it equal to that
/// one. Method: random fops on a leader before the copy and between all its steps; a target with a part of the entries, some that come
/// later, and changes that never were; targets that die in the middle and begin again.
/// </summary>
public sealed class CopyConvergenceTests
{
    private const int MemorySeeds = 400;
    private const int PosixSeeds = 25;

    [Fact]
    public Task MemoryTargets() => ForAllAsync(MemoryRig.Started, MemorySeeds);

    [Fact]
    public Task PosixTargets() => ForAllAsync(() => PosixRig.Started(), PosixSeeds);

    /// <summary>
    /// A client of a lost leader made a directory and things in it; only the target has that. It tries again while the copy goes on.
    /// </summary>
    [Fact]
    public async Task ADirectoryThatIsMadeAgainMeanwhileIsEmpty()
    {
        using var leader = MemoryRig.Started();
        using var target = MemoryRig.Started();
        var gfid = StorageRig.NewGfid();
        leader.File(Gfid.Root, "file", "content");
        target.File(target.Mkdir(target.Mkdir(Gfid.Root, "other"), "made", gfid: gfid), "never was", "content");
        var made = new JournalOperation
        {
            Fop = FopCode.Mkdir,
            Gfid = gfid,
            Parent = Gfid.Root,
            Name = "made",
            Mode = FileMode.Directory | 0x1ED,
        };
        var copies = new StoreCopies(leader.Store, new Redo(leader.Store), member: null!, syncStore: null!); // Of the other end.
        copies.Start();
        var source = new StoreCopySource(copies, default, salt: 1);
        var writer = new StoreCopyWriter(target.Store, new Redo(target.Store));
        Assert.Equal(Errno.Ok, await writer.BeginAsync(wipes: false));
        Assert.Equal(Errno.Ok, await CopyRun.WalkQuietlyAsync(source, writer));
        var entry = new JournalEntry(CopyRun.Header, OperationCodec.Encode(made), default);
        Assert.Equal(Errno.Ok, (await new Redo(leader.Store).ApplyAsync(made, default)).Error);
        Assert.False(source.Review([entry], isLast: true));
        Assert.Equal(Errno.Ok, await writer.ReplayAsync([entry]));
        Assert.Equal(Errno.Ok, await writer.FinishAsync());
        copies.Stop();
        Assert.Empty(target.List(gfid));
        Assert.Equal(["file", "made"], target.List(Gfid.Root).Select(n => n.Name).Order(StringComparer.Ordinal));
    }

    private static async Task ForAllAsync(Func<StorageRig> start, int seeds)
    {
        var died = 0;
        for (var seed = 1; seed <= seeds; seed++)
        {
            using var leader = start();
            using var target = start();
            var run = new CopyRun(seed, leader, target);
            try
            {
                await run.RunAsync();
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException || !e.Message.Contains(run.ToString(), StringComparison.Ordinal))
            {
                Assert.Fail($"{run}: {e}");
            }

            died += run.Died;
        }

        Assert.True(died > seeds / 4, $"{died} copies were interrupted");
    }
}

/// <summary>One leader, one target, and copies from one to the other until one has ended.</summary>
internal sealed class CopyRun(int seed, StorageRig leader, StorageRig target)
{
    public static readonly EntryHeader Header = new(default, default, default, EntryKind.Operation, 0, 0, 0);

    private readonly Random _random = new(seed * 37);
    private readonly RandomFops _fops = new(seed, leader);

    /// <summary>Copies that ended with the process of the target.</summary>
    public int Died { get; private set; }

    private int Wiped { get; set; }

    public override string ToString() => $"seed {seed}, {_fops.Log.Count} entries, {Died} deaths, {Wiped} wiped";

    public async Task RunAsync()
    {
        await _fops.RunAsync(_random.Next(20, 120));
        await FillTargetAsync();
        var copies = new StoreCopies(leader.Store, new Redo(leader.Store), member: null!, syncStore: null!); // Of the other end.
        copies.Start();
        var error = Errno.ECANCELED;
        for (var round = 0; error != Errno.Ok; round++)
        {
            var wipes = error != Errno.ECANCELED;
            Wiped += wipes ? 1 : 0;
            Assert.True(round < 8, $"{this}: {error}");
            error = await CopyAsync(copies, wipes, mayDie: round < 3);
        }

        copies.Stop();
        await SameStores.AssertAsync(leader, target, ToString());
    }

    /// <summary>What it was long ago, work of entries that it did not hear of, and what nobody else has.</summary>
    private async Task FillTargetAsync()
    {
        var log = _fops.Log;
        var redo = new Redo(target.Store);
        var old = _random.Next(log.Count + 1);
        var share = _random.Next(3) == 0 ? 0 : _random.NextDouble();
        for (var i = 0; i < log.Count; i++)
        {
            if (i < old || _random.NextDouble() < share)
            {
                await log[i].ApplyAsync(redo); // What it builds on may be missing.
            }
        }

        if (_random.Next(4) > 0)
        {
            var other = new RandomFops(seed + 100_000, target);
            other.Adopt(log.Select(l => l.Operation));
            await other.RunAsync(_random.Next(60), mayDisplace: true);
        }
    }

    private async Task<Errno> CopyAsync(StoreCopies copies, bool wipes, bool mayDie)
    {
        if (target.Directory is not null)
        {
            target.Restart();
        }

        var start = _fops.Log.Count;
        var point = new CrashPoint { Left = mayDie && _random.Next(3) > 0 ? _random.Next(150) : int.MaxValue };
        var store = new CrashTranslator(target.Store, point);
        var source = new StoreCopySource(copies, new JournalIndex((ulong)start), salt: (ulong)seed);
        var writer = new StoreCopyWriter(store, new Redo(store));
        var error = await writer.BeginAsync(wipes);
        var reviewed = start;
        for (var isMore = true; error == Errno.Ok && isMore;)
        {
            error = await WalkAsync(source, writer);
            if (error == Errno.Ok)
            {
                var entries = Entries(reviewed);
                reviewed = _fops.Log.Count;
                isMore = source.Review(entries, isLast: true);
            }
        }

        source.Close();
        error = error == Errno.Ok ? await writer.ReplayAsync(Entries(start)) : error;
        error = error == Errno.Ok ? await writer.FinishAsync() : error;
        Died += point.IsDead ? 1 : 0;
        return point.IsDead ? Errno.ECANCELED : error;
    }

    /// <summary>Until everything was read and nothing is wanted. Wants come late, and fops come always.</summary>
    private async Task<Errno> WalkAsync(StoreCopySource source, StoreCopyWriter writer)
    {
        var wants = new List<ReadOnlyMemory<byte>>();
        var busy = _random.Next(3) * _random.Next(40);
        while (true)
        {
            var items = await ReadAsync(source, _random.Next(3) switch { 0 => 1, 1 => 700, _ => 64 << 10 });
            var entries = items.Select(i => new JournalEntry(Header, i.Meta, i.Data)).ToList();
            var error = await writer.TakeAsync(entries);
            entries.ForEach(e => e.Data.Release());
            wants.AddRange(writer.TakeWants());
            if (error != Errno.Ok || (items.Count == 0 && wants.Count == 0))
            {
                return error;
            }

            if (items.Count == 0 || _random.Next(3) == 0)
            {
                source.Want([.. wants]);
                wants.Clear();
            }

            if (busy-- > 0)
            {
                await _fops.RunAsync(_fops.Log.Count + _random.Next(4));
            }
        }
    }

    /// <summary>The same, and nothing changes meanwhile.</summary>
    public static async Task<Errno> WalkQuietlyAsync(StoreCopySource source, StoreCopyWriter writer)
    {
        while (true)
        {
            var items = await ReadAsync(source, 1000);
            var error = await writer.TakeAsync([.. items.Select(i => new JournalEntry(Header, i.Meta, i.Data))]);
            foreach (var item in items)
            {
                item.Data.Release();
            }

            if (error != Errno.Ok || items.Count == 0)
            {
                return error;
            }

            source.Want(writer.TakeWants());
        }
    }

    private List<JournalEntry> Entries(int from) =>
        [.. _fops.Log.Skip(from).Select(l => new JournalEntry(Header, l.Meta, Payload.CopyOf(l.Data)))];

    private static Task<IReadOnlyList<CopyItem>> ReadAsync(StoreCopySource source, int bytesMax)
    {
        var done = new TaskCompletionSource<IReadOnlyList<CopyItem>>(TaskCreationOptions.RunContinuationsAsynchronously);
        source.Read(bytesMax, (error, items) =>
        {
            if (error == Errno.Ok)
            {
                done.SetResult(items);
            }
            else
            {
                done.SetException(new InvalidOperationException($"reading: {error}"));
            }
        });
        return done.Task;
    }
}
