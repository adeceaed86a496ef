using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>
/// The commands on volumes, as the REST service calls them. All throw <see cref="CommandException"/>. Those that change
/// a volume do it only if what their target expects holds in that very transaction.
/// </summary>
internal interface IVolumeCommands
{
    IReadOnlyList<Volume> List();

    Volume Find(string name);

    VolumeReport Status(string name, bool detail);

    /// <param name="key">Null for all options.</param>
    IReadOnlyList<OptionReport> Get(string name, string? key);

    Task<Volume> CreateAsync(CreateRequest request, CancellationToken cancellation);

    Task<Volume> StartAsync(VolumeTarget target, bool force, CancellationToken cancellation);

    Task<Volume> StopAsync(VolumeTarget target, bool force, CancellationToken cancellation);

    Task<Volume> DeleteAsync(VolumeTarget target, CancellationToken cancellation);

    Task<Volume> SetAsync(VolumeTarget target, IReadOnlyList<VolumeSetting> settings, CancellationToken cancellation);

    /// <param name="key">Null for all options.</param>
    Task<Volume> ResetAsync(VolumeTarget target, string? key, bool force, CancellationToken cancellation);

    /// <summary>All keys at once.</summary>
    Task<Volume> ResetAsync(VolumeTarget target, IReadOnlyList<string> keys, CancellationToken cancellation);
}
