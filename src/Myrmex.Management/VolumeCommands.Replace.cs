using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Management.State;
using Myrmex.Replication.Engine;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>
/// New members in the places of others. What is safe about it: a new member is a learner, which counts for nothing
/// until it has a copy; the volume and the members that are wanted change in one transaction; and nothing that the set
/// can be restored from is touched, because the brick that goes keeps its directory, or was emptied by its
/// administrator.
/// </summary>
internal sealed partial class VolumeCommands
{
    public Task<Volume> ReplaceBrickAsync(
        VolumeTarget volumeTarget, ReplaceBrickRequest request,
        CancellationToken cancellation) => DecideAsync(async () =>
    {
        var taken = view.Find(StateKeys.BrickCounter);
        var (volume, modified) = await RowAsync(volumeTarget, cancellation);
        CheckHasMembers(volume, request.IsReset);
        var source = await plan.FindAsync(volume, request.Source, cancellation);
        var target = (await plan.ResolveAsync([request.Target], volume.NextBrickIndex, cancellation))[0];
        CheckTarget(volume, source, target, request.IsReset);
        var place = volume.SetPlaceOf(source);
        await CheckStayingAsync(volume, place, source, cancellation);
        var same = CheckSet(volume, place, source);
        var planned = volume.ReplaceBrick(source.Index, target, NewIncarnation);
        var op = NewOp(OpKind.ReplaceBrick, planned, [target.Node], [volume.NextBrickIndex], request.Force);
        plan.CheckNesting([target], op.Id, request.IsReset ? source : null);
        plan.CheckAlive(op.Nodes);
        var (unchanged, raise, _) = StateCounter.Step(StateKeys.BrickCounter, taken);
        return await RunOpAsync(op, modified, [unchanged, same], [raise], (o, parts) =>
        {
            var done = o.Planned with { Bricks = WithFileSystems(o.Planned.Bricks, parts) };
            var told = writer.NewEvent(
                request.IsReset ? EventTypes.BrickResetCommit : EventTypes.BrickReplace, volume.Name,
                data: Data(("source", source.FullName), ("target", target.FullName)));
            return new OpEnd(done, told) { Also = [ReplicaKeys.Wanted(done, place)] };
        }, cancellation);
    });

    public async Task<Volume> ResetBrickAsync(VolumeTarget target, string source, CancellationToken cancellation)
    {
        var name = target.Name;
        Brick brick = null!; // Decided on below.
        var reset = await DecideAsync(async () =>
        {
            var (volume, _) = await RowAsync(target, cancellation);
            CheckHasMembers(volume, isReset: true);
            brick = await plan.FindAsync(volume, source, cancellation);
            if (brick.IsReset)
            {
                return volume;
            }

            await CheckStayingAsync(volume, volume.SetPlaceOf(brick), brick, cancellation);
            return await SaveAsync(
                volume, volume.Reset([brick.Index], isReset: true),
                writer.NewEvent(EventTypes.BrickResetStart, name, data: Data(("source", brick.FullName))),
                cancellation);
        });
        var revision = view.Volumes.TryFind(name, out var row) ? row.Modified.Value : 0;
        bool IsGone() => view.RunOf(brick.Node) is not { } run
            || (run.Revision >= revision && run.Bricks.All(b => b.Path != brick.Path));
        return await view.WaitAsync(IsGone, Limits.BrickStopMs, seams, cancellation) ? reset
            : throw new CommandException(
                CommandFailure.Failed,
                $"Brick {brick.FullName} is out of service but its directory is still in use. Leave it alone until "
                + $"'volume status {name}' shows that the brick is not online; see the brick's log.");
    }

    private static void CheckHasMembers(Volume volume, bool isReset)
    {
        if (!volume.HasJournals)
        {
            var command = isReset ? "reset-brick" : "replace-brick";
            throw new CommandException(
                CommandFailure.NotSupported,
                $"{command} is not permitted on distribute only volumes. Please use add-brick and remove-brick "
                + "operations instead.");
        }
    }

    private void CheckTarget(Volume volume, Brick source, Brick target, bool isReset)
    {
        if (!isReset)
        {
            return;
        }

        if (target.Node != source.Node || target.Path != source.Path)
        {
            throw new CommandException(
                CommandFailure.Invalid,
                "When destination brick is new, please use gluster volume replace-brick <volname> <src-brick> "
                + "<dst-brick> commit force");
        }

        if (IsServed(volume, source))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                "Source brick must be stopped. Please use gluster volume reset-brick <volname> <dst-brick> start.");
        }
    }

    /// <summary>
    /// Refuses what the set could not carry out now, or what could cost data. Answers what must stay as it is until
    /// the command has begun: the members that the set has.
    /// </summary>
    private Condition CheckSet(Volume volume, int place, Brick source)
    {
        var set = volume.ReplicaSets[place];
        if (set.NextMember > ReplicaSet.MemberMax)
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"Replica set {set.Number} has used up its {ReplicaSet.MemberMax + 1} member numbers: none of its "
                + "bricks can be replaced any more. Copy the files to a new volume.");
        }

        var key = volume.StorePrefixOf(set) + StoreState.ConfigurationKey;
        if (view.Find(key) is not { } entry || ReplicaConfiguration.Decode(entry.Value.Span) is not { } configuration)
        {
            throw new CommandException(
                CommandFailure.Failed,
                $"the store of the cluster does not know the members of replica set {set.Number}: the key {key} is "
                + "missing or damaged");
        }

        if (!ReplicaKeys.Agree(configuration, volume, place, source))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"Another brick of replica set {set.Number} is being replaced. Try again when "
                + $"'volume status {volume.Name} replication' shows it as a member; 'force' does not help.");
        }

        CheckInStep(volume, place, source, configuration);
        return Condition.Unchanged(key, entry.Modified);
    }

    /// <summary>
    /// A majority of the members that stay must be there: they are what the new one is copied from. Bricks that have
    /// just been started are waited for a moment.
    /// </summary>
    private async Task CheckStayingAsync(
        Volume volume, int place, Brick source, CancellationToken cancellation)
    {
        var staying = volume.MembersAt(place).Where(b => b.Index != source.Index).ToList();
        var isStarted = volume.Status == VolumeStatus.Started;
        int Alive() => staying.Count(b => isStarted ? IsServed(volume, b) : view.IsAlive(b.Node));
        if (!await view.WaitAsync(
            () => Alive() > staying.Count / 2, Limits.BrickShownMs, seams, cancellation))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"Only {Alive()} of the {staying.Count} bricks that stay in replica set "
                + $"{volume.ReplicaSets[place].Number} are online, and that is no majority. Bring them back first; "
                + "'force' does not help.");
        }
    }

    /// <summary>Where members are in step or not, one that is must stay: only these have everything.</summary>
    private void CheckInStep(Volume volume, int place, Brick source, ReplicaConfiguration configuration)
    {
        if (configuration.Mode != ReplicaMode.InSync)
        {
            return;
        }

        var prefix = volume.StorePrefixOf(volume.ReplicaSets[place]);
        IReadOnlyList<StateEntry> entries = view.Find(prefix + StoreState.InSyncKey) is { } entry ? [entry] : [];
        var inStep = StoreState.From(view.Revision, prefix, entries).InSync;
        if (!volume.MembersAt(place).Any(
            b => b.Index != source.Index && b.Member is { } member && inStep.Contains(new MemberId((byte)member))))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"Only brick {source.FullName} has everything that was written: the others are out of step. Wait until "
                + $"'volume status {volume.Name} replication' shows another one in step; 'force' does not help.");
        }
    }

    private bool IsServed(Volume volume, Brick brick) => view.RunOf(brick.Node)?.Bricks.Any(
        b => b.Path == brick.Path && b.Volume == volume.Name && b.Online) ?? false;
}
