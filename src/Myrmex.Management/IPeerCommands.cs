using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management;

/// <summary>
/// The commands on the nodes of the cluster, as the REST service calls them. All throw <see cref="CommandException"/>.
/// </summary>
internal interface IPeerCommands
{
    /// <summary>This node first.</summary>
    Task<IReadOnlyList<PeerMessage>> ListAsync(CancellationToken cancellation);

    Task<ProbedMessage> ProbeAsync(string host, CancellationToken cancellation);

    /// <param name="force">Also a node that is not heard of.</param>
    /// <returns>The node that went.</returns>
    Task<PeerMessage> DetachAsync(string host, bool force, CancellationToken cancellation);

    /// <param name="labels">A null value removes a label.</param>
    Task<PeerMessage> LabelAsync(
        string host, IReadOnlyDictionary<string, string?> labels, CancellationToken cancellation);
}
