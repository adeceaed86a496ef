using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Management.CommandLine.Reports;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary><c>volume leader</c>: who leads the replica sets of a volume. GlusterFS has no such command.</summary>
public sealed partial class GlusterCli
{
    private IEnumerable<CliCommand> LeaderTable() =>
    [
        new("volume leader", Usages.Leader, "show or move the lead of replica sets", LeaderAsync),
    ];

    private Task<int> LeaderAsync(string[] words) => words switch
    {
        [_] or [_, "status"] => LeaderReportAsync(() => Client.ReplicationAsync(words[0]), HealReport.Leaders),
        [_, "move", _] => WrongBrick(words[2..]) is { } wrong
            ? Task.FromResult(Usage(Usages.Leader, wrong))
            : LeaderReportAsync(
                () => Client.MoveLeadAsync(words[0], words[2]),
                _ => $"volume leader: success: {words[2]} leads, and should from now on\n"),
        [_, "reset"] => LeaderReportAsync(
            () => Client.ResetLeadsAsync(words[0]),
            _ => "volume leader: success: the leads spread over the nodes again, if cluster.lead-return is on\n"),
        _ => Task.FromResult(Usage(Usages.Leader)),
    };

    private async Task<int> LeaderReportAsync(
        Func<Task<ReplicationMessage>> ask, Func<ReplicationMessage, string> text)
    {
        try
        {
            var replication = await ask();
            return Print(IsText ? text(replication)
                : CliJson.Of(replication, ReplicationMessageJson.Default.ReplicationMessage));
        }
        catch (CommandException e)
        {
            return Refused(e, $"volume leader: failed: {e.Message}");
        }
    }
}
