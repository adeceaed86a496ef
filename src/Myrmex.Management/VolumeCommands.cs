using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Management.Bricks;
using Myrmex.Management.State;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>
/// The commands on volumes. What a volume is changes in one transaction of the state store; before it, a command only
/// does what can be taken back, and after it, only what follows from the new state. So a daemon may be killed at any
/// instant: a command that was not answered has either happened or left nothing.
/// Commands that change something run one after the other. All throw <see cref="CommandException"/>.
/// </summary>
internal sealed partial class VolumeCommands(
    IStateStore store, VolumeCatalog catalog, LocalNode node, BrickSupervisor supervisor, IBrickProbe probe,
    Seams seams) : IVolumeCommands
{
    private readonly SemaphoreSlim _gate = new(1, 1); // Held by one changing command at a time.
    private bool _mustRecover; // The store failed in the middle of a command; guarded by _gate.

    public IReadOnlyList<Volume> List() => [.. catalog.Volumes.Values];

    public Volume Find(string name) =>
        catalog.Find(name) ?? throw new CommandException(CommandFailure.NotFound, $"Volume {name} does not exist");

    /// <summary>Serves the bricks; answers when clients can use all of them.</summary>
    /// <param name="force">A started volume is fine too: bricks that are not online are tried again.</param>
    public Task<Volume> StartAsync(string name, bool force, CancellationToken cancellation) => AloneAsync(async () =>
    {
        var volume = Find(name);
        if (volume.Status == VolumeStatus.Started && !force)
        {
            throw new CommandException(CommandFailure.Conflict, $"Volume {name} already started");
        }

        foreach (var brick in LocalBricks(volume))
        {
            CheckMark(volume, brick);
        }

        supervisor.BeginStarting(name);
        try
        {
            await supervisor.WaitAsync(
                () => AllOnline(volume) || Refused(volume) is not null, Limits.BrickStartMs, cancellation);
            if (!AllOnline(volume) && volume.Status != VolumeStatus.Started)
            {
                throw new CommandException(CommandFailure.Failed, NotOnline(volume));
            }

            return volume.Status == VolumeStatus.Started
                ? volume : await SaveAsync(volume, volume.With(VolumeStatus.Started), cancellation);
        }
        finally
        {
            supervisor.EndStarting(name);
        }
    }, cancellation);

    /// <summary>Ends serving the bricks; answers when clients can use none of them any more.</summary>
    /// <param name="force">A volume that is not started is fine too.</param>
    public Task<Volume> StopAsync(string name, bool force, CancellationToken cancellation) => AloneAsync(async () =>
    {
        var volume = Find(name);
        if (volume.Status != VolumeStatus.Started)
        {
            return force ? volume : throw new CommandException(
                CommandFailure.Conflict, $"Volume {name} is not in the started state");
        }

        var ports = LocalBricks(volume).ToDictionary(b => b.Path, b => supervisor.StateOf(b.Path).Port);
        var stopped = await SaveAsync(volume, volume.With(VolumeStatus.Stopped), cancellation);
        if (!await GoneAsync(stopped, ports, cancellation))
        {
            Log.Error("volumes", "bricks of a stopped volume still serve", ("volume", name));
        }

        return stopped;
    }, cancellation);

    /// <summary>Forgets a volume that is not started. Its bricks keep their data and their marks.</summary>
    public Task<Volume> DeleteAsync(string name, CancellationToken cancellation) => AloneAsync(async () =>
    {
        var volume = Find(name);
        if (volume.Status == VolumeStatus.Started)
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"Volume {name} has been started.Volume needs to be stopped before deletion.");
        }

        await CommitAsync(
            [Condition.Unchanged(StateKeys.Volume(name), catalog.RevisionOf(name))],
            [Operation.DeleteKey(StateKeys.Volume(name))], name, cancellation);
        Log.Information("volumes", "volume deleted", ("volume", name), ("id", volume.Id));
        return volume;
    }, cancellation);

    /// <summary>What runs of one volume. Only of a started one, as in GlusterFS.</summary>
    public VolumeReport Status(string name, bool detail)
    {
        var volume = Find(name);
        if (volume.Status != VolumeStatus.Started)
        {
            throw new CommandException(CommandFailure.Conflict, $"Volume {name} is not started");
        }

        var mounts = detail ? MountTable.Read() : [];
        return new VolumeReport(volume, [.. volume.Bricks.Select(b => Report(b, detail, mounts))]);
    }

    private static void CheckMark(Volume volume, Brick brick)
    {
        var id = BrickDirectory.ReadVolumeId(brick.Path, out var error);
        if (error == Errno.ENOENT)
        {
            throw new CommandException(
                CommandFailure.Failed,
                $"Failed to find brick directory {brick.Path} for volume {volume.Name}. "
                + $"Reason : {BrickDirectory.Words(error)}");
        }

        if (id is null)
        {
            throw new CommandException(
                CommandFailure.Failed,
                $"Failed to get extended attribute {BrickDirectory.VolumeIdXattr} for brick dir {brick.Path}. "
                + $"Reason : {BrickDirectory.Words(error == Errno.Ok ? Errno.EINVAL : error)}");
        }

        if (id != volume.Id)
        {
            throw new CommandException(
                CommandFailure.Failed,
                $"Volume id mismatch for brick {brick.FullName}. Expected volume id {volume.Id}, volume id {id} found");
        }
    }

    private BrickReport Report(Brick brick, bool detail, IReadOnlyList<MountEntry> mounts)
    {
        var state = supervisor.StateOf(brick.Path);
        BrickDetail? more = null;
        if (detail && MountTable.Holding(mounts, brick.Path) is { } mount
            && Sys.PathSpace(brick.Path, out var space) >= 0)
        {
            more = new BrickDetail(mount.Device, mount.FileSystem, mount.Options, space);
        }

        return new BrickReport(brick, state.Online, state.Online ? state.Port : 0, state.Online ? state.Pid : 0, more);
    }

    private IEnumerable<Brick> LocalBricks(Volume volume) => volume.Bricks.Where(b => b.Node == node.Id);

    private string NotOnline(Volume volume)
    {
        var refused = Refused(volume);
        var reason = refused is null ? null : supervisor.WhyRefused(volume, refused);
        var what = refused is null
            ? $"The bricks did not come online within {Limits.BrickStartMs / 1000} seconds."
            : $"Brick {refused.FullName} cannot be served: {reason ?? "no reason is given"}.";
        return $"Commit failed on localhost. {what} Please check log file {supervisor.BrickLog} for details.";
    }

    private Brick? Refused(Volume volume) =>
        LocalBricks(volume).FirstOrDefault(b => supervisor.StateOf(b.Path).Refused);

    private bool AllOnline(Volume volume) => LocalBricks(volume).All(b => supervisor.StateOf(b.Path).Online);

    private async Task<bool> GoneAsync(Volume volume, Dictionary<string, int> ports, CancellationToken cancellation)
    {
        var deadlineNs = seams.Clock.MonotonicNs + (Limits.BrickStopMs * 1_000_000);
        await supervisor.RoundAsync(cancellation);
        foreach (var brick in LocalBricks(volume))
        {
            var port = ports[brick.Path];
            while (port > 0 && await probe.ProbeAsync(port, volume, brick, cancellation) == ProbeResult.Serving)
            {
                if (seams.Clock.MonotonicNs > deadlineNs)
                {
                    return false;
                }

                await Pauses.WaitAsync(seams.Scheduler, Limits.ProbePeriodMs / 2, cancellation);
            }
        }

        return true;
    }

    private async Task<T> AloneAsync<T>(Func<Task<T>> command, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            if (_mustRecover)
            {
                await RecoverAsync(cancellation);
            }

            return await command();
        }
        catch (StateStoreException)
        {
            _mustRecover = true;
            throw;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<Volume> SaveAsync(Volume before, Volume after, CancellationToken cancellation)
    {
        await CommitAsync(
            [Condition.Unchanged(StateKeys.Volume(after.Name), catalog.RevisionOf(after.Name))],
            [Operation.PutValue(StateKeys.Volume(after.Name), VolumeJson.ToBytes(after))], after.Name, cancellation);
        Log.Information(
            "volumes", "volume changed", ("volume", after.Name), ("version", after.Version),
            ("from", before.Status), ("to", after.Status));
        return after;
    }

    /// <summary>
    /// Commits if nobody else has changed what the command was decided on, and waits until everyone in this process
    /// sees it.
    /// </summary>
    private async Task CommitAsync(
        Condition[] conditions, Operation[] operations, string name, CancellationToken cancellation)
    {
        var result = await store.CommitAsync(new StateTransaction(conditions, operations, []), cancellation);
        if (!result.Succeeded)
        {
            throw new CommandException(
                CommandFailure.Conflict, $"Volume {name} was changed by another node at the same time; try again");
        }

        await catalog.ReachAsync(result.Revision, cancellation);
    }
}
