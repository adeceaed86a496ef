using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text.Json.Nodes;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Campaigns;

/// <summary>
/// What a cluster should have: its volumes, and every directory on the disks of its nodes with the mark it should carry. Chooses
/// commands that are possible.
/// </summary>
internal sealed class ClusterModel(NodeBed bed, bool hasAddBrick)
{
    private const int VolumesMax = 6;
    private const int BricksMax = 8;

    /// <summary>One in so many of the directories of deleted volumes stays, for a later create with force.</summary>
    private const int KeptOneIn = 2;

    private readonly SortedDictionary<string, ModelVolume> _volumes = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _former = new(StringComparer.Ordinal); // Paths with the id of their volume.
    private readonly HashSet<string> _plain = []; // Directories that were never bricks.
    private int _serial;

    public IReadOnlyDictionary<string, ModelVolume> Volumes => _volumes;

    /// <summary>The spare machine belongs to the cluster.</summary>
    public bool HasSpare { get; private set; }

    /// <summary>Nodes that belong to the cluster.</summary>
    public IEnumerable<BedNode> Members => HasSpare ? bed.Nodes.Append(bed.Spare) : bed.Nodes;

    /// <summary>Directories that are there and are not bricks, with the volume id that they carry; empty for none.</summary>
    public IEnumerable<(string Path, string Mark)> OtherDirectories =>
        _former.Select(f => (f.Key, f.Value)).Concat(_plain.Select(p => (p, "")));

    /// <summary>A command that the cluster must be able to do now.</summary>
    public ModelCommand Choose(SimRandom random)
    {
        var possible = new List<Func<ModelCommand>>();
        void Add(int weight, Func<ModelCommand> command) => possible.AddRange(Enumerable.Repeat(command, weight));
        if (_volumes.Count < VolumesMax)
        {
            Add(_volumes.Count < 3 ? 12 : 4, () => Create(random));
        }

        Add(3, ChangeMembers);
        foreach (var volume in _volumes.Values)
        {
            Add(1, () => Set(volume, random));
            Add(volume.Settings.Count > 0 ? 1 : 0, () => Reset(volume, random));
            Add(hasAddBrick && volume.Bricks.Count < BricksMax ? 2 : 0, () => AddBrick(volume, random));
            if (volume.Status == "Started")
            {
                Add(2, () => Change(volume, "stop", HttpMethod.Post, "/stop", volume with { Status = "Stopped" }));
            }
            else
            {
                Add(3, () => Change(volume, "start", HttpMethod.Post, "/start", volume with { Status = "Started" }));
                Add(1, () => Change(volume, "delete", HttpMethod.Delete, "", null));
            }
        }

        return possible[random.Below(possible.Count)]();
    }

    /// <summary>The command has happened, or not.</summary>
    /// <param name="formerId">Id of the volume that was deleted.</param>
    public void Settle(ModelCommand command, bool happened, string? formerId, SimRandom random)
    {
        if (!happened)
        {
            return;
        }

        if (command.MemberAfter is { } member)
        {
            HasSpare = member;
            return;
        }

        if (command.After is { } after)
        {
            _volumes[after.Name] = after;
            foreach (var brick in after.Bricks)
            {
                _former.Remove(brick.Path);
                _plain.Remove(brick.Path);
            }

            return;
        }

        _volumes.Remove(command.Volume);
        foreach (var brick in command.Before!.Bricks)
        {
            if (random.Below(KeptOneIn) == 0)
            {
                _former[brick.Path] = formerId!;
            }
            else
            {
                Directory.Delete(brick.Path, recursive: true);
            }
        }
    }

    /// <summary>Takes what there is for right: the volumes of the store, and no directory that is not a brick of one.</summary>
    public void Adopt(IReadOnlyDictionary<string, string> store)
    {
        HasSpare = IsMember(store);
        _volumes.Clear();
        _former.Clear();
        _plain.Clear();
        foreach (var (key, value) in store.Where(e => e.Key.StartsWith("volume/", StringComparison.Ordinal)))
        {
            _volumes[key["volume/".Length..]] = ModelVolume.Read(value).Volume;
        }

        var bricks = _volumes.Values.SelectMany(v => v.Bricks.Select(b => b.Path)).ToHashSet();
        foreach (var path in bed.Nodes.SelectMany(n => Directory.GetDirectories(n.Disk)).Where(p => !bricks.Contains(p)))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>The spare machine has a record in the store.</summary>
    public bool IsMember(IReadOnlyDictionary<string, string> store) => store.Any(
        e => e.Key.StartsWith("node/", StringComparison.Ordinal) && e.Value.Contains($"\"{bed.Spare.Address}\"", StringComparison.Ordinal));

    private ModelCommand ChangeMembers() => HasSpare
        ? new ModelCommand("peer detach", "", HttpMethod.Delete, $"peers/{bed.Spare.Address}", null, null, null) { MemberAfter = false }
        : new ModelCommand("peer probe", "", HttpMethod.Post, "peers", new JsonObject { ["host"] = bed.Spare.Address }, null, null)
        {
            MemberAfter = true,
        };

    private ModelCommand Create(SimRandom random)
    {
        var name = $"v{++_serial}";
        var nodes = Some(random, 1 + random.Below(bed.Nodes.Count));
        var (bricks, force) = NewBricks(nodes, random);
        var body = new JsonObject
        {
            ["name"] = name,
            ["bricks"] = new JsonArray([.. bricks.Select(b => (JsonNode)$"{bed[NameOf(b)].Address}:{b.Path}")]),
            ["force"] = force,
        };
        var after = new ModelVolume(name, "Created", bricks, ImmutableSortedDictionary<string, string>.Empty);
        return new ModelCommand("create", name, HttpMethod.Post, "volumes", body, null, after);
    }

    private ModelCommand AddBrick(ModelVolume volume, SimRandom random)
    {
        var (bricks, force) = NewBricks(Some(random, 1 + random.Below(2)), random);
        var body = new JsonObject
        {
            ["bricks"] = new JsonArray([.. bricks.Select(b => (JsonNode)$"{bed[NameOf(b)].Address}:{b.Path}")]),
            ["force"] = force,
        };
        var after = volume with { Bricks = volume.Bricks.AddRange(bricks) };
        return new ModelCommand("add-brick", volume.Name, HttpMethod.Post, $"volumes/{volume.Name}/bricks", body, volume, after);
    }

    private static ModelCommand Set(ModelVolume volume, SimRandom random)
    {
        var (key, values) = ModelVolume.Keys[random.Below(ModelVolume.Keys.Count)];
        var value = values[random.Below(values.Length)];
        var body = new JsonObject { ["options"] = new JsonArray(new JsonObject { ["key"] = key, ["value"] = value }) };
        return new ModelCommand(
            "set", volume.Name, HttpMethod.Put, $"volumes/{volume.Name}/options", body, volume,
            volume with { Settings = volume.Settings.SetItem(key, value) });
    }

    private static ModelCommand Reset(ModelVolume volume, SimRandom random)
    {
        var key = volume.Settings.Keys.ElementAt(random.Below(volume.Settings.Count));
        return Change(
            volume, "reset", HttpMethod.Delete, $"/options/{key}", volume with { Settings = volume.Settings.Remove(key) });
    }

    private static ModelCommand Change(ModelVolume volume, string kind, HttpMethod method, string what, ModelVolume? after) =>
        new(kind, volume.Name, method, $"volumes/{volume.Name}{what}", null, volume, after);

    /// <summary>
    /// A new path on each node: not there, there and empty, there with a file in it, or the brick of a deleted volume.
    /// </summary>
    private (ImmutableList<ModelBrick> Bricks, bool Force) NewBricks(IReadOnlyList<BedNode> nodes, SimRandom random)
    {
        var bricks = new List<ModelBrick>();
        var force = false;
        foreach (var node in nodes)
        {
            var reused = random.Below(3) == 0 ? _former.Keys.FirstOrDefault(f => f.StartsWith(node.Disk + "/", StringComparison.Ordinal)) : null;
            var path = reused ?? Path.Combine(node.Disk, $"b{++_serial}");
            force |= reused is not null;
            if (reused is null && random.Below(3) == 0)
            {
                Directory.CreateDirectory(path);
                _plain.Add(path);
                if (random.Below(2) == 0)
                {
                    File.WriteAllText(Path.Combine(path, "kept"), "of the owner");
                }
            }

            bricks.Add(new ModelBrick(node.Id, path));
        }

        return ([.. bricks], force);
    }

    private string NameOf(ModelBrick brick) => bed.Nodes.First(n => n.Id == brick.Node).Name;

    private List<BedNode> Some(SimRandom random, int count)
    {
        var left = bed.Nodes.ToList();
        var chosen = new List<BedNode>();
        while (chosen.Count < count)
        {
            var index = random.Below(left.Count);
            chosen.Add(left[index]);
            left.RemoveAt(index);
        }

        return chosen;
    }
}
