using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>A long test with an own command: <c>./campaign NAME</c>.</summary>
internal abstract class Campaign
{
    public static IReadOnlyList<Campaign> All { get; } =
        [new RealInputCampaign(), new PjdfstestCampaign(), new FaultsCampaign(), new FuzzCampaign(), new ClusterCampaign(),
            new JournalCampaign(), new ReplicationCampaign(), new FailoverCampaign(), new ProxyCampaign(),
            new SessionsCampaign(), new AwayCampaign()];

    public abstract string Name { get; }

    /// <summary>One line for the list.</summary>
    public abstract string Summary { get; }

    /// <summary>What the machine must offer.</summary>
    public abstract Need Needs { get; }

    /// <summary>Options besides those that all have: name and one line of help.</summary>
    public abstract IReadOnlyDictionary<string, string> Options { get; }

    /// <summary>Runs it; failures go to <see cref="CampaignRun.Fail"/>, and what is thrown is one more.</summary>
    public abstract void Run(CampaignRun run);

    public static Campaign? Find(string name) => All.FirstOrDefault(c => c.Name.Equals(name, StringComparison.Ordinal));
}
