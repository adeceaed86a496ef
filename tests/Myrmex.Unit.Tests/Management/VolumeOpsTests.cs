using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Management;
using Myrmex.Management.Bricks;
using Myrmex.Management.Nodes;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;
using Xunit;
using static Myrmex.Unit.Tests.Management.FakeNode;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// Commands on three nodes over one store, and daemons that are killed around every single change of the store: what
/// was not answered is whole or gone, on all of them. Needs root, for trusted attributes.
/// </summary>
public sealed class VolumeOpsTests : IAsyncLifetime
{
    private const int Nodes = 3;

    /// <summary>More changes than a create makes on one node; cuts beyond the last one cut nothing.</summary>
    private const int CutsMax = 12;

    private static readonly CancellationToken Forever = CancellationToken.None;
    private readonly MemoryStore _store = new(LinuxClock.Shared);
    private readonly List<FakeNode> _nodes = [];

    public async Task InitializeAsync()
    {
        for (var i = 0; i < Nodes; i++)
        {
            var id = new NodeId(new Gfid(77, (ulong)i + 1));
            _nodes.Add(new FakeNode { NodeId = id, Name = $"n{i}", Store = _store });
        }

        await Task.WhenAll(_nodes.Select(n => n.StartAsync()));
        await AllAreHeardOfAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }
    }

    [RootFact]
    public async Task AVolumeOfThreeNodesIsMadeStartedSeenAndStoppedEverywhere()
    {
        var volume = await CreateAsync(_nodes[0]);
        Assert.Equal(_nodes.Select(n => n.NodeId), volume.Bricks.Select(b => b.Node));
        Assert.All(_nodes, n => Assert.Equal(volume.Id, BrickDirectory.ReadVolumeId(n.Brick(1), out _)));
        Assert.All(volume.Bricks, b => Assert.NotEqual(0UL, b.FileSystem));
        await _nodes[1].Commands.StartAsync("demo", force: false, Forever);
        Assert.All(_nodes, n => Assert.NotNull(n.Processes.Running));
        await UntilAsync(() => _nodes.All(n => n.Commands.List().All(v => v.Status == VolumeStatus.Started)));
        Assert.All(_nodes, n => Assert.All(n.Commands.Status("demo", detail: false).Bricks, b => Assert.True(b.Online)));
        await _nodes[2].Commands.StopAsync("demo", force: false, Forever);
        Assert.All(_nodes, n => Assert.Null(n.Processes.Running));
        await _nodes[0].Commands.DeleteAsync("demo", Forever);
        await UntilAsync(() => _nodes.All(n => n.Commands.List().Count == 0));
        Assert.All(_nodes, n => Assert.Empty(n.Commands.List()));
        Assert.Equal(
            ["VOLUME_CREATE", "VOLUME_START", "VOLUME_STOP", "VOLUME_DELETE"],
            Events().Where(e => e.StartsWith("VOLUME", StringComparison.Ordinal)));
        await AssertNothingIsUnderWayAsync();
    }

    [RootFact]
    public async Task OfManyWhoChangeTheSameVolumeOnlyOneDoes()
    {
        var target = Expecting(await CreateAsync(_nodes[0]));
        for (var round = 0; round < 10; round++)
        {
            var commands = _nodes.SelectMany((n, i) => Enumerable.Range(0, 4).Select(
                k => n.Commands.SetAsync(target, [new VolumeSetting("user.who", $"{round}-{i}-{k}")], Forever)));
            var outcomes = await Task.WhenAll(commands.Select(c => OutcomeAsync(c)));
            var made = Assert.Single(outcomes, o => o.Volume is not null).Volume!;
            Assert.Equal(round + 2, made.Version);
            Assert.All(
                outcomes.Where(o => o.Volume is null), o => Assert.Equal(CommandFailure.Changed, o.Problem!.Failure));
            Assert.Equal(made.Setting("user.who"), (await _nodes[0].Commands.CheckAsync("demo", Forever)).Setting("user.who"));

            // Whoever has seen it may go on at once on another node.
            target = Expecting(made);
        }
    }

    [RootFact]
    public async Task WhoHasSeenAVolumeOnOneNodeFindsItOnAnother()
    {
        for (var i = 1; i <= 10; i++)
        {
            var made = await _nodes[0].Commands.CreateAsync(
                new CreateRequest($"v{i}", [$"n0:{_nodes[0].Brick(i)}"]), Forever);
            foreach (var other in _nodes.Skip(1))
            {
                made = await other.Commands.SetAsync(Expecting(made), [new VolumeSetting("user.x", "1")], Forever);
            }

            await _nodes[0].Commands.DeleteAsync(Expecting(made), Forever);
            var gone = (await OutcomeAsync(_nodes[1].Commands.DeleteAsync(Expecting(made), Forever))).Problem;
            Assert.Equal(CommandFailure.NotFound, gone?.Failure);
        }
    }

    [RootFact]
    public async Task ACommandOnAnotherVolumeThanIsExpectedChangesNothing()
    {
        var volume = await _nodes[0].Commands.CreateAsync(
            new CreateRequest("demo", [$"n0:{_nodes[0].Brick(1)}"]), Forever);
        var old = Expecting(volume);
        volume = await _nodes[1].Commands.SetAsync(old, [new VolumeSetting("user.x", "1")], Forever);
        var c = _nodes[2].Commands;
        Task<Volume>[] refused =
        [
            c.StartAsync(old, force: true, Forever), c.StopAsync(old, force: true, Forever),
            c.DeleteAsync(old, Forever), c.ResetAsync(old, key: null, force: true, Forever),
            c.ResetAsync(old, ["user.x"], Forever), c.SetAsync(old, [new VolumeSetting("user.y", "1")], Forever),
            c.AddBrickAsync(old, new AddBrickRequest([$"n1:{_nodes[1].Brick(1)}"], 0, Force: false), Forever),
            c.ReplaceBrickAsync(old, new ReplaceBrickRequest("n0:/a", "n1:/b"), Forever),
            c.ResetBrickAsync(old, $"n0:{_nodes[0].Brick(1)}", Forever),
        ];
        foreach (var command in refused)
        {
            var problem = (await OutcomeAsync(command)).Problem!;
            Assert.Equal(CommandFailure.Changed, problem.Failure);
            Assert.Contains(VolumeTarget.TagOf(volume), problem.Message);
        }

        Assert.Equal(volume.Version, _nodes[2].Commands.Find("demo").Version);
        Assert.False(Directory.Exists(_nodes[1].Brick(1)));
        await AssertNothingIsUnderWayAsync();
        var started = await c.StartAsync(Expecting(volume), force: false, Forever);
        var stopped = await _nodes[0].Commands.StopAsync(Expecting(started), force: false, Forever);
        await _nodes[1].Commands.DeleteAsync(Expecting(stopped), Forever);
        await UntilAsync(() => _nodes[0].Catalog.Find("demo") is null);
        var again = await _nodes[0].Commands.CreateAsync(
            new CreateRequest("demo", [$"n0:{_nodes[0].Brick(1)}"]) { Force = true }, Forever);
        Assert.Equal(1, again.Version);
        var other = (await OutcomeAsync(_nodes[0].Commands.DeleteAsync(old, Forever))).Problem;
        Assert.Equal(CommandFailure.Changed, other?.Failure);
    }

    [RootFact]
    public async Task ABrickThatOneNodeRefusesLeavesNothingOnTheOthers()
    {
        Directory.CreateDirectory(_nodes[2].Brick(1));
        await File.WriteAllTextAsync(Path.Combine(_nodes[2].Root, "file"), "x");
        var e = await Assert.ThrowsAsync<CommandException>(() => _nodes[0].Commands.CreateAsync(
            new CreateRequest("demo", [$"n0:{_nodes[0].Brick(1)}", $"n2:{_nodes[2].Root}/file"]), Forever));
        Assert.Equal(
            $"The provided path {_nodes[2].Root}/file which is already present, is not a directory", e.Message);
        Assert.False(Directory.Exists(_nodes[0].Brick(1)));
        await AssertNothingIsUnderWayAsync();
        await CreateAsync(_nodes[1]);
    }

    [RootFact]
    public async Task ABrickThatOneNodeCannotServeKeepsTheVolumeFromStarting()
    {
        await CreateAsync(_nodes[0]);
        _nodes[1].Processes.Broken.Add(_nodes[1].Brick(1));
        var e = await Assert.ThrowsAsync<CommandException>(
            () => _nodes[0].Commands.StartAsync("demo", force: false, Forever));
        Assert.StartsWith($"Commit failed on n1. Brick n1:{_nodes[1].Brick(1)} cannot be served", e.Message);
        Assert.Equal(VolumeStatus.Created, _nodes[2].Commands.Find("demo").Status);
        await UntilAsync(() => _nodes.All(n => n.Processes.Running is null));
        await AssertNothingIsUnderWayAsync();
    }

    [RootFact]
    public async Task AVolumeGrowsByANodeWhileItIsStarted()
    {
        await _nodes[0].Commands.CreateAsync(new CreateRequest("demo", [$"n0:{_nodes[0].Brick(1)}"]), Forever);
        await _nodes[0].Commands.StartAsync("demo", force: false, Forever);
        var grown = await _nodes[2].Commands.AddBrickAsync(
            "demo", new AddBrickRequest([$"n1:{_nodes[1].Brick(1)}"], ReplicaCount: 0, Force: false), Forever);
        Assert.Equal([0, 1], grown.Bricks.Select(b => b.Index));
        Assert.Equal(grown.Id, BrickDirectory.ReadVolumeId(_nodes[1].Brick(1), out _));
        Assert.All(_nodes[0].Commands.Status("demo", detail: false).Bricks, b => Assert.True(b.Online));
        await AssertNothingIsUnderWayAsync();
        _nodes[2].Processes.Broken.Add(_nodes[2].Brick(1));
        await Assert.ThrowsAsync<CommandException>(
            () => _nodes[0].Commands.AddBrickAsync(
                "demo", new AddBrickRequest([$"n2:{_nodes[2].Brick(1)}"], ReplicaCount: 0, Force: false), Forever));
        Assert.False(Directory.Exists(_nodes[2].Brick(1)));
        Assert.Equal(2, _nodes[1].Commands.Find("demo").Bricks.Count);
        await AssertNothingIsUnderWayAsync();
    }

    [RootFact]
    public async Task ANodeWhoseCableIsPulledCostsACommandOneRequestAndNotItsLease()
    {
        await CreateAsync(_nodes[0]);
        var asked = new System.Collections.Concurrent.ConcurrentQueue<NodeId>();
        _nodes[0].Commands.Answers = async (n, c) =>
        {
            asked.Enqueue(n);
            await Task.Delay(300, c);
            return n != _nodes[2].NodeId;
        };
        await _nodes[2].KillAsync();
        await UntilAsync(() => !_nodes[0].Session.View.IsAlive(_nodes[2].NodeId));
        // Its lease goes on, as after a cable was pulled.
        await Coordination.StoreAccess.PutAsync(
            _store, NodeKeys.Life(_nodes[2].NodeId), new NodeLife(1, "x", "test", StartedUnixMs: 0).ToBytes());
        await UntilAsync(() => _nodes[0].Session.View.IsAlive(_nodes[2].NodeId));
        var begunNs = LinuxClock.Shared.MonotonicNs;
        var e = await Assert.ThrowsAsync<CommandException>(
            () => _nodes[0].Commands.StartAsync("demo", force: false, Forever));
        Assert.InRange(LinuxClock.Shared.MonotonicNs - begunNs, 300_000_000, 2_000_000_000);
        Assert.Matches(@"^n2 did not answer within 0\.[3-9] seconds; nothing was changed$", e.Message);
        Assert.DoesNotContain(_nodes[0].NodeId, asked);
        Assert.Contains(_nodes[2].NodeId, asked);
        Assert.Equal(VolumeStatus.Created, _nodes[1].Commands.Find("demo").Status);
    }

    [RootFact]
    public async Task WithANodeAwayEverythingThatDoesNotNeedItWorks()
    {
        await CreateAsync(_nodes[0]);
        await _nodes[0].Commands.StartAsync("demo", force: false, Forever);
        await _nodes[2].KillAsync();
        await UntilAsync(() => !_nodes[0].Session.View.IsAlive(_nodes[2].NodeId));
        await _nodes[0].Commands.SetAsync("demo", [new VolumeSetting("user.x", "1")], Forever);
        await _nodes[0].Commands.StopAsync("demo", force: false, Forever);
        await _nodes[1].Commands.StartAsync("demo", force: false, Forever);
        // What the other nodes run is heard of a little later than that their step is done.
        await UntilAsync(() => _nodes[1].Commands.Status("demo", detail: false).Bricks.Select(b => b.Online)
            .SequenceEqual([true, true, false]));
        var e = await Assert.ThrowsAsync<CommandException>(() => _nodes[0].Commands.CreateAsync(
            new CreateRequest("other", [$"n2:{_nodes[2].Brick(2)}"]), Forever));
        Assert.Equal("Host n2 is not connected", e.Message);
        await _nodes[2].StartAsync();
        await UntilAsync(() => _nodes[0].Commands.Find("demo").Status == VolumeStatus.Started
            && _nodes[0].Commands.Status("demo", detail: false).Bricks.All(b => b.Online));
    }

    [RootFact]
    public async Task ManyCommandsAtOnceOnAllNodesAllHappen()
    {
        await CreateAsync(_nodes[0]);
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Task.Run(() => _nodes[i % Nodes].Commands.SetAsync(
            "demo", [new VolumeSetting($"user.k{i}", "v")], Forever))));
        await UntilAsync(() => 30 == _nodes[0].Commands.Find("demo").Settings.Count(
            s => s.Key.StartsWith("user.k", StringComparison.Ordinal)));
        var racing = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
        {
            try
            {
                await _nodes[i % Nodes].Commands.CreateAsync(
                    new CreateRequest($"v{i}", [$"n1:{_nodes[1].Brick(2)}"]), Forever);
                return 1;
            }
            catch (CommandException)
            {
                return 0;
            }
        })));
        Assert.Equal(1, racing.Sum());
        await AssertNothingIsUnderWayAsync();
    }

    public static TheoryData<int, bool, int> Cuts()
    {
        var cuts = new TheoryData<int, bool, int>();
        for (var change = 1; change <= CutsMax; change++)
        {
            cuts.Add(change, false, 0);
            cuts.Add(change, true, 0);
            cuts.Add(change, false, 1);
            cuts.Add(change, true, 1);
        }

        return cuts;
    }

    /// <summary>Node 0 runs the command; node 0 or another one that has a part in it is killed.</summary>
    [RootTheory]
    [MemberData(nameof(Cuts))]
    public async Task ACreateThatIsCutShortIsWholeOrGone(int change, bool after, int victim)
    {
        Directory.CreateDirectory(_nodes[1].Brick(1));
        await File.WriteAllTextAsync(Path.Combine(_nodes[1].Brick(1), "data"), "kept");
        var former = new VolumeId(new Gfid(5, 6));
        BrickDirectory.Mark(_nodes[2].Brick(1), former, isSpread: false);

        await CutAsync(victim, change, after, () => _nodes[0].Commands.CreateAsync(Request() with { Force = true }, Forever));
        await AssertNothingIsUnderWayAsync();
        var volume = _nodes[2].Catalog.Find("demo");
        Assert.Equal(volume is not null, Directory.Exists(_nodes[0].Brick(1)));
        Assert.Equal(volume is not null, Directory.Exists(Path.Combine(_nodes[1].Brick(1), ".glusterfs")));
        Assert.Equal(volume?.Id, BrickDirectory.ReadVolumeId(_nodes[1].Brick(1), out _));
        Assert.Equal(volume?.Id ?? former, BrickDirectory.ReadVolumeId(_nodes[2].Brick(1), out _));
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(_nodes[1].Brick(1), "data")));
        if (volume is null)
        {
            await _nodes[1].Commands.CreateAsync(Request() with { Force = true }, Forever);
        }
    }

    /// <summary>The same for a start: the volume is started and served, or neither.</summary>
    [RootTheory]
    [MemberData(nameof(Cuts))]
    public async Task AStartThatIsCutShortIsWholeOrGone(int change, bool after, int victim)
    {
        await CreateAsync(_nodes[0]);
        await CutAsync(victim, change, after, () => _nodes[0].Commands.StartAsync("demo", force: false, Forever));
        await AssertNothingIsUnderWayAsync();
        var started = _nodes[2].Commands.Find("demo").Status == VolumeStatus.Started;
        await UntilAsync(() => _nodes.All(n => n.Supervisor.StateOf(n.Brick(1)).Online == started));
        await UntilAsync(() => _nodes.All(n => n.Processes.Running is not null == started));
    }

    public static TheoryData<int, bool> CutsOfOne()
    {
        var cuts = new TheoryData<int, bool>();
        for (var change = 1; change <= CutsMax; change++)
        {
            cuts.Add(change, false);
            cuts.Add(change, true);
        }

        return cuts;
    }

    /// <summary>Of copies that journals keep: volume, keys and journals are all there, or none of them.</summary>
    [RootTheory]
    [MemberData(nameof(CutsOfOne))]
    public async Task ACreateWithJournalsThatIsCutShortIsWholeOrGone(int change, bool after)
    {
        var request = Request() with { ReplicaCount = Nodes };
        await CutAsync(victim: 0, change, after, () => _nodes[0].Commands.CreateAsync(request, Forever));
        await AssertNothingIsUnderWayAsync();
        var volume = _nodes[2].Catalog.Find("demo");
        var keys = await _store.RangeAsync(KeyRange.Prefix("rs/"), Forever);
        if (volume is null)
        {
            Assert.Empty(keys);
            Assert.All(_nodes, n => Assert.False(Directory.Exists(n.Brick(1))));
            volume = await _nodes[1].Commands.CreateAsync(request, Forever);
        }
        else
        {
            Assert.Equal([$"rs/{volume.Id}/0/conf"], keys.Select(k => k.Key));
        }

        Assert.All(volume.Bricks, b => Assert.Equal(b.Incarnation, JournalVolumeTests.IncarnationOf(b.Path)));
    }

    /// <summary>
    /// The volume, the wanted members and the journal are all new, or all of before. Node 0 got the command, node 1 has
    /// the new brick.
    /// </summary>
    [RootTheory]
    [MemberData(nameof(Cuts))]
    public Task AReplacementThatIsCutShortIsWholeOrGone(int change, bool after, int victim) =>
        ReplaceCutShortAsync(change, after, victim, isRenewal: false);

    /// <summary>The same of a new member in the directory of the old one.</summary>
    [RootTheory]
    [MemberData(nameof(Cuts))]
    public Task ARenewalThatIsCutShortIsWholeOrGone(int change, bool after, int victim) =>
        ReplaceCutShortAsync(change, after, victim, isRenewal: true);

    private async Task ReplaceCutShortAsync(int change, bool after, int victim, bool isRenewal)
    {
        const int Renewed = 1;
        var before = await _nodes[0].Commands.CreateAsync(Request() with { ReplicaCount = Nodes }, Forever);
        await _nodes[0].Commands.StartAsync("demo", force: false, Forever);
        var source = before.Bricks[Renewed];
        var target = isRenewal ? source.Path : _nodes[Renewed].Brick(2);
        if (isRenewal)
        {
            await _nodes[0].Commands.ResetBrickAsync("demo", source.FullName, Forever);
            Directory.Delete(source.JournalDirectory, recursive: true);
        }

        var request = new ReplaceBrickRequest(source.FullName, $"n1:{target}") { IsReset = isRenewal, Force = true };
        await CutAsync(
            victim, change, after, () => _nodes[0].Commands.ReplaceBrickAsync("demo", request, Forever));
        await AssertNothingIsUnderWayAsync();
        await UntilAsync(() => _nodes.All(n => n.Supervisor.StateOf(n.Brick(1)).Online || n == _nodes[Renewed]));
        var wanted = await _store.RangeAsync(KeyRange.Prefix($"rs/{before.Id}/0/want"), Forever);

        // What a node shows of a volume comes a moment after the store has it.
        await UntilAsync(() => _nodes[2].Commands.Find("demo").ReplicaSets[0].NextMember > Nodes == (wanted.Count > 0));
        var volume = _nodes[2].Commands.Find("demo");
        if (volume.ReplicaSets[0].NextMember == Nodes)
        {
            Assert.Empty(wanted);
            Assert.Equal(before.Bricks.Select(b => b.Incarnation), volume.Bricks.Select(b => b.Incarnation));
            Assert.Equal(isRenewal, Directory.Exists(target));
            Assert.False(Directory.Exists(Path.Combine(target, ".glusterfs", "journal")));
            volume = await _nodes[0].Commands.ReplaceBrickAsync("demo", request, Forever);
        }
        else
        {
            Assert.Single(wanted);
        }

        Assert.Equal((Nodes, target), (volume.Bricks[Renewed].Member, volume.Bricks[Renewed].Path));
        await UntilAsync(() => _nodes[Renewed].Supervisor.StateOf(target).Online);
        Assert.Equal(
            volume.Bricks[Renewed].Incarnation,
            JournalVolumeTests.IncarnationOf(target, Replication.Engine.MemberStatus.Learner));
    }

    private CreateRequest Request() => new("demo", [.. _nodes.Select((n, i) => $"n{i}:{n.Brick(1)}")]);

    private static VolumeTarget Expecting(Volume volume) =>
        new(volume.Name, Precondition.Read(VolumeTarget.TagOf(volume), default));

    private static async Task<(Volume? Volume, CommandException? Problem)> OutcomeAsync(Task<Volume> command)
    {
        try
        {
            return (await command, null);
        }
        catch (CommandException e)
        {
            return (null, e);
        }
    }

    private Task<Volume> CreateAsync(FakeNode on) => on.Commands.CreateAsync(Request(), Forever);

    /// <summary>Runs a command with a node whose store is cut, then starts that node again with a good one.</summary>
    private async Task CutAsync(int victim, int change, bool after, Func<Task> command)
    {
        await KillAsync(victim);
        var crashing = new CrashingStore(_store, change, after) { IsArmed = false };
        _nodes[victim].Store = crashing;
        await _nodes[victim].StartAsync();
        await AllAreHeardOfAsync();
        crashing.IsArmed = true;
        try
        {
            await command();
        }
        catch (Exception e) when (e is CommandException or StateStoreException)
        {
            // Not answered, or refused because the other one went.
        }

        await KillAsync(victim);
        _nodes[victim].Store = _store;
        await _nodes[victim].StartAsync();
        await AllAreHeardOfAsync();
    }

    /// <summary>Ends when the others know: what they see of a former run says nothing about the next one.</summary>
    private async Task KillAsync(int victim)
    {
        var node = _nodes[victim];
        await node.KillAsync();
        await UntilAsync(() => _nodes.All(n => n == node || !n.Session.View.IsAlive(node.NodeId)));
    }

    private Task AllAreHeardOfAsync() =>
        UntilAsync(() => _nodes.All(n => _nodes.All(other => n.Session.View.IsAlive(other.NodeId))));

    private async Task AssertNothingIsUnderWayAsync()
    {
        await UntilAsync(() => _nodes.All(n => n.Session.View.Ops.Rows.IsEmpty));
        Assert.Empty(await _store.RangeAsync(KeyRange.Prefix("part/"), Forever));
        Assert.Empty(await _store.RangeAsync(KeyRange.Prefix("lock/"), Forever));
    }

    private List<string> Events() => [.. _nodes[0].Session.View.Events.Rows.Values.Select(r => r.Value.Type)];
}
