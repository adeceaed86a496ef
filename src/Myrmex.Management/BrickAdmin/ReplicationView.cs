using System.Collections.Generic;
using System.Linq;
using Myrmex.Graph;
using Myrmex.Management.Http;
using Myrmex.Management.State;
using Myrmex.Replication.Engine;
using Myrmex.Volumes;

namespace Myrmex.Management.BrickAdmin;

/// <summary>Puts what the members of replica sets say together: pure.</summary>
internal static class ReplicationView
{
    private const string OutOfService =
        "reset-brick has taken it out of service; end with 'reset-brick ... commit force' once its directory is empty";

    /// <param name="bricks">One report a brick of the volume, in its order.</param>
    public static ReplicationMessage Of(Volume volume, IReadOnlyList<BrickReport<BrickReplicas>> bricks) => new(
        volume.Name, [.. volume.ReplicaSets.Select((set, place) => Set(volume, set, place, bricks))]);

    private static ReplicaSetMessage Set(
        Volume volume, ReplicaSet set, int place, IReadOnlyList<BrickReport<BrickReplicas>> bricks)
    {
        var id = volume.IdOf(set).ToString();
        var members = volume.MembersAt(place);
        var reports = bricks.Skip(place * volume.ReplicaCount).Take(members.Count)
            .Select(b => b.Value?.Members.FirstOrDefault(m => m.ReplicaSet == id)).ToList();

        // Two may say that they serve when one has not heard yet that it does not: the higher term does.
        var leader = reports.OfType<ReplicaReport>().Where(r => r.IsServing).MaxBy(r => r.Term);
        var mode = ReplicaKeys.ConfigurationOf(volume, place).Mode == ReplicaMode.InSync ? "in-sync" : "quorum";
        return new ReplicaSetMessage(
            set.Number, id, mode, leader?.Member,
            [
                .. members.Select((brick, i) => Member(
                    brick, bricks[(place * volume.ReplicaCount) + i], reports[i], leader)),
            ])
        {
            Preferred = (leader ?? reports.FirstOrDefault(r => r?.Preferred is not null))?.Preferred,
        };
    }

    private static ReplicaMemberMessage Member(
        Brick brick, BrickReport<BrickReplicas> told, ReplicaReport? report, ReplicaReport? leader)
    {
        var member = brick.Member ?? 0;
        var sent = leader?.Sending is { } sending && sending.Peer == member ? sending : null;
        var problem = brick.IsReset ? OutOfService
            : told.Problem ?? (report is null ? "it does not say that it is a member" : report.Problem);
        return new ReplicaMemberMessage(
            member, brick.Host, brick.Path, brick.Node.ToString(), told.Place.Online, LagOf(member, report, leader),
            report, problem)
        {
            Copy = report?.Receiving ?? sent,
        };
    }

    /// <summary>
    /// What the leader knows of the member. A leader that has not heard of it in its term knows nothing; then what the
    /// member says of itself counts, if it answers.
    /// </summary>
    private static ulong? LagOf(int member, ReplicaReport? report, ReplicaReport? leader)
    {
        if (leader is null)
        {
            return null;
        }

        if (leader.Member == member)
        {
            return 0;
        }

        if (leader.Peers.FirstOrDefault(p => p.Member == member) is { SilentMs: >= 0 } peer)
        {
            return peer.Lag;
        }

        return report is null ? null : leader.Last - System.Math.Min(leader.Last, report.Durable);
    }
}
