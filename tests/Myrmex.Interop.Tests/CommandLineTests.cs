using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// The same commands on GlusterFS' daemon with its own command line and on ours with ours: output, error output and
/// exit code are the same to the blank, but for identities, ports, process numbers, durations and free space. What differs on purpose is listed
/// in docs/reference/command-line.md, and nothing else is.
/// </summary>
[Collection(StockGlusterdCollection.Name)]
public sealed partial class CommandLineTests : IDisposable
{
    /// <summary>Fewer compared commands than this are a mistake in the list.</summary>
    private const int CommandsMin = 100;

    private readonly TestDirectory _directory = new("cli");

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockServer)]
    public async Task CommandsSayWhatGlusterFSSays()
    {
        var commands = File.ReadLines(Helper.PathOf("gluster-commands.txt")).Where(l => l.Length > 0 && l[0] != '#').ToList();
        var known = KnownDifferences();
        Assert.True(commands.Count >= CommandsMin, $"only {commands.Count} commands");
        Assert.Empty(known.Except(commands));
        using var stock = new StockGlusterd(_directory);
        using var ours = new MyrmexDaemon(_directory);
        // Both names of a brick are equally long, so that both break and fill their lines at the same columns.
        var stockBricks = _directory.Make("b");
        var ourBricks = _directory.Make("o");
        if (stock.Host.Length < ours.Host.Length)
        {
            stockBricks = _directory.Make("b".PadRight(1 + ours.Host.Length - stock.Host.Length, 'b'));
        }
        else
        {
            ourBricks = _directory.Make("o".PadRight(1 + stock.Host.Length - ours.Host.Length, 'o'));
        }

        var expected = Task.Run(() => commands.ConvertAll(c => Said(stock, c, stockBricks)));
        var actual = await Task.Run(() => commands.ConvertAll(c => Said(ours, c, ourBricks)));
        var problems = new StringBuilder();
        foreach (var (command, (theirs, own)) in commands.Zip((await expected).Zip(actual)))
        {
            if (theirs == own && known.Contains(command))
            {
                problems.Append($"### {command}\ndoes not differ any more\n");
            }
            else if (theirs != own && !known.Contains(command) && !AgreeWhenAskedAgain(command))
            {
                problems.Append($"### {command}\n--- GlusterFS\n{theirs}--- ours\n{own}");
            }
        }

        Assert.True(problems.Length == 0, problems.ToString());

        // glusterd refuses a look now and then while it is busy with itself; both have the same state at the end.
        bool AgreeWhenAskedAgain(string command)
        {
            var isLook = Look().IsMatch(command);
            for (var i = 0; isLook && i < 3; i++)
            {
                if (Said(stock, command, stockBricks) == Said(ours, command, ourBricks))
                {
                    return true;
                }

                Thread.Sleep(1_000);
            }

            return false;
        }
    }

    [Fact]
    public void NamesAreComparedWhereverTheyBreak()
    {
        const string Wrapped = "Brick 10.1.2.3:/a/long/dir/b1/with/more/and/mo\nre                 49152     0          Y       1234 \n";
        Assert.Equal("Brick HOST:DIR/b1/with/more/and/more [46,2]                 N         0          Y       N \n",
            Normal(Wrapped, "10.1.2.3", "/a/long/dir"));
        Assert.Equal("Brick HOST:DIR/b1 [22]                 N         0          Y       N \n",
            Normal("Brick 10.1.2.3:/dir/b1                 49152     0          Y       1234 \n", "10.1.2.3", "/dir"));
    }

    /// <summary>The commands in the page's table, each with what differs and why.</summary>
    private static List<string> KnownDifferences()
    {
        var rows = File.ReadLines(Path.Combine(Product.Repository, "docs/reference/command-line.md"))
            .SkipWhile(l => !l.StartsWith("| Command ", StringComparison.Ordinal)).TakeWhile(l => l.Length > 0).Skip(2).Select(l => l.Trim('|').Split(" | ")).ToList();
        Assert.All(rows, row => Assert.True(row.Length == 4 && row.All(c => c.Trim().Length > 0), string.Join('|', row)));
        return rows.ConvertAll(row => row[0].Trim().Trim('`').Replace("\\|", "|"));
    }

    private static string Said(VolumeServer server, string command, string bricks)
    {
        var result = server.Run(command.Replace("{h}", server.Host).Replace("{d}", bricks));
        return Normal($"exit code {result.ExitCode}\n{result.Output}--- error\n{result.Error}", server.Host, bricks);
    }

    private static string Normal(string text, string host, string bricks)
    {
        text = BrickName().Replace(text, m => $"Brick {m.Groups[1].Value.Replace("\n", "")} "
            + $"[{string.Join(',', m.Value.Split('\n').Select((l, i) => l.TrimEnd().Length))}]{m.Groups[2].Value}");
        text = text.Replace(bricks, "DIR").Replace(host, "HOST");
        text = Identity().Replace(text, "ID");
        text = NumberInXml().Replace(text, "N");
        text = Passing().Replace(text, "N");
        text = NumberAtEnd().Replace(text, "N");
        return Number().Replace(text, m => "N".PadRight(m.Length));
    }

    [GeneratedRegex("^Brick (\\S+(?:\n\\S+)?)( {2,})", RegexOptions.Multiline)]
    private static partial Regex BrickName();

    [GeneratedRegex("^(peer status|pool list|volume (info|list|status|get)\\b)")]
    private static partial Regex Look();

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")]
    private static partial Regex Identity();

    [GeneratedRegex(@"(?<=<(port|pid|tcp)>)\d+")]
    private static partial Regex NumberInXml();

    [GeneratedRegex(@"(?<=<(sizeFree|inodesFree|duration)>)\d+|(?<=(Disk Space Free|Free Inodes) *: ).*|(?<=Duration: )\d+")]
    private static partial Regex Passing();

    /// <summary>A process, in the last column.</summary>
    [GeneratedRegex(@"(?<= )\d{2,}(?= *$)", RegexOptions.Multiline)]
    private static partial Regex NumberAtEnd();

    /// <summary>A port.</summary>
    [GeneratedRegex(@"(?<= )\d{2,} *(?= )")]
    private static partial Regex Number();
}
