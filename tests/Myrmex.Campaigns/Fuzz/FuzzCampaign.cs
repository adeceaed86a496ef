using System.Collections.Generic;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// Damaged records over real sockets, at a running brick process and at our client, and damaged volume files. Nothing may crash, grow
/// without bound or disturb others.
/// </summary>
internal sealed class FuzzCampaign : Campaign
{
    private const string Records = "records";
    private const string Fops = "fops";
    private const string Wild = "wild";
    private const string Life = "life";
    private const string Only = "only";

    public override string Name => "fuzz";

    public override string Summary => "damaged records at a brick and at a client over real sockets, and damaged volume files";

    public override Need Needs => Need.Fuse | Need.Xfs | Need.Python;

    public override IReadOnlyDictionary<string, string> Options { get; } = new Dictionary<string, string>
    {
        [Records] = "records that the brick is to see (1200000, of which five in six are damaged)",
        [Fops] = "fops that the client is to send (300000)",
        [Wild] = "number of a wild client: repeat one --life of it",
        [Life] = "number of its connection",
        [Only] = "only these parts: brick, client, volfile, with commas",
    };

    public override void Run(CampaignRun run)
    {
        var records = new WildRecords(run.Seed);
        var parts = run.Options.Text(Only, "brick,client,volfile").Split(',');
        if (run.Options.Has(Wild))
        {
            new BrickUnderFire(run, records).Repeat((int)run.Options.Number(Wild, 0), run.Options.Number(Life, 0));
            return;
        }

        if (parts.Contains("brick"))
        {
            var brick = new BrickUnderFire(run, records);
            var count = run.Options.Number(Records, run.IsSmoke ? 5000 : 1_200_000);
            run.Step($"{count} records at a brick", () => brick.Fire(count));
            run.Step("announcements of long records", () => brick.Announce(run.IsSmoke ? 20 : 1000));
            run.Step("look at the attacked brick on disk", brick.Finish);
        }

        if (parts.Contains("client"))
        {
            var fops = run.Options.Number(Fops, run.IsSmoke ? 2000 : 300_000);
            run.Step($"{fops} fops of a client under fire", () => ClientPart.Run(run, records, fops));
        }

        if (parts.Contains("volfile"))
        {
            var volfiles = new VolfilePart(run);
            run.Step("damaged volume files at a brick process", () => volfiles.FireAtBricks(run.IsSmoke ? 3 : 50));
            run.Step("damaged volume files at a mount", () => volfiles.FireAtMount(run.IsSmoke ? 20 : 1000));
        }
    }
}
