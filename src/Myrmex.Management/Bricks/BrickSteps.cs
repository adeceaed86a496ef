using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Management.Cluster;
using Myrmex.Management.State;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;

namespace Myrmex.Management.Bricks;

/// <summary>The steps of ops on the brick directories and the brick process of this node.</summary>
internal sealed class BrickSteps(ClusterView view, NodeId node, BrickSupervisor supervisor) : IOpSteps
{
    private const string UseForce = "Or use 'force' at the end of the command if you want to override this behavior.";

    public bool Check(Op op)
    {
        if (op.Kind == OpKind.Start)
        {
            foreach (var brick in Mine(op))
            {
                CheckMark(op.Planned, brick);
            }

            return false;
        }

        foreach (var brick in Mine(op))
        {
            CheckDirectory(op, brick);
            CheckNothingIsIn(op, brick);
            CheckJournal(op, brick);
        }

        return Mine(op).All(b => BrickDirectory.IsEmpty(b.Path));
    }

    public async Task FreeAsync(Op op, CancellationToken cancellation)
    {
        foreach (var brick in Mine(op).Where(b => IsRenewed(op, b)))
        {
            if (!await supervisor.WaitAsync(() => IsLetGo(brick.Path), Limits.BrickStopMs, cancellation))
            {
                throw new CommandException(
                    CommandFailure.Failed,
                    $"Brick {brick.FullName} is still in use by the brick process. Please check log file "
                    + $"{supervisor.BrickLog} for details.");
            }

            CheckNothingIsIn(op, brick); // Again: until now it may have been written to.
        }
    }

    /// <summary>
    /// Of a directory that is renewed an empty .glusterfs is nothing that was there: what is in it later is the new
    /// member's.
    /// </summary>
    public IReadOnlyList<BrickBefore> Look(Op op) =>
    [
        .. Mine(op).Select(b => BrickDirectory.Look(b.Path) is var before && IsRenewed(op, b)
            ? before with { HadInternals = false } : before),
    ];

    public IReadOnlyDictionary<int, ulong> Mark(Op op)
    {
        var fileSystems = new Dictionary<int, ulong>();
        foreach (var brick in Mine(op))
        {
            try
            {
                if (IsRenewed(op, brick))
                {
                    BrickJournal.Clean(brick.Path);
                }

                BrickDirectory.Mark(brick.Path, op.Planned.Id, op.IsSpread);
                if (op.Planned.HasJournals)
                {
                    BrickJournal.Format(
                        brick, op.Kind == OpKind.ReplaceBrick ? MemberStatus.Learner : MemberStatus.Voter);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CommandException(CommandFailure.Failed, e.Message);
            }

            var device = Sys.PathDevice(brick.Path);
            fileSystems[brick.Index] = device >= 0 ? (ulong)device : throw new CommandException(
                CommandFailure.Failed, $"{brick.Path}: {BrickDirectory.Words(Sys.ErrorOf(device))}");
        }

        return fileSystems;
    }

    public async Task ServeAsync(Op op, CancellationToken cancellation)
    {
        var bricks = Mine(op).ToList();
        bool AllOnline() => bricks.All(b => supervisor.StateOf(b.Path).Online);
        bool IsOver() => !view.Ops.TryFind(op.Id, out var row) || row.Value.Phase != OpPhase.Do;
        await supervisor.WaitAsync(
            () => AllOnline() || Refused(bricks) is not null || IsOver(), Limits.BrickStartMs, cancellation);
        var wasStarted = op.Kind == OpKind.Start && op.Planned.Version > 1 && op.Force
            && view.Volumes.TryFind(op.Volume, out var volume) && volume.Value.Status == VolumeStatus.Started;
        if (!AllOnline() && !wasStarted)
        {
            throw new CommandException(CommandFailure.Failed, NotOnline(op, bricks));
        }
    }

    /// <summary>
    /// Undoes in reverse order, once the brick process has let go of the directories; done twice is done once.
    /// </summary>
    public async Task TakeBackAsync(Op op, OpPart part, CancellationToken cancellation)
    {
        if (part.Before.Count > 0)
        {
            await supervisor.WaitAsync(
                () => part.Before.All(b => IsLetGo(b.Path)), Limits.BrickStopMs, cancellation);
        }

        foreach (var brick in part.Before.Reverse())
        {
            try
            {
                if (op.Planned.HasJournals && Mine(op).FirstOrDefault(b => b.Path == brick.Path) is { } member)
                {
                    BrickJournal.Remove(member, op.Planned.Id);
                }

                BrickDirectory.Unmark(brick, op.Planned.Id);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Log.Warning(
                    "ops", "a brick directory keeps the mark of a command that was taken back",
                    ("reason", e.Message));
            }
        }
    }

    private IEnumerable<Brick> Mine(Op op) =>
        op.Planned.Bricks.Where(b => b.Node == node && op.NewBricks.Contains(b.Index));

    private bool IsLetGo(string path) => supervisor.Run.Bricks.All(r => r.Path != path);

    /// <summary>The new brick is in the directory of the one that it replaces.</summary>
    private bool IsRenewed(Op op, Brick brick) => op.Kind == OpKind.ReplaceBrick
        && view.Volumes.TryFind(op.Volume, out var row)
        && row.Value.Bricks.Any(b => b.Node == brick.Node && b.Path == brick.Path);

    private void CheckNothingIsIn(Op op, Brick brick)
    {
        if (!op.Planned.HasJournals)
        {
            return;
        }

        var isRenewed = IsRenewed(op, brick);
        if ((isRenewed ? BrickJournal.RenewalProblem(brick.Path) : BrickJournal.Problem(brick.Path)) is { } problem)
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"The bricks of a replica set must begin equal, and brick {brick.FullName} cannot be one: {problem}. "
                + (isRenewed ? "Empty the directory, .glusterfs included" :
                    "Name a directory that is empty or does not exist") + "; 'force' does not help.");
        }
    }

    private Brick? Refused(List<Brick> bricks) => bricks.FirstOrDefault(b => supervisor.StateOf(b.Path).Refused);

    private string NotOnline(Op op, List<Brick> bricks)
    {
        var refused = Refused(bricks);
        var reason = refused is null ? null : supervisor.WhyRefused(op.Planned, refused);
        var what = refused is null
            ? $"The bricks did not come online within {Limits.BrickStartMs / 1000} seconds."
            : $"Brick {refused.FullName} cannot be served: {reason ?? "no reason is given"}.";
        var where = op.Coordinator == node ? "localhost" : view.NameOf(node);
        return $"Commit failed on {where}. {what} Please check log file {supervisor.BrickLog} for details.";
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

    /// <summary>Looks only; what is missing is made later.</summary>
    private void CheckDirectory(Op op, Brick brick)
    {
        var isRenewed = IsRenewed(op, brick);

        // By the mark too, and whatever force says: the path may lead there through a symbolic link.
        if (BrickDirectory.ReadVolumeId(brick.Path, out _) is { } id
            && !(isRenewed && id == op.Planned.Id) && view.Volumes.Rows.Values.Any(v => v.Value.Id == id))
        {
            throw BrickPlan.NotAvailable(brick);
        }

        if (File.Exists(brick.Path))
        {
            throw new CommandException(
                CommandFailure.Invalid,
                $"The provided path {brick.Path} which is already present, is not a directory");
        }

        var parent = Path.GetDirectoryName(brick.Path)!;
        if (!Directory.Exists(parent))
        {
            throw new CommandException(
                CommandFailure.Failed,
                $"Failed to create brick directory for brick {brick.FullName}. "
                + $"Reason : {BrickDirectory.Words(Errno.ENOENT)} ");
        }

        var nearest = Directory.Exists(brick.Path) ? brick.Path : parent;
        if (BrickDirectory.TryXattrs(nearest) is var error and not Errno.Ok)
        {
            throw new CommandException(
                CommandFailure.Failed,
                $"The file system of brick {brick.FullName} cannot be used. Setting extended attributes failed, "
                + $"reason: {BrickDirectory.Words(error)}");
        }

        if (op.Force)
        {
            return;
        }

        CheckPlace(brick, nearest);
        if (BrickDirectory.FindVolumeOn(isRenewed ? parent : brick.Path) is { } marked)
        {
            throw new CommandException(
                CommandFailure.Conflict,
                (marked == brick.Path ? string.Empty : "parent directory ") + $"{marked} is already part of a volume");
        }
    }

    /// <summary>The directory of a journal that has a disk of its own is the administrator's to make.</summary>
    private static void CheckJournal(Op op, Brick brick)
    {
        if (brick.Journal is not { } journal)
        {
            return;
        }

        var directory = Path.GetDirectoryName(journal)!; // By its form.
        if (!Directory.Exists(directory))
        {
            throw new CommandException(
                CommandFailure.Failed,
                $"There is no directory {directory} for the journal of brick {brick.FullName} on its node: make it, "
                + "on a file system that is mounted when the node starts");
        }

        if (!op.Force && IsInRootPartition(directory))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"The directory {directory} for the journal of brick {brick.FullName} is in the root partition. "
                + UseForce);
        }
    }

    private static bool IsInRootPartition(string path) => Sys.PathDevice(path) == Sys.PathDevice("/");

    private static void CheckPlace(Brick brick, string nearest)
    {
        if (MountTable.Read().Any(m => m.MountPoint == brick.Path))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"The brick {brick.FullName} is a mount point. Please create a sub-directory under the mount point and "
                + $"use that as the brick directory. {UseForce}");
        }

        if (IsInRootPartition(nearest))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"The brick {brick.FullName} is being created in the root partition. It is recommended that you don't "
                + $"use the system's root partition for storage backend. {UseForce}");
        }
    }
}
