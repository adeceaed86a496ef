using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Base;
using Myrmex.Management.Bricks;
using Myrmex.Management.Proxies;
using Myrmex.Replication.Engine;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>
/// Whether the store, the brick directories and the brick process of this node agree. Looks only. While commands run
/// the answer may name what is about to change.
/// </summary>
internal sealed class LocalAudit(
    DaemonOptions options, ClusterView view, LocalNode node, BrickSupervisor supervisor,
    ProxySupervisor proxies, IProcessControl processes)
{
    /// <summary>What does not agree, in words; empty when all is well.</summary>
    public IReadOnlyList<string> Look()
    {
        var findings = new List<string>();
        foreach (var (op, _) in view.Ops.Rows.Values)
        {
            findings.Add($"a command is under way: {op.Kind} of volume {op.Volume}, {op.Phase}, by {op.Coordinator}");
        }

        foreach (var (volume, holder) in view.VolumeLocks.Rows.Where(l => !view.Ops.Rows.ContainsKey(l.Value.Value)))
        {
            findings.Add($"volume {volume} is locked by {holder.Value}, which is not under way");
        }

        foreach (var part in view.Parts.Rows.Values.Where(p => !view.Ops.Rows.ContainsKey(p.Value.Op)))
        {
            findings.Add($"node {part.Value.Node} has a part of {part.Value.Op}, which is not under way");
        }

        LookAtReplicaSets(findings);
        LookAtDirectories(findings);
        LookAtProcess(findings);
        LookAtProxy(findings);
        return findings;
    }

    private void LookAtReplicaSets(List<string> findings)
    {
        var volumes = view.Volumes.Rows.Values.Select(v => v.Value).Where(v => v.HasJournals).ToList();
        bool IsOwned(string key) => volumes.Exists(v => key.StartsWith(v.StorePrefix, StringComparison.Ordinal));
        var keys = view.State.Current.Entries.Keys.Where(
            k => k.StartsWith(Volume.ReplicaPrefix, StringComparison.Ordinal));
        foreach (var key in keys.Where(k => !IsOwned(k)))
        {
            findings.Add($"{key} is of a volume that does not exist");
        }

        foreach (var volume in volumes)
        {
            foreach (var key in volume.ReplicaSets.Select(s => volume.StorePrefixOf(s) + StoreState.ConfigurationKey)
                .Where(k => view.Find(k) is null))
            {
                findings.Add($"{key} of volume {volume.Name} is missing");
            }
        }
    }

    private void LookAtDirectories(List<string> findings)
    {
        foreach (var (volume, _) in view.Volumes.Rows.Values)
        {
            foreach (var brick in volume.Bricks.Where(b => b.Node == node.Id && !b.IsReset))
            {
                var id = BrickDirectory.ReadVolumeId(brick.Path, out var error);
                if (id != volume.Id)
                {
                    var found = id?.ToString() ?? BrickDirectory.Words(error == Errno.Ok ? Errno.ENODATA : error);
                    findings.Add($"brick {brick.FullName} of volume {volume.Name} has another mark: {found}");
                }
                else if (!Directory.Exists(brick.Internals))
                {
                    findings.Add($"brick {brick.FullName} of volume {volume.Name} has no .glusterfs");
                }
                else if (volume.HasJournals && !Directory.Exists(brick.JournalDirectory))
                {
                    findings.Add($"brick {brick.FullName} of volume {volume.Name} has no journal");
                }
            }
        }
    }

    private void LookAtProxy(List<string> findings)
    {
        foreach (var run in proxies.Runs.Where(r => !r.Online))
        {
            findings.Add($"volume {run.Volume} is not served to thin clients");
        }

        var running = processes.Find("--volumes", options.ProxyList) is not null;
        if (running != (proxies.Runs.Count > 0))
        {
            findings.Add(running ? "a proxy runs for no volume" : "no proxy runs");
        }
    }

    private void LookAtProcess(List<string> findings)
    {
        var started = view.Volumes.Rows.Values.Where(v => v.Value.Status == VolumeStatus.Started)
            .SelectMany(v => v.Value.Bricks.Where(b => b.Node == node.Id && !b.IsReset)
                .Select(b => (Volume: v.Value, Brick: b)))
            .ToList();
        foreach (var (volume, brick) in started.Where(s => !supervisor.StateOf(s.Brick.Path).Online))
        {
            findings.Add($"brick {brick.FullName} of started volume {volume.Name} is not online");
        }

        foreach (var run in supervisor.Run.Bricks.Where(r => started.All(s => s.Brick.Path != r.Path)))
        {
            findings.Add($"brick {run.Path} is served, and no started volume has it");
        }

        var running = processes.Find("--bricks", options.BrickList) is not null;
        if (running != (started.Count > 0))
        {
            findings.Add(running ? "a brick process runs for no brick" : "no brick process runs");
        }

        var wanted = started.Select(s => $"{s.Brick.VolfileKey(s.Volume.Name)}.vol").Order().ToList();
        var files = Directory.Exists(options.VolfileDirectory)
            ? Directory.EnumerateFiles(options.VolfileDirectory).Select(f => Path.GetFileName(f)).Order().ToList() : [];
        if (!wanted.SequenceEqual(files))
        {
            findings.Add($"volume files are [{string.Join(' ', files)}], should be [{string.Join(' ', wanted)}]");
        }
    }
}
