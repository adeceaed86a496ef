using System.Linq;
using System.Threading.Tasks;
using Myrmex.Graph;
using Myrmex.Management;
using Myrmex.Management.CommandLine;
using Myrmex.Management.Http;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// <c>volume heal</c> and <c>volume status VOL replication</c>: member 1 of a set of three leads, member 0 is two
/// entries behind, and member 2 does not answer. Text and XML as glfsheal 10.3 prints them.
/// </summary>
public sealed class HealCliTests
{
    private readonly FakeClient _client = new() { Replication = Sample() };

    [Fact]
    public async Task InfoSaysHowManyEntriesEachBrickLacks() => Assert.Equal(
        (0,
        """
        Brick h:/b0
        Status: Connected
        Number of entries: 2

        Brick h:/b1
        Status: Connected
        Number of entries: 0

        Brick h:/b2
        Status: Transport endpoint is not connected
        Number of entries: -


        """, string.Empty), await RunAsync("volume heal demo info"));

    [Fact]
    public async Task InfoSummaryAndSplitBrainAreGlusterFSText()
    {
        var (code, output, _) = await RunAsync("volume heal demo info summary");
        Assert.Equal(0, code);
        Assert.StartsWith(
            """
            Brick h:/b0
            Status: Connected
            Total Number of entries: 2
            Number of entries in heal pending: 2
            Number of entries in split-brain: 0
            Number of entries possibly healing: 0


            """, output);
        Assert.EndsWith("Number of entries in split-brain: -\nNumber of entries possibly healing: -\n\n", output);
        Assert.StartsWith(
            "Brick h:/b0\nStatus: Connected\nNumber of entries in split-brain: 0\n\nBrick",
            (await RunAsync("volume heal demo info split-brain")).Output);
    }

    [Fact]
    public async Task TheXmlHasItsResultAtTheEnd()
    {
        var set = Sample().Sets[0];
        _client.Replication = Sample() with { Sets = [set with { Members = [.. set.Members.Skip(1)] }] };
        Assert.Equal(
            (0,
            """
            <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
            <cliOutput>
              <healInfo>
                <bricks>
                  <brick hostUuid="n1">
                    <name>h:/b1</name>
                    <status>Connected</status>
                    <numberOfEntries>0</numberOfEntries>
                  </brick>
                  <brick hostUuid="-">
                    <name>h:/b2</name>
                    <status>Transport endpoint is not connected</status>
                    <numberOfEntries>-</numberOfEntries>
                  </brick>
                </bricks>
              </healInfo>
              <opRet>0</opRet>
              <opErrno>0</opErrno>
              <opErrstr/>
            </cliOutput>

            """, string.Empty), await RunAsync("volume heal demo info --xml"));
        Assert.Contains(
            "<totalNumberOfEntries>0</totalNumberOfEntries>",
            (await RunAsync("volume heal demo info summary --xml")).Output);
    }

    [Fact]
    public async Task ARefusalIsInGlusterFSWords()
    {
        const string Reason =
            "This command is supported for only volumes of replicate/disperse type. "
            + "Volume demo is not of type replicate/disperse";
        _client.Refusal = new CommandException(CommandFailure.Conflict, Reason);
        Assert.Equal((1, string.Empty, Reason + "\nVolume heal failed.\n"), await RunAsync("volume heal demo info"));
        Assert.Equal(
            (1,
            $"""
            <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
            <cliOutput>
              <healInfo>
                <bricks/>
              </healInfo>
              <opRet>-1</opRet>
              <opErrno>22</opErrno>
              <opErrstr>{Reason}</opErrstr>
            </cliOutput>

            """, string.Empty), await RunAsync("volume heal demo info --xml"));
        _client.Refusal = new CommandException(CommandFailure.NotFound, "Volume demo does not exist");
        Assert.Equal(
            (1, string.Empty,
                "Launching heal operation to perform index self heal on volume demo has been unsuccessful:\n"
                + "Volume demo does not exist\n"), await RunAsync("volume heal demo"));
        _client.Refusal = new CommandException(CommandFailure.Conflict, "Volume demo is not started");
        Assert.Equal(
            (1, string.Empty,
                "Launching heal operation to perform full self heal on volume demo has been unsuccessful:\n"
                + "Volume demo is not started.\n"), await RunAsync("volume heal demo full"));
    }

    [Theory]
    [InlineData("volume heal demo", "index")]
    [InlineData("volume heal demo full", "full")]
    public async Task AHealThatIsAskedForIsUnderWay(string line, string kind) => Assert.Equal(
        (0, $"Launching heal operation to perform {kind} self heal on volume demo has been successful \n"
            + "Use heal info commands to check status.\n", string.Empty), await RunAsync(line));

    [Fact]
    public async Task StatusReplicationIsATableASet()
    {
        const string Table = """
            Replication of volume: demo
            ----------------------------------------------
            Replica set 4 (quorum): member 1 leads
            In step: -  preferred: -
            Member Role      Status      Term   Committed     Applied   Behind     Lacks  Retained  Writes  Brick
            0      follower  voter          7         118         117        1         2    0.0MiB       -  h:/b0
            1      leader    voter          7         120         120        0         0    0.0MiB       -  h:/b1
            2      -         -              -           -           -        -         9         -       -  h:/b2
                   Brick is not running


            """;
        Assert.Equal((0, Table, string.Empty), await RunAsync("volume status demo replication"));
        var (code, output, _) = await RunAsync("volume status demo h:/b1 replication");
        Assert.Equal(0, code);
        Assert.DoesNotContain("/b0", output);
        Assert.Contains("/b1", output);
        Assert.Contains("\"replicaSet\"", (await RunAsync("volume status demo replication --json")).Output);
    }

    [Fact]
    public async Task TheLeaderSaysWhoIsInStepAndMembersWhatTheyRetain()
    {
        var set = Sample().Sets[0];
        var leader = set.Members[1] with
        {
            Report = set.Members[1].Report! with
            {
                InStep = [0, 1],
                RetainedBytes = 3 << 19,
                JournalPayloadBytes = 1000,
                JournalWrittenBytes = 1100,
                JournalSharedBytes = 850,
            },
        };
        _client.Replication = Sample() with
        {
            Sets = [set with { Members = [set.Members[0], leader, set.Members[2]], Preferred = 0 }],
        };
        var (_, table, _) = await RunAsync("volume status demo replication");
        Assert.Contains("\nIn step: 0,1  preferred: 0\n", table);
        Assert.Contains("1.5MiB   1.25x  h:/b1\n", table);
    }

    [Fact]
    public async Task LeaderListsWhoLeadsAndWhoShould()
    {
        Assert.Equal(
            (0,
            "Leaders of volume: demo\nSet   Term  Leader and preferred brick\n4        7  h:/b1\n\n", string.Empty),
            await RunAsync("volume leader demo"));
        _client.Replication = Sample() with { Sets = [Sample().Sets[0] with { Preferred = 0 }] };
        Assert.Contains("4        7  h:/b1\n            should be h:/b0\n", (await RunAsync("volume leader demo status")).Output);
        _client.Replication = Sample() with { Sets = [Sample().Sets[0] with { Leader = null }] };
        Assert.Contains("4        -  -\n", (await RunAsync("volume leader demo")).Output);
        Assert.Contains("\"preferred\"", (await RunAsync("volume leader demo --json")).Output);
    }

    [Fact]
    public async Task LeaderMovesAndForgets()
    {
        Assert.Equal(
            (0, "volume leader: success: h:/b0 leads, and should from now on\n", string.Empty),
            await RunAsync("volume leader demo move h:/b0"));
        Assert.StartsWith("volume leader: success: the leads spread", (await RunAsync("volume leader demo reset")).Output);
        Assert.Equal(["move lead demo h:/b0", "reset leads demo"], _client.Calls);
        Assert.Equal(1, (await RunAsync("volume leader demo move b0")).Code);
        Assert.Equal(1, (await RunAsync("volume leader demo move")).Code);
        Assert.Equal(1, (await RunAsync("volume leader demo h:/b0 move")).Code);
        Assert.Equal(2, _client.Calls.Count);
        _client.Refusal = new CommandException(CommandFailure.Failed, "h:/b1 keeps the lead: it does");
        Assert.Equal(
            (1, string.Empty, "volume leader: failed: h:/b1 keeps the lead: it does\n"),
            await RunAsync("volume leader demo move h:/b0"));
    }

    [Fact]
    public async Task AMemberThatIsCopiedSaysHowFarItIs()
    {
        var set = Sample().Sets[0];
        var copied = new ReplicaCopyReport(Peer: 1, Inodes: 0, InodesAll: 0, Bytes: 41, BytesAll: 100);
        ReplicaMemberMessage[] members =
        [
            set.Members[0] with { Copy = copied },
            set.Members[1],
            set.Members[2] with { Copy = copied with { Peer = 2, BytesAll = 0 } },
            set.Members[0] with { Report = set.Members[0].Report! with { NeedsCopy = true } },
        ];
        _client.Replication = Sample() with { Sets = [set with { Members = members }] };
        var (_, table, _) = await RunAsync("volume status demo replication");
        Assert.Contains("2    0.0MiB       -  h:/b0\n       copying 41 % from member 1\n1 ", table);
        Assert.Contains("       Brick is not running\n       copying from the leader\n", table);
        Assert.EndsWith("2    0.0MiB       -  h:/b0\n       waits for a copy\n\n", table);
        var (_, info, _) = await RunAsync("volume heal demo info");
        Assert.Contains("Number of entries: 2\nProgress: copying 41 % from member 1\n\nBrick h:/b1", info);
        Assert.DoesNotContain("Progress", (await RunAsync("volume heal demo info summary")).Output);
        Assert.Contains("\"percent\": 41", (await RunAsync("volume status demo replication --json")).Output);
    }

    [Theory]
    [InlineData(0, 0, 0, 0, null)]
    [InlineData(0, 10, 0, 0, 0)]
    [InlineData(5, 10, 0, 0, 50)]
    [InlineData(1, 1, 4096, 12_288, 50)]
    [InlineData(3, 1, 9, 9, 100)]
    public void EmptyFilesCountForSomething(int inodes, int inodesAll, int bytes, int bytesAll, int? percent) =>
        Assert.Equal(
            percent,
            new ReplicaCopyReport(0, (ulong)inodes, (ulong)inodesAll, (ulong)bytes, (ulong)bytesAll).Percent);

    [Fact]
    public async Task StatusOfAllShowsTheReplicationOfThoseThatHaveCopies()
    {
        _client.Volumes.Add(FakeClient.Volume("plain", "Started", "/b"));
        _client.Volumes.Add(FakeClient.Volume("copies", "Started", "/b", "/c") with { ReplicaCount = 2 });
        Assert.StartsWith("Replication of volume: copies\n", (await RunAsync("volume status all replication")).Output);
        Assert.Equal(["replication copies"], _client.Calls);
    }

    [Fact]
    public async Task ThereIsNoHealingDaemonToBeShown()
    {
        _client.Volumes.Add(FakeClient.Volume("demo", "Started", "/b", "/c") with { ReplicaCount = 2 });
        _client.Statuses["demo"] = new VolumeStatusMessage("demo", "id", [
            new BrickStatusMessage("h", "/b", "n", Online: true, 1, 2, Detail: null),
        ]);
        var (code, output, _) = await RunAsync("volume status demo shd");
        Assert.Equal(0, code);
        Assert.DoesNotContain("Brick", output);
    }

    private static ReplicationMessage Sample() => new("demo", [
        new ReplicaSetMessage(4, "set-id", "quorum", Leader: 1, [
            new ReplicaMemberMessage(0, "h", "/b0", "n0", Online: true, Lag: 2, Report("follower", 0, 118, 117), null),
            new ReplicaMemberMessage(1, "h", "/b1", "n1", Online: true, Lag: 0, Report("leader", 1, 120, 120), null),
            new ReplicaMemberMessage(2, "h", "/b2", "n2", Online: false, Lag: 9, Report: null, "Brick is not running"),
        ]),
    ]);

    private static ReplicaReport Report(string role, int member, ulong commit, ulong applied) => new()
    {
        ReplicaSet = "set-id",
        Member = member,
        Role = role,
        Status = "voter",
        Term = 7,
        Commit = commit,
        Applied = applied,
    };

    private async Task<(int Code, string Output, string Error)> RunAsync(string line)
    {
        using var output = new System.IO.StringWriter();
        using var error = new System.IO.StringWriter();
        var cli = new GlusterCli(
            _ => _client, new CliTerminal(new System.IO.StringReader(string.Empty), output, error), "1.2.3");
        var code = await cli.RunAsync(line.Split(' '));
        return (code, output.ToString(), error.ToString());
    }
}
