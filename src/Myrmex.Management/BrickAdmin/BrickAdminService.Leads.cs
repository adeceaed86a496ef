using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Http;
using Myrmex.Management.State;

namespace Myrmex.Management.BrickAdmin;

/// <summary>Which brick leads a replica set, by an administrator's wish.</summary>
internal sealed partial class BrickAdminService
{
    /// <summary>How long the members may take to agree that another one leads.</summary>
    private const long LeadMs = 10_000;

    private const long LeadPauseMs = 20;

    public async Task<ReplicationMessage> MoveLeadAsync(
        string volume, string brick, CancellationToken cancellation)
    {
        var found = volumes.Find(volume);
        var now = await ReplicationAsync(volume, cancellation);
        var wanted = found.Bricks.FirstOrDefault(b => b.FullName == brick) ?? throw new CommandException(
            CommandFailure.NotFound, $"No brick {brick} in volume {volume}");
        if (found.IsArbiter(wanted))
        {
            throw new CommandException(
                CommandFailure.Invalid, $"Brick {brick} is an arbiter: it has no files, and cannot lead");
        }

        var place = found.SetPlaceOf(wanted);
        var leader = now.Sets[place].Members.FirstOrDefault(m => m.Member == now.Sets[place].Leader)
            ?? throw new CommandException(
                CommandFailure.Conflict,
                $"No brick of the replica set of {brick} leads now; see volume status {volume} replication");
        var member = wanted.Member ?? 0;
        if (leader.Member != member)
        {
            await HandOverAsync(volume, $"{leader.Host}:{leader.Path}", member, cancellation);
            now = await UntilLeadsAsync(volume, place, member, cancellation);
        }

        await writer.CommitAsync([], [ReplicaKeys.Preferred(found, place, wanted)], told: null, cancellation);
        return now;
    }

    public async Task<ReplicationMessage> ResetLeadsAsync(string volume, CancellationToken cancellation)
    {
        var now = await ReplicationAsync(volume, cancellation);
        await writer.CommitAsync([], ReplicaKeys.NoPreferences(volumes.Find(volume)), told: null, cancellation);
        return now;
    }

    private async Task HandOverAsync(string volume, string leader, int member, CancellationToken cancellation)
    {
        var report = await AskAsync(
            volume, leader, (a, b, c) => a.MoveLeadAsync(b, member, c), cancellation);
        if (report.Bricks[0].Problem is { } problem)
        {
            throw new CommandException(CommandFailure.Failed, $"{leader} keeps the lead: {problem}");
        }
    }

    private async Task<ReplicationMessage> UntilLeadsAsync(
        string volume, int place, int member, CancellationToken cancellation)
    {
        var deadlineNs = seams.Clock.MonotonicNs + (LeadMs * 1_000_000);
        while (true)
        {
            var now = await ReplicationAsync(volume, cancellation);
            if (now.Sets[place].Leader == member)
            {
                return now;
            }

            if (seams.Clock.MonotonicNs > deadlineNs)
            {
                throw new CommandException(
                    CommandFailure.Failed,
                    $"member {member} has not taken the lead; see volume status {volume} replication");
            }

            await Pauses.WaitAsync(seams.Scheduler, LeadPauseMs, cancellation);
        }
    }
}
