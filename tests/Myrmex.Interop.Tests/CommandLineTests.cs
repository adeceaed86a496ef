using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// The same commands on GlusterFS' daemon with its own command line and on ours with ours: output, error output and
/// exit code are the same, but for identities, ports, process numbers and sizes.
/// </summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly TestDirectory _directory = new(nameof(CommandLineTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockClient | Need.Long)] // Its list of known differences is not settled yet.
    public void CommandsSayWhatGlusterFSSays()
    {
        var stock = new StockGlusterd(_directory);
        var ours = new MyrmexDaemon(_directory);
        var stockBricks = _directory.Make("stock-bricks");
        var ourBricks = _directory.Make("our-bricks");
        var problems = new StringBuilder();
        var compared = 0;
        foreach (var line in File.ReadLines(Helper.PathOf("gluster-commands.txt")).Where(l => l.Length > 0 && l[0] != '#'))
        {
            var parts = line.Split(" | ", 2);
            var expected = Normal(Run(stock, parts[0], stockBricks), stock.Host, stockBricks);
            var actual = Normal(Run(ours, parts[0], ourBricks), ours.Host, ourBricks);
            compared++;
            if (expected == actual == (parts.Length == 1))
            {
                continue;
            }

            problems.Append(parts.Length == 1 ? $"### {line}\n--- GlusterFS\n{expected}--- ours\n{actual}"
                : $"### {line}\ndoes not differ any more\n");
        }

        Assert.True(compared > 100, $"only {compared} commands");
        Assert.True(problems.Length == 0, problems.ToString());
    }

    private static CommandResult Run(VolumeServer server, string command, string bricks) =>
        server.Run(command.Replace("{h}", server.Host).Replace("{d}", bricks));

    private static string Normal(CommandResult result, string host, string bricks)
    {
        var text = $"exit code {result.ExitCode}\n{result.Output}\n--- error\n{result.Error}\n"
            .Replace(bricks, "DIR").Replace(host, "HOST");
        text = Regex.Replace(text, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID");
        text = Regex.Replace(text, @"(?<=</?(port|pid|tcp)>)\d+|(?<= )\d{2,}(?= |\n)", "N"); // Ports and processes.
        text = Regex.Replace(text, @"Brick HOST[^ \n]*\n(?=[^ \n]+ )", "Brick HOST:DIR"); // Wrapped or not.
        return Regex.Replace(text, " +", " ");
    }
}
