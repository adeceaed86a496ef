using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Cluster;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <param name="IsDefault">Nobody has set it.</param>
internal sealed record OptionReport(string Key, string? Value, bool IsDefault);

internal sealed partial class VolumeCommands
{
    /// <summary>Makes all settings or none. Clients and bricks hear of it at once.</summary>
    public Task<Volume> SetAsync(
        VolumeTarget target, IReadOnlyList<VolumeSetting> settings,
        CancellationToken cancellation) => DecideAsync(async () =>
    {
        var volume = (await RowAsync(target, cancellation)).Value;
        foreach (var setting in settings)
        {
            if (VolumeOptions.Problem(volume, setting.Key, setting.Value) is { } problem)
            {
                throw new CommandException(CommandFailure.Invalid, problem);
            }
        }

        var changed = settings.Aggregate(volume, (v, setting) => v.With(setting)) with { Version = volume.Version + 1 };
        if (settings.Any(s => s.Key == VolumeOptions.ProxyNodes) && placement.Stranger(changed) is { } stranger)
        {
            throw new CommandException(
                CommandFailure.Invalid, $"Host {stranger} is not in 'Peer in Cluster' state");
        }

        return await SaveAsync(volume, changed, Told(EventTypes.VolumeSet, volume.Name, settings), cancellation);
    });

    /// <summary>Takes settings back to their defaults.</summary>
    /// <param name="key">One option, or null for all.</param>
    /// <param name="force">GlusterFS' word for options that are protected; none of ours is.</param>
    public Task<Volume> ResetAsync(
        VolumeTarget target, string? key, bool force, CancellationToken cancellation) => DecideAsync(async () =>
    {
        var volume = (await RowAsync(target, cancellation)).Value;
        if (key is not null)
        {
            CheckReset(key);
        }

        return await ResetAsync(volume, s => key is null || s.Key == key, cancellation);
    });

    /// <summary>Takes settings back to their defaults, all at once.</summary>
    public Task<Volume> ResetAsync(
        VolumeTarget target, IReadOnlyList<string> keys, CancellationToken cancellation) => DecideAsync(async () =>
    {
        foreach (var key in keys)
        {
            CheckReset(key);
        }

        var volume = (await RowAsync(target, cancellation)).Value;
        return await ResetAsync(volume, s => keys.Contains(s.Key), cancellation);
    });

    /// <summary>The value of one option or of all, defaults included.</summary>
    public IReadOnlyList<OptionReport> Get(string name, string? key)
    {
        var volume = Find(name);
        if (key is null)
        {
            return
            [
                .. VolumeOptions.All.Select(o => Report(volume, o.Key)),
                .. volume.Settings.Where(s => VolumeOptions.IsUserKey(s.Key)).Select(s => Report(volume, s.Key)),
            ];
        }

        if (VolumeOptions.Find(key) is null && volume.Setting(key) is null)
        {
            throw new CommandException(CommandFailure.NotFound, $"Did you mean {VolumeOptions.Closest(key)}?");
        }

        return [Report(volume, key)];
    }

    /// <summary>What a new volume has set comes back with the value that it has there, as in GlusterFS.</summary>
    private async Task<Volume> ResetAsync(
        Volume volume, Func<VolumeSetting, bool> goes, CancellationToken cancellation)
    {
        var going = volume.Settings.Where(s => goes(s) && !VolumeOptions.AtCreation.Contains(s)).ToList();
        var coming = VolumeOptions.AtCreation.Where(s => goes(s) && volume.Setting(s.Key) != s.Value).ToList();
        if (going.Count == 0 && coming.Count == 0)
        {
            return volume;
        }

        var kept = coming.Select(s => s.Key).ToHashSet(StringComparer.Ordinal);
        var changed = volume.Without(s => going.Contains(s) && !kept.Contains(s.Key));
        changed = coming.Aggregate(changed, (v, s) => v.With(s)) with { Version = volume.Version + 1 };
        return await SaveAsync(
            volume, changed, Told(EventTypes.VolumeReset, volume.Name, [.. going, .. coming]), cancellation);
    }

    private ClusterEvent Told(string type, string volume, IReadOnlyList<VolumeSetting> settings) => writer.NewEvent(
        type, volume, data: settings.GroupBy(s => s.Key).ToDictionary(g => g.Key, g => g.Last().Value));

    private static void CheckReset(string key)
    {
        if (VolumeOptions.Find(key) is null && !VolumeOptions.IsUserKey(key))
        {
            throw new CommandException(
                CommandFailure.NotFound, $"Option {key} does not exist\nDid you mean {VolumeOptions.Closest(key)}?");
        }
    }

    private static OptionReport Report(Volume volume, string key)
    {
        var set = volume.Setting(key);
        return new OptionReport(key, set ?? VolumeOptions.Find(key)?.Declaration.Default, set is null);
    }
}
