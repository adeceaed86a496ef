using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// Compares everything that a command may have touched: the store, what every daemon says, every directory on the nodes' disks with its
/// marks, the brick processes, their lists and their volume files. Each difference is one line.
/// </summary>
internal sealed class ClusterAudit(NodeBed bed, ClusterModel model, SortedDictionary<string, string> store)
{
    private const string VolumeId = "trusted.glusterfs.volume-id";
    private const string CommitHash = "trusted.glusterfs.dht.commithash";

    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(5);

    private readonly List<string> _differences = [];

    public IReadOnlyList<string> Run()
    {
        var volumes = ReadVolumes();
        CheckRests();
        CheckEvents();
        CheckDaemons(volumes);
        CheckPeers();
        CheckOwn();
        CheckDirectories(volumes);
        foreach (var node in bed.Nodes)
        {
            CheckProcess(node, volumes);
        }

        return _differences;
    }

    private Dictionary<string, (ModelVolume Volume, string Id)> ReadVolumes()
    {
        var found = new Dictionary<string, (ModelVolume, string)>();
        foreach (var (key, value) in Below("volume/"))
        {
            found[key] = ModelVolume.Read(value);
        }

        foreach (var name in found.Keys.Union(model.Volumes.Keys))
        {
            var wanted = model.Volumes.GetValueOrDefault(name);
            var there = found.TryGetValue(name, out var v) ? v.Item1 : null;
            if (there is null ? wanted is not null : !there.IsSame(wanted))
            {
                _differences.Add($"the store has {there?.ToString() ?? "no " + name}, expected {wanted?.ToString() ?? "none"}");
            }
        }

        return found;
    }

    private void CheckRests()
    {
        foreach (var key in store.Keys.Where(IsOfACommand))
        {
            _differences.Add($"left in the store: {key} = {store[key]}");
        }

        var records = Below("node/").Count();
        if (records != model.Members.Count())
        {
            _differences.Add($"the store has {records} nodes, expected {model.Members.Count()}");
        }

        foreach (var node in model.Members)
        {
            foreach (var key in new[] { $"node/{node.Id}", $"alive/{node.Id}", $"run/{node.Id}" }.Where(k => !store.ContainsKey(k)))
            {
                _differences.Add($"{node.Name} has no {key}");
            }
        }
    }

    /// <summary>True for what only a command under way has.</summary>
    public static bool IsOfACommand(string key) =>
        key.StartsWith("op/", StringComparison.Ordinal) || key.StartsWith("part/", StringComparison.Ordinal)
        || key.StartsWith("lock/", StringComparison.Ordinal);

    private void CheckEvents()
    {
        var numbers = Below("event/").Select(e => long.Parse(e.Key, System.Globalization.CultureInfo.InvariantCulture)).Order().ToList();
        if (numbers.Count > 0 && (numbers[^1] - numbers[0] + 1 != numbers.Count || store.GetValueOrDefault("counter/event") != $"{numbers[^1]}"))
        {
            _differences.Add($"events {numbers[0]} to {numbers[^1]} are {numbers.Count}, the counter is {store.GetValueOrDefault("counter/event")}");
        }
    }

    private void CheckDaemons(Dictionary<string, (ModelVolume Volume, string Id)> volumes)
    {
        var expected = string.Join(' ', volumes.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key}:{v.Value.Volume.Status}"));
        foreach (var node in model.Members)
        {
            var answer = node.Rest.Get("volumes", Brief);
            var told = string.Join(' ', answer.Body?["volumes"]?.AsArray().Select(v => $"{v!["name"]}:{v["status"]}") ?? []);
            if (!answer.Succeeded || told != expected)
            {
                _differences.Add($"the daemon of {node.Name} says '{told}{answer.Why}', the store '{expected}'");
            }
        }
    }

    /// <summary>Every member knows all of them, and a machine that is none knows itself alone.</summary>
    private void CheckPeers()
    {
        foreach (var node in bed.Nodes.Append(bed.Spare))
        {
            var wanted = model.Members.Contains(node) ? model.Members.Count() : 1;
            var answer = node.Rest.Get("peers", Brief);
            var peers = answer.Body?["peers"]?.AsArray();
            var connected = peers?.Count(p => p!["connected"]!.GetValue<bool>()) ?? 0;
            if (peers?.Count != wanted || connected != wanted)
            {
                _differences.Add($"{node.Name} knows {peers?.Count} nodes, {connected} of them connected, expected {wanted} {answer.Why}");
            }
        }
    }

    /// <summary>What the product's own audit finds.</summary>
    private void CheckOwn()
    {
        var answer = bed.Nodes[0].Rest.Get("cluster/audit", Brief);
        if (!answer.Succeeded)
        {
            _differences.Add($"cluster/audit: {answer.Why}");
        }

        foreach (var node in answer.Body?["nodes"]?.AsArray() ?? [])
        {
            _differences.AddRange(node!["findings"]!.AsArray().Select(f => $"cluster/audit on {node["name"]}: {f}"));
            if (node["problem"] is { } problem)
            {
                _differences.Add($"cluster/audit on {node["name"]}: {problem}");
            }
        }
    }

    private void CheckDirectories(Dictionary<string, (ModelVolume Volume, string Id)> volumes)
    {
        var wanted = volumes.Values.SelectMany(v => v.Volume.Bricks.Select(b => (b.Path, Mark: v.Id, IsBrick: true)))
            .Concat(model.OtherDirectories.Select(d => (d.Path, d.Mark, IsBrick: d.Mark.Length > 0)))
            .ToDictionary(d => d.Path, d => (d.Mark, d.IsBrick));
        var there = bed.Nodes.SelectMany(n => Directory.GetDirectories(n.Disk)).ToList();
        _differences.AddRange(there.Where(p => !wanted.ContainsKey(p)).Select(p => $"left on a disk: {p}"));
        var marks = ReadMarks(there);
        foreach (var (path, (mark, isBrick)) in wanted)
        {
            if (!marks.TryGetValue(path, out var found))
            {
                _differences.Add($"{path} is not there");
                continue;
            }

            if (found.Mark != mark)
            {
                _differences.Add($"{path} carries the mark '{found.Mark}', expected '{mark}'");
            }

            if (Directory.Exists(Path.Combine(path, ".glusterfs")) != isBrick)
            {
                _differences.Add($"{path}: .glusterfs {(isBrick ? "is missing" : "was left")}");
            }

            if (!isBrick && found.HasHash)
            {
                _differences.Add($"{path} has kept a commit hash");
            }
        }
    }

    /// <summary>Volume ids in text form, and whether there is a commit hash.</summary>
    private static Dictionary<string, (string Mark, bool HasHash)> ReadMarks(List<string> paths)
    {
        var found = paths.ToDictionary(p => p, _ => (Mark: "", HasHash: false));
        if (paths.Count == 0)
        {
            return found;
        }

        var text = Shell.Run("/", Shell.DefaultLimit, "getfattr", ["--absolute-names", "-d", "-m", "^trusted\\.glusterfs", "-e", "hex", .. paths]).Output;
        var path = "";
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("# file: ", StringComparison.Ordinal))
            {
                path = line["# file: ".Length..];
            }
            else if (line.StartsWith(VolumeId + "=0x", StringComparison.Ordinal))
            {
                var hex = line[(VolumeId.Length + 3)..];
                found[path] = found[path] with { Mark = Guid.ParseExact(hex, "N").ToString() };
            }
            else if (line.StartsWith(CommitHash + "=", StringComparison.Ordinal))
            {
                found[path] = found[path] with { HasHash = true };
            }
        }

        return found;
    }

    private void CheckProcess(BedNode node, Dictionary<string, (ModelVolume Volume, string Id)> volumes)
    {
        var bricks = volumes.Values.Where(v => v.Volume.Status == "Started")
            .SelectMany(v => v.Volume.Bricks.Where(b => b.Node == node.Id).Select(b => (b.Path, v.Id, v.Volume.Name))).ToList();
        var processes = node.BrickPids;
        if (processes.Count != (bricks.Count > 0 ? 1 : 0))
        {
            _differences.Add($"{node.Name} has {processes.Count} brick processes for {bricks.Count} bricks: {string.Join(' ', processes)}");
        }

        var files = node.BrickList.ToDictionary(f => f, f => File.Exists(f) ? File.ReadAllText(f) : "");
        var others = Directory.Exists($"{node.Home}/volfiles") ? Directory.GetFiles($"{node.Home}/volfiles").Except(files.Keys).ToList() : [];
        _differences.AddRange(others.Select(o => $"left over: {o}"));
        foreach (var (path, id, name) in bricks)
        {
            var own = files.Where(f => f.Value.Contains($"option directory {path}\n", StringComparison.Ordinal)).ToList();
            if (own.Count != 1 || !own[0].Value.Contains($"option volume-id {id}\n", StringComparison.Ordinal))
            {
                _differences.Add($"{node.Name} has {own.Count} volume files for {path} of {name}");
            }
        }

        if (files.Count != bricks.Count)
        {
            _differences.Add($"{node.Name} lists {files.Count} bricks, expected {bricks.Count}: {string.Join(' ', files.Keys)}");
        }

        CheckRun(node, [.. bricks.Select(b => b.Path)]);
    }

    private void CheckRun(BedNode node, List<string> paths)
    {
        var told = JsonNode.Parse(store.GetValueOrDefault($"run/{node.Id}", "{}"))!["bricks"]?.AsArray() ?? [];
        var online = told.Where(b => b!["online"]!.GetValue<bool>()).Select(b => $"{b!["path"]}").Order(StringComparer.Ordinal);
        if (!online.SequenceEqual(paths.Order(StringComparer.Ordinal)))
        {
            _differences.Add($"{node.Name} says online: {string.Join(' ', online)}; expected: {string.Join(' ', paths)}");
        }
    }

    private IEnumerable<KeyValuePair<string, string>> Below(string prefix) => store
        .Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal))
        .Select(e => KeyValuePair.Create(e.Key[prefix.Length..], e.Value));
}
