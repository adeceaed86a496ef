using System.IO;
using System.Threading.Tasks;
using Myrmex.Management;
using Myrmex.Management.CommandLine;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary><c>volume replace-brick</c> and <c>volume reset-brick</c> as gluster 10.3 prints them.</summary>
public sealed class ReplaceBrickCliTests
{
    private const string ReplaceUsage =
        "\nUsage:\nvolume replace-brick <VOLNAME> <SOURCE-BRICK> <NEW-BRICK> {commit force}\n\n";

    private const string ResetUsage =
        "\nUsage:\nvolume reset-brick <VOLNAME> <SOURCE-BRICK> {{start} | {<NEW-BRICK> commit}}\n\n";

    private readonly FakeClient _client = new();

    [Theory]
    [InlineData(
        "volume replace-brick r h:/a h:/b commit force", "replace-brick r h:/a h:/b force=True",
        "replace-brick commit force")]
    [InlineData("volume reset-brick r h:/a start", "reset-brick r h:/a (start) force=False", "reset-brick start")]
    [InlineData("volume reset-brick r h:/a h:/a commit", "reset-brick r h:/a h:/a force=False", "reset-brick commit")]
    [InlineData(
        "volume reset-brick r h:/a h:/a commit force", "reset-brick r h:/a h:/a force=True",
        "reset-brick commit force")]
    public async Task WhatIsDoneIsSaid(string line, string call, string operation)
    {
        _client.Volumes.Add(FakeClient.Volume("r", "Started", "/a"));
        var command = operation.Split(' ')[0];
        Assert.Equal(
            (0, $"volume {command}: success: {operation} operation successful\n", string.Empty), await RunAsync(line));
        Assert.Equal([call], _client.Calls);
        var (code, xml, _) = await RunAsync(line + " --xml");
        Assert.Equal((0, Xml(0, $"{operation} operation successful")), (code, xml));
    }

    [Theory]
    [InlineData("volume replace-brick r h:/a h:/b commit force", "replace-brick")]
    [InlineData("volume reset-brick r h:/a start", "reset-brick")]
    public async Task ARefusalSaysWhy(string line, string command)
    {
        _client.Refusal = new CommandException(
            CommandFailure.NotFound, "brick: h:/a does not exist in volume: r");
        Assert.Equal(
            (1, string.Empty, $"volume {command}: failed: brick: h:/a does not exist in volume: r\n"),
            await RunAsync(line));
        Assert.Equal(
            (0, Xml(-1, "brick: h:/a does not exist in volume: r"), string.Empty), await RunAsync(line + " --xml"));
    }

    [Theory]
    [InlineData("r")]
    [InlineData("r h:/a h:/b")]
    [InlineData("r h:/a h:/b commit")]
    [InlineData("r h:/a h:/b commit force more")]
    [InlineData("r h:/a h:/b commit frob",
        "Invalid option 'commit' 'frob' for replace-brick. Please enter valid replace-brick command")]
    [InlineData("r frob h:/b commit force", "wrong brick type: frob, use <HOSTNAME>:<export-dir-abs-path>")]
    [InlineData("r h:/a frob commit force", "wrong brick type: frob, use <HOSTNAME>:<export-dir-abs-path>")]
    public async Task WhatIsNoReplaceBrickIsNotAsked(string words, string problem = "")
    {
        var line = problem.Length > 0 ? problem + "\n" : string.Empty;
        Assert.Equal((1, string.Empty, line + ReplaceUsage), await RunAsync("volume replace-brick " + words));
        Assert.Empty(_client.Calls);
    }

    [Theory]
    [InlineData("r")]
    [InlineData("r h:/a")]
    [InlineData("r h:/a frob", "Invalid option 'frob' for reset-brick. Please enter valid reset-brick command")]
    [InlineData("r h:/a h:/a", "Invalid option 'h:/a' for reset-brick. Please enter valid reset-brick command")]
    [InlineData("r h:/a h:/a frob", "Invalid option 'frob' for reset-brick. Please enter valid reset-brick command")]
    [InlineData(
        "r h:/a h:/a commit frob",
        "Invalid option 'commit frob' for reset-brick. Please enter valid reset-brick command")]
    [InlineData("r frob start", "wrong brick type: frob, use <HOSTNAME>:<export-dir-abs-path>")]
    public async Task WhatIsNoResetBrickIsNotAsked(string words, string problem = "")
    {
        var line = problem.Length > 0 ? problem + "\n" : string.Empty;
        Assert.Equal((1, string.Empty, line + ResetUsage), await RunAsync("volume reset-brick " + words));
        Assert.Empty(_client.Calls);
    }

    private static string Xml(int result, string message) => $"""
        <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <cliOutput>
          <opRet>{result}</opRet>
          <opErrno>0</opErrno>
          <opErrstr>{message}</opErrstr>
        </cliOutput>

        """;

    private async Task<(int Code, string Output, string Error)> RunAsync(string line)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var cli = new GlusterCli(
            _ => _client, new CliTerminal(new StringReader(string.Empty), output, error), "1.2.3");
        var code = await cli.RunAsync(line.Split(' '));
        return (code, output.ToString(), error.ToString());
    }
}
