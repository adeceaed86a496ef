using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Management.CommandLine.Reports;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    /// <summary>
    /// A member that lacks something of its journal gets it from the others without being told; so a heal that is asked
    /// for is always under way, and what there is to see is how much is missing.
    /// </summary>
    private IEnumerable<CliCommand> HealTable() =>
    [
        new("volume heal", Usages.Heal, "self-heal commands on volume specified by <VOLNAME>", HealAsync),
    ];

    private Task<int> HealAsync(string[] words) => words switch
    {
        [_] => LaunchHealAsync(words[0], "index"),
        [_, "full"] => LaunchHealAsync(words[0], "full"),
        [_, "info"] => HealInfoAsync(words[0], HealList.Entries),
        [_, "info", "summary"] => HealInfoAsync(words[0], HealList.Summary),
        [_, "info", "split-brain"] => HealInfoAsync(words[0], HealList.SplitBrain),
        [_, "enable" or "disable"] or [_, "statistics", ..] or [_, "split-brain", _, ..]
            or [_, "granular-entry-heal", "enable" or "disable"] => Task.FromResult(
                RefuseAbsent("volume heal", $"the bricks heal each other by their journals: there is no '{words[1]}'")),
        _ => Task.FromResult(Usage(Usages.Heal)),
    };

    private async Task<int> LaunchHealAsync(string volume, string kind)
    {
        var what = $"Launching heal operation to perform {kind} self heal on volume {volume} has been";
        try
        {
            var replication = await Client.ReplicationAsync(volume);
            return _arguments.IsJson ? Print(CliJson.Of(replication, ReplicationMessageJson.Default.ReplicationMessage))
                : Print($"{what} successful \nUse heal info commands to check status.\n");
        }
        catch (CommandException e)
        {
            // With a period where GlusterFS has one.
            var said = e.Message == $"Volume {volume} is not started" ? e.Message + "." : e.Message;
            return Refused(e, $"{what} unsuccessful:\n{said}");
        }
    }

    private async Task<int> HealInfoAsync(string volume, HealList list)
    {
        try
        {
            var replication = await Client.ReplicationAsync(volume);
            return Print(
                _arguments.IsJson ? CliJson.Of(replication, ReplicationMessageJson.Default.ReplicationMessage)
                : _arguments.IsXml ? HealReport.Xml(replication, list) : HealReport.Text(replication, list));
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            Print(HealReport.Refused(e.Message));
            return Failed;
        }
        catch (CommandException e)
        {
            return Refused(e, $"{e.Message}\nVolume heal failed.");
        }
    }

    /// <param name="which">A brick; null for all.</param>
    private async Task<int> ReplicationOfAsync(IReadOnlyList<string> volumes, string? which)
    {
        foreach (var volume in volumes)
        {
            var replication = await Client.ReplicationAsync(volume);
            if (which is not null)
            {
                var sets = replication.Sets.Select(s => s with
                {
                    Members = [.. s.Members.Where(m => $"{m.Host}:{m.Path}" == which)],
                });
                replication = replication with { Sets = [.. sets.Where(s => s.Members.Count > 0)] };
            }

            // GlusterFS has no XML of it.
            Print(IsText ? HealReport.Status(replication)
                : CliJson.Of(replication, ReplicationMessageJson.Default.ReplicationMessage));
        }

        return Success;
    }
}
