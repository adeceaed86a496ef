using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features.Leases;

/// <summary>
/// features/leases: gives clients leases of files, and lets what others do wait until those are given back. See
/// README.md. Source: features/leases of GlusterFS, fop LEASE, callback RECALL_LEASE.
/// </summary>
public sealed class Leases : Uniform<LeasesPolicy>, ILeaseReport
{
    private const string IsOnOption = "leases";
    private const string TimeoutOption = "lease-lock-recall-timeout";

    public Leases(TranslatorPlace place)
        : base(place, new LeasesPolicy(new LeaseState(place)))
    {
        Policy.State.Tell = Tell;
        Take(place.Options);
    }

    public static TranslatorRegistration Registration { get; } = new(
        "features/leases",
        static place => new Leases(place),
        [
            new(IsOnOption, OptionKind.Boolean, "off", "Give leases of files.") { Live = true },
            new(
                TimeoutOption, OptionKind.Integer, "60",
                "Seconds after which a lease is taken away that was recalled and is not given back.")
            { Live = true, Minimum = 1, Maximum = 86_400 },
        ],
        Maturity.Experimental);

    public override bool Reconfigure(OptionValues options)
    {
        Take(options);
        return true;
    }

    public override void ClientGone(ClientIdentity client)
    {
        Policy.State.ClientGone(client);
        base.ClientGone(client);
    }

    public override void DumpState(StateDump dump)
    {
        var table = Policy.State.Table;
        var (inodes, leases) = table.Size;
        var (recalled, revoked) = table.Counts;
        dump.Put("on", Policy.State.IsOn ? 1 : 0);
        dump.Put("inodes", inodes);
        dump.Put("leases", leases);
        dump.Put("holders", table.HolderCount);
        dump.Put("waiting", table.WaitCount);
        dump.Put("recalled", recalled);
        dump.Put("revoked", revoked);
    }

    public IReadOnlyList<LeaseReport> ReportLeases(int countMax) => !Policy.State.Decides ? [] :
    [
        .. Policy.State.Table.Report(Policy.State.NowMs)
            .OrderBy(r => r.Gfid.ToString(), StringComparer.Ordinal).Take(countMax),
    ];

    private void Tell(ClientIdentity? client, Gfid gfid, LeaseUser holder) => NotifyParents(
        new GraphEvent(GraphEventKind.RecallLease, gfid, LeaseType.None)
        {
            Only = client,
            LeaseId = holder.Id,
            Holder = holder.IsNamed || Policy.State.Log is not null ? holder.Session : 0,
        });

    private void Take(OptionValues options)
    {
        Policy.State.Table.RecallTimeoutMs = options.Integer(TimeoutOption) * 1_000;
        Policy.State.Switch(options.Boolean(IsOnOption));
    }
}
