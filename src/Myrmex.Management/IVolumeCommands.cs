using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>
/// The commands on volumes, as the REST service calls them. All throw <see cref="CommandException"/>.
/// </summary>
internal interface IVolumeCommands
{
    IReadOnlyList<Volume> List();

    Volume Find(string name);

    VolumeReport Status(string name, bool detail);

    /// <param name="key">Null for all options.</param>
    IReadOnlyList<OptionReport> Get(string name, string? key);

    Task<Volume> CreateAsync(CreateRequest request, CancellationToken cancellation);

    Task<Volume> StartAsync(string name, bool force, CancellationToken cancellation);

    Task<Volume> StopAsync(string name, bool force, CancellationToken cancellation);

    Task<Volume> DeleteAsync(string name, CancellationToken cancellation);

    Task<Volume> SetAsync(string name, IReadOnlyList<VolumeSetting> settings, CancellationToken cancellation);

    /// <param name="key">Null for all options.</param>
    Task<Volume> ResetAsync(string name, string? key, bool force, CancellationToken cancellation);

    /// <summary>All keys at once.</summary>
    Task<Volume> ResetAsync(string name, IReadOnlyList<string> keys, CancellationToken cancellation);
}
