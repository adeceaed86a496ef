using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management;
using Myrmex.Volumes;

namespace Myrmex.Unit.Tests.Management.BrickAdmin;

/// <summary>One volume that can be set and reset.</summary>
internal sealed class FakeVolumes(Volume volume) : IVolumeCommands
{
    public Volume Volume { get; set; } = volume;

    /// <summary>Changes that were made: what was set or reset together is one.</summary>
    public List<string> Changes { get; } = [];

    public IReadOnlyList<Volume> List() => [Volume];

    public Volume Find(string name) => name == Volume.Name
        ? Volume : throw new CommandException(CommandFailure.NotFound, $"Volume {name} does not exist");

    public VolumeReport Status(string name, bool detail) => throw new NotSupportedException();

    public IReadOnlyList<OptionReport> Get(string name, string? key) => throw new NotSupportedException();

    public Task<Volume> CreateAsync(CreateRequest request, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<Volume> StartAsync(VolumeTarget target, bool force, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<Volume> StopAsync(VolumeTarget target, bool force, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<Volume> DeleteAsync(VolumeTarget target, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<Volume> SetAsync(
        VolumeTarget target, IReadOnlyList<VolumeSetting> settings, CancellationToken cancellation)
    {
        Changes.Add("set " + string.Join(' ', settings.Select(s => $"{s.Key}={s.Value}")));
        Volume = settings.Aggregate(Volume, (v, s) => v.With(s));
        return Task.FromResult(Volume);
    }

    public Task<Volume> ResetAsync(VolumeTarget target, string? key, bool force, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<Volume> ResetAsync(VolumeTarget target, IReadOnlyList<string> keys, CancellationToken cancellation)
    {
        Changes.Add("reset " + string.Join(' ', keys));
        Volume = Volume.Without(s => keys.Contains(s.Key));
        return Task.FromResult(Volume);
    }
}
