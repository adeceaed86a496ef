using System.Linq;
using System.Threading;

namespace Myrmex.Management.Http;

/// <summary>Rebalance, and long work in general.</summary>
internal sealed class RebalanceRoutes(RestServices services) : RestRoutes
{
    private const string Rebalance = "/v1/volumes/{name}/rebalance";

    private IRebalanceCommands Commands => RestServices.Need(services.Rebalance, "rebalance");

    public override void Map(RouteMap map)
    {
        map.Get(
            Rebalance, "How far a rebalance is.", RebalanceMessageJson.Default.RebalanceMessage,
            r => Commands.StatusAsync(r.Path("name"), r.Aborted));
        map.Change(
            "POST", Rebalance + "/fix-layout", "Gives new bricks their part of every directory.",
            RebalanceMessageJson.Default.RebalanceMessage,
            r => Commands.StartAsync(r.Path("name"), "fix-layout", r.Flag("force"), CancellationToken.None))
            .Flag("force", "Also while a brick is away.");
        map.Change(
            "POST", Rebalance + "/start", "Moves files to the bricks where they belong.",
            RebalanceMessageJson.Default.RebalanceMessage,
            r => Commands.StartAsync(r.Path("name"), "rebalance", r.Flag("force"), CancellationToken.None))
            .Flag("force", "Also files whose new brick is fuller than the old one.");
        map.Change(
            "POST", Rebalance + "/stop", "Ends a rebalance.", RebalanceMessageJson.Default.RebalanceMessage,
            r => Commands.StopAsync(r.Path("name"), CancellationToken.None));
        map.Get(
            "/v1/tasks", "The long work of the cluster, the newest first.",
            RebalanceMessageJson.Default.TaskListMessage, r => new TaskListMessage(
                [.. Log().Tasks.Where(t => r.Text("volume") is not { } volume || t.Volume == volume)]))
            .Text("volume", "Only what concerns this volume.");
        map.Get(
            "/v1/tasks/{id}", "One piece of long work.", RebalanceMessageJson.Default.TaskMessage,
            r => Log().Tasks.FirstOrDefault(t => t.Id == r.Path("id"))
                ?? throw new CommandException(CommandFailure.NotFound, $"Task {r.Path("id")} does not exist"));
    }

    private ITaskLog Log() => RestServices.Need(services.Tasks, "keeping of tasks");
}
