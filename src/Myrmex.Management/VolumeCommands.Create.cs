using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
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

/// <summary>What <c>volume create</c> is asked for; bricks as "HOST:PATH".</summary>
internal sealed record CreateRequest(string Name, IReadOnlyList<string> Bricks)
{
    public int ReplicaCount { get; init; } = 1;

    public int ArbiterCount { get; init; }

    /// <summary>
    /// Allows bricks on the root file system, on a mount point, and on directories of deleted volumes.
    /// </summary>
    public bool Force { get; init; }
}

internal sealed partial class VolumeCommands
{
    private const string UseForce = "Or use 'force' at the end of the command if you want to override this behavior.";

    public Task<Volume> CreateAsync(CreateRequest request, CancellationToken cancellation) => AloneAsync(async () =>
    {
        CheckRequest(request);
        var bricks = await ResolveAsync(request, cancellation);
        foreach (var brick in bricks)
        {
            CheckBrick(brick, request.Force);
        }

        var volume = NewVolume(request, bricks);
        var intent = new CreateIntent(volume.Id, [.. bricks.Select(b => BrickDirectory.Look(b.Path))])
        {
            Node = node.Id.ToString(),
        };
        var intended = await IntendAsync(volume.Name, intent, cancellation);
        try
        {
            var isSpread = bricks.Count > 1 && bricks.All(b => BrickDirectory.IsEmpty(b.Path));
            volume = volume with { Bricks = [.. bricks.Select(b => Mark(b, volume.Id, isSpread))] };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CommandException)
        {
            await TakeBackAsync(volume.Name, intent, cancellation);
            throw e as CommandException ?? new CommandException(CommandFailure.Failed, e.Message);
        }

        // Bound to this intent: should it arrive late, after the intent was taken back, it does nothing.
        await CommitAsync(
            [Condition.Unchanged(StateKeys.Intent(volume.Name), intended)],
            [
                Operation.PutValue(StateKeys.Volume(volume.Name), VolumeJson.ToBytes(volume)),
                Operation.DeleteKey(StateKeys.Intent(volume.Name)),
            ],
            volume.Name, cancellation);
        Log.Information(
            "volumes", "volume created", ("volume", volume.Name), ("id", volume.Id), ("bricks", bricks.Count));
        return volume;
    }, cancellation);

    /// <summary>
    /// Takes back what commands of this node left unfinished, by a former daemon or because the store was away; call
    /// once before any command.
    /// </summary>
    public async Task RecoverAsync(CancellationToken cancellation)
    {
        foreach (var entry in await store.RangeAsync(KeyRange.Prefix(StateKeys.Intents), cancellation))
        {
            var name = entry.Key[StateKeys.Intents.Length..];
            var intent = CreateIntent.FromBytes(entry.Value.Span);
            if (intent.Node is null || intent.Node == node.Id.ToString())
            {
                Log.Warning("volumes", "taking back an unfinished volume create", ("volume", name));
                await TakeBackAsync(name, intent, cancellation);
            }
        }

        _mustRecover = false;
    }

    private async Task<Revision> IntendAsync(string name, CreateIntent intent, CancellationToken cancellation)
    {
        var result = await store.CommitAsync(
            new StateTransaction(
                [Condition.Missing(StateKeys.Intent(name)), Condition.Missing(StateKeys.Volume(name))],
                [Operation.PutValue(StateKeys.Intent(name), intent.ToBytes())], []),
            cancellation);
        return result.Succeeded ? result.Revision
            : throw new CommandException(CommandFailure.Conflict, $"Volume {name} is being created by another node");
    }

    private static void CheckRequest(CreateRequest request)
    {
        if (VolumeNames.Problem(request.Name) is { } problem)
        {
            throw new CommandException(CommandFailure.Invalid, problem);
        }

        if (request.Bricks.Count is 0 or > Limits.BricksPerVolumeMax)
        {
            throw new CommandException(CommandFailure.Invalid, $"a volume has 1 to {Limits.BricksPerVolumeMax} bricks");
        }

        if (request.ReplicaCount != 1 || request.ArbiterCount != 0)
        {
            throw new CommandException(
                CommandFailure.Invalid, "replicated volumes are not supported by this version; leave 'replica' out");
        }
    }

    /// <summary>
    /// Splits "HOST:PATH"; the path is absolute and without empty, "." and ".." parts and final slash.
    /// </summary>
    private static (string Host, string Path) SplitBrick(string text)
    {
        var colon = text.IndexOf(":/", StringComparison.Ordinal);
        if (colon <= 0)
        {
            throw new CommandException(
                CommandFailure.Invalid, $"Wrong brick type: {text}, use <HOSTNAME>:<export-dir-abs-path>");
        }

        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(text[(colon + 1)..]));
        if (path == "/" || VolumeNames.ValueProblem(text) is not null || path.Any(char.IsWhiteSpace))
        {
            throw new CommandException(
                CommandFailure.Invalid,
                $"Brick path {path} cannot be used: it is / or has spaces or control characters");
        }

        return (text[..colon], path);
    }

    private async Task<List<Brick>> ResolveAsync(CreateRequest request, CancellationToken cancellation)
    {
        var bricks = new List<Brick>();
        foreach (var text in request.Bricks)
        {
            var (host, path) = SplitBrick(text);
            if (bricks.Any(b => b.Path == path))
            {
                throw new CommandException(CommandFailure.Invalid, $"Found duplicate exports {text}");
            }

            bricks.Add(new Brick(host, path, bricks.Count, node.Id, FileSystem: 0));
        }

        if (catalog.Find(request.Name) is not null)
        {
            throw new CommandException(CommandFailure.Conflict, $"Volume {request.Name} already exists");
        }

        foreach (var host in bricks.Select(b => b.Host).Distinct())
        {
            if (!await node.IsLocalAsync(host, cancellation))
            {
                throw new CommandException(CommandFailure.Invalid, $"Host {host} is not in 'Peer in Cluster' state");
            }
        }

        CheckNesting(bricks);
        return bricks;
    }

    private void CheckNesting(List<Brick> bricks)
    {
        var taken = catalog.Volumes.Values.SelectMany(v => v.Bricks).Where(b => b.Node == node.Id).ToList();
        foreach (var brick in bricks)
        {
            if (taken.Any(other => Overlap(other.Path, brick.Path)))
            {
                throw NotAvailable(brick);
            }

            if (bricks.FirstOrDefault(b => b != brick && Overlap(b.Path, brick.Path)) is { } other)
            {
                var parent = other.Path.Length < brick.Path.Length ? other.Path : brick.Path;
                throw new CommandException(
                    CommandFailure.Conflict, $"parent directory {parent} is already part of a volume");
            }
        }

        static bool Overlap(string one, string two) =>
            one == two || one.StartsWith(two + "/", StringComparison.Ordinal) || two.StartsWith(
                one + "/", StringComparison.Ordinal);
    }

    private static CommandException NotAvailable(Brick brick) => new(
        CommandFailure.Conflict,
        $"Brick: {brick.FullName} not available. Brick may be containing or be contained by an existing brick.");

    /// <summary>Looks only; what is missing is made later.</summary>
    private void CheckBrick(Brick brick, bool force)
    {
        // By the mark too, and whatever force says: the path may lead there through a symbolic link.
        if (BrickDirectory.ReadVolumeId(brick.Path, out _) is { } id && catalog.Volumes.Values.Any(v => v.Id == id))
        {
            throw NotAvailable(brick);
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

        if (force)
        {
            return;
        }

        CheckPlace(brick, nearest);
        if (BrickDirectory.FindVolumeOn(brick.Path) is { } marked)
        {
            throw new CommandException(
                CommandFailure.Conflict,
                (marked == brick.Path ? string.Empty : "parent directory ") + $"{marked} is already part of a volume");
        }
    }

    private static void CheckPlace(Brick brick, string nearest)
    {
        if (MountTable.Read().Any(m => m.MountPoint == brick.Path))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"The brick {brick.FullName} is a mount point. Please create a sub-directory under the mount point and "
                + $"use that as the brick directory. {UseForce}");
        }

        if (Sys.PathDevice(nearest) == Sys.PathDevice("/"))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"The brick {brick.FullName} is being created in the root partition. It is recommended that you don't "
                + $"use the system's root partition for storage backend. {UseForce}");
        }
    }

    private static Brick Mark(Brick brick, VolumeId volume, bool isSpread)
    {
        BrickDirectory.Mark(brick.Path, volume, isSpread);
        var device = Sys.PathDevice(brick.Path);
        return device >= 0
            ? brick with { FileSystem = (ulong)device }
            : throw new CommandException(
                CommandFailure.Failed, $"{brick.Path}: {BrickDirectory.Words(Sys.ErrorOf(device))}");
    }

    private Volume NewVolume(CreateRequest request, List<Brick> bricks) => new()
    {
        Name = request.Name,
        Id = new VolumeId(seams.NewGfid()),
        ReplicaCount = request.ReplicaCount,
        ArbiterCount = request.ArbiterCount,
        Bricks = bricks,
        NextBrickIndex = bricks.Count,
        Settings = VolumeOptions.AtCreation,
        Username = seams.NewGfid().ToString(),
        Password = NewPassword(seams.Random),
    };

    private static string NewPassword(IRandom random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.Fill(bytes);
        var text = Convert.ToHexStringLower(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return text;
    }

    /// <summary>Undoes in reverse order, then forgets the intent; done twice is done once.</summary>
    private async Task TakeBackAsync(string name, CreateIntent intent, CancellationToken cancellation)
    {
        foreach (var brick in intent.Bricks.Reverse())
        {
            try
            {
                BrickDirectory.Unmark(brick, intent.VolumeId);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Log.Warning(
                    "volumes", "a brick directory keeps the mark of a volume that was not created",
                    ("reason", e.Message));
            }
        }

        await store.DeleteAsync(StateKeys.Intent(name), cancellation);
    }
}
