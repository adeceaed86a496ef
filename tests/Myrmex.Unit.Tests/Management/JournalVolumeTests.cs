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
using Myrmex.Management.Cluster;
using Myrmex.Management.State;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// Commands on volumes whose copies are kept by journals, on one node: keys in the store, journals on disk, and
/// refusals. Needs root, for trusted attributes.
/// </summary>
public sealed class JournalVolumeTests : IAsyncLifetime
{
    private const string ArbiterProblem = "For arbiter configuration, replica count must be 2 or 3, and the arbiter count "
        + "1: 'replica 3 arbiter 1' and 'replica 2 arbiter 1' both make two copies and an arbiter, which is every third "
        + "brick";

    private static readonly CancellationToken Forever = CancellationToken.None;
    private readonly FakeNode _node = new();

    public async Task InitializeAsync() => await _node.StartAsync();

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [RootFact]
    public async Task CreateWritesTheKeysOfEachSetAndFormatsTheJournals()
    {
        var volume = await CreateAsync(3, 1, 2, 3, 4, 5, 6);
        Assert.Equal((ReplicationKind.Journal, 2), (volume.Replication, volume.ReplicaSets.Count));
        var entries = await KeysAsync();
        Assert.Equal([$"rs/{volume.Id}/0/conf", $"rs/{volume.Id}/1/conf"], entries.Select(e => e.Key));
        for (var place = 0; place < 2; place++)
        {
            var configuration = ReplicaConfiguration.Decode(entries[place].Value.Span)!;
            Assert.Equal(
                (1ul, ReplicaMode.Quorum, 2, 2),
                (configuration.Epoch, configuration.Mode, configuration.WriteQuorum, configuration.ElectionQuorum));
            Assert.Equal(
                volume.MembersAt(place).Select(b => (b.Member, b.Incarnation)),
                configuration.Members.Select(m => ((int?)m.Id.Value, m.Incarnation)));
        }

        Assert.Equal(6, volume.Bricks.Select(b => b.Incarnation).Distinct().Count());
        Assert.All(volume.Bricks, b => Assert.Equal(b.Incarnation, IncarnationOf(b.Path)));
    }

    /// <summary>GlusterFS has two ways to say it.</summary>
    [RootTheory]
    [InlineData(3)]
    [InlineData(2)]
    public async Task EveryThirdBrickIsAWitnessWhereThereIsAnArbiter(int replicas)
    {
        var volume = await _node.Commands.CreateAsync(
            new CreateRequest("demo", [.. Bricks(1, 2, 3, 4, 5, 6)])
            {
                ReplicaCount = replicas,
                ArbiterCount = 1,
                Force = true,
            },
            Forever);
        Assert.Equal((3, 1, "2 x (2 + 1) = 6"), (volume.ReplicaCount, volume.ArbiterCount, volume.BrickCountText));
        var entries = await KeysAsync();
        Assert.Equal([$"rs/{volume.Id}/0/conf", $"rs/{volume.Id}/1/conf"], entries.Select(e => e.Key));
        for (var place = 0; place < 2; place++)
        {
            var configuration = ReplicaConfiguration.Decode(entries[place].Value.Span)!;
            Assert.Equal(
                (ReplicaMode.Quorum, 2, 2),
                (configuration.Mode, configuration.WriteQuorum, configuration.ElectionQuorum));
            Assert.Equal([false, false, true], configuration.Members.Select(m => m.IsWitness));
        }

        Assert.All(volume.Bricks, b => Assert.Equal(b.Incarnation, IncarnationOf(b.Path)));
        var grown = await _node.Commands.AddBrickAsync(
            "demo", new AddBrickRequest([.. Bricks(7, 8, 9)], replicas, Force: true) { ArbiterCount = 1 }, Forever);
        Assert.True(grown.IsArbiter(grown.Bricks[8]));
        Assert.Equal(
            "the replica sets of this volume have an arbiter each, and new ones must too",
            await WhyNotAsync(_node.Commands.AddBrickAsync(
                "demo", new AddBrickRequest([.. Bricks(10, 11, 12)], 3, Force: true) { ArbiterCount = 0 }, Forever)));
    }

    [RootFact]
    public async Task JournalsWithADiskOfTheirOwnAreMadeThereIfTheirDirectoryIs()
    {
        var journals = Path.GetDirectoryName(_node.Brick(1))! + "/journals";
        Task<Volume> Create(string name, int replicas, params int[] bricks) => _node.Commands.CreateAsync(
            new CreateRequest(name, [.. Bricks(bricks)])
            {
                ReplicaCount = replicas,
                JournalDirectory = journals,
                Force = true,
            },
            Forever);
        Assert.StartsWith(
            $"There is no directory {journals} for the journal of brick ", await WhyNotAsync(Create("demo", 2, 1, 2)),
            StringComparison.Ordinal);
        Assert.Contains(
            "is for volumes whose copies are kept by a journal", await WhyNotAsync(Create("plain", 1, 1)),
            StringComparison.Ordinal);
        Directory.CreateDirectory(journals);
        var volume = await Create("demo", 2, 1, 2);
        Assert.All(volume.Bricks, b => Assert.StartsWith(journals + "/demo.", b.JournalDirectory, StringComparison.Ordinal));
        Assert.All(volume.Bricks, b => Assert.True(Directory.Exists(b.JournalDirectory)));
        Assert.Equal(2, Directory.GetDirectories(journals).Length);
        Assert.False(Directory.Exists(Path.Combine(volume.Bricks[0].Path, ".glusterfs/journal")));
    }

    [RootFact]
    public async Task AnArbiterCannotBeAddedToAVolumeWithoutOne()
    {
        await CreateAsync(3, 1, 2, 3);
        Assert.Equal(
            "an arbiter cannot be added to replica sets that have none in this version",
            await WhyNotAsync(_node.Commands.AddBrickAsync(
                "demo", new AddBrickRequest([.. Bricks(4, 5, 6)], 3, Force: true) { ArbiterCount = 1 }, Forever)));
    }

    [RootFact]
    public async Task OfTwoCopiesBothAreInStep()
    {
        var volume = await CreateAsync(2, 1, 2);
        var state = StoreState.From(new Revision(1), $"rs/{volume.Id}/0/", await KeysAsync());
        Assert.Equal((ReplicaMode.InSync, 1), (state.Configuration?.Mode, state.Configuration?.InSyncMin));
        Assert.Equal(0b11ul, state.InSync.Bits);
    }

    [RootTheory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    public async Task EveryNumberOfCopiesHasAConfigurationThatIsSound(int copies)
    {
        var volume = await CreateAsync(copies, [.. Enumerable.Range(1, copies)]);
        Assert.Null(ReplicaKeys.ConfigurationOf(volume, 0).Problem());
    }

    [RootFact]
    public async Task DeleteTakesTheKeysAndLeavesTheDirectories()
    {
        await _node.CreateAsync("plain", 7);
        var other = await CreateAsync(2, "other", 8, 9);
        await CreateAsync(2, 1, 2);
        await _node.Commands.DeleteAsync("demo", Forever);
        Assert.All(await KeysAsync(), e => Assert.StartsWith($"rs/{other.Id}/", e.Key));
        Assert.NotEmpty(await KeysAsync());
        Assert.True(Directory.Exists(Path.Combine(_node.Brick(1), ".glusterfs", "journal")));
        await _node.Commands.DeleteAsync("plain", Forever);
        Assert.NotEmpty(await KeysAsync());
    }

    [RootTheory]
    [InlineData("file", "it is not empty: there is data")]
    [InlineData("internals", "it is not empty: there is .glusterfs")]
    [InlineData("xattr", "it has the extended attribute trusted.gfid")]
    [InlineData("mode", "its owner is 0:0 and its mode 700, not 0:0 and 755")]
    public async Task MembersBeginWithNothingWhateverForceSays(string what, string reason)
    {
        var brick = Directory.CreateDirectory(_node.Brick(2)).FullName;
        switch (what)
        {
            case "file":
                await File.WriteAllTextAsync(Path.Combine(brick, "data"), "kept");
                break;
            case "internals":
                Directory.CreateDirectory(Path.Combine(brick, ".glusterfs"));
                break;
            case "xattr":
                Sys.PathSetXattr(brick, "trusted.gfid", new Gfid(0, 1).ToArray());
                break;
            default:
                File.SetUnixFileMode(brick, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                break;
        }

        Assert.Equal(
            $"The bricks of a replica set must begin equal, and brick localhost:{brick} cannot be one: {reason}. "
            + "Name a directory that is empty or does not exist; 'force' does not help.",
            await WhyNotAsync(CreateAsync(2, 1, 2)));
        Assert.False(Directory.Exists(_node.Brick(1)));
        Assert.Empty(await KeysAsync());
        await _node.Commands.CreateAsync(
            new CreateRequest("plain", [$"localhost:{brick}"]) { Force = true }, Forever);
    }

    [RootFact]
    public async Task AnEmptyDirectoryThatIsThereIsFine()
    {
        Directory.CreateDirectory(_node.Brick(1));
        var volume = await CreateAsync(2, 1, 2);
        Assert.Equal(volume.Bricks[0].Incarnation, IncarnationOf(_node.Brick(1)));
        Assert.All(volume.Bricks, b => Assert.Equal(
            "755", Convert.ToString((int)File.GetUnixFileMode(b.Path), 8)));
    }

    [RootTheory]
    [InlineData(4, 1, 4, ArbiterProblem)]
    [InlineData(1, 1, 3, ArbiterProblem)]
    [InlineData(3, 2, 3, ArbiterProblem)]
    [InlineData(2, 1, 4, "number of bricks is not a multiple of replica count: 4 bricks, replica 3")]
    [InlineData(8, 0, 8, "replica count should be 2 to 7, not 8")]
    [InlineData(0, 0, 1, "replica count should be 2 to 7, not 0")]
    [InlineData(3, 0, 4, "number of bricks is not a multiple of replica count: 4 bricks, replica 3")]
    [InlineData(2, 0, 114, "one command makes at most 56 replica sets; add the others with add-brick")]
    public async Task WhatCannotBeMadeIsRefused(int replicas, int arbiters, int bricks, string problem)
    {
        var request = new CreateRequest("demo", [.. Bricks([.. Enumerable.Range(1, bricks)])])
        {
            ReplicaCount = replicas,
            ArbiterCount = arbiters,
            Force = true,
        };
        Assert.Equal(problem, await WhyNotAsync(_node.Commands.CreateAsync(request, Forever)));
    }

    /// <summary>All sets that one command may make fit into the transaction that makes the change.</summary>
    [Fact]
    public void AsManySetsAsACommandTakesFitIntoATransaction()
    {
        const int OthersMax = 8; // Volume, op, lock, parts, event and its counter.
        const int Sets = Myrmex.Management.Limits.NewReplicaSetsMax;
        var keys = ReplicaKeys.Creation(Volumes.SampleVolumes.Journals(2 * Sets, 2), first: 0).Count;
        Assert.Equal(Sets * ReplicaKeys.KeysPerSetMax, keys);
        Assert.InRange(keys + OthersMax, 0, Myrmex.Coordination.Limits.TransactionOperationsMax);
    }

    [RootFact]
    public async Task CopiesOnOneNodeNeedForce()
    {
        var why = await WhyNotAsync(_node.Commands.CreateAsync(
            new CreateRequest("demo", [.. Bricks(1, 2)]) { ReplicaCount = 2 }, Forever));
        Assert.StartsWith("Multiple bricks of a replicate volume are present on the same server.", why);
        await CreateAsync(2, 1, 2);
        Assert.StartsWith("Multiple bricks of a replicate", await WhyNotAsync(AddAsync(force: false, 3, 4)));
    }

    [RootFact]
    public async Task AVolumeGrowsByWholeSets()
    {
        var volume = await CreateAsync(2, 1, 2);
        var grown = await AddAsync(force: true, 3, 4);
        Assert.Equal(volume.Bricks.Select(b => b.Incarnation), grown.Bricks.Take(2).Select(b => b.Incarnation));
        Assert.Equal([0, 1], grown.ReplicaSets.Select(s => s.Number));
        Assert.Equal(
            [$"rs/{volume.Id}/0/conf", $"rs/{volume.Id}/0/isr", $"rs/{volume.Id}/1/conf", $"rs/{volume.Id}/1/isr"],
            (await KeysAsync()).Select(e => e.Key));
        Assert.All(grown.Bricks, b => Assert.Equal(b.Incarnation, IncarnationOf(b.Path)));
        Assert.Equal("Incorrect number of bricks supplied 1 with count 2", await WhyNotAsync(AddAsync(force: true, 5)));
        Assert.Equal(
            "the number of copies of a volume cannot be changed in this version",
            await WhyNotAsync(_node.Commands.AddBrickAsync(
                "demo", new AddBrickRequest([.. Bricks(5, 6, 7)], ReplicaCount: 3, Force: true), Forever)));
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(_node.Brick(5)).FullName, "data"), "kept");
        Assert.Contains("it is not empty: there is data", await WhyNotAsync(AddAsync(force: true, 5, 6)));
        Assert.Equal(4, (await KeysAsync()).Count);
    }

    [RootFact]
    public async Task BricksThatCannotServeTakeTheirJournalsAndKeysWithThem()
    {
        var volume = await CreateAsync(2, 1, 2);
        await _node.Commands.StartAsync("demo", force: false, Forever);
        _node.Processes.Broken.Add(_node.Brick(4));
        await WhyNotAsync(AddAsync(force: true, 3, 4));
        Assert.False(Directory.Exists(_node.Brick(3)));
        Assert.False(Directory.Exists(_node.Brick(4)));
        Assert.All(await KeysAsync(), e => Assert.StartsWith($"rs/{volume.Id}/0/", e.Key));
        Assert.Equal(1, _node.Commands.Find("demo").NextReplicaSet);
    }

    /// <summary>A file that somebody put beside it keeps the directory, but not the journal.</summary>
    [RootFact]
    public void AJournalIsTakenBackWhateverLiesBesideIt()
    {
        var brick = new Brick("h", _node.Brick(1), 0, FakeNode.Id, 0) { Member = 0, Incarnation = 5 };
        var id = new VolumeId(new Gfid(1, 2));
        BrickDirectory.Mark(brick.Path, id, isSpread: false);
        BrickJournal.Format(brick, MemberStatus.Voter);
        BrickJournal.Format(brick, MemberStatus.Voter);
        Assert.Equal(5ul, IncarnationOf(brick.Path));
        File.WriteAllText(Path.Combine(brick.Path, "data"), "kept");
        BrickJournal.Remove(brick, new VolumeId(new Gfid(9, 9)));
        Assert.True(Directory.Exists(brick.JournalDirectory));
        BrickJournal.Remove(brick, id);
        Assert.False(Directory.Exists(brick.JournalDirectory));
        Assert.True(File.Exists(Path.Combine(brick.Path, "data")));
        BrickJournal.Remove(brick, id);
    }

    [RootFact]
    public async Task ANameThatIsAMembersIsNotForBricks()
    {
        await CreateAsync(2, 1, 2);
        var member = _node.Brick(1) + ".member";
        Assert.Equal(
            $"Brick: localhost:{member} not available. localhost:{_node.Brick(1)} is too like it: a name with .member "
            + "behind it stands for a member of a replica set.",
            await WhyNotAsync(_node.Commands.CreateAsync(new CreateRequest("x", [$"localhost:{member}"]), Forever)));
        await _node.Commands.CreateAsync(
            new CreateRequest("y", [$"localhost:{_node.Brick(3)}.member"]), Forever);
        await WhyNotAsync(CreateAsync(2, "z", 3, 4));
    }

    [RootFact]
    public async Task MembersFindTheirPortUnderTheirOwnNameAndClientsGetTheirOwnFile()
    {
        await CreateAsync(2, 1, 2);
        var volfiles = _node.Session.Volfiles;
        var member = _node.Brick(1) + ".member";
        Assert.Equal(0, volfiles.PortOf(member));
        await _node.Commands.StartAsync("demo", force: false, Forever);
        Assert.Equal(49152, volfiles.PortOf(_node.Brick(1)));
        Assert.Equal(49152, volfiles.PortOf(member));
        Assert.Equal(0, volfiles.PortOf(_node.Brick(3) + ".member"));
        Assert.Contains("type cluster/journal-client", volfiles.Spec("demo", _node.Session.Node.Id, isOurs: true));
        var stock = volfiles.Spec("demo", _node.Session.Node.Id, isOurs: false)!;
        Assert.DoesNotContain("cluster/journal-client", stock);
        Assert.Contains($"option remote-subvolume {_node.Brick(1)}\n", stock);
        var files = Directory.EnumerateFiles(_node.Options.VolfileDirectory);
        Assert.All(files, f => Assert.Contains("type cluster/journal\n", File.ReadAllText(f)));
        Assert.Equal(2, files.Count());
    }

    [RootFact]
    public async Task AnAuditFindsKeysWithoutAVolumeAndSetsWithoutKeysOrJournals()
    {
        var audit = new LocalAudit(
            _node.Options, _node.Session.View, _node.Session.Node, _node.Supervisor, _node.Session.Proxies,
            _node.Processes);
        var volume = await CreateAsync(2, 1, 2);
        Assert.Empty(audit.Look());
        Directory.Delete(volume.Bricks[0].JournalDirectory, recursive: true);
        await _node.Store.CommitAsync(
            StateTransaction.Always(
                Operation.DeleteKey($"rs/{volume.Id}/0/conf"), Operation.PutValue("rs/other/0/term", new byte[] { 1 })),
            Forever);
        await _node.Session.View.WaitAsync(
            () => _node.Session.View.Find("rs/other/0/term") is not null, 5_000, RealTime.Seams, Forever);
        Assert.Equal(
            [
                "rs/other/0/term is of a volume that does not exist",
                $"rs/{volume.Id}/0/conf of volume demo is missing",
                $"brick localhost:{_node.Brick(1)} of volume demo has no journal",
            ],
            audit.Look());
    }

    [RootFact]
    public async Task OptionsThatAJournalCannotHonourAreRefused()
    {
        await CreateAsync(2, 1, 2);
        Assert.Equal(
            "'option cluster.quorum-count 1' cannot be had on a volume whose copies are kept by a journal: how many "
            + "copies a change needs follows from their number; leave the option out",
            await WhyNotAsync(_node.Commands.SetAsync(
                "demo", [new VolumeSetting("cluster.quorum-count", "1")], Forever)));
        await _node.Commands.SetAsync("demo", [new VolumeSetting("cluster.quorum-type", "auto")], Forever);
    }

    /// <summary>The members hear of it by the members that are wanted, in the transaction that changes the volume.</summary>
    [RootFact]
    public async Task WhereChangesAreWhenTheyAreAnsweredIsWrittenDownForTheMembers()
    {
        await CreateAsync(2, 1, 2);
        Assert.False(await WantedMemoryAsync());
        await _node.Commands.SetAsync("demo", [new VolumeSetting("journal.acknowledge", "memory")], Forever);
        Assert.True(await WantedMemoryAsync());
        await _node.Commands.SetAsync("demo", [new VolumeSetting("journal.sync-interval", "20")], Forever);
        Assert.True(await WantedMemoryAsync());
        await _node.Commands.ResetAsync("demo", "journal.acknowledge", false, Forever);
        Assert.False(await WantedMemoryAsync());
    }

    private async Task<bool> WantedMemoryAsync() => (await KeysAsync())
        .Where(k => k.Key.ToString().EndsWith("/0/want", StringComparison.Ordinal))
        .Select(k => ReplicaConfiguration.Decode(k.Value.Span)!.AllowsMemory).SingleOrDefault();

    internal static ulong IncarnationOf(string brick, MemberStatus status = MemberStatus.Voter)
    {
        var options = new JournalOptions { Path = Path.Combine(brick, ".glusterfs", "journal") };
        var error = ReplicaJournal.Open(LinuxDisk.Shared, options, out var journal, out var problem);
        Assert.True(error == Errno.Ok, problem);
        using (journal)
        {
            Assert.Equal((status, 0ul), (journal!.State.Status, journal.Last.Value));
            return (ulong)journal.State.Incarnation;
        }
    }

    private static async Task<string> WhyNotAsync(Task command) =>
        (await Assert.ThrowsAsync<CommandException>(() => command)).Message;

    private Task<Volume> CreateAsync(int copies, params int[] bricks) => CreateAsync(copies, "demo", bricks);

    private Task<Volume> CreateAsync(int copies, string name, params int[] bricks) => _node.Commands.CreateAsync(
        new CreateRequest(name, [.. Bricks(bricks)]) { ReplicaCount = copies, Force = true }, Forever);

    private Task<Volume> AddAsync(bool force, params int[] bricks) => _node.Commands.AddBrickAsync(
        "demo", new AddBrickRequest([.. Bricks(bricks)], ReplicaCount: 0, force), Forever);

    private IEnumerable<string> Bricks(params int[] bricks) => bricks.Select(b => $"localhost:{_node.Brick(b)}");

    private async Task<IReadOnlyList<StateEntry>> KeysAsync() =>
        await _node.Store.RangeAsync(KeyRange.Prefix("rs/"), Forever);
}
