using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Cluster;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>
/// The options of all volumes at once, kept at <c>cluster/options</c>. Settings that come here have been checked with
/// <see cref="ClusterOptions.Problem"/>.
/// </summary>
internal interface IClusterOptionCommands
{
    /// <summary>What was set.</summary>
    IReadOnlyDictionary<string, string> Settings { get; }

    /// <summary>Entity tag of what was set.</summary>
    string Tag => ClusterOptionValues.TagOf(Settings);

    /// <param name="expected">What must hold for all of them in the instant of the change; null for nothing.</param>
    Task SetAsync(
        IReadOnlyList<VolumeSetting> settings, Precondition? expected, CancellationToken cancellation);

    /// <param name="key">Null for all.</param>
    /// <param name="expected">As of <see cref="SetAsync"/>.</param>
    Task ResetAsync(string? key, Precondition? expected, CancellationToken cancellation);
}
