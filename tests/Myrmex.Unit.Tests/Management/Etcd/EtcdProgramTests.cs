using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Etcd;
using Myrmex.Management.Nodes;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Etcd;

/// <summary>
/// Where a member of etcd listens and what it tells the others: it must be found where they look for it.
/// </summary>
public sealed class EtcdProgramTests
{
    private const string Others = "a=https://10.0.0.4:24012,";

    [Theory]
    [InlineData("0.0.0.0", "https://0.0.0.0")]
    [InlineData("::", "https://[::]")]
    [InlineData("10.0.0.5", "https://10.0.0.5")]
    [InlineData("127.77.1.5", "https://127.77.1.5")]
    [InlineData("fd00::5", "https://[fd00::5]")]
    [InlineData("node-b", "https://0.0.0.0")]
    [InlineData(null, "https://10.0.0.5")]
    public async Task ItListensWhereTheDaemonDoesAndNowhereElse(string? bind, string expected)
    {
        var words = await CommandAsync(bind, Others + "b=https://10.0.0.5:24012", ["10.0.0.5"]);
        Assert.Equal(expected + ":24012", words["--listen-peer-urls"]);
        Assert.Equal(expected + ":24011", words["--listen-client-urls"]);
    }

    [Theory]
    [InlineData("https://192.168.1.5:24012", "https://192.168.1.5:24011")] // Where it was probed.
    [InlineData("https://node-b:24012", "https://node-b:24011")]
    [InlineData("https://[fd00::5]:24012", "https://[fd00::5]:24011")]
    [InlineData("https://10.9.9.9:24012", "https://10.0.0.5:24011")] // An address that it had.
    public async Task ItSaysWhatTheOthersHaveBeenTold(string peer, string client)
    {
        var words = await CommandAsync("0.0.0.0", $"{Others}b={peer}", ["10.0.0.5", "192.168.1.5", "fd00::5"]);
        Assert.Equal(peer, words["--initial-advertise-peer-urls"]);
        Assert.Equal(client, words["--advertise-client-urls"]);
    }

    [Fact]
    public void OthersAreToldTheAddressThatADaemonListensOnByDefault()
    {
        Assert.Equal("203.0.113.5", NodeFacts.First(["2001:db8::5", "203.0.113.5", "203.0.113.6"]));
        Assert.Equal("2001:db8::5", NodeFacts.First(["2001:db8::5"]));
        Assert.Equal("node-b", NodeFacts.First(["node-b"]));
        Assert.Null(NodeFacts.First([]));
    }

    private static async Task<Dictionary<string, string>> CommandAsync(
        string? bind, string initialCluster, IReadOnlyList<string> addresses)
    {
        var program = await EtcdProgram.FindAsync("/bin/echo", CancellationToken.None); // Says something to --help.
        var options = new EtcdNodeOptions
        {
            NodeId = "b",
            Address = "10.0.0.5",
            Addresses = addresses,
            Bind = bind,
            WorkingDirectory = "/nowhere",
            Certificates = NodeCertificates.In("/nowhere"),
        };
        var words = program.Command(options, new EtcdMemberSpec("b", "member-1", "1", initialCluster, IsNew: false));
        return words.Zip(words.Skip(1)).Where(w => w.First.StartsWith("--")).ToDictionary(w => w.First, w => w.Second);
    }
}
