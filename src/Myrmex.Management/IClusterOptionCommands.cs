using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
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

    Task SetAsync(IReadOnlyList<VolumeSetting> settings, CancellationToken cancellation);

    /// <param name="key">Null for all.</param>
    Task ResetAsync(string? key, CancellationToken cancellation);
}
