using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>Runs commands of the command line and keeps how long each took, by situation. Safe for all threads.</summary>
internal sealed class CommandTimes(CampaignRun run)
{
    /// <summary>What every command should take at most, also while a node is down.</summary>
    public static readonly TimeSpan Goal = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new(); // Guards _taken.
    private readonly List<(string Situation, string Command, string Node, TimeSpan Took)> _taken = [];

    /// <summary>Runs it and wants success; a failure is one of the campaign.</summary>
    public bool Expect(string situation, BedNode node, string command)
    {
        var (result, _) = Time(situation, node, command);
        if (result.ExitCode != 0)
        {
            run.Fail($"{situation}: '{command}' on {node.Name}: {Words(result)}");
        }

        return result.ExitCode == 0;
    }

    /// <summary>Runs it, whatever comes of it.</summary>
    public (CommandResult Result, TimeSpan Took) Time(string situation, BedNode node, string command)
    {
        var clock = Stopwatch.StartNew();
        var result = node.Gluster(command);
        var took = clock.Elapsed;
        lock (_lock)
        {
            _taken.Add((situation, string.Join(' ', command.Split(' ').Take(2)), node.Name, took));
        }

        return (result, took);
    }

    /// <summary>A figure for every situation: how many commands, how many over the goal, the slowest.</summary>
    public void Report()
    {
        lock (_lock)
        {
            foreach (var group in _taken.GroupBy(t => t.Situation))
            {
                var slowest = group.MaxBy(t => t.Took);
                var over = group.Where(t => t.Took > Goal).GroupBy(t => t.Command).Select(g => $"{g.Count()} {g.Key}").ToList();
                run.Figure($"commands, {group.Key}", string.Create(
                    CultureInfo.InvariantCulture,
                    $"{group.Count()}, median {Median(group.Select(t => t.Took)).TotalMilliseconds:0} ms, "
                    + $"slowest {slowest.Took.TotalMilliseconds:0} ms ({slowest.Command} on {slowest.Node}), over 2 s: ")
                    + (over.Count == 0 ? "none" : string.Join(", ", over)));
            }
        }
    }

    public static string Words(CommandResult result) => (result.Error + result.Output).Trim().ReplaceLineEndings(" | ");

    private static TimeSpan Median(IEnumerable<TimeSpan> times)
    {
        var sorted = times.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
