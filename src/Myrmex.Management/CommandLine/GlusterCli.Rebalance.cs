using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    private IEnumerable<CliCommand> RebalanceTable() =>
    [
        new("volume rebalance", Usages.Rebalance, "rebalance operations", RebalanceAsync),
        new("tasks", Usages.Tasks, "list the long work of the cluster", TasksAsync) { IsGlobal = true },
    ];

    private Task<int> RebalanceAsync(string[] words) => words switch
    {
        [_, "fix-layout", "start"] => BeginRebalanceAsync(words[0], "fix-layout", force: false),
        [_, "start"] => BeginRebalanceAsync(words[0], "start", force: false),
        [_, "start", "force"] => BeginRebalanceAsync(words[0], "start", force: true),
        [_, "stop"] => ShowRebalanceAsync(
            words[0], "stop", () => Client.RebalanceAsync(words[0], "stop", force: false)),
        [_, "status"] => ShowRebalanceAsync(words[0], "status", () => Client.RebalanceStatusAsync(words[0])),
        _ => Task.FromResult(Usage(Usages.Rebalance)),
    };

    private Task<int> BeginRebalanceAsync(string volume, string action, bool force) =>
        RebalanceAsync(volume, async () =>
        {
            var begun = await Client.RebalanceAsync(volume, action, force);
            var said = $"Rebalance on {volume} has been started successfully. Use rebalance status command to check "
                + "status of the rebalance process.";
            return Show(
                begun, RebalanceMessageJson.Default.RebalanceMessage,
                () => CliXml.Success().RebalanceBegun(begun.TaskId, said),
                () => $"volume rebalance: {volume}: success: {said}\nID: {begun.TaskId}\n");
        });

    private Task<int> ShowRebalanceAsync(string volume, string action, Func<Task<RebalanceMessage>> ask) =>
        RebalanceAsync(volume, async () =>
        {
            var status = await ask();
            return Show(
                status, RebalanceMessageJson.Default.RebalanceMessage,
                CliReports.Text(status, action, _arguments.IsXml));
        });

    private async Task<int> RebalanceAsync(string volume, Func<Task<int>> does)
    {
        try
        {
            return await does();
        }
        catch (CommandException e) when (_arguments.IsXml)
        {
            Print(CliXml.Failure(e.Message).Outcome("volRebalance", e.Message).ToString());
            return Failed; // Unlike most commands.
        }
        catch (CommandException e)
        {
            return Refused(e, $"volume rebalance: {volume}: failed: {e.Message}");
        }
    }

    private async Task<int> TasksAsync(string[] words)
    {
        if (words.Length > 0)
        {
            return Usage(Usages.Tasks);
        }

        var tasks = await Client.TasksAsync(volume: null);
        return _arguments.IsJson
            ? Print(CliJson.Of(new TaskListMessage(tasks), RebalanceMessageJson.Default.TaskListMessage))
            : Print(CliText.Tasks(tasks));
    }
}
