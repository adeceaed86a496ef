using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Management.State;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>What <c>volume create</c> is asked for; bricks as "HOST:PATH".</summary>
internal sealed record CreateRequest(string Name, IReadOnlyList<string> Bricks)
{
    public int ReplicaCount { get; init; } = 1;

    /// <summary>Of a set: 0, or 1 of the copies.</summary>
    public int ArbiterCount { get; init; }

    /// <summary>
    /// GlusterFS says <c>replica 3 arbiter 1</c> and <c>replica 2 arbiter 1</c> for the same: two copies and an
    /// arbiter.
    /// </summary>
    public CreateRequest Normal() => this is { ArbiterCount: 1, ReplicaCount: ReplicaSet.CopiesWithArbiter - 1 }
        ? this with { ReplicaCount = ReplicaSet.CopiesWithArbiter } : this;

    /// <summary>
    /// The setting <see cref="VolumeOptions.JournalDirectory"/> from the start; null for journals in the bricks.
    /// </summary>
    public string? JournalDirectory { get; init; }

    /// <summary>
    /// Allows bricks on the root file system, on a mount point, and on directories of deleted volumes.
    /// </summary>
    public bool Force { get; init; }
}

internal sealed partial class VolumeCommands
{
    public Task<Volume> CreateAsync(CreateRequest request, CancellationToken cancellation) => DecideAsync(async () =>
    {
        request = request.Normal();
        CheckRequest(request);
        CheckNewSets(request.Bricks.Count, request.ReplicaCount);
        var taken = view.Find(StateKeys.BrickCounter);
        if (view.Volumes.TryFind(request.Name, out _))
        {
            throw new CommandException(CommandFailure.Conflict, $"Volume {request.Name} already exists");
        }

        var bricks = await plan.ResolveAsync(request.Bricks, firstIndex: 0, cancellation);
        var volume = NewVolume(request, bricks);
        CheckJournals(volume, request.JournalDirectory);
        var op = NewOp(
            OpKind.Create, volume.FormReplicaSets(NewIncarnation),
            [.. bricks.Select(b => b.Node).Distinct()], [.. bricks.Select(b => b.Index)], request.Force);
        plan.CheckNesting(bricks, op.Id);
        plan.CheckAlive(op.Nodes);
        if (!request.Force)
        {
            plan.CheckCopies(bricks, request.ReplicaCount);
        }

        var (unchanged, raise, _) = StateCounter.Step(StateKeys.BrickCounter, taken);
        return await RunOpAsync(op, Revision.None, [unchanged], [raise], (o, parts) =>
        {
            var created = o.Planned with { Bricks = WithFileSystems(o.Planned.Bricks, parts) };
            var told = writer.NewEvent(
                EventTypes.VolumeCreate, created.Name, data: Data(("id", created.Id.ToString())));
            return new OpEnd(created, told) { Also = ReplicaKeys.Creation(created, first: 0) };
        }, cancellation);
    });

    /// <summary>Adds subvolumes to a distributed volume. Existing directories go on using the old ones.</summary>
    public Task<Volume> AddBrickAsync(
        VolumeTarget target, AddBrickRequest request, CancellationToken cancellation) => DecideAsync(async () =>
    {
        var bricks = request.Bricks;
        var taken = view.Find(StateKeys.BrickCounter);
        var (volume, modified) = await RowAsync(target, cancellation);
        request = request.For(volume);
        if (request.ReplicaCount > 0 && bricks.Count % request.ReplicaCount != 0)
        {
            throw new CommandException(
                CommandFailure.Invalid,
                $"Incorrect number of bricks ({bricks.Count}) supplied for replica count ({request.ReplicaCount}).");
        }

        if (request.ReplicaCount > 0 && request.ReplicaCount != volume.ReplicaCount)
        {
            throw new CommandException(
                CommandFailure.NotSupported, "the number of copies of a volume cannot be changed in this version");
        }

        if (request.ArbiterCount is { } arbiters && arbiters != volume.ArbiterCount)
        {
            throw new CommandException(
                CommandFailure.NotSupported,
                volume.ArbiterCount > 0 ? "the replica sets of this volume have an arbiter each, and new ones must too"
                    : "an arbiter cannot be added to replica sets that have none in this version");
        }

        if (bricks.Count % volume.ReplicaCount != 0)
        {
            throw new CommandException(
                CommandFailure.Invalid,
                $"Incorrect number of bricks supplied {bricks.Count} with count {volume.ReplicaCount}");
        }

        var added = await plan.ResolveAsync(bricks, volume.NextBrickIndex, cancellation);
        if (volume.Bricks.Count + added.Count > Limits.BricksPerVolumeMax)
        {
            throw new CommandException(CommandFailure.Invalid, $"a volume has 1 to {Limits.BricksPerVolumeMax} bricks");
        }

        CheckNewSets(added.Count, volume.ReplicaCount);
        if (!request.Force)
        {
            plan.CheckCopies(added, volume.ReplicaCount);
        }

        var grown = volume with
        {
            Bricks = [.. volume.Bricks, .. added],
            NextBrickIndex = volume.NextBrickIndex + added.Count,
            Version = volume.Version + 1,
        };
        var planned = grown.FormReplicaSets(NewIncarnation);
        var op = NewOp(
            OpKind.AddBrick, planned, [.. added.Select(b => b.Node).Distinct()], [.. added.Select(b => b.Index)],
            request.Force);
        plan.CheckNesting(added, op.Id);
        plan.CheckAlive(op.Nodes);
        var (unchanged, raise, _) = StateCounter.Step(StateKeys.BrickCounter, taken);
        return await RunOpAsync(op, modified, [unchanged], [raise], (o, parts) =>
        {
            var done = o.Planned with { Bricks = WithFileSystems(o.Planned.Bricks, parts) };
            var told = writer.NewEvent(
                EventTypes.VolumeAddBrick, volume.Name,
                data: Data(("bricks", string.Join(' ', added.Select(b => b.FullName)))));
            return new OpEnd(done, told) { Also = ReplicaKeys.Creation(done, volume.ReplicaSets.Count) };
        }, cancellation);
    });

    private static void CheckRequest(CreateRequest request)
    {
        if (VolumeNames.Problem(request.Name) is { } problem)
        {
            throw new CommandException(CommandFailure.Invalid, problem);
        }

        if (request.ArbiterCount is not (0 or 1)
            || (request.ArbiterCount == 1 && request.ReplicaCount != ReplicaSet.CopiesWithArbiter))
        {
            throw new CommandException(
                CommandFailure.Invalid,
                "For arbiter configuration, replica count must be 2 or 3, and the arbiter count 1: 'replica 3 arbiter "
                + "1' and 'replica 2 arbiter 1' both make two copies and an arbiter, which is every third brick");
        }

        if (request.ReplicaCount != 1 && request.ReplicaCount is < ReplicaSet.CopiesMin or > ReplicaSet.CopiesMax)
        {
            throw new CommandException(
                CommandFailure.Invalid,
                $"replica count should be {ReplicaSet.CopiesMin} to {ReplicaSet.CopiesMax}, "
                + $"not {request.ReplicaCount}");
        }

        if (request.Bricks.Count % request.ReplicaCount != 0)
        {
            throw new CommandException(
                CommandFailure.Invalid,
                $"number of bricks is not a multiple of replica count: {request.Bricks.Count} bricks, "
                + $"replica {request.ReplicaCount}");
        }
    }

    private static void CheckJournals(Volume volume, string? directory)
    {
        if (directory is not null
            && VolumeOptions.Problem(volume, VolumeOptions.JournalDirectory, directory) is { } problem)
        {
            throw new CommandException(CommandFailure.Invalid, problem);
        }
    }

    private static void CheckNewSets(int bricks, int replicaCount)
    {
        if (replicaCount > 1 && bricks / replicaCount > Limits.NewReplicaSetsMax)
        {
            throw new CommandException(
                CommandFailure.Invalid,
                $"one command makes at most {Limits.NewReplicaSetsMax} replica sets; add the others with add-brick");
        }
    }

    private static IReadOnlyList<Brick> WithFileSystems(IReadOnlyList<Brick> bricks, IReadOnlyList<OpPart> parts)
    {
        var known = parts.SelectMany(p => p.FileSystems).ToDictionary(f => f.Key, f => f.Value);
        return [.. bricks.Select(b => known.TryGetValue(b.Index, out var device) ? b with { FileSystem = device } : b)];
    }

    private Volume NewVolume(CreateRequest request, List<Brick> bricks) => new()
    {
        Name = request.Name,
        Id = new VolumeId(seams.NewGfid()),
        ReplicaCount = request.ReplicaCount,
        ArbiterCount = request.ArbiterCount,
        Replication = request.ReplicaCount > 1 ? ReplicationKind.Journal : ReplicationKind.None,
        Bricks = bricks,
        NextBrickIndex = bricks.Count,
        Settings = request.JournalDirectory is { } directory
            ? [new(VolumeOptions.JournalDirectory, directory), .. VolumeOptions.AtCreation] : VolumeOptions.AtCreation,
        Username = seams.NewGfid().ToString(),
        Password = NewPassword(seams.Random),
    };

    private ulong NewIncarnation()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        seams.Random.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    private static string NewPassword(IRandom random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.Fill(bytes);
        var text = Convert.ToHexStringLower(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return text;
    }
}
