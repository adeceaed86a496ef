using System;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Host;
using Myrmex.Management.BrickAdmin;
using Myrmex.Protocol;
using Myrmex.Runtime.Linux;
using Myrmex.Unit.Tests.Volumes;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management.BrickAdmin;

/// <summary>
/// A brick process with a brick that has a journal: administrators see one brick, though it has two exports. The graph
/// is that of the volume file, over memory, with stand-ins for the translators of the journal.
/// </summary>
public sealed class JournalBrickViewTests : IDisposable
{
    private readonly ExportTable _exports = new();
    private readonly Volume _volume = SampleVolumes.Journals(2, 2);
    private readonly TranslatorGraph _graph;
    private readonly Myrmex.Host.BrickAdminService _service;
    private FakeJournal _journal = null!; // Set when the graph is built.

    public JournalBrickViewTests()
    {
        var document = new VolfileDocument();
        foreach (var block in BrickVolfile.Build(_volume, _volume.Bricks[0]).Blocks)
        {
            var type = block.Type switch
            {
                "storage/posix" or "protocol/client" => "storage/memory",
                var same => same,
            };
            var options = block.Type is "protocol/server" or "debug/io-stats" ? block.Options : [];
            document.Add(block.Name, type).Over(block.Subvolumes).Options.AddRange(options);
        }

        _graph = TranslatorGraph.Build(
            document,
            [
                Myrmex.Storage.MemoryTranslator.Registration, Myrmex.Features.Locks.Registration,
                Myrmex.Features.CacheLeases.CacheLeases.Registration,
                Myrmex.Features.Leases.Leases.Registration, Myrmex.Debug.IoStats.Registration,
                ServerTranslator.Registration(_exports), Several("cluster/journal", p => _journal = new FakeJournal(p)),
                Several("cluster/journal-client", p => new Door(p)),
            ],
            RealTime.Seams, new GraphOrigin());
        _graph.Start();
        _service = new Myrmex.Host.BrickAdminService(() => [_graph], _exports, LinuxClock.Shared);
    }

    public void Dispose() => _graph.Stop();

    [Fact]
    public void TheDoorAndTheMemberAreOneBrick()
    {
        var brick = Assert.Single(BrickView.Of(_graph));
        Assert.Equal(("/bricks/b1", "/bricks/b1.member"), (brick.Name, brick.Stats?.Name));
        Assert.Equal("features/leases", brick.Below.Type); // Over cluster/journal.
    }

    [Fact]
    public async Task ItsMembersTellOfThemselves()
    {
        var answer = await _service.AnswerAsync(new BrickRequest(BrickQuestion.Replicas, "/bricks/b1"));
        Assert.Equal([_journal.Report], answer.Replicas!.Members);
        _journal.IsSilent = true;
        var e = await Assert.ThrowsAsync<BrickAdminException>(
            () => _service.AnswerAsync(new BrickRequest(BrickQuestion.Replicas, "/bricks/b1")));
        Assert.Equal("the journal of the brick does not answer; see its log", e.Message);
    }

    [Fact]
    public async Task MetricsHaveTheJournalOnceAndDoNotWaitForASilentOne()
    {
        var lines = await MetricsAsync();
        Assert.Contains("myrmex_replica_role{brick=\"/bricks/b1\",role=\"leader\"} 1", lines);
        Assert.Contains("myrmex_replica_commit_index{brick=\"/bricks/b1\"} 120", lines);
        Assert.Contains("myrmex_replica_lag_entries{brick=\"/bricks/b1\",member=\"1\"} 4", lines);
        var samples = lines.Where(l => l.Length > 0 && l[0] != '#').Select(l => l[..l.LastIndexOf(' ')]).ToList();
        Assert.Equal(samples.Count, samples.Distinct().Count());
        _journal.IsSilent = true;
        lines = await MetricsAsync();
        Assert.DoesNotContain(lines, l => l.StartsWith("myrmex_replica", StringComparison.Ordinal));
        Assert.Contains("myrmex_brick_clients{brick=\"/bricks/b1\"} 0", lines);
    }

    /// <summary>All locks are at the member that leads; the others have none, and that is no error.</summary>
    [Fact]
    public async Task AMemberThatDoesNotLeadHasNoLocksToClear()
    {
        var request = new BrickRequest(BrickQuestion.ClearLocks, "/bricks/b1")
        {
            ClearLocks = new ClearLocksQuery("/file", LockKind.All, "posix", string.Empty),
        };
        _journal.IsRemote = true;
        Assert.Equal("No locks cleared.", (await _service.AnswerAsync(request)).Text);
        _journal.IsRemote = false;
        var e = await Assert.ThrowsAsync<BrickAdminException>(() => _service.AnswerAsync(request));
        Assert.Equal(VolumeAdmin.NoPath, e.Message);
    }

    private static TranslatorRegistration Several(string type, Func<TranslatorPlace, Translator> create) =>
        new(type, create, [], Maturity.Experimental) { SubvolumesMax = 16 };

    private async Task<string[]> MetricsAsync() =>
        (await _service.AnswerAsync(new BrickRequest(BrickQuestion.Metrics))).Text!.Split('\n');

    private sealed class Door(TranslatorPlace place) : Translator(place);

    private sealed class FakeJournal(TranslatorPlace place) : Translator(place), IReplicaReport
    {
        public ReplicaReport Report { get; } = new()
        {
            ReplicaSet = "set",
            Member = 0,
            Role = "leader",
            Status = "voter",
            Commit = 120,
            Peers = [new ReplicaPeerReport(1, Durable: 116, Lag: 4, SilentMs: 10)],
        };

        public bool IsSilent { get; set; }

        public bool IsRemote { get; set; }

        public Task<ReplicaReport> ReportAsync() =>
            IsSilent ? new TaskCompletionSource<ReplicaReport>().Task : Task.FromResult(Report);

        public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call) => IsRemote
            ? new ValueTask<LookupReply>(LookupReply.Fail(Errno.EREMOTE)) : base.Lookup(in fop, call);
    }
}
