using System.Collections.Generic;
using System.Globalization;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// A cluster of five machines in network namespaces: machines that fail one after the other under load (fleet), and daemons that are
/// killed at any instant of any command (kills).
/// </summary>
internal sealed class ClusterCampaign : Campaign
{
    public const string Minutes = "minutes";
    public const string Kills = "kills";
    private const string Nodes = "nodes";
    private const string Only = "only";
    private const string Store = "store";

    private const int NodeCount = 5;
    private const long DiskMiB = 1024;

    public override string Name => "cluster";

    public override string Summary => "five machines: each of them fails under load, daemons are killed in the middle of commands";

    public override Need Needs => Need.StockClient | Need.Xfs | Need.Python | Need.Etcd | Need.Namespaces;

    public override IReadOnlyDictionary<string, string> Options { get; } = new Dictionary<string, string>
    {
        [Minutes] = "most minutes for the kills (60)",
        [Kills] = "number of commands with a kill (200)",
        [Nodes] = "machines (5)",
        [Store] = "managed: the daemons run etcd; given: it runs beside them (managed)",
        [Only] = "only this part: fleet or kills",
    };

    public override void Run(CampaignRun run)
    {
        var count = (int)run.Options.Number(Nodes, run.IsSmoke ? 3 : NodeCount);
        var bed = run.Directory.Own(new NodeBed(run.Directory, count, DiskMiB, run.Options.Text(Store, "managed") == "managed"));
        if (!run.Step(string.Create(CultureInfo.InvariantCulture, $"start {count} nodes"), bed.Start))
        {
            return;
        }

        var only = run.Options.Text(Only, "");
        if (only is "" or "fleet")
        {
            new FleetScenario(run, bed).Run();
        }

        if (only is "" or "kills")
        {
            new KillsScenario(run, bed).Run();
        }
    }
}
