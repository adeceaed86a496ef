using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Myrmex.Unit.Tests.Tidy;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>
/// What the fops on names cost: calls to subvolumes, and round trips one after the other. The table in the README of the
/// translator is made here; it is compared line by line.
/// </summary>
public sealed class DhtCallTests
{
    private const int BrickCount = 4;

    private static readonly string ReadMe =
        Path.Combine(Repository.Root, "src/Translators/Myrmex.Cluster/Dht/README.md");

    [Fact]
    public void TheTableOfTheReadMeIsWhatHappens()
    {
        SynchronizationContext.SetSynchronizationContext(null); // Everything runs on this thread, continuations too.
        var lines = new[]
        {
            Measure("create", null, (v, s) => v.TryCreateAsync(s.At, s.NameOn1)),
            Measure("mkdir", null, (v, s) => v.MkdirAsync(s.At, s.NameOn1)),
            Measure("rmdir", (v, s) => v.MkdirAsync(s.At, s.NameOn1), (v, s) => v.RmdirAsync(s.At, s.NameOn1)),
            Measure("unlink", null, (v, s) => v.UnlinkAsync(s.At, s.File)),
            Measure(
                "unlink, with link file", (v, s) => v.RenameAsync(s.At, s.File, s.At, s.NameOn1),
                (v, s) => v.UnlinkAsync(s.At, s.NameOn1)),
            Measure("link, same subvolume", null, (v, s) => v.LinkAsync(s.Gfid, s.At, s.NameOn0)),
            Measure("link, hashes elsewhere", null, (v, s) => v.LinkAsync(s.Gfid, s.At, s.NameOn1)),
            Measure(
                "rename, same subvolume", null, (v, s) => v.RenameAsync(s.At, s.File, s.At, s.NameOn0)),
            Measure(
                "rename, hashes elsewhere", null, (v, s) => v.RenameAsync(s.At, s.File, s.At, s.NameOn1)),
            Measure(
                "rename, hashes elsewhere, replaces", (v, s) => v.CreateAsync(s.At, s.NameOn1),
                (v, s) => v.RenameAsync(s.At, s.File, s.At, s.NameOn1)),
            Measure(
                "rename of a directory", (v, s) => v.MkdirAsync(s.At, s.NameOn0),
                (v, s) => v.RenameAsync(s.At, s.NameOn0, s.At, s.NameOn1)),
        };
        var text = File.ReadAllText(ReadMe);
        Assert.True(lines.All(line => text.Contains(line + "\n", StringComparison.Ordinal)), string.Join("\n", lines));
    }

    /// <summary>A line of the table for a fop by root, after the look-ups with which a kernel prepares it.</summary>
    private static string Measure(
        string what, Func<DhtVolume, Scene, Task>? prepare, Func<DhtVolume, Scene, Task> act)
    {
        var world = new SimWorld(1);
        var bricks = new DhtBricks(BrickCount, world.AddNode("client").Seams);
        var volume = new DhtVolume(bricks);
        Run(world, volume.MountAsync());
        var parent = volume.MkdirAsync(Gfid.Root, "parent");
        Run(world, parent);
        var scene = new Scene
        {
            At = parent.Result,
            File = volume.NameOn(parent.Result, 0, "file"),
            NameOn0 = volume.NameOn(parent.Result, 0, "new"),
            NameOn1 = volume.NameOn(parent.Result, 1, "new"),
        };
        var making = volume.CreateAsync(scene.At, scene.File);
        Run(world, making);
        scene.Gfid = making.Result;
        if (prepare is not null)
        {
            Run(world, prepare(volume, scene));
        }

        foreach (var name in new[] { scene.File, scene.NameOn0, scene.NameOn1 })
        {
            Run(world, volume.LookupAsync(scene.At, name));
        }

        var seen = new List<(FopCode Code, object Fop)>();
        foreach (var probe in volume.Probes)
        {
            probe.Seen = seen;
            probe.Travel = () => Arrived(world);
        }

        var start = world.NowNs;
        Run(world, act(volume, scene));
        var trips = (world.NowNs - start) / 2_000_000;
        var calls = seen.GroupBy(s => s.Code).OrderBy(g => g.Key.ToString(), StringComparer.Ordinal)
            .Select(g => $"{g.Key.ToString().ToUpperInvariant()} {g.Count()}");
        return string.Create(
            CultureInfo.InvariantCulture, $"| {what} | {trips} | {seen.Count} | {string.Join(", ", calls)} |");
    }

    private static Task Arrived(SimWorld world)
    {
        var arrived = new TaskCompletionSource();
        world.After(1, arrived.SetResult);
        return arrived.Task;
    }

    private static void Run(SimWorld world, Task task)
    {
        Assert.True(world.RunUntil(() => task.IsCompleted, limitMs: 10_000));
        task.GetAwaiter().GetResult();
    }

    /// <summary>A file on subvolume 0 and names that hash to subvolumes 0 and 1.</summary>
    private sealed class Scene
    {
        public required Gfid At { get; init; }

        public required string File { get; init; }

        public required string NameOn0 { get; init; }

        public required string NameOn1 { get; init; }

        public Gfid Gfid { get; set; }
    }
}
