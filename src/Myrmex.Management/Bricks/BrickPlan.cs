using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Cluster;
using Myrmex.Volumes;

namespace Myrmex.Management.Bricks;

/// <summary>
/// From "HOST:PATH" as an administrator writes it to bricks on nodes of the cluster, and what can be refused without
/// looking at their directories.
/// </summary>
internal sealed class BrickPlan(ClusterView view, BrickHosts hosts)
{
    public static CommandException NotAvailable(Brick brick) => new(
        CommandFailure.Conflict,
        $"Brick: {brick.FullName} not available. Brick may be containing or be contained by an existing brick.");

    /// <param name="firstIndex">Of the first of the new bricks.</param>
    public async Task<List<Brick>> ResolveAsync(
        IReadOnlyList<string> texts, int firstIndex, CancellationToken cancellation)
    {
        if (texts.Count is 0 or > Limits.BricksPerVolumeMax)
        {
            throw new CommandException(CommandFailure.Invalid, $"a volume has 1 to {Limits.BricksPerVolumeMax} bricks");
        }

        var split = new List<(string Text, string Host, string Path)>();
        foreach (var text in texts)
        {
            var (host, path) = Split(text);
            if (split.Any(s => s.Host == host && s.Path == path))
            {
                throw new CommandException(CommandFailure.Invalid, $"Found duplicate exports {text}");
            }

            split.Add((text, host, path));
        }

        var nodes = new Dictionary<string, NodeId>(StringComparer.Ordinal);
        foreach (var host in split.Select(s => s.Host).Distinct())
        {
            nodes[host] = await hosts.FindAsync(host, cancellation) ?? throw new CommandException(
                CommandFailure.Invalid, $"Host {host} is not in 'Peer in Cluster' state");
        }

        return [.. split.Select((s, i) => new Brick(s.Host, s.Path, firstIndex + i, nodes[s.Host], FileSystem: 0))];
    }

    /// <summary>The brick of a volume that an administrator calls so.</summary>
    public async Task<Brick> FindAsync(Volume volume, string text, CancellationToken cancellation)
    {
        var (host, path) = Split(text);
        var named = volume.Bricks.FirstOrDefault(b => b.Host == host && b.Path == path);
        if (named is null && await hosts.FindAsync(host, cancellation) is { } node)
        {
            named = volume.Bricks.FirstOrDefault(b => b.Node == node && b.Path == path);
        }

        return named ?? throw new CommandException(
            CommandFailure.NotFound, $"brick: {text} does not exist in volume: {volume.Name}");
    }

    /// <summary>Refuses directories that are, hold or lie in bricks of other volumes, or of one another.</summary>
    /// <param name="op">The op that this is for; others' plans count.</param>
    /// <param name="renewed">A brick whose directory may be taken; null for none.</param>
    public void CheckNesting(IReadOnlyList<Brick> bricks, string op, Brick? renewed = null)
    {
        var taken = view.Volumes.Rows.Values.SelectMany(v => v.Value.Bricks)
            .Where(b => renewed is null || b.Node != renewed.Node || b.Path != renewed.Path)
            .Concat(view.Ops.Rows.Values.Where(o => o.Value.Id != op).SelectMany(
                o => o.Value.Planned.Bricks.Where(b => o.Value.NewBricks.Contains(b.Index))))
            .ToList();
        foreach (var brick in bricks)
        {
            if (taken.Any(other => other.Node == brick.Node && Overlap(other.Path, brick.Path)))
            {
                throw NotAvailable(brick);
            }

            if (taken.Concat(bricks).FirstOrDefault(o => o.Node == brick.Node && SharesName(o, brick)) is { } same)
            {
                throw new CommandException(
                    CommandFailure.Conflict,
                    $"Brick: {brick.FullName} not available. {same.FullName} is too like it: a name with "
                    + $"{Brick.MemberSuffix} behind it stands for a member of a replica set.");
            }

            if (bricks.FirstOrDefault(
                b => b != brick && b.Node == brick.Node && Overlap(b.Path, brick.Path)) is { } other)
            {
                var parent = other.Path.Length < brick.Path.Length ? other.Path : brick.Path;
                throw new CommandException(
                    CommandFailure.Conflict, $"parent directory {parent} is already part of a volume");
            }
        }
    }

    /// <summary>Refuses nodes that are not heard of.</summary>
    public void CheckAlive(IEnumerable<NodeId> nodes)
    {
        foreach (var node in nodes.Where(n => !view.IsAlive(n)))
        {
            throw new CommandException(CommandFailure.Conflict, $"Host {view.NameOf(node)} is not connected");
        }
    }

    /// <summary>Two copies of the same files on one node would go with it; refused without force.</summary>
    public void CheckCopies(IReadOnlyList<Brick> bricks, int replicaCount)
    {
        for (var at = 0; replicaCount > 1 && at + replicaCount <= bricks.Count; at += replicaCount)
        {
            if (bricks.Skip(at).Take(replicaCount).GroupBy(b => b.Node).FirstOrDefault(g => g.Count() > 1) is { } twice)
            {
                throw new CommandException(
                    CommandFailure.Invalid,
                    "Multiple bricks of a replicate volume are present on the same server. This setup is not optimal. "
                    + "Bricks should be on different nodes to have best fault tolerant configuration. Use 'force' at "
                    + $"the end of the command if you want to override this behavior. ({view.NameOf(twice.Key)})");
            }
        }
    }

    /// <summary>One of them is named as clients would name the other one as a member.</summary>
    private static bool SharesName(Brick one, Brick two) =>
        one.Path == two.MemberExport || two.Path == one.MemberExport;

    private static bool Overlap(string one, string two) =>
        one == two || one.StartsWith(two + "/", StringComparison.Ordinal)
        || two.StartsWith(one + "/", StringComparison.Ordinal);

    /// <summary>
    /// Splits "HOST:PATH"; the path is absolute and without empty, "." and ".." parts and final slash.
    /// </summary>
    private static (string Host, string Path) Split(string text)
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
}
