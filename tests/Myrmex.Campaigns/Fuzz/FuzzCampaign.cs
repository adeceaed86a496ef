using System.Collections.Generic;
using Myrmex.Interop.Tests.Kit;
namespace Myrmex.Campaigns;
internal sealed class FuzzCampaign : Campaign
{
    public override string Name => "fuzz";
    public override string Summary => "";
    public override Need Needs => Need.Fuse;
    public override IReadOnlyDictionary<string, string> Options { get; } = new Dictionary<string, string>();
    public override void Run(CampaignRun run) { }
}
