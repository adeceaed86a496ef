using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.CommandLine;
using Myrmex.Management.Etcd;
using Myrmex.Management.NodeApi;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Unit.Tests.Management.BrickAdmin;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Nodes;

/// <summary>Daemons that join and leave, over real connections and stores in memory.</summary>
public sealed class NodeClusterTests : IAsyncLifetime
{
    private readonly SteeredTime _time = new();
    private readonly MemoryStore _shared;
    private readonly List<TestDaemon> _daemons = [];

    public NodeClusterTests() => _shared = new MemoryStore(_time);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var daemon in _daemons)
        {
            await daemon.DisposeAsync();
        }
    }

    [Fact]
    public async Task ProbedNodeBecomesAMemberOfTheSameStore()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        Assert.Equal("success", await ProbeAsync(first, second));
        await second.NextAsync();
        Assert.True(second.IsShared);
        Assert.Equal(first.Services.Identity.Current.ClusterId, second.Services.Identity.Current.ClusterId);
        var seen = second.Services.Peers.Status();
        Assert.Equal([first.Host, second.Host], seen.Select(p => p.Name));
        Assert.Equal([false, true], seen.Select(p => p.IsLocal));
        await AliveAsync(first, second.Id);
        Assert.All(first.Services.Peers.Status(), p => Assert.True(p.Connected));
        Assert.Equal([1L, 2L], first.Services.Directory.All.Select(r => r.Sequence));
        Assert.Empty(await Leftovers(second));
    }

    [Fact]
    public async Task JoiningFromOutsideBecomesAMember()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2);
        await second.Services.JoinAsync(first.Target, await TokenAsync(first), CancellationToken.None);
        await second.NextAsync();
        Assert.True(second.IsShared);
        await AliveAsync(first, second.Id);
        var refused = await Assert.ThrowsAsync<CommandException>(
            () => second.Services.JoinAsync(first.Target, null, CancellationToken.None));
        Assert.Contains("token", refused.Message);
        refused = await Assert.ThrowsAsync<CommandException>(
            async () => await second.Services.JoinAsync(
                first.Target, await TokenAsync(first), CancellationToken.None));
        Assert.Equal("this node is already part of a cluster", refused.Message);
    }

    [Fact]
    public async Task ProbesThatAreNotNeededSaySo()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        Assert.Equal("Probe on localhost not needed", await ProbeAsync(first, "localhost"));
        Assert.Equal("Probe on localhost not needed", await ProbeAsync(first, first.Host));
        Assert.Equal("Probe on localhost not needed", await ProbeAsync(first, first.Target));
        await ProbeAsync(first, second);
        await second.NextAsync();
        await AliveAsync(first, second.Id);
        Assert.Equal("Host 127.77.1.2 port 24007 already in peer list", await ProbeAsync(first, second));
        Assert.Equal("Host 127.77.1.1 port 24007 already in peer list", await ProbeAsync(second, first));
        await second.KillAsync();
        Assert.Equal("Host 127.77.1.2 port 24007 already in peer list", await ProbeAsync(first, second));
    }

    [Fact]
    public async Task ProbesThatCannotBeAreRefusedInGlusterFsWords()
    {
        var first = await StartFirstAsync();
        var busy = await StartFreeAsync(2, first);
        await busy.Local.PutAsync(StateKeys.Volume("v"), "x"u8.ToArray(), CancellationToken.None);
        await RefusedAsync(first, busy.Target, "127.77.1.2 is either already part of another cluster or having volumes configured");
        var others = new MemoryStore(_time);
        var other = await Track(new TestDaemon(3, others, _time.Seams, startsShared: true)).StartAsync();
        await other.WriteTokenAsync(await TokenAsync(first));
        await RefusedAsync(first, other.Target, "127.77.1.3 is either already part of another cluster or having volumes configured");
        await RefusedAsync(first, "bad host", "bad host is an invalid address");
        await RefusedAsync(first, "h:0", "h:0 is an invalid address");
        await RefusedAsync(first, "127.77.1.99:1", "Probe returned with Transport endpoint is not connected");
        Assert.Single(first.Services.Directory.All);
    }

    [Fact]
    public async Task EmbeddedStoreRefusesAProbeWithAdvice()
    {
        var first = await StartFreeAsync(1);
        var second = await StartFreeAsync(2, first);
        await RefusedAsync(first, second.Target, "the state of this cluster is in a file of this node");
        Assert.False(second.IsShared);
    }

    [Fact]
    public async Task ANodeThatMovesToAStoreOfItsOwnIsNotTakenIn()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        await BeginMoveAsync(second.Local);
        await RefusedAsync(first, second.Target, "127.77.1.2 is either already part of another cluster");
        Assert.Empty(await Leftovers(second));
        await second.Local.DeleteAsync(StoreMoveRecord.Key, CancellationToken.None);
        Assert.Equal("success", await ProbeAsync(first, second));
    }

    [Fact]
    public async Task AMoveThatBeginsWhileTheNodeIsTakenInComesFirst()
    {
        var first = await StartFirstAsync();
        var second = Track(new TestDaemon(2, _shared, _time.Seams));
        second.Local = new MovingStore(second.Local);
        await second.StartAsync();
        await second.WriteTokenAsync(await TokenAsync(first));
        await RefusedAsync(first, second.Target, "127.77.1.2 is either already part of another cluster");
        Assert.NotNull(await second.Local.GetAsync(StoreMoveRecord.Key, CancellationToken.None));
        Assert.Empty(await Leftovers(second));
        Assert.Single(first.Services.Directory.All);
    }

    /// <summary>What would be changed in the old store would be missing in the new one.</summary>
    [Fact]
    public async Task WhileTheClusterMovesItsMembersAndSecretsAreNotChanged()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        var token = await TokenAsync(first);
        await BeginMoveAsync(_shared);
        foreach (var change in new Func<Task>[]
        {
            () => ProbeAsync(first, second), () => first.Services.Peers.TokenAsync(rotate: true, CancellationToken.None),
        })
        {
            var e = await Assert.ThrowsAsync<TransactionRefusedException>(change);
            Assert.Contains("being moved to another store; try again", e.Message);
        }

        Assert.Equal(token, await TokenAsync(first));
        Assert.Single(first.Services.Directory.All);
        await _shared.DeleteAsync(StoreMoveRecord.Key, CancellationToken.None);
        Assert.Equal("success", await ProbeAsync(first, second));
        await second.NextAsync();
        Assert.True(second.IsShared);
    }

    [Fact]
    public async Task NodeWithoutOrWithAnotherTokenIsNotTakenIn()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2);
        await RefusedAsync(first, second.Target, "127.77.1.2 does not have the join token of this cluster");
        await second.WriteTokenAsync(await TokenAsync(second));
        await RefusedAsync(first, second.Target, "127.77.1.2 does not have the join token of this cluster");
        var former = await TokenAsync(first);
        await first.Services.Peers.TokenAsync(rotate: true, CancellationToken.None);
        await second.WriteTokenAsync(former);
        await RefusedAsync(first, second.Target, "127.77.1.2 does not have the join token of this cluster");
        var refused = await Assert.ThrowsAsync<CommandException>(
            () => second.Services.JoinAsync(first.Target, former, CancellationToken.None));
        Assert.StartsWith("the join token is not that of the cluster", refused.Message);
        await second.WriteTokenAsync(await TokenAsync(first));
        Assert.Equal("success", await ProbeAsync(first, second));
    }

    [Fact]
    public async Task NoTokenIsNeededOnlyWhenBothSidesSaySo()
    {
        var first = await StartFirstAsync();
        var second = Track(new TestDaemon(2, _shared, _time.Seams));
        second.Options = second.Options with { AcceptAnyProbe = true };
        await second.StartAsync();
        await RefusedAsync(first, second.Target, "127.77.1.2 does not have the join token of this cluster");
        await first.KillAsync();
        first.Options = first.Options with { AcceptAnyProbe = true };
        await first.StartAsync();
        Assert.Equal("success", await ProbeAsync(first, second));
        var third = Track(new TestDaemon(3, _shared, _time.Seams));
        third.Options = third.Options with { AcceptAnyProbe = true };
        await third.StartAsync();
        await third.Services.JoinAsync(first.Target, token: null, CancellationToken.None);
        await third.NextAsync();
        Assert.True(third.IsShared);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SomeoneInTheMiddleLearnsNothingAndChangesNothing(bool isProbe)
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        await using var middle = new TlsRelay(isProbe ? second.Target : first.Target, _time.Seams);
        var refused = await Assert.ThrowsAsync<CommandException>(() => isProbe
            ? first.Services.Probe.RunAsync(middle.Target, CancellationToken.None)
            : second.Services.JoinAsync(middle.Target, null, CancellationToken.None));
        Assert.Contains("join token", refused.Message);
        Assert.True(middle.Connections > 0);
        Assert.Single(first.Services.Directory.All);
        Assert.Empty(await Leftovers(second));
    }

    [Fact]
    public async Task TwoMembersThatProbeOneNodeAtOnceGetOneMember()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        await ProbeAsync(first, second);
        await second.NextAsync();
        await AliveAsync(second, first.Id);
        for (var round = 0; round < 5; round++)
        {
            var third = await StartFreeAsync(10 + round, first);
            var answers = await Task.WhenAll(
                Outcome(() => ProbeAsync(first, third)), Outcome(() => ProbeAsync(second, third)));
            Assert.Contains(answers, a => a == "success" || a.Contains("already in peer list"));
            await third.NextAsync();
            Assert.True(third.IsShared);
            var record = (await new MemberChanges(_shared).FindAsync(third.Id, CancellationToken.None))!.Value.Record;
            Assert.Equal(third.Services.Identity.Current.Fingerprint, record.Fingerprint);
            await AliveAsync(first, third.Id);
        }
    }

    [Fact]
    public async Task DetachedNodeIsNobodyAtOnceAndGoesBackToBeAlone()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        await ProbeAsync(first, second);
        await second.NextAsync();
        await AliveAsync(first, second.Id);
        var (before, id) = (second.Services.Identity.Current, second.Id);
        await AliveAsync(second, first.Id);
        var record = first.Services.Directory.Find(first.Id)!;
        using var client = new NodeClient(() => before, _ => record, _time.Seams);
        var answer = await EchoAsync(client, first.Id);
        Assert.Equal(id, answer.NodeId);

        await first.Services.Peers.DetachAsync(second.Host, force: false, CancellationToken.None);
        await GoneAsync(first, id);
        var refused = await Assert.ThrowsAsync<CommandException>(() => EchoAsync(client, first.Id));
        Assert.Contains("is not part of the cluster", refused.Message);
        await second.NextAsync();
        Assert.False(second.IsShared);
        Assert.NotEqual(id, second.Id);
        Assert.NotEqual(before.ClusterId, second.Services.Identity.Current.ClusterId);
        Assert.Equal("success", await ProbeAsync(first, second));
    }

    [Fact]
    public async Task NodeThatWasAwayLearnsOfItsDetachWhenItComesBack()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        await ProbeAsync(first, second);
        await second.NextAsync();
        await AliveAsync(first, second.Id);
        var id = second.Id;
        await second.KillAsync();
        await GoneAsync(first, id, alive: true);
        var refused = await Assert.ThrowsAsync<CommandException>(
            () => first.Services.Peers.DetachAsync(second.Host, force: false, CancellationToken.None));
        Assert.Equal("One of the peers is probably down. Check with 'peer status'", refused.Message);
        await first.Services.Peers.DetachAsync(second.Host, force: true, CancellationToken.None);
        await second.StartAsync();
        Assert.False(second.IsShared);
        Assert.NotEqual(id, second.Id);
    }

    [Fact]
    public async Task NodeThatWasGivenTheStoreDoesNotEnterByItselfAfterADetach()
    {
        var first = await StartFirstAsync();
        var second = await Track(new TestDaemon(2, _shared, _time.Seams, startsShared: true)).StartAsync();
        await GoneAsync(first, second.Id, expected: true);
        await first.Services.Peers.DetachAsync(second.Host, force: true, CancellationToken.None);
        await second.NextAsync();
        Assert.False(second.IsShared);
        var entry = new NodeEntry(
            second.Options, second.Local, _shared, new MemberChanges(_shared), _time.Seams);
        await second.KillAsync();
        await second.Local.DeleteAsync(NodeKeys.LocalIdentity, CancellationToken.None);
        var refused = await Assert.ThrowsAsync<StateStoreException>(
            () => entry.OpenAsync(new NodeFacts("h", ["127.77.1.2"], 1, 2), CancellationToken.None));
        Assert.Contains("was detached from the cluster", refused.Message);
    }

    [Fact]
    public async Task DetachIsRefusedInGlusterFsWords()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        await ProbeAsync(first, second);
        await second.NextAsync();
        await DetachRefusedAsync(first, "nobody", "nobody is not part of cluster");
        await DetachRefusedAsync(first, first.Host, "127.77.1.1 is localhost");
        var sample = Volumes.SampleVolumes.Distribute(2);
        var volume = sample with { Bricks = [.. sample.Bricks.Select(b => b with { Node = second.Id })] };
        await _shared.PutAsync(StateKeys.Volume(volume.Name), VolumeJson.ToBytes(volume), CancellationToken.None);
        await DetachRefusedAsync(first, second.Host, "Peer 127.77.1.2 hosts one or more bricks.");
        await _shared.DeleteAsync(StateKeys.Volume(volume.Name), CancellationToken.None);
        await first.Services.Peers.DetachAsync(second.Host, force: true, CancellationToken.None);
    }

    [Fact]
    public async Task NodeClientTalksOnlyToTheNodeItMeans()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        await ProbeAsync(first, second);
        await second.NextAsync();
        await GoneAsync(first, second.Id, expected: true);
        Assert.Equal(second.Id, (await EchoAsync(second.Services.Client, first.Id)).NodeId);
        var misled = first.Services.Directory.Find(second.Id)! with
        {
            Addresses = [first.Host],
            NodePort = first.Services.NodePort,
        };
        using var client = new NodeClient(() => first.Services.Identity.Current, _ => misled, _time.Seams);
        await Assert.ThrowsAsync<NodeUnreachableException>(() => EchoAsync(client, second.Id));
        using var stranger = new NodeClient(
            () => TestIdentities.Stranger(_time.Seams), first.Services.Directory.Find, _time.Seams);
        await Assert.ThrowsAsync<NodeUnreachableException>(() => EchoAsync(stranger, second.Id));
    }

    [Fact]
    public async Task DeadAddressesCostLittle()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        await ProbeAsync(first, second);
        await second.NextAsync();
        await GoneAsync(first, second.Id, expected: true);
        // Addresses for documentation (RFC 5737): nobody answers, or the network refuses at once.
        var record = first.Services.Directory.Find(second.Id)! with
        {
            Names = ["192.0.2.1"],
            Addresses = ["192.0.2.2", "192.0.2.3", second.Host],
        };
        using var client = new NodeClient(() => first.Services.Identity.Current, _ => record, _time.Seams);
        var begunNs = _time.MonotonicNs;
        await EchoAsync(client, second.Id);
        Assert.True(_time.MonotonicNs - begunNs < 1_500_000_000);
        await second.KillAsync();
        begunNs = _time.MonotonicNs;
        await Assert.ThrowsAsync<NodeUnreachableException>(() => EchoAsync(client, second.Id));
        Assert.True(_time.MonotonicNs - begunNs < 2_000_000_000);
    }

    [Fact]
    public async Task ALongRequestIsGivenUpWhenNobodyIsThereAnyMore()
    {
        var first = await StartFirstAsync();
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Parse("127.77.13.9"), 0);
        silent.Start(); // It connects and never says a word, like a machine whose cable was pulled.
        var record = first.Services.Directory.Find(first.Id)! with
        {
            Names = ["127.77.13.9"],
            Addresses = [],
            HostName = "127.77.13.9",
            NodePort = ((System.Net.IPEndPoint)silent.LocalEndpoint).Port,
        };
        using var client = new NodeClient(() => first.Services.Identity.Current, _ => record, _time.Seams);
        var begunNs = _time.MonotonicNs;
        var e = await Assert.ThrowsAsync<NodeUnreachableException>(() => client.GetAsync(
            first.Id, "/v1/node/self", NodeJson.Default.NodeAnswer, CancellationToken.None, timeoutMs: 30_000));
        var tookMs = (_time.MonotonicNs - begunNs) / 1_000_000;
        Assert.InRange(tookMs, NodeLimits.RequestMs, NodeLimits.RequestMs + 2_000);
        Assert.Matches("no answer within [1-3][0-9]{3} ms", e.Message);
        Assert.False(await client.AnswersAsync(first.Id, CancellationToken.None));
    }

    [Fact]
    public async Task BricksOfAnotherNodeAreAskedThroughItsDaemon()
    {
        var first = await StartFirstAsync();
        var asked = new FakeBrickAdmin(r => r.Brick.Length == 0
            ? new BrickAnswer { Problem = "it is busy" } : new BrickAnswer { Text = r.StateDump?.Directory });
        var second = await StartFreeAsync(2, first);
        second.Bricks = asked;
        await ProbeAsync(first, second);
        await second.NextAsync();
        await GoneAsync(first, second.Id, expected: true);
        var remote = new RemoteBrickAdmin(first.Services.Client, second.Id);

        // Every node has its own directory for dumps.
        Assert.Equal("/dumps", await remote.StateDumpAsync("/b", "/elsewhere", ["mem"], CancellationToken.None));
        Assert.Equal(["mem"], asked.Requests.Single().StateDump!.Sections);
        var refused = await Assert.ThrowsAsync<BrickAdminException>(() => remote.MemoryAsync(CancellationToken.None));
        Assert.Equal(("it is busy", false), (refused.Message, refused.Unreachable));
        await second.KillAsync();
        refused = await Assert.ThrowsAsync<BrickAdminException>(() => remote.MemoryAsync(CancellationToken.None));
        Assert.True(refused.Unreachable);
    }

    [Fact]
    public async Task CommandsFromElsewhereProveThemselvesAndSayWhatIsWrong()
    {
        var first = await StartFirstAsync();
        var place = Directory.CreateTempSubdirectory("myrmex-unit-").FullName;
        var address = $"{first.Host}:{first.Services.NodePort}";
        ManagementClient To(string host, string directory) => new(host, directory, TimeSpan.FromSeconds(20));
        async Task<string> WhyAsync(string host, string directory)
        {
            var e = await Assert.ThrowsAsync<DaemonUnreachableException>(async () =>
            {
                using var client = To(host, directory);
                await client.AdministratorsAsync();
            });
            return e.Message;
        }

        try
        {
            var mine = Path.Combine(place, "mine");
            Assert.StartsWith($"There is no certificate for {first.Host} in {mine}", await WhyAsync(address, mine));
            await MakeCertificateAsync(first, "ann", mine);
            await EventuallyAsync(() => first.Services.Directory.IsAdministrator(
                "ann", TestIdentities.FingerprintOf(File.ReadAllText(Path.Combine(mine, "admin.pem")))));
            using (var client = To(address, mine))
            {
                Assert.Equal("ann", Assert.Single(await client.AdministratorsAsync()).Name);
                Assert.Equal(CommandFailure.NotFound, (await Assert.ThrowsAsync<CommandException>(
                    () => client.RevokeAsync("bob"))).Failure);
            }

            Assert.Contains("does not answer", await WhyAsync($"{first.Host}:1", mine));
            var theirs = Path.Combine(place, "theirs");
            Directory.CreateDirectory(theirs);
            var other = TestIdentities.Stranger(_time.Seams);
            foreach (var file in new[] { "admin.key", "admin.pem" })
            {
                File.Copy(Path.Combine(mine, file), Path.Combine(theirs, file));
            }

            File.WriteAllText(Path.Combine(theirs, "ca.pem"), other.Authority.ExportCertificatePem());
            Assert.Contains("is not a node of the cluster", await WhyAsync(address, theirs));
            var (endedKey, ended) = TestIdentities.Ended(_time.Seams);
            File.WriteAllText(Path.Combine(theirs, "admin.key"), endedKey);
            File.WriteAllText(Path.Combine(theirs, "admin.pem"), ended);
            Assert.Matches("ended on [0-9-]{10}; make a new one", await WhyAsync(address, theirs));
            File.WriteAllText(Path.Combine(theirs, "admin.key"), "no key");
            Assert.Contains("cannot be used", await WhyAsync(address, theirs));
            await first.Services.Administrators.RevokeAsync("ann", CancellationToken.None);
            await EventuallyAsync(() => !first.Services.Directory.IsAdministrator(
                "ann", TestIdentities.FingerprintOf(File.ReadAllText(Path.Combine(mine, "admin.pem")))));
            Assert.Contains("does not take the certificate", await WhyAsync(address, mine));
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }

    private static async Task MakeCertificateAsync(TestDaemon daemon, string name, string directory)
    {
        var request = AdministratorCommands.NewRequest(name, out var key);
        using (key)
        {
            AdministratorCommands.WriteFiles(
                directory, key, await daemon.Services.Administrators.IssueAsync(name, request, CancellationToken.None));
        }
    }

    [Fact]
    public async Task AdministratorsUseTheirPathsUntilTheyAreRevoked()
    {
        var first = await StartFirstAsync();
        var request = AdministratorCommands.NewRequest("ann", out var key);
        using (key)
        {
            var issued = await first.Services.Administrators.IssueAsync("ann", request, CancellationToken.None);
            using var http = TestIdentities.Client(first.Services, issued.Certificate, key);
            await EventuallyAsync(() => first.Services.Directory.IsAdministrator(
                "ann", TestIdentities.FingerprintOf(issued.Certificate)));
            Assert.Equal("admin:ann", await http.GetStringAsync("/v1/admin-echo"));
            Assert.Equal(403, (int)(await http.GetAsync("/v1/node/echo")).StatusCode);
            using var nothing = new System.Net.Http.StringContent(string.Empty);
            var token = await (await http.PostAsync("/v1/cluster/token", nothing)).Content.ReadAsStringAsync();
            Assert.Contains(await TokenAsync(first), token);
            Assert.Contains("\"name\":\"ann\"", await http.GetStringAsync("/v1/cluster/administrators"));
            Assert.Equal(404, (int)(await http.DeleteAsync("/v1/cluster/administrators/bob")).StatusCode);
            var listed = Assert.Single(await first.Services.Administrators.ListAsync(CancellationToken.None));
            Assert.Equal("ann", listed.Name);
            await first.Services.Administrators.RevokeAsync("ann", CancellationToken.None);
            await EventuallyAsync(() => !first.Services.Directory.IsAdministrator(
                "ann", TestIdentities.FingerprintOf(issued.Certificate)));
            Assert.Equal(403, (int)(await http.GetAsync("/v1/admin-echo")).StatusCode);
        }

        using var anyone = TestIdentities.Client(first.Services, certificate: null, key: null);
        Assert.Equal(200, (int)(await anyone.GetAsync("/v1/health")).StatusCode);
        Assert.Equal(401, (int)(await anyone.GetAsync("/v1/admin-echo")).StatusCode);
        Assert.Equal(401, (int)(await anyone.GetAsync("/v1/node/self")).StatusCode);
    }

    [Fact]
    public async Task MembersHaveLabelsAndFurtherNames()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        await ProbeAsync(first, second);
        await second.NextAsync();
        var labelled = await first.Services.Peers.LabelAsync(
            second.Host, [KeyValuePair.Create("rack", "r1"), KeyValuePair.Create("site", "a")], CancellationToken.None);
        Assert.Equal("r1", labelled.Labels["rack"]);
        labelled = await first.Services.Peers.LabelAsync(
            second.Host, [KeyValuePair.Create("rack", "")], CancellationToken.None);
        Assert.Equal(["site"], labelled.Labels.Keys);
        await Assert.ThrowsAsync<CommandException>(() => first.Services.Peers.LabelAsync(
            second.Host, [KeyValuePair.Create("a b", "c")], CancellationToken.None));

        // Another address of the same daemon would be another name; here a name of the machine leads to it.
        await AliveAsync(first, second.Id);
        await second.KillAsync();
        second.Options = second.Options with { Bind = "0.0.0.0" };
        await second.StartAsync();
        Assert.Equal(
            "Host 127.77.1.3 port 24007 already in peer list",
            await ProbeAsync(first, $"127.77.1.3:{second.Services.NodePort}"));
        await EventuallyAsync(() => first.Services.Directory.Find(second.Id)!.HasName("127.77.1.3"));
        Assert.Equal(["127.77.1.3"], first.Services.Peers.Status()[1].OtherNames);
    }

    /// <summary>
    /// The probed node is killed around every change of its file: afterwards it is alone or a member, and the next probe
    /// makes it a member.
    /// </summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task ProbedNodeMayBeKilledAtEveryStep(int change, bool after)
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        var file = second.Local;
        await second.KillAsync();
        var crashing = new CrashingStore(file, change, after) { IsArmed = false };
        second.Local = crashing;
        await second.StartAsync();
        crashing.IsArmed = true;
        await Outcome(() => ProbeAsync(first, second));
        Assert.True(crashing.HasCrashed);
        await second.KillAsync();
        second.Local = file;
        await second.StartAsync();
        if (!second.IsShared)
        {
            var answer = await Outcome(() => ProbeAsync(first, second));
            Assert.True(answer is "success" || answer.Contains("already in peer list"), answer);
            await second.NextAsync();
        }

        Assert.True(second.IsShared);
        Assert.Equal(2, (await new MemberChanges(_shared).ReadAsync(CancellationToken.None)).Nodes.Count);
        await AliveAsync(first, second.Id);
    }

    /// <summary>The member is killed around its change of the store; another probe, or the node itself, ends the join.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ProbingMemberMayBeKilledAtTheDecision(bool after)
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        var dying = new MemberChanges(new CrashingStore(_shared, 1, after));
        var probe = new PeerProbe(
            first.Options, _shared, first.Services.Identity, first.Services.Directory, dying,
            new AdmittingMember(_shared, dying, (_, _) => Task.FromResult(TestDaemon.SharedStore), _time.Seams),
            _time.Seams);
        await Assert.ThrowsAsync<StateStoreException>(() => probe.RunAsync(second.Target, CancellationToken.None));
        Assert.Equal(1, second.Sessions);
        if (after)
        {
            // The record is there: the node asks the members and learns that it is one.
            await PassUntilAsync(() => second.Sessions > 1, TimeSpan.FromSeconds(4));
        }
        else
        {
            Assert.Equal("success", await ProbeAsync(first, second));
        }

        await second.NextAsync();
        Assert.True(second.IsShared);
        Assert.Equal(2, (await new MemberChanges(_shared).ReadAsync(CancellationToken.None)).Nodes.Count);
    }

    [Fact]
    public async Task OfferThatDoesNotComeTrueIsForgotten()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        var dying = new MemberChanges(new CrashingStore(_shared, 1, after: false));
        var probe = new PeerProbe(
            first.Options, _shared, first.Services.Identity, first.Services.Directory, dying,
            new AdmittingMember(_shared, dying, (_, _) => Task.FromResult(TestDaemon.SharedStore), _time.Seams),
            _time.Seams);
        await Assert.ThrowsAsync<StateStoreException>(() => probe.RunAsync(second.Target, CancellationToken.None));
        Assert.NotEmpty(await Leftovers(second));
        await PassUntilAsync(() => Leftovers(second).Result.Count == 0, TimeSpan.FromSeconds(30));
        Assert.Equal(1, second.Sessions);
        Assert.False(second.IsShared);
    }

    [Fact]
    public async Task VolumesMadeMeanwhileKeepANodeAlone()
    {
        var first = await StartFirstAsync();
        var second = await StartFreeAsync(2, first);
        var dying = new MemberChanges(new CrashingStore(_shared, 1, after: true));
        var probe = new PeerProbe(
            first.Options, _shared, first.Services.Identity, first.Services.Directory, dying,
            new AdmittingMember(_shared, dying, (_, _) => Task.FromResult(TestDaemon.SharedStore), _time.Seams),
            _time.Seams);
        await Assert.ThrowsAsync<StateStoreException>(() => probe.RunAsync(second.Target, CancellationToken.None));
        await second.Local.PutAsync(StateKeys.Volume("v"), "x"u8.ToArray(), CancellationToken.None);
        await PassUntilAsync(() => second.Sessions > 1, TimeSpan.FromSeconds(4));
        Assert.False(second.IsShared);
        Assert.NotNull(await second.Local.GetAsync(StateKeys.Volume("v"), CancellationToken.None));
        Assert.Empty(await Leftovers(second));
    }

    [Fact]
    public async Task LostLeaseIsAskedForAgain()
    {
        var first = await StartFirstAsync();
        await EventuallyAsync(() => first.Services.Life.IsHeld);
        var lease = first.Services.Life.Lease;
        await _shared.RevokeLeaseAsync(lease, CancellationToken.None);
        Assert.Null(await _shared.GetAsync(NodeKeys.Life(first.Id), CancellationToken.None));
        await PassUntilAsync(
            () => first.Services.Life.IsHeld && first.Services.Life.Lease != lease, TimeSpan.FromSeconds(3));
        var life = await _shared.GetAsync(NodeKeys.Life(first.Id), CancellationToken.None);
        Assert.Equal("1.2.3", NodeLife.FromBytes(life!.Value.Span).Version);
    }

    private static async Task<string> Outcome(Func<Task<string>> probe)
    {
        try
        {
            return await probe();
        }
        catch (CommandException e)
        {
            return e.Message;
        }
    }

    private static Task<NodeAnswer> EchoAsync(NodeClient client, NodeId node) =>
        client.GetAsync(node, "/v1/node/echo", NodeJson.Default.NodeAnswer, CancellationToken.None);

    private static Task<string> TokenAsync(TestDaemon daemon) =>
        daemon.Services.Peers.TokenAsync(rotate: false, CancellationToken.None);

    private static Task<string> ProbeAsync(TestDaemon from, TestDaemon to) => ProbeAsync(from, to.Target);

    private static Task<string> ProbeAsync(TestDaemon from, string to) =>
        from.Services.Probe.RunAsync(to, CancellationToken.None);

    private static async Task RefusedAsync(TestDaemon from, string to, string begin)
    {
        var refused = await Assert.ThrowsAsync<CommandException>(() => ProbeAsync(from, to));
        Assert.StartsWith(begin, refused.Message);
    }

    private static async Task DetachRefusedAsync(TestDaemon from, string host, string begin)
    {
        var refused = await Assert.ThrowsAsync<CommandException>(
            () => from.Services.Peers.DetachAsync(host, force: true, CancellationToken.None));
        Assert.StartsWith(begin, refused.Message);
    }

    private static Task AliveAsync(TestDaemon seer, NodeId node) =>
        EventuallyAsync(() => seer.Services.Directory.IsAlive(node));

    private static Task GoneAsync(TestDaemon seer, NodeId node, bool alive = false, bool expected = false) =>
        EventuallyAsync(() => alive
            ? seer.Services.Directory.IsAlive(node) == expected
            : seer.Services.Directory.Find(node) is not null == expected);

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        for (var look = 0; !condition(); look++)
        {
            Assert.True(look < 1000, "it has not come to pass");
            await Task.Delay(10);
        }
    }

    private static async Task<IReadOnlyList<StateEntry>> Leftovers(TestDaemon daemon) =>
        await daemon.Local.RangeAsync(KeyRange.Single(NodeKeys.LocalJoin), CancellationToken.None);

    private async Task PassUntilAsync(Func<bool> condition, TimeSpan step)
    {
        for (var look = 0; !condition(); look++)
        {
            Assert.True(look < 300, "it has not come to pass");
            _time.Pass(step);
            await Task.Delay(20);
        }
    }

    private Task<TestDaemon> StartFirstAsync() =>
        Track(new TestDaemon(1, _shared, _time.Seams, startsShared: true)).StartAsync();

    /// <param name="cluster">Whose token it gets.</param>
    private async Task<TestDaemon> StartFreeAsync(int number, TestDaemon? cluster = null)
    {
        var daemon = await Track(new TestDaemon(number, _shared, _time.Seams)).StartAsync();
        if (cluster is not null)
        {
            await daemon.WriteTokenAsync(await TokenAsync(cluster));
        }

        return daemon;
    }

    private static Task<Revision> BeginMoveAsync(IStateStore store) => store.PutAsync(
        StoreMoveRecord.Key,
        new StoreMoveRecord("m", StoreMovePhase.Copying, new StoreChoice(StoreKind.External)).ToBytes(),
        CancellationToken.None);

    /// <summary>A move begins right before the offer of a cluster would be written down.</summary>
    private sealed class MovingStore(IStateStore inner) : ForwardingStore(inner)
    {
        public override async Task<TransactionResult> CommitAsync(
            StateTransaction transaction, CancellationToken cancellation)
        {
            if (transaction.Then.OfType<Operation.Put>().Any(p => p.Key == NodeKeys.LocalJoin))
            {
                await BeginMoveAsync(Inner);
            }

            return await Inner.CommitAsync(transaction, cancellation);
        }
    }

    private TestDaemon Track(TestDaemon daemon)
    {
        _daemons.Add(daemon);
        return daemon;
    }
}
